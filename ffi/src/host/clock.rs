//! The host's clock, as the SDK takes it.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use cardea_sdk::SystemClock;
use tokio::time::Instant;

use super::foreign::Foreign;
use super::{Clock, LIMIT, ask};
use crate::error::Failure;

/// Asks the host's clock before an operation, and goes on from there with time that nobody can set.
pub(crate) struct HostClock {
    host: Foreign<dyn Clock>,
    /// What it showed last, and when that was.
    last: Mutex<Option<(u64, Instant)>>,
}

impl HostClock {
    pub(crate) fn new(host: Foreign<dyn Clock>) -> Self {
        Self { host, last: Mutex::new(None) }
    }

    /// Asks.
    #[expect(clippy::disallowed_methods, reason = "monotonic time between two readings of the host's clock")]
    pub(crate) async fn read(&self) -> Result<(), Failure> {
        let host = self.host.clone();
        let now = ask("clock", LIMIT, move || host.get().now()).await?;
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, Instant::now()));
        Ok(())
    }
}

impl cardea_sdk::Clock for HostClock {
    fn now(&self) -> u64 {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.map_or(0, |(shown, at)| shown.saturating_add(at.elapsed().as_secs()))
    }

    /// The host cannot be asked in the middle of something, and that no time passed while the machine slept is wrong.
    fn awake_or_not(&self) -> u64 {
        cardea_sdk::Clock::now(&SystemClock)
    }
}

impl fmt::Debug for HostClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostClock")
    }
}
