//! What a person does from beginning to end, with the mouse or with the keyboard alone.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use eframe::egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;

use super::super::Window;
use super::scripted::{Scripted, asking, device, facts, lively, one, token};
use super::{type_into, window};
use crate::face::{Command, Invitation, Notice, On, Prompt, Secret, State, Working};

/// A file that a hand lets go over the window.
#[derive(Debug)]
struct Dropped(PathBuf);

impl eframe::egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        std::fs::read(&self.0).map_err(|error| error.to_string())
    }
}

fn on() -> On {
    On { device: "phone".into(), token: None }
}

fn text(window: &mut Harness<'_, Window>, text: &str) {
    window.event(eframe::egui::Event::Text(text.into()));
    window.run();
}

#[test]
fn a_click_on_open_asks_for_the_pin_and_shows_only_how_long_it_is() {
    let source = Scripted::new(one(State::Closed, None));
    let mut window = window(&source);
    window.get_by_label("Open").click();
    window.run();
    for key in ["8", "3", "6", "9", "Delete", "4", "0", "2"] {
        window.get_by_label(key).click();
        window.run();
    }
    window.get_by_label("6 digits typed");
    window.get_by_label("5 min").click();
    window.run();
    window.get_by_label("OK").click();
    window.run();
    let pin = Some(Secret::new("836402"));
    assert_eq!(source.said(), [Command::Open { on: on(), seconds: Some(256), pin }]);
    assert!(window.query_by_label("6 digits typed").is_none());
    window.get_by_label("cardea-emulator --device phone open --for 256 --pin-fd 0");
}

#[test]
fn whichever_pin_is_typed_the_window_looks_the_same() {
    let look = |pin: &str| {
        let source = Scripted::new(one(State::Closed, None));
        let mut window = window(&source);
        window.key_press(Key::Space);
        window.run();
        text(&mut window, pin);
        let typed = super::raster::drawn(&mut window);
        window.key_press(Key::Enter);
        window.run();
        (typed, super::raster::drawn(&mut window), source.said().len())
    };
    assert!(look("274951") == look("836402"), "something shows which PIN it was");
}

#[test]
fn the_keyboard_alone_opens_and_closes() {
    let source = Scripted::new(one(State::Closed, None));
    let mut window = window(&source);
    window.key_press(Key::Space);
    window.run();
    text(&mut window, "2749");
    window.key_press(Key::Backspace);
    window.run();
    text(&mut window, "951");
    window.key_press(Key::Enter);
    window.run();
    let pin = Some(Secret::new("274951"));
    assert_eq!(source.said(), [Command::Open { on: on(), seconds: None, pin }]);
    source.change_device("phone", |device| device.tokens[0].state = Some(State::Open));
    window.key_press(Key::Space);
    window.run();
    assert_eq!(source.said(), [Command::Close(on())]);
}

#[test]
fn too_few_digits_are_no_pin_and_escape_forgets_them() {
    let source = Scripted::new(one(State::Closed, None));
    let mut window = window(&source);
    window.key_press(Key::Space);
    window.run();
    text(&mut window, "274");
    window.key_press(Key::Enter);
    window.run();
    window.get_by_label("3 digits typed");
    window.key_press(Key::Escape);
    window.run();
    window.get_by_label("CLOSED");
    assert!(source.said().is_empty());
}

#[test]
fn while_it_is_under_way_it_says_so_and_cannot_be_said_twice() {
    let source = Scripted::new(one(State::Closed, None));
    source.change(|facts| facts.working = vec![Working { number: 1, device: Some("phone".into()), verb: "open" }]);
    let mut window = window(&source);
    window.get_by_label("OPENING");
    window.get_by_label("Open").click();
    window.run();
    window.key_press(Key::Space);
    window.run();
    assert!(window.query_by_label("PIN to open").is_none() && source.said().is_empty());
}

