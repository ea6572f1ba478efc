//! Chapter 7: one device and one server through everything that the ratchet is for.

use serde_json::{Value, json};

use cardea_protocol::Code;
use cardea_protocol::crypto::Dalek;
use cardea_protocol::device::{
    Answer, Attempt, Confirmed, Delivered, Intent, Pending, Received, Record, ResyncAnswer, Session,
};
use cardea_protocol::noise::KeyPair;
use cardea_protocol::ratchet::{AttemptKind, Row};
use cardea_protocol::responder::{self, Dropped, Verdict};
use cardea_protocol::statement::Extension;
use cardea_protocol::token::DeviceStatus;
use cardea_protocol::wire::{FirstFrame, KeyRecord, Op, Reply};

use super::enrollment::enroll;
use super::{Draws, h, hold};
use crate::pair::{NOW, pin_key, reply};

/// Device, server and the story so far.
struct Story {
    record: Record,
    row: Row,
    epoch: u8,
    statics: KeyPair,
    draws: Draws,
    steps: Vec<Value>,
}

fn of_device(record: &Record) -> Value {
    let stored = record.encode();
    let (pend, declared, seed) = match record.pending() {
        Pending::None => (0, None, None),
        Pending::Attempt(e) => (1, Some(*e), None),
        Pending::Recovery { declared, seed } => (2, Some(*declared), Some(seed.duplicate())),
    };
    json!({
        "generation": record.generation(), "psk": h(&stored.expose()[139..171]), "hint": h(record.hint::<Dalek>().bytes()),
        "pend": pend, "declared": declared.map(h), "seed": seed.map(|seed| h(seed.expose())),
        "static": h(&stored.expose()[75..107]), "server_epoch": record.server_key().epoch,
    })
}

fn of_server(row: &Row) -> Value {
    let accepted = row.accepted.map(|accepted| {
        json!({
            "hash": h(accepted.hash), "ephemeral": h(accepted.ephemeral),
            "kind": match accepted.kind { AttemptKind::Operation => "A", AttemptKind::Recovery => "R" },
            "declared": h(accepted.declared), "epoch": accepted.epoch, "outcome": accepted.outcome.map(Code::number),
        })
    });
    json!({
        "generation": row.generation, "current": h(row.current.expose()),
        "previous": row.previous.as_ref().map(|psk| h(psk.expose())), "accepted": accepted,
        "reply": row.accepted.map(|_| h(row.reply)), "dead": row.dead.map(h),
        "alternate": row.alternate.as_ref().map(|psk| h(psk.expose())),
        "last": row.last.map(|(id, code)| json!({ "id": h(id), "code": code.number() })), "marker": row.marker,
        "clone_blocked": row.clone_blocked, "suspended": row.suspended, "device_static": h(row.device_static),
        "device_static_old": row.device_static_old.map(h),
    })
}

impl Story {
    fn tell(&mut self, step: &str, mut what: Value) {
        what["step"] = step.into();
        what["device"] = of_device(&self.record);
        what["server"] = of_server(&self.row);
        self.steps.push(what);
    }

    fn start(&mut self, step: &str, intent: &Intent<'_>) -> Attempt<Dalek> {
        let (record, attempt) = self.record.start(intent, NOW, &mut self.draws).unwrap().stored();
        self.record = record;
        let [e] = self.draws.take();
        let frame = h(attempt.frame().bytes());
        self.tell(
            step,
            json!({ "sends": frame, "device_ephemeral_secret": e, "op": intent.op().number(), "time": NOW }),
        );
        attempt
    }

    fn recover(&mut self, step: &str) -> Attempt<Dalek> {
        let (record, attempt) = self.record.recover(&mut self.draws).unwrap().stored();
        self.record = record;
        self.draws.last.clear();
        self.tell(step, json!({ "sends": h(attempt.frame().bytes()), "op": Op::Recover.number() }));
        attempt
    }

