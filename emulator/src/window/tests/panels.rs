//! What each panel says, found as a screen reader finds it.

use eframe::egui::Role;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::super::view::Tab;
use super::scripted::{Scripted, answered, asked, asking, device, facts, kept, lively, misbehaving, one, token};
use super::{themed, type_into, window};
use crate::face::{Command, Facts, Link, On, Prompt, State};

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
    window.get_by_label("MISBEHAVING ON PURPOSE: ack-lost ×1");
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
fn what_takes_something_away_is_clicked_twice_and_what_was_kept_is_gone_back_to() {
    let source = Scripted::new(kept());
    let mut window = window(&source);
    window.get_by_label("Copies").click();
    window.run();
    type_into(&mut window, "Name of what is kept", "after-lunch");
    window.get_by_label("Keep everything").click();
    window.run();
    window.get_by_label("cardea-emulator snap save after-lunch");
    window.get_by_label("5 devices, 11:18:00 UTC");
    window.get_by_label("1 device, 11:51:00 UTC");
    window.get_by_label("Go back to baseline").click();
    window.run();
    // Another one is not meant by the second click.
    assert!(window.query_by_label("Really go back to one-phone").is_none());
    window.get_by_label("Leave it").click();
    window.run();
    window.get_by_label("Go back to baseline").click();
    window.run();
    window.get_by_label("Really go back to baseline").click();
    window.run();
    window.get_by_label("Forget one-phone").click();
    window.run();
    let expected = [
        Command::SnapSave("after-lunch".into()),
        Command::SnapLoad("baseline".into()),
        Command::SnapRemove("one-phone".into()),
    ];
    assert_eq!(source.said(), expected);
}

#[test]
fn a_device_is_copied_made_new_and_shown_under_its_new_name() {
    let source = Scripted::new(kept());
    let mut window = window(&source);
    window.get_by_label("Copies").click();
    window.run();
    type_into(&mut window, "Another name", "evil");
    window.get_by_label("Make a copy").click();
    window.run();
    window.get_by_label("Make phone new").click();
    window.run();
    window.get_by_label("Really make phone new").click();
    window.run();
    type_into(&mut window, "Another name", "old-phone");
    window.get_by_label("Rename").click();
    window.run();
    let device = || "phone".to_owned();
    let expected = [
        Command::Clone { device: device(), new: "evil".into() },
        Command::Reset { device: device() },
        Command::Rename { device: device(), new: "old-phone".into() },
    ];
    assert_eq!(source.said(), expected);
    source.change(|facts| {
        let mut devices = (*facts.devices).clone();
        let mut phone = (*devices.remove("phone").unwrap()).clone();
        phone.name = "old-phone".into();
        devices.insert(phone.name.clone(), std::sync::Arc::new(phone));
        facts.devices = std::sync::Arc::new(devices);
    });
    window.run();
    window.get_by_label("The device old-phone");
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
fn what_was_done_is_saved_as_a_scenario_where_that_can_be() {
    let without = window(&Scripted::new(lively()));
    assert_eq!(without.query_by_label("Save as a scenario").is_some(), cfg!(feature = "embedded-server"));
    // Whether another program can is for that to say.
    let source = Scripted::new(Facts { link: Link::Attached("/run/control.sock".into()), ..lively() });
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

#[test]
fn a_relying_party_asks_once_everything_is_said_and_the_answers_stay() {
    let source = Scripted::new(asked());
    let mut window = window(&source);
    window.get_by_label("Check").click();
    window.run();
    for answer in ["joe is open", "ann is closed", "eve is blocked"] {
        window.get_by_label(answer);
    }
    type_into(&mut window, "Address of the token API", "https://id.example");
    type_into(&mut window, "Name of the service", "default_demo");
    type_into(&mut window, "Whose token", "joe");
    window.get_by_label("Ask now").click();
    window.run();
    assert_eq!(source.said(), []);
    type_into(&mut window, "File with an authkey", "status.key");
    window.get_by_label("Ask now").click();
    window.run();
    let whom = crate::face::Whom {
        server: "https://id.example".into(),
        service: "default_demo".into(),
        authkey_file: "status.key".into(),
    };
    assert_eq!(source.said(), [Command::Check { whom, user: "joe".into() }]);
}

#[test]
fn nothing_lies_upon_another_or_beyond_the_edge_in_the_smallest_window() {
    let least = super::super::open::LEAST;
    let mut beyond = Vec::new();
    for tab in Tab::ALL {
        let mut window = super::sized(&Scripted::new(misbehaving()), super::Theme::Light, 1.0, least);
        window.get_by_role_and_label(Role::Button, tab.title()).click();
        window.run();
        let tabs = Tab::ALL.map(|tab| (tab.title(), window.get_by_role_and_label(Role::Button, tab.title()).rect()));
        for (number, (left, at)) in tabs.iter().enumerate() {
            for (right, other) in &tabs[number + 1..] {
                assert!(!at.intersects(*other), "{left} at {at} and {right} at {other}");
            }
        }
        let nodes = window.query_all(egui_kittest::kittest::By::default());
        let nodes: Vec<_> = nodes.map(|node| node.accesskit_node()).collect();
        for (node, rect) in nodes.iter().filter_map(|node| Some((node, node.raw_bounds()?))) {
            let said = node.label().or(node.value()).unwrap_or_default();
            if rect.x1 > f64::from(least.x) {
                beyond.push(format!("{tab:?}: {said:?}, a {:?}, ends at {}", node.role(), rect.x1));
            }
        }
    }
    assert!(beyond.is_empty(), "{beyond:#?}");
}
