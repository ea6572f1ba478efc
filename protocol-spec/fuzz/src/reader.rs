//! Everything that reads a message of the other side.
//!
//! The first byte of an input says what the rest is: bytes as they come from a stranger, changes to a genuine message, or
//! content that is sealed with the genuine keys, so that what stands behind the authentication is reached as well. Its
//! top bit chooses the real cryptography; most inputs take the fast stand-in.

use std::sync::OnceLock;

use cardea_protocol::crypto::{Dalek, Provider, Random};
use cardea_protocol::device::{
    Attempt, AwaitReceipt, Confirmed, Credential, Delivered, Enrollment, Intent, Offered, Received, Record,
    ResyncAnswer,
};
use cardea_protocol::noise::{CipherState, Handshake, IK, KK_PSK0, KeyPair, Keys, Pattern, Role, XK_PSK3};
use cardea_protocol::pin::PinKey;
use cardea_protocol::ratchet::Row;
use cardea_protocol::responder::{self, AwaitKeys, EnrollmentOffer, Verdict};
use cardea_protocol::statement::Extension;
use cardea_protocol::token::{Argon2Class, DeviceId, DeviceInfo, DeviceStatus, Policy, ShortString, TokenId};
use cardea_protocol::wire::{
    ColdRequest, EnrollRequest, FirstFrame, KeyRecord, LargeReply, Op, Reply, ResyncRequest, TypedCode,
};
use cardea_protocol::{Code, Secret};

use crate::seeded::Seeded;
use crate::toy::Toy;

/// A valid identity key for which no seed is known: the base point of the curve.
pub const IDENTITY: [u8; 32] = {
    let mut key = [0x66; 32];
    key[0] = 0x58;
    key
};

const NOW: u32 = 1_800_000_000;

/// How the rest of an input is used.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// As a frame.
    Raw,
    /// As changes to a genuine frame.
    Changes,
    /// As content, sealed with the genuine keys.
    Sealed,
}

fn split(data: &[u8]) -> Option<(Mode, bool, u8, &[u8])> {
    let [first, second, rest @ ..] = data else { return None };
    let mode = match first & 3 {
        0 => Mode::Raw,
        1 => Mode::Changes,
        _ => Mode::Sealed,
    };
    Some((mode, first & 0x80 != 0, *second, rest))
}

/// `genuine` with the bits of `changes` flipped, or `changes` themselves.
fn frame(mode: Mode, genuine: &[u8], changes: &[u8]) -> Vec<u8> {
    if mode == Mode::Raw {
        return changes.to_vec();
    }
    let mut frame = genuine.to_vec();
    for (byte, change) in frame.iter_mut().zip(changes) {
        *byte ^= change;
    }
    frame
}

/// `content` cut or filled with zeros to `N` bytes.
fn sized<const N: usize>(content: &[u8]) -> [u8; N] {
    let mut sized = [0; N];
    let length = content.len().min(N);
    sized[..length].copy_from_slice(&content[..length]);
    sized
}

fn seal<P: Provider>(key: &mut CipherState<P>, cell: &[u8]) -> Vec<u8> {
    let mut text = cell.to_vec();
    let tag = key.encrypt(&[], &mut text).expect("a fresh key");
    text.extend(tag);
    text
}

fn reply(op: Op, code: Code) -> Reply {
    Reply { op, status: DeviceStatus::Closed, code, tries: 10, server_time: NOW, until: 0, aux: 0x11 }
}