#[test]
fn a_link_or_a_code_is_pasted_with_the_pin_that_is_chosen() {
    let source = Scripted::new(facts(vec![device("phone", vec![])]));
    let mut window = window(&source);
    window.get_by_label("Enroll").click();
    window.run();
    window.get_by_label("Paste a link, type a code, or give a picture");
    type_into(&mut window, "Link or code", "1234-5678");
    window.run();
    window.get_by_label("A typed code needs the name of its server");
    type_into(&mut window, "Server of the code", "id.example.com");
    window.run();
    type_into(&mut window, "New PIN", "274951");
    type_into(&mut window, "New PIN again", "274950");
    window.run();
    window.get_by_label("The two PINs differ");
    window.get_by_label("New PIN again").focus();
    window.run();
    window.key_press(Key::Backspace);
    window.run();
    text(&mut window, "1");
    window.get_by_label("Enroll with this PIN").click();
    window.run();
    let invitation = Invitation::Code(Secret::new("1234-5678"), "id.example.com".into());
    let enroll = Command::Enroll {
        device: "phone".into(),
        invitation,
        pin: Secret::new("274951"),
        duress: vec![],
        label: String::new(),
    };
    assert_eq!(source.said(), std::slice::from_ref(&enroll));
    // It can be mended when it is refused.
    let came = |number, failed: Option<&str>| {
        source.change(|facts| {
            facts.notices.push(Notice {
                number,
                device: Some("phone".into()),
                verb: "enroll",
                text: if failed.is_some() { "the PIN is too easy to guess" } else { "Enrolled" }.into(),
                failed: failed.map(str::to_owned),
                command_line: String::new(),
                file: None,
            });
        });
    };
    window.get_by_label("Enrolling…");
    came(1, Some("weak-pin"));
    window.run();
    window.get_by_label("the PIN is too easy to guess");
    window.get_by_label("Enroll with this PIN").click();
    window.run();
    assert_eq!(source.said(), [enroll]);
    assert!(window.query_by_label("the PIN is too easy to guess").is_none());
    came(2, None);
    window.run();
    // Nothing of it stays in the window.
    assert!(window.query_by_label("New PIN").is_none());
    window.get_by_label("Enroll");
}

#[test]
fn a_pin_that_no_service_allows_is_told_before_anybody_is_asked() {
    let source = Scripted::new(facts(vec![device("phone", vec![])]));
    let mut window = window(&source);
    window.get_by_label("Enroll").click();
    window.run();
    text(&mut window, "https://id.example.com/e#8mKq");
    for field in ["New PIN", "New PIN again"] {
        type_into(&mut window, field, "123456");
    }
    window.get_by_label("This PIN is too easy to guess: choose another");
    window.get_by_label("Enroll with this PIN").click();
    window.run();
    assert_eq!(source.said(), []);
    for field in ["New PIN", "New PIN again"] {
        window.get_by_label(field).focus();
        window.run();
        window.key_press_modifiers(Modifiers::COMMAND, Key::A);
        window.run();
        text(&mut window, "274951");
    }
    window.get_by_label("Enroll with this PIN").click();
    window.run();
    assert_eq!(source.said().len(), 1);
}

#[test]
fn what_is_typed_after_enroll_is_the_invitation_and_escape_leaves() {
    let source = Scripted::new(facts(vec![device("phone", vec![])]));
    let mut window = window(&source);
    window.key_press(Key::E);
    window.run();
    assert!(window.get_by_label("Link or code").is_focused());
    text(&mut window, "https://id.example.com/e#8mKq");
    window.get_by_label("Choose a PIN");
    window.key_press(Key::Escape);
    window.run();
    assert!(window.query_by_label("Link or code").is_none());
    window.get_by_label("Enroll");
    // Nothing of it is there the next time.
    window.get_by_label("Enroll").click();
    window.run();
    window.get_by_label("Paste a link, type a code, or give a picture");
    assert_eq!(source.said(), []);
}

#[test]
fn a_picture_is_dropped_on_the_window_or_named() {
    let source = Scripted::new(facts(vec![device("phone", vec![])]));
    let mut window = window(&source);
    window.get_by_label("Enroll").click();
    window.run();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("qr.png");
    std::fs::write(&path, b"picture").unwrap();
    window.input_mut().dropped_files.push(Arc::new(Dropped(path.clone())));
    window.run();
    window.get_by_label(&format!("Picture: {}", path.display()));
    type_into(&mut window, "New PIN", "274951");
    type_into(&mut window, "New PIN again", "274951");
    window.run();
    window.get_by_label("Enroll with this PIN").click();
    window.run();
    assert!(
        matches!(&source.said()[..], [Command::Enroll { invitation: Invitation::Picture(bytes, _), .. }] if ***bytes == *b"picture")
    );
}

#[test]
fn a_and_d_answer_what_waits() {
    let source = Scripted::new(asking());
    let mut window = window(&source);
    window.key_press(Key::D);
    window.run();
    assert_eq!(source.said(), [Command::Deny { on: on(), id: "0a1b2c3d".into(), reason: "unsaid" }]);
    window.key_press(Key::A);
    window.run();
    text(&mut window, "274951");
    window.key_press(Key::Enter);
    window.run();
    let pin = Some(Secret::new("274951"));
    assert_eq!(source.said(), [Command::Approve { on: on(), id: "0a1b2c3d".into(), pin }]);
}

#[test]
fn questions_of_the_device_are_answered_by_the_same_keys() {
    let mut asked = device("phone", vec![token("Front door", State::Closed, None)]);
    asked.prompts =
        vec![Prompt { number: 7, service: "Front door".into(), purpose: "open".into(), ..Prompt::default() }];
    let source = Scripted::new(facts(vec![asked]));
    let mut window = window(&source);
    let answer = |does, pin| Command::Answer { device: "phone".into(), prompt: 7, does, pin };
    for key in [Key::D, Key::X] {
        window.key_press(key);
        window.run();
        assert_eq!(source.said(), [answer("cancel", None)]);
    }
    window.key_press(Key::A);
    window.run();
    text(&mut window, "274951");
    window.key_press(Key::Enter);
    window.run();
    assert_eq!(source.said(), [answer("approve", Some(Secret::new("274951")))]);
}

