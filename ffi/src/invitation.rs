//! What invites a device in.

use std::sync::Arc;

use crate::CardeaError;
#[cfg(any(feature = "discovery", feature = "qr-image"))]
use crate::{Cancel, call::run};

/// An invitation to enroll. It holds a one-time secret: whoever has it can enroll in the holder's place.
///
/// Making one uses nothing up. Show [`Invitation::preview`] to the holder before accepting.
#[derive(Debug, uniffi::Object)]
pub struct Invitation(cardea_sdk::Invitation);

/// Where an invitation leads.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Preview {
    /// Server's host.
    pub host: String,
    /// Server's port.
    pub port: u16,
    /// How it came.
    pub kind: InvitationKind,
}

/// How an invitation came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum InvitationKind {
    /// By a link or a QR code. The server's key came with it.
    Link,
    /// By a typed code. The server's key was looked up.
    Code,
    /// In a way that this version has no name for.
    Other,
}

impl Invitation {
    pub(crate) const fn inner(&self) -> &cardea_sdk::Invitation {
        &self.0
    }
}

#[uniffi::export]
impl Invitation {
    /// From a link, a `cardea:` address, or the text of a QR code. White space around it does not matter. Asks nobody.
    ///
    /// # Errors
    /// [`CardeaError::InvitationRejected`] with code 111: it is none.
    #[uniffi::constructor]
    pub fn from_text(text: &str) -> Result<Arc<Self>, CardeaError> {
        Ok(Arc::new(Self(cardea_sdk::Invitation::from_text(text)?)))
    }

    /// Where it leads. Asks nobody.
    #[must_use]
    pub fn preview(&self) -> Preview {
        let preview = self.0.preview();
        let kind = match preview.kind {
            cardea_sdk::InvitationKind::Link => InvitationKind::Link,
            cardea_sdk::InvitationKind::Code => InvitationKind::Code,
            _ => InvitationKind::Other,
        };
        Preview { host: preview.host, port: preview.port, kind }
    }
}

#[cfg(feature = "discovery")]
#[uniffi::export]
impl Invitation {
    /// From a typed code and the host of its server, which is asked for its key.
    ///
    /// # Errors
    /// [`CardeaError::InvitationRejected`] with code 112 (it is no code; nobody was asked) or 121 (the key could not be
    /// looked up).
    #[uniffi::constructor(default(cancel = None))]
    pub async fn from_code(
        code: String,
        server: String,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<Arc<Self>, CardeaError> {
        run(cancel, async move { Ok(Arc::new(Self(cardea_sdk::Invitation::from_code(&code, &server).await?))) }).await
    }
}

#[cfg(feature = "qr-image")]
#[uniffi::export]
impl Invitation {
    /// From a picture of a QR code: the bytes of a PNG or JPEG file. Asks nobody. One that is hard to read takes up to
    /// seconds, on a thread that may block.
    ///
    /// # Errors
    /// [`CardeaError::InvitationRejected`] with code 115: there is none in it.
    #[uniffi::constructor(default(cancel = None))]
    pub async fn from_qr_image(bytes: Vec<u8>, cancel: Option<Arc<Cancel>>) -> Result<Arc<Self>, CardeaError> {
        run(cancel, async move {
            let read = tokio::task::spawn_blocking(move || cardea_sdk::Invitation::from_qr_image(&bytes));
            Ok(Arc::new(Self(read.await.map_err(|_| CardeaError::shutting_down())??)))
        })
        .await
    }
}
