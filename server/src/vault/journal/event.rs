//! One event, and its form in a row.

use cardea_protocol::Code;
use cardea_protocol::token::{DeviceId, TokenId};
use serde_json::{Map, Value};

use super::EventKind;
use crate::clock::UnixSeconds;
use crate::domain::actor::Actor;
use crate::domain::name::{ServiceName, UserId, parse_subscription};
use crate::storage::rows::DeviceKey;
use crate::vault::seal::Table;
use crate::vault::{Decoder, Encoder, Service, Token, VaultError};

/// The form of a row's content.
const VERSION: u8 = 1;
/// Room for the longest statement.
const STATEMENT_ROOM: u8 = 122;
/// Most bytes of detail that an administrator's row may have.
const DETAIL_MAX: usize = 4_096;

/// What an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// The instance as a whole.
    Instance,
    /// The subscription with this name.
    Subscription(String),
    /// A service.
    Service {
        /// Its number.
        id: u64,
        /// Its API name.
        name: ServiceName,
    },
    /// A token.
    Token {
        /// The number of its service.
        service: u64,
        /// The API name of its service.
        name: ServiceName,
        /// Its id on the wire.
        token: TokenId,
        /// Its user.
        user: UserId,
    },
}

impl About {
    /// The token of `service` that was read from the database.
    ///
    /// # Errors
    /// Its user id is none.
    pub fn token_of(token: &Token, service: &Service) -> Result<Self, VaultError> {
        let damaged = || VaultError::Damaged(Table::Token.name());
        let user = String::from_utf8(token.user.clone()).ok().and_then(|user| UserId::parse(user).ok());
        let (name, user) = (service.name.clone(), user.ok_or_else(damaged)?);
        Ok(Self::Token { service: service.id, name, token: token.id, user })
    }

    /// The name of the subscription that it belongs to.
    #[must_use]
    pub fn subscription(&self) -> Option<&str> {
        match self {
            Self::Instance => None,
            Self::Subscription(name) => Some(name),
            Self::Service { name, .. } | Self::Token { name, .. } => Some(name.subscription()),
        }
    }

    /// Number and name of the service that it belongs to.
    #[must_use]
    pub const fn service(&self) -> Option<(u64, &ServiceName)> {
        match self {
            Self::Instance | Self::Subscription(_) => None,
            Self::Service { id, name } | Self::Token { service: id, name, .. } => Some((*id, name)),
        }
    }

    /// The token and its user.
    #[must_use]
    pub const fn token(&self) -> Option<(&TokenId, &UserId)> {
        match self {
            Self::Token { token, user, .. } => Some((token, user)),
            _ => None,
        }
    }
}

/// A statement that a device signed: with its key, anyone can check it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The statement.
    pub statement: Vec<u8>,
    /// The signature over it.
    pub signature: [u8; 64],
    /// The key that it verifies under; `None` when it verified under none.
    pub key: Option<[u8; 32]>,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What.
    pub kind: EventKind,
    /// To what.
    pub about: About,
    /// Who did it.
    pub by: Actor,
    /// The device that it is about or that did it.
    pub device: Option<DeviceId>,
    /// When it was committed.
    pub at: UnixSeconds,
    /// The token is under duress.
    pub duress: bool,
    /// And it was not before.
    pub duress_raised: bool,
    /// The device has no tries left.
    pub tries_used_up: bool,
    /// What a device was told of its operation.
    pub code: Option<Code>,
    /// The statement of a device's operation.
    pub signed: Option<Signed>,
    /// The confirmation that it is about.
    pub confirmation: Option<[u8; 8]>,
    /// What else an administrator's row says, by the names that the API gives it. Empty in what a device caused.
    pub detail: Map<String, Value>,
}

impl Event {
    /// An event without anything in particular.
    #[must_use]
    pub fn new(kind: EventKind, about: About, by: Actor, at: UnixSeconds) -> Self {
        let device = match by {
            Actor::Device(device) => Some(device),
            _ => None,
        };
        let (duress, duress_raised, tries_used_up) = (false, false, false);
        let (code, signed, confirmation, detail) = (None, None, None, Map::new());
        Self { kind, about, by, device, at, duress, duress_raised, tries_used_up, code, signed, confirmation, detail }
    }

    /// Something that happened to a token.
    pub(in crate::vault) fn on_token(
        kind: EventKind,
        token: &Token,
        service: &Service,
        by: Actor,
        at: UnixSeconds,
    ) -> Result<Self, VaultError> {
        let duress = token.state.openness().is_under_duress();
        Ok(Self { duress, ..Self::new(kind, About::token_of(token, service)?, by, at) })
    }

    /// Something that a device did to its token.
    pub(in crate::vault) fn by_device(
        kind: EventKind,
        token: &Token,
        service: &Service,
        key: &DeviceKey,
        at: UnixSeconds,
    ) -> Result<Self, VaultError> {
        Self::on_token(kind, token, service, Actor::Device(DeviceId::new(key.number)), at)
    }

