//! For tests in Rust: emulated devices in the process of the test, without a program beside it.
//!
//! ```no_run
//! use cardea_emulator::engine::Outcome;
//! use cardea_emulator::testing::Emulator;
//!
//! # async fn test(link: &str) -> Result<(), Box<dyn std::error::Error>> {
//! let emulator = Emulator::start()?;
//! let phone = emulator.add("phone").await?;
//! phone.enroll(&phone.invitation(link, None).await?).await?;
//!
//! phone.open(None, None).await?; // with the PIN of the device's holder
//! phone.human().next(Outcome::Cancel); // who says no next time
//! assert!(phone.open(None, None).await.is_err());
//! # Ok(())
//! # }
//! ```
//!
//! What devices draw at random follows from a seed: their keys, and how long their holders take. It is printed at the end, with what
//! happened last, which `cargo test` shows of tests that fail; `CARDEA_SEED` in the environment gives the next run the same.

use std::env;
use std::ops::Deref;

use cardea_sdk::Env;

use crate::engine::{EngineError, Options, Seed, Session, Settings};

/// The variable with the seed.
const SEED: &str = "CARDEA_SEED";
/// How many entries of the journal are printed when a test fails.
const LAST: u64 = 30;

/// A session for one test, which ends with it. Services may hash PINs as cheaply as tests do.
#[derive(Debug)]
pub struct Emulator(Session);

impl Emulator {
    /// A session with the seed of `CARDEA_SEED`, or another one each time.
    ///
    /// # Errors
    /// [`EngineError::Seed`]: what is in `CARDEA_SEED` is no seed.
    pub fn start() -> Result<Self, EngineError> {
        Self::with(Settings::default())
    }

    /// A session of this seed, whatever the environment says.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn seeded(seed: u64) -> Result<Self, EngineError> {
        Self::with(Settings { seed: Some(Seed::new(seed)), ..Settings::default() })
    }

    /// A session of these settings; without a seed among them, with that of `CARDEA_SEED` or another one each time.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn with(mut settings: Settings) -> Result<Self, EngineError> {
        if settings.seed.is_none() {
            settings.seed = from_environment(env::var(SEED).ok())?;
        }
        let options = Options { allow_test_argon2: true, ..settings.options };
        Ok(Self(Session::in_memory(Settings { options, ..settings }, &Env::os())?))
    }

    /// What to print for who wonders why a test has failed.
    fn report(&self) -> String {
        let mut text = String::new();
        if let Some(seed) = self.seed() {
            text += &format!("the emulator's seed was {seed}: {SEED}={seed} runs the same again\n");
        }
        let journal = self.journal();
        for entry in journal.since(journal.newest().saturating_sub(LAST)).entries {
            text += &format!("  {} {} {:?}\n", entry.number, entry.device, entry.kind);
        }
        text
    }
}

impl Deref for Emulator {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.0
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // A test that fails with an error does not panic.
        eprint!("{}", self.report());
        self.end();
    }
}

fn from_environment(text: Option<String>) -> Result<Option<Seed>, EngineError> {
    text.map(|text| text.parse().map_err(|_| EngineError::Seed(text))).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_has_a_seed_or_none_or_nonsense() {
        assert_eq!(from_environment(None).unwrap(), None);
        assert_eq!(from_environment(Some("42".into())).unwrap(), Some(Seed::new(42)));
        let error = from_environment(Some("forty".into())).unwrap_err();
        assert!(error.to_string().starts_with("\"forty\" is no seed"), "{error}");
    }

    #[tokio::test]
    async fn what_a_failed_test_prints_is_enough_to_run_it_again() {
        let emulator = Emulator::seeded(42).unwrap();
        let phone = emulator.add("phone").await.unwrap();
        assert!(phone.open(None, None).await.is_err());
        let report = emulator.report();
        assert!(report.starts_with("the emulator's seed was 42: CARDEA_SEED=42 runs the same again\n"), "{report}");
        assert!(report.contains("1 phone Made\n"), "{report}");
        assert!(report.contains("this device has no token: enroll one first"), "{report}");
    }

    #[tokio::test]
    async fn nothing_is_left_of_a_session_that_has_ended() {
        let emulator = Emulator::start().unwrap();
        let phone = emulator.add("phone").await.unwrap();
        drop(emulator);
        assert!(matches!(phone.status(None).await, Err(EngineError::Removed(_))));
    }
}
