//! How many calls are under way.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use hyper::body::{Frame, SizeHint};
use tokio::sync::watch;

/// The calls that are under way, and how many there have been. Clones are one and the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Calls(watch::Sender<Counts>);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    begun: u64,
    under_way: u64,
}

/// A call that is under way.
#[derive(Debug)]
pub(super) struct UnderWay(Calls);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.0.send_modify(|counts| counts.under_way -= 1);
    }
}

impl Calls {
    /// A call begins.
    pub(super) fn begin(&self) -> UnderWay {
        self.0.send_modify(|counts| {
            counts.begun += 1;
            counts.under_way += 1;
        });
        UnderWay(self.clone())
    }

    /// Waits until there has been none for so long. Cancel safe.
    pub(super) async fn none_for(&self, time: Duration) {
        let mut counts = self.0.subscribe();
        loop {
            let quiet = counts.wait_for(|counts| counts.under_way == 0).await.map(|counts| *counts);
            // The sender lives as long as this does.
            let Ok(quiet) = quiet else { return };
            let disturbed = counts.wait_for(|counts| *counts != quiet);
            if tokio::time::timeout(time, disturbed).await.is_err() {
                return;
            }
        }
    }
}

/// A body, and what is held until its end.
#[derive(Debug)]
pub(super) struct Held<T> {
    body: Body,
    _held: T,
}

impl<T> Held<T> {
    pub(super) const fn new(body: Body, held: T) -> Self {
        Self { body, _held: held }
    }
}

impl<T: Unpin> hyper::body::Body for Held<T> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_quiet_time_begins_anew_with_each_call_and_not_before_its_end() {
        let calls = Calls::default();
        let quiet = tokio::spawn({
            let calls = calls.clone();
            async move { calls.none_for(Duration::from_secs(10)).await }
        });
        for _ in 0..3 {
            tokio::task::yield_now().await;
            advance(Duration::from_secs(9)).await;
            drop(calls.begin());
        }
        let long = calls.begin();
        tokio::task::yield_now().await;
        advance(Duration::from_secs(60)).await;
        assert!(!quiet.is_finished());
        drop(long);
        tokio::task::yield_now().await;
        advance(Duration::from_secs(9)).await;
        assert!(!quiet.is_finished());
        advance(Duration::from_secs(1)).await;
        quiet.await.unwrap();
    }
}
