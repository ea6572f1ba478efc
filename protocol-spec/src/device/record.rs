//! The device's one record: everything that it keeps, and nothing that depends on a PIN.

use crate::crypto::Provider;
use crate::error::{PeerMisbehaved, ProtocolError};
use crate::noise::KeyPair;
use crate::pin::PinDerivation;
use crate::ratchet;
use crate::secret::Secret;
use crate::token::{DeviceId, Hint, Policy, TokenId};
use crate::wire::{DecodeError, KeyRecord, Reader, Writer};

use super::StoreFirst;

/// Encoded length of a record in bytes, whatever it holds.
pub const RECORD_LEN: usize = 414;

/// A server static key as the device keeps it, once its record's signature was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerKey {
    /// Number of the key.
    pub epoch: u8,
    /// X25519 public key.
    pub key: [u8; 32],
    /// Start of its life in Unix seconds.
    pub not_before: u32,
    /// End of its life in Unix seconds.
    pub not_after: u32,
}

impl From<&KeyRecord> for ServerKey {
    fn from(record: &KeyRecord) -> Self {
        Self { epoch: record.epoch, key: record.key, not_before: record.not_before, not_after: record.not_after }
    }
}

/// What the device knows of an attempt whose reply it has not seen.
#[derive(Debug, PartialEq, Eq)]
pub enum Pending {
    /// Nothing is pending.
    None,
    /// An attempt was sent, or was about to be ("A"). Public: its ephemeral key.
    Attempt([u8; 32]),
    /// A RECOVER was made ("R").
    Recovery {
        /// The attempt that it declares: ephemeral key or operation id.
        declared: [u8; 32],
        /// Its ephemeral secret, so that it is the same byte for byte for ever.
        seed: Secret<32>,
    },
}

/// Everything that a device stores. See the module's description for how it changes.
#[derive(Debug, PartialEq)]
pub struct Record {
    pub(crate) policy: Policy,
    pub(crate) token: TokenId,
    pub(crate) device: DeviceId,
    pub(crate) generation: u64,
    pub(crate) static_secret: Secret<32>,
    pub(crate) static_public: [u8; 32],
    pub(crate) salt: Secret<32>,
    pub(crate) psk: Secret<32>,
    pub(crate) device_key: Secret<32>,
    pub(crate) identity: [u8; 32],
    pub(crate) server: ServerKey,
    pub(crate) next_server: Option<ServerKey>,
    pub(crate) pending: Pending,
    pub(crate) next_static: Option<Secret<32>>,
    /// The enrollment was sent but never acknowledged: the first authenticated reply settles it.
    pub(crate) provisional: bool,
    pub(crate) highest_version: u8,
}

