//! One device and one server in memory, for every test that needs both.

use cardea_protocol::crypto::{Dalek, Provider, Random};
use cardea_protocol::{Code, Secret};

use cardea_protocol::device::{Answer, Attempt, Credential, Enrollment, Intent, Received, Record, Session};
use cardea_protocol::noise::{CipherState, Handshake, IK, KK_PSK0, KeyPair, Keys, Role};
use cardea_protocol::pin::{Pin, PinKey};
use cardea_protocol::ratchet::Row;
use cardea_protocol::responder::{self, Committed, Dropped, EnrollmentOffer, Verdict};
use cardea_protocol::statement::Extension;
use cardea_protocol::token::{Argon2Class, DeviceId, DeviceInfo, DeviceStatus, Policy, ShortString, TokenId};
use cardea_protocol::wire::{FirstFrame, KeyRecord, Op, Reply};

pub(crate) const NOW: u32 = 1_800_000_000;
/// The confirmation that every server asks.
pub(crate) const CONFIRMATION: (&[u8; 8], &str) = (&[7; 8], "Pay 20 to Ada");

pub(crate) use crate::support::Seeded;

/// A server that knows one device.
pub(crate) struct Server {
    pub(crate) identity: Secret<32>,
    pub(crate) statics: KeyPair,
    pub(crate) epoch: u8,
    pub(crate) row: Row,
    pub(crate) keys: [[u8; 32]; 4],
    pub(crate) random: Seeded,
    /// Operations that were executed, in order.
    pub(crate) executed: Vec<Op>,
    /// What every operation is answered, if it is to be the same.
    pub(crate) answer: Option<Code>,
    /// `aux` of its replies: which versions it speaks.
    pub(crate) versions: u16,
}

pub(crate) fn policy() -> Policy {
    Policy {
        argon2: Argon2Class::Test,
        pin_min: 6,
        pin_max: 8,
        duress: true,
        biometric: false,
        short_string: ShortString::Off,
        version_min: 1,
        version_max: 1,
        keepalive: 0,
    }
}

pub(crate) fn pin_key(record_pin: &cardea_protocol::pin::PinDerivation, digits: &[u8]) -> PinKey {
    let mut memory = vec![<Dalek as Provider>::PinBlock::default(); record_pin.blocks()];
    record_pin.derive::<Dalek>(&Pin::new(digits).unwrap(), &mut memory).unwrap()
}

pub(crate) fn reply(op: Op, code: Code) -> Reply {
    let aux = Reply::versions(1, 1);
    Reply { op, status: DeviceStatus::Closed, code, tries: 10, server_time: NOW, until: 0, aux }
}