    /// With one more detail.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.detail.insert(name.to_owned(), value.into());
        self
    }

    /// Whether an operator should look at it.
    #[must_use]
    pub const fn is_alert(&self) -> bool {
        use EventKind::{CloneProved, Suspended, WebhookDisabled};
        self.duress_raised || self.tries_used_up || matches!(self.kind, CloneProved | Suspended | WebhookDisabled)
    }

    /// The token that it happened to.
    #[must_use]
    pub const fn token(&self) -> Option<&TokenId> {
        match self.about.token() {
            Some((token, _)) => Some(token),
            None => None,
        }
    }

    /// The content of its row, without the time, which stands beside it. Of one length for a token, whatever a device
    /// did.
    pub(super) fn encode(&self) -> Result<Encoder, VaultError> {
        let mut content = Encoder::new();
        content.u8(VERSION).u8(self.kind.number());
        let (tag, number) = match self.by {
            Actor::Device(device) => (0, u64::from(u32::from_le_bytes(*device.bytes()))),
            Actor::Authkey(number) => (1, number),
            Actor::Operator => (2, 0),
            Actor::System => (3, 0),
            Actor::Account(number) => (4, number),
        };
        content.u8(tag).u64(number);
        content.optional(self.device.as_ref().map(DeviceId::bytes));
        content.flag(self.duress).flag(self.duress_raised).flag(self.tries_used_up);
        content.optional(self.code.map(|code| [code.number()]).as_ref());
        let none = Signed { statement: Vec::new(), signature: [0; 64], key: None };
        let signed = self.signed.as_ref().unwrap_or(&none);
        content.flag(self.signed.is_some()).padded(&signed.statement, STATEMENT_ROOM)?;
        content.put(&signed.signature).optional(signed.key.as_ref());
        content.optional(self.confirmation.as_ref());
        match &self.about {
            About::Instance => content.u8(0),
            About::Subscription(name) => content.u8(1).text(name),
            About::Service { id, name } => content.u8(2).u64(*id).text(name.as_str()),
            About::Token { service, name, token, user } => {
                content.u8(3).u64(*service).text(name.as_str()).put(token.bytes()).text(user.as_str())
            }
        };
        if self.detail.is_empty() {
            return Ok(content);
        }
        if matches!(self.by, Actor::Device(_)) {
            return Err(VaultError::Misuse("a row that a device causes has no room for details"));
        }
        let detail = serde_json::to_string(&self.detail).map_err(|_| VaultError::Misuse("a detail is no JSON"))?;
        if detail.len() > DETAIL_MAX {
            return Err(VaultError::Misuse("the details of an event are too long"));
        }
        content.put(detail.as_bytes());
        Ok(content)
    }

    /// Reads the content of a row that was committed at `at`.
    ///
    /// # Errors
    /// It is no row's content.
    pub fn decode(content: &[u8], at: UnixSeconds) -> Result<Self, VaultError> {
        let mut decoder = Decoder::new(Table::Journal, content);
        let damaged = decoder.damaged();
        if decoder.u8()? != VERSION {
            return Err(damaged);
        }
        let kind = EventKind::from_number(decoder.u8()?).ok_or(decoder.damaged())?;
        let by = match (decoder.u8()?, decoder.u64()?) {
            (0, number) => {
                let number = u32::try_from(number).map_err(|_| decoder.damaged())?;
                Actor::Device(DeviceId::new(number.to_le_bytes()))
            }
            (1, number) => Actor::Authkey(number),
            (2, 0) => Actor::Operator,
            (3, 0) => Actor::System,
            (4, number) => Actor::Account(number),
            _ => return Err(damaged),
        };
        let device = decoder.optional()?.map(DeviceId::new);
        let (duress, duress_raised, tries_used_up) = (decoder.flag()?, decoder.flag()?, decoder.flag()?);
        let code = decoder.optional()?.map(|[number]| Code::from_number(number).ok_or(damaged.clone())).transpose()?;
        let is_signed = decoder.flag()?;
        let statement = decoder.padded(STATEMENT_ROOM)?.to_vec();
        let signed = Signed { statement, signature: decoder.array()?, key: decoder.optional()? };
        let confirmation = decoder.optional()?;
        let about = decode_about(&mut decoder)?;
        let detail = match decoder.rest() {
            [] => Map::new(),
            text => serde_json::from_slice(text).map_err(|_| damaged)?,
        };
        let signed = is_signed.then_some(signed);
        Ok(Self {
            kind,
            about,
            by,
            device,
            at,
            duress,
            duress_raised,
            tries_used_up,
            code,
            signed,
            confirmation,
            detail,
        })
    }
}

fn decode_about(decoder: &mut Decoder<'_>) -> Result<About, VaultError> {
    let damaged = || VaultError::Damaged(Table::Journal.name());
    let service = |name: String| ServiceName::parse(&name).map_err(|_| damaged());
    Ok(match decoder.u8()? {
        0 => About::Instance,
        1 => {
            let name = decoder.text()?;
            parse_subscription(&name).map_err(|_| damaged())?;
            About::Subscription(name)
        }
        2 => About::Service { id: decoder.u64()?, name: service(decoder.text()?)? },
        3 => About::Token {
            service: decoder.u64()?,
            name: service(decoder.text()?)?,
            token: TokenId::new(decoder.array()?),
            user: UserId::parse(decoder.text()?).map_err(|_| damaged())?,
        },
        _ => return Err(damaged()),
    })
}

#[cfg(test)]
mod tests;
