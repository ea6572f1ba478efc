//! Giving up, for languages that do not drop futures.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Ends the calls that it was given to.
///
/// They fail with code 106. What they had sent by then is found out by the next operation. One `Cancel` may be given to
/// several calls; a call that is given one that was used already does nothing at all. Kotlin and Python need it only to
/// end a call from elsewhere: there, cancelling the coroutine does the same.
#[derive(Debug, Default, uniffi::Object)]
pub struct Cancel {
    used: AtomicBool,
    told: Notify,
}

#[uniffi::export]
impl Cancel {
    /// One that was not used yet.
    #[uniffi::constructor]
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Ends the calls, now and later.
    pub fn cancel(&self) {
        self.used.store(true, Ordering::SeqCst);
        self.told.notify_waiters();
    }

    /// Whether it was used.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.used.load(Ordering::SeqCst)
    }
}

impl Cancel {
    pub(crate) async fn cancelled(&self) {
        // From when this is made it hears of every use, also of one between the question and the waiting.
        let told = self.told.notified();
        if !self.is_cancelled() {
            told.await;
        }
    }
}
