//! What invites a device in.

use std::sync::Arc;

use crate::CardeaError;
#[cfg(feature = "discovery")]
use crate::cancel::{Cancel, run};

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
        Ok(Arc::new(Self(cardea_sdk::Invitation::from_link(text.trim())?)))
    }

    /// Where it leads. Asks nobody.
    #[must_use]
    pub fn preview(&self) -> Preview {
        let endpoint = self.0.endpoint();
        Preview { host: endpoint.host.clone(), port: endpoint.port }
    }
}

#[cfg(feature = "discovery")]
#[uniffi::export(async_runtime = "tokio")]
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
