//! A device: the real core, driven as the SDK drives it (table 3.1 of the design), with a stored record that survives a
//! crash and a memory that does not.

mod cold;
mod pin;
mod receive;
mod warm;

use cardea_protocol::crypto::Provider;
use cardea_protocol::device::{Attempt, AwaitReceipt, Confirm, Enrollment, Record, Resync, Rotation, Session};

use super::config::Want;
use super::confirmations::Shown;
use super::world::World;

pub(crate) use cold::{with_pending, without_pending};
pub(crate) use pin::{Pins, derive_key};

/// Where a device crashes in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Nowhere.
    None,
    /// Before it stores.
    BeforeStore,
    /// After it stored, before it sends or shows anything.
    AfterStore,
}

/// What a device knows but does not store.
pub(crate) enum Memory<P: Provider> {
    /// Nothing.
    Idle,
    /// A cold attempt waits for its answer.
    Cold(Box<Waiting<P>>),
    /// R1 waits for R2.
    Resync(Box<Resync<P>>),
    /// A confirm waits for its answer.
    Confirm(Box<Confirm<P>>),
    /// A warm operation waits for its answer.
    Warm(Box<WarmWaiting<P>>),
    /// E1 waits for E2.
    Enroll(Box<Enrollment<P>>),
    /// E3 waits for E4.
    Keys(Box<AwaitReceipt<P>>),
}

/// A cold attempt in memory.
pub(crate) struct Waiting<P: Provider> {
    pub(crate) attempt: Attempt<P>,
    /// `None` for a RECOVER.
    pub(crate) intent: Option<usize>,
    /// What a RECOVER declares.
    pub(crate) declared: Option<[u8; 32]>,
    /// UNKNOWN_HINT answers so far.
    pub(crate) unknown: u8,
    /// Signed again after STALE already.
    pub(crate) again: bool,
}

/// A warm operation in memory.
pub(crate) struct WarmWaiting<P: Provider> {
    pub(crate) session: Session<P>,
    pub(crate) link: usize,
    pub(crate) id: [u8; 32],
    pub(crate) intent: usize,
    pub(crate) rotation: Option<Rotation>,
}

/// A device, or a thief's copy of one.
pub(crate) struct Device<P: Provider> {
    /// Durable.
    pub(crate) stored: Option<Record>,
    pub(crate) memory: Memory<P>,
    pub(crate) session: Option<(Session<P>, usize)>,
    /// The frame that it sent last.
    pub(crate) sent: Option<usize>,
    /// What its holder remembers.
    pub(crate) pins: Pins,
    pub(crate) is_thief: bool,
    /// A thief that still holds the victim's own RECOVER.
    pub(crate) holds_recovery: bool,
    /// How much its clock is ahead.
    pub(crate) skew: i64,
    /// The row of the server that it is about, once there is one.
    pub(crate) entry: Option<usize>,
    /// The texts that it was shown last.
    pub(crate) shown: Vec<Shown>,
    /// Which of them is answered next.
    pub(crate) answers: u32,
}

impl<P: Provider> Device<P> {
    pub(crate) fn new(pins: Pins, skew: i64) -> Self {
        Self {
            stored: None,
            memory: Memory::Idle,
            session: None,
            sent: None,
            pins,
            is_thief: false,
            holds_recovery: false,
            skew,
            entry: None,
            shown: Vec::new(),
            answers: 0,
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        matches!(self.memory, Memory::Idle)
    }

    /// The app dies: what was in memory is gone.
    pub(crate) fn crash(&mut self) {
        self.memory = Memory::Idle;
        self.session = None;
    }

    /// Writes a record, through its stored form.
    pub(crate) fn store(&mut self, record: &Record) {
        self.stored = Some(Record::decode(record.encode().expose()).expect("a record reads back what it wrote"));
    }
}

/// A holder's request, with how it is carried out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) want: Want,
    /// In the warm session if there is one.
    pub(crate) warm: bool,
    pub(crate) cut: Cut,
}

impl<P: Provider> World<P> {
    /// The device's clock.
    pub(crate) fn device_time(&self, device: usize) -> u64 {
        self.now.saturating_add_signed(self.devices[device].skew)
    }

    /// The holder of `device` asks for something.
    pub(crate) fn ask(&mut self, device: usize, asked: Asked) -> bool {
        use cardea_protocol::device::Pending;
        let this = &self.devices[device];
        let Some(record) = &this.stored else { return false };
        let second_program = self.broken == Some(super::config::Mutation::NoLock) && !this.is_idle();
        if !this.is_idle() && !second_program {
            return false;
        }
        if *record.pending() != Pending::None && !second_program {
            return self.recover(device, asked.cut);
        }
        let large = matches!(asked.want, Want::SetPins | Want::Rotate);
        if this.session.is_some() && (large || asked.warm) {
            return self.ask_warm(device, asked);
        }
        let want = if large { Want::Ping } else { asked.want };
        self.start(device, want, None, asked.cut)
    }
}
