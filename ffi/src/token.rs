//! One token.

use std::sync::Arc;
use std::time::Duration;

use cardea_sdk::Window;

use crate::approval::{Approval, NewPins, pin, pins};
use crate::call::{Before, run, run_after};
use crate::confirmation::{Confirmation, DenyReason};
use crate::error::Failure;
use crate::host::Asked;
use crate::secret::SecretBytes;
use crate::{Cancel, CardeaError, DeviceInfo, HistoryItem, ServiceInfo, Status, TokenInfo};

/// A handle on one token. Holds no secrets and no lock; may be used from any thread.
///
/// Operations on one token wait for each other, over all processes that share the folder, and end after a minute. One
/// that is cancelled may have been done all the same: the next one finds out.
#[derive(Debug, uniffi::Object)]
pub struct Token(Arc<Parts>);

/// What a call takes with it: it outlives the handle.
#[derive(Debug)]
struct Parts {
    token: cardea_sdk::Token,
    shared: Shared,
}

/// What a wallet and its tokens share.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) asked: Arc<Asked>,
    pub(crate) clock: Arc<dyn cardea_sdk::Clock>,
}

impl Shared {
    pub(crate) fn status(&self, status: &cardea_sdk::Status) -> Status {
        Status::of(status, self.clock.now())
    }

    /// Whom to ask before a call.
    pub(crate) fn asked(&self) -> Before {
        Ok(Some(Arc::clone(&self.asked)))
    }

    /// Whom to ask before a call that has an argument: nobody, if it is none.
    pub(crate) fn asked_with<T>(&self, argument: Result<T, Failure>) -> (Option<T>, Before) {
        match argument {
            Ok(argument) => (Some(argument), self.asked()),
            Err(failure) => (None, Err(failure)),
        }
    }
}

impl Token {
    pub(crate) fn new(token: cardea_sdk::Token, shared: &Shared) -> Arc<Self> {
        Arc::new(Self(Arc::new(Parts { token, shared: shared.clone() })))
    }

    fn parts(&self) -> Arc<Parts> {
        Arc::clone(&self.0)
    }
}

/// The argument of a call that has begun.
pub(crate) fn there<T>(argument: Option<T>) -> Result<T, Failure> {
    argument.ok_or_else(|| CardeaError::shutting_down().into())
}

fn window(seconds: Option<u64>) -> Window {
    seconds.map_or(Window::Service, |seconds| Window::AtMost(Duration::from_secs(seconds)))
}

#[uniffi::export]
impl Token {
    /// Its name in this wallet.
    #[must_use]
    pub fn id(&self) -> String {
        self.0.token.key().to_string()
    }

    /// What the wallet holds of it. Asks nobody.
    ///
    /// # Errors
    /// [`CardeaError::Misuse`] with code 104: it is gone. [`CardeaError::Storage`].
    #[uniffi::method(default(cancel = None))]
    pub async fn info(&self, cancel: Option<Arc<Cancel>>) -> Result<TokenInfo, CardeaError> {
        let me = self.parts();
        run(cancel, async move { Ok(me.token.summary().await?.into()) }).await
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
        let me = self.parts();
        let (approval, asked) = me.shared.asked_with(approval.take());
        run_after(asked, cancel, async move {
            let approval = there(approval)?;
            Ok(me.shared.status(&me.token.open(approval, window(seconds)).await?))
        })
        .await
    }

    /// Closes it. Needs no approval.
    ///
    /// # Errors
    /// [`CardeaError`].
    #[uniffi::method(default(cancel = None))]
    pub async fn close(&self, cancel: Option<Arc<Cancel>>) -> Result<Status, CardeaError> {
        let me = self.parts();
        run_after(me.shared.asked(), cancel, async move { Ok(me.shared.status(&me.token.close().await?)) }).await
    }