/// Enrolls with `pins[0]` as the normal PIN and the rest as duress PINs; returns the bytes that were on the wire.
pub(crate) fn enroll(seed: u64, pins: &[&[u8]]) -> (Record, Server, Vec<usize>) {
    let mut server_random = Seeded::new(seed ^ 0x5e7);
    let identity: Secret<32> = server_random.secret();
    let statics = KeyPair::from_secret::<Dalek>(server_random.secret());
    let key_record = KeyRecord::sign::<Dalek>(&identity, 7, *statics.public(), NOW - 10, NOW + 700_000);
    let link = cardea_protocol::wire::Link {
        epoch: 7,
        id: cardea_protocol::wire::Link::generate_id(&mut server_random),
        code: server_random.secret(),
        server_key: *statics.public(),
        port: 8421,
        host: cardea_protocol::wire::Host::new("id.example").unwrap(),
    };
    let mut random = Seeded::new(seed);
    let credential = Credential::from_link::<Dalek>(&link);
    let enrollment = Enrollment::<Dalek>::start(&credential, &link.server_key, link.epoch, &mut random).unwrap();
    let mut sizes = vec![enrollment.frame().bytes().len() + 2];
    let FirstFrame::Enroll(e1) = FirstFrame::parse(enrollment.frame().bytes()).unwrap() else { panic!("no E1") };
    assert_eq!(e1.id(), link.id);
    let offer = EnrollmentOffer {
        identity: Dalek::ed25519_public(&identity),
        key_record,
        token: TokenId::new([3; 16]),
        device: DeviceId::new([4; 4]),
        policy: policy(),
    };
    let (e2, awaiting) = responder::offer::<Dalek>(&e1, &statics, &offer, &mut server_random).unwrap();
    sizes.push(e2.bytes().len() + 2);
    let offered = enrollment.receive(e2.bytes(), &mut random).unwrap();
    let derivation = offered.pin_derivation();
    let mut keys = pins.iter().map(|pin| pin_key(&derivation, pin)).collect::<Vec<_>>();
    while keys.len() < 4 {
        keys.push(PinKey::random(&mut random));
    }
    let info = DeviceInfo { platform: 3, sdk_version: [0, 1, 0], emulated: true, biometric: false };
    let (record, awaiting_receipt) = offered.accept(&keys.try_into().unwrap(), &info).unwrap().stored();
    sizes.push(awaiting_receipt.frame().bytes().len() + 2);
    let mut new = awaiting.receive(awaiting_receipt.frame().bytes(), &link.psk::<Dalek>()).unwrap();
    let e4 = new.receipt(&identity).unwrap();
    sizes.push(e4.bytes().len() + 2);
    assert!(record.is_provisional());
    let (record, enrolled) = awaiting_receipt.receive(&record, e4.bytes()).unwrap().stored();
    assert_eq!(enrolled.short_string, new.short_string);
    assert!(!record.is_provisional());
    let server = Server {
        identity,
        statics,
        epoch: 7,
        keys: new.keys,
        row: new.row,
        random: server_random,
        executed: Vec::new(),
        answer: None,
        versions: Reply::versions(1, 1),
    };
    (record, server, sizes)
}

/// What the server did with a frame.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a test holds one at a time")]
pub(crate) enum Handled {
    Reply(Vec<u8>, Option<responder::Session<Dalek>>),
    CloneProved,
    Dropped(Dropped),
}

impl Handled {
    pub(crate) fn reply(self) -> Vec<u8> {
        match self {
            Self::Reply(reply, _) => reply,
            other => panic!("no reply: {other:?}"),
        }
    }
}

impl Server {
    /// Handles a cold request to the end: executes, commits, replies.
    pub(crate) fn handle(&mut self, frame: &[u8]) -> Handled {
        let FirstFrame::Cold(cold) = FirstFrame::parse(frame).unwrap() else { panic!("no C1") };
        match responder::receive::<Dalek>(&self.row, &cold, &self.statics) {
            Err(dropped) => Handled::Dropped(dropped),
            Ok(Verdict::Repeat(reply)) => Handled::Reply(reply.bytes().to_vec(), None),
            Ok(Verdict::Refuse(refusal)) => {
                let reply = refusal.answer(&reply(Op::Ping, Code::Ok), &mut self.random).unwrap();
                Handled::Reply(reply.bytes().to_vec(), None)
            }
            Ok(Verdict::CloneProved) => {
                self.row.clone_blocked = true;
                Handled::CloneProved
            }
            Ok(Verdict::Recover(recovery)) => {
                let reply = reply(Op::Recover, Code::Ok);
                let committed = recovery.commit(&self.row, &reply, &mut self.random).unwrap();
                self.commit(committed)
            }
            Ok(Verdict::Operation(operation)) => {
                let request = *operation.request();
                let (id, text) = CONFIRMATION;
                let statement = match request.op {
                    Op::Confirm | Op::Deny => {
                        let extension = Extension::Confirmation { id, text };
                        operation.statement_with(&self.row, &cold, &self.statics, extension)
                    }
                    _ => *operation.statement(),
                };
                let code = match request.op.signer() {
                    cardea_protocol::wire::Signer::Nobody => Code::Ok,
                    cardea_protocol::wire::Signer::Device => {
                        assert!(Dalek::ed25519_verify(&self.row.device_key, statement.bytes(), &request.signature));
                        Code::Ok
                    }
                    cardea_protocol::wire::Signer::Pin => {
                        let good = self
                            .keys
                            .iter()
                            .any(|key| Dalek::ed25519_verify(key, statement.bytes(), &request.signature));
                        if good { Code::Ok } else { Code::PinRejected }
                    }
                };
                self.executed.push(request.op);
                let code = self.answer.unwrap_or(code);
                let reply = Reply { aux: self.versions, ..reply(request.op, code) };
                let committed = operation.commit(&self.row, &reply, &mut self.random).unwrap();
                self.commit(committed)
            }
        }
    }

