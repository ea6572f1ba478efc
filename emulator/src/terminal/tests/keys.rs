//! What keys say.

use super::super::app::{Dialog, Pane};
use super::super::run::Ended;
use super::*;
use crate::face::{On, Secret};

fn on() -> On {
    On { device: "main".into(), token: None }
}

fn key(it: char) -> KeyCode {
    KeyCode::Char(it)
}

#[test]
fn open_takes_any_pin_and_shows_none() {
    for pin in [PIN, DURESS] {
        let mut it = Person::before(with_token(|token| token.state = Some(State::Closed)));
        it.types("o");
        it.finds("Open Front door");
        it.types(pin);
        it.finds("typed, not shown");
        it.misses(pin);
        let open = Command::Open { on: on(), seconds: None, pin: Some(Secret::new(pin)) };
        assert_eq!(it.says(KeyCode::Enter), [open]);
        it.finds("$ cardea-emulator open --pin-fd 0");
        it.misses(pin);
        assert!(it.app.dialog.is_none());
    }
}

#[test]
fn which_pin_was_typed_cannot_be_seen() {
    let seen = |pin: &str| {
        let mut it = Person::before(facts());
        it.types("o");
        let mut all = vec![it.sees()];
        for digit in pin.chars() {
            it.presses(key(digit));
            all.push(it.sees());
        }
        it.presses(KeyCode::Enter);
        all.push(it.sees());
        all
    };
    assert_eq!(seen(PIN), seen(DURESS));
}

#[test]
fn open_without_a_pin_asks_the_holder() {
    let mut it = Person::before(facts());
    it.types("o");
    assert_eq!(it.says(KeyCode::Enter), [Command::Open { on: on(), seconds: None, pin: None }]);
}

#[test]
fn toggle_closes_what_is_open_and_opens_what_is_not() {
    let mut open = Person::before(facts());
    assert_eq!(open.says(key('t')), [Command::Close(on())]);
    let mut closed = Person::before(with_token(|token| token.state = Some(State::Closed)));
    closed.types("t");
    closed.finds("Open Front door");
    // Where there is nothing to open yet, that comes first.
    let mut bare = Person::before(with(facts(), device("main", vec![])));
    bare.types("o");
    bare.finds("Enroll main");
}

#[test]
fn single_keys_say_what_they_say() {
    let mut it = Person::before(facts());
    assert_eq!(it.says(key('c')), [Command::Close(on())]);
    assert_eq!(it.says(key('s')), [Command::Status(on())]);
    assert_eq!(it.says(key('r')), [Command::Trace(true)]);
    it.facts.trace.on = true;
    assert_eq!(it.says(key('r')), [Command::Trace(false)]);
    let asks: Vec<&str> = it.says(key('i')).iter().map(Command::verb).collect();
    assert_eq!(asks, ["devices", "history", "info"]);
    assert_eq!(it.presses(key('q')), Step::Leave(Ended::Left));
}

#[test]
fn ctrl_c_leaves_from_everywhere() {
    for before in ["", "?", "o", "e", "f", "n", "/"] {
        let mut it = Person::before(facts());
        it.types(before);
        let ctrl_c = Event::Key(KeyEvent::new(key('c'), KeyModifiers::CONTROL));
        assert_eq!(it.does(&ctrl_c), Step::Leave(Ended::Interrupted), "{before:?}");
    }
}

#[test]
fn a_prompt_is_approved_with_the_holders_pin_or_another_one_or_cancelled() {
    let mut it = Person::before(with_prompt());
    it.finds("main is asked: Front door, open.  a approve  x cancel");
    let answer =
        |does, pin: Option<&str>| Command::Answer { device: "main".into(), prompt: 7, does, pin: pin.map(Secret::new) };
    it.types("a");
    assert_eq!(it.says(KeyCode::Enter), [answer("approve", None)]);
    it.types("a");
    it.types(DURESS);
    assert_eq!(it.says(KeyCode::Enter), [answer("approve", Some(DURESS))]);
    it.misses(DURESS);
    assert_eq!(it.says(key('x')), [answer("cancel", None)]);
    assert_eq!(it.says(key('d')), [answer("cancel", None)]);
}