fn policy() -> Policy {
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

/// A server about to enroll.
struct House {
    identity: Secret<32>,
    statics: KeyPair,
    offer: EnrollmentOffer,
    code: TypedCode,
    random: Seeded,
}

impl House {
    fn new<P: Provider>() -> Self {
        let mut random = Seeded(1);
        let identity: Secret<32> = random.secret();
        let statics = KeyPair::from_secret::<P>(random.secret());
        let offer = EnrollmentOffer {
            identity: P::ed25519_public(&identity),
            key_record: KeyRecord::sign::<P>(&identity, 7, *statics.public(), NOW, NOW + 604_800),
            token: TokenId::new([3; 16]),
            device: DeviceId::new([4; 4]),
            policy: policy(),
        };
        let code = TypedCode::generate(&mut random);
        Self { identity, statics, offer, code, random }
    }

    fn e1<P: Provider>(&mut self) -> Enrollment<P> {
        let credential = Credential::from_code::<P>(&self.code);
        Enrollment::start(&credential, self.statics.public(), 7, &mut self.random).expect("a good key")
    }

    fn e2<P: Provider>(&mut self, e1: &[u8]) -> (Vec<u8>, AwaitKeys<P>) {
        let (frame, keys) =
            responder::offer(&enroll_request(e1), &self.statics, &self.offer, &mut self.random).expect("genuine");
        (frame.bytes().to_vec(), keys)
    }

    fn e3<P: Provider>(&mut self, offered: Offered<P>) -> (Record, AwaitReceipt<P>) {
        let pins = [(); 4].map(|()| PinKey::random(&mut self.random));
        let info = DeviceInfo { platform: 3, sdk_version: [0, 1, 0], emulated: true, biometric: false };
        offered.accept(&pins, &info).expect("by the rules").stored()
    }
}

fn enroll_request(frame: &[u8]) -> EnrollRequest<'_> {
    match FirstFrame::parse(frame) {
        Ok(FirstFrame::Enroll(request)) => request,
        _ => unreachable!("E1"),
    }
}

fn cold_request(frame: &[u8]) -> Option<ColdRequest<'_>> {
    match FirstFrame::parse(frame) {
        Ok(FirstFrame::Cold(request)) => Some(request),
        _ => None,
    }
}

fn resync_request(frame: &[u8]) -> Option<ResyncRequest<'_>> {
    match FirstFrame::parse(frame) {
        Ok(FirstFrame::Resync(request)) => Some(request),
        _ => None,
    }
}

/// An enrolled device and its row, in their storage forms.
struct Enrolled {
    record: [u8; 414],
    row: [u8; 451],
    statics: [u8; 32],
}

/// A provider with an enrolled device of its own.
trait Sides: Provider {
    fn cell() -> &'static OnceLock<Enrolled>;
}

impl Sides for Toy {
    fn cell() -> &'static OnceLock<Enrolled> {
        static CELL: OnceLock<Enrolled> = OnceLock::new();
        &CELL
    }
}

impl Sides for Dalek {
    fn cell() -> &'static OnceLock<Enrolled> {
        static CELL: OnceLock<Enrolled> = OnceLock::new();
        &CELL
    }
}

/// Device and server after an enrollment.
struct Pair {
    record: Record,
    row: Row,
    statics: KeyPair,
    random: Seeded,
}

impl Pair {
    fn new<P: Sides>() -> Self {
        let enrolled = P::cell().get_or_init(|| {
            let mut house = House::new::<P>();
            let enrollment = house.e1::<P>();
            let (e2, keys) = house.e2::<P>(enrollment.frame().bytes());
            let offered = enrollment.receive(&e2, &mut Seeded(2)).expect("genuine");
            let (record, receipt) = house.e3(offered);
            let mut new = keys.receive(receipt.frame().bytes(), &house.code.psk::<P>()).expect("genuine");
            let e4 = new.receipt(&house.identity).expect("a fresh key");
            let record = receipt.receive(&record, e4.bytes()).expect("genuine").stored().0;
            Enrolled {
                record: *record.encode().expose(),
                row: *new.row.encode().expose(),
                statics: *house.statics.secret().expose(),
            }
        });
        Self {
            record: Record::decode(&enrolled.record).expect("stored"),
            row: Row::decode(&enrolled.row).expect("stored"),
            statics: KeyPair::from_secret::<P>(Secret::new(enrolled.statics)),
            random: Seeded(3),
        }
    }

