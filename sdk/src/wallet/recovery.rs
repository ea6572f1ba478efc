//! Looking after unanswered operations without waiting for the holder: the ratchet key that an unanswered operation
//! used lives until somebody asks what became of it.
//!
//! The task is there only while something is pending: an idle wallet has none.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::Inner;
use crate::error::WalletError;
use crate::log::Named;
use crate::task::{blocking, spawn};
use crate::token::Token;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Starts the task when there is something to look after, and ends it with the wallet.
#[derive(Debug)]
pub(crate) struct Recovery {
    state: Mutex<State>,
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
        inner.look_after();
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
        Self { state: Mutex::new(State::Off), runtime }
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
    /// Something may be pending. Can be called on any thread.
    pub(crate) fn look_after(self: &Arc<Self>) {
        let mut state = self.recovery.state();
        match &mut *state {
            State::Off => {}
            State::Running { task, again } if !task.is_finished() => *again = true,
            State::Idle | State::Running { .. } => {
                let task = spawn(&self.recovery.runtime, run(Arc::downgrade(self)));
                *state = State::Running { task, again: false };
            }
        }
    }
}

async fn run(inner: Weak<Inner>) {
    let mut pause = FIRST_PAUSE;
    while let Some(inner) = inner.upgrade() {
        inner.recovery.looks();
        if settle_all(&inner).await.unwrap_or(false) {
            inner.log.info(|| format!("recovery: something is left, looking again in {} s", pause.as_secs()));
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        } else if inner.recovery.may_end() {
            return;
        } else {
            pause = FIRST_PAUSE;
        }
    }
}

/// Settles what can be settled. Returns whether something is left.
async fn settle_all(inner: &Arc<Inner>) -> Result<bool, WalletError> {
    let store = Arc::clone(&inner.store);
    let mut left = false;
    for key in blocking(move || store.list()).await?? {
        let token = Token { inner: Arc::clone(inner), key };
        // A look without the lease is enough: who is in the middle of an operation settles it himself.
        let Ok(summary) = token.summary().await else { continue };
        if summary.pending || !summary.confirmed {
            match token.settle().await {
                Ok(_) => inner.log.info(|| format!("{}: found out what became of the last operation", Named(key))),
                Err(error) => {
                    inner.log.debug(|| format!("{}: not recovered yet: {error}", Named(key)));
                    left = true;
                }
            }
        }
    }
    Ok(left)
}