#[test]
fn the_keys_of_the_terminal_do_the_same_in_the_window() {
    let source = Scripted::new(lively());
    let mut window = window(&source);
    let presses = |window: &mut Harness<'_, Window>, key| {
        window.key_press(key);
        window.run();
        source.said()
    };
    assert_eq!(presses(&mut window, Key::C), [Command::Close(on())]);
    assert_eq!(presses(&mut window, Key::T), [Command::Close(on())]);
    assert_eq!(presses(&mut window, Key::S), [Command::Status(on())]);
    assert_eq!(presses(&mut window, Key::R), [Command::Trace(false)]);
    assert_eq!(presses(&mut window, Key::I).len(), 3);
    for (key, seen) in [
        (Key::V, "Ask now"),
        (Key::B, "Keep everything"),
        (Key::F, "Next time: refuse"),
        (Key::N, "Offline"),
        (Key::P, "Change the PINs"),
    ] {
        assert_eq!(presses(&mut window, key), []);
        assert!(window.query_all_by_label(seen).next().is_some(), "{key:?}");
    }
    // What is typed into the filter is no key.
    assert_eq!(presses(&mut window, Key::Slash), []);
    text(&mut window, "c");
    assert_eq!(presses(&mut window, Key::C), []);
    presses(&mut window, Key::Escape);
    assert_eq!(presses(&mut window, Key::O), []);
    window.get_by_label("PIN to open");
    presses(&mut window, Key::Escape);
    assert_eq!(presses(&mut window, Key::E), []);
    window.get_by_label("New PIN");
}

#[test]
fn the_palette_finds_what_can_be_done() {
    let source = Scripted::new(lively());
    let mut window = window(&source);
    window.key_press_modifiers(Modifiers::COMMAND, Key::K);
    window.run();
    text(&mut window, "offline");
    window.key_press(Key::Enter);
    window.run();
    let network = Command::Network { device: "phone".into(), profile: "offline".into() };
    assert_eq!(source.said(), [network]);
    window.key_press_modifiers(Modifiers::COMMAND, Key::K);
    window.run();
    text(&mut window, "go tablet");
    window.key_press(Key::Enter);
    window.run();
    window.get_by_label("CLOSED");
    assert!(window.query_by_label("Find a command").is_none());
}

#[test]
fn tab_reaches_what_can_be_clicked_and_space_presses_it() {
    let source = Scripted::new(one(State::Open, None));
    let mut window = window(&source);
    for _ in 0..60 {
        window.key_press(Key::Tab);
        window.run();
        if window.get_by_label("Close").is_focused() {
            window.key_press(Key::Space);
            window.run();
            assert_eq!(source.said(), [Command::Close(on())]);
            return;
        }
    }
    panic!("Tab does not reach it");
}

#[test]
fn tab_goes_down_what_is_below_the_devices() {
    let mut window = window(&Scripted::new(one(State::Open, None)));
    window.get_by_label("Name of the new device").focus();
    window.run();
    // Without a name nothing can be added.
    for next in ["Remove this device", "Commands  Ctrl K", "Light"] {
        window.key_press(Key::Tab);
        window.run();
        assert!(window.get_by_label(next).is_focused(), "{next}");
    }
}

#[test]
fn devices_are_made_chosen_and_removed() {
    let source = Scripted::new(lively());
    let mut window = window(&source);
    window.get_by_label("watch, blocked").click();
    window.run();
    window.get_by_label("BLOCKED");
    type_into(&mut window, "Name of the new device", "spare");
    window.run();
    window.get_by_label("Add").click();
    window.run();
    // A click too many removes nothing, and neither does one on another device.
    window.get_by_label("Remove this device").click();
    window.run();
    window.get_by_label("Keep it").click();
    window.run();
    window.get_by_label("Remove this device").click();
    window.run();
    window.get_by_label("phone, open").click();
    window.run();
    window.get_by_label("watch, blocked").click();
    window.run();
    window.get_by_label("Remove this device").click();
    window.run();
    // No removal yet.
    assert_eq!(source.said(), [Command::NewDevice { name: "spare".into() }]);
    window.get_by_label("Really remove watch").click();
    window.run();
    assert_eq!(source.said(), [Command::RemoveDevice { name: "watch".into() }]);
    source.change(|facts| drop(Arc::make_mut(&mut facts.devices).remove("watch")));
    window.run();
    // Another one is shown in its place.
    window.get_by_label("OPEN");
}
