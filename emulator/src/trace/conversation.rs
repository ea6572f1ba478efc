//! Which frame it is, and where its sealed parts are: what one sees of a connection without keys (specification, 2.2 and 2.5).

use std::ops::Range;

use cardea_sdk::observe::Code;
use cardea_sdk::observe::wire::{
    COLD_REPLY_LEN, ENROLL2_LEN, ENROLL3_LEN, ENROLL4_LEN, FirstFrame, KEY_RECORD_LEN, LARGE_FRAME_LEN, PlainFrame,
    RESYNC2_LEN, WARM_REPLY_LEN, WARM_REQUEST_LEN,
};

use super::frame::{Direction, Label, Name};

/// Bytes of a tag, of a public key, and of the byte that replies begin with.
const TAG: usize = 16;
const KEY: usize = 32;
const TYPE: usize = 1;
/// Where the Noise message begins: C1, R1, E1.
const CLEAR: [usize; 3] = [10, 2, 9];

/// A part that is sealed: where it is with its tag, and what its key is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) label: Label,
    pub(super) place: Range<usize>,
}

/// How far a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Stage {
    /// Nothing was sent.
    #[default]
    Begun,
    /// The first frame was sent.
    Asked(Name),
    /// The server has a newer key, and is to tell it.
    Stale,
    /// An enrollment's keys were sent.
    Enrolling,
    /// Frames of a session.
    Session,
    /// Nothing more may come.
    Over,
}

/// What is known of a connection.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    stage: Stage,
    ephemeral: [u8; 32],
}

impl Conversation {
    /// The device's ephemeral public key; zeros before its first frame.
    pub(super) const fn ephemeral(&self) -> &[u8; 32] {
        &self.ephemeral
    }

    /// What the next frame is, and its sealed parts.
    pub(super) fn next(&mut self, direction: Direction, wire: &[u8]) -> (Name, Vec<Part>) {
        let name = match direction {
            Direction::Out => self.sent(wire),
            Direction::In => self.received(wire),
        };
        (name, parts(name, direction, wire.len()))
    }

    fn sent(&mut self, wire: &[u8]) -> Name {
        // A datagram is sent again as it was.
        if matches!(self.stage, Stage::Begun | Stage::Asked(Name::C1)) {
            let (name, ephemeral) = match FirstFrame::parse(wire) {
                Ok(FirstFrame::Cold(frame)) => (Name::C1, frame.ephemeral()),
                Ok(FirstFrame::Resync(frame)) => (Name::R1, frame.ephemeral()),
                Ok(FirstFrame::Enroll(frame)) => (Name::E1, frame.ephemeral()),
                Err(_) => return Name::Unknown,
            };
            (self.stage, self.ephemeral) = (Stage::Asked(name), ephemeral);
            return name;
        }
        match (self.stage, wire.len()) {
            (Stage::Session, WARM_REQUEST_LEN) => Name::Request,
            (Stage::Session, LARGE_FRAME_LEN) => Name::Large,
            (Stage::Enrolling, ENROLL3_LEN) => Name::E3,
            _ => Name::Unknown,
        }
    }

    fn received(&mut self, wire: &[u8]) -> Name {
        let is_asked = matches!(self.stage, Stage::Asked(_) | Stage::Enrolling);
        if is_asked && let Ok(plain) = PlainFrame::decode(wire) {
            self.stage = if plain.code == Code::StaleKey { Stage::Stale } else { Stage::Over };
            return Name::Plain;
        }
        let (name, stage) = match (self.stage, wire.len()) {
            (Stage::Asked(Name::C1), COLD_REPLY_LEN) => (Name::S1, Stage::Session),
            (Stage::Asked(Name::R1), RESYNC2_LEN) => (Name::R2, Stage::Session),
            (Stage::Asked(Name::E1), ENROLL2_LEN) => (Name::E2, Stage::Enrolling),
            (Stage::Enrolling, ENROLL4_LEN) => (Name::E4, Stage::Over),
            (Stage::Enrolling, WARM_REPLY_LEN) => (Name::Refusal, Stage::Over),
            (Stage::Stale, KEY_RECORD_LEN) => (Name::KeyRecord, Stage::Over),
            (Stage::Session, WARM_REPLY_LEN) => (Name::Reply, Stage::Session),
            (Stage::Session, LARGE_FRAME_LEN) => (Name::Large, Stage::Session),
            (stage, _) => (Name::Unknown, stage),
        };
        self.stage = stage;
        name
    }
}

