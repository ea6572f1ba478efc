//! Enrollment: `Noise_XKpsk3`, two round trips, 924 bytes.

use core::fmt;

use crate::crypto::{Provider, Random};
use crate::error::{ApiMisuse, Code, PeerIncompatible, PeerMisbehaved, ProtocolError};
use crate::limits::{SLOTS, VERSION};
use crate::noise::{CipherState, Handshake, KeyPair, Keys, Role, XK_PSK3};
use crate::pin::{PinDerivation, PinKey};
use crate::ratchet;
use crate::secret::Secret;
use crate::token::{DeviceId, DeviceInfo, Policy, TokenId};
use crate::wire::{
    DecodeError, ENROLL1_LEN, ENROLL2_LEN, ENROLL3_LEN, ENROLL4_LEN, EnrollmentKeys, EnrollmentOffer, Frame, Kind,
    Link, Op, PlainFrame, REPLY_LEN, Reply, TypedCode, WARM_REPLY_LEN, Writer, prologue,
};

use super::{Pending, Record, ServerKey, StoreFirst};

/// Why an enrollment did not take a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnrollError {
    /// The server says so in a plain frame, which anybody can forge.
    Plain(Code),
    /// The server took the keys and does not accept the device; the code says why. Authentic: nothing was enrolled, so
    /// the provisional record may be deleted.
    Refused(Reply),
    /// What the server sent is wrong.
    Protocol(ProtocolError),
}

