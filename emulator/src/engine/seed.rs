//! What the devices of a session leave to chance, from one number: keys, delays. Whoever knows the number knows the
//! keys. That is what it is for, and why such a device says to servers that it is emulated.

use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use cardea_sdk::Entropy;
use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng as _, SeedableRng as _};
use sha2::{Digest as _, Sha256};

/// Sets the hash apart from every other one.
const LABEL: &[u8] = b"cardea-emulator seed 1";

/// The same, for what goes on otherwise.
const STIRRED: &[u8] = b"cardea-emulator stir 1";

/// The number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed(u64);

impl Seed {
    /// The seed of this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Another one each time, of 53 bits: every language reads that exactly from JSON, and a seed that was told wrong would not
    /// give the same again.
    #[must_use]
    pub fn random(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; 8];
        entropy.fill(&mut bytes);
        Self(u64::from_be_bytes(bytes) >> 11)
    }

    /// What to give to [`Seed::new`] for the same again.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The random bytes of this name, from their beginning: the same for the same seed and name, and nothing like those of any
    /// other name.
    #[must_use]
    pub fn stream(self, name: &str) -> Stream {
        let hash = Sha256::new().chain_update(LABEL).chain_update(self.0.to_be_bytes()).chain_update(name);
        Stream(Mutex::new(ChaCha20Rng::from_seed(hash.finalize().into())))
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Seed {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// Random bytes that follow from a [`Seed`].
pub struct Stream(Mutex<ChaCha20Rng>);

impl Stream {
    /// Goes on as another one, which follows from this one and from `with`.
    pub(super) fn stir(&self, with: &[u8]) {
        let mut rng = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut drawn = [0; 32];
        rng.fill_bytes(&mut drawn);
        let hash = Sha256::new().chain_update(STIRRED).chain_update(drawn).chain_update(with);
        *rng = ChaCha20Rng::from_seed(hash.finalize().into());
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stream")
    }
}

impl Entropy for Stream {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(seed: u64, name: &str) -> [u8; 8] {
        let mut bytes = [0; 8];
        Seed::new(seed).stream(name).fill(&mut bytes);
        bytes
    }

    #[test]
    fn bytes_follow_from_seed_and_name_and_from_nothing_else() {
        assert_eq!(first(1, "alice"), first(1, "alice"));
        assert_ne!(first(1, "alice"), first(2, "alice"));
        assert_ne!(first(1, "alice"), first(1, "bob"));
        // A seed that is printed today gives the same keys with the next version: the beginning of ChaCha20's stream with
        // the hash as its key, as `openssl enc -chacha20` has it, too.
        assert_eq!(first(42, "alice"), [219, 147, 26, 167, 85, 76, 9, 26]);
    }

    #[test]
    fn one_stream_goes_on_and_never_repeats() {
        let stream = Seed::new(7).stream("alice");
        let (mut one, mut other) = ([0; 32], [0; 32]);
        stream.fill(&mut one);
        stream.fill(&mut other);
        assert_ne!(one, other);
    }

    #[test]
    fn what_is_stirred_in_makes_a_difference_and_leaves_nothing_to_chance() {
        let drawn = |with: &[&[u8]]| {
            let stream = Seed::new(7).stream("alice");
            with.iter().for_each(|it| stream.stir(it));
            let mut bytes = [0; 8];
            stream.fill(&mut bytes);
            bytes
        };
        assert_eq!(drawn(&[b"one"]), drawn(&[b"one"]));
        let all = [drawn(&[]), drawn(&[b"one"]), drawn(&[b"other"]), drawn(&[b"one", b"other"]), drawn(&[b""])];
        assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), all.len());
    }

    #[test]
    fn a_seed_that_is_drawn_is_a_number_that_every_reader_of_json_reads_as_it_is() {
        #[derive(Debug)]
        struct Ones;
        impl Entropy for Ones {
            fn fill(&self, bytes: &mut [u8]) {
                bytes.fill(0xff);
            }
        }
        assert_eq!(Seed::random(&Ones).number(), (1 << 53) - 1);
    }

    #[test]
    fn a_seed_is_written_as_its_number() {
        assert_eq!("42".parse(), Ok(Seed::new(42)));
        assert_eq!(Seed::new(42).to_string(), "42");
        assert!("forty".parse::<Seed>().is_err());
    }
}
