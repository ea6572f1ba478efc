//! What each panel says, found as a screen reader finds it.

use egui_kittest::kittest::Queryable as _;

use super::scripted::{Scripted, answered, asking, device, facts, lively, misbehaving, one, token};
use super::{themed, type_into, window};
use crate::face::{Command, Link, On, Prompt, State};

#[test]
fn the_lock_card_says_it_in_a_word_and_a_shape_with_a_name() {
    for (state, remaining, word, says) in [
        (State::Open, Some(228), "OPEN", "3:48 left"),
        (State::Closed, None, "CLOSED", "Who asks is told no: doors stay shut"),
        (State::Blocked, Some(90), "BLOCKED", "1:30 left"),
        (State::NotEnrolled, None, "REVOKED", "The server does not know this token any more"),
    ] {
        let window = window(&Scripted::new(one(state, remaining)));
        window.get_by_label(word);
        window.get_by_label(says);
        window.get_by_label(&format!("Lock: {word}"));
        window.get_by_label(&format!("phone, {}", word.to_lowercase()));
    }
}

#[test]
fn what_may_be_out_of_date_says_so() {
    let source = Scripted::new(one(State::Open, Some(228)));
    let mut window = window(&source);
    window.get_by_label_contains("The server said so");
    source.change_device("phone", |device| device.tokens[0].online = Some(false));
    window.run();
    window.get_by_label_contains("Stale since 11:59:48");
    source.change(|facts| facts.link = Link::Lost("The emulator has ended".into()));
    window.run();
    window.get_by_label("GONE");
}

#[test]
fn a_device_without_a_token_offers_to_enroll_and_nothing_else() {
    let source = Scripted::new(facts(vec![device("phone", vec![])]));
    let window = window(&source);
    window.get_by_label("NOT ENROLLED");
    window.get_by_label("Enroll");
    assert!(window.query_by_label("Open").is_none() && window.query_by_label("Close").is_none());
}

#[test]
fn of_several_tokens_the_one_that_was_chosen_is_told() {
    let tokens = vec![token("Front door", State::Closed, None), token("Payroll", State::Open, None)];
    let source = Scripted::new(facts(vec![device("phone", tokens)]));
    let mut window = window(&source);
    window.get_by_label("CLOSED");
    window.get_by_label("Payroll").click();
    window.run();
    window.get_by_label("OPEN");
    window.get_by_label("Close").click();
    window.run();
    let on = On { device: "phone".into(), token: Some(format!("{:0>32}", "Payroll".len())) };
    assert_eq!(source.said(), [Command::Close(on)]);
}

#[test]
fn the_banner_is_there_while_anything_goes_wrong_on_purpose_and_no_longer() {
    let source = Scripted::new(misbehaving());
    let mut window = window(&source);
    window.get_by_label("MISBEHAVING ON PURPOSE: ack-lost ×0");
    window.get_by_label("Behave again").click();
    window.run();
    assert_eq!(source.said(), [Command::ClearFaults]);
    window.get_by_label("Show").click();
    window.run();
    window.get_by_label("happened 1 of at most 1, at 3 occasions, spent");
    window.get_by_label("Remove rule-2").click();
    window.run();
    assert_eq!(source.said(), [Command::Disarm { id: "rule-2".into() }]);
    source.change(|facts| facts.faults = std::sync::Arc::default());
    window.run();
    assert!(window.query_by_label_contains("MISBEHAVING").is_none());
}

#[test]
fn faults_are_found_by_a_word_and_armed_once_or_always() {
    let source = Scripted::new(lively());
    let mut window = window(&source);
    window.get_by_label("Faults").click();
    window.run();
    type_into(&mut window, "Search the faults", "bit-flip");
    window.run();
    window.get_by_label("Next time: bit-flip").click();
    window.run();
    window.get_by_label("To every device").click();
    window.run();
    window.get_by_label("Always: bit-flip").click();
    window.run();
    let arm = |times, device: Option<&str>| Command::Arm {
        fault: "bit-flip".into(),
        times,
        device: device.map(str::to_owned),
    };
    assert_eq!(source.said(), [arm(Some(1), Some("phone")), arm(None, None)]);
    window.get_by_label("cardea-emulator fault add bit-flip");
}