impl fmt::Display for EnrollError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(Code::CodeUsed) => f.write_str("the enrollment code is unknown, used or expired"),
            Self::Refused(Reply { code: Code::Policy, .. }) => {
                f.write_str("the service does not accept this kind of device")
            }
            Self::Plain(code) | Self::Refused(Reply { code, .. }) => {
                write!(f, "the server refused the enrollment with code {}", code.number())
            }
            Self::Protocol(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl core::error::Error for EnrollError {}

/// Suite byte of E1: classical, PIN suite 1. 2 is reserved for ML-KEM-768 mixed into the root.
pub(crate) const SUITE: u8 = 1;

/// What lets a device in: which enrollment, and its secret.
#[derive(Debug)]
pub struct Credential {
    pub(crate) id: [u8; 8],
    pub(crate) psk: Secret<32>,
}

impl Credential {
    /// Of a link.
    #[must_use]
    pub fn from_link<P: Provider>(link: &Link) -> Self {
        Self { id: link.id, psk: link.psk::<P>() }
    }

    /// Of a typed code. The server's key must come from elsewhere: the app, or the server's web page over TLS.
    #[must_use]
    pub fn from_code<P: Provider>(code: &TypedCode) -> Self {
        Self { id: code.id(), psk: code.psk::<P>() }
    }
}

/// What a proof of possession signs: `label, slot, handshake hash after E2, device static key`.
pub(crate) fn proof_message(slot: u8, offered: &[u8; 32], device_static: &[u8; 32]) -> [u8; 78] {
    let mut message = [0; 78];
    Writer::new(&mut message).put(b"cardea1 proof").u8(slot).put(offered).put(device_static);
    message
}

/// What the server's receipt signs: `label, final handshake hash, token, device`. Never the PIN keys: a stored receipt
/// over them would tell right guesses from wrong ones.
pub(crate) fn receipt_message(hash: &[u8; 32], token: &TokenId, device: &DeviceId) -> [u8; 67] {
    let mut message = [0; 67];
    Writer::new(&mut message).put(b"cardea1 receipt").put(hash).put(token.bytes()).put(device.bytes());
    message
}

/// The short authentication string: six decimal digits of the final handshake hash.
pub(crate) fn short_string<P: Provider>(hash: &[u8; 32]) -> u32 {
    let derived = P::derive(&[], &[hash], &[b"cardea1 short"]);
    let [a, b, c, d, ..] = *derived.expose();
    u32::from_le_bytes([a, b, c, d]) % 1_000_000
}

/// E1 was made; E2 is awaited.
pub struct Enrollment<P> {
    frame: Frame<ENROLL1_LEN>,
    handshake: Handshake<P>,
    statics: KeyPair,
    server: ([u8; 32], u8),
}

impl<P: Provider> Enrollment<P> {
    /// Starts an enrollment with the server whose static key of `epoch` is `server_key`.
    ///
    /// # Errors
    /// The server's key is a point of small order.
    pub fn start(
        credential: &Credential,
        server_key: &[u8; 32],
        epoch: u8,
        random: &mut impl Random,
    ) -> Result<Self, ProtocolError> {
        let statics = KeyPair::from_secret::<P>(random.secret());
        let first = [Kind::Enroll.byte()];
        let keys = Keys {
            s: Some(statics.duplicate()),
            e: Some(KeyPair::from_secret::<P>(random.secret())),
            rs: Some(*server_key),
            psk: Some(credential.psk.duplicate()),
        };
        let mut handshake = Handshake::new(&XK_PSK3, Role::Initiator, &prologue(&first, &credential.id), keys)?;
        let mut frame = [0; ENROLL1_LEN];
        let (head, noise) = frame.split_at_mut(9);
        Writer::new(head).put(&first).put(&credential.id);
        handshake.write_message(&[SUITE], noise)?;
        Ok(Self { frame: Frame(frame), handshake, statics, server: (*server_key, epoch) })
    }

    /// The bytes to send: E1.
    #[must_use]
    pub const fn frame(&self) -> &Frame<ENROLL1_LEN> {
        &self.frame
    }

    /// Reads E2. Nothing is sent after an E2 that does not check: E3 would hand the PIN keys to whoever made it.
    ///
    /// # Errors
    /// [`EnrollError`].
    pub fn receive(self, frame: &[u8], random: &mut impl Random) -> Result<Offered<P>, EnrollError> {
        if let Ok(plain) = PlainFrame::decode(frame) {
            return Err(EnrollError::Plain(plain.code));
        }
        self.offer(frame, random).map_err(EnrollError::Protocol)
    }

    fn offer(self, frame: &[u8], random: &mut impl Random) -> Result<Offered<P>, ProtocolError> {
        let Self { mut handshake, statics, server, .. } = self;
        let frame: &[u8; ENROLL2_LEN] = frame.try_into().map_err(|_| DecodeError::Length)?;
        let [kind, noise @ ..] = frame;
        if *kind != crate::wire::REPLY_TYPE {
            return Err(DecodeError::Kind(*kind).into());
        }
        let mut payload = [0; EnrollmentOffer::LEN];
        handshake.read_message(noise, &mut payload)?;
        let EnrollmentOffer { identity, key_record, token, device, policy } = EnrollmentOffer::decode(&payload)?;
        if !key_record.verify::<P>(&identity) {
            return Err(ProtocolError::PeerMisbehaved(PeerMisbehaved::BadSignature));
        }
        if (key_record.key, key_record.epoch) != server {
            return Err(ProtocolError::PeerMisbehaved(PeerMisbehaved::Mismatch));
        }
        if !(policy.version_min..=policy.version_max).contains(&VERSION) {
            return Err(ProtocolError::PeerIncompatible(PeerIncompatible::Version));
        }
        let offered = *handshake.hash();
        Ok(Offered {
            handshake,
            offered,
            record: Record {
                policy,
                token,
                device,
                generation: 0,
                static_secret: statics.secret().duplicate(),
                static_public: *statics.public(),
                salt: random.secret(),
                psk: Secret::zero(),
                device_key: random.secret(),
                identity,
                server: ServerKey::from(&key_record),
                next_server: None,
                pending: Pending::None,
                next_static: None,
                provisional: true,
                highest_version: policy.version_max,
            },
        })
    }
}

/// E2 was read: the holder may choose PINs under [`Offered::policy`].
pub struct Offered<P> {
    handshake: Handshake<P>,
    offered: [u8; 32],
    record: Record,
}

impl<P: Provider> Offered<P> {
    /// What the service asks of PINs.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.record.policy
    }

    /// The server's identity key, to be compared with one that the app knows already.
    #[must_use]
    pub const fn identity(&self) -> &[u8; 32] {
        &self.record.identity
    }

    /// What turns the chosen PINs into keys.
    #[must_use]
    pub const fn pin_derivation(&self) -> PinDerivation {
        self.record.pin_derivation()
    }

    /// Goes on from an earlier offer of the same enrollment, on another connection: keys that `earlier` made are good for
    /// this one too. PINs are chosen and hashed between the two, while no server waits.
    ///
    /// Returns whether that is so. If the server proposes another token, another device or another cost by now, it is
    /// not, and nothing changes.
    #[must_use]
    pub fn resume(&mut self, earlier: &PinDerivation) -> bool {
        let now = self.pin_derivation();
        let is_same = (now.token, now.device, now.class) == (earlier.token, earlier.device, earlier.class);
        if is_same {
            self.record.salt = earlier.salt.duplicate();
        }
        is_same
    }

    /// Makes E3. `keys[0]` opens, the others are duress keys or [`PinKey::random`].
    ///
    /// The record is stored before E3 leaves, marked provisional: if E4 is lost, the device finds out with its next
    /// operation whether the server took it.
    ///
    /// # Errors
    /// [`ApiMisuse::OutOfRange`]: `info` claims a biometric slot, which the policy does not allow.
    pub fn accept(
        self,
        keys: &[PinKey; SLOTS],
        info: &DeviceInfo,
    ) -> Result<StoreFirst<AwaitReceipt<P>>, ProtocolError> {
        let Self { mut handshake, offered, mut record } = self;
        if info.biometric && !record.policy.biometric {
            return Err(ProtocolError::ApiMisuse(ApiMisuse::OutOfRange));
        }
        let mut payload = Secret::<{ EnrollmentKeys::LEN }>::zero();
        let mut writer = Writer::new(payload.expose_mut());
        for key in keys {
            writer.put(&key.public::<P>());
        }
        writer.put(&P::ed25519_public(&record.device_key));
        for (slot, key) in (0..).zip(keys) {
            writer.put(&key.sign::<P>(&proof_message(slot, &offered, &record.static_public)));
        }
        let message = proof_message(0xff, &offered, &record.static_public);
        writer.put(&P::ed25519_sign(&record.device_key, &message)).put(&info.encode());
        let mut frame = [0; ENROLL3_LEN];
        handshake.write_message(payload.expose(), &mut frame)?;
        let split = handshake.split()?;
        record.psk = ratchet::root::<P>(&split, &offered, &record.token);
        let await_receipt = AwaitReceipt {
            frame: Frame(frame),
            hash: split.hash,
            receive: CipherState::new(split.responder_to_initiator),
        };
        Ok(StoreFirst::new(record, await_receipt))
    }
}