    /// Asks the server how it stands. A token that is blocked or not enrolled any more is no error here.
    ///
    /// # Errors
    /// [`CardeaError`].
    #[uniffi::method(default(cancel = None))]
    pub async fn status(&self, cancel: Option<Arc<Cancel>>) -> Result<Status, CardeaError> {
        let me = self.parts();
        run_after(me.shared.asked(), cancel, async move { Ok(me.shared.status(&me.token.status().await?)) }).await
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
        let me = self.parts();
        let pins = approval.take().and_then(|current| Ok((current, pins.take()?)));
        let (pins, asked) = me.shared.asked_with(pins);
        run_after(asked, cancel, async move {
            let (current, new) = there(pins)?;
            Ok(me.shared.status(&me.token.change_pin(current, new).await?))
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
        let me = self.parts();
        let new = pin(&current).and_then(|current| Ok((current, pins(&duress)?)));
        let (new, asked) = me.shared.asked_with(new);
        run_after(asked, cancel, async move {
            let (current, duress) = there(new)?;
            Ok(me.shared.status(&me.token.set_duress(current, duress).await?))
        })
        .await
    }

    /// Gives it up: the server forgets this device, then the wallet does.
    ///
    /// # Errors
    /// [`CardeaError`]. A token that is not enrolled any more leaves the wallet without an error.
    #[uniffi::method(default(cancel = None))]
    pub async fn unenroll(&self, approval: Approval, cancel: Option<Arc<Cancel>>) -> Result<(), CardeaError> {
        let me = self.parts();
        let (approval, asked) = me.shared.asked_with(approval.take());
        run_after(asked, cancel, async move {
            let approval = there(approval)?;
            Ok(me.token.unenroll(approval).await?)
        })
        .await
    }

    /// The texts that wait for an answer.
    ///
    /// # Errors
    /// [`CardeaError`].
    #[uniffi::method(default(cancel = None))]
    pub async fn confirmations(&self, cancel: Option<Arc<Cancel>>) -> Result<Vec<Arc<Confirmation>>, CardeaError> {
        let me = self.parts();
        run_after(me.shared.asked(), cancel, async move {
            Ok(me.token.confirmations().await?.into_iter().map(Confirmation::new).collect())
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
        let me = self.parts();
        let (approval, asked) = me.shared.asked_with(approval.take());
        run_after(asked, cancel, async move {
            let approval = there(approval)?;
            Ok(me.shared.status(&me.token.approve(confirmation.inner(), approval).await?))
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
        let me = self.parts();
        run_after(me.shared.asked(), cancel, async move {
            Ok(me.shared.status(&me.token.deny(confirmation.inner(), DenyReason::of(reason)).await?))
        })
        .await
    }

    /// What the holder is to see of the service.
    ///
    /// # Errors
    /// [`CardeaError`].
    #[uniffi::method(default(cancel = None))]
    pub async fn service_info(&self, cancel: Option<Arc<Cancel>>) -> Result<ServiceInfo, CardeaError> {
        let me = self.parts();
        run_after(me.shared.asked(), cancel, async move { Ok(me.token.info().await?.into()) }).await
    }

    /// The devices of the token, this one among them.
    ///
    /// # Errors
    /// [`CardeaError`].
    #[uniffi::method(default(cancel = None))]
    pub async fn devices(&self, cancel: Option<Arc<Cancel>>) -> Result<Vec<DeviceInfo>, CardeaError> {
        let me = self.parts();
        run_after(me.shared.asked(), cancel, async move {
            Ok(me.token.devices().await?.into_iter().map(DeviceInfo::from).collect())
        })
        .await
    }

    /// A page of at most sixteen lines of what was done with the token, newest first. Page 0 is the newest one.
    ///
    /// # Errors
    /// [`CardeaError`].
    #[uniffi::method(default(page = 0, cancel = None))]
    pub async fn history(&self, page: u8, cancel: Option<Arc<Cancel>>) -> Result<Vec<HistoryItem>, CardeaError> {
        let me = self.parts();
        run_after(me.shared.asked(), cancel, async move {
            Ok(me.token.history(page).await?.into_iter().map(HistoryItem::from).collect())
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
        let me = self.parts();
        let both = approval.take().and_then(|approval| Ok((approval, crate::about::device(&device)?)));
        let (both, asked) = me.shared.asked_with(both);
        run_after(asked, cancel, async move {
            let (approval, device) = there(both)?;
            Ok(me.shared.status(&me.token.revoke_device(device, approval).await?))
        })
        .await
    }

    /// Sets what the holder calls the token, at most 64 bytes. Stays in this wallet.
    ///
    /// # Errors
    /// [`CardeaError::Misuse`] with code 104, [`CardeaError::Busy`], [`CardeaError::Storage`].
    #[uniffi::method(default(cancel = None))]
    pub async fn set_label(&self, label: String, cancel: Option<Arc<Cancel>>) -> Result<(), CardeaError> {
        let me = self.parts();
        run(cancel, async move { Ok(me.token.set_label(&label).await?) }).await
    }

    /// Removes the token from this wallet without telling the server, which goes on knowing the device.
    ///
    /// # Errors
    /// [`CardeaError::Misuse`] with code 104, [`CardeaError::Busy`], [`CardeaError::Storage`].
    #[uniffi::method(default(cancel = None))]
    pub async fn forget(&self, cancel: Option<Arc<Cancel>>) -> Result<(), CardeaError> {
        let me = self.parts();
        run(cancel, async move { Ok(me.token.forget().await?) }).await
    }
}