#[test]
fn a_text_is_approved_as_it_is_signed_or_denied_with_a_reason() {
    let mut it = Person::before(with_text());
    it.finds("A text waits: Pay 12 EUR");
    it.types("a");
    it.finds("What is signed: Pay 12 EUR");
    it.types(PIN);
    let approve = Command::Approve { on: on(), id: "c0ffee".into(), pin: Some(Secret::new(PIN)) };
    assert_eq!(it.says(KeyCode::Enter), [approve]);
    let deny = |reason| Command::Deny { on: on(), id: "c0ffee".into(), reason };
    assert_eq!(it.says(key('d')), [deny("unsaid")]);
    assert_eq!(it.says(key('x')), [deny("cancelled")]);
}

#[test]
fn what_is_signed_is_shown_to_its_last_character() {
    let text = format!("{} 12 EUR", "Pay the man who stands there ".repeat(16));
    let mut facts = with_text();
    let answers = facts.answers.values_mut().next().unwrap();
    Arc::make_mut(answers).confirmations.as_mut().unwrap()[0].text = text.clone();
    let mut it = Person::before(facts);
    it.types("a");
    // What is inside the frame of the dialog.
    let shown: String = it.sees_at(60, 18).lines().flat_map(|line| line.chars().skip(2).take(56)).collect();
    let letters = |text: &str| text.chars().filter(|it| !it.is_whitespace()).collect::<String>();
    assert!(letters(&shown).contains(&letters(&text)), "{shown}");
}

#[test]
fn nothing_is_approved_where_nothing_is_asked() {
    let mut it = Person::before(facts());
    it.types("dx");
    it.types("a");
    assert!(matches!(it.app.dialog, Some(Dialog::Help)));
}

#[test]
fn networks_and_habits_are_chosen_from_lists_that_show_what_is_so() {
    let mut it = Person::before(facts());
    it.types("n");
    it.finds("● Ideal");
    it.presses(KeyCode::Down);
    let offline = Command::Network { device: "main".into(), profile: "offline".into() };
    assert_eq!(it.says(KeyCode::Enter), [offline]);
    it.finds("$ cardea-emulator net set offline");
    it.types("h");
    it.finds("● Types the PIN");
    it.presses(KeyCode::Down);
    assert_eq!(it.says(KeyCode::Enter), [Command::Habit { device: "main".into(), does: "wait".into() }]);
}

#[test]
fn time_stands_still_passes_and_is_wrong() {
    let mut it = Person::before(facts());
    it.types("k");
    assert_eq!(it.says(KeyCode::Enter), [Command::Freeze(true)]);
    it.facts.clock.frozen = true;
    it.finds("time stands still at 12:00:00");
    let choose = |it: &mut Person, line: usize| {
        it.types("k");
        for _ in 0..line {
            it.presses(KeyCode::Down);
        }
        it.says(KeyCode::Enter)
    };
    assert_eq!(choose(&mut it, 1), [Command::Freeze(false)]);
    assert_eq!(choose(&mut it, 3), [Command::Advance(600)]);
    assert_eq!(choose(&mut it, 6), []);
    it.types("90");
    assert_eq!(it.says(KeyCode::Enter), [Command::Advance(90)]);
    assert_eq!(choose(&mut it, 8), []);
    it.types("-x45");
    assert_eq!(it.says(KeyCode::Enter), [Command::Skew { device: "main".into(), seconds: -45 }]);
    assert_eq!(choose(&mut it, 6), []);
    it.types("--");
    assert_eq!(it.says(KeyCode::Enter), []);
    it.finds("a number of seconds, such as 60");
}

