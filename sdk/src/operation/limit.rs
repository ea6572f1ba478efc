//! The time limit of an operation, and what its end means.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use cardea_protocol::limits::GIVE_UP_SECONDS;

use super::Work;
use crate::error::WalletError;
use crate::transport::TransportError;

const LIMIT: Duration = Duration::from_secs(GIVE_UP_SECONDS as u64);

/// How far an operation got.
#[derive(Debug, Default)]
pub(crate) struct Progress(AtomicU8);

impl Progress {
    const LEASED: u8 = 1;
    const SENT: u8 = 2;

    pub(crate) fn leased(&self) {
        self.0.fetch_max(Self::LEASED, Ordering::Relaxed);
    }

    pub(crate) fn sent(&self) {
        self.0.fetch_max(Self::SENT, Ordering::Relaxed);
    }

    fn end(&self) -> WalletError {
        match self.0.load(Ordering::Relaxed) {
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
