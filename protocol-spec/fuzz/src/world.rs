//! Device, network and server as state machines, driven by the bytes of an input.
//!
//! The network keeps every message for ever and delivers any of them at any time, to either of two server nodes, whole or
//! damaged. The server reads its row at one moment and commits at another, by compare-and-swap. The device loses what it
//! holds in memory at any moment. What must hold nevertheless is asserted as it happens, and at the end a network without
//! losses has to serve the device.

use std::collections::{HashMap, HashSet};

use cardea_protocol::Code;
use cardea_protocol::Secret;
use cardea_protocol::crypto::Random;
use cardea_protocol::device::{
    Answer, Attempt, Confirm, Confirmed, Delivered, Intent, Pending, Received, Record, Resync, ResyncAnswer, Rotation,
    Session,
};
use cardea_protocol::noise::KeyPair;
use cardea_protocol::pin::PinKey;
use cardea_protocol::ratchet::Row;
use cardea_protocol::responder::{self, AwaitConfirm, Dropped, ResyncVerdict, Verdict};
use cardea_protocol::token::{DeviceStatus, Hint};
use cardea_protocol::wire::{FirstFrame, KeyRecord, LargeReply, Op, PlainFrame, Reply};

use crate::reader::enrolled;
use crate::seeded::Seeded;
use crate::toy::Toy;

const NOW: u32 = 1_800_000_000;
/// Actions per input: enough for every scenario of the design, and quick.
const ACTIONS: usize = 160;

type Id = [u8; 32];

/// Somebody who holds the device's record: the device, or who copied it.
struct Holder {
    record: Record,
    attempt: Option<Attempt<Toy>>,
    session: Option<(Session<Toy>, Id)>,
    /// A warm request in flight: its id, and what it rotates.
    warm: Option<(Id, Option<Rotation>)>,
    resync: Option<Resync<Toy>>,
    confirm: Option<(Confirm<Toy>, usize)>,
    /// How many operations it has begun.
    begun: u32,
    /// The last of them that was executed.
    executed: u32,
}

impl Holder {
    fn new(record: Record) -> Self {
        Self { record, attempt: None, session: None, warm: None, resync: None, confirm: None, begun: 0, executed: 0 }
    }

    /// Power lost: what was stored is what remains.
    fn crash(&mut self) {
        self.record = Record::decode(self.record.encode().expose()).expect("what is stored can be loaded");
        (self.attempt, self.session, self.warm) = (None, None, None);
        (self.resync, self.confirm) = (None, None);
    }

    fn keep(&mut self, record: &Record) {
        self.record = Record::decode(record.encode().expose()).expect("what is made can be stored");
    }
}

/// A server node between reading and committing.
struct Reading {
    row: Row,
    version: u64,
    frame: Vec<u8>,
}

struct World {
    holders: Vec<Holder>,
    random: Seeded,
    identity: Secret<32>,
    keys: Vec<(u8, KeyPair)>,
    row: Row,
    version: u64,
    backup: Option<Row>,
    nodes: [Option<Reading>; 2],
    to_server: Vec<Vec<u8>>,
    to_device: Vec<Vec<u8>>,
    sessions: HashMap<Id, responder::Session<Toy>>,
    warm: Vec<(Id, Vec<u8>)>,
    warm_replies: Vec<(Id, Id, Vec<u8>)>,
    confirms: Vec<Option<AwaitConfirm<Toy>>>,
    // What only an observer of everything knows.
    copied: bool,
    /// The copy was made while something was pending: it asks after operations that are not its own, and may hear that the
    /// last one was another.
    copied_pending: bool,
    owner: HashMap<Vec<u8>, usize>,
    begun: HashMap<Id, (usize, u32)>,
    executed: HashMap<Id, Code>,
    never: HashSet<Id>,
    accepted: Vec<(Hint, usize, Id)>,
    used: HashSet<usize>,
}

/// Runs one schedule. With `copies` the record may be copied once.
pub fn run(data: &[u8], copies: bool) {
    let (record, row, identity, statics) = enrolled();
    let mut world = World {
        holders: vec![Holder::new(record)],
        random: Seeded(11),
        identity,
        keys: vec![(7, statics)],
        row,
        version: 0,
        backup: None,
        nodes: [None, None],
        to_server: Vec::new(),
        to_device: Vec::new(),
        sessions: HashMap::new(),
        warm: Vec::new(),
        warm_replies: Vec::new(),
        confirms: Vec::new(),
        copied: false,
        copied_pending: false,
        owner: HashMap::new(),
        begun: HashMap::new(),
        executed: HashMap::new(),
        never: HashSet::new(),
        accepted: Vec::new(),
        used: HashSet::new(),
    };
    for action in data.chunks_exact(2).take(ACTIONS) {
        let (what, which) = (action[0], usize::from(action[1]));
        world.act(what, which, copies);
    }
    if !copies {
        world.finish();
    }
}

