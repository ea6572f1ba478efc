//! How the tokens of a device stand, as far as their servers have said: what a face shows without asking anybody.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cardea_sdk::store::TokenKey;
use cardea_sdk::{DeviceStatus, EventKind, Status};

/// How a token stands, as far as its server has said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// What the server said last; `None` if it has said nothing yet.
    pub said: Option<Said>,
    /// Whether the server was reached when it was last tried; `None` if it was not tried yet.
    pub is_online: Option<bool>,
}

/// What a server said of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    /// The state.
    pub state: DeviceStatus,
    /// When that ends by itself, in Unix seconds of the session, if it does and the server has told when.
    pub ends: Option<u64>,
    /// Wrong PINs left before the token is blocked, if the server has told.
    pub tries_left: Option<u8>,
    /// How many texts wait to be approved or denied.
    pub confirmations: u8,
    /// When it was said, in Unix seconds of the session.
    pub at: u64,
}

impl Said {
    /// What a server has answered at `now`, in Unix seconds of the session.
    pub(super) fn of(status: &Status, now: u64) -> Self {
        Self {
            state: status.state,
            ends: status.remaining.map(|left| now.saturating_add(left.as_secs())),
            tries_left: Some(status.tries_left),
            confirmations: status.confirmations,
            at: now,
        }
    }
}

impl Standing {
    /// The state at `now`, in Unix seconds of the session: what ends by itself has ended. An opening is closed then; of a
    /// block the server alone knows what follows, and nothing is said.
    #[must_use]
    pub fn state(&self, now: u64) -> Option<DeviceStatus> {
        let said = self.said?;
        match said.state {
            DeviceStatus::Open if said.ends.is_some_and(|ends| ends <= now) => Some(DeviceStatus::Closed),
            DeviceStatus::Blocked if said.ends.is_some_and(|ends| ends <= now) => None,
            state => Some(state),
        }
    }

    /// Seconds until it ends by itself, if that is known and to come.
    #[must_use]
    pub fn remaining(&self, now: u64) -> Option<u64> {
        self.said?.ends?.checked_sub(now).filter(|left| *left > 0)
    }
}

/// The standings of the tokens of one device, which has few. Clones are one and the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Standings(Arc<Mutex<Vec<(TokenKey, Standing)>>>);

impl Standings {
    /// Of one token; the default if nothing is known.
    pub(super) fn of(&self, token: TokenKey) -> Standing {
        self.table().iter().find(|(key, _)| *key == token).map(|(_, standing)| *standing).unwrap_or_default()
    }

    /// The server has answered an operation.
    pub(super) fn answered(&self, token: TokenKey, said: Said) {
        *entry(&mut self.table(), token) = Standing { said: Some(said), is_online: Some(true) };
    }

    /// The server has refused a PIN, and has said how many more it may refuse.
    pub(super) fn refused(&self, token: TokenKey, tries_left: u8, now: u64) {
        if let Some(said) = &mut entry(&mut self.table(), token).said {
            (said.tries_left, said.at) = (Some(tries_left), now);
        }
    }

    /// The server has said how many texts wait.
    pub(super) fn waits(&self, token: TokenKey, confirmations: usize) {
        if let Some(said) = &mut entry(&mut self.table(), token).said {
            said.confirmations = u8::try_from(confirmations).unwrap_or(u8::MAX);
        }
    }

