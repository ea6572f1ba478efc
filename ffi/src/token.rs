//! One token.

use std::sync::Arc;
use std::time::Duration;

use cardea_sdk::Window;

use crate::approval::{Approval, NewPins, pin, pins};
use crate::cancel::{Cancel, run};
use crate::confirmation::{Confirmation, DenyReason};
use crate::host::Asked;
use crate::secret::SecretBytes;
use crate::{CardeaError, DeviceInfo, HistoryItem, ServiceInfo, Status, TokenInfo};

/// A handle on one token. Holds no secrets and no lock; may be used from any thread.
///
/// Operations on one token wait for each other, over all processes that share the folder, and end after a minute. One
/// that is cancelled may have been done all the same: the next one finds out.
#[derive(Debug, uniffi::Object)]
pub struct Token {
    token: cardea_sdk::Token,
    shared: Shared,
}

/// What a wallet and its tokens share.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) asked: Asked,
    pub(crate) clock: Arc<dyn cardea_sdk::Clock>,
}

impl Shared {
    pub(crate) fn status(&self, status: &cardea_sdk::Status) -> Status {
        Status::of(status, self.clock.now())
    }
}

impl Token {
    pub(crate) fn new(token: cardea_sdk::Token, shared: &Shared) -> Arc<Self> {
        Arc::new(Self { token, shared: shared.clone() })
    }

    /// What a call takes with it: it outlives this handle.
    fn parts(&self) -> (cardea_sdk::Token, Shared) {
        (self.token.clone(), self.shared.clone())
    }
}

fn window(seconds: Option<u64>) -> Window {
    seconds.map_or(Window::Service, |seconds| Window::AtMost(Duration::from_secs(seconds)))
}

#[uniffi::export(async_runtime = "tokio")]
impl Token {
    /// Its name in this wallet.
    #[must_use]
    pub fn id(&self) -> String {
        self.token.key().to_string()
    }

    /// What the wallet holds of it. Asks nobody.
    ///
    /// # Errors
    /// [`CardeaError::Misuse`] with code 104: it is gone. [`CardeaError::Storage`].
    #[uniffi::method(default(cancel = None))]
    pub async fn info(&self, cancel: Option<Arc<Cancel>>) -> Result<TokenInfo, CardeaError> {
        let (token, _) = self.parts();
        run(cancel, async move { Ok(token.summary().await?.into()) }).await
    }

