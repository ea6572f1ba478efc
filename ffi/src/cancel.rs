//! Giving up, for languages that do not drop futures, and the task that every call runs as.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::{CardeaError, end, host};

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

/// A task that ends when this is dropped. Operations of the SDK may be dropped anywhere.
struct Task<T>(JoinHandle<T>);

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Runs one call. Must be polled in a runtime, which UniFFI sees to.
pub(crate) async fn run<T: Send + 'static>(
    cancel: Option<Arc<Cancel>>,
    call: impl Future<Output = Result<T, CardeaError>> + Send + 'static,
) -> Result<T, CardeaError> {
    host::outside()?;
    if cancel.as_ref().is_some_and(|cancel| cancel.is_cancelled()) {
        return Err(CardeaError::cancelled());
    }
    end::begun();
    // One type of task for all calls with such a result: each with its own would be a tenth of the library.
    let call: Pin<Box<dyn Future<Output = Result<T, CardeaError>> + Send>> = Box::pin(call);
    let mut task = Task(tokio::spawn(call));
    let cancelled = async {
        match &cancel {
            Some(cancel) => cancel.cancelled().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        () = cancelled => Err(CardeaError::cancelled()),
        // A task that panicked, or whose runtime ends, has no result of its own.
        done = &mut task.0 => done.unwrap_or_else(|_| Err(CardeaError::shutting_down())),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    /// Tells when it is dropped.
    struct Noted(Arc<AtomicBool>);

    impl Drop for Noted {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    fn endless(dropped: &Arc<AtomicBool>) -> impl Future<Output = Result<(), CardeaError>> + use<> {
        let noted = Noted(Arc::clone(dropped));
        async move {
            std::future::pending::<()>().await;
            drop(noted);
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_call_that_is_cancelled_ends_with_its_number_and_is_dropped() {
        let (cancel, dropped) = (Cancel::new(), Arc::default());
        let call = tokio::spawn(run(Some(Arc::clone(&cancel)), endless(&dropped)));
        tokio::task::yield_now().await;
        assert!(!call.is_finished());
        cancel.cancel();
        assert_eq!(call.await.unwrap().unwrap_err().number(), 106);
        while !dropped.load(Ordering::SeqCst) {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_used_cancel_lets_nothing_begin() {
        let cancel = Cancel::new();
        cancel.cancel();
        let begun = Arc::new(AtomicBool::new(false));
        let noted = Arc::clone(&begun);
        let call = async move {
            noted.store(true, Ordering::SeqCst);
            Ok(())
        };
        assert_eq!(run(Some(cancel), call).await.unwrap_err().number(), 106);
        assert!(!begun.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn a_dropped_call_drops_what_it_ran() {
        let dropped = Arc::default();
        let call = tokio::spawn(run(None, endless(&dropped)));
        tokio::task::yield_now().await;
        call.abort();
        while !dropped.load(Ordering::SeqCst) {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_call_that_panics_is_an_error() {
        let call: Result<(), CardeaError> = run(None, async { panic!("on purpose") }).await;
        assert_eq!(call.unwrap_err().number(), 150);
    }
}
