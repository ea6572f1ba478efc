//! Frames, and what can be done to them. Everything here is plain bytes in and out.

use cardea_sdk::Entropy;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::rule::Direction;

/// The kind of a frame, as far as its length and first byte tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FrameKind {
    /// A cold request.
    C1,
    /// The answer to one.
    S1,
    /// A plain error.
    Plain,
    /// The key record after a plain error.
    KeyRecord,
    /// A small frame of a session, either way; also the refusal of an enrollment.
    Warm,
    /// A large frame of a session, either way.
    Large,
    /// A request to resync.
    R1,
    /// The answer to one.
    R2,
    /// The beginning of an enrollment.
    E1,
    /// The server's offer.
    E2,
    /// The keys.
    E3,
    /// The receipt.
    E4,
    /// Nothing of this protocol.
    Other,
}

impl FrameKind {
    /// The only way that frames of this kind go, if it is one.
    pub(super) const fn direction(self) -> Option<Direction> {
        match self {
            Self::C1 | Self::R1 | Self::E1 | Self::E3 => Some(Direction::Out),
            Self::S1 | Self::Plain | Self::KeyRecord | Self::R2 | Self::E2 | Self::E4 => Some(Direction::In),
            Self::Warm | Self::Large | Self::Other => None,
        }
    }

    pub(super) fn of(frame: &[u8], dir: Direction) -> Self {
        match (dir, frame.len(), frame.first()) {
            (Direction::Out, 128, _) => Self::C1,
            (Direction::Out, 176, _) => Self::R1,
            (Direction::Out, 58, _) => Self::E1,
            (Direction::Out, 560, _) => Self::E3,
            (Direction::Out, 86, _) | (Direction::In, 30, _) => Self::Warm,
            (_, 254, _) => Self::Large,
            (Direction::In, 63, Some(0..0x80)) => Self::S1,
            (Direction::In, 63, _) => Self::Plain,
            (Direction::In, 105, _) => Self::KeyRecord,
            (Direction::In, 71, _) => Self::R2,
            (Direction::In, 218, _) => Self::E2,
            (Direction::In, 80, _) => Self::E4,
            _ => Self::Other,
        }
    }

    /// Where the ephemeral key begins that is in clear.
    const fn ephemeral(self) -> Option<usize> {
        match self {
            Self::C1 => Some(10),
            Self::R1 => Some(2),
            Self::E1 => Some(9),
            Self::S1 | Self::R2 | Self::E2 => Some(1),
            _ => None,
        }
    }
}

/// Length of a plain error.
const PLAIN: usize = 63;

pub(super) fn random(length: usize, random: &dyn Entropy) -> Vec<u8> {
    let mut bytes = vec![0; length];
    random.fill(&mut bytes);
    bytes
}

/// The first so many bytes.
pub(super) fn truncated(frame: &[u8], kept: usize) -> Vec<u8> {
    frame[..kept.min(frame.len().saturating_sub(1))].to_vec()
}

/// With one bit the other way; bits behind the end count from the beginning again.
pub(super) fn flipped(frame: &[u8], bit: usize) -> Vec<u8> {
    let mut frame = frame.to_vec();
    if let Some(bits) = frame.len().checked_mul(8).filter(|bits| *bits > 0) {
        let bit = bit % bits;
        frame[bit / 8] ^= 1 << (bit % 8);
    }
    frame
}

/// With another first byte.
pub(super) fn begun_with(frame: &[u8], change: impl FnOnce(u8) -> u8) -> Vec<u8> {
    let mut frame = frame.to_vec();
    if let Some(first) = frame.first_mut() {
        *first = change(*first);
    }
    frame
}

/// With an ephemeral key of small order, where one is in clear.
pub(super) fn low_order(frame: &[u8], dir: Direction) -> Vec<u8> {
    let mut changed = frame.to_vec();
    let ephemeral = FrameKind::of(frame, dir).ephemeral().and_then(|at| changed.get_mut(at..at + 32));
    if let Some(ephemeral) = ephemeral {
        ephemeral.fill(0);
    }
    changed
}

/// With other bytes from one place to another.
pub(super) fn replaced(frame: &[u8], range: std::ops::Range<usize>, chance: &dyn Entropy) -> Vec<u8> {
    let mut frame = frame.to_vec();
    if let Some(part) = frame.get_mut(range) {
        let before = part.to_vec();
        chance.fill(part);
        // Chance may have drawn the same.
        if *part == before {
            part.iter_mut().for_each(|byte| *byte ^= 0x5a);
        }
    }
    frame
}

/// What anybody can write who has no key.
pub(super) fn plain_error(code: u8, chance: &dyn Entropy) -> Vec<u8> {
    begun_with(&random(PLAIN, chance), |_| 0x80 | code)
}

/// A frame after its length, as streams have it.
pub(super) fn prefixed(length: usize, frame: &[u8]) -> Vec<u8> {
    [&u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes(), frame].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Seed;

    #[test]
    fn frames_are_known_by_length_and_first_byte() {
        let kind = |length: usize, first: u8, dir| FrameKind::of(&[&[first][..], &vec![0; length - 1]].concat(), dir);
        assert_eq!(kind(128, 0x11, Direction::Out), FrameKind::C1);
        assert_eq!(kind(63, 0, Direction::In), FrameKind::S1);
        assert_eq!(kind(63, 0x85, Direction::In), FrameKind::Plain);
        assert_eq!(kind(254, 0, Direction::In), FrameKind::Large);
        assert_eq!(FrameKind::of(&[], Direction::In), FrameKind::Other);
        assert_eq!(FrameKind::of(&[0; 561], Direction::Out), FrameKind::Other);
    }

    #[test]
    fn nothing_that_is_done_to_a_frame_panics_and_all_of_it_changes_the_frame() {
        let chance = Seed::new(1).stream("test");
        for length in [0, 1, 2, 58, 63, 71, 105, 128, 176, 218, 560] {
            let frame = vec![7; length];
            for dir in [Direction::In, Direction::Out] {
                let all = [
                    truncated(&frame, 5),
                    truncated(&frame, 1_000),
                    flipped(&frame, 1_000_003),
                    begun_with(&frame, |byte| byte ^ 0x30),
                    replaced(&frame, 0..length, &chance),
                ];
                assert!(length == 0 || all.iter().all(|changed| *changed != frame), "{length}");
                low_order(&frame, dir);
                replaced(&frame, 2..10, &chance);
            }
        }
        assert_eq!(low_order(&[9; 63], Direction::In), [vec![9], vec![0; 32], vec![9; 30]].concat());
        assert_eq!(prefixed(3, b"abc"), b"\x00\x03abc");
        let error = plain_error(7, &chance);
        assert_eq!((error.len(), error[0]), (63, 0x87));
    }
}
