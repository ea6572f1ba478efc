//! What waits for the holder: questions of the device, and texts to approve or deny.

use eframe::egui::{Label, RichText, Ui};

use crate::face::{Command, Confirmation, Prompt};

use super::pad::{Pad, Purpose};
use super::view::View;
use super::{Scene, parts, theme};

pub(super) fn show(ui: &mut Ui, view: &mut View, scene: &mut Scene<'_>) {
    if view.pad.is_some() {
        return;
    }
    let Some(device) = scene.facts.devices.get(&view.device).cloned() else { return };
    for prompt in &device.prompts {
        parts::card(ui, scene.colors, |ui| asked(ui, view, scene, prompt));
        ui.add_space(theme::GAP);
    }
    for text in waiting(view, scene) {
        parts::card(ui, scene.colors, |ui| confirmation(ui, view, scene, &text));
        ui.add_space(theme::GAP);
    }
}

/// The texts that wait on the token that is shown.
pub(super) fn waiting(view: &View, scene: &Scene<'_>) -> Vec<Confirmation> {
    let Some(token) = view.on_named(scene.facts).token else { return Vec::new() };
    let answers = scene.facts.answers(&view.device, &token);
    answers.and_then(|answers| answers.confirmations.clone()).unwrap_or_default()
}

/// What a question is for, as a person says it.
pub(super) fn purpose(prompt: &Prompt) -> &'static str {
    match prompt.purpose.as_str() {
        "open" => "open",
        "approve" => "approve a text",
        "change-pins" => "change the PINs",
        "unenroll" => "give the token up",
        "revoke-device" => "revoke a device",
        _ => "go on",
    }
}

fn asked(ui: &mut Ui, view: &mut View, scene: &mut Scene<'_>, prompt: &Prompt) {
    let what = purpose(prompt);
    let service = if prompt.service.is_empty() { "The device" } else { &prompt.service };
    parts::title(ui, &format!("{service} asks for the PIN to {what}"));
    if let Some(text) = &prompt.text {
        ui.add(Label::new(RichText::new(text).strong()).wrap());
    }
    parts::faint(ui, format!("Asked {} s ago by a program or a command", scene.now.saturating_sub(prompt.asked_at)));
    let mut types = false;
    ui.horizontal_wrapped(|ui| {
        types = parts::plain(ui, "Type the PIN").on_hover_text("A").clicked();
        for (name, does, hint) in [
            ("Say no", "cancel", "D: the holder refuses"),
            ("Do not look", "ignore", "As if a minute had passed without an answer"),
            ("Type a wrong one", "wrong-pin", "A PIN that nobody has"),
        ] {
            if parts::plain(ui, name).on_hover_text(hint).clicked() {
                scene.say(answer(view, prompt, does));
            }
        }
    });
    if types {
        self::types(view, prompt);
    }
}

/// Asks for the PIN that a question is answered with.
pub(super) fn types(view: &mut View, prompt: &Prompt) {
    view.pad = Some(Pad::new(Purpose::Answer { prompt: prompt.number, what: purpose(prompt).to_owned() }));
}

/// Answers a question without a PIN.
pub(super) fn answer(view: &View, prompt: &Prompt, does: &'static str) -> Command {
    Command::Answer { device: view.device.clone(), prompt: prompt.number, does, pin: None }
}

fn confirmation(ui: &mut Ui, view: &mut View, scene: &mut Scene<'_>, text: &Confirmation) {
    parts::title(ui, "Approve this?");
    ui.add(Label::new(RichText::new(&text.text).size(16.0).strong()).wrap());
    parts::faint(
        ui,
        format!("Until {} by the server's clock. What you see is what is signed.", clock(text.expires_at)),
    );
    let colors = scene.colors;
    ui.horizontal(|ui| {
        let width = (ui.available_width() - 8.0) / 2.0;
        if parts::filled(ui, "Approve", colors.good, colors.card, width).on_hover_text("A").clicked() {
            approve(view, text);
        }
        if parts::filled(ui, "Deny", colors.bad, colors.card, width).on_hover_text("D").clicked() {
            scene.say(deny(view, scene, text, "unsaid"));
        }
    });
    if parts::quiet(ui, "Deny: it was not me").clicked() {
        scene.say(deny(view, scene, text, "not-me"));
    }
}

fn clock(unix: u64) -> String {
    crate::face::clock(unix)
}

/// Asks for the PIN to approve a text with.
pub(super) fn approve(view: &mut View, text: &Confirmation) {
    view.pad = Some(Pad::new(Purpose::Approve { id: text.id.clone(), text: text.text.clone() }));
}

/// Denies a text.
pub(super) fn deny(view: &View, scene: &Scene<'_>, text: &Confirmation, reason: &'static str) -> Command {
    Command::Deny { on: view.on(scene.facts), id: text.id.clone(), reason }
}