    /// The server takes a frame for the first time.
    fn take(&mut self, step: &str, frame: &[u8], reply: Reply) -> (Vec<u8>, Option<responder::Session<Dalek>>) {
        let FirstFrame::Cold(request) = FirstFrame::parse(frame).unwrap() else { panic!("C1") };
        let (done, statement) = match responder::receive::<Dalek>(&self.row, &request, &self.statics).unwrap() {
            Verdict::Operation(operation) => {
                let statement = h(operation.statement().bytes());
                (operation.commit(&self.row, &reply, &mut self.draws), Some(statement))
            }
            Verdict::Recover(recovery) => (recovery.commit(&self.row, &reply, &mut self.draws), None),
            other => panic!("{step}: {other:?}"),
        };
        let done = done.unwrap();
        self.row = done.row;
        let [e] = self.draws.take();
        let answer = done.reply.bytes().to_vec();
        self.tell(
            step,
            json!({ "receives": h(frame), "server_ephemeral_secret": e, "statement": statement, "answers": h(&answer) }),
        );
        (answer, done.session)
    }

    /// The server is not moved.
    fn unmoved(&mut self, step: &str, frame: &[u8]) {
        let FirstFrame::Cold(request) = FirstFrame::parse(frame).unwrap() else { panic!("C1") };
        let what = match responder::receive::<Dalek>(&self.row, &request, &self.statics) {
            Ok(Verdict::Repeat(answer)) => json!({ "verdict": "repeat", "answers": h(answer.bytes()) }),
            Ok(Verdict::CloneProved) => json!({ "verdict": "clone proved" }),
            Err(Dropped::Dead) => json!({ "verdict": "dead" }),
            Err(Dropped::UnknownHint) => json!({ "verdict": "unknown hint" }),
            Err(Dropped::NotAuthentic) => json!({ "verdict": "not authentic" }),
            Err(Dropped::Superseded) => json!({ "verdict": "superseded" }),
            other => panic!("{step}: {other:?}"),
        };
        let mut what = what;
        what["receives"] = h(frame);
        self.tell(step, what);
    }

    fn hear(&mut self, step: &str, attempt: &mut Attempt<Dalek>, frame: &[u8]) -> Option<Session<Dalek>> {
        let Received::Answered(answered) = attempt.receive(&self.record, frame) else { panic!("{step}") };
        let (record, answer) = answered.stored();
        self.record = record;
        let (what, session) = match answer {
            Answer::Operation { reply, session } => (json!({ "cell": h(reply.encode()) }), session),
            Answer::Recovered { outcome } => (json!({ "outcome": outcome.map(Code::number) }), None),
        };
        let mut what = what;
        what["receives"] = h(frame);
        self.tell(step, what);
        session
    }

    fn whole(&mut self, step: &str, intent: &Intent<'_>, answer: Reply) -> (Session<Dalek>, responder::Session<Dalek>) {
        let mut attempt = self.start(&format!("{step}: sent"), intent);
        let frame = *attempt.frame().bytes();
        let (answer, theirs) = self.take(&format!("{step}: accepted"), &frame, answer);
        let ours = self.hear(&format!("{step}: answered"), &mut attempt, &answer);
        (ours.unwrap(), theirs.unwrap())
    }
}

fn opened(code: Code) -> Reply {
    let open = code == Code::Ok;
    let status = if open { DeviceStatus::Open } else { DeviceStatus::Closed };
    Reply { status, until: if open { NOW + 300 } else { 0 }, ..reply(Op::Open, code) }
}