    /// Something has happened to a token.
    pub(super) fn happened(&self, token: TokenKey, event: &EventKind, now: u64) {
        let mut table = self.table();
        let standing = entry(&mut table, token);
        let mut is_now = |state: DeviceStatus| {
            // Told again: what is known of its end may be older than this.
            let kept = standing.said.filter(|said| said.state == state);
            // An opening that ends by itself does so on the device: its server has said nothing new.
            let has_run_out = |said: &Said| {
                (said.state, state) == (DeviceStatus::Open, DeviceStatus::Closed)
                    && said.ends.is_some_and(|ends| ends <= now)
            };
            let said_at = standing.said.filter(has_run_out).map_or(now, |said| said.at);
            standing.said = Some(Said {
                state,
                ends: kept.and_then(|said| said.ends),
                tries_left: standing.said.and_then(|said| said.tries_left),
                confirmations: standing.said.map_or(0, |said| said.confirmations),
                at: said_at,
            });
        };
        let texts = |standing: &mut Standing, change: fn(u8) -> u8| {
            if let Some(said) = &mut standing.said {
                said.confirmations = change(said.confirmations);
            }
        };
        match event {
            EventKind::Opened => is_now(DeviceStatus::Open),
            EventKind::Closed => is_now(DeviceStatus::Closed),
            EventKind::Enrolled => {
                is_now(DeviceStatus::Closed);
                // It has just answered.
                standing.is_online = Some(true);
            }
            EventKind::Blocked => is_now(DeviceStatus::Blocked),
            EventKind::Revoked => is_now(DeviceStatus::NotEnrolled),
            EventKind::ClosingSoon { remaining_seconds } => {
                if let Some(said) = &mut standing.said {
                    said.ends = Some(now.saturating_add((*remaining_seconds).into()));
                }
            }
            // What is asked of the server next says how many there are.
            EventKind::ConfirmationAsked => texts(standing, |waiting| waiting.saturating_add(1)),
            EventKind::ConfirmationAnswered => texts(standing, |waiting| waiting.saturating_sub(1)),
            EventKind::Unenrolled => {
                table.retain(|(key, _)| *key != token);
            }
            EventKind::Offline => standing.is_online = Some(false),
            EventKind::Online => standing.is_online = Some(true),
            _ => {}
        }
    }

    /// Knows this, and nothing else.
    pub(super) fn replace(&self, known: &[(TokenKey, Standing)]) {
        *self.table() = known.to_vec();
    }

