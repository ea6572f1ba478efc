//! Looking after unanswered operations without waiting for the holder: the ratchet key that an unanswered operation
//! used lives until somebody asks what became of it.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::Inner;
use crate::error::WalletError;
use crate::pins::blocking;
use crate::token::Token;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The task. It ends when this is dropped; what it was doing is as safe as any operation that is dropped.
#[derive(Debug)]
pub(crate) struct Task(JoinHandle<()>);

impl Task {
    pub(super) fn start(inner: &Arc<Inner>) -> Self {
        Self(tokio::spawn(run(Arc::downgrade(inner))))
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn run(inner: Weak<Inner>) {
    let mut pause = FIRST_PAUSE;
    while let Some(inner) = inner.upgrade() {
        if settle_all(&inner).await.unwrap_or(false) {
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        } else {
            pause = FIRST_PAUSE;
            inner.wake.notified().await;
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
            left |= token.settle().await.is_err();
        }
    }
    Ok(left)
}
