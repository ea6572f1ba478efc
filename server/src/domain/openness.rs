//! What the status of a token depends on: its two worlds, duress and blocks.

use super::rules::ServiceRules;
use super::status::TokenStatus;
use super::world::{ClockReading, World};
use crate::clock::UnixSeconds;

/// Why an administrator's call answers 4 whatever the devices say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Blocks {
    /// By an administrator.
    pub administrator: bool,
    /// Because two holders of one device's state were proved; only another enrollment lifts it.
    pub clone: bool,
}

/// What one device of the token is, seen from the relying parties' side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Enrolled and usable.
    Usable,
    /// Out of tries, or suspended after a failed resync.
    Blocked,
}

/// What the status of a token depends on, apart from its devices, its service and the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Openness {
    /// What holds.
    pub(crate) real: World,
    /// What the devices see.
    pub(crate) shadow: World,
    /// Since when the token is under duress.
    pub(crate) duress: Option<UnixSeconds>,
    /// Blocks of the whole token.
    pub(crate) blocks: Blocks,
}

impl Openness {
    /// Whether duress is on.
    #[must_use]
    pub const fn is_under_duress(&self) -> bool {
        self.duress.is_some()
    }

    /// Whether an administrator or a proved clone has blocked the token.
    #[must_use]
    pub const fn is_blocked(&self) -> bool {
        self.blocks.administrator || self.blocks.clone
    }

    /// The world that devices act in and are answered from.
    #[must_use]
    pub const fn facing(&self) -> &World {
        if self.is_under_duress() { &self.shadow } else { &self.real }
    }

    /// What a relying party is told: 4 before 3 before 1 before 2 before 0.
    #[must_use]
    pub fn status(&self, devices: &[Standing], rules: &ServiceRules, clock: ClockReading) -> TokenStatus {
        if self.is_blocked() {
            return TokenStatus::Blocked;
        }
        if devices.is_empty() {
            return TokenStatus::NotEnrolled;
        }
        if devices.iter().all(|standing| *standing == Standing::Blocked) {
            return TokenStatus::Blocked;
        }
        let world = match (self.is_under_duress(), rules.silent_alarm) {
            (false, _) => &self.real,
            (true, true) => &self.shadow,
            (true, false) => return TokenStatus::Duress,
        };
        world.opening(rules.window, clock).map_or(TokenStatus::Closed, TokenStatus::Open)
    }

    /// Whether a device of the token would call it closed, so that a check now is one of a closed token. The same whether
    /// or not it is under duress, whatever the check is answered.
    #[must_use]
    pub fn is_shown_closed(&self, rules: &ServiceRules, clock: ClockReading) -> bool {
        !self.is_blocked() && self.facing().opening(rules.window, clock).is_none()
    }

    /// Whether a check that is answered 1 or 3 ends an opening. Under duress the shadow's ends too, although the check
    /// is not answered 1: the device must look as it would otherwise.
    #[must_use]
    pub fn is_consumed_by_check(&self, rules: &ServiceRules, clock: ClockReading) -> bool {
        self.facing().opening(rules.window, clock).is_some_and(|opening| opening.is_single_use())
    }
}
