//! The time limit of an operation, and what its end means.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use cardea_protocol::limits::GIVE_UP_SECONDS;

use super::Work;
use crate::env::{Age, Env};
use crate::error::WalletError;
use crate::transport::TransportError;

const LIMIT: Duration = Duration::from_secs(GIVE_UP_SECONDS as u64);

/// How far an operation got, and since when it is wanted.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    far: AtomicU8,
    age: Option<Age>,
}

impl Progress {
    const LEASED: u8 = 1;
    const SENT: u8 = 2;

    /// Of what is wanted now, and not any more when the machine wakes up in the morning.
    pub(crate) fn begin(env: &Env) -> Self {
        Self { far: AtomicU8::new(0), age: Some(Age::start(env)) }
    }

    /// The same, for what is done before the token is taken: nothing is sent meanwhile.
    pub(crate) fn prepare(env: &Env) -> Self {
        Self { far: AtomicU8::new(Self::LEASED), age: Some(Age::start(env)) }
    }

    pub(crate) fn leased(&self) {
        self.far.fetch_max(Self::LEASED, Ordering::Relaxed);
    }

    pub(crate) fn sent(&self) {
        self.far.fetch_max(Self::SENT, Ordering::Relaxed);
    }

    /// Looked at before anything is signed or sent, and before an answer is believed: timers stand still while the
    /// machine sleeps.
    ///
    /// # Errors
    /// The end, if it should have come.
    pub(crate) fn in_time(&self) -> Result<(), WalletError> {
        match &self.age {
            // Clocks show whole seconds: that many may be one less.
            Some(age) if age.seconds() > GIVE_UP_SECONDS.into() => Err(self.end()),
            _ => Ok(()),
        }
    }

    fn end(&self) -> WalletError {
        match self.far.load(Ordering::Relaxed) {
            Self::SENT => WalletError::NotConfirmed,
            Self::LEASED => TransportError::TimedOut.into(),
            _ => WalletError::Busy,
        }
    }
}

/// Runs `operation` for at most a minute. Dropping it in the middle is safe, as dropping it from outside is.
pub(crate) async fn limited<T>(progress: &Progress, operation: Work<'_, T>) -> Result<T, WalletError> {
    tokio::time::timeout(LIMIT, operation).await.unwrap_or_else(|_| Err(progress.end()))
}