#[test]
fn chapter_7_ratchet() {
    let enrolled = enroll("ratchet enrollment", &[b"493817", b"271828"]);
    let (identity, keys) = (enrolled.identity, enrolled.keys);
    let mut story = Story {
        record: enrolled.record,
        row: enrolled.row,
        epoch: 7,
        statics: enrolled.statics,
        draws: Draws::new("ratchet"),
        steps: Vec::new(),
    };
    let derivation = story.record.pin_derivation();
    let (normal, duress, wrong) =
        (pin_key(&derivation, b"493817"), pin_key(&derivation, b"271828"), pin_key(&derivation, b"550912"));
    story.tell("enrolled", json!({}));

    // An open with each kind of PIN: to the device and to the network they are the same.
    for (name, key, code) in
        [("open", &normal, Code::Ok), ("duress open", &duress, Code::Ok), ("wrong PIN", &wrong, Code::PinRejected)]
    {
        story.whole(name, &Intent::Open { window: 9, key }, opened(code));
    }
    // The first reply is lost; the identical bytes get the identical reply.
    let mut attempt = story.start("retry: sent", &Intent::Status);
    let frame = *attempt.frame().bytes();
    story.take("retry: accepted, reply lost", &frame, reply(Op::Status, Code::Ok));
    story.unmoved("retry: the same bytes", &frame);
    let answer = story.row.reply;
    story.hear("retry: answered", &mut attempt, &answer);
    // The reply is lost for good and the device restarts: an honest fork.
    let lost = *story.start("fork: sent", &Intent::Close).frame().bytes();
    story.take("fork: accepted, reply lost", &lost, reply(Op::Close, Code::Ok));
    let mut recovery = story.recover("fork: recover");
    let frame = *recovery.frame().bytes();
    let (answer, _) = story.take("fork: recover accepted", &frame, reply(Op::Recover, Code::Ok));
    story.unmoved("fork: the operation once more", &lost);
    story.unmoved("fork: the recover once more", &frame);
    story.hear("fork: answered", &mut recovery, &answer);
    // The request never arrived, and comes after all.
    let late = *story.start("late: sent", &Intent::Close).frame().bytes();
    let mut recovery = story.recover("late: recover");
    let frame = *recovery.frame().bytes();
    let (answer, _) = story.take("late: recover accepted", &frame, reply(Op::Recover, Code::Ok));
    story.unmoved("late: the operation arrives", &late);
    story.hear("late: answered", &mut recovery, &answer);
    // The server's key changes while a RECOVER is outstanding.
    let lost = *story.start("key change: sent", &Intent::Close).frame().bytes();
    story.take("key change: accepted, reply lost", &lost, reply(Op::Close, Code::Ok));
    let early = *story.recover("key change: recover").frame().bytes();
    story.take("key change: recover accepted, reply lost", &early, reply(Op::Recover, Code::Ok));
    story.statics = story.draws.pair();
    let [server_static_secret] = story.draws.take();
    story.epoch = 8;
    let key_record = KeyRecord::sign::<Dalek>(&identity, 8, *story.statics.public(), NOW, NOW + 604_800);
    story.record = story.record.renew_server_key::<Dalek>(&key_record).unwrap().stored().0;
    story.tell(
        "key change: the device hears of the new key",
        json!({ "key_record": h(key_record.encode()), "server_static_secret": server_static_secret }),
    );
    let mut recovery = story.recover("key change: recover again");
    let frame = *recovery.frame().bytes();
    let (answer, _) = story.take("key change: recover accepted again", &frame, reply(Op::Recover, Code::Ok));
    story.hear("key change: answered", &mut recovery, &answer);
    warm(&mut story, &keys[0]);
    clone(&mut story);
    resync(&mut story);
    let made = json!({ "enrollment": enrolled.described, "server_time": NOW, "steps": story.steps });
    hold("07-ratchet.json", &made);
}

