//! How long a connection may last: a set time, unless it carries a stream, which ends by itself or is cut off; and how
//! long it may be silent between its calls.
//!
//! One timer for each connection looks when time may be up. A timer for every call, as hyper has, costs as much as the
//! answer to a status.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// The life of one connection. Calls find it among the extensions of their requests.
#[derive(Debug, Clone)]
pub(in crate::http) struct Lifetime(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    connected: Instant,
    /// Nanoseconds between then and the last answer; [`ANSWERING`] while there is a call in hand.
    silent_since: AtomicU64,
    life: AtomicU8,
    cut: Notify,
}

const ANSWERING: u64 = u64::MAX;

const TIMED: u8 = 0;
const STREAMING: u8 = 1;
const CUT: u8 = 2;

/// A call in hand. When it is dropped, the connection waits for the next one.
#[derive(Debug)]
pub(in crate::http) struct InHand(Lifetime);

/// Why a connection has to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The peer does not read a stream.
    Cut,
    /// The peer has not asked for anything in time, or not to the end.
    Silent,
    /// The connection is old: a peer that never reads its answers would hold its place forever.
    Old,
}

impl Lifetime {
    /// A connection that waits for its first call.
    pub(super) fn new() -> Self {
        Self(Arc::new(Inner {
            connected: now(),
            silent_since: AtomicU64::new(0),
            life: AtomicU8::new(TIMED),
            cut: Notify::new(),
        }))
    }

    /// The connection carries a stream from now on, which may last.
    pub(in crate::http) fn stream(&self) {
        let _ = self.0.life.compare_exchange(TIMED, STREAMING, Ordering::SeqCst, Ordering::SeqCst);
    }

    /// The peer does not read: ends the connection without another byte.
    pub(in crate::http) fn cut(&self) {
        self.0.life.store(CUT, Ordering::SeqCst);
        self.0.cut.notify_waiters();
    }

    /// A call was heard, and was answered at `time`.
    pub(in crate::http) fn answered(&self, time: Instant) {
        let since = u64::try_from(time.duration_since(self.0.connected).as_nanos()).unwrap_or(ANSWERING - 1);
        self.0.silent_since.store(since, Ordering::Relaxed);
    }

    /// A call was heard.
    pub(in crate::http) fn call(&self) -> InHand {
        self.0.silent_since.store(ANSWERING, Ordering::Relaxed);
        InHand(self.clone())
    }

    /// Waits until the connection was cut.
    ///
    /// Cancel safe.
    pub(super) async fn is_cut(&self) {
        loop {
            // Before the look, so that no call is missed between the two.
            let cut = self.0.cut.notified();
            if self.0.life.load(Ordering::SeqCst) == CUT {
                return;
            }
            cut.await;
        }
    }

    /// Waits until the connection has to end: it was cut, or it carries no stream and has waited for a call for
    /// `patience` or has lasted for `time`.
    ///
    /// Cancel safe.
    pub(super) async fn ends(&self, patience: Duration, time: Duration) -> End {
        tokio::select! {
            () = self.is_cut() => End::Cut,
            end = self.is_over(patience, time) => end,
        }
    }

    async fn is_over(&self, patience: Duration, time: Duration) -> End {
        loop {
            let now = now();
            let silent_since = match self.0.silent_since.load(Ordering::Relaxed) {
                // Silence begins after this look at the earliest.
                ANSWERING => now,
                since => self.0.connected + Duration::from_nanos(since),
            };
            let silent = silent_since + patience;
            // After its stream a connection waits for calls as any other.
            let old = match self.0.life.load(Ordering::SeqCst) {
                TIMED => self.0.connected + time,
                _ => silent,
            };
            if silent <= now {
                return End::Silent;
            } else if old <= now {
                return End::Old;
            }
            tokio::time::sleep_until(silent.min(old)).await;
        }
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.0.answered(now());
    }
}

#[expect(clippy::disallowed_methods, reason = "how long it has taken, not what time it is")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);
    const TIME: Duration = Duration::from_secs(600);
    /// More than timers are late.
    const LATE: Duration = Duration::from_millis(5);

    async fn ends_within(life: &Lifetime, time: Duration) -> Option<End> {
        tokio::time::timeout(time, life.ends(PATIENCE, TIME)).await.ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_outlives_the_time_of_its_connection_and_can_be_cut_off() {
        let life = Lifetime::new();
        let _call = life.call();
        life.stream();
        assert_eq!(ends_within(&life, TIME * 10).await, None);
        life.cut();
        assert_eq!(ends_within(&life, TIME).await, Some(End::Cut));
        life.stream();
        life.is_cut().await;
    }

    #[tokio::test(start_paused = true)]
    async fn after_its_stream_a_connection_may_be_silent_for_as_long_as_any_other() {
        let life = Lifetime::new();
        let call = life.call();
        life.stream();
        assert_eq!(ends_within(&life, TIME * 10).await, None);
        drop(call);
        assert_eq!(ends_within(&life, PATIENCE - LATE).await, None);
        assert_eq!(ends_within(&life, LATE * 2).await, Some(End::Silent));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_learns_of_the_cut_at_once() {
        let life = Lifetime::new();
        life.stream();
        let waiting = tokio::spawn({
            let life = life.clone();
            async move { life.ends(PATIENCE, TIME).await }
        });
        tokio::task::yield_now().await;
        let before = now();
        life.cut();
        assert_eq!((waiting.await.ok(), before.elapsed()), (Some(End::Cut), Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_measured_from_the_last_answer_and_never_during_one() {
        let life = Lifetime::new();
        assert_eq!(ends_within(&life, PATIENCE - LATE).await, None);
        life.answered(now());
        assert_eq!(ends_within(&life, PATIENCE - LATE).await, None);
        let call = life.call();
        assert_eq!(ends_within(&life, PATIENCE * 3).await, None);
        drop(call);
        assert_eq!(ends_within(&life, PATIENCE - LATE).await, None);
        assert_eq!(ends_within(&life, LATE * 2).await, Some(End::Silent));
    }

    #[tokio::test(start_paused = true)]
    async fn an_old_connection_ends_however_busy_it_is() {
        let life = Lifetime::new();
        let _call = life.call();
        assert_eq!(ends_within(&life, TIME - LATE).await, None);
        assert_eq!(ends_within(&life, LATE * 2).await, Some(End::Old));
    }
}
