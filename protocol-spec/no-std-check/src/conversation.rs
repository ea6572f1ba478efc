//! A device and a server in memory: enroll, open, lose a reply, recover. What is stored goes through its stored form
//! every time; nothing is allocated, and Argon2id works in memory on the stack.
#![forbid(unsafe_code)]

use cardea_protocol::crypto::{Dalek, Provider, Random};
use cardea_protocol::device::{Answer, Attempt, Credential, Enrollment, Intent, Received, Record};
use cardea_protocol::noise::KeyPair;
use cardea_protocol::pin::{Pin, PinDerivation, PinKey};
use cardea_protocol::ratchet::Row;
use cardea_protocol::responder::{self, Committed, EnrollmentOffer, Verdict};
use cardea_protocol::token::{Argon2Class, DeviceId, DeviceInfo, DeviceStatus, Policy, ShortString, TokenId};
use cardea_protocol::wire::{COLD_REPLY_LEN, FirstFrame, Frame, Host, KeyRecord, Link, Op, Reply};
use cardea_protocol::{Code, Secret};

use crate::checks::ensure;

const NOW: u32 = 1_800_000_000;
const PIN: &[u8] = b"493817";

/// Bytes that are the same in every run.
struct Counter(u64);

impl Random for Counter {
    fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            self.0 += 1;
            let block = Dalek::sha256(&[b"no-std-check", &self.0.to_le_bytes()]);
            for (to, from) in chunk.iter_mut().zip(block) {
                *to = from;
            }
        }
    }
}

struct Server {
    statics: KeyPair,
    keys: [[u8; 32]; 4],
    row: Row,
    random: Counter,
    executed: u32,
}

fn reply(op: Op, code: Code) -> Reply {
    let aux = Reply::versions(1, 1);
    Reply { op, status: DeviceStatus::Closed, code, tries: 10, server_time: NOW, until: 0, aux }
}

fn pin_key(derivation: &PinDerivation, pin: &[u8]) -> Option<PinKey> {
    let mut memory = [(); 8].map(|()| <Dalek as Provider>::PinBlock::default());
    derivation.derive::<Dalek>(&Pin::new(pin).ok()?, memory.get_mut(..derivation.blocks())?).ok()
}

fn enroll(random: &mut Counter) -> Option<(Record, Server)> {
    let mut theirs = Counter(1 << 32);
    let identity: Secret<32> = theirs.secret();
    let statics = KeyPair::from_secret::<Dalek>(theirs.secret());
    let link = Link {
        epoch: 1,
        id: Link::generate_id(&mut theirs),
        code: theirs.secret(),
        server_key: *statics.public(),
        port: 8421,
        host: Host::new("id.example").ok()?,
    };
    let policy = Policy {
        argon2: Argon2Class::Test,
        pin_min: 6,
        pin_max: 12,
        duress: true,
        biometric: false,
        short_string: ShortString::Shown,
        version_min: 1,
        version_max: 1,
        keepalive: 0,
    };
    let offer = EnrollmentOffer {
        identity: Dalek::ed25519_public(&identity),
        key_record: KeyRecord::sign::<Dalek>(&identity, 1, *statics.public(), NOW, NOW + 604_800),
        token: TokenId::new([3; 16]),
        device: DeviceId::new([4; 4]),
        policy,
    };
    let credential = Credential::from_link::<Dalek>(&link);
    let enrollment = Enrollment::<Dalek>::start(&credential, &link.server_key, link.epoch, random).ok()?;
    let Ok(FirstFrame::Enroll(e1)) = FirstFrame::parse(enrollment.frame().bytes()) else { return None };
    let (e2, awaiting) = responder::offer::<Dalek>(&e1, &statics, &offer, &mut theirs).ok()?;
    let offered = enrollment.receive(e2.bytes(), random).ok()?;
    let keys = [
        pin_key(&offered.pin_derivation(), PIN)?,
        PinKey::random(random),
        PinKey::random(random),
        PinKey::random(random),
    ];
    let info = DeviceInfo { platform: 6, sdk_version: [0, 1, 0], emulated: false, biometric: false };
    let (record, waiting) = offered.accept(&keys, &info).ok()?.stored();
    let mut new = awaiting.receive(waiting.frame().bytes(), &link.psk::<Dalek>()).ok()?;
    let e4 = new.receipt(&identity).ok()?;
    let (record, enrolled) = waiting.receive(&stored(&record)?, e4.bytes()).ok()?.stored();
    ensure(enrolled.short_string == new.short_string && !record.is_provisional())?;
    Some((record, Server { statics, keys: new.keys, row: new.row, random: theirs, executed: 0 }))
}