/// Warm operations, and one whose reply is lost.
fn warm(story: &mut Story, key: &[u8; 32]) {
    let signer = pin_key(&story.record.pin_derivation(), b"493817");
    let (mut ours, mut theirs) = story.whole("warm", &Intent::Ping, reply(Op::Ping, Code::Ok));
    let request = ours.request(&story.record, &Intent::Open { window: 0, key: &signer }, NOW).unwrap();
    let operation = theirs.open(request.frame().bytes()).unwrap();
    let statement = operation.statement::<Dalek>(Extension::None);
    assert!(<Dalek as cardea_protocol::crypto::Provider>::ed25519_verify(
        key,
        statement.bytes(),
        operation.request.signature()
    ));
    story.row = operation.commit(&story.row, &theirs.fence(), Code::Ok).unwrap();
    let answer = theirs.reply(&opened(Code::Ok)).unwrap();
    assert!(matches!(ours.receive(answer.bytes()), Ok(Delivered::Reply(_))));
    story.tell(
        "warm: open",
        json!({
            "sends": h(request.frame().bytes()), "operation_id": h(request.id()), "statement": h(statement.bytes()),
            "answers": h(answer.bytes()),
        }),
    );
    let request = ours.request(&story.record, &Intent::Close, NOW).unwrap();
    let operation = theirs.open(request.frame().bytes()).unwrap();
    story.row = operation.commit(&story.row, &theirs.fence(), Code::Ok).unwrap();
    story.tell(
        "warm: close, reply lost",
        json!({ "sends": h(request.frame().bytes()), "operation_id": h(request.id()) }),
    );
    let (record, mut recovery) = story.record.recover_warm::<Dalek>(request.id(), &mut story.draws).unwrap().stored();
    story.record = record;
    story.draws.last.clear();
    let frame = *recovery.frame().bytes();
    story.tell("warm: recover", json!({ "sends": h(frame), "op": Op::Recover.number() }));
    let (answer, _) = story.take("warm: recover accepted", &frame, reply(Op::Recover, Code::Ok));
    story.hear("warm: answered", &mut recovery, &answer);
    assert!(operation.commit(&story.row, &theirs.fence(), Code::Ok).is_none());
}

/// The record is copied and the copy used once: the original's next contact shows it.
fn clone(story: &mut Story) {
    let copy = story.record.duplicate();
    story.tell("clone: the record is copied", json!({}));
    let original = core::mem::replace(&mut story.record, copy);
    story.whole("clone: the copy", &Intent::Status, reply(Op::Status, Code::Ok));
    story.record = original;
    story.tell("clone: back to the original", json!({}));
    let frame = *story.start("clone: the original", &Intent::Ping).frame().bytes();
    story.unmoved("clone: the original is seen", &frame);
    let frame = *story.recover("clone: the original recovers").frame().bytes();
    story.unmoved("clone: the original's recover is seen", &frame);
}

/// The server is restored from a backup, and the device resyncs.
fn resync(story: &mut Story) {
    story.row.marker = 1;
    let frame = *story.recover("restored: the device recovers").frame().bytes();
    story.unmoved("restored: nothing is known", &frame);
    let mut resync = story.record.resync::<Dalek>(NOW, &mut story.draws).unwrap();
    let r1 = *resync.frame().bytes();
    let Ok(FirstFrame::Resync(request)) = FirstFrame::parse(&r1) else { panic!("R1") };
    let opened = responder::open_resync::<Dalek>(&request, &story.statics).unwrap();
    let [device_e] = story.draws.take();
    let answer = reply(Op::Resync, Code::Ok);
    let (r2, mut awaiting) = opened.answer(&story.row, &answer, &mut story.draws).unwrap();
    let [server_e] = story.draws.take();
    story.tell(
        "resync: allowed",
        json!({
            "r1": h(r1), "r2": h(r2.bytes()), "device_ephemeral_secret": device_e, "server_ephemeral_secret": server_e,
        }),
    );
    let ResyncAnswer::Confirm(mut confirm) = resync.receive(&story.record, r2.bytes()) else { panic!("allowed") };
    let frame = *confirm.frame().bytes();
    story.row = awaiting.confirm(&story.row, &frame).unwrap();
    let answer = awaiting.reply(&reply(Op::Ping, Code::Ok)).unwrap();
    let Confirmed::Resynced(resynced) = confirm.receive(&story.record, answer.bytes()) else { panic!("resynced") };
    story.record = resynced.stored().0;
    story.tell("resync: confirmed", json!({ "sends": h(frame), "answers": h(answer.bytes()) }));
    story.whole("resync: used", &Intent::Ping, reply(Op::Ping, Code::Ok));
}
