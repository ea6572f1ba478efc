//! One token: open, close, status, confirmations, PINs, devices, unenroll.

mod about;
mod approval;
mod confirmations;
mod pins;

pub use about::{Deed, DeviceInfo, HistoryItem, ServiceInfo};
pub use confirmations::{Confirmation, DenyReason};

use std::sync::Arc;
use std::time::Duration;

use cardea_protocol::Code;
use cardea_protocol::device::Intent;
use cardea_protocol::limits::WINDOW_MAX;
use cardea_protocol::token::{DeviceStatus, Policy};
use cardea_protocol::wire::Reply;

use crate::approval::Approval;
use crate::error::WalletError;
use crate::event::EventKind;
use crate::operation::{Held, MakeSigned, Operation, Progress, Work, limited, work};
use crate::presence::Purpose;
use crate::status::{Status, accepted};
use crate::store::{Details, TokenKey};
use crate::task::blocking;
use crate::wallet::Inner;

/// How long an opening lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Window {
    /// As long as the service says.
    #[default]
    Service,
    /// At most so long, and never longer than the service says. Rounded down to a power of two of seconds, which is
    /// what travels; at least 2 seconds.
    AtMost(Duration),
}

impl Window {
    fn number(self) -> Result<u8, WalletError> {
        match self {
            Self::Service => Ok(0),
            // 2^0 would be 1 second, but 0 means the service's own.
            Self::AtMost(time) => match time.as_secs().checked_ilog2() {
                None | Some(0) => Err(WalletError::Window),
                Some(power) => Ok(u8::try_from(power).unwrap_or(WINDOW_MAX).min(WINDOW_MAX)),
            },
        }
    }
}

/// What a wallet holds of a token. Nothing in it is secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Its name in this wallet.
    pub key: TokenKey,
    /// What the wallet knows about it.
    pub details: Details,
    /// What the service asks of PINs.
    pub policy: Policy,
    /// Whether the server has confirmed the enrollment. The first answered operation does.
    pub confirmed: bool,
    /// Whether something was sent that was never answered. The next operation finds out.
    pub pending: bool,
}

/// What is done with a token while it is held.
type Doing<'a, T> = Box<dyn for<'b> FnOnce(&'b mut Operation<'a>) -> Work<'b, T> + Send + 'a>;

/// A handle on one token. Cheap to clone; holds no secrets and no lock.
///
/// Every operation is one future with a limit of a minute, also by the clock on the wall: none goes on after the machine
/// has slept for longer. It may be dropped at any time: what it sent is found out by the next one. Operations on one token wait for each other, over all processes that share the store.
#[derive(Debug, Clone)]
pub struct Token {
    pub(crate) inner: Arc<Inner>,
    pub(crate) key: TokenKey,
}

impl Token {
    /// Its name in this wallet.
    #[must_use]
    pub const fn key(&self) -> TokenKey {
        self.key
    }

    /// What the wallet holds of it. Asks nobody.
    ///
    /// # Errors
    /// [`WalletError::UnknownToken`], [`WalletError::Store`].
    pub async fn summary(&self) -> Result<Summary, WalletError> {
        let entry = self.load().await?;
        Ok(Summary {
            key: self.key,
            policy: *entry.record.policy(),
            confirmed: !entry.record.is_provisional(),
            pending: *entry.record.pending() != cardea_protocol::device::Pending::None,
            details: entry.details,
        })
    }

