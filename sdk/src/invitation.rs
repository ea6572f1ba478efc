//! What invites a device in: a link, the text of a QR code, or a typed code with its server.

use std::fmt;

use cardea_protocol::crypto::Dalek;
use cardea_protocol::device::Credential;
use cardea_protocol::wire::{Link, TypedCode};

use crate::discovery::ServerIdentity;
use crate::error::WalletError;
use crate::transport::Endpoint;

/// An invitation to enroll. It holds a one-time secret: whoever has it can enroll in the holder's place.
///
/// Making one asks nobody (but for `from_code`, which asks for the server's key) and uses nothing up:
/// show [`Invitation::preview`] to the holder before accepting.
#[derive(Debug)]
pub struct Invitation(Kind);

/// Where an invitation leads, as the holder is to see it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Preview {
    /// Host of the server. This is whom the holder trusts.
    pub host: String,
    /// Port of the token channel.
    pub port: u16,
    /// How it came.
    pub kind: InvitationKind,
}

/// How an invitation came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvitationKind {
    /// By a link or a QR code. The server's key came with it.
    Link,
    /// By a typed code. The server's key was looked up, or known.
    Code,
}

/// Why there is no invitation in a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// Neither PNG nor JPEG.
    #[error("this is no PNG or JPEG picture: take another")]
    Format,
    /// Too many bytes or pixels.
    #[error("the picture is too large: crop it, or take it with fewer pixels")]
    TooLarge,
    /// It cannot be read to its end.
    #[error("the picture is damaged or cut short: take another")]
    Damaged,
    /// There is nothing in it that can be read as a QR code.
    #[error("there is no readable QR code in the picture: hold the camera closer and straight, with more light")]
    NoCode,
    /// The codes in it are something else.
    #[error("the QR code in the picture is no invitation to enroll")]
    NoInvitation,
    /// It has several invitations.
    #[error("there are several invitations in the picture: crop it to one")]
    Several,
}

#[derive(Debug)]
enum Kind {
    Link { link: Link, endpoint: Endpoint },
    Code { code: TypedCode, server: ServerIdentity },
}

impl Invitation {
    /// From what a holder pasted or scanned: a link (`https://<host>/e#…`), a `cardea:` address, or the text of a QR code,
    /// which is one of the two. White space around it is no part of it.
    ///
    /// # Errors
    /// [`WalletError::Link`].
    pub fn from_text(text: &str) -> Result<Self, WalletError> {
        Self::from_link(text.trim())
    }

    /// From a picture of a QR code: the bytes of a PNG or JPEG file of at most 16 MiB and 16 million pixels. Photographs
    /// may be turned, dim, noisy and taken at an angle. Codes that are no invitations do not matter; two different
    /// invitations do.
    ///
    /// Takes up to about eight bytes of memory for each pixel, and up to seconds for a picture that is hard to read: not
    /// for the thread that draws.
    ///
    /// # Errors
    /// [`WalletError::Image`].
    #[cfg(feature = "qr-image")]
    pub fn from_qr_image(bytes: &[u8]) -> Result<Self, WalletError> {
        let texts = crate::qr::texts(bytes)?;
        let mut invitations = texts.iter().filter_map(|text| Self::from_text(text).ok());
        match (invitations.next(), invitations.next()) {
            (Some(invitation), None) => Ok(invitation),
            (Some(_), Some(_)) => Err(ImageError::Several.into()),
            (None, _) => Err(ImageError::NoInvitation.into()),
        }
    }

    /// As [`Invitation::from_text`], for a text that is a link and nothing else.
    ///
    /// # Errors
    /// [`WalletError::Link`].
    pub fn from_link(text: &str) -> Result<Self, WalletError> {
        let link = Link::parse(text)?;
        let endpoint = Endpoint { host: link.host.as_str().to_owned(), port: link.port };
        Ok(Self(Kind::Link { link, endpoint }))
    }

    /// From a typed code and the host of its server, which is asked for its key (feature `discovery`).
    ///
    /// # Errors
    /// [`WalletError::Code`], [`WalletError::Discovery`].
    #[cfg(feature = "discovery")]
    pub async fn from_code(code: &str, server: &str) -> Result<Self, WalletError> {
        // A code that cannot be one asks nobody.
        let code = TypedCode::parse(code)?;
        Ok(Self(Kind::Code { code, server: crate::discovery::look_up(server).await? }))
    }

    /// From a typed code for a server that the host program knows.
    ///
    /// # Errors
    /// [`WalletError::Code`].
    pub fn from_code_for(code: &str, server: ServerIdentity) -> Result<Self, WalletError> {
        Ok(Self(Kind::Code { code: TypedCode::parse(code)?, server }))
    }

    /// What to show the holder before accepting.
    #[must_use]
    pub fn preview(&self) -> Preview {
        let Endpoint { host, port } = self.endpoint().clone();
        let kind = match &self.0 {
            Kind::Link { .. } => InvitationKind::Link,
            Kind::Code { .. } => InvitationKind::Code,
        };
        Preview { host, port, kind }
    }

    /// What the first frame of an enrollment names it by, in the clear (specification, chapter 5): tells one invitation from
    /// another, and lets nobody enroll.
    #[must_use]
    pub fn id(&self) -> [u8; 8] {
        match &self.0 {
            Kind::Link { link, .. } => link.id,
            Kind::Code { code, .. } => code.id(),
        }
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
