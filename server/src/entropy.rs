//! Where random bytes come from.

use std::fmt;
use std::sync::Mutex;

use sha2::{Digest, Sha256};

/// A source of cryptographically secure random bytes.
pub trait Entropy: fmt::Debug + Send + Sync + 'static {
    /// Fills `bytes`. A source that fails does not return.
    fn fill(&self, bytes: &mut [u8]);
}

/// `N` bytes from `entropy`.
#[must_use]
pub fn bytes<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes);
    bytes
}

/// The generator of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    /// # Panics
    /// The operating system has no random bytes to give. Nothing can safely go on then: the server's panic hook ends
    /// the process.
    fn fill(&self, bytes: &mut [u8]) {
        if let Err(error) = getrandom::fill(bytes) {
            panic!("the operating system gives no random bytes: {error}");
        }
    }
}

/// A reproducible stream: SHA-256 of seed and counter. For tests only; predictable by anyone who knows the seed.
#[derive(Debug)]
pub struct SeededEntropy {
    seed: u64,
    block: Mutex<u64>,
}

impl SeededEntropy {
    /// The stream of `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed, block: Mutex::new(0) }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        let mut block = self.block.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for chunk in bytes.chunks_mut(32) {
            let digest = Sha256::new()
                .chain_update(b"cardea seeded entropy")
                .chain_update(self.seed.to_be_bytes())
                .chain_update(block.to_be_bytes())
                .finalize();
            chunk.copy_from_slice(&digest[..chunk.len()]);
            *block += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seeds_give_equal_streams_that_never_repeat() {
        let (first, second) = (SeededEntropy::new(7), SeededEntropy::new(7));
        let (a, b): ([u8; 40], [u8; 40]) = (bytes(&first), bytes(&second));
        assert_eq!(a, b);
        assert_ne!(a, bytes::<40>(&first));
        assert_ne!(a, bytes::<40>(&SeededEntropy::new(8)));
    }

    #[test]
    fn the_operating_system_gives_different_bytes_each_time() {
        assert_ne!(bytes::<32>(&OsEntropy), bytes::<32>(&OsEntropy));
    }
}
