//! Giving up, for languages that do not drop futures.

use std::sync::Arc;

use tokio::sync::watch;

/// Ends the calls that it was given to.
///
/// They fail with code 106. What they had sent by then is found out by the next operation. One `Cancel` may be given to
/// several calls; a call that is given one that was used already does nothing at all. Kotlin and Python need it only to
/// end a call from elsewhere: there, cancelling the coroutine does the same.
#[derive(Debug, uniffi::Object)]
pub struct Cancel(watch::Sender<bool>);

#[uniffi::export]
impl Cancel {
    /// One that was not used yet.
    #[uniffi::constructor]
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self(watch::Sender::new(false)))
    }

    /// Ends the calls, now and later.
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }

    /// Whether it was used.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }
}

impl Cancel {
    pub(crate) async fn cancelled(&self) {
        // The sender is here, so waiting ends only with what is waited for.
        let _ = self.0.subscribe().wait_for(|cancelled| *cancelled).await;
    }
}
