//! A server in memory: the real responder, one token, and a list of things to do wrong.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use cardea_protocol::crypto::{Dalek, Provider as _, Random};
use cardea_protocol::noise::KeyPair;
use cardea_protocol::ratchet::Row;
use cardea_protocol::responder::{self, Committed, EnrollmentOffer, Opened, Session, Verdict};
use cardea_protocol::statement::Extension;
use cardea_protocol::token::{Argon2Class, DeviceId, DeviceInfo, DeviceStatus, Policy, ShortString, TokenId};
use cardea_protocol::wire::{
    ColdRequest, FirstFrame, Host, KeyRecord, LargeReply, LargeRequest, Link, Op, PlainFrame, Reply, Signer,
};
use cardea_protocol::{Code, Secret};
use cardea_sdk::transport::Connection as _;
use cardea_sdk::transport::memory::{MemoryConnection, MemoryListener};

use crate::pushing::{Live, Pushing, Told};
use crate::world::Seeded;

/// The server's clock.
pub(crate) const NOW: u32 = 1_800_000_000;
/// Tries before a device is blocked.
const TRIES: u8 = 5;

/// What goes wrong with one frame from a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// It never arrives; the connection breaks.
    LoseRequest,
    /// It never arrives, and nobody says so.
    Swallow,
    /// It is handled; the answer never arrives.
    LoseReply,
    /// It is handled; a damaged answer arrives.
    DamageReply,
    /// It is handled twice, as if the network had copied it; the second answer arrives.
    Duplicate,
    /// Somebody answers in the server's place with a plain error.
    Forge(Code),
}

/// One device of the token.
pub(crate) struct Device {
    pub(crate) row: Row,
    pub(crate) keys: [[u8; 32]; 4],
    pub(crate) info: DeviceInfo,
    pub(crate) tries: u8,
}

/// Everything that the server knows.
pub(crate) struct State {
    identity: Secret<32>,
    statics: Vec<(KeyPair, KeyRecord)>,
    random: Seeded,
    pub(crate) policy: Policy,
    pub(crate) link_id: [u8; 8],
    code: Secret<32>,
    pub(crate) code_used: bool,
    pub(crate) devices: Vec<Device>,
    /// Unix seconds until which it is open.
    pub(crate) open_until: u32,
    pub(crate) now: u32,
    /// Operations that were executed, in order.
    pub(crate) executed: Vec<(Op, Code)>,
    /// What goes wrong with the next frames; nothing once it is empty.
    pub(crate) faults: VecDeque<Fault>,
    /// Sizes of all frames in both directions.
    pub(crate) traffic: Vec<usize>,
    /// All frames from devices.
    pub(crate) requests: Vec<Vec<u8>>,
    pub(crate) pushing: Pushing,
    /// Enrollments are refused with this code, in the name of the server.
    pub(crate) refuse: Option<Code>,
}

/// A handle on the server.
#[derive(Clone)]
pub(crate) struct Server(Arc<Mutex<State>>);

/// What an answered connection goes on with.
enum Next {
    Close,
    Warm(Box<Live>),
    Keys(Box<responder::AwaitKeys<Dalek>>),
    Confirm(Box<responder::AwaitConfirm<Dalek>>),
    First,
}

impl Server {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Seeded::new(seed);
        let identity = random.secret();
        let policy = Policy {
            argon2: Argon2Class::Test,
            pin_min: 6,
            pin_max: 8,
            duress: true,
            biometric: false,
            short_string: ShortString::Shown,
            version_min: 1,
            version_max: 1,
            keepalive: 0,
        };
        let mut state = State {
            statics: Vec::new(),
            identity,
            policy,
            link_id: Link::generate_id(&mut random),
            code: random.secret(),
            code_used: false,
            random,
            devices: Vec::new(),
            open_until: 0,
            now: NOW,
            executed: Vec::new(),
            faults: VecDeque::new(),
            traffic: Vec::new(),
            requests: Vec::new(),
            pushing: Pushing::default(),
            refuse: None,
        };
        state.rotate(7);
        Self(Arc::new(Mutex::new(state)))
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// What goes wrong next.
    pub(crate) fn fault(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state().faults.extend(faults);
    }

    /// A frame that the network kept arrives on a connection of its own.
    pub(crate) fn deliver(&self, frame: &[u8]) {
        let _ = self.answer(frame);
    }

    /// What the server says to the first frame of a connection, or to a datagram.
    pub(crate) fn answer(&self, frame: &[u8]) -> Vec<Vec<u8>> {
        self.state().first(frame).0
    }

