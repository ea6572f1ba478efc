//! The server's record of one device: what table 3.2 of the design reads and writes.

use crate::crypto::Provider;
use crate::error::Code;
use crate::secret::Secret;
use crate::token::{DeviceId, Hint, TokenId};
use crate::wire::{COLD_REPLY_LEN, DecodeError, Reader, Writer};

/// Encoded length of a row in bytes.
pub const ROW_LEN: usize = 451;

/// What kind of attempt a message 1 is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptKind {
    /// A first attempt at a generation, carrying an operation ("A").
    Operation,
    /// A RECOVER, carrying none ("R").
    Recovery,
}

/// The message 1 that was accepted on the previous key ("X").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// SHA-256 of its frame.
    pub hash: [u8; 32],
    /// Its ephemeral public key.
    pub ephemeral: [u8; 32],
    /// What it was.
    pub kind: AttemptKind,
    /// What it declared, if it was a RECOVER.
    pub declared: [u8; 32],
    /// For which epoch of the server's static key it was made.
    pub epoch: u8,
    /// An operation's result; for a RECOVER, the result of what it declared, `None` if that never arrived.
    pub outcome: Option<Code>,
}

/// A device as the server knows it. The caller keeps a version beside it and writes by compare-and-swap.
#[derive(Debug)]
pub struct Row {
    /// The token that it belongs to.
    pub token: TokenId,
    /// Its id.
    pub device: DeviceId,
    /// Its X25519 static key.
    pub device_static: [u8; 32],
    /// Its static key before a ROTATE, until the first message under the new one is accepted.
    pub device_static_old: Option<[u8; 32]>,
    /// Its Ed25519 device key (not derived from a PIN).
    pub device_key: [u8; 32],
    /// Generation of `current`.
    pub generation: u64,
    /// The key that the next operation uses.
    pub current: Secret<32>,
    /// The key that `accepted` used.
    pub previous: Option<Secret<32>>,
    /// The message that led from `previous` to `current`.
    pub accepted: Option<Accepted>,
    /// The reply to it, kept until the next one is accepted.
    pub reply: [u8; COLD_REPLY_LEN],
    /// A declared attempt: dropped whenever it comes.
    pub dead: Option<[u8; 32]>,
    /// The child that a fork left behind. Whoever uses it holds a copy.
    pub alternate: Option<Secret<32>>,
    /// Ephemeral key or operation id of the last operation, and how it went.
    pub last: Option<([u8; 32], Code)>,
    /// 0 none; 1 restored from a backup and not yet resynced; 2 resynced and not yet used since.
    pub marker: u8,
    /// A clone was proved: blocked until re-enrollment.
    pub clone_blocked: bool,
    /// A live device with a foreign key appeared: suspended until an operator's marker.
    pub suspended: bool,
    /// Given up or revoked: a tombstone that answers "not enrolled".
    pub revoked: bool,
}

impl Row {
    /// A freshly enrolled device.
    #[must_use]
    pub const fn new(
        token: TokenId,
        device: DeviceId,
        device_static: [u8; 32],
        device_key: [u8; 32],
        root: Secret<32>,
    ) -> Self {
        Self {
            token,
            device,
            device_static,
            device_static_old: None,
            device_key,
            generation: 0,
            current: root,
            previous: None,
            accepted: None,
            reply: [0; COLD_REPLY_LEN],
            dead: None,
            alternate: None,
            last: None,
            marker: 0,
            clone_blocked: false,
            suspended: false,
            revoked: false,
        }
    }