    fn start<P: Provider>(&mut self, intent: &Intent<'_>) -> Attempt<P> {
        let (record, attempt) = self.record.start(intent, NOW, &mut self.random).expect("nothing is pending").stored();
        self.record = record;
        attempt
    }

    fn recover<P: Provider>(&mut self) -> Attempt<P> {
        let (record, attempt) = self.record.recover(&mut self.random).expect("something is pending").stored();
        self.record = record;
        attempt
    }

    /// Handles a genuine cold request.
    fn handle<P: Provider>(&mut self, frame: &[u8]) -> (Vec<u8>, Option<responder::Session<P>>) {
        let request = cold_request(frame).expect("C1");
        let done = match responder::receive::<P>(&self.row, &request, &self.statics).expect("genuine") {
            Verdict::Operation(operation) => {
                let reply = reply(operation.request().op, Code::Ok);
                operation.commit(&self.row, &reply, &mut self.random)
            }
            Verdict::Recover(recovery) => recovery.commit(&self.row, &reply(Op::Recover, Code::Ok), &mut self.random),
            _ => unreachable!("a first acceptance"),
        };
        let done = done.expect("the same row");
        self.row = done.row;
        (done.reply.bytes().to_vec(), done.session)
    }

    /// A handshake by somebody with all keys of the device.
    fn initiator<P: Provider>(
        &self,
        pattern: &'static Pattern,
        clear: &[u8],
        e: KeyPair,
        psk: Option<&Secret<32>>,
    ) -> Handshake<P> {
        let stored = self.record.encode();
        let secret = Secret::from_slice(&stored.expose()[43..75]).expect("32 bytes");
        let keys = Keys {
            s: Some(KeyPair::from_secret::<P>(secret)),
            e: Some(e),
            rs: Some(*self.statics.public()),
            psk: psk.map(Secret::duplicate),
        };
        Handshake::new(pattern, Role::Initiator, &[b"cardea1", clear], keys).expect("the right keys")
    }

    /// A handshake by somebody with all keys of the server.
    fn responder<P: Provider>(&mut self, pattern: &'static Pattern, clear: &[u8]) -> Handshake<P> {
        let known = core::ptr::eq(pattern, &KK_PSK0);
        let keys = Keys {
            s: Some(self.statics.duplicate()),
            e: Some(KeyPair::from_secret::<P>(self.random.secret())),
            rs: known.then_some(self.row.device_static),
            psk: known.then(|| self.row.current.duplicate()),
        };
        Handshake::new(pattern, Role::Responder, &[b"cardea1", clear], keys).expect("the right keys")
    }
}