    /// The enrollment link.
    pub(crate) fn link(&self) -> String {
        let state = self.state();
        let (statics, record) = state.statics.last().unwrap();
        let link = Link {
            epoch: record.epoch,
            id: state.link_id,
            code: state.code.duplicate(),
            server_key: *statics.public(),
            port: 8421,
            host: Host::new("id.example").unwrap(),
        };
        let mut text = String::new();
        link.write_uri(&mut text).unwrap();
        text
    }

    /// Takes connections until nobody can make any more.
    pub(crate) fn serve(&self, mut listener: MemoryListener) {
        let server = self.clone();
        tokio::spawn(async move {
            while let Some(connection) = listener.accept().await {
                tokio::spawn(server.clone().connection(connection));
            }
        });
    }

    async fn connection(self, mut connection: MemoryConnection) {
        let mut next = Next::First;
        loop {
            let frame = match &mut next {
                Next::Warm(live) => tokio::select! {
                    biased;
                    told = live.mailbox.recv() => Err(told.unwrap_or(Told::Cut)),
                    frame = connection.receive() => Ok(frame),
                },
                _ => Ok(connection.receive().await),
            };
            let frame = match (frame, &mut next) {
                (Err(Told::Push(push)), Next::Warm(live)) => {
                    let frame = live.frame(&push, self.state().now);
                    let _ = connection.send(&frame).await;
                    continue;
                }
                (Err(Told::Over), Next::Warm(live)) => {
                    let frame = live.over(&self.state());
                    let _ = connection.send(&frame).await;
                    return;
                }
                (Ok(Ok(frame)), _) => frame,
                _ => return,
            };
            let fault = {
                let mut state = self.state();
                state.traffic.push(frame.len());
                state.requests.push(frame.to_vec());
                state.faults.pop_front().unwrap_or(Fault::None)
            };
            let mut answers = match fault {
                Fault::LoseRequest => return,
                Fault::Swallow => continue,
                Fault::Forge(code) => {
                    let _ = connection.send(PlainFrame { code, random: [7; 62] }.encode().bytes()).await;
                    return;
                }
                Fault::Duplicate => {
                    let _ = self.state().first(&frame);
                    self.state().handle(&mut next, &frame)
                }
                _ => self.state().handle(&mut next, &frame),
            };
            if fault == Fault::LoseReply {
                return;
            }
            if fault == Fault::DamageReply {
                answers.iter_mut().for_each(|answer| *answer.last_mut().unwrap() ^= 1);
            }
            for answer in answers {
                self.state().traffic.push(answer.len());
                if connection.send(&answer).await.is_err() {
                    return;
                }
            }
            if matches!(next, Next::Close) {
                return;
            }
        }
    }
}

impl State {
    /// Publishes a new static key and forgets the others.
    pub(crate) fn rotate(&mut self, epoch: u8) {
        let pair = KeyPair::from_secret::<Dalek>(self.random.secret());
        let record = KeyRecord::sign::<Dalek>(&self.identity, epoch, *pair.public(), NOW - 10, NOW + 700_000);
        self.statics = vec![(pair, record)];
    }

    /// Publishes the next static key, which is current in so many seconds, beside the one in use.
    pub(crate) fn announce(&mut self, epoch: u8, seconds: u32) -> KeyRecord {
        let pair = KeyPair::from_secret::<Dalek>(self.random.secret());
        let from = self.now + seconds;
        let record = KeyRecord::sign::<Dalek>(&self.identity, epoch, *pair.public(), from, from + 700_000);
        self.statics.push((pair, record));
        record
    }

    fn plain(code: Code) -> Vec<Vec<u8>> {
        vec![PlainFrame { code, random: [3; 62] }.encode().bytes().to_vec()]
    }

    fn status(&self) -> (DeviceStatus, u32) {
        if self.now < self.open_until { (DeviceStatus::Open, self.open_until) } else { (DeviceStatus::Closed, 0) }
    }

    pub(crate) fn reply(&self, op: Op, code: Code, device: usize) -> Reply {
        let tries = self.devices[device].tries;
        let (status, until) = if tries == 0 { (DeviceStatus::Blocked, 0) } else { self.status() };
        let mask = self.pushing.waiting.iter().fold(0, |mask, asked| mask | 1 << asked.index);
        let aux = Reply::with_waiting(Reply::versions(1, 1), mask);
        Reply { op, status, code, tries, server_time: self.now, until, aux }
    }

