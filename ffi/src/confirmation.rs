//! Texts that a relying party asks the holder to approve or deny.

use std::sync::Arc;

/// A text that waits for an answer. What is in it is what is signed: show it as it is, all of it.
#[derive(Debug, uniffi::Object)]
pub struct Confirmation(cardea_sdk::Confirmation);

impl Confirmation {
    pub(crate) fn new(confirmation: cardea_sdk::Confirmation) -> Arc<Self> {
        Arc::new(Self(confirmation))
    }

    pub(crate) const fn inner(&self) -> &cardea_sdk::Confirmation {
        &self.0
    }
}

#[uniffi::export]
impl Confirmation {
    /// Its id, as relying parties know it.
    #[must_use]
    pub fn id(&self) -> String {
        self.0.id()
    }

    /// The text: one line that hides nothing.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.text().to_owned()
    }

    /// The first second, by the server's clock and in Unix seconds, in which it cannot be answered any more.
    #[must_use]
    pub fn expires_at(&self) -> u32 {
        self.0.expires_at()
    }
}

/// Why a holder denies. The relying party may be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum DenyReason {
    /// The holder has changed his mind.
    Cancelled,
    /// The holder did not start what the text is about.
    NotMe,
}

impl DenyReason {
    pub(crate) const fn of(reason: Option<Self>) -> cardea_sdk::DenyReason {
        match reason {
            None => cardea_sdk::DenyReason::Unsaid,
            Some(Self::Cancelled) => cardea_sdk::DenyReason::Cancelled,
            Some(Self::NotMe) => cardea_sdk::DenyReason::NotMe,
        }
    }
}