fn pick<T>(list: &[T], which: usize) -> Option<&T> {
    // Counted from the end: the newest is the likeliest to matter.
    let length = list.len();
    if length == 0 { None } else { list.get(length - 1 - which % length) }
}

fn reply(op: Op, code: Code) -> Reply {
    Reply { op, status: DeviceStatus::Closed, code, tries: 10, server_time: NOW, until: 0, aux: 0x11 }
}

/// What the server thinks of an operation: any result but a refusal, and always the same for the same operation.
fn judge(id: &Id) -> Code {
    [Code::Ok, Code::PinRejected, Code::Stale, Code::Wait][usize::from(id[3] & 3)]
}

impl World {
    fn act(&mut self, what: u8, which: usize, copies: bool) {
        let holder = if self.holders.len() > 1 { which >> 7 } else { 0 };
        match what % 20 {
            0 => self.start(holder, which),
            1 => self.recover(holder),
            2 | 3 => {
                let frame = pick(&self.to_server, which & 0x7f).cloned();
                self.deliver(frame);
            }
            4 | 5 => {
                let frame = pick(&self.to_device, which & 0x7f).cloned();
                self.receive(holder, frame);
            }
            6 => self.holders[holder].crash(),
            7 => {
                // Damage on the way to either side.
                if let Some(mut frame) = pick(&self.to_server, which & 0x0f).cloned() {
                    let at = (which * 31) % frame.len();
                    frame[at] ^= 1 << (which & 7);
                    self.deliver(Some(frame));
                }
                if let Some(mut frame) = pick(&self.to_device, which & 0x0f).cloned() {
                    let at = (which * 31) % frame.len();
                    frame[at] ^= 1 << (which & 7);
                    self.receive(holder, Some(frame));
                }
            }
            8 => {
                let codes = [Code::UnknownHint, Code::StaleKey, Code::Overloaded, Code::VersionUnsupported];
                let forged = PlainFrame { code: codes[which & 3], random: [9; 62] }.encode();
                self.receive(holder, Some(forged.bytes().to_vec()));
            }
            9 => {
                let frame = pick(&self.to_server, which >> 1 & 0x3f).cloned();
                self.nodes[which & 1] =
                    frame.map(|frame| Reading { row: self.row.duplicate(), version: self.version, frame });
            }
            10 => {
                if let Some(reading) = self.nodes[which & 1].take() {
                    self.commit(reading);
                }
            }
            11 => self.warm_start(holder, which),
            12 => self.warm_deliver(which),
            13 => self.warm_receive(holder, which),
            14 => self.warm_recover(holder),
            15 => self.resync(holder, which),
            16 => self.rotate_server_key(holder, which),
            17 if copies && !self.copied => {
                self.copied = true;
                self.copied_pending = *self.holders[0].record.pending() != Pending::None;
                self.used.clear();
                let record = self.holders[0].record.duplicate();
                self.holders.push(Holder::new(record));
            }
            17 if !copies => self.backup(which),
            18 => {
                if let Some(frame) = self.to_server.last().cloned() {
                    self.deliver(Some(frame));
                }
                if let Some(frame) = self.to_device.last().cloned() {
                    self.receive(holder, Some(frame));
                }
            }
            _ => self.confirm(holder, which),
        }
    }

    fn send(&mut self, holder: usize, frame: &[u8]) {
        self.owner.entry(frame.to_vec()).or_insert(holder);
        self.to_server.push(frame.to_vec());
    }

    fn start(&mut self, holder: usize, which: usize) {
        let intent = &[Intent::Ping, Intent::Close, Intent::Status][which % 3];
        let own = &mut self.holders[holder];
        let Ok(started) = own.record.start::<Toy>(intent, NOW, &mut self.random) else {
            return assert!(*own.record.pending() != Pending::None);
        };
        let (record, attempt) = started.stored();
        own.keep(&record);
        // What was under way in a session can be asked after only before anything else is begun.
        (own.session, own.warm) = (None, None);
        own.begun += 1;
        let frame = attempt.frame().bytes().to_vec();
        self.begun.insert(frame[10..42].try_into().expect("32 bytes"), (holder, own.begun));
        own.attempt = Some(attempt);
        self.send(holder, &frame);
    }