    fn handle(&mut self, next: &mut Next, frame: &[u8]) -> Vec<Vec<u8>> {
        match std::mem::replace(next, Next::Close) {
            Next::Close => Vec::new(),
            Next::First => {
                let (answers, then) = self.first(frame);
                *next = then;
                answers
            }
            Next::Keys(keys) => self.enroll(*keys, frame),
            Next::Warm(mut live) => match self.warm(&mut live.session, frame) {
                Some(answer) => {
                    *next = Next::Warm(live);
                    vec![answer]
                }
                None => Vec::new(),
            },
            Next::Confirm(mut confirm) => {
                let Ok(row) = confirm.confirm(&self.devices[0].row, frame) else { return Vec::new() };
                self.devices[0].row = row;
                vec![confirm.reply(&self.reply(Op::Ping, Code::Ok, 0)).unwrap().bytes().to_vec()]
            }
        }
    }

    fn first(&mut self, frame: &[u8]) -> (Vec<Vec<u8>>, Next) {
        let none = (Vec::new(), Next::Close);
        match FirstFrame::parse(frame) {
            Ok(FirstFrame::Cold(request)) => self.cold(&request),
            Ok(FirstFrame::Resync(request)) => {
                let opened = responder::open_resync::<Dalek>(&request, &self.statics[0].0).unwrap();
                let Some(device) = self.devices.first() else { return none };
                if device.row.device_static != *opened.device_static() {
                    return none;
                }
                let reply = self.reply(Op::Resync, Code::Ok, 0);
                let (frame, confirm) = opened.answer(&self.devices[0].row, &reply, &mut self.random).unwrap();
                (vec![frame.bytes().to_vec()], Next::Confirm(Box::new(confirm)))
            }
            Ok(FirstFrame::Enroll(request)) => {
                if request.id() != self.link_id || self.code_used {
                    return (Self::plain(Code::CodeUsed), Next::Close);
                }
                // The ids stay the same until keys have arrived.
                let device = u32::try_from(self.devices.len()).unwrap().to_be_bytes();
                let offer = EnrollmentOffer {
                    identity: Dalek::ed25519_public(&self.identity),
                    key_record: self.statics[0].1,
                    token: TokenId::new([3; 16]),
                    device: DeviceId::new(device),
                    policy: self.policy,
                };
                let offered = responder::offer::<Dalek>(&request, &self.statics[0].0, &offer, &mut self.random);
                let Ok((frame, keys)) = offered else { return none };
                (vec![frame.bytes().to_vec()], Next::Keys(Box::new(keys)))
            }
            Err(_) => none,
        }
    }

    fn enroll(&mut self, keys: responder::AwaitKeys<Dalek>, frame: &[u8]) -> Vec<Vec<u8>> {
        let psk = Dalek::derive(&[], &[self.code.expose()], &[b"cardea1 enroll"]);
        let Ok(mut new) = keys.receive(frame, &psk) else { return Self::plain(Code::CodeUsed) };
        if let Some(code) = self.refuse {
            let status = DeviceStatus::NotEnrolled;
            let reply = Reply { op: Op::Ping, status, code, tries: 0, server_time: self.now, until: 0, aux: 0 };
            return vec![new.refuse(&reply).unwrap().bytes().to_vec()];
        }
        let receipt = new.receipt(&self.identity).unwrap();
        self.code_used = true;
        self.devices.iter_mut().for_each(|device| device.row.revoked = true);
        self.devices.insert(0, Device { row: new.row, keys: new.keys, info: new.info, tries: TRIES });
        vec![receipt.bytes().to_vec()]
    }

