//! What the handshakes of enrollment and resync carry (specification, chapters 4 and 7.8): a checked view of each, which both
//! ends and whoever shows a recorded frame use.

use core::fmt;

use super::cell::{REPLY_LEN, REQUEST_LEN, Reply, Request};
use super::codec::{DecodeError, Reader, Writer};
use super::key_record::{KEY_RECORD_LEN, KeyRecord};
use crate::limits::SLOTS;
use crate::token::{DeviceId, DeviceInfo, Hint, Policy, TokenId};

/// What E2 says: `identity 32, key record 105, token 16, device 4, policy 12`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnrollmentOffer {
    /// The server's Ed25519 identity key.
    pub identity: [u8; 32],
    /// The record of the static key that the device used.
    pub key_record: KeyRecord,
    /// The token's id.
    pub token: TokenId,
    /// The new device's id: proposed here, committed only when E3 has arrived.
    pub device: DeviceId,
    /// The service's policy.
    pub policy: Policy,
}

impl EnrollmentOffer {
    /// Encoded length in bytes.
    pub const LEN: usize = 32 + KEY_RECORD_LEN + 16 + 4 + Policy::LEN;

    /// Encodes.
    #[must_use]
    pub fn encode(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        Writer::new(&mut bytes)
            .put(&self.identity)
            .put(&self.key_record.encode())
            .put(self.token.bytes())
            .put(self.device.bytes())
            .put(&self.policy.encode());
        bytes
    }

    /// Decodes. No signature is looked at.
    ///
    /// # Errors
    /// The key record or the policy has no valid encoding.
    pub fn decode(bytes: &[u8; Self::LEN]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        Ok(Self {
            identity: *reader.array()?,
            key_record: KeyRecord::decode(reader.slice(KEY_RECORD_LEN)?)?,
            token: TokenId::new(*reader.array()?),
            device: DeviceId::new(*reader.array()?),
            policy: Policy::decode(reader.array()?)?,
        })
    }
}

const KEYS_LEN: usize = (SLOTS + 1) * (32 + 64) + DeviceInfo::LEN;

/// What E3 says: `PIN verification key 32, four times, device verification key 32, proof 64, five times, device information
/// 16`.
#[derive(Clone, Copy)]
pub struct EnrollmentKeys<'a> {
    /// Verification keys in the order sent: entry 0 opens, the others are duress, biometric or random.
    pub keys: [&'a [u8; 32]; SLOTS],
    /// The device's verification key.
    pub device_key: &'a [u8; 32],
    /// A proof of possession for each of `keys`.
    pub proofs: [&'a [u8; 64]; SLOTS],
    /// The same for `device_key`.
    pub device_proof: &'a [u8; 64],
    /// What the device says of itself, as it was sent: see [`DeviceInfo::decode`].
    pub info: &'a [u8; DeviceInfo::LEN],
}

impl<'a> EnrollmentKeys<'a> {
    /// Encoded length in bytes.
    pub const LEN: usize = KEYS_LEN;

    /// Finds the fields. No proof is looked at, and every content is one.
    ///
    /// # Errors
    /// None in practice: the length is fixed.
    pub fn decode(bytes: &'a [u8; KEYS_LEN]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let (mut keys, mut proofs) = ([&[0; 32]; SLOTS], [&[0; 64]; SLOTS]);
        for key in &mut keys {
            *key = reader.array()?;
        }
        let device_key = reader.array()?;
        for proof in &mut proofs {
            *proof = reader.array()?;
        }
        Ok(Self { keys, device_key, proofs, device_proof: reader.array()?, info: reader.array()? })
    }
}

impl fmt::Debug for EnrollmentKeys<'_> {
    /// Without keys and proofs: with a device's salt they tell which PIN was chosen.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnrollmentKeys").field("info", &self.info).finish_non_exhaustive()
    }
}

/// What R1 says: `hint 8, request cell 70`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResyncAsked {
    /// The hint of the device's ratchet key.
    pub hint: Hint,
    /// RESYNC, signed by the device key.
    pub request: Request,
}

impl ResyncAsked {
    /// Encoded length in bytes.
    pub const LEN: usize = 8 + REQUEST_LEN;

    /// Encodes.
    #[must_use]
    pub fn encode(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        Writer::new(&mut bytes).put(self.hint.bytes()).put(&self.request.encode());
        bytes
    }

    /// Decodes. The signature is not looked at.
    ///
    /// # Errors
    /// The cell has no valid encoding.
    pub fn decode(bytes: &[u8; Self::LEN]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        Ok(Self { hint: Hint::new(*reader.array()?), request: Request::decode(reader.slice(REQUEST_LEN)?)? })
    }
}

/// What R2 says: `reply cell 14, generation 8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResyncSaid {
    /// The reply, whose `aux` is the verdict.
    pub reply: Reply,
    /// The generation that the device goes on with, if it is allowed to.
    pub generation: u64,
}

impl ResyncSaid {
    /// Encoded length in bytes.
    pub const LEN: usize = REPLY_LEN + 8;

    /// Encodes.
    #[must_use]
    pub fn encode(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        Writer::new(&mut bytes).put(&self.reply.encode()).u64(self.generation);
        bytes
    }

    /// Decodes.
    ///
    /// # Errors
    /// The cell has no valid encoding.
    pub fn decode(bytes: &[u8; Self::LEN]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        Ok(Self { reply: Reply::decode(reader.slice(REPLY_LEN)?)?, generation: reader.u64()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use crate::token::DeviceStatus;
    use crate::wire::Op;

    #[test]
    fn every_payload_has_one_encoding() {
        let request = Request { op: Op::Resync, win: 0, time: 7, signature: [9; 64] };
        let asked = ResyncAsked { hint: Hint::new([3; 8]), request };
        assert_eq!(ResyncAsked::decode(&asked.encode()), Ok(asked));
        let reply = Reply {
            op: Op::Resync,
            status: DeviceStatus::Closed,
            code: Code::Ok,
            tries: 10,
            server_time: 7,
            until: 0,
            aux: 1,
        };
        let said = ResyncSaid { reply, generation: 0x0102_0304_0506_0708 };
        assert_eq!(ResyncSaid::decode(&said.encode()), Ok(said));
        let mut damaged = said.encode();
        damaged[0] = 0x7f;
        assert_eq!(ResyncSaid::decode(&damaged), Err(DecodeError::Kind(0x7f)));
    }

    #[test]
    fn the_keys_of_an_enrollment_stand_where_the_specification_says() {
        let mut bytes = [0; EnrollmentKeys::LEN];
        for (at, byte) in (0..=u8::MAX).cycle().zip(&mut bytes) {
            *byte = at;
        }
        let keys = EnrollmentKeys::decode(&bytes).unwrap();
        assert_eq!(keys.keys[3][0], 96);
        assert_eq!(keys.device_key[0], 128);
        assert_eq!(keys.proofs[0][0], 160);
        assert_eq!(keys.device_proof[..], bytes[416..480]);
        assert_eq!(keys.info[..], bytes[480..]);
    }
}