impl Record {
    /// A second copy, wiped on its own.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self {
            static_secret: self.static_secret.duplicate(),
            salt: self.salt.duplicate(),
            psk: self.psk.duplicate(),
            device_key: self.device_key.duplicate(),
            pending: match &self.pending {
                Pending::None => Pending::None,
                Pending::Attempt(e) => Pending::Attempt(*e),
                Pending::Recovery { declared, seed } => {
                    Pending::Recovery { declared: *declared, seed: seed.duplicate() }
                }
            },
            next_static: self.next_static.as_ref().map(Secret::duplicate),
            ..*self
        }
    }

    /// The token that it holds.
    #[must_use]
    pub const fn token(&self) -> &TokenId {
        &self.token
    }

    /// The device's id within the token.
    #[must_use]
    pub const fn device(&self) -> &DeviceId {
        &self.device
    }

    /// What the service asks of its devices.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Which generation of the ratchet it stands at.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// What is pending.
    #[must_use]
    pub const fn pending(&self) -> &Pending {
        &self.pending
    }

    /// Whether the enrollment was sent but not acknowledged yet.
    #[must_use]
    pub const fn is_provisional(&self) -> bool {
        self.provisional
    }

    /// The server's identity key, pinned at enrollment.
    #[must_use]
    pub const fn identity(&self) -> &[u8; 32] {
        &self.identity
    }

    /// The server's static key that is used now.
    #[must_use]
    pub const fn server_key(&self) -> &ServerKey {
        &self.server
    }

    /// The server's next static key, if it was announced.
    #[must_use]
    pub const fn next_server_key(&self) -> Option<&ServerKey> {
        self.next_server.as_ref()
    }

    /// The hint that the next cold request will carry.
    #[must_use]
    pub fn hint<P: Provider>(&self) -> Hint {
        ratchet::hint::<P>(&self.psk)
    }

    /// What turns this device's PIN into its signing key.
    #[must_use]
    pub const fn pin_derivation(&self) -> PinDerivation {
        PinDerivation { salt: self.salt.duplicate(), class: self.policy.argon2, token: self.token, device: self.device }
    }

    pub(crate) const fn static_pair(&self) -> KeyPair {
        KeyPair::from_parts(self.static_secret.duplicate(), self.static_public)
    }

    /// Takes a newer server key, from a STALE_KEY answer, a push or a KEY RECORDS reply. An attempt that is pending
    /// stays pending: it was made for the old key, and is recovered under the new one.
    ///
    /// # Errors
    /// The record is not signed by the pinned identity, or is not newer than the key in use (somebody replays an old one).
    /// "Newer" is a later epoch and no earlier start of life: epochs are counted modulo 256, so a record of years ago
    /// would pass for a later epoch, and the device would never find back.
    pub fn renew_server_key<P: Provider>(&self, record: &KeyRecord) -> Result<StoreFirst<()>, ProtocolError> {
        if !record.verify::<P>(&self.identity) {
            return Err(ProtocolError::PeerMisbehaved(PeerMisbehaved::BadSignature));
        }
        if !KeyRecord::is_newer(record.epoch, self.server.epoch) || record.not_before < self.server.not_before {
            return Err(ProtocolError::PeerMisbehaved(PeerMisbehaved::Mismatch));
        }
        let mut next = self.duplicate();
        next.server = record.into();
        next.next_server = self.next_server.filter(|key| KeyRecord::is_newer(key.epoch, record.epoch));
        Ok(StoreFirst::new(next, ()))
    }

    /// Notes the server's next static key, announced ahead of its use.
    ///
    /// # Errors
    /// As [`Record::renew_server_key`].
    pub fn announce_server_key<P: Provider>(&self, record: &KeyRecord) -> Result<StoreFirst<()>, ProtocolError> {
        let mut next = self.renew_server_key::<P>(record)?.stored().0;
        next.server = self.server;
        next.next_server = Some(record.into());
        Ok(StoreFirst::new(next, ()))
    }

    /// Takes the announced key into use once its life has begun; `None` if there is none, or not yet. `time` is the
    /// device's clock in Unix seconds: if it runs ahead, no harm is done, for the server accepts every key that it has
    /// published. An attempt that is pending stays pending.
    #[must_use]
    pub fn use_announced_server_key(&self, time: u32) -> Option<StoreFirst<()>> {
        let key = self.next_server.filter(|key| key.not_before <= time)?;
        let mut next = self.duplicate();
        next.server = key;
        next.next_server = None;
        Some(StoreFirst::new(next, ()))
    }

    /// Encodes for storage: always [`RECORD_LEN`] bytes, secrets in clear. The store protects them.
    #[must_use]
    pub fn encode(&self) -> Secret<RECORD_LEN> {
        let mut bytes = Secret::zero();
        let mut writer = Writer::new(bytes.expose_mut());
        let zero = Secret::zero();
        let (pending, attempt, seed) = match &self.pending {
            Pending::None => (0, [0; 32], &zero),
            Pending::Attempt(e) => (1, *e, &zero),
            Pending::Recovery { declared, seed } => (2, *declared, seed),
        };
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        writer
            .u8(1)
            .u8(flag(self.provisional, 1) | flag(self.next_server.is_some(), 2) | flag(self.next_static.is_some(), 4))
            .u8(pending)
            .put(&self.policy.encode())
            .put(self.token.bytes())
            .put(self.device.bytes())
            .u64(self.generation)
            .put(self.static_secret.expose())
            .put(&self.static_public)
            .put(self.salt.expose())
            .put(self.psk.expose())
            .put(self.device_key.expose())
            .put(&self.identity);
        for key in [Some(self.server), self.next_server] {
            let key = key.unwrap_or(ServerKey { epoch: 0, key: [0; 32], not_before: 0, not_after: 0 });
            writer.u8(key.epoch).put(&key.key).u32(key.not_before).u32(key.not_after);
        }
        writer
            .put(&attempt)
            .put(seed.expose())
            .put(self.next_static.as_ref().unwrap_or(&zero).expose())
            .u8(self.highest_version);
        bytes
    }

    /// Decodes what [`Record::encode`] made.
    ///
    /// # Errors
    /// Damaged, or written by a newer version ([`DecodeError::Version`]).
    pub fn decode(bytes: &[u8; RECORD_LEN]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let version = reader.u8()?;
        if version != 1 {
            return Err(DecodeError::Version(version));
        }
        let flags = reader.u8()?;
        if flags > 7 {
            return Err(DecodeError::Field("flags"));
        }
        let pending = reader.u8()?;
        let policy = Policy::decode(reader.array()?)?;
        let token = TokenId::new(*reader.array()?);
        let device = DeviceId::new(*reader.array()?);
        let generation = reader.u64()?;
        let static_secret = Secret::new(*reader.array()?);
        let static_public = *reader.array()?;
        let salt = Secret::new(*reader.array()?);
        let psk = Secret::new(*reader.array()?);
        let device_key = Secret::new(*reader.array()?);
        let identity = *reader.array()?;
        let mut server_key = || {
            Ok::<_, DecodeError>(ServerKey {
                epoch: reader.u8()?,
                key: *reader.array()?,
                not_before: reader.u32()?,
                not_after: reader.u32()?,
            })
        };
        let (server, next_server) = (server_key()?, server_key()?);
        let next_server = if flags & 2 != 0 { Some(next_server) } else { None };
        let attempt: [u8; 32] = *reader.array()?;
        let seed = Secret::new(*reader.array()?);
        let next_static = Secret::new(*reader.array()?);
        let next_static = if flags & 4 != 0 { Some(next_static) } else { None };
        let highest_version = reader.u8()?;
        reader.end()?;
        let record = Self {
            policy,
            token,
            device,
            generation,
            static_secret,
            static_public,
            salt,
            psk,
            device_key,
            identity,
            server,
            next_server,
            pending: match pending {
                0 => Pending::None,
                1 => Pending::Attempt(attempt),
                2 => Pending::Recovery { declared: attempt, seed },
                _ => return Err(DecodeError::Field("pending")),
            },
            next_static,
            provisional: flags & 1 != 0,
            highest_version,
        };
        // One valid encoding: unused fields are zero.
        if record.encode().expose() == bytes { Ok(record) } else { Err(DecodeError::Padding) }
    }
}