/// E3 was made; E4 is awaited.
pub struct AwaitReceipt<P> {
    frame: Frame<ENROLL3_LEN>,
    hash: [u8; 32],
    receive: CipherState<P>,
}

/// Done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enrolled {
    /// Six decimal digits that the enrolling web page shows too, below 1,000,000.
    pub short_string: u32,
}

impl<P: Provider> AwaitReceipt<P> {
    /// The bytes to send: E3.
    #[must_use]
    pub const fn frame(&self) -> &Frame<ENROLL3_LEN> {
        &self.frame
    }

    /// Reads E4. `record` is the one that was stored before E3 left.
    ///
    /// # Errors
    /// [`EnrollError::Plain`]: the secret of the code was wrong, or it was used or expired meanwhile.
    /// [`EnrollError::Refused`]: the service does not accept this device. Otherwise what is wrong with E4. The record
    /// stays provisional in all cases.
    pub fn receive(mut self, record: &Record, frame: &[u8]) -> Result<StoreFirst<Enrolled>, EnrollError> {
        if let Ok(plain) = PlainFrame::decode(frame) {
            return Err(EnrollError::Plain(plain.code));
        }
        if let Ok(frame) = frame.try_into() {
            return Err(match self.refusal(frame) {
                Ok(reply) => EnrollError::Refused(reply),
                Err(error) => EnrollError::Protocol(error),
            });
        }
        self.receipt(record, frame).map_err(EnrollError::Protocol)
    }

    fn refusal(&mut self, frame: &[u8; WARM_REPLY_LEN]) -> Result<Reply, ProtocolError> {
        let (mut cell, mut tag) = ([0; REPLY_LEN], [0; 16]);
        cell.copy_from_slice(&frame[..REPLY_LEN]);
        tag.copy_from_slice(&frame[REPLY_LEN..]);
        self.receive.decrypt(&[], &mut cell, &tag)?;
        let reply = Reply::decode(&cell)?;
        // "Done" is said by a receipt, which the server's identity signs, and by nothing else.
        if reply.op != Op::Ping || reply.code == Code::Ok {
            return Err(ProtocolError::PeerMisbehaved(PeerMisbehaved::Mismatch));
        }
        Ok(reply)
    }

    fn receipt(&mut self, record: &Record, frame: &[u8]) -> Result<StoreFirst<Enrolled>, ProtocolError> {
        let frame: &[u8; ENROLL4_LEN] = frame.try_into().map_err(|_| DecodeError::Length)?;
        let (mut receipt, mut tag) = ([0; 64], [0; 16]);
        receipt.copy_from_slice(&frame[..64]);
        tag.copy_from_slice(&frame[64..]);
        self.receive.decrypt(&[], &mut receipt, &tag)?;
        let message = receipt_message(&self.hash, &record.token, &record.device);
        if !P::ed25519_verify(&record.identity, &message, &receipt) {
            return Err(ProtocolError::PeerMisbehaved(PeerMisbehaved::BadSignature));
        }
        let mut next = record.duplicate();
        next.provisional = false;
        Ok(StoreFirst::new(next, Enrolled { short_string: short_string::<P>(&self.hash) }))
    }
}

impl<P> fmt::Debug for Enrollment<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Enrollment")
    }
}

impl<P> fmt::Debug for Offered<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Offered")
    }
}

impl<P> fmt::Debug for AwaitReceipt<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AwaitReceipt")
    }
}
