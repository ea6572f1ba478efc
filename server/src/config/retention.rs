//! The sections about the audit log and about how long things are kept.

use serde::Deserialize;

use super::Problem;
use crate::admin::Retention;

/// A hundred years, which is longer than any law asks for.
const DAYS_MAX: u32 = 36_500;

/// Section `audit`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditConfig {
    /// Minutes between two signed checkpoints.
    pub checkpoint_minutes: u32,
}

/// Section `retention`. Zero keeps for ever.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionConfig {
    /// Days until the content of an event is erased.
    pub event_days: u32,
    /// Days until a deleted token's devices are forgotten.
    pub tombstone_days: u32,
    /// Days until a revoked or expired authkey is forgotten.
    pub authkey_days: u32,
    /// Days until a confirmation whose time is over is forgotten.
    pub confirmation_days: u32,
}

impl AuditConfig {
    pub(super) fn check(&self) -> Result<(), Problem> {
        let fits = (1..=1_440).contains(&self.checkpoint_minutes);
        if fits { Ok(()) } else { Err(("audit.checkpoint_minutes", "must be between 1 and 1440")) }
    }
}

impl RetentionConfig {
    pub(super) fn check(&self) -> Result<(), Problem> {
        for (key, days) in [
            ("retention.event_days", self.event_days),
            ("retention.tombstone_days", self.tombstone_days),
            ("retention.authkey_days", self.authkey_days),
            ("retention.confirmation_days", self.confirmation_days),
        ] {
            if days > DAYS_MAX {
                return Err((key, "must be at most 36500 days; 0 keeps for ever"));
            }
        }
        Ok(())
    }

    /// What the house is kept by.
    #[must_use]
    pub fn rules(&self, audit: &AuditConfig) -> Retention {
        let days = |days: u32| (days > 0).then_some(days);
        Retention {
            event_days: days(self.event_days),
            tombstone_days: days(self.tombstone_days),
            authkey_days: days(self.authkey_days),
            confirmation_days: days(self.confirmation_days),
            checkpoint_seconds: u64::from(audit.checkpoint_minutes) * 60,
        }
    }
}
