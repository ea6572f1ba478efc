//! The section about passwords.

use serde::Deserialize;

use super::Problem;
use crate::password::Cost;

/// Section `password`: what Argon2id costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordConfig {
    /// Memory for one password, in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

impl PasswordConfig {
    pub(super) fn check(&self) -> Result<(), Problem> {
        if Cost::new(Cost::STANDARD.memory, self.passes).is_none() {
            return Err(("password.passes", "must be from 1 to 64"));
        }
        if Cost::new(self.memory_kib, self.passes).is_none() {
            return Err(("password.memory_kib", "must be from 8 to 1048576 KiB"));
        }
        Ok(())
    }

    /// What a new hash costs.
    #[must_use]
    pub fn cost(&self) -> Cost {
        Cost::new(self.memory_kib, self.passes).unwrap_or(Cost::STANDARD)
    }
}