#[test]
fn faults_are_searched_armed_once_or_always_and_disarmed() {
    let mut it = Person::before(facts());
    let arm = |fault: &str, times| Command::Arm { fault: fault.into(), times, device: Some("main".into()) };
    it.types("f");
    it.finds("bit-flip (frame)");
    it.finds("Turns bits of a frame around. Device: asks again. Server: notices nothing");
    it.types("second time");
    it.misses("bit-flip (frame)");
    assert_eq!(it.says(KeyCode::Enter), [arm("replay", Some(1))]);
    assert_eq!(it.says(key('*')), [arm("replay", None)]);
    it.types("zzz");
    it.finds("Nothing is called that");
    assert_eq!(it.says(KeyCode::Enter), []);

    let mut armed = Person::before(with_fault(false));
    armed.types("f");
    armed.finds("replay: 2 times, 1 of 3 so far. Enter disarms");
    assert_eq!(armed.says(KeyCode::Enter), [Command::Disarm { id: "r1".into() }]);
    armed.presses(KeyCode::Down);
    assert_eq!(armed.says(KeyCode::Enter), [Command::ClearFaults]);
}

#[test]
fn other_devices_and_tokens_are_looked_at() {
    let second = Token { id: "77".into(), label: "Vault".into(), state: Some(State::Closed), ..token() };
    let all = with(with(facts(), device("main", vec![token(), second])), device("phone", vec![]));
    let mut it = Person::before(all);
    it.finds("Front door on id.example (1 of 2, [ ] for others)");
    it.types("]");
    it.finds("Vault on id.example (2 of 2");
    let close = Command::Close(On { device: "main".into(), token: Some("77".into()) });
    assert_eq!(it.says(key('c')), [close]);
    it.types("]");
    it.finds("Front door on id.example (1 of 2");
    it.types("[");
    it.finds("Vault on id.example (2 of 2");
    assert_eq!(it.says(KeyCode::Down), [Command::Look("phone".into())]);
    it.finds(" phone — NOT ENROLLED");
    assert_eq!(it.says(KeyCode::Down), []);
    assert_eq!(it.says(KeyCode::Up), [Command::Look("main".into())]);
}

#[test]
fn a_device_that_was_made_is_looked_at_and_one_that_is_gone_is_not() {
    let mut it = Person::before(facts());
    it.types("+");
    it.types("Not a name");
    assert_eq!(it.says(KeyCode::Enter), []);
    it.does(&Event::Key(KeyEvent::new(key('u'), KeyModifiers::CONTROL)));
    it.types("phone");
    assert_eq!(it.says(KeyCode::Enter), [Command::NewDevice { name: "phone".into() }]);
    assert_eq!(it.app.settle(&it.facts), None);
    it.facts = with(it.facts, device("phone", vec![]));
    assert_eq!(it.app.settle(&it.facts), Some(Command::Look("phone".into())));
    it.facts = facts();
    assert_eq!(it.app.settle(&it.facts), Some(Command::Look("main".into())));
}

#[test]
fn the_timeline_is_filtered_by_words_and_walked_through() {
    let mut it = Person::before(facts());
    it.types("/");
    it.types("TOKEN open");
    it.finds("Timeline / TOKEN open_");
    it.finds("The token is open");
    it.misses("The token is enrolled");
    it.presses(KeyCode::Enter);
    assert_eq!(it.app.front, Pane::Timeline);
    it.types("/");
    it.presses(KeyCode::Esc);
    it.finds("The token is enrolled");

    it.presses(KeyCode::Up);
    it.finds("Timeline, paused");
    it.finds("\"kind\": \"opened\"");
    it.presses(KeyCode::Up);
    it.finds("\"kind\": \"asked\"");
    it.presses(KeyCode::PageUp);
    it.finds("\"kind\": \"made\"");
    it.presses(KeyCode::Down);
    it.finds("\"kind\": \"enrolled\"");
    it.presses(KeyCode::Esc);
    it.misses("paused");
}

#[test]
fn the_row_that_is_looked_at_stays_while_more_comes() {
    let mut it = Person::before(facts());
    it.presses(KeyCode::Tab);
    it.presses(KeyCode::Up);
    it.facts.timeline.extend((0..2_000).map(|at| event(100 + at, "online")));
    it.finds("\"kind\": \"opened\"");
    it.finds("The token is open");
    it.presses(KeyCode::End);
    it.misses("The token is open");
    it.finds("The server is reached");
}
