//! One token.

mod operation;

use std::sync::Arc;
use std::time::Duration;

use cardea_sdk::Window;

use self::operation::Operation;
use crate::approval::{Approval, NewPins, pin, pins};
use crate::call::{Before, Call};
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

    /// Whom to ask before an operation: nobody, if it is none or `asks_nobody`.
    pub(crate) fn asked<O>(&self, operation: &Result<O, Failure>, asks_nobody: fn(&O) -> bool) -> Before {
        let asks = operation.as_ref().is_ok_and(|operation| !asks_nobody(operation));
        asks.then(|| Arc::clone(&self.asked))
    }
}

impl Token {
    pub(crate) fn new(token: cardea_sdk::Token, shared: &Shared) -> Arc<Self> {
        Arc::new(Self(Arc::new(Parts { token, shared: shared.clone() })))
    }

    /// Begins an operation whose answer is a `T`: see [`operation`].
    fn begin<T: 'static>(&self, cancel: Option<Arc<Cancel>>, operation: Result<Operation, Failure>) -> Call<T> {
        Call::of(operation::begin(Arc::clone(&self.0), cancel, operation))
    }
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
        self.begin(cancel, Ok(Operation::Info)).await
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
        let operation = approval.take().map(|approval| Operation::Open(approval, window(seconds)));
        self.begin(cancel, operation).await
    }

    /// Closes it. Needs no approval.
    ///
    /// # Errors
    /// [`CardeaError`].
    #[uniffi::method(default(cancel = None))]
    pub async fn close(&self, cancel: Option<Arc<Cancel>>) -> Result<Status, CardeaError> {
        self.begin(cancel, Ok(Operation::Close)).await
    }

    /// Asks the server how it stands. A token that is blocked or not enrolled any more is no error here.
    ///
    /// # Errors
    /// [`CardeaError`].
    #[uniffi::method(default(cancel = None))]
    pub async fn status(&self, cancel: Option<Arc<Cancel>>) -> Result<Status, CardeaError> {
        self.begin(cancel, Ok(Operation::Status)).await
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
        let operation = approval.take().and_then(|current| Ok(Operation::ChangePin(current, pins.take()?)));
        self.begin(cancel, operation).await
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
        let operation = pin(&current).and_then(|current| Ok(Operation::SetDuress(current, pins(&duress)?)));
        self.begin(cancel, operation).await
    }

    /// Gives it up: the server forgets this device, then the wallet does.
    ///
    /// # Errors
    /// [`CardeaError`]. A token that is not enrolled any more leaves the wallet without an error.
    #[uniffi::method(default(cancel = None))]
    pub async fn unenroll(&self, approval: Approval, cancel: Option<Arc<Cancel>>) -> Result<(), CardeaError> {
        self.begin(cancel, approval.take().map(Operation::Unenroll)).await
    }

    /// The texts that wait for an answer.
    ///
    /// # Errors
    /// [`CardeaError`].
    #[uniffi::method(default(cancel = None))]
    pub async fn confirmations(&self, cancel: Option<Arc<Cancel>>) -> Result<Vec<Arc<Confirmation>>, CardeaError> {
        self.begin(cancel, Ok(Operation::Confirmations)).await
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
        let operation = approval.take().map(|approval| Operation::Approve(confirmation, approval));
        self.begin(cancel, operation).await
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
        self.begin(cancel, Ok(Operation::Deny(confirmation, reason))).await
    }

    /// What the holder is to see of the service.
    ///
    /// # Errors
    /// [`CardeaError`].
    #[uniffi::method(default(cancel = None))]
    pub async fn service_info(&self, cancel: Option<Arc<Cancel>>) -> Result<ServiceInfo, CardeaError> {
        self.begin(cancel, Ok(Operation::ServiceInfo)).await
    }

    /// The devices of the token, this one among them.
    ///
    /// # Errors
    /// [`CardeaError`].
    #[uniffi::method(default(cancel = None))]
    pub async fn devices(&self, cancel: Option<Arc<Cancel>>) -> Result<Vec<DeviceInfo>, CardeaError> {
        self.begin(cancel, Ok(Operation::Devices)).await
    }

    /// A page of at most sixteen lines of what was done with the token, newest first. Page 0 is the newest one.
    ///
    /// # Errors
    /// [`CardeaError`].
    #[uniffi::method(default(page = 0, cancel = None))]
    pub async fn history(&self, page: u8, cancel: Option<Arc<Cancel>>) -> Result<Vec<HistoryItem>, CardeaError> {
        self.begin(cancel, Ok(Operation::History(page))).await
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
        let operation =
            approval.take().and_then(|approval| Ok(Operation::RevokeDevice(crate::about::device(&device)?, approval)));
        self.begin(cancel, operation).await
    }

    /// Sets what the holder calls the token, at most 64 bytes. Stays in this wallet.
    ///
    /// # Errors
    /// [`CardeaError::Misuse`] with code 104, [`CardeaError::Busy`], [`CardeaError::Storage`].
    #[uniffi::method(default(cancel = None))]
    pub async fn set_label(&self, label: String, cancel: Option<Arc<Cancel>>) -> Result<(), CardeaError> {
        self.begin(cancel, Ok(Operation::SetLabel(label))).await
    }

    /// Removes the token from this wallet without telling the server, which goes on knowing the device.
    ///
    /// # Errors
    /// [`CardeaError::Misuse`] with code 104, [`CardeaError::Busy`], [`CardeaError::Storage`].
    #[uniffi::method(default(cancel = None))]
    pub async fn forget(&self, cancel: Option<Arc<Cancel>>) -> Result<(), CardeaError> {
        self.begin(cancel, Ok(Operation::Forget)).await
    }
}