    fn recover(&mut self, holder: usize) {
        let own = &mut self.holders[holder];
        let Ok(recovery) = own.record.recover::<Toy>(&mut self.random) else {
            return assert!(*own.record.pending() == Pending::None);
        };
        let (record, attempt) = recovery.stored();
        own.keep(&record);
        (own.session, own.warm) = (None, None);
        let frame = attempt.frame().bytes().to_vec();
        own.attempt = Some(attempt);
        self.send(holder, &frame);
    }

    fn receive(&mut self, holder: usize, frame: Option<Vec<u8>>) {
        let own = &mut self.holders[holder];
        let (Some(frame), Some(attempt)) = (frame, own.attempt.as_mut()) else { return };
        let declared = match own.record.pending() {
            Pending::Recovery { declared, .. } => *declared,
            Pending::Attempt(e) => *e,
            Pending::None => [0; 32],
        };
        let Received::Answered(answered) = attempt.receive(&own.record, &frame) else { return };
        let e: Id = attempt.frame().bytes()[10..42].try_into().expect("32 bytes");
        let (record, answer) = answered.stored();
        own.attempt = None;
        own.keep(&record);
        match answer {
            Answer::Operation { reply, session } => {
                assert_eq!(self.executed.get(&e), Some(&reply.code), "told of what did not happen");
                own.session = session.map(|session| (session, e));
            }
            Answer::Recovered { outcome: Some(code) } => {
                assert_eq!(self.executed.get(&declared), Some(&code), "told of what did not happen");
            }
            Answer::Recovered { outcome: None } if self.copied_pending => {}
            Answer::Recovered { outcome: None } => {
                assert!(!self.executed.contains_key(&declared), "told that nothing happened");
                self.never.insert(declared);
            }
        }
    }

    /// A node reads and commits at once.
    fn deliver(&mut self, frame: Option<Vec<u8>>) {
        if let Some(frame) = frame {
            let reading = Reading { row: self.row.duplicate(), version: self.version, frame };
            self.commit(reading);
        }
    }

    fn commit(&mut self, reading: Reading) {
        let Reading { row, version, frame } = reading;
        let Ok(FirstFrame::Cold(request)) = FirstFrame::parse(&frame) else { return };
        let Some((_, key)) = self.keys.iter().find(|(epoch, _)| *epoch == request.epoch()) else { return };
        let verdict = match responder::receive::<Toy>(&row, &request, key) {
            Ok(verdict) => verdict,
            Err(Dropped::Malformed) => panic!("nobody here sends such a thing"),
            Err(_) => return,
        };
        let owner = self.owner.get(&frame).copied();
        let e = request.ephemeral();
        match verdict {
            Verdict::Repeat(answer) => self.to_device.push(answer.bytes().to_vec()),
            Verdict::Refuse(refusal) => {
                let answer = refusal.answer(&reply(Op::Ping, Code::Ok), &mut self.random).expect("a good key");
                self.to_device.push(answer.bytes().to_vec());
            }
            Verdict::CloneProved => {
                if version != self.version {
                    return;
                }
                let owner = owner.expect("only what was sent authenticates");
                assert!(self.copied, "a clone was proved that does not exist");
                assert!(self.used.iter().any(|user| *user != owner), "a clone was proved that did nothing");
                self.row.clone_blocked = true;
                self.version += 1;
            }
            Verdict::Operation(operation) => {
                let owner = owner.expect("only what was sent authenticates");
                let code = judge(&e);
                let done = operation.commit(&row, &reply(Op::Ping, code), &mut self.random);
                let done = done.expect("the same row");
                if version != self.version {
                    return;
                }
                self.executes(&e, code);
                let other = self.accepted.iter().any(|(hint, user, _)| *hint == request.hint() && *user != owner);
                assert!(!other, "two holders of one key both went on");
                self.accepted.push((request.hint(), owner, e));
                self.used.insert(owner);
                self.store(&done.row);
                self.sessions.insert(e, done.session.expect("a first acceptance"));
                self.to_device.push(done.reply.bytes().to_vec());
            }
            Verdict::Recover(recovery) => {
                let owner = owner.expect("only what was sent authenticates");
                let done = recovery.commit(&row, &reply(Op::Ping, Code::Ok), &mut self.random).expect("the same row");
                assert!(done.session.is_none());
                if version != self.version {
                    return;
                }
                let declared = done.row.accepted.expect("accepted").declared;
                for (hint, user, id) in &self.accepted {
                    let honest = *user == owner || *id == declared;
                    assert!(*hint != request.hint() || honest, "a copy was used and the original not told");
                }
                self.used.insert(owner);
                self.store(&done.row);
                self.to_device.push(done.reply.bytes().to_vec());
            }
        }
    }