/// The sealed parts of a frame: fields of fixed size, the last one up to the end.
fn parts(name: Name, direction: Direction, length: usize) -> Vec<Part> {
    let [cold, resync, enroll] = CLEAR.map(|clear| clear + KEY);
    let part = |label, place: Range<usize>| Part { label, place };
    let rest = |label, from| vec![part(label, from..length)];
    match name {
        Name::C1 => rest(Label::C1, cold),
        Name::S1 => rest(Label::S1, TYPE + KEY),
        Name::R1 => {
            let end = resync + KEY + TAG;
            vec![part(Label::R1Static, resync..end), part(Label::R1, end..length)]
        }
        Name::R2 => rest(Label::R2, TYPE + KEY),
        Name::E1 => rest(Label::E1, enroll),
        Name::E2 => rest(Label::E2, TYPE + KEY),
        Name::E3 => vec![part(Label::E3Static, 0..KEY + TAG), part(Label::E3, KEY + TAG..length)],
        Name::E4 | Name::Refusal | Name::Request | Name::Reply | Name::Large => match direction {
            Direction::Out => rest(Label::Device, 0),
            Direction::In => rest(Label::Server, 0),
        },
        Name::Plain | Name::KeyRecord | Name::Unknown => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use cardea_sdk::observe::wire::{COLD_REQUEST_LEN, ENROLL1_LEN, RESYNC1_LEN};

    use super::*;

    fn first(kind: u8, length: usize) -> Vec<u8> {
        let mut frame = vec![7; length];
        frame[0] = kind;
        frame
    }

    /// The names of what goes over one connection: frames, `true` for those of the device.
    fn names(frames: &[(bool, Vec<u8>)]) -> Vec<Name> {
        let mut conversation = Conversation::default();
        let direction = |is_out: bool| if is_out { Direction::Out } else { Direction::In };
        frames.iter().map(|(is_out, wire)| conversation.next(direction(*is_out), wire).0).collect()
    }

    #[test]
    fn frames_have_the_names_that_their_place_gives_them() {
        let zero = |length| vec![0; length];
        let cold = (true, first(0x11, COLD_REQUEST_LEN));
        let session = [
            cold.clone(),
            (false, zero(63)),
            (true, zero(86)),
            (false, zero(30)),
            (true, zero(254)),
            (false, zero(254)),
            (false, zero(31)),
        ];
        let expected = [Name::C1, Name::S1, Name::Request, Name::Reply, Name::Large, Name::Large, Name::Unknown];
        assert_eq!(names(&session), expected);
        assert_eq!(names(&[cold.clone(), cold.clone(), (false, zero(63))]), [Name::C1, Name::C1, Name::S1]);
        let mut stale = zero(63);
        stale[0] = 0x85;
        assert_eq!(
            names(&[cold, (false, stale), (false, zero(105)), (false, zero(105))]),
            [Name::C1, Name::Plain, Name::KeyRecord, Name::Unknown]
        );
        let resync = [(true, first(0x12, RESYNC1_LEN)), (false, zero(71)), (true, zero(86)), (false, zero(30))];
        assert_eq!(names(&resync), [Name::R1, Name::R2, Name::Request, Name::Reply]);
        let enroll = [(true, first(0x13, ENROLL1_LEN)), (false, zero(218)), (true, zero(560)), (false, zero(80))];
        assert_eq!(names(&enroll), [Name::E1, Name::E2, Name::E3, Name::E4]);
        let mut refused = enroll;
        refused[3].1 = zero(30);
        assert_eq!(names(&refused)[3], Name::Refusal);
        for garbage in [Vec::new(), zero(1), first(0x11, 127), first(0x21, 128), zero(560)] {
            assert_eq!(names(&[(true, garbage.clone()), (false, garbage)]), [Name::Unknown; 2]);
        }
    }

    #[test]
    fn sealed_parts_end_with_the_frame_and_begin_after_what_is_clear() {
        let mut conversation = Conversation::default();
        let (_, parts) = conversation.next(Direction::Out, &first(0x12, RESYNC1_LEN));
        assert_eq!(parts[0], Part { label: Label::R1Static, place: 34..82 });
        assert_eq!(parts[1], Part { label: Label::R1, place: 82..176 });
        assert_eq!(conversation.ephemeral(), &[7; 32]);
    }
}
