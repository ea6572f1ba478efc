//! Why a call was refused or failed.

use crate::domain::account::AccountError;
use crate::domain::authkey::NetworksError;
use crate::domain::confirmation::AskError;
use crate::domain::enrollment::OfferError;
use crate::domain::name::NameError;
use crate::domain::permission::PermissionError;
use crate::domain::policy::PolicyError;
use crate::domain::rules::RulesError;
use crate::domain::webhook::WebhookError;
use crate::password::{HasherError, PasswordError};
use crate::storage::StorageError;
use crate::vault::VaultError;

/// Why a call was refused or failed, sorted by who must act. No text repeats what the caller sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    // the caller
    /// The call is wrong: 400.
    #[error("{0}")]
    BadCall(String),
    /// The authkey is unknown or does not allow this here: 403.
    #[error("the authkey does not allow this call")]
    Forbidden,
    /// There is no such service: 404.
    #[error("there is no such service")]
    NoService,
    /// There is no such subscription: 404.
    #[error("there is no such subscription")]
    NoSubscription,
    /// The user has no token in this service: 404.
    #[error("the user has no token in this service")]
    NoToken,
    /// There is no such confirmation in this service (any more): 404.
    #[error("there is no such confirmation in this service")]
    NoConfirmation,
    /// There is no authkey with this number: 404.
    #[error("there is no authkey with this number: see the list")]
    NoAuthkey,
    /// There is no account with this number in the subscription: 404.
    #[error("there is no such account in this subscription")]
    NoAccount,
    /// There is no application with this number in the subscription: 404.
    #[error("there is no such application in this subscription")]
    NoApplication,
    /// The token has no such device, or it is revoked: 404.
    #[error("the token has no such device")]
    NoDevice,
    /// Too much of this goes on at the moment: 429.
    #[error("too many calls of this kind are under way, try again soon")]
    TooMany,

    // the operator
    /// The vault or its storage failed: 500, or 503 when [`AdminError::is_transient`].
    #[error(transparent)]
    Failed(VaultError),
}

impl AdminError {
    /// Whether the same call may succeed soon without anybody doing anything.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Failed(VaultError::Storage(error)) if error.is_transient())
    }
}

impl From<VaultError> for AdminError {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Unknown("token") => Self::NoToken,
            VaultError::Unknown("device") => Self::NoDevice,
            VaultError::Unknown("authkey") => Self::NoAuthkey,
            VaultError::Unknown("account") => Self::NoAccount,
            VaultError::Unknown("application") => Self::NoApplication,
            VaultError::Unknown("service") => Self::NoService,
            VaultError::Unknown("confirmation") => Self::NoConfirmation,
            VaultError::Unknown("subscription") => Self::NoSubscription,
            VaultError::Forbidden => Self::Forbidden,
            VaultError::Refused(why) => Self::BadCall(why.to_owned()),
            VaultError::Offer(error) => error.into(),
            VaultError::OtherCall | VaultError::ForeignCursor => Self::BadCall(error.to_string()),
            VaultError::Ask(error) => error.into(),
            error => Self::Failed(error),
        }
    }
}

impl From<StorageError> for AdminError {
    fn from(error: StorageError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<HasherError> for AdminError {
    fn from(error: HasherError) -> Self {
        match error {
            HasherError::Busy => Self::TooMany,
            HasherError::Gone => Self::Failed(VaultError::Misuse("passwords cannot be looked at")),
        }
    }
}

macro_rules! bad_call {
    ($($error:ty),*) => {
        $(impl From<$error> for AdminError {
            fn from(error: $error) -> Self {
                Self::BadCall(error.to_string())
            }
        })*
    };
}

bad_call!(
    AccountError,
    PasswordError,
    NameError,
    RulesError,
    PermissionError,
    PolicyError,
    OfferError,
    AskError,
    NetworksError,
    WebhookError
);