    fn cold(&mut self, request: &ColdRequest<'_>) -> (Vec<Vec<u8>>, Next) {
        let Some(statics) = self.statics.iter().position(|(_, record)| record.epoch == request.epoch()) else {
            let mut frames = Self::plain(Code::StaleKey);
            frames.push(self.statics[0].1.encode().to_vec());
            return (frames, Next::Close);
        };
        let hint = request.hint();
        let Some(at) = self.devices.iter().position(|device| device.row.hints::<Dalek>().contains(&Some(hint))) else {
            return (Self::plain(Code::UnknownHint), Next::Close);
        };
        let committed = match responder::receive::<Dalek>(&self.devices[at].row, request, &self.statics[statics].0) {
            Err(responder::Dropped::UnknownHint) => return (Self::plain(Code::UnknownHint), Next::Close),
            Err(_) => return (Vec::new(), Next::Close),
            Ok(Verdict::Repeat(reply)) => return (vec![reply.bytes().to_vec()], Next::Close),
            Ok(Verdict::Refuse(refusal)) => {
                let reply = self.reply(Op::Ping, Code::Ok, at);
                let frame = refusal.answer(&reply, &mut self.random).unwrap();
                return (vec![frame.bytes().to_vec()], Next::Close);
            }
            Ok(Verdict::CloneProved) => {
                self.devices[at].row.clone_blocked = true;
                return (Vec::new(), Next::Close);
            }
            Ok(Verdict::Recover(recovery)) => {
                let reply = self.reply(Op::Recover, Code::Ok, at);
                recovery.commit(&self.devices[at].row, &reply, &mut self.random).unwrap()
            }
            Ok(Verdict::Operation(operation)) => {
                let cell = *operation.request();
                let stale = cell.op.signer() != Signer::Nobody && self.now.abs_diff(cell.time) > 120;
                let code = match cell.op.signer() {
                    _ if stale => Code::Stale,
                    Signer::Pin => self.judge(at, operation.statement().bytes(), &cell.signature),
                    _ => Code::Ok,
                };
                self.execute(cell.op, code);
                let reply = self.reply(cell.op, code, at);
                if code == Code::Blocked {
                    let frame = operation.refuse().answer(&reply, &mut self.random).unwrap();
                    return (vec![frame.bytes().to_vec()], Next::Close);
                }
                let committed = operation.commit(&self.devices[at].row, &reply, &mut self.random).unwrap();
                if cell.op == Op::Unenroll && code == Code::Ok {
                    self.devices[at].row.revoked = true;
                    return self.commit(at, committed, true);
                }
                let (mut answers, mut next) = self.commit(at, committed, false);
                if let (Op::Subscribe, Next::Warm(live)) = (cell.op, &mut next) {
                    answers.extend(live.list(self));
                }
                return (answers, next);
            }
        };
        self.commit(at, committed, false)
    }

    fn commit(&mut self, at: usize, committed: Committed<Dalek>, revoked: bool) -> (Vec<Vec<u8>>, Next) {
        self.devices[at].row = Row::decode(committed.row.encode().expose()).unwrap();
        self.devices[at].row.revoked = revoked;
        let next = match committed.session {
            Some(session) => Next::Warm(Box::new(self.pushing.begin(session))),
            None => {
                self.pushing.end(*committed.row.device.bytes());
                Next::Close
            }
        };
        (vec![committed.reply.bytes().to_vec()], next)
    }

    fn judge(&mut self, at: usize, statement: &[u8], signature: &[u8; 64]) -> Code {
        let device = &mut self.devices[at];
        if device.tries == 0 {
            Code::Blocked
        } else if device.keys.iter().filter(|key| Dalek::ed25519_verify(key, statement, signature)).count() > 0 {
            device.tries = TRIES;
            Code::Ok
        } else {
            device.tries -= 1;
            Code::PinRejected
        }
    }

    fn execute(&mut self, op: Op, code: Code) {
        self.executed.push((op, code));
        match (op, code) {
            (Op::Open, Code::Ok) => self.open_until = self.now + 60,
            (Op::Close, Code::Ok) => self.open_until = 0,
            _ => {}
        }
    }

    fn warm(&mut self, session: &mut Session<Dalek>, frame: &[u8]) -> Option<Vec<u8>> {
        let operation = session.open(frame).ok()?;
        let at = self.devices.iter().position(|device| session.fence().owns(&device.row))?;
        let statement = operation.statement::<Dalek>(Extension::None);
        let stale =
            operation.request.op().signer() != Signer::Nobody && self.now.abs_diff(operation.request.time()) > 120;
        let code = match operation.request.op().signer() {
            _ if stale => Code::Stale,
            Signer::Pin => self.judge(at, statement.bytes(), operation.request.signature()),
            _ => Code::Ok,
        };
        self.execute(operation.request.op(), code);
        if let (Opened::Large(LargeRequest::SetPins(pins)), Code::Ok) = (&operation.request, code) {
            self.devices[at].keys = pins.entries.map(|entry| entry.key);
        }
        self.devices[at].row = operation.commit(&self.devices[at].row, &session.fence(), code)?;
        let reply = self.reply(operation.request.op(), code, at);
        Some(match operation.request {
            Opened::Large(_) => session.reply_large(&LargeReply::Plain(reply)).ok()?.bytes().to_vec(),
            Opened::Small(_) => session.reply(&reply).ok()?.bytes().to_vec(),
        })
    }
}
