//! What a person does from beginning to end, with the mouse or with the keyboard alone.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use eframe::egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;

use super::super::Window;
use super::scripted::{Scripted, asking, device, facts, lively, one};
use super::{type_into, window};
use crate::face::{Command, Invitation, On, Secret, State, Working};

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
    assert_eq!(source.said(), [enroll]);
    // Nothing of it stays in the window.
    assert!(window.query_by_label("New PIN").is_none());
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
    window.get_by_label("Remove this device").click();
    window.run();
    let expected = [Command::NewDevice { name: "spare".into() }, Command::RemoveDevice { name: "watch".into() }];
    assert_eq!(source.said(), expected);
    source.change(|facts| drop(Arc::make_mut(&mut facts.devices).remove("watch")));
    window.run();
    // Another one is shown in its place.
    window.get_by_label("OPEN");
}
