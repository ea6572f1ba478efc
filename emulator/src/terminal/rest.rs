//! When what is shown becomes another one by the passing of time alone: nothing is drawn before.

use std::time::{Duration, Instant};

use super::app::App;
use crate::face::{Facts, State};

/// How far is looked ahead.
const AHEAD: u64 = 60;
/// After so long anything that changes has.
const FOR_EVER: u64 = 10 * 365 * 86_400;

/// How long until there is something else to draw, where nobody does anything; nothing for ever.
pub(super) fn until_next(app: &App, facts: &Facts, moment: Instant) -> Option<Duration> {
    let tick = facts.clock.ticks_in(moment)?;
    let seconds = seconds(app, facts, facts.clock.at(Some(moment)))?;
    Some(tick + Duration::from_secs(seconds - 1))
}

/// In so many seconds, at least one.
pub(super) fn seconds(app: &App, facts: &Facts, now: u64) -> Option<u64> {
    let card = app.card(facts, now);
    let card_changes = (app.card(facts, now + FOR_EVER) != card).then(|| {
        let same = (1..AHEAD).take_while(|ahead| app.card(facts, now + ahead) == card).count();
        same as u64 + 1
    });
    // Elsewhere only a word is shown.
    let open = facts.devices.values().flat_map(|device| &device.tokens).filter(|it| it.state == Some(State::Open));
    let next_end = open.filter_map(|token| token.ends()?.checked_sub(now)).filter(|left| *left > 0).min();
    card_changes.into_iter().chain(next_end).min()
}
