//! Everything that reads a message of the other side.
//!
//! The first byte of an input says what the rest is: bytes as they come from a stranger, changes to a genuine message, or
//! content that is sealed with the genuine keys, so that what stands behind the authentication is reached as well. Its
//! top bit chooses the real cryptography; most inputs take the fast stand-in.

mod device;
mod server;

use std::sync::OnceLock;

use cardea_protocol::crypto::{Dalek, Provider, Random};
use cardea_protocol::device::{Attempt, AwaitReceipt, Credential, Enrollment, Intent, Offered, Record};
use cardea_protocol::noise::{CipherState, Handshake, KK_PSK0, KeyPair, Keys, Pattern, Role};
use cardea_protocol::pin::PinKey;
use cardea_protocol::ratchet::Row;
use cardea_protocol::responder::{self, AwaitKeys, EnrollmentOffer, Verdict};
use cardea_protocol::token::{Argon2Class, DeviceId, DeviceInfo, DeviceStatus, Policy, ShortString, TokenId};
use cardea_protocol::wire::{ColdRequest, EnrollRequest, FirstFrame, KeyRecord, Op, Reply, ResyncRequest, TypedCode};
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
    ($(#[$doc:meta])* $name:ident, $module:ident, $generic:ident) => {
        $(#[$doc])*
        pub fn $name(data: &[u8]) {
            match split(data) {
                Some((mode, true, choice, rest)) => $module::$generic::<Dalek>(mode, choice, rest),
                Some((mode, false, choice, rest)) => $module::$generic::<Toy>(mode, choice, rest),
                None => {}
            }
        }
    };
}

reader!(
    /// S1 at the device.
    device_cold, device, cold_reply
);
reader!(
    /// E2 and E4 at the device.
    device_enroll, device, enroll_replies
);
reader!(
    /// R2 and the answer to the confirm at the device.
    device_resync, device, resync_replies
);
reader!(
    /// Warm frames at the device.
    device_warm, device, warm_replies
);
reader!(
    /// C1 at the server.
    server_cold, server, cold_requests
);
reader!(
    /// E1 and E3 at the server.
    server_enroll, server, enroll_requests
);
reader!(
    /// R1 and the confirm at the server.
    server_resync, server, resync_requests
);
reader!(
    /// Warm frames at the server.
    server_warm, server, warm_requests
);

/// Device and server after an enrollment, with the stand-in: record, row, identity and static key.
pub(crate) fn enrolled() -> (Record, Row, Secret<32>, KeyPair) {
    let Pair { record, row, statics, .. } = Pair::new::<Toy>();
    (record, row, House::new::<Toy>().identity, statics)
}
