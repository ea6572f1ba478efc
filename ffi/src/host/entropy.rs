//! The host's source of randomness, as the SDK takes it.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use cardea_sdk::OsEntropy;
use zeroize::Zeroizing;

use super::foreign::Foreign;
use super::{Entropy, LIMIT, ask};
use crate::CardeaError;
use crate::error::Failure;

/// Bytes that are there when an operation begins; more than any operation needs.
const POOL: usize = 1024;

/// Asks the host for random bytes before an operation. Each of them is used once, on top of one of the operating system:
/// the sum is as random as the better of the two, also when the host's bytes have run out.
pub(crate) struct HostEntropy {
    host: Foreign<dyn Entropy>,
    pool: Mutex<Zeroizing<Vec<u8>>>,
}

impl HostEntropy {
    pub(crate) fn new(host: Foreign<dyn Entropy>) -> Self {
        // All the room that it ever needs, so that no copy stays behind when it grows.
        Self { host, pool: Mutex::new(Zeroizing::new(Vec::with_capacity(POOL))) }
    }

    /// Asks for what is missing.
    pub(crate) async fn fill_up(&self) -> Result<(), Failure> {
        let missing = POOL - self.pool.lock().unwrap_or_else(PoisonError::into_inner).len();
        if missing == 0 {
            return Ok(());
        }
        let (host, count) = (self.host.clone(), u32::try_from(missing).unwrap_or(u32::MAX));
        let asked = ask("source of randomness", LIMIT, move || host.get().bytes(count).map(Zeroizing::new));
        let bytes = asked.await?;
        if bytes.len() != missing {
            return Err(CardeaError::host(format!(
                "the host program's source of randomness gave {} bytes instead of {missing}",
                bytes.len()
            ))
            .into());
        }
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        // Another operation may have asked meanwhile.
        let room = POOL - pool.len();
        pool.extend_from_slice(&bytes[..room.min(missing)]);
        Ok(())
    }
}

impl cardea_sdk::Entropy for HostEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        OsEntropy.fill(bytes);
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        for byte in bytes {
            let Some(last) = pool.last_mut() else { break };
            *byte ^= std::mem::take(last);
            pool.pop();
        }
    }
}

impl fmt::Debug for HostEntropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostEntropy")
    }
}
