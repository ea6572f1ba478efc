//! Duress is invisible on the device: what is stored after the normal, the duress and a wrong PIN is the same, byte for
//! byte, under equal randomness, at every point where something is stored.

use cardea_protocol::Code;
use cardea_protocol::crypto::{Dalek, Random};
use cardea_protocol::device::{Answer, Intent, Record, Session};
use cardea_protocol::pin::PinKey;
use cardea_protocol::responder;
use cardea_protocol::statement::Extension;
use cardea_protocol::token::{DeviceId, DeviceStatus};
use cardea_protocol::wire::{LargeReply, Op, Reply, Signer};

use crate::pair::{CONFIRMATION, Handled, NOW, Seeded, Server, enroll, pin_key, receive, recover, reply, start, store};

const NORMAL: &[u8] = b"493817";
const DURESS: &[u8] = b"271828";
const WRONG: &[u8] = b"550912";

/// A device, its server, and everything that was ever stored or sent, in order.
struct World {
    record: Record,
    server: Server,
    random: Seeded,
    key: PinKey,
    stored: Vec<Vec<u8>>,
    sent: Vec<(char, usize)>,
}

/// Everything that an attacker could look at: records, traffic, and how much randomness was used.
type Traces = (Vec<Vec<u8>>, Vec<(char, usize)>, [u8; 32]);

impl World {
    fn new(seed: u64, pin: &[u8]) -> Self {
        let (record, server, _) = enroll(seed, &[NORMAL, DURESS]);
        let key = pin_key(&record.pin_derivation(), pin);
        Self { record, server, random: Seeded::new(seed + 1), key, stored: Vec::new(), sent: Vec::new() }
    }

    fn keep(&mut self) {
        self.stored.push(self.record.encode().expose().to_vec());
    }

