//! A defect of the program stays with the device that it was found with.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::task::Poll;

use super::Device;
use crate::engine::EngineError;

/// What comes of it; nothing if it panics.
pub(super) async fn caught<T>(work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    // It is not polled again: what it had in hand is dropped, and what others see is behind locks that look after themselves.
    std::future::poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
        Ok(Poll::Ready(done)) => Poll::Ready(Some(done)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(_) => Poll::Ready(None),
    })
    .await
}

impl Device {
    /// Whether the program has panicked while this device did something: it does nothing more.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.0.is_broken.load(Ordering::Relaxed)
    }

    /// It does nothing more from now on.
    pub(super) fn breaks(&self) -> EngineError {
        self.0.is_broken.store(true, Ordering::Relaxed);
        self.broken()
    }

    pub(super) fn broken(&self) -> EngineError {
        EngineError::Broken(self.name().to_owned())
    }
}
