//! What is on the screen.

use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::{Color, Modifier};

use super::super::draw;
use super::super::theme::Theme;
use super::*;
use crate::face::{Notice, Working, rest};

#[test]
fn the_lock_card_says_in_words_how_the_token_stands() {
    let it = Person::before(facts());
    for text in ["OPEN  42 s of 1:00 left", "Who asks is told yes", "The server said so just now, at 11:59:42"] {
        it.finds(text);
    }
    let closed = Person::before(with_token(|token| (token.state, token.remaining) = (Some(State::Closed), None)));
    closed.finds("CLOSED");
    closed.misses("OPEN");
    closed.misses(" left");
    let blocked = Person::before(with_token(|token| token.state = Some(State::Blocked)));
    blocked.finds("BLOCKED  42 s");
    let offline = Person::before(with_token(|token| token.online = Some(false)));
    offline.finds("Server not reached. Stale since 11:59:42");
    let bare = Person::before(with(facts(), device("main", vec![])));
    bare.finds("NOT ENROLLED");
}

#[test]
fn each_shape_is_another_one() {
    let padlock = |facts: Facts| {
        let all = Person::before(facts).sees();
        all.lines().skip(2).take(7).map(|line| line.chars().skip(25).take(12).collect::<String>()).collect::<Vec<_>>()
    };
    let closed = with_token(|token| token.state = Some(State::Closed));
    let blocked = with_token(|token| token.state = Some(State::Blocked));
    let unknown = with_token(|token| token.state = None);
    let moving = Facts { working: vec![working("open")], ..facts() };
    let bare = with(facts(), device("main", vec![]));
    let all = [facts(), closed, blocked, unknown, moving, bare].map(padlock);
    for (place, one) in all.iter().enumerate() {
        assert!(!all[place + 1..].contains(one), "{one:?}");
    }
}

fn working(verb: &'static str) -> Working {
    Working { number: 1, device: Some("main".into()), verb }
}

#[test]
fn what_came_of_it_is_shown_until_something_else_is_said() {
    let mut it = Person::before(facts());
    it.misses("$ cardea-emulator");
    it.says(KeyCode::Char('c'));
    it.finds("$ cardea-emulator close");
    it.facts.working = vec![working("close")];
    it.finds(" close…");
    it.facts.working.clear();
    it.facts.notices.push(Notice {
        number: 1,
        device: Some("main".into()),
        verb: "close",
        text: "the server cannot be reached".into(),
        failed: Some("offline".into()),
        command_line: String::new(),
        file: None,
    });
    it.finds("the server cannot be reached");
    it.says(KeyCode::Char('s'));
    it.misses("the server cannot be reached");
    it.finds("$ cardea-emulator status");
}

#[test]
fn what_is_made_to_go_wrong_is_announced_in_red_until_it_has() {
    let mut it = Person::before(with_fault(false));
    it.finds("MISBEHAVING: replay ×1");
    let mut terminal = Terminal::new(TestBackend::new(110, 30)).unwrap();
    terminal.draw(|frame| draw::draw(frame, &it.app, &it.facts, NOW, Theme::COLORED)).unwrap();
    assert_eq!(terminal.backend().buffer()[(50, 1)].bg, Color::Red);
    it.facts = with_fault(true);
    it.misses("MISBEHAVING");
}

#[test]
fn who_wants_no_color_gets_none() {
    let all = [facts(), with_fault(false), with_prompt(), with_token(|token| token.state = Some(State::Blocked))];
    for facts in all {
        let it = Person::before(facts);
        let mut terminal = Terminal::new(TestBackend::new(110, 30)).unwrap();
        for (theme, is_plain) in [(Theme::said(Some("1".as_ref())), true), (Theme::said(None), false)] {
            terminal.draw(|frame| draw::draw(frame, &it.app, &it.facts, NOW, theme)).unwrap();
            let cells = terminal.backend().buffer().content();
            assert_eq!(cells.iter().all(|it| (it.fg, it.bg) == (Color::Reset, Color::Reset)), is_plain);
            // Only colors that every terminal has.
            assert!(cells.iter().all(|it| !matches!(it.fg, Color::Rgb(..) | Color::Indexed(_))));
            // What is selected is so without color, too.
            assert!(cells.iter().any(|it| it.modifier.contains(Modifier::REVERSED)));
        }
    }
    assert_eq!(Theme::said(Some("".as_ref())), Theme::said(None));
}

