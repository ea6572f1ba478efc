//! How long a connection may last: a set time, unless it carries a stream, which ends by itself or is cut off.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

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
}
