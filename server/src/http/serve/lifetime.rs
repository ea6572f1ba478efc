//! How long a connection may last: a set time, unless it carries a stream, which ends by itself or is cut off; and how
//! long it may be silent between its calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    Timed,
    Streaming,
    Cut,
}

/// The life of one connection. Calls find it among the extensions of their requests.
#[derive(Debug, Clone)]
pub(in crate::http) struct Lifetime(Arc<watch::Sender<Life>>);

impl Lifetime {
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Life::Timed)))
    }

    /// The connection carries a stream from now on, which may last.
    pub(in crate::http) fn stream(&self) {
        self.0.send_if_modified(|life| {
            let is_timed = *life == Life::Timed;
            if is_timed {
                *life = Life::Streaming;
            }
            is_timed
        });
    }

    /// The peer does not read: ends the connection without another byte.
    pub(in crate::http) fn cut(&self) {
        self.0.send_replace(Life::Cut);
    }

    /// Waits until the connection has lasted for `time` and carries no stream.
    ///
    /// Cancel safe.
    pub(super) async fn is_over(&self, time: Duration) {
        tokio::time::sleep(time).await;
        // The sender lives in `self`, so the channel cannot close while we wait.
        let _ = self.0.subscribe().wait_for(|life| *life == Life::Timed).await;
    }

    /// Waits until the connection was cut.
    ///
    /// Cancel safe.
    pub(super) async fn is_cut(&self) {
        let _ = self.0.subscribe().wait_for(|life| *life == Life::Cut).await;
    }
}

/// Since when a connection waits for the head of a call.
///
/// One timer for each connection looks at it when time may be up. A timer for every call, as hyper has, costs as much as
/// the answer to a status.
#[derive(Debug, Clone)]
pub(in crate::http) struct Silence(Arc<Waiting>);

#[derive(Debug)]
struct Waiting {
    connected: Instant,
    /// Nanoseconds between then and the last answer; [`ANSWERING`] while there is a call in hand.
    since: AtomicU64,
}

const ANSWERING: u64 = u64::MAX;

/// A call in hand. When it is dropped, the connection waits for the next one.
#[derive(Debug)]
pub(in crate::http) struct InHand(Silence);

impl Silence {
    /// A connection that waits for its first call.
    pub(super) fn new() -> Self {
        Self(Arc::new(Waiting { connected: Instant::now(), since: AtomicU64::new(0) }))
    }

    /// A call was heard, and was answered at `time`.
    pub(in crate::http) fn broken(&self, time: Instant) {
        let since = u64::try_from(time.duration_since(self.0.connected).as_nanos()).unwrap_or(ANSWERING - 1);
        self.0.since.store(since, Ordering::Relaxed);
    }

    /// A call was heard.
    pub(in crate::http) fn call(&self) -> InHand {
        self.0.since.store(ANSWERING, Ordering::Relaxed);
        InHand(self.clone())
    }

    /// Waits until the connection has waited for a call for `time`.
    ///
    /// Cancel safe.
    pub(super) async fn is_too_long(&self, time: Duration) {
        loop {
            let since = match self.0.since.load(Ordering::Relaxed) {
                // Silence begins after this look at the earliest.
                ANSWERING => Instant::now(),
                since => self.0.connected + Duration::from_nanos(since),
            };
            if since.elapsed() >= time {
                return;
            }
            tokio::time::sleep_until(since + time).await;
        }
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.0.broken(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Duration = Duration::from_secs(600);

    #[tokio::test(start_paused = true)]
    async fn a_stream_outlives_the_time_of_its_connection_and_can_be_cut_off() {
        let life = Lifetime::new();
        life.is_over(TIME).await;
        life.stream();
        assert!(tokio::time::timeout(TIME * 10, life.is_over(TIME)).await.is_err());
        assert!(tokio::time::timeout(TIME, life.is_cut()).await.is_err());
        life.cut();
        life.is_cut().await;
        life.stream();
        life.is_cut().await;
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_measured_from_the_last_answer_and_never_during_one() {
        let silence = Silence::new();
        let too_long = || tokio::time::timeout(TIME / 2, silence.is_too_long(TIME));
        assert!(too_long().await.is_err());
        silence.broken(Instant::now());
        assert!(too_long().await.is_err());
        let call = silence.call();
        for _ in 0..9 {
            assert!(too_long().await.is_err());
        }
        drop(call);
        assert!(too_long().await.is_err());
        tokio::time::timeout(TIME / 2 + Duration::from_millis(2), silence.is_too_long(TIME)).await.expect("it is");
        silence.is_too_long(TIME).await;
    }
}
