//! When what is shown becomes another one by the passing of time alone: nothing is drawn before.

use std::time::{Duration, Instant};

use super::{Card, Facts, State};

/// After so long anything that changes has.
const FOR_EVER: u64 = 10 * 365 * 86_400;

/// How long until a card, or the word of another device, becomes another one where nobody does anything; nothing for ever. The
/// card is the one that `card` makes for a time in Unix seconds of the session.
pub(crate) fn until_next(card: impl Fn(u64) -> Card, facts: &Facts, moment: Instant) -> Option<Duration> {
    let tick = facts.clock.ticks_in(moment)?;
    let seconds = seconds(card, facts, facts.clock.at(Some(moment)))?;
    Some(tick + Duration::from_secs(seconds - 1))
}

/// In so many seconds, at least one.
pub(crate) fn seconds(card: impl Fn(u64) -> Card, facts: &Facts, now: u64) -> Option<u64> {
    let first = card(now);
    let is_other = |ahead: u64| card(now + ahead) != first;
    let card_changes = is_other(FOR_EVER).then(|| {
        // What has passed does not come again: a card that is another one stays so.
        let (mut same, mut other) = (0, FOR_EVER);
        while other - same > 1 {
            let middle = same.midpoint(other);
            if is_other(middle) { other = middle } else { same = middle }
        }
        other
    });
    // Elsewhere only a word is shown.
    let open = facts.devices.values().flat_map(|device| &device.tokens).filter(|it| it.state == Some(State::Open));
    let next_end = open.filter_map(|token| token.ends()?.checked_sub(now)).filter(|left| *left > 0).min();
    card_changes.into_iter().chain(next_end).min()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::super::{Device, Link, Token};
    use super::*;

    const NOW: u64 = 1_000_000;

    fn facts(tokens: Vec<Token>) -> Facts {
        let devices = tokens.into_iter().enumerate().map(|(number, token)| {
            let name = format!("phone-{number}");
            (name.clone(), Arc::new(Device { name, tokens: vec![token], ..Device::default() }))
        });
        let devices: BTreeMap<_, _> = devices.collect();
        Facts { link: Link::Hosting("here".into()), devices: Arc::new(devices), ..Facts::default() }
    }

    fn token(state: State, said: u64, remaining: Option<u64>) -> Token {
        let said_at = Some(NOW - said);
        Token {
            id: "t".into(),
            confirmed: true,
            state: Some(state),
            said_at,
            remaining,
            age: Some(0),
            ..Token::default()
        }
    }

    fn wait(facts: &Facts) -> Option<u64> {
        seconds(|now| Card::of(facts, "phone-0", None, now), facts, NOW)
    }

    #[test]
    fn a_card_is_drawn_again_when_it_says_something_else_and_not_before() {
        let closed = |said| wait(&facts(vec![token(State::Closed, said, None)]));
        assert_eq!(closed(0), Some(60));
        assert_eq!(closed(12), Some(48));
        assert_eq!(closed(605), Some(55));
        assert_eq!(closed(7_205), Some(3_595));
        assert_eq!(closed(3 * 86_400), Some(86_400));
        assert_eq!(wait(&facts(vec![token(State::Open, 18, Some(60))])), Some(1));
        assert_eq!(wait(&facts(vec![])), None);
    }

    #[test]
    fn the_end_of_another_one_is_drawn() {
        let never = Token { said_at: None, age: None, ..token(State::Closed, 0, None) };
        let other = token(State::Open, 18, Some(60));
        assert_eq!(wait(&facts(vec![never.clone()])), None);
        assert_eq!(wait(&facts(vec![never, other])), Some(42));
    }
}