    fn intent(&self, op: Op) -> Intent<'_> {
        let (key, (id, text)) = (&self.key, CONFIRMATION);
        match op {
            Op::Ping => Intent::Ping,
            Op::Open => Intent::Open { window: 0, key },
            Op::Close => Intent::Close,
            Op::Status => Intent::Status,
            Op::Subscribe => Intent::Subscribe { mask: 7 },
            Op::Confirm => Intent::Confirm { index: 0, id, text, key },
            Op::Deny => Intent::Deny { index: 0, reason: 1, id, text },
            Op::Unenroll => Intent::Unenroll { key },
            _ => panic!("no small operation: {op:?}"),
        }
    }

    /// Sends a cold operation; the reply is the server's, still on its way.
    fn send(
        &mut self,
        op: Op,
    ) -> (cardea_protocol::device::Attempt<Dalek>, Vec<u8>, Option<responder::Session<Dalek>>) {
        let mut random = self.random.clone();
        let mut record = self.record.duplicate();
        let attempt = start(&mut record, &self.intent(op), &mut random);
        (self.record, self.random) = (record, random);
        self.keep();
        self.sent.push(('>', attempt.frame().bytes().len()));
        let Handled::Reply(answer, session) = self.server.handle(attempt.frame().bytes()) else { panic!("a reply") };
        self.sent.push(('<', answer.len()));
        (attempt, answer, session)
    }

    fn cold(&mut self, op: Op) -> (Code, Session<Dalek>, responder::Session<Dalek>) {
        let (mut attempt, answer, theirs) = self.send(op);
        let answer = receive(&mut self.record, &mut attempt, &answer);
        self.keep();
        match (answer, theirs) {
            (Answer::Operation { reply, session: Some(ours) }, Some(theirs)) => (reply.code, ours, theirs),
            other => panic!("unexpected {other:?}"),
        }
    }

    /// The reply is lost, the app restarts, the device recovers.
    fn cold_with_lost_reply(&mut self, op: Op) -> Option<Code> {
        self.send(op);
        self.record = store(&self.record);
        let mut recovery = recover(&mut self.record, &mut self.random);
        self.keep();
        self.sent.push(('>', recovery.frame().bytes().len()));
        let answer = self.server.handle(recovery.frame().bytes()).reply();
        self.sent.push(('<', answer.len()));
        let answer = receive(&mut self.record, &mut recovery, &answer);
        self.keep();
        match answer {
            Answer::Recovered { outcome } => outcome,
            other => panic!("unexpected {other:?}"),
        }
    }

    /// What the server finds in a warm operation, and the row after it.
    fn judge(&mut self, theirs: &mut responder::Session<Dalek>, frame: &[u8], extension: Extension<'_>) -> Code {
        let operation = theirs.open(frame).unwrap();
        let statement = operation.statement::<Dalek>(extension);
        let verify = <Dalek as cardea_protocol::crypto::Provider>::ed25519_verify;
        let good = match operation.request.op().signer() {
            Signer::Nobody => true,
            Signer::Device => verify(&self.server.row.device_key, statement.bytes(), operation.request.signature()),
            Signer::Pin => {
                self.server.keys.iter().any(|key| verify(key, statement.bytes(), operation.request.signature()))
            }
        };
        let code = if good { Code::Ok } else { Code::PinRejected };
        self.server.row = operation.commit(&self.server.row, &theirs.fence(), code).unwrap();
        code
    }

    fn warm(&mut self, op: Op) -> Code {
        let (_, mut ours, mut theirs) = self.cold(Op::Ping);
        let request = ours.request(&self.record, &self.intent(op), NOW).unwrap();
        self.sent.push(('>', request.frame().bytes().len()));
        let extension = match op {
            Op::Confirm | Op::Deny => Extension::Confirmation { id: CONFIRMATION.0, text: CONFIRMATION.1 },
            _ => Extension::None,
        };
        let code = self.judge(&mut theirs, request.frame().bytes(), extension);
        let answer = theirs.reply(&reply(op, code)).unwrap();
        self.sent.push(('<', answer.bytes().len()));
        ours.receive(answer.bytes()).unwrap();
        self.keep();
        code
    }

    fn large(&mut self, op: Op) -> Code {
        let (_, mut ours, mut theirs) = self.cold(Op::Ping);
        let mut rotation = None;
        let frame = match op {
            Op::SetPins => {
                let keys = [(); 4].map(|()| PinKey::random(&mut self.random));
                ours.set_pins(&self.record, &self.key, &keys, false, NOW).unwrap().frame().clone()
            }
            Op::RevokeDevice => {
                ours.revoke_device(&self.record, &self.key, DeviceId::new([9; 4]), NOW).unwrap().frame().clone()
            }
            _ => {
                let step = ours.rotate(&self.record, &self.key, NOW, &mut self.random).unwrap();
                let (record, step) = step.stored();
                self.record = store(&record);
                self.keep();
                let frame = step.frame().clone();
                rotation = Some(step);
                frame
            }
        };
        self.sent.push(('>', frame.bytes().len()));
        let code = self.judge(&mut theirs, frame.bytes(), Extension::None);
        let answer = theirs.reply_large(&LargeReply::Plain(reply(op, code))).unwrap();
        self.sent.push(('<', answer.bytes().len()));
        ours.receive(answer.bytes()).unwrap();
        if let Some(rotation) = rotation {
            self.record = store(&rotation.answered::<Dalek>(&self.record, &reply(op, code)).stored().0);
        }
        self.keep();
        code
    }

    fn traces(mut self) -> Traces {
        let mut next = [0; 32];
        self.random.fill(&mut next);
        (self.stored, self.sent, next)
    }
}

const SMALL: [Op; 8] = [Op::Ping, Op::Open, Op::Close, Op::Status, Op::Subscribe, Op::Confirm, Op::Deny, Op::Unenroll];

fn expected(op: Op, pin: &[u8]) -> Code {
    if op.signer() == Signer::Pin && pin == WRONG { Code::PinRejected } else { Code::Ok }
}

#[test]
fn storage_after_a_cold_operation_does_not_depend_on_the_pin() {
    for op in SMALL {
        let traces = [NORMAL, DURESS, WRONG].map(|pin| {
            let mut world = World::new(500, pin);
            // Twice: what the first left behind shows in the second.
            for _ in 0..2 {
                assert_eq!(world.cold(op).0, expected(op, pin), "{op:?}");
            }
            world.traces()
        });
        assert!(traces[0] == traces[1] && traces[0] == traces[2], "{op:?}");
    }
}

#[test]
fn storage_after_a_lost_reply_does_not_depend_on_the_pin() {
    for op in [Op::Open, Op::Confirm, Op::Unenroll] {
        let traces = [NORMAL, DURESS, WRONG].map(|pin| {
            let mut world = World::new(501, pin);
            for _ in 0..2 {
                assert_eq!(world.cold_with_lost_reply(op), Some(expected(op, pin)));
            }
            world.traces()
        });
        assert!(traces[0] == traces[1] && traces[0] == traces[2], "{op:?}");
    }
}