    /// A second copy, wiped on its own.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self {
            current: self.current.duplicate(),
            previous: self.previous.as_ref().map(Secret::duplicate),
            alternate: self.alternate.as_ref().map(Secret::duplicate),
            ..*self
        }
    }

    /// The hints under which this row must be found: current, previous, alternate.
    #[must_use]
    pub fn hints<P: Provider>(&self) -> [Option<Hint>; 3] {
        [
            Some(super::hint::<P>(&self.current)),
            self.previous.as_ref().map(super::hint::<P>),
            self.alternate.as_ref().map(super::hint::<P>),
        ]
    }

    /// The outcome that a RECOVER is told when it declares `declared` on the current key.
    pub(crate) fn outcome_of(&self, declared: &[u8; 32]) -> Option<Code> {
        self.last.filter(|(id, _)| id == declared).map(|(_, code)| code)
    }

    /// Encodes for storage. The result holds secrets: seal it.
    #[must_use]
    pub fn encode(&self) -> Secret<ROW_LEN> {
        let mut bytes = Secret::zero();
        let mut writer = Writer::new(bytes.expose_mut());
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        let zero = Secret::zero();
        let outcome = |code: Option<Code>| code.map_or(0xff, Code::number);
        writer
            .u8(1)
            .u8(flag(self.clone_blocked, 1)
                | flag(self.suspended, 2)
                | flag(self.revoked, 4)
                | flag(self.device_static_old.is_some(), 8)
                | flag(self.previous.is_some(), 16)
                | flag(self.accepted.is_some(), 32)
                | flag(self.dead.is_some(), 64)
                | flag(self.alternate.is_some(), 128))
            .u8(flag(self.last.is_some(), 1))
            .u8(self.marker)
            .put(self.token.bytes())
            .put(self.device.bytes())
            .put(&self.device_static)
            .put(&self.device_static_old.unwrap_or_default())
            .put(&self.device_key)
            .u64(self.generation)
            .put(self.current.expose())
            .put(self.previous.as_ref().unwrap_or(&zero).expose());
        let accepted = self.accepted.unwrap_or(Accepted {
            hash: [0; 32],
            ephemeral: [0; 32],
            kind: AttemptKind::Operation,
            declared: [0; 32],
            epoch: 0,
            outcome: None,
        });
        writer
            .put(&accepted.hash)
            .put(&accepted.ephemeral)
            .u8(match accepted.kind {
                AttemptKind::Operation => 0,
                AttemptKind::Recovery => 1,
            })
            .put(&accepted.declared)
            .u8(accepted.epoch)
            .u8(outcome(accepted.outcome))
            .put(&self.reply)
            .put(&self.dead.unwrap_or_default())
            .put(self.alternate.as_ref().unwrap_or(&zero).expose());
        let (id, code) = self.last.unwrap_or(([0; 32], Code::Ok));
        writer.put(&id).u8(code.number());
        bytes
    }

    /// Decodes what [`Row::encode`] made.
    ///
    /// # Errors
    /// Damaged, not the one valid encoding, or written by a newer version ([`DecodeError::Version`]).
    pub fn decode(bytes: &[u8; ROW_LEN]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let version = reader.u8()?;
        if version != 1 {
            return Err(DecodeError::Version(version));
        }
        let flags = reader.u8()?;
        let set = |bit: u8| flags & bit != 0;
        let has_last = match reader.u8()? {
            0 => false,
            1 => true,
            _ => return Err(DecodeError::Field("flags")),
        };
        let marker = reader.u8()?;
        if marker > 2 {
            return Err(DecodeError::Field("marker"));
        }
        fn present<T>(flag: bool, value: T) -> Option<T> {
            if flag { Some(value) } else { None }
        }
        let token = TokenId::new(*reader.array()?);
        let device = DeviceId::new(*reader.array()?);
        let device_static = *reader.array()?;
        let device_static_old = present(set(8), *reader.array()?);
        let device_key = *reader.array()?;
        let generation = reader.u64()?;
        let current = Secret::new(*reader.array()?);
        let previous = present(set(16), Secret::new(*reader.array()?));
        let accepted = Accepted {
            hash: *reader.array()?,
            ephemeral: *reader.array()?,
            kind: match reader.u8()? {
                0 => AttemptKind::Operation,
                1 => AttemptKind::Recovery,
                _ => return Err(DecodeError::Field("attempt kind")),
            },
            declared: *reader.array()?,
            epoch: reader.u8()?,
            outcome: match reader.u8()? {
                0xff => None,
                number => Some(Code::from_number(number).ok_or(DecodeError::Field("outcome"))?),
            },
        };
        let row = Self {
            token,
            device,
            device_static,
            device_static_old,
            device_key,
            generation,
            current,
            previous,
            accepted: present(set(32), accepted),
            reply: *reader.array()?,
            dead: present(set(64), *reader.array()?),
            alternate: present(set(128), Secret::new(*reader.array()?)),
            last: {
                let id = *reader.array()?;
                present(has_last, (id, Code::from_number(reader.u8()?).ok_or(DecodeError::Field("last"))?))
            },
            marker,
            clone_blocked: set(1),
            suspended: set(2),
            revoked: set(4),
        };
        reader.end()?;
        // What was accepted, and the key that it used, come and go together; only a fork leaves an alternate behind.
        if row.previous.is_some() != row.accepted.is_some() || row.alternate.is_some() && row.previous.is_none() {
            return Err(DecodeError::Field("flags"));
        }
        // One valid encoding: unused fields are zero.
        let unused_reply = row.accepted.is_some() || row.reply == [0; COLD_REPLY_LEN];
        if unused_reply && row.encode().expose() == bytes { Ok(row) } else { Err(DecodeError::Padding) }
    }

    /// What tells this state of the row from any other, for a step that was decided on one row and is made later.
    pub(crate) fn fingerprint<P: Provider>(&self) -> [u8; 32] {
        P::sha256(&[self.encode().expose()])
    }
}