    fn commit(&mut self, committed: Committed<Dalek>) -> Handled {
        // The row goes through its storage form every time.
        self.row = Row::decode(committed.row.encode().expose()).unwrap();
        Handled::Reply(committed.reply.bytes().to_vec(), committed.session)
    }
}

/// Stores and reloads, as a real device does.
pub(crate) fn store(record: &Record) -> Record {
    Record::decode(record.encode().expose()).unwrap()
}

pub(crate) fn start(record: &mut Record, intent: &Intent<'_>, random: &mut Seeded) -> Attempt<Dalek> {
    let (next, attempt) = record.start(intent, NOW, random).unwrap().stored();
    *record = store(&next);
    attempt
}

pub(crate) fn recover(record: &mut Record, random: &mut Seeded) -> Attempt<Dalek> {
    let (next, attempt) = record.recover(random).unwrap().stored();
    *record = store(&next);
    attempt
}

pub(crate) fn receive(record: &mut Record, attempt: &mut Attempt<Dalek>, frame: &[u8]) -> Answer<Dalek> {
    match attempt.receive(record, frame) {
        Received::Answered(answered) => {
            let (next, answer) = answered.stored();
            *record = store(&next);
            answer
        }
        other => panic!("not answered: {other:?}"),
    }
}

/// A whole cold operation; returns its code and the two sessions.
pub(crate) fn operate(
    record: &mut Record,
    server: &mut Server,
    intent: &Intent<'_>,
    random: &mut Seeded,
) -> (Code, Session<Dalek>, responder::Session<Dalek>) {
    let mut attempt = start(record, intent, random);
    match (server.handle(attempt.frame().bytes()), &mut attempt) {
        (Handled::Reply(reply, Some(theirs)), attempt) => match receive(record, attempt, &reply) {
            Answer::Operation { reply, session: Some(ours) } => (reply.code, ours, theirs),
            other => panic!("unexpected {other:?}"),
        },
        (other, _) => panic!("unexpected {other:?}"),
    }
}

/// The server starts to use its next static key, and the device learns of it.
pub(crate) fn rotate_server_key(record: &mut Record, server: &mut Server) {
    let next = KeyPair::from_secret::<Dalek>(server.random.secret());
    server.epoch = server.epoch.wrapping_add(1);
    let key_record = KeyRecord::sign::<Dalek>(&server.identity, server.epoch, *next.public(), NOW, NOW + 700_000);
    server.statics = next;
    *record = store(&record.renew_server_key::<Dalek>(&key_record).unwrap().stored().0);
}

/// A cold request by somebody who holds all keys of the device but not its manners.
pub(crate) fn forge(record: &Record, server: &Server, op: Op, random: &mut Seeded) -> Vec<u8> {
    let (mut frame, keys) = forge_parts(record, server, random);
    let mut handshake = Handshake::<Dalek>::new(&KK_PSK0, Role::Initiator, &[b"cardea1", &frame], keys).unwrap();
    let mut cell = [0; 70];
    cell[0] = op.number();
    let mut noise = [0; 118];
    handshake.write_message(&cell, &mut noise).unwrap();
    frame.extend(noise);
    frame
}

/// The sending half of a session, for cells that no device would send.
pub(crate) struct RawSession(CipherState<Dalek>);

impl RawSession {
    pub(crate) fn seal(self, cell: &[u8]) -> Vec<u8> {
        self.seal_many(cell, 1).pop().unwrap()
    }

    pub(crate) fn seal_many(mut self, cell: &[u8], count: u64) -> Vec<Vec<u8>> {
        let seal = |_| {
            let mut text = cell.to_vec();
            let tag = self.0.encrypt(&[], &mut text).unwrap();
            text.extend(tag);
            text
        };
        (0..count).map(seal).collect()
    }
}