    fn load(&self) -> Work<'_, crate::store::Entry> {
        work(async move {
            let (store, key) = (Arc::clone(&self.inner.store), self.key);
            blocking(move || store.load(&key)).await??.ok_or(WalletError::UnknownToken)
        })
    }

    /// Opens the token, with a PIN, a biometric key, or what the wallet's presence gives. A wrong PIN counts at the
    /// server. An open token gets a new window from now on.
    ///
    /// # Errors
    /// [`WalletError`].
    pub async fn open(&self, approval: impl Into<Approval>, window: Window) -> Result<Status, WalletError> {
        let window = window.number()?;
        let key = self.signing_key(approval.into(), Purpose::Open).await?;
        accepted(&self.perform(&Intent::Open { window, key: &key }, true).await?)
    }

    /// Closes the token. Needs no PIN.
    ///
    /// # Errors
    /// [`WalletError`].
    pub async fn close(&self) -> Result<Status, WalletError> {
        accepted(&self.perform(&Intent::Close, true).await?)
    }

    /// Asks how the token stands. A token that is blocked or not enrolled any more is no error here.
    ///
    /// # Errors
    /// [`WalletError`].
    pub async fn status(&self) -> Result<Status, WalletError> {
        let reply = self.perform(&Intent::Status, true).await?;
        match reply.code {
            Code::Blocked => Ok(Status { state: DeviceStatus::Blocked, ..Status::of(&reply) }),
            Code::NotEnrolled => Ok(Status { state: DeviceStatus::NotEnrolled, ..Status::of(&reply) }),
            _ => accepted(&reply),
        }
    }

    /// Gives the token up: the server forgets this device, then the wallet does.
    ///
    /// # Errors
    /// [`WalletError`]. A token that is not enrolled any more leaves the wallet without an error.
    pub async fn unenroll(&self, approval: impl Into<Approval>) -> Result<(), WalletError> {
        let key = self.signing_key(approval.into(), Purpose::Unenroll).await?;
        let given_up = self.operate(Box::new(|operation| {
            let intent = Intent::Unenroll { key: &key };
            work(async move {
                let reply = operation.perform(&intent).await?.reply;
                match accepted(&reply) {
                    Ok(_) | Err(WalletError::NotEnrolled) => operation.held.remove().await,
                    Err(error) => Err(error),
                }
            })
        }));
        self.observed(given_up.await)?;
        self.left();
        Ok(())
    }

    /// Sets what the holder calls the token, at most 64 bytes. Stays in this wallet. Whether the holder will see all of it is
    /// for the program to ask ([`is_showable`](crate::is_showable)).
    ///
    /// # Errors
    /// [`WalletError::UnknownToken`], [`WalletError::Busy`], [`WalletError::Store`].
    pub async fn set_label(&self, label: &str) -> Result<(), WalletError> {
        self.describe(Box::new(|details| details.label = label.to_owned())).await
    }

    /// Changes what the wallet knows about the token.
    fn describe<'a>(&'a self, change: Box<dyn FnOnce(&mut Details) + Send + 'a>) -> Work<'a, ()> {
        work(async move {
            let changed = work(async {
                let mut held = Held::take(&self.inner, self.key).await?;
                let mut details = held.details().clone();
                change(&mut details);
                held.describe(details).await
            });
            limited(&Progress::default(), changed).await
        })
    }

    /// Removes the token from this wallet without telling the server, which goes on knowing the device.
    ///
    /// # Errors
    /// [`WalletError::UnknownToken`], [`WalletError::Busy`], [`WalletError::Store`].
    pub async fn forget(&self) -> Result<(), WalletError> {
        let removed = work(async { Held::take(&self.inner, self.key).await?.remove().await });
        limited(&Progress::default(), removed).await?;
        self.left();
        Ok(())
    }

    /// It is not in the wallet any more.
    fn left(&self) {
        self.inner.events.emit(self.key, EventKind::Unenrolled);
        self.inner.lives.tokens_changed();
    }

    /// Does something under the lease, for at most a minute.
    pub(crate) fn operate<'a, T: Send + 'a>(&'a self, what: Doing<'a, T>) -> Work<'a, T> {
        work(async move {
            let progress = Arc::new(Progress::begin(&self.inner.env));
            let operation = Operation::begin(&self.inner, self.key, Arc::clone(&progress));
            let done = work(async move { what(&mut operation.await?).await });
            limited(&progress, done).await
        })
    }

    /// Does what the holder asks, and tells listeners how the token stands, if `is_told`.
    pub(crate) fn perform<'a>(&'a self, intent: &'a Intent<'_>, is_told: bool) -> Work<'a, Reply> {
        work(async move {
            let reply = self.operate(Box::new(move |operation| {
                work(async move {
                    let reply = operation.perform(intent).await?.reply;
                    Ok(if is_told { operation.told(reply) } else { reply })
                })
            }));
            self.observed(reply.await)
        })
    }

    /// Sends a large request that a PIN signs.
    fn signed<'a>(&'a self, make: &'a MakeSigned<'a>) -> Work<'a, Status> {
        work(async move {
            let signed = self.operate(Box::new(move |operation| {
                work(async move {
                    let reply = operation.in_session().signed(make).await?;
                    Ok(operation.told(reply))
                })
            }));
            accepted(&self.observed(signed.await)?)
        })
    }

    /// Tells listeners why an operation got no answer.
    pub(crate) fn observed<T>(&self, result: Result<T, WalletError>) -> Result<T, WalletError> {
        match &result {
            Err(WalletError::NotConfirmed) => self.inner.events.emit(self.key, EventKind::NotConfirmed),
            Err(WalletError::Offline(_)) => self.inner.standings.unreached(self.key),
            _ => {}
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checked by the compiler: operations can run on any thread.
    #[test]
    fn operations_can_move_between_threads() {
        const fn is_send<F: Future + Send>(_: &F) {}
        use cardea_protocol::pin::Pin;
        let _ = |token: &Token, pin: Pin, new: crate::NewPins, again: Approval| {
            is_send(&token.open(pin, Window::Service));
            is_send(&token.status());
            is_send(&token.change_pin(again, new));
        };
    }

    #[test]
    fn a_window_travels_as_a_power_of_two_rounded_down() {
        let number = |seconds| Window::AtMost(Duration::from_secs(seconds)).number().ok();
        assert_eq!(Window::Service.number().ok(), Some(0));
        assert_eq!([number(0), number(1)], [None, None]);
        assert_eq!(number(u64::MAX), Some(31));
        assert_eq!([number(2), number(3), number(60), number(64)], [Some(1), Some(1), Some(5), Some(6)]);
    }
}