    /// Opens it, for at most `seconds` (at least 2) if given, which is rounded down to a power of two. While it is open
    /// this begins a new window from now. A wrong PIN counts at the server.
    ///
    /// # Errors
    /// [`CardeaError`].
    #[uniffi::method(default(seconds = None, cancel = None))]
    pub async fn open(
        &self,
        approval: Approval,
        seconds: Option<u64>,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<Status, CardeaError> {
        let (token, shared) = self.parts();
        run(cancel, async move {
            let approval = approval.take()?;
            shared.asked.before().await?;
            Ok(shared.status(&token.open(approval, window(seconds)).await?))
        })
        .await
    }

    /// Closes it. Needs no approval.
    ///
    /// # Errors
    /// [`CardeaError`].
    #[uniffi::method(default(cancel = None))]
    pub async fn close(&self, cancel: Option<Arc<Cancel>>) -> Result<Status, CardeaError> {
        let (token, shared) = self.parts();
        run(cancel, async move {
            shared.asked.before().await?;
            Ok(shared.status(&token.close().await?))
        })
        .await
    }

    /// Asks the server how it stands. A token that is blocked or not enrolled any more is no error here.
    ///
    /// # Errors
    /// [`CardeaError`].
    #[uniffi::method(default(cancel = None))]
    pub async fn status(&self, cancel: Option<Arc<Cancel>>) -> Result<Status, CardeaError> {
        let (token, shared) = self.parts();
        run(cancel, async move {
            shared.asked.before().await?;
            Ok(shared.status(&token.status().await?))
        })
        .await
    }

    /// Replaces all PINs. Duress PINs that are not among the new ones are gone. A wrong PIN counts at the server.
    ///
    /// # Errors
    /// [`CardeaError`].
    #[uniffi::method(default(cancel = None))]
    pub async fn change_pin(
        &self,
        approval: Approval,
        pins: NewPins,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<Status, CardeaError> {
        let (token, shared) = self.parts();
        run(cancel, async move {
            let (current, new) = (approval.take()?, pins.take()?);
            shared.asked.before().await?;
            Ok(shared.status(&token.change_pin(current, new).await?))
        })
        .await
    }

    /// Sets the duress PINs and keeps the PIN that opens. An empty list removes them.
    ///
    /// # Errors
    /// [`CardeaError`]. A wrong `current` counts at the server.
    #[uniffi::method(default(cancel = None))]
    pub async fn set_duress(
        &self,
        current: SecretBytes,
        duress: Vec<SecretBytes>,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<Status, CardeaError> {
        let (token, shared) = self.parts();
        run(cancel, async move {
            let (current, duress) = (pin(&current)?, pins(&duress)?);
            shared.asked.before().await?;
            Ok(shared.status(&token.set_duress(current, duress).await?))
        })
        .await
    }

    /// Gives it up: the server forgets this device, then the wallet does.
    ///
    /// # Errors
    /// [`CardeaError`]. A token that is not enrolled any more leaves the wallet without an error.
    #[uniffi::method(default(cancel = None))]
    pub async fn unenroll(&self, approval: Approval, cancel: Option<Arc<Cancel>>) -> Result<(), CardeaError> {
        let (token, shared) = self.parts();
        run(cancel, async move {
            let approval = approval.take()?;
            shared.asked.before().await?;
            Ok(token.unenroll(approval).await?)
        })
        .await
    }

    /// The texts that wait for an answer.
    ///
    /// # Errors
    /// [`CardeaError`].
    #[uniffi::method(default(cancel = None))]
    pub async fn confirmations(&self, cancel: Option<Arc<Cancel>>) -> Result<Vec<Arc<Confirmation>>, CardeaError> {
        let (token, shared) = self.parts();
        run(cancel, async move {
            shared.asked.before().await?;
            Ok(token.confirmations().await?.into_iter().map(Confirmation::new).collect())
        })
        .await
    }

    /// Approves a text. A wrong PIN counts at the server.
    ///
    /// # Errors
    /// [`CardeaError::ConfirmationOver`]; other [`CardeaError`]s.
    #[uniffi::method(default(cancel = None))]
    pub async fn approve(
        &self,
        confirmation: Arc<Confirmation>,
        approval: Approval,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<Status, CardeaError> {
        let (token, shared) = self.parts();
        run(cancel, async move {
            let approval = approval.take()?;
            shared.asked.before().await?;
            Ok(shared.status(&token.approve(confirmation.inner(), approval).await?))
        })
        .await
    }

    /// Denies a text. Needs no approval.
    ///
    /// # Errors
    /// [`CardeaError::ConfirmationOver`]; other [`CardeaError`]s.
    #[uniffi::method(default(reason = None, cancel = None))]
    pub async fn deny(
        &self,
        confirmation: Arc<Confirmation>,
        reason: Option<DenyReason>,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<Status, CardeaError> {
        let (token, shared) = self.parts();
        run(cancel, async move {
            shared.asked.before().await?;
            Ok(shared.status(&token.deny(confirmation.inner(), DenyReason::of(reason)).await?))
        })
        .await
    }

    /// What the holder is to see of the service.
    ///
    /// # Errors
    /// [`CardeaError`].
    #[uniffi::method(default(cancel = None))]
    pub async fn service_info(&self, cancel: Option<Arc<Cancel>>) -> Result<ServiceInfo, CardeaError> {
        let (token, shared) = self.parts();
        run(cancel, async move {
            shared.asked.before().await?;
            Ok(token.info().await?.into())
        })
        .await
    }

    /// The devices of the token, this one among them.
    ///
    /// # Errors
    /// [`CardeaError`].
    #[uniffi::method(default(cancel = None))]
    pub async fn devices(&self, cancel: Option<Arc<Cancel>>) -> Result<Vec<DeviceInfo>, CardeaError> {
        let (token, shared) = self.parts();
        run(cancel, async move {
            shared.asked.before().await?;
            Ok(token.devices().await?.into_iter().map(DeviceInfo::from).collect())
        })
        .await
    }

    /// A page of at most sixteen lines of what was done with the token, newest first. Page 0 is the newest one.
    ///
    /// # Errors
    /// [`CardeaError`].
    #[uniffi::method(default(page = 0, cancel = None))]
    pub async fn history(&self, page: u8, cancel: Option<Arc<Cancel>>) -> Result<Vec<HistoryItem>, CardeaError> {
        let (token, shared) = self.parts();
        run(cancel, async move {
            shared.asked.before().await?;
            Ok(token.history(page).await?.into_iter().map(HistoryItem::from).collect())
        })
        .await
    }

    /// Revokes another device of the token, named by [`DeviceInfo::id`], and closes the token. A wrong PIN counts at the
    /// server.
    ///
    /// # Errors
    /// [`CardeaError`]. Code 13: there is no such other device.
    #[uniffi::method(default(cancel = None))]
    pub async fn revoke_device(
        &self,
        device: String,
        approval: Approval,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<Status, CardeaError> {
        let (token, shared) = self.parts();
        run(cancel, async move {
            let (approval, device) = (approval.take()?, crate::about::device(&device)?);
            shared.asked.before().await?;
            Ok(shared.status(&token.revoke_device(device, approval).await?))
        })
        .await
    }

    /// Sets what the holder calls the token, at most 64 bytes. Stays in this wallet.
    ///
    /// # Errors
    /// [`CardeaError::Misuse`] with code 104, [`CardeaError::Busy`], [`CardeaError::Storage`].
    #[uniffi::method(default(cancel = None))]
    pub async fn set_label(&self, label: String, cancel: Option<Arc<Cancel>>) -> Result<(), CardeaError> {
        let (token, _) = self.parts();
        run(cancel, async move { Ok(token.set_label(&label).await?) }).await
    }

    /// Removes the token from this wallet without telling the server, which goes on knowing the device.
    ///
    /// # Errors
    /// [`CardeaError::Misuse`] with code 104, [`CardeaError::Busy`], [`CardeaError::Storage`].
    #[uniffi::method(default(cancel = None))]
    pub async fn forget(&self, cancel: Option<Arc<Cancel>>) -> Result<(), CardeaError> {
        let (token, _) = self.parts();
        run(cancel, async move { Ok(token.forget().await?) }).await
    }
}
