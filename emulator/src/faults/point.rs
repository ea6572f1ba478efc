//! Where faults happen.

use super::frame::FrameKind;
use super::rule::Direction;

/// What is about to happen where a fault may step in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hook {
    /// A connection is made.
    Connect,
    /// A connection over TCP is made whose bytes are to be tampered with.
    Bytes,
    /// A frame leaves.
    Out,
    /// A frame has come.
    In,
    /// The store is read.
    Load,
    /// The store is written.
    Write,
    /// A token is taken for an operation.
    Lease,
    /// The clock is read.
    Clock,
    /// The clock that goes on while the machine sleeps is read.
    Awake,
    /// Random bytes are drawn.
    Random,
    /// The holder is asked.
    Ask,
    /// The device is told to do something.
    Operation,
}

impl Hook {
    pub(super) const fn direction(self) -> Option<Direction> {
        match self {
            Self::Out | Self::Bytes => Some(Direction::Out),
            Self::In => Some(Direction::In),
            _ => None,
        }
    }
}

/// An occasion for a fault.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point<'a> {
    pub(super) hook: Hook,
    /// The server's, where one is concerned.
    pub(super) host: Option<&'a str>,
    pub(super) frame: Option<Frame>,
    /// How many occasions of this kind the operation had, this one included.
    pub(super) number: u32,
    /// Of faults that happen here in one operation only.
    pub(super) op: Option<&'static str>,
}

/// A frame on its way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) kind: FrameKind,
    /// On its connection, from 1.
    pub(super) number: u32,
    pub(super) length: usize,
    pub(super) is_datagram: bool,
}

impl<'a> Point<'a> {
    pub(super) const fn new(hook: Hook) -> Self {
        Self { hook, host: None, frame: None, number: 0, op: None }
    }

    pub(super) const fn at(hook: Hook, host: &'a str) -> Self {
        Self { host: Some(host), ..Self::new(hook) }
    }
}