#[test]
fn the_timeline_has_events_and_frames_with_a_filter_and_a_detail() {
    let source = Scripted::new(lively());
    let mut window = window(&source);
    let frame = "OPEN from id.example.com:7433: S1, authentic, 118 bytes";
    window.get_by_label(frame);
    window.get_by_label("The token is open");
    type_into(&mut window, "Filter the timeline", "open s1");
    window.run();
    assert!(window.query_by_label("The token is open").is_none());
    window.get_by_label(frame).click();
    window.run();
    window.get_by_label("frame on phone");
    window.get_by_label_contains("[signature 1]");
    window.get_by_label("Close the detail").click();
    window.run();
    assert!(window.query_by_label("frame on phone").is_none());
    window.get_by_label("Stop recording frames").click();
    window.run();
    assert_eq!(source.said(), [Command::Trace(false)]);
}

#[test]
fn what_was_done_is_saved_as_a_scenario() {
    let source = Scripted::new(lively());
    let mut window = window(&source);
    window.get_by_label("Save as a scenario").click();
    window.run();
    window.get_by_label("cardea-emulator scenario record byhand.yaml");
    type_into(&mut window, "File for the scenario", "my-day.yaml");
    window.get_by_label("Save as a scenario").click();
    window.run();
    let expected = ["byhand.yaml", "my-day.yaml"].map(|file| Command::Record(file.into()));
    assert_eq!(source.said(), expected);
}

#[test]
fn network_time_and_holder_are_a_click_each() {
    let source = Scripted::new(lively());
    let mut window = window(&source);
    window.get_by_label("Conditions").click();
    window.run();
    for name in
        ["Lossy WiFi", "Stop time", "1 h later", "1 min behind", "Waits for me", "Hears what servers say unasked"]
    {
        window.get_by_label(name).click();
        window.run();
    }
    let device = || "phone".to_owned();
    let expected = [
        Command::Network { device: device(), profile: "lossy-wifi".into() },
        Command::Freeze(true),
        Command::Advance(3_600),
        Command::Skew { device: device(), seconds: -60 },
        Command::Habit { device: device(), does: "wait".into() },
        Command::Watch { device: device(), watch: false },
    ];
    assert_eq!(source.said(), expected);
    window.get_by_label("cardea-emulator --device phone device rest");
}

#[test]
fn what_the_server_says_of_a_token_is_asked_for_and_shown() {
    let source = Scripted::new(answered());
    let mut window = window(&source);
    window.get_by_label("Token").click();
    window.run();
    window.get_by_label("ada");
    window.get_by_label("by 5f0c11a2");
    for name in ["Ask whom it is for", "Ask for the devices", "Ask for the history"] {
        window.get_by_label(name).click();
        window.run();
    }
    assert_eq!(source.said().iter().map(Command::verb).collect::<Vec<_>>(), ["info", "devices", "history"]);
    window.get_by_label("Revoke 91be0d44").click();
    window.run();
    window.get_by_label("PIN to revoke device 91be0d44");
}

#[test]
fn a_text_is_approved_with_the_pin_and_denied_without() {
    let source = Scripted::new(asking());
    let mut window = window(&source);
    window.get_by_label("Transfer 250.00 EUR to Ada Lovelace");
    window.get_by_label("Deny").click();
    window.run();
    let on = On { device: "phone".into(), token: None };
    assert_eq!(source.said(), [Command::Deny { on, id: "0a1b2c3d".into(), reason: "unsaid" }]);
    window.get_by_label("Approve").click();
    window.run();
    window.get_by_label("PIN to approve");
    // What is signed is still in sight.
    window.get_by_label("Transfer 250.00 EUR to Ada Lovelace");
}

#[test]
fn a_question_of_the_device_is_answered_here() {
    let source = Scripted::new(one(State::Closed, None));
    let ask = Prompt { number: 3, service: "Front door".into(), purpose: "open".into(), ..Prompt::default() };
    source.change_device("phone", |device| device.prompts = vec![ask]);
    let mut window = window(&source);
    window.get_by_label("ASKED");
    window.get_by_label("Front door asks for the PIN to open");
    window.get_by_label("Say no").click();
    window.run();
    let answer = Command::Answer { device: "phone".into(), prompt: 3, does: "cancel", pin: None };
    assert_eq!(source.said(), [answer]);
}

#[test]
fn every_control_has_a_name_on_every_panel_light_and_dark_and_at_every_scale() {
    for (shown, pixels) in
        [(eframe::egui::Theme::Light, 1.0), (eframe::egui::Theme::Dark, 2.0), (eframe::egui::Theme::Dark, 3.0)]
    {
        let source = Scripted::new(misbehaving());
        let mut window = themed(&source, shown, pixels);
        for tab in ["Token", "Conditions", "Faults", "Timeline"] {
            window.get_by_label(tab).click();
            window.run();
            let unnamed = window.unnamed_widgets();
            assert!(unnamed.is_empty(), "{tab}: {unnamed:?}");
        }
    }
}
