//! The server's end of an enrollment.

use core::fmt;

use crate::crypto::{Provider, Random};
use crate::device::{SUITE, proof_message, receipt_message, short_string};
use crate::error::{ApiMisuse, Code, PeerIncompatible, PeerMisbehaved, ProtocolError};
use crate::limits::SLOTS;
use crate::noise::{CipherState, Handshake, KeyPair, Keys, Role, XK_PSK3};
use crate::ratchet::{self, Row};
use crate::secret::Secret;
use crate::token::DeviceInfo;
use crate::wire::{
    DecodeError, ENROLL2_LEN, ENROLL3_LEN, ENROLL4_LEN, EnrollRequest, EnrollmentKeys, Frame, Kind, Op, REPLY_LEN,
    Reply, WARM_REPLY_LEN, prologue,
};

pub use crate::wire::EnrollmentOffer;

/// E2 was made; E3 is awaited.
pub struct AwaitKeys<P> {
    handshake: Handshake<P>,
    offered: [u8; 32],
    offer: EnrollmentOffer,
}

/// A device that has proved its keys.
pub struct NewDevice<P> {
    /// The row to commit.
    pub row: Row,
    /// Verification keys in the order sent: entry 0 opens, the others are duress, biometric or random.
    pub keys: [[u8; 32]; SLOTS],
    /// What the device says of itself.
    pub info: DeviceInfo,
    /// Six decimal digits that the device shows too, below 1,000,000.
    pub short_string: u32,
    hash: [u8; 32],
    send: CipherState<P>,
}

/// Reads E1, which was made for `server`, and makes E2.
///
/// # Errors
/// Does not authenticate: drop it. [`PeerIncompatible::Version`]: an unknown suite.
pub fn offer<P: Provider>(
    frame: &EnrollRequest<'_>,
    server: &KeyPair,
    offer: &EnrollmentOffer,
    random: &mut impl Random,
) -> Result<(Frame<ENROLL2_LEN>, AwaitKeys<P>), ProtocolError> {
    let first = [Kind::Enroll.byte()];
    let keys = Keys { s: Some(server.duplicate()), e: None, rs: None, psk: None };
    let mut handshake = Handshake::new(&XK_PSK3, Role::Responder, &prologue(&first, frame.clear()), keys)?;
    let mut suite = [0];
    handshake.read_message(frame.noise(), &mut suite)?;
    if suite != [SUITE] {
        return Err(ProtocolError::PeerIncompatible(PeerIncompatible::Version));
    }
    handshake.set_ephemeral(KeyPair::from_secret::<P>(random.secret()))?;
    let mut out = [crate::wire::REPLY_TYPE; ENROLL2_LEN];
    let (_, noise) = out.split_at_mut(1);
    handshake.write_message(&offer.encode(), noise)?;
    let offered = *handshake.hash();
    Ok((Frame(out), AwaitKeys { handshake, offered, offer: *offer }))
}

impl<P: Provider> AwaitKeys<P> {
    /// Reads E3 with the enrollment's pre-shared key and checks that the device holds every key it names.
    ///
    /// # Errors
    /// Does not authenticate: the secret of the code was wrong, which counts as a failed try. A proof is wrong, two keys
    /// are equal, or the device claims a biometric slot that the policy does not allow: the same.
    pub fn receive(mut self, frame: &[u8], psk: &Secret<32>) -> Result<NewDevice<P>, ProtocolError> {
        let frame: &[u8; ENROLL3_LEN] = frame.try_into().map_err(|_| DecodeError::Length)?;
        self.handshake.set_psk(psk.duplicate());
        let mut payload = Secret::<{ EnrollmentKeys::LEN }>::zero();
        self.handshake.read_message(frame, payload.expose_mut())?;
        let misbehaved = ProtocolError::PeerMisbehaved;
        let device_static = *self.handshake.remote_static().ok_or(misbehaved(PeerMisbehaved::Mismatch))?;
        let said = EnrollmentKeys::decode(payload.expose())?;
        for ((slot, key), proof) in (0..).zip(said.keys).zip(said.proofs) {
            let message = proof_message(slot, &self.offered, &device_static);
            if !P::ed25519_verify(key, &message, proof) {
                return Err(misbehaved(PeerMisbehaved::BadSignature));
            }
        }
        let message = proof_message(0xff, &self.offered, &device_static);
        if !P::ed25519_verify(said.device_key, &message, said.device_proof) {
            return Err(misbehaved(PeerMisbehaved::BadSignature));
        }
        let info = DeviceInfo::decode(said.info)?;
        let (keys, device_key) = (said.keys.map(|key| *key), *said.device_key);
        // One key in two slots would have two roles, and a biometric slot is the policy's to allow.
        let mut all = keys.iter().chain([&device_key]);
        let repeated =
            core::iter::from_fn(|| all.next().map(|key| all.clone().any(|other| other == key))).any(|same| same);
        if repeated || info.biometric && !self.offer.policy.biometric {
            return Err(misbehaved(PeerMisbehaved::Mismatch));
        }
        let split = self.handshake.split()?;
        let EnrollmentOffer { token, device, .. } = self.offer;
        let root = ratchet::root::<P>(&split, &self.offered, &token);
        Ok(NewDevice {
            row: Row::new(token, device, device_static, device_key, root),
            keys,
            info,
            short_string: short_string::<P>(&split.hash),
            hash: split.hash,
            send: CipherState::new(split.responder_to_initiator),
        })
    }
}

impl<P: Provider> NewDevice<P> {
    /// Makes E4, the server's receipt; to be sent once the row is committed.
    ///
    /// # Errors
    /// None in practice: the key is new.
    pub fn receipt(&mut self, identity: &Secret<32>) -> Result<Frame<ENROLL4_LEN>, ProtocolError> {
        let mut frame = [0; ENROLL4_LEN];
        let (text, tag) = frame.split_at_mut(64);
        text.copy_from_slice(&P::ed25519_sign(
            identity,
            &receipt_message(&self.hash, &self.row.token, &self.row.device),
        ));
        tag.copy_from_slice(&self.send.encrypt(&[], text)?);
        Ok(Frame(frame))
    }

    /// Makes the refusal that takes the place of E4 when the service does not accept this device: nothing is committed,
    /// and no receipt can be made any more. `reply` says why and what the status is; its operation is filled in here.
    ///
    /// # Errors
    /// [`ApiMisuse::OutOfRange`]: a refusal with [`Code::Ok`].
    pub fn refuse(mut self, reply: &Reply) -> Result<Frame<WARM_REPLY_LEN>, ProtocolError> {
        if reply.code == Code::Ok {
            return Err(ProtocolError::ApiMisuse(ApiMisuse::OutOfRange));
        }
        let mut frame = [0; WARM_REPLY_LEN];
        let (text, tag) = frame.split_at_mut(REPLY_LEN);
        text.copy_from_slice(&Reply { op: Op::Ping, ..*reply }.encode());
        tag.copy_from_slice(&self.send.encrypt(&[], text)?);
        Ok(Frame(frame))
    }
}

impl<P> fmt::Debug for AwaitKeys<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AwaitKeys")
    }
}

impl<P> fmt::Debug for NewDevice<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewDevice").field("row", &self.row).field("info", &self.info).finish_non_exhaustive()
    }
}
