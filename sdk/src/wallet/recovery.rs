//! Looking after unanswered operations without waiting for the holder: the ratchet key that an unanswered operation
//! used lives until somebody asks what became of it.
//!
//! The task is there only while something is pending: an idle wallet has none.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use cardea_protocol::Code;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::Inner;
use crate::env::Stopwatch;
use crate::error::WalletError;
use crate::log::Named;
use crate::operation::recover;
use crate::store::TokenKey;
use crate::task::{blocking, spawn};
use crate::token::Token;

/// Pauses double: whoever was cut off hears soon, and a server that is gone for good costs nothing worth mentioning.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(4 * 3600);
/// How long a server has to say that it does not know an enrollment until that is believed: keys that are still on their
/// way have come by then, and whoever forges it all the time gains nothing by it.
const STRANGER: Duration = Duration::from_secs(300);

/// Enrollments that their server did not know, and since when; none: they are not asked about any more.
type Strangers = Vec<(TokenKey, Option<Stopwatch>)>;

/// Starts the task when there is something to look after, and ends it with the wallet.
#[derive(Debug)]
pub(crate) struct Recovery {
    state: Mutex<State>,
    /// The holder has used the wallet: pauses begin anew.
    asked: Notify,
    runtime: Handle,
}

#[derive(Debug)]
enum State {
    /// There is no task, and there will be none.
    Off,
    /// There is no task.
    Idle,
    /// There is one. It looks once more before it ends if something was left since it looked.
    Running { task: JoinHandle<()>, again: bool },
}

/// The right of a wallet to have a task. What the task was doing when this is dropped is as safe as any operation that
/// is dropped.
#[derive(Debug)]
pub(super) struct Right(Arc<Inner>);

impl Right {
    /// Switches it on, and looks at what is pending since the last time that the program ran.
    pub(super) fn new(inner: &Arc<Inner>) -> Self {
        *inner.recovery.state() = State::Idle;
        inner.look_after(false);
        Self(Arc::clone(inner))
    }
}

impl Drop for Right {
    fn drop(&mut self) {
        let last = std::mem::replace(&mut *self.0.recovery.state(), State::Off);
        if let State::Running { task, .. } = last {
            task.abort();
        }
    }
}

impl Recovery {
    pub(super) const fn off(runtime: Handle) -> Self {
        Self { state: Mutex::new(State::Off), asked: Notify::const_new(), runtime }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the task may end: nothing was left since it looked.
    fn may_end(&self) -> bool {
        let mut state = self.state();
        match &mut *state {
            State::Running { again, .. } if *again => {
                *again = false;
                false
            }
            State::Running { .. } => {
                *state = State::Idle;
                true
            }
            State::Off | State::Idle => true,
        }
    }

    /// What is left from now on is looked at again.
    fn looks(&self) {
        if let State::Running { again, .. } = &mut *self.state() {
            *again = false;
        }
    }
}

impl Inner {
    /// Something may be pending; whether what the holder asked for has left it. Can be called on any thread.
    pub(crate) fn look_after(self: &Arc<Self>, by_holder: bool) {
        let mut state = self.recovery.state();
        match &mut *state {
            State::Off => {}
            State::Running { task, again } if !task.is_finished() => {
                *again = true;
                if by_holder {
                    self.recovery.asked.notify_one();
                }
            }
            State::Idle | State::Running { .. } => {
                let task = spawn(&self.recovery.runtime, run(Arc::downgrade(self)));
                *state = State::Running { task, again: false };
            }
        }
    }

    /// Pauses between two looks at what is pending begin anew: the holder is there, or the network is.
    pub(crate) fn look_sooner(&self) {
        if let State::Running { .. } = *self.recovery.state() {
            self.recovery.asked.notify_one();
        }
    }
}

async fn run(inner: Weak<Inner>) {
    let (mut pause, mut strangers) = (FIRST_PAUSE, Strangers::new());
    while let Some(inner) = inner.upgrade() {
        inner.recovery.looks();
        // A store that fails tells nothing about what is left.
        if settle_all(&inner, &mut strangers).await.unwrap_or(true) {
            inner.log.info(|| format!("recovery: something is left, looking again in {} s", pause.as_secs()));
            if timeout(pause, inner.recovery.asked.notified()).await.is_ok() {
                strangers.clear();
                pause = FIRST_PAUSE;
                sleep(pause).await;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        } else if inner.recovery.may_end() {
            return;
        } else {
            pause = FIRST_PAUSE;
        }
    }
}

/// Settles what can be settled. Returns whether something is left.
async fn settle_all(inner: &Arc<Inner>, strangers: &mut Strangers) -> Result<bool, WalletError> {
    let store = Arc::clone(&inner.store);
    let mut left = false;
    for key in blocking(move || store.list()).await?? {
        if strangers.iter().any(|(other, since)| *other == key && since.is_none()) {
            continue;
        }
        let token = Token { inner: Arc::clone(inner), key };
        // A look without the lease is enough: who is in the middle of an operation settles it himself.
        let error = match token.summary().await {
            Ok(summary) if !summary.pending && summary.confirmed => continue,
            Ok(summary) => match recover(inner, key).await {
                Ok(()) => {
                    inner.log.info(|| format!("{}: found out what became of the last operation", Named(key)));
                    continue;
                }
                Err(WalletError::Refused(Code::UnknownHint)) if !summary.confirmed && is_over(strangers, key) => {
                    inner.log.info(|| format!("{}: its server does not know it; not asking any more", Named(key)));
                    continue;
                }
                Err(error) => error,
            },
            Err(error) => error,
        };
        // Whoever removed it has settled it.
        if !matches!(error, WalletError::UnknownToken) {
            inner.log.debug(|| format!("{}: not recovered yet: {error}", Named(key)));
            left = true;
        }
    }
    Ok(left)
}

/// Notes that a server does not know an enrollment. Returns whether that has been so for long enough.
fn is_over(strangers: &mut Strangers, key: TokenKey) -> bool {
    let Some((_, since)) = strangers.iter_mut().find(|(other, _)| *other == key) else {
        strangers.push((key, Some(Stopwatch::start())));
        return false;
    };
    if since.is_some_and(|since| since.elapsed() >= STRANGER) {
        *since = None;
    }
    since.is_none()
}
