//! Key records (specification, chapter 8): a server's static key of one epoch, signed by its identity key.

use super::codec::{DecodeError, Reader, Writer};
use crate::crypto::Provider;
use crate::secret::Secret;

/// Encoded length of a key record in bytes.
pub const KEY_RECORD_LEN: usize = 105;

const LABEL: &[u8] = b"cardea1 key";
const SIGNED: usize = 41;

/// `epoch 1, X25519 key 32, not before 4, not after 4, signature 64`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyRecord {
    /// Number of the key, counted modulo 256.
    pub epoch: u8,
    /// The X25519 public key.
    pub key: [u8; 32],
    /// Start of its life in Unix seconds.
    pub not_before: u32,
    /// End of its life in Unix seconds.
    pub not_after: u32,
    /// Ed25519 signature of the server's identity key over the label and the fields above.
    pub signature: [u8; 64],
}

impl KeyRecord {
    /// Makes and signs a record.
    #[must_use]
    pub fn sign<P: Provider>(identity: &Secret<32>, epoch: u8, key: [u8; 32], not_before: u32, not_after: u32) -> Self {
        let mut record = Self { epoch, key, not_before, not_after, signature: [0; 64] };
        record.signature = P::ed25519_sign(identity, &record.signed());
        record
    }

    /// Whether `identity` signed it.
    #[must_use]
    pub fn verify<P: Provider>(&self, identity: &[u8; 32]) -> bool {
        P::ed25519_verify(identity, &self.signed(), &self.signature)
    }

    /// Whether epoch `this` comes after `other`, by serial number arithmetic modulo 256 (RFC 1982): at most 127 ahead.
    #[must_use]
    pub const fn is_newer(this: u8, other: u8) -> bool {
        let ahead = this.wrapping_sub(other);
        ahead != 0 && ahead < 128
    }

    fn signed(&self) -> [u8; LABEL.len() + SIGNED] {
        let mut bytes = [0; LABEL.len() + SIGNED];
        Writer::new(&mut bytes).put(LABEL).put(&self.encode()[..SIGNED]);
        bytes
    }

    /// Encodes.
    #[must_use]
    pub fn encode(&self) -> [u8; KEY_RECORD_LEN] {
        let mut bytes = [0; KEY_RECORD_LEN];
        Writer::new(&mut bytes)
            .u8(self.epoch)
            .put(&self.key)
            .u32(self.not_before)
            .u32(self.not_after)
            .put(&self.signature);
        bytes
    }

    /// Decodes. The signature is not looked at: see [`KeyRecord::verify`].
    ///
    /// # Errors
    /// Another length than [`KEY_RECORD_LEN`], or a life that ends before it starts.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let record = Self {
            epoch: reader.u8()?,
            key: *reader.array()?,
            not_before: reader.u32()?,
            not_after: reader.u32()?,
            signature: *reader.array()?,
        };
        reader.end()?;
        if record.not_after <= record.not_before {
            return Err(DecodeError::Field("not after"));
        }
        Ok(record)
    }
}