#[test]
fn a_terminal_that_is_too_small_says_so_and_recovers() {
    let it = Person::before(facts());
    for (width, height) in [(59, 40), (120, 17), (20, 5), (1, 1)] {
        let all = it.sees_at(width, height);
        assert!(!all.contains("OPEN"), "{all}");
    }
    assert!(it.sees_at(40, 10).contains("Too small: 40 x 10. Make the terminal at\nleast 60 x 18, or press q."));
    for (width, height) in [(60, 18), (99, 18), (100, 40), (300, 90)] {
        let all = it.sees_at(width, height);
        assert!(all.contains("OPEN") && all.contains("The token is open"), "{all}");
        assert!(!all.contains("Too small"), "{all}");
        assert_eq!(all.lines().count(), usize::from(height));
    }
}

#[test]
fn a_narrow_terminal_shows_the_detail_in_place_of_the_timeline() {
    let mut it = Person::before(facts());
    assert!(it.sees_at(130, 30).contains("Timeline") && it.sees_at(130, 30).contains("id.example:8421"));
    assert!(!it.sees_at(80, 24).contains("id.example:8421"));
    it.presses(KeyCode::Enter);
    assert!(it.sees_at(80, 24).contains("id.example:8421"));
    assert!(!it.sees_at(80, 24).contains("Timeline"));
}

#[test]
fn nothing_that_a_server_says_reaches_the_terminal_as_more_than_text() {
    let it = Person::before(with_token(|token| token.service = "door\u{1b}[2J\u{7}\r\n\u{9b}31m".into()));
    assert!(it.sees().chars().all(|it| it == '\n' || !it.is_control()), "{:?}", it.sees());
    it.finds("door");
}

#[test]
fn every_dialog_fits_into_the_smallest_terminal() {
    let keys = ['?', 'e', 'p', 'n', 'k', 'f', 'h', 'o', '+', 'w', 'v'];
    let words = [
        "leave",
        "New PIN",
        "PINs that the holder",
        "Half open",
        "wrong",
        "bit-flip",
        "asked",
        "PIN",
        "Name",
        "File",
        "Authkey file",
    ];
    for (key, word) in keys.into_iter().zip(words) {
        let mut it = Person::before(with_fault(false));
        it.types(&key.to_string());
        let all = it.sees_at(60, 18);
        assert!(all.contains(word), "{key}: {word}\n{all}");
        it.presses(KeyCode::Esc);
        assert!(it.app.dialog.is_none());
    }
}

#[test]
fn nothing_is_drawn_at_rest_but_the_seconds_of_what_runs_down() {
    let began = crate::face::moment();
    let running = |facts: Facts| Facts { clock: Clock { read: Some(began), ..facts.clock }, ..facts };
    let wait = |facts: Facts| {
        let it = Person::before(running(facts));
        rest::until_next(|now| it.app.card(&it.facts, now), &it.facts, began)
    };
    // A countdown: the next second.
    assert_eq!(wait(facts()), Some(Duration::from_millis(1_005)));
    // Closed for ten minutes: the next minute.
    let closed = |ago: u64| {
        with_token(|token| {
            (token.state, token.remaining, token.said_at) = (Some(State::Closed), None, Some(NOW - ago));
        })
    };
    assert_eq!(wait(closed(605)), Some(Duration::from_millis(54_000 + 1_005)));
    // Nothing that has a time, or a clock that stands still: never.
    assert_eq!(wait(with(facts(), device("main", vec![]))), None);
    let mut frozen = facts();
    frozen.clock.frozen = true;
    assert_eq!(wait(frozen), None);
    // Another device that is open shows so at its end.
    let other = device("phone", vec![token()]);
    assert_eq!(wait(with(with(facts(), device("main", vec![])), other)), Some(Duration::from_millis(41_000 + 1_005)));
}