    fn executes(&mut self, id: &Id, code: Code) {
        assert!(!self.never.contains(id), "executed after it was answered that it never will be");
        assert!(self.executed.insert(*id, code).is_none(), "executed twice");
        let (holder, number) = self.begun[id];
        let own = &mut self.holders[holder];
        assert!(own.executed < number, "an older operation after a newer one");
        own.executed = number;
    }

    fn store(&mut self, row: &Row) {
        self.row = Row::decode(row.encode().expose()).expect("what is made can be stored");
        self.version += 1;
    }

    fn warm_start(&mut self, holder: usize, which: usize) {
        let own = &mut self.holders[holder];
        let Some((session, connection)) = own.session.as_mut() else { return };
        if own.warm.is_some() {
            return;
        }
        let (id, frame, rotation) = if which & 3 == 0 {
            let key = PinKey::random(&mut self.random);
            let Ok(step) = session.rotate(&own.record, &key, NOW, &mut self.random) else { return };
            let (record, rotation) = step.stored();
            let Pending::Recovery { declared, .. } = record.pending() else { unreachable!("stored with its RECOVER") };
            let id = *declared;
            own.record = Record::decode(record.encode().expose()).expect("what is made can be stored");
            (id, rotation.frame().bytes().to_vec(), Some(rotation))
        } else {
            let Ok(request) = session.request(&own.record, &Intent::Close, NOW) else { return };
            (*request.id(), request.frame().bytes().to_vec(), None)
        };
        let connection = *connection;
        own.begun += 1;
        own.warm = Some((id, rotation));
        self.begun.insert(id, (holder, own.begun));
        self.warm.push((connection, frame));
    }

    fn warm_deliver(&mut self, which: usize) {
        let Some((connection, frame)) = pick(&self.warm, which & 0x0f).cloned() else { return };
        let Some(session) = self.sessions.get_mut(&connection) else { return };
        // Out of order, repeated: does not decrypt, and the connection closes.
        let Ok(operation) = session.open(&frame) else {
            self.sessions.remove(&connection);
            return;
        };
        let (id, op) = (operation.id, operation.request.op());
        let code = judge(&id);
        let Some(row) = operation.commit(&self.row, &session.fence(), code) else {
            self.sessions.remove(&connection);
            return;
        };
        let answer = reply(op, code);
        let frame = match op {
            Op::Rotate => session.reply_large(&LargeReply::Plain(answer)).map(|frame| frame.bytes().to_vec()),
            _ => session.reply(&answer).map(|frame| frame.bytes().to_vec()),
        };
        self.executes(&id, code);
        self.store(&row);
        self.warm_replies.push((connection, id, frame.expect("a short session")));
    }

    fn warm_receive(&mut self, holder: usize, which: usize) {
        let Some((connection, id, frame)) = pick(&self.warm_replies, which & 0x0f).cloned() else { return };
        let own = &mut self.holders[holder];
        let Some((session, of)) = own.session.as_mut() else { return };
        if *of != connection {
            return;
        }
        let Ok(delivered) = session.receive(&frame) else {
            return;
        };
        let reply = match delivered {
            Delivered::Reply(reply) => reply,
            Delivered::Large(reply) => *reply.reply(),
            Delivered::Push(_) => unreachable!("nobody pushes"),
        };
        assert_eq!(self.executed.get(&id), Some(&reply.code), "told of what did not happen");
        if let Some((_, Some(rotation))) = own.warm.take() {
            let next = rotation.answered::<Toy>(&own.record, &reply).stored().0;
            own.keep(&next);
        }
    }

    fn warm_recover(&mut self, holder: usize) {
        let own = &mut self.holders[holder];
        let Some((id, rotation)) = own.warm.take() else { return };
        own.session = None;
        if rotation.is_some() {
            return self.recover(holder);
        }
        let Ok(recovery) = own.record.recover_warm::<Toy>(&id, &mut self.random) else { return };
        let (record, attempt) = recovery.stored();
        own.keep(&record);
        let frame = attempt.frame().bytes().to_vec();
        own.attempt = Some(attempt);
        self.send(holder, &frame);
    }

