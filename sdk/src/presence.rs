//! Asking the holder, at the moment when an answer is of use.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use cardea_protocol::token::Policy;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::approval::Approval;
use crate::error::WalletError;
use crate::store::TokenKey;

/// What is to be approved.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Purpose {
    /// The token is to be opened.
    Open,
    /// A text is to be approved. It is what is signed: show it as it is, all of it.
    Approve {
        /// The text.
        text: String,
    },
    /// The PINs are to be changed.
    ChangePins,
    /// The token is to be given up.
    Unenroll,
    /// Another device of the token is to be revoked.
    RevokeDevice,
}

/// What a [`Presence`] is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PresenceRequest {
    /// Names this question: no other one of this process has its number.
    pub number: u64,
    /// The token.
    pub token: TokenKey,
    /// What the holder knows it by: its label, or the name of its service, or the host of its server.
    pub service: String,
    /// What for.
    pub purpose: Purpose,
    /// Wrong PINs left before the token is blocked, as the server has just said.
    pub tries_left: Option<u8>,
    /// How long PINs are, and whether a biometric key may be used.
    pub policy: Policy,
}

/// Who asks the holder for a PIN, or the operating system for the biometric key.
///
/// Called on a thread of its own. It may take as long as a person needs, and may use the wallet meanwhile: nothing is
/// held or connected while it is being asked. If the operation is dropped, what it answers afterwards is dropped too.
pub trait Presence: fmt::Debug + Send + Sync + 'static {
    /// Asks. [`Approval::Ask`] is no answer.
    ///
    /// # Errors
    /// [`PresenceError`].
    fn approve(&self, request: &PresenceRequest) -> Result<Approval, PresenceError>;

    /// Nobody waits for the answer to the question of this number any more: its operation was given up. The call of
    /// [`approve`](Self::approve) goes on, and may end now; or it is only about to begin. Called wherever the operation was
    /// dropped, so it must not block.
    fn given_up(&self, number: u64) {
        let _ = number;
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PresenceError {
    /// The holder does not want to.
    #[error("cancelled")]
    Cancelled,
    /// It could not be asked, with a reason for a person.
    #[error("{0}")]
    Failed(String),
}

impl From<PresenceError> for WalletError {
    fn from(error: PresenceError) -> Self {
        match error {
            PresenceError::Cancelled => Self::Cancelled,
            PresenceError::Failed(reason) => Self::Presence(reason.into()),
        }
    }
}

/// How many questions were asked.
static ASKED: AtomicU64 = AtomicU64::new(0);

/// A number for a question.
pub(crate) fn number() -> u64 {
    ASKED.fetch_add(1, Ordering::Relaxed) + 1
}

/// A question, for as long as somebody waits for the answer.
struct Asking(Option<(Arc<dyn Presence>, u64)>);

impl Drop for Asking {
    fn drop(&mut self) {
        if let Some((presence, number)) = self.0.take() {
            // Whoever drops an operation is not to hear of it if the host panics.
            let _ = catch_unwind(AssertUnwindSafe(|| presence.given_up(number)));
        }
    }
}

/// Has `presence` asked. Neither a worker of the runtime nor its end waits for the holder.
pub(crate) async fn ask(presence: Arc<dyn Presence>, request: PresenceRequest) -> Result<Approval, WalletError> {
    let (answer, answered) = oneshot::channel();
    let runtime = Handle::current();
    let mut waiting = Asking(Some((Arc::clone(&presence), request.number)));
    let asking = move || {
        // So that it can use the wallet.
        let _runtime = runtime.enter();
        // Nobody may be waiting any more; the answer is wiped then.
        let _ = answer.send(catch_unwind(AssertUnwindSafe(|| presence.approve(&request))));
    };
    thread::Builder::new()
        .name("cardea-presence".to_owned())
        .spawn(asking)
        .map_err(|error| WalletError::Presence(format!("the holder cannot be asked: {error}").into()))?;
    let answered = answered.await;
    waiting.0 = None;
    match answered {
        Ok(Ok(Ok(Approval::Ask))) => Err(WalletError::Presence("it was asked back".into())),
        Ok(Ok(answer)) => Ok(answer?),
        // What the panic said was said to nobody: it may say anything.
        Ok(Err(_)) => Err(WalletError::Presence("asking the holder panicked".into())),
        Err(_) => Err(WalletError::ShuttingDown),
    }
}