fn stored(record: &Record) -> Option<Record> {
    Record::decode(record.encode().expose()).ok()
}

impl Server {
    fn handle(&mut self, frame: &[u8]) -> Option<Frame<COLD_REPLY_LEN>> {
        let Ok(FirstFrame::Cold(request)) = FirstFrame::parse(frame) else { return None };
        match responder::receive::<Dalek>(&self.row, &request, &self.statics).ok()? {
            Verdict::Repeat(reply) => Some(reply),
            Verdict::Operation(operation) => {
                let request = operation.request();
                let code = if request.op == Op::Open {
                    let statement = operation.statement();
                    let verify = |key| Dalek::ed25519_verify(key, statement.bytes(), &request.signature);
                    if self.keys.iter().any(verify) { Code::Ok } else { Code::PinRejected }
                } else {
                    Code::Ok
                };
                let reply = reply(request.op, code);
                self.executed += 1;
                let committed = operation.commit(&self.row, &reply, &mut self.random)?;
                self.commit(committed)
            }
            Verdict::Recover(recovery) => {
                let committed = recovery.commit(&self.row, &reply(Op::Recover, Code::Ok), &mut self.random)?;
                self.commit(committed)
            }
            Verdict::Refuse(_) | Verdict::CloneProved => None,
        }
    }

    fn commit(&mut self, committed: Committed<Dalek>) -> Option<Frame<COLD_REPLY_LEN>> {
        self.row = Row::decode(committed.row.encode().expose()).ok()?;
        Some(committed.reply)
    }
}

/// Starts an operation; the record is stored before the request may leave.
fn start(record: &mut Record, intent: &Intent<'_>, random: &mut Counter) -> Option<Attempt<Dalek>> {
    let (next, attempt) = record.start::<Dalek>(intent, NOW, random).ok()?.stored();
    *record = stored(&next)?;
    Some(attempt)
}

fn receive(record: &mut Record, attempt: &mut Attempt<Dalek>, frame: &[u8]) -> Option<Answer<Dalek>> {
    let Received::Answered(answered) = attempt.receive(record, frame) else { return None };
    let (next, answer) = answered.stored();
    *record = stored(&next)?;
    Some(answer)
}

/// Enroll, open, a wrong PIN, a lost reply and its recovery, and a session after it.
pub(crate) fn conversation() -> Option<()> {
    let mut random = Counter(0);
    let (mut record, mut server) = enroll(&mut random)?;

    for (pin, code) in [(PIN, Code::Ok), (b"271828", Code::PinRejected)] {
        let key = pin_key(&record.pin_derivation(), pin)?;
        let mut attempt = start(&mut record, &Intent::Open { window: 0, key: &key }, &mut random)?;
        let answer = server.handle(attempt.frame().bytes())?;
        let answer = receive(&mut record, &mut attempt, answer.bytes())?;
        ensure(matches!(answer, Answer::Operation { reply, session: Some(_) } if reply.code == code))?;
    }

    // The server executes, and its reply is lost with the device's memory.
    let key = pin_key(&record.pin_derivation(), PIN)?;
    let lost = start(&mut record, &Intent::Open { window: 0, key: &key }, &mut random)?;
    server.handle(lost.frame().bytes())?;
    ensure(server.executed == 3)?;
    let (next, mut recovery) = record.recover::<Dalek>(&mut random).ok()?.stored();
    record = stored(&next)?;
    let answer = server.handle(recovery.frame().bytes())?;
    let again = server.handle(recovery.resend().bytes())?;
    ensure(answer == again && server.executed == 3)?;
    let answer = receive(&mut record, &mut recovery, answer.bytes())?;
    ensure(matches!(answer, Answer::Recovered { outcome: Some(Code::Ok) }))?;
    // What was declared is dead.
    ensure(server.handle(lost.frame().bytes()).is_none())?;

    // The status that is shown after a recovery.
    let mut attempt = start(&mut record, &Intent::Status, &mut random)?;
    let answer = server.handle(attempt.frame().bytes())?;
    let answer = receive(&mut record, &mut attempt, answer.bytes())?;
    ensure(matches!(answer, Answer::Operation { session: Some(_), .. }))?;
    ensure(record.generation() == 4 && server.row.generation == 4)
}