/// A cold PING by a device without manners; it ratchets like any other.
pub(crate) fn raw_session(
    record: &mut Record,
    server: &mut Server,
    random: &mut Seeded,
) -> (RawSession, responder::Session<Dalek>) {
    // The same record and the same randomness make the same keys.
    let (mut frame, keys) = forge_parts(record, server, random);
    let mut handshake = Handshake::<Dalek>::new(&KK_PSK0, Role::Initiator, &[b"cardea1", &frame], keys).unwrap();
    let mut noise = [0; 118];
    handshake.write_message(&[0; 70], &mut noise).unwrap();
    frame.extend(noise);
    let Handled::Reply(answer, Some(theirs)) = server.handle(&frame) else { panic!("a session") };
    handshake.read_message(&answer[1..], &mut [0; 14]).unwrap();
    let split = handshake.split().unwrap();
    // What the device would store.
    let mut stored = *record.encode().expose();
    let psk = Dalek::derive(
        &stored[139..171],
        &[split.initiator_to_responder.expose(), split.responder_to_initiator.expose()],
        &[b"cardea1 ratchet"],
    );
    stored[139..171].copy_from_slice(psk.expose());
    stored[35] += 1;
    *record = Record::decode(&stored).unwrap();
    (RawSession(CipherState::new(split.initiator_to_responder)), theirs)
}

/// A resync up to the confirm, with `op` in the place of the PING.
pub(crate) fn raw_confirm(record: &Record, server: &mut Server, op: Op) -> (responder::AwaitConfirm<Dalek>, Vec<u8>) {
    let mut random = Seeded::new(u64::from(op.number()));
    let resync = record.resync::<Dalek>(NOW, &mut random.clone()).unwrap();
    let FirstFrame::Resync(request) = FirstFrame::parse(resync.frame().bytes()).unwrap() else { panic!("no R1") };
    let opened = responder::open_resync::<Dalek>(&request, &server.statics).unwrap();
    let (r2, awaiting) = opened.answer(&server.row, &reply(Op::Resync, Code::Ok), &mut server.random).unwrap();
    // The same handshake once more, to get at its keys.
    let e = KeyPair::from_secret::<Dalek>(random.secret());
    let own = static_pair(record);
    let keys = Keys { s: Some(own), e: Some(e), rs: Some(*server.statics.public()), psk: None };
    let mut handshake =
        Handshake::<Dalek>::new(&IK, Role::Initiator, &[b"cardea1", &resync.frame().bytes()[..2]], keys).unwrap();
    let mut responder_view = Handshake::<Dalek>::new(
        &IK,
        Role::Responder,
        &[b"cardea1", &resync.frame().bytes()[..2]],
        Keys { s: Some(server.statics.duplicate()), ..Keys::default() },
    )
    .unwrap();
    let mut payload = [0; 78];
    responder_view.read_message(&resync.frame().bytes()[2..], &mut payload).unwrap();
    let mut again = [0; 174];
    handshake.write_message(&payload, &mut again).unwrap();
    assert_eq!(again, resync.frame().bytes()[2..]);
    handshake.read_message(&r2.bytes()[1..], &mut [0; 22]).unwrap();
    let mut cell = [0; 70];
    cell[0] = op.number();
    let split = handshake.split().unwrap();
    (awaiting, RawSession(CipherState::new(split.initiator_to_responder)).seal(&cell))
}

/// The device's static key out of the storage form: `head 3, policy 12, token 16, device 4, generation 8, static secret
/// 32, static public 32, salt 32, psk 32`.
fn static_pair(record: &Record) -> KeyPair {
    let stored = record.encode();
    let field = |at: usize| -> [u8; 32] { stored.expose()[at..at + 32].try_into().unwrap() };
    KeyPair::from_parts(Secret::new(field(43)), field(75))
}

/// What stands in clear in a cold request, and the keys for the rest.
fn forge_parts(record: &Record, server: &Server, random: &mut Seeded) -> (Vec<u8>, Keys) {
    let mut frame = vec![0x11, server.epoch];
    frame.extend(record.hint::<Dalek>().bytes());
    let keys = Keys {
        s: Some(static_pair(record)),
        e: Some(random.pair()),
        rs: Some(*server.statics.public()),
        psk: Secret::from_slice(&record.encode().expose()[139..171]),
    };
    (frame, keys)
}
