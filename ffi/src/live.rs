//! While the holder looks: what other devices and the server do, as it happens.

use std::sync::{Arc, Mutex, PoisonError};

use crate::call::run;
use crate::{Cancel, CardeaError};

/// Keeps a live session for every token of a wallet, until it is stopped or gone. What happens comes as events.
#[derive(Debug, uniffi::Object)]
pub struct Live(Mutex<Option<cardea_sdk::Live>>);

impl Live {
    pub(crate) fn new(live: cardea_sdk::Live) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Some(live))))
    }
}

#[uniffi::export]
impl Live {
    /// Looks again at once: after sleep, after a change of network, or when the platform's push service said that
    /// something happened. Of many calls in a row the first three are done at once, and the rest together, ten seconds
    /// after the one before.
    pub fn wake(&self) {
        if let Some(live) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            live.wake();
        }
    }

    /// Ends the sessions and waits until no connection is left, unless another `Live` of the wallet keeps them. The
    /// sessions end also when the waiting is cancelled.
    ///
    /// # Errors
    /// [`CardeaError::Cancelled`].
    #[uniffi::method(default(cancel = None))]
    pub async fn stop(&self, cancel: Option<Arc<Cancel>>) -> Result<(), CardeaError> {
        let live = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(live) = live else { return Ok(()) };
        run(cancel, async move {
            live.stop().await;
            Ok(())
        })
        .await
    }
}
