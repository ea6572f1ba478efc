//! What a store holds for one token: the device's record and what the wallet knows about the token, in a fixed number
//! of bytes. Nothing in it depends on a PIN, and nothing tells when the token was used.

use cardea_protocol::Secret;
use cardea_protocol::device::{RECORD_LEN, Record};
#[cfg(feature = "observe")]
use zeroize::Zeroizing;

use super::{StoreError, TokenKey};

const HOST_MAX: usize = 253;
const TEXT_MAX: usize = 64;
/// Length of an encoded entry in bytes, whatever it holds.
pub(crate) const ENTRY_LEN: usize = RECORD_LEN + 8 + 2 + (1 + HOST_MAX) + 2 * (1 + TEXT_MAX);

/// What the wallet knows about a token beside the protocol's record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Details {
    /// Host of the token channel (at most 253 bytes).
    pub host: String,
    /// Port of the token channel.
    pub port: u16,
    /// Name of the service, or empty (at most 64 bytes).
    pub service: String,
    /// What the holder calls it, or empty (at most 64 bytes).
    pub label: String,
    /// When it was enrolled, in Unix seconds.
    pub added_at: u64,
}

/// One token in a store.
#[derive(Debug, PartialEq)]
pub struct Entry {
    pub(crate) record: Record,
    pub(crate) details: Details,
}

impl Entry {
    pub(crate) fn new(record: Record, details: Details) -> Result<Self, StoreError> {
        for (field, text, limit) in [
            ("host", &details.host, HOST_MAX),
            ("service name", &details.service, TEXT_MAX),
            ("label", &details.label, TEXT_MAX),
        ] {
            if text.len() > limit {
                return Err(StoreError::TooLong { field, limit });
            }
        }
        Ok(Self { record, details })
    }

    /// Its name.
    #[must_use]
    pub const fn key(&self) -> TokenKey {
        TokenKey { token: *self.record.token(), device: *self.record.device() }
    }

    /// What the wallet knows about it.
    #[must_use]
    pub const fn details(&self) -> &Details {
        &self.details
    }

    /// A second copy.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        self.with(self.record.duplicate())
    }

    /// The same details with another record.
    pub(crate) fn with(&self, record: Record) -> Self {
        Self { record, details: self.details.clone() }
    }

    /// All of it, secrets in clear: always the same number of bytes.
    pub(crate) fn encode(&self) -> Box<Secret<ENTRY_LEN>> {
        let mut bytes = Box::new(Secret::zero());
        let mut rest = &mut bytes.expose_mut()[..];
        let mut put = |part: &[u8]| {
            let (to, after) = std::mem::take(&mut rest).split_at_mut(part.len());
            to.copy_from_slice(part);
            rest = after;
        };
        put(self.record.encode().expose());
        put(&self.details.added_at.to_le_bytes());
        put(&self.details.port.to_le_bytes());
        let texts =
            [(&self.details.host, HOST_MAX), (&self.details.service, TEXT_MAX), (&self.details.label, TEXT_MAX)];
        for (text, limit) in texts {
            // `Entry::new` checked the lengths, and no limit is above 255.
            put(&[u8::try_from(text.len()).unwrap_or(u8::MAX)]);
            put(text.as_bytes());
            put(&[0; HOST_MAX][..limit - text.len()]);
        }
        bytes
    }

    /// The inverse of [`Entry::encode`]; nothing if it is no entry.
    pub(crate) fn decode(bytes: &Secret<ENTRY_LEN>) -> Option<Self> {
        let (record, mut rest) = bytes.expose().split_first_chunk::<RECORD_LEN>()?;
        let mut take = |length: usize| {
            let (part, after) = rest.split_at_checked(length)?;
            rest = after;
            Some(part)
        };
        let added_at = u64::from_le_bytes(take(8)?.try_into().ok()?);
        let port = u16::from_le_bytes(take(2)?.try_into().ok()?);
        let mut text = |limit: usize| {
            let length = usize::from(*take(1)?.first()?);
            let (text, padding) = take(limit)?.split_at_checked(length)?;
            if padding.iter().any(|byte| *byte != 0) {
                return None;
            }
            String::from_utf8(text.to_vec()).ok()
        };
        let details =
            Details { host: text(HOST_MAX)?, port, service: text(TEXT_MAX)?, label: text(TEXT_MAX)?, added_at };
        Some(Self { record: Record::decode(record).ok()?, details })
    }
}

/// For tools that move tokens between stores, so that people who test see what servers make of a copy.
#[cfg(feature = "observe")]
impl Entry {
    /// All of it, secrets in clear, always the same number of bytes. Whoever has them has the token, but for its PIN.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.encode().expose().to_vec())
    }

    /// The inverse of [`Entry::to_bytes`]; `None` if it is no entry.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut secret = Box::new(Secret::zero());
        let to: &mut [u8; ENTRY_LEN] = secret.expose_mut();
        to.copy_from_slice(bytes.get(..ENTRY_LEN).filter(|whole| whole.len() == bytes.len())?);
        Self::decode(&secret)
    }
}