    /// R1, R2 and, if the server asks for it, the making of the confirm.
    fn resync(&mut self, holder: usize, which: usize) {
        let own = &mut self.holders[holder];
        let before = *self.row.encode().expose();
        let mut resync = own.record.resync::<Toy>(NOW, &mut self.random).expect("a good key");
        let frame = resync.frame().bytes().to_vec();
        let Ok(FirstFrame::Resync(request)) = FirstFrame::parse(&frame) else { unreachable!("R1") };
        let Some((_, key)) = self.keys.iter().find(|(epoch, _)| *epoch == request.epoch()) else { return };
        let opened = responder::open_resync::<Toy>(&request, key).expect("genuine");
        let of_device = [Some(self.row.device_static), self.row.device_static_old];
        if !of_device.contains(&Some(*opened.device_static())) {
            return assert!(self.backup.is_some() || self.copied, "the server forgot a static key");
        }
        let answer = reply(Op::Resync, Code::Ok);
        let (r2, awaiting) = opened.answer(&self.row, &answer, &mut self.random).expect("the device's signature");
        assert!(self.row.encode().expose() == &before, "R1 changes nothing");
        if which & 1 != 0 {
            return;
        }
        let verdict = awaiting.verdict();
        assert!(verdict != ResyncVerdict::NotAllowed || self.copied, "an honest device is a stranger");
        if let ResyncAnswer::Confirm(confirm) = resync.receive(&own.record, r2.bytes()) {
            own.confirm = Some((confirm, self.confirms.len()));
            self.confirms.push(Some(awaiting));
        }
    }

    fn confirm(&mut self, holder: usize, which: usize) {
        let own = &mut self.holders[holder];
        let Some((mut confirm, at)) = own.confirm.take() else { return };
        let Some(mut awaiting) = self.confirms[at].take() else { return };
        if which & 3 == 3 {
            return;
        }
        let row = awaiting.confirm(&self.row, confirm.frame().bytes()).expect("genuine");
        assert!(!row.suspended || self.copied || self.backup.is_some(), "an honest device is suspended");
        self.store(&row);
        let answer = awaiting.reply(&reply(Op::Ping, Code::Ok)).expect("a fresh session");
        if which & 3 == 2 {
            return;
        }
        let own = &mut self.holders[holder];
        if let Confirmed::Resynced(resynced) = confirm.receive(&own.record, answer.bytes()) {
            let record = resynced.stored().0;
            own.crash();
            own.keep(&record);
        }
    }

    fn rotate_server_key(&mut self, holder: usize, which: usize) {
        let (epoch, _) = self.keys.last().expect("there is one");
        let epoch = epoch.wrapping_add(1);
        let secret: Secret<32> = self.random.secret();
        let pair = KeyPair::from_secret::<Toy>(secret);
        let record = KeyRecord::sign::<Toy>(&self.identity, epoch, *pair.public(), NOW, NOW + 604_800);
        self.keys.push((epoch, pair));
        if which & 1 != 0 && self.keys.len() > 2 {
            self.keys.remove(0);
        }
        let own = &mut self.holders[holder];
        if let Ok(renewed) = own.record.renew_server_key::<Toy>(&record) {
            let (record, ()) = renewed.stored();
            // What is in memory was made for the old key.
            own.crash();
            own.keep(&record);
        }
    }

    fn backup(&mut self, which: usize) {
        if which & 1 == 0 || self.backup.is_none() {
            self.backup = Some(self.row.duplicate());
        } else if let Some(backup) = &self.backup {
            let mut row = backup.duplicate();
            // A ROTATE since the backup would be forgotten, and the device with it: keep the static keys.
            (row.device_static, row.device_static_old) = (self.row.device_static, self.row.device_static_old);
            row.marker = 1;
            self.store(&row);
            self.sessions.clear();
            self.nodes = [None, None];
        }
    }

    /// A network without losses serves the device within eight exchanges.
    fn finish(&mut self) {
        self.holders[0].crash();
        // It hears of the server's newest key.
        let (epoch, key) = self.keys.last().expect("there is one");
        let record = KeyRecord::sign::<Toy>(&self.identity, *epoch, *key.public(), NOW, NOW + 604_800);
        if let Ok(renewed) = self.holders[0].record.renew_server_key::<Toy>(&record) {
            self.holders[0].record = renewed.stored().0;
        }
        for _ in 0..8 {
            let operation = *self.holders[0].record.pending() == Pending::None;
            if operation {
                self.start(0, 0);
            } else {
                self.recover(0);
            }
            let answers = self.to_device.len();
            let frame = self.to_server.last().cloned();
            self.deliver(frame);
            if self.to_device.len() == answers {
                self.resync(0, 0);
                self.confirm(0, 0);
                continue;
            }
            let answer = self.to_device.last().cloned();
            self.receive(0, answer);
            if operation {
                assert!(*self.holders[0].record.pending() == Pending::None, "not served");
                assert_eq!(self.holders[0].record.hint::<Toy>(), self.row.hints::<Toy>()[0].expect("there is one"));
                assert_eq!(self.holders[0].record.generation(), self.row.generation);
                return;
            }
        }
        panic!("the device is never served");
    }
}