#[test]
fn storage_after_a_warm_operation_does_not_depend_on_the_pin() {
    for op in SMALL {
        let traces = [NORMAL, DURESS, WRONG].map(|pin| {
            let mut world = World::new(502, pin);
            assert_eq!(world.warm(op), expected(op, pin), "{op:?}");
            world.cold(Op::Ping);
            world.traces()
        });
        assert!(traces[0] == traces[1] && traces[0] == traces[2], "{op:?}");
    }
}

#[test]
fn storage_after_a_large_operation_does_not_depend_on_the_pin() {
    for op in [Op::SetPins, Op::RevokeDevice, Op::Rotate] {
        let traces = [NORMAL, DURESS, WRONG].map(|pin| {
            let mut world = World::new(503, pin);
            assert_eq!(world.large(op), expected(op, pin), "{op:?}");
            world.cold(Op::Ping);
            world.traces()
        });
        assert!(traces[0] == traces[1], "{op:?}");
        // A ROTATE that was refused leaves the old static key: that it was refused shows, and was shown. Everything else
        // is the same.
        if op == Op::Rotate {
            assert_eq!(traces[0].1, traces[2].1);
            assert!(traces[0].0[..3] == traces[2].0[..3]);
        } else {
            assert!(traces[0] == traces[2], "{op:?}");
        }
    }
}

#[test]
fn traffic_is_the_same_for_open_duress_wrong_pin_status_and_ping() {
    let mut all = Vec::new();
    for (op, pin) in
        [(Op::Open, NORMAL), (Op::Open, DURESS), (Op::Open, WRONG), (Op::Status, NORMAL), (Op::Ping, NORMAL)]
    {
        let mut world = World::new(504, pin);
        world.cold(op);
        world.warm(op);
        world.cold_with_lost_reply(op);
        // The stored record of these five is the same as well.
        all.push(world.traces());
    }
    assert_eq!(
        all[0].1,
        [
            ('>', 128),
            ('<', 63),
            ('>', 128),
            ('<', 63),
            ('>', 86),
            ('<', 30),
            ('>', 128),
            ('<', 63),
            ('>', 128),
            ('<', 63)
        ]
    );
    for other in &all[1..] {
        assert!(other == &all[0]);
    }
}

#[test]
fn the_record_after_enrollment_does_not_depend_on_the_pins() {
    let sets: [&[&[u8]]; 5] =
        [&[NORMAL], &[b"90817263"], &[NORMAL, DURESS], &[NORMAL, DURESS, WRONG], &[NORMAL, DURESS, WRONG, b"836251"]];
    let enrolled = sets.map(|pins| {
        let (record, server, sizes) = enroll(505, pins);
        // Four keys whatever was chosen, and none like another.
        for (index, key) in server.keys.iter().enumerate() {
            assert!(!server.keys[..index].contains(key));
        }
        (record.encode().expose().to_vec(), sizes)
    });
    for other in &enrolled[1..] {
        assert!(other == &enrolled[0]);
    }
}

#[test]
fn nothing_derived_from_a_pin_is_in_the_record() {
    let mut world = World::new(506, NORMAL);
    let keys = world.server.keys;
    world.cold(Op::Open);
    let (attempt, ..) = world.send(Op::Open);
    let frame = attempt.frame().bytes().to_vec();
    recover(&mut world.record, &mut world.random);
    world.keep();
    // The frame holds the signature, encrypted: not even its hash may be kept.
    let hash = <Dalek as cardea_protocol::crypto::Provider>::sha256(&[&frame]);
    for image in &world.stored {
        for window in image.windows(32) {
            assert!(window != hash && keys.iter().all(|key| window != key));
        }
        for chunk in frame[42..].windows(16) {
            assert!(!image.windows(16).any(|window| window == chunk));
        }
    }
}

#[test]
fn a_device_cannot_be_told_of_duress() {
    // The type has no such value, and its number does not decode.
    assert_eq!(DeviceStatus::from_number(3), None);
    let mut cell = reply(Op::Status, Code::Ok).encode();
    cell[1] = 3;
    assert!(Reply::decode(&cell).is_err());
}