    fn table(&self) -> MutexGuard<'_, Vec<(TokenKey, Standing)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// That of a token, which is new if there is none. There is no room for more than that: devices are many.
fn entry(table: &mut Vec<(TokenKey, Standing)>, token: TokenKey) -> &mut Standing {
    let place = table.iter().position(|(key, _)| *key == token).unwrap_or_else(|| {
        table.reserve_exact(1);
        table.push((token, Standing::default()));
        table.len() - 1
    });
    &mut table[place].1
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_000;

    fn token() -> TokenKey {
        format!("{}-{}", "ab".repeat(16), "cd".repeat(4)).parse().unwrap()
    }

    fn said(state: DeviceStatus, ends: Option<u64>) -> Said {
        Said { state, ends, tries_left: Some(9), confirmations: 2, at: NOW }
    }

    #[test]
    fn nothing_is_known_until_a_server_has_said_something() {
        let standings = Standings::default();
        assert_eq!(standings.of(token()), Standing::default());
        assert_eq!(standings.of(token()).state(NOW), None);
    }

    #[test]
    fn a_server_that_has_enrolled_a_token_was_reached() {
        let standings = Standings::default();
        standings.happened(token(), &EventKind::Enrolled, NOW);
        let standing = standings.of(token());
        assert_eq!((standing.state(NOW), standing.is_online), (Some(DeviceStatus::Closed), Some(true)));
    }

    #[test]
    fn an_opening_is_over_when_its_time_is() {
        let standings = Standings::default();
        standings.answered(token(), said(DeviceStatus::Open, Some(NOW + 60)));
        let standing = standings.of(token());
        assert_eq!((standing.state(NOW + 59), standing.remaining(NOW + 59)), (Some(DeviceStatus::Open), Some(1)));
        assert_eq!((standing.state(NOW + 60), standing.remaining(NOW + 60)), (Some(DeviceStatus::Closed), None));
    }

    #[test]
    fn what_follows_a_block_is_not_guessed() {
        let standings = Standings::default();
        standings.answered(token(), said(DeviceStatus::Blocked, Some(NOW + 60)));
        assert_eq!(standings.of(token()).state(NOW + 59), Some(DeviceStatus::Blocked));
        assert_eq!(standings.of(token()).state(NOW + 60), None);
        standings.answered(token(), said(DeviceStatus::Blocked, None));
        assert_eq!(standings.of(token()).state(u64::MAX), Some(DeviceStatus::Blocked));
    }

    #[test]
    fn what_happens_changes_what_is_known_and_no_more() {
        let standings = Standings::default();
        standings.answered(token(), said(DeviceStatus::Open, Some(NOW + 60)));
        standings.happened(token(), &EventKind::Opened, NOW + 1);
        assert_eq!(standings.of(token()).remaining(NOW + 1), Some(59));
        standings.happened(token(), &EventKind::ClosingSoon { remaining_seconds: 10 }, NOW + 2);
        assert_eq!(standings.of(token()).remaining(NOW + 2), Some(10));
        standings.happened(token(), &EventKind::Closed, NOW + 3);
        let said = standings.of(token()).said.unwrap();
        assert_eq!(
            (said.state, said.ends, said.tries_left, said.confirmations),
            (DeviceStatus::Closed, None, Some(9), 2)
        );
        standings.happened(token(), &EventKind::Opened, NOW + 4);
        assert_eq!(standings.of(token()).remaining(NOW + 4), None, "who opened it elsewhere knows for how long");
        standings.happened(token(), &EventKind::Offline, NOW + 5);
        assert_eq!(standings.of(token()).is_online, Some(false));
        standings.happened(token(), &EventKind::Online, NOW + 6);
        assert_eq!(standings.of(token()).is_online, Some(true));
        standings.happened(token(), &EventKind::Revoked, NOW + 7);
        assert_eq!(standings.of(token()).state(NOW + 7), Some(DeviceStatus::NotEnrolled));
        standings.happened(token(), &EventKind::Unenrolled, NOW + 8);
        assert_eq!(standings.of(token()), Standing::default());
    }

    #[test]
    fn an_opening_that_runs_out_on_the_device_is_nothing_that_the_server_said() {
        let standings = Standings::default();
        standings.answered(token(), said(DeviceStatus::Open, Some(NOW + 60)));
        standings.happened(token(), &EventKind::Closed, NOW + 60);
        let known = standings.of(token()).said.unwrap();
        assert_eq!((known.state, known.at), (DeviceStatus::Closed, NOW));
        // One that is ended before is.
        standings.answered(token(), said(DeviceStatus::Open, Some(NOW + 60)));
        standings.happened(token(), &EventKind::Closed, NOW + 59);
        assert_eq!(standings.of(token()).said.unwrap().at, NOW + 59);
    }

    #[test]
    fn texts_and_tries_are_known_as_soon_as_they_are_told() {
        let standings = Standings::default();
        standings.refused(token(), 3, NOW);
        standings.waits(token(), 3);
        assert_eq!(standings.of(token()).said, None, "how it stands was not said");
        standings.answered(token(), said(DeviceStatus::Closed, None));
        let known = || standings.of(token()).said.map(|said| (said.confirmations, said.tries_left, said.at)).unwrap();
        standings.happened(token(), &EventKind::ConfirmationAsked, NOW + 1);
        assert_eq!(known(), (3, Some(9), NOW));
        standings.happened(token(), &EventKind::ConfirmationAnswered, NOW + 2);
        standings.happened(token(), &EventKind::ConfirmationAnswered, NOW + 2);
        assert_eq!(known(), (1, Some(9), NOW));
        standings.waits(token(), 1_000);
        standings.refused(token(), 8, NOW + 3);
        assert_eq!(known(), (255, Some(8), NOW + 3));
    }
}