/// Chooses the cryptography.
macro_rules! reader {
    ($(#[$doc:meta])* $name:ident, $generic:ident) => {
        $(#[$doc])*
        pub fn $name(data: &[u8]) {
            match split(data) {
                Some((mode, true, choice, rest)) => $generic::<Dalek>(mode, choice, rest),
                Some((mode, false, choice, rest)) => $generic::<Toy>(mode, choice, rest),
                None => {}
            }
        }
    };
}

reader!(
    /// S1 at the device.
    device_cold, cold_reply
);
reader!(
    /// E2 and E4 at the device.
    device_enroll, enroll_replies
);
reader!(
    /// R2 and the answer to the confirm at the device.
    device_resync, resync_replies
);
reader!(
    /// Warm frames at the device.
    device_warm, warm_replies
);
reader!(
    /// C1 at the server.
    server_cold, cold_requests
);
reader!(
    /// E1 and E3 at the server.
    server_enroll, enroll_requests
);
reader!(
    /// R1 and the confirm at the server.
    server_resync, resync_requests
);
reader!(
    /// Warm frames at the server.
    server_warm, warm_requests
);

fn cold_reply<P: Sides>(mode: Mode, choice: u8, data: &[u8]) {
    let mut pair = Pair::new::<P>();
    let mut attempt = pair.start::<P>(&Intent::Ping);
    if choice & 1 != 0 {
        attempt = pair.recover::<P>();
    }
    let sent = *attempt.frame().bytes();
    let genuine = if mode == Mode::Sealed {
        let mut handshake = pair.responder::<P>(&KK_PSK0, &sent[..10]);
        handshake.read_message(&sent[10..], &mut [0; 70]).expect("genuine");
        let mut frame = [0; 63];
        handshake.write_message(&sized::<14>(data), &mut frame[1..]).expect("fits");
        frame.to_vec()
    } else {
        pair.handle::<P>(&sent).0
    };
    let bytes = if mode == Mode::Sealed { genuine.clone() } else { frame(mode, &genuine, data) };
    let before = *pair.record.encode().expose();
    match attempt.receive(&pair.record, &bytes) {
        Received::Answered(answered) => {
            assert!(mode == Mode::Sealed || bytes == genuine, "a forged answer was taken");
            let next = Record::decode(answered.record().encode().expose()).expect("what is made can be stored");
            assert_eq!(next.generation(), pair.record.generation() + 1);
            assert!(next.hint::<P>() != pair.record.hint::<P>());
        }
        Received::Refused(reply) => assert!(matches!(reply.code, Code::Blocked | Code::NotEnrolled)),
        Received::Plain(code) => assert!(code.is_plain()),
        Received::NotAuthentic if mode == Mode::Sealed => {}
        Received::NotAuthentic => {
            // The attempt goes on waiting.
            assert!(matches!(attempt.receive(&pair.record, &genuine), Received::Answered(_)));
        }
    }
    assert!(pair.record.encode().expose() == &before);
}

fn enroll_replies<P: Sides>(mode: Mode, choice: u8, data: &[u8]) {
    let mut house = House::new::<P>();
    let enrollment = house.e1::<P>();
    let e1 = *enrollment.frame().bytes();
    if choice & 1 == 0 {
        let e2 = if mode == Mode::Sealed {
            let keys = Keys {
                s: Some(house.statics.duplicate()),
                e: Some(KeyPair::from_secret::<P>(house.random.secret())),
                ..Keys::default()
            };
            let mut handshake =
                Handshake::<P>::new(&XK_PSK3, Role::Responder, &[b"cardea1", &e1[..9]], keys).expect("the right keys");
            handshake.read_message(&e1[9..], &mut [0]).expect("genuine");
            let mut e2 = [0; 218];
            // Changes to what a server would say: a signature is hard to come by.
            let mut content = Vec::new();
            content.extend(house.offer.identity);
            content.extend(house.offer.key_record.encode());
            content.extend(house.offer.token.bytes());
            content.extend(house.offer.device.bytes());
            content.extend(house.offer.policy.encode());
            handshake.write_message(&frame(Mode::Changes, &content, data), &mut e2[1..]).expect("fits");
            e2.to_vec()
        } else {
            frame(mode, &house.e2::<P>(&e1).0, data)
        };
        if let Ok(offered) = enrollment.receive(&e2, &mut Seeded(4)) {
            assert!((6..=12).contains(&offered.policy().pin_min));
            let record = house.e3(offered).0;
            assert!(Record::decode(record.encode().expose()).expect("storable").is_provisional());
        }
        return;
    }
    let (e2, keys) = house.e2::<P>(&e1);
    let offered = enrollment.receive(&e2, &mut Seeded(4)).expect("genuine");
    let (record, receipt) = house.e3(offered);
    let mut new = keys.receive(receipt.frame().bytes(), &house.code.psk::<P>()).expect("genuine");
    let e4 = if choice & 2 == 0 {
        new.receipt(&house.identity).expect("a fresh key").bytes().to_vec()
    } else {
        new.refuse(&reply(Op::Ping, Code::Policy)).expect("a fresh key").bytes().to_vec()
    };
    let bytes = frame(mode, &e4, data);
    if receipt.receive(&record, &bytes).is_ok() {
        assert!(bytes == e4 && choice & 2 == 0);
    }
}

fn resync_replies<P: Sides>(mode: Mode, choice: u8, data: &[u8]) {
    let mut pair = Pair::new::<P>();
    let mut resync = pair.record.resync::<P>(NOW, &mut pair.random).expect("a good key");
    let r1 = *resync.frame().bytes();
    let mut handshake = pair.responder::<P>(&IK, &r1[..2]);
    handshake.read_message(&r1[2..], &mut [0; 78]).expect("genuine");
    let mut content: [u8; 22] = sized(&Reply { aux: 1, ..reply(Op::Resync, Code::Ok) }.encode());
    content[14] = 1;
    if mode == Mode::Sealed && choice & 1 == 0 {
        content = sized(data);
    }
    let mut r2 = [0; 71];
    handshake.write_message(&content, &mut r2[1..]).expect("fits");
    let mut key = CipherState::<P>::new(handshake.split().expect("finished").responder_to_initiator);
    let bytes = if mode == Mode::Sealed || choice & 1 != 0 { r2.to_vec() } else { frame(mode, &r2, data) };
    let mut answer = resync.receive(&pair.record, &bytes);
    if matches!(answer, ResyncAnswer::NotAuthentic) && mode != Mode::Sealed {
        answer = resync.receive(&pair.record, &r2);
        assert!(matches!(answer, ResyncAnswer::Confirm(_)));
    }
    let ResyncAnswer::Confirm(mut confirm) = answer else { return };
    let genuine = reply(Op::Ping, Code::Ok).encode();
    let answer = match mode {
        Mode::Sealed => seal(&mut key, &sized::<14>(data)),
        _ => frame(mode, &seal(&mut key, &genuine), data),
    };
    if let Confirmed::Resynced(resynced) = confirm.receive(&pair.record, &answer) {
        let next = Record::decode(resynced.record().encode().expose()).expect("what is made can be stored");
        assert!(next.hint::<P>() != pair.record.hint::<P>());
    }
}

fn warm_replies<P: Sides>(mode: Mode, _: u8, data: &[u8]) {
    let mut pair = Pair::new::<P>();
    let mut attempt = pair.start::<P>(&Intent::Ping);
    let sent = *attempt.frame().bytes();
    let mut handshake = pair.responder::<P>(&KK_PSK0, &sent[..10]);
    handshake.read_message(&sent[10..], &mut [0; 70]).expect("genuine");
    let mut s1 = [0; 63];
    handshake.write_message(&reply(Op::Ping, Code::Ok).encode(), &mut s1[1..]).expect("fits");
    let mut key = CipherState::<P>::new(handshake.split().expect("finished").responder_to_initiator);
    let Received::Answered(answered) = attempt.receive(&pair.record, &s1) else { unreachable!("genuine") };
    let (_, cardea_protocol::device::Answer::Operation { session: Some(mut session), .. }) = answered.stored() else {
        unreachable!("a first send")
    };
    // Many frames in one input: sealed cells of both sizes, or whatever.
    for chunk in data.chunks(239) {
        let bytes = match (mode, chunk) {
            (Mode::Sealed, [size, cell @ ..]) if size & 1 == 0 => seal(&mut key, &sized::<14>(cell)),
            (Mode::Sealed, [_, cell @ ..]) => seal(&mut key, &sized::<238>(cell)),
            _ => chunk.to_vec(),
        };
        match session.receive(&bytes) {
            Ok(delivered) => {
                assert!(mode == Mode::Sealed, "a forged frame was taken");
                match delivered {
                    Delivered::Reply(reply) => assert_eq!(Reply::decode(&reply.encode()), Ok(reply)),
                    Delivered::Large(reply) => assert_eq!(LargeReply::decode(&reply.encode()), Ok(reply)),
                    Delivered::Push(push) => assert!(push.encode_large().is_some() != push.to_reply(NOW).is_some()),
                }
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

fn cold_requests<P: Sides>(mode: Mode, choice: u8, data: &[u8]) {
    let mut pair = Pair::new::<P>();
    let fresh = pair.record.duplicate();
    let seed: Secret<32> = Secret::new([9; 32]);
    // The row in one of its states.
    let operation = pair.start::<P>(&Intent::Ping);
    let recovery = pair.recover::<P>();
    let (a, r) = (*operation.frame().bytes(), *recovery.frame().bytes());
    let state = choice & 7;
    if matches!(state, 1 | 2 | 6) {
        pair.handle::<P>(&a);
    }
    if matches!(state, 2 | 3) {
        pair.handle::<P>(&r);
    }
    match state {
        4 => pair.row.marker = 2,
        5 => pair.row.marker = 1,
        6 => pair.row.suspended = true,
        7 => pair.row.device_static_old = Some([3; 32]),
        _ => {}
    }
    let bytes = match (mode, data) {
        (Mode::Sealed, [which, cell @ ..]) => {
            let psk = match which & 3 {
                1 => pair.row.previous.as_ref(),
                2 => pair.row.alternate.as_ref(),
                _ => None,
            };
            let psk = psk.unwrap_or(&pair.row.current).duplicate();
            // The ephemeral key of the accepted RECOVER, or a fresh one.
            let stored = pair.record.encode();
            let e = if which & 4 == 0 {
                seed.duplicate()
            } else {
                Secret::from_slice(&stored.expose()[349..381]).expect("32 bytes")
            };
            let mut clear = vec![0x11, 7];
            clear.extend(cardea_protocol::ratchet::hint::<P>(&psk).bytes());
            let e = KeyPair::from_secret::<P>(e);
            let mut handshake = pair.initiator::<P>(&KK_PSK0, &clear, e, Some(&psk));
            let mut noise = [0; 118];
            let mut cell = sized::<70>(cell);
            if which & 8 != 0 {
                // A RECOVER that declares the operation.
                cell = cardea_protocol::wire::Request::recover(a[10..42].try_into().expect("32 bytes")).encode();
            }
            handshake.write_message(&cell, &mut noise).expect("fits");
            clear.extend(noise);
            clear
        }
        _ => frame(mode, if choice & 8 == 0 { &a } else { &r }, data),
    };
    drop(fresh);
    let Some(request) = cold_request(&bytes) else { return };
    let genuine = bytes == a || bytes == r;
    let before = *pair.row.encode().expose();
    let verdict = responder::receive::<P>(&pair.row, &request, &pair.statics);
    assert!(pair.row.encode().expose() == &before, "looking changes nothing");
    assert!(state != 5 || verdict.is_err(), "a restored row answers nothing");
    let committed = match verdict {
        Err(_) => return,
        Ok(Verdict::Repeat(_)) => return assert!(genuine),
        Ok(Verdict::Refuse(refusal)) => {
            assert!(state == 6 && (genuine || mode == Mode::Sealed));
            let answer = refusal.answer(&reply(Op::Ping, Code::Ok), &mut pair.random);
            return assert!(answer.is_some());
        }
        Ok(Verdict::CloneProved) => {
            assert!(mode == Mode::Sealed || genuine);
            return assert!(Some(request.hint()) != pair.row.hints::<P>()[0], "the current key proves nothing");
        }
        Ok(Verdict::Operation(operation)) => {
            assert!(mode == Mode::Sealed || genuine);
            let extension = Extension::Confirmation { id: &[1; 8], text: "x" };
            assert!(operation.statement_with(&pair.row, &request, &pair.statics, extension).bytes().len() == 122);
            let reply = reply(operation.request().op, Code::Ok);
            operation.commit(&pair.row, &reply, &mut pair.random)
        }
        Ok(Verdict::Recover(recovery)) => {
            assert!(mode == Mode::Sealed || genuine);
            recovery.commit(&pair.row, &reply(Op::Ping, Code::Ok), &mut pair.random)
        }
    };
    let committed = committed.expect("the same row");
    let row = Row::decode(committed.row.encode().expose()).expect("what is made can be stored");
    let again = responder::receive::<P>(&row, &request, &pair.statics);
    assert!(matches!(again, Ok(Verdict::Repeat(frame)) if frame == committed.reply));
}

fn enroll_requests<P: Sides>(mode: Mode, choice: u8, data: &[u8]) {
    let mut house = House::new::<P>();
    let enrollment = house.e1::<P>();
    let e1 = *enrollment.frame().bytes();
    if choice & 1 == 0 {
        let bytes = frame(mode, &e1, data);
        if let Ok(FirstFrame::Enroll(request)) = FirstFrame::parse(&bytes) {
            let answer = responder::offer::<P>(&request, &house.statics, &house.offer, &mut house.random);
            assert_eq!(answer.is_ok(), bytes == e1);
        }
        return;
    }
    let (e2, keys) = house.e2::<P>(&e1);
    let psk = house.code.psk::<P>();
    if mode != Mode::Sealed {
        let offered = enrollment.receive(&e2, &mut Seeded(4)).expect("genuine");
        let receipt = house.e3(offered).1;
        let bytes = frame(mode, receipt.frame().bytes(), data);
        assert_eq!(keys.receive(&bytes, &psk).is_ok(), bytes == receipt.frame().bytes());
        return;
    }
    // A device with manners up to E3.
    let own = KeyPair::from_secret::<P>(house.random.secret());
    let own_public = *own.public();
    let keys_of_device = Keys {
        s: Some(own),
        e: Some(KeyPair::from_secret::<P>(house.random.secret())),
        rs: Some(*house.statics.public()),
        psk: Some(psk.duplicate()),
    };
    let id = house.code.id();
    let mut handshake =
        Handshake::<P>::new(&XK_PSK3, Role::Initiator, &[b"cardea1", &[0x13], &id], keys_of_device).expect("keys");
    let mut e1 = [0; 58];
    e1[0] = 0x13;
    e1[1..9].copy_from_slice(&id);
    handshake.write_message(&[1], &mut e1[9..]).expect("fits");
    let (e2, keys) = house.e2::<P>(&e1);
    handshake.read_message(&e2[1..], &mut [0; 169]).expect("genuine");
    let seeds = [1, 2, 3, 4, 5].map(|byte| Secret::new([byte; 32]));
    let mut content: Vec<u8> = seeds.iter().flat_map(P::ed25519_public).collect();
    for (seed, slot) in seeds.iter().zip([0, 1, 2, 3, 0xff]) {
        let message = [b"cardea1 proof".as_slice(), &[slot], handshake.hash(), &own_public].concat();
        content.extend(P::ed25519_sign(seed, &message));
    }
    content.extend([3, 0, 1, 0]);
    content.resize(496, 0);
    let mut e3 = [0; 560];
    handshake.write_message(&frame(Mode::Changes, &content, data), &mut e3).expect("fits");
    if let Ok(new) = keys.receive(&e3, &psk) {
        // Nothing but the device's description of itself can be other than it was.
        assert!(data.iter().take(480).all(|byte| *byte == 0) || data.iter().take(160).any(|byte| *byte != 0));
        assert!(!new.info.biometric);
        assert!(Row::decode(new.row.encode().expose()).is_ok());
    }
}

fn resync_requests<P: Sides>(mode: Mode, choice: u8, data: &[u8]) {
    let mut pair = Pair::new::<P>();
    pair.row.marker = choice >> 1 & 1;
    pair.row.revoked = choice & 4 != 0;
    pair.row.clone_blocked = choice & 8 != 0;
    let resync = pair.record.resync::<P>(NOW, &mut pair.random.clone()).expect("a good key");
    let r1 = *resync.frame().bytes();
    let e = KeyPair::from_secret::<P>(pair.random.clone().secret());
    let mut handshake = pair.initiator::<P>(&IK, &r1[..2], e, None);
    // What the genuine R1 says, changed.
    let mut reader = pair.responder::<P>(&IK, &r1[..2]);
    let mut content = [0; 78];
    reader.read_message(&r1[2..], &mut content).expect("genuine");
    let sealed = mode == Mode::Sealed && choice & 1 == 0;
    let content = if sealed { frame(Mode::Changes, &content, data) } else { content.to_vec() };
    let mut own = r1;
    handshake.write_message(&content, &mut own[2..]).expect("fits");
    let bytes = if mode == Mode::Sealed || choice & 1 != 0 { own.to_vec() } else { frame(mode, &r1, data) };
    let Some(request) = resync_request(&bytes) else { return };
    let Ok(opened) = responder::open_resync::<P>(&request, &pair.statics) else {
        return assert!(sealed || bytes != r1);
    };
    assert!(mode == Mode::Sealed || bytes == r1);
    let before = *pair.row.encode().expose();
    let Ok((r2, mut awaiting)) = opened.answer(&pair.row, &reply(Op::Resync, Code::Ok), &mut pair.random) else {
        return;
    };
    handshake.read_message(&r2.bytes()[1..], &mut [0; 22]).expect("genuine");
    let mut key = CipherState::<P>::new(handshake.split().expect("finished").initiator_to_responder);
    let confirm = match mode {
        Mode::Sealed => seal(&mut key, &sized::<70>(if sealed { &[] } else { data })),
        _ => data.to_vec(),
    };
    if let Ok(next) = awaiting.confirm(&pair.row, &confirm) {
        assert!(mode == Mode::Sealed);
        let next = Row::decode(next.encode().expose()).expect("what is made can be stored");
        let barred = pair.row.revoked || pair.row.clone_blocked;
        assert!(!barred || next.encode().expose() == &before);
        assert!(awaiting.reply(&reply(Op::Ping, Code::Ok)).is_ok());
    }
    assert!(pair.row.encode().expose() == &before);
}

fn warm_requests<P: Sides>(mode: Mode, choice: u8, data: &[u8]) {
    let mut pair = Pair::new::<P>();
    let mut clear = vec![0x11, 7];
    clear.extend(pair.record.hint::<P>().bytes());
    let e = KeyPair::from_secret::<P>(pair.random.secret());
    let psk = pair.row.current.duplicate();
    let mut handshake = pair.initiator::<P>(&KK_PSK0, &clear, e, Some(&psk));
    let mut noise = [0; 118];
    handshake.write_message(&[0; 70], &mut noise).expect("fits");
    clear.extend(noise);
    let (s1, session) = pair.handle::<P>(&clear);
    let mut session = session.expect("a first acceptance");
    handshake.read_message(&s1[1..], &mut [0; 14]).expect("genuine");
    let mut key = CipherState::<P>::new(handshake.split().expect("finished").initiator_to_responder);
    for chunk in data.chunks(239) {
        let bytes = match (mode, chunk) {
            (Mode::Sealed, [size, cell @ ..]) if size & 1 == 0 => seal(&mut key, &sized::<70>(cell)),
            (Mode::Sealed, [_, cell @ ..]) => seal(&mut key, &sized::<238>(cell)),
            _ => chunk.to_vec(),
        };
        let Ok(operation) = session.open(&bytes) else { continue };
        assert!(mode == Mode::Sealed, "a forged frame was taken");
        let extension = Extension::Confirmation { id: &[1; 8], text: "x" };
        assert!((82..=122).contains(&operation.statement::<P>(extension).bytes().len()));
        let code = Code::from_number(choice % 17).expect("there are 17");
        let next = operation.commit(&pair.row, &session.fence(), code).expect("the session owns the row");
        pair.row = Row::decode(next.encode().expose()).expect("what is made can be stored");
        assert_eq!(pair.row.last, Some((operation.id, code)));
    }
}

/// Device and server after an enrollment, with the stand-in: record, row, identity and static key.
pub(crate) fn enrolled() -> (Record, Row, Secret<32>, KeyPair) {
    let Pair { record, row, statics, .. } = Pair::new::<Toy>();
    (record, row, House::new::<Toy>().identity, statics)
}
