//! What invites a device in: a link, the text of a QR code, or a typed code with its server.

use std::fmt;

use cardea_protocol::crypto::Dalek;
use cardea_protocol::device::Credential;
use cardea_protocol::wire::{Link, TypedCode};

use crate::discovery::{self, ServerIdentity};
use crate::error::WalletError;
use crate::transport::Endpoint;

/// An invitation to enroll. It holds a one-time secret: whoever has it can enroll in the holder's place.
///
/// Making one asks nobody (but for [`Invitation::from_code`], which asks for the server's key) and uses nothing up:
/// show [`Invitation::endpoint`] to the holder before accepting.
#[derive(Debug)]
pub struct Invitation(Kind);

#[derive(Debug)]
enum Kind {
    Link { link: Link, endpoint: Endpoint },
    Code { code: TypedCode, server: ServerIdentity },
}

impl Invitation {
    /// From a link (`https://<host>/e#…`), a `cardea:` address, or the text of a QR code, which is one of the two.
    ///
    /// # Errors
    /// [`WalletError::Link`].
    pub fn from_link(text: &str) -> Result<Self, WalletError> {
        let link = Link::parse(text)?;
        let endpoint = Endpoint { host: link.host.as_str().to_owned(), port: link.port };
        Ok(Self(Kind::Link { link, endpoint }))
    }

    /// From a typed code and the host of its server, which is asked for its key.
    ///
    /// # Errors
    /// [`WalletError::Code`], [`WalletError::Discovery`].
    pub async fn from_code(code: &str, server: &str) -> Result<Self, WalletError> {
        // A code that cannot be one asks nobody.
        let code = TypedCode::parse(code)?;
        Ok(Self(Kind::Code { code, server: discovery::look_up(server).await? }))
    }

    /// From a typed code for a server that the host program knows.
    ///
    /// # Errors
    /// [`WalletError::Code`].
    pub fn from_code_for(code: &str, server: ServerIdentity) -> Result<Self, WalletError> {
        Ok(Self(Kind::Code { code: TypedCode::parse(code)?, server }))
    }

    /// The server that it leads to.
    #[must_use]
    pub const fn endpoint(&self) -> &Endpoint {
        match &self.0 {
            Kind::Link { endpoint, .. } => endpoint,
            Kind::Code { server, .. } => &server.endpoint,
        }
    }

    pub(crate) fn credential(&self) -> Credential {
        match &self.0 {
            Kind::Link { link, .. } => Credential::from_link::<Dalek>(link),
            Kind::Code { code, .. } => Credential::from_code::<Dalek>(code),
        }
    }

    /// The server's static key and its epoch.
    pub(crate) const fn server_key(&self) -> (&[u8; 32], u8) {
        match &self.0 {
            Kind::Link { link, .. } => (&link.server_key, link.epoch),
            Kind::Code { server, .. } => (&server.key_record.key, server.key_record.epoch),
        }
    }

    /// The identity that must answer, where it is known before.
    pub(crate) const fn identity(&self) -> Option<&[u8; 32]> {
        match &self.0 {
            Kind::Link { .. } => None,
            Kind::Code { server, .. } => Some(&server.identity),
        }
    }
}

impl fmt::Display for Invitation {
    /// Where it leads; never the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.endpoint(), f)
    }
}
