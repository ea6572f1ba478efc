//! The Cardea token channel, without I/O: no clock, no socket, no allocation, no panic on any input.
//!
//! The specification in `spec/` says what travels and why; this crate is that and nothing else. Both ends are values that take
//! bytes and give bytes: [`device`] around one stored [`device::Record`], [`responder`] around one stored
//! [`ratchet::Row`]. Storing, sending, and the time are the caller's, and where storing has to come first the types say so.
//!
//! | Module | Chapter | Holds |
//! |---|---|---|
//! | [`noise`] | 1 | the handshakes, and the keys of a session |
//! | [`wire`] | 2, 3, 4, 8 | frames, cells, links and codes, key records |
//! | [`token`] | 3 | identifiers, status, policy, device information |
//! | [`pin`] | 5 | PINs and the keys made of them |
//! | [`statement`] | 6 | what is signed |
//! | [`ratchet`] | 7 | keys, hints, and the server's row |
//! | [`device`] | 7, 9 | the device |
//! | [`responder`] | 7, 9 | the server's end |
//! | [`Code`], [`ProtocolError`] | 10 | result codes; errors by who must act |
//! | [`limits`] | 12 | every bound |
//! | [`crypto`], [`Secret`] | | primitives behind one trait; the type that holds secrets |
//!
//! Enroll and open, both ends in one memory:
//!
//! ```
//! # #[cfg(feature = "dalek")] {
//! use cardea_protocol::crypto::{Dalek, Provider, Random};
//! use cardea_protocol::device::{Answer, Credential, Enrollment, Intent, Received};
//! use cardea_protocol::noise::KeyPair;
//! use cardea_protocol::pin::{Pin, PinKey};
//! use cardea_protocol::responder::{self, EnrollmentOffer, Verdict};
//! use cardea_protocol::token::{Argon2Class, DeviceId, DeviceInfo, DeviceStatus, Policy, ShortString, TokenId};
//! use cardea_protocol::wire::{FirstFrame, KeyRecord, Op, Reply, TypedCode};
//! use cardea_protocol::Code;
//!
//! # struct Example(u8);
//! # impl Random for Example {
//! #     fn fill(&mut self, bytes: &mut [u8]) {
//! #         for chunk in bytes.chunks_mut(32) {
//! #             self.0 += 1;
//! #             chunk.copy_from_slice(&Dalek::sha256(&[&[self.0]])[..chunk.len()]);
//! #         }
//! #     }
//! # }
//! # fn main() -> Result<(), Box<dyn core::error::Error>> {
//! # let random = &mut Example(0);
//! # let now = 1_800_000_000;
//! // `random` is the operating system's; here it is an example's.
//! // The server: an identity, a static key, and a code that it showed to somebody.
//! let identity = random.secret();
//! let statics = KeyPair::from_secret::<Dalek>(random.secret());
//! let code = TypedCode::generate(random);
//! let offer = EnrollmentOffer {
//!     identity: Dalek::ed25519_public(&identity),
//!     key_record: KeyRecord::sign::<Dalek>(&identity, 1, *statics.public(), now, now + 604_800),
//!     token: TokenId::new([1; 16]),
//!     device: DeviceId::new([2; 4]),
//!     policy: Policy {
//!         argon2: Argon2Class::Test,
//!         pin_min: 6,
//!         pin_max: 12,
//!         duress: true,
//!         biometric: false,
//!         short_string: ShortString::Off,
//!         version_min: 1,
//!         version_max: 1,
//!         keepalive: 0,
//!     },
//! };
//!
//! // Enrollment: E1, E2, E3, E4.
//! let enrollment = Enrollment::<Dalek>::start(&Credential::from_code::<Dalek>(&code), statics.public(), 1, random)?;
//! let FirstFrame::Enroll(e1) = FirstFrame::parse(enrollment.frame().bytes())? else { unreachable!() };
//! let (e2, awaiting) = responder::offer::<Dalek>(&e1, &statics, &offer, random)?;
//! let offered = enrollment.receive(e2.bytes(), random)?;
//! let derivation = offered.pin_derivation();
//! let mut memory = vec![<Dalek as Provider>::PinBlock::default(); derivation.blocks()];
//! let normal = derivation.derive::<Dalek>(&Pin::new(b"493817")?, &mut memory)?;
//! let keys = [normal, PinKey::random(random), PinKey::random(random), PinKey::random(random)];
//! let info = DeviceInfo { platform: 3, sdk_version: [0, 1, 0], emulated: false, biometric: false };
//! // The record must be durable before E3 leaves: `stored` is the promise that it is.
//! let (record, receipt) = offered.accept(&keys, &info)?.stored();
//! let mut new = awaiting.receive(receipt.frame().bytes(), &code.psk::<Dalek>())?;
//! let e4 = new.receipt(&identity)?;
//! let (record, _) = receipt.receive(&record, e4.bytes())?.stored();
//! let row = new.row;
//!
//! // Open: the PIN is typed, one round trip.
//! let key = record.pin_derivation().derive::<Dalek>(&Pin::new(b"493817")?, &mut memory)?;
//! let (record, mut attempt) =
//!     record.start::<Dalek>(&Intent::Open { window: 0, key: &key }, now, random)?.stored();
//! let FirstFrame::Cold(c1) = FirstFrame::parse(attempt.frame().bytes())? else { unreachable!() };
//! let Ok(Verdict::Operation(operation)) = responder::receive::<Dalek>(&row, &c1, &statics) else { unreachable!() };
//! let good = Dalek::ed25519_verify(&new.keys[0], operation.statement().bytes(), &operation.request().signature);
//! assert!(good);
//! let reply = Reply {
//!     op: Op::Open,
//!     status: DeviceStatus::Open,
//!     code: Code::Ok,
//!     tries: 10,
//!     server_time: now,
//!     until: now + 300,
//!     aux: Reply::versions(1, 1),
//! };
//! // The row must be committed before the reply leaves.
//! let done = operation.commit(&row, &reply, random).expect("the same row");
//! let Received::Answered(answered) = attempt.receive(&record, done.reply.bytes()) else { unreachable!() };
//! let (_record, Answer::Operation { reply, .. }) = answered.stored() else { unreachable!() };
//! assert_eq!((reply.code, reply.status), (Code::Ok, DeviceStatus::Open));
//! # Ok(())
//! # }
//! # main().expect("the example runs");
//! # }
//! ```

#![cfg_attr(not(test), warn(clippy::use_debug))] // in libraries for phones it prints nothing (ffi/phones.toml)
#![no_std]

pub mod crypto;
pub mod device;
mod error;
pub mod limits;
pub mod noise;
pub mod pin;
pub mod ratchet;
pub mod responder;
mod secret;
pub mod statement;
pub mod token;
pub mod wire;

pub use error::{ApiMisuse, Code, PeerIncompatible, PeerMisbehaved, ProtocolError};
pub use secret::Secret;
