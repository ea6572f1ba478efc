//! The token at its server: whom it is for, its devices, what was done with it, its PINs, and its end.

use std::fmt;

use eframe::egui::{RichText, ScrollArea, Ui};
use zeroize::Zeroize as _;

use crate::face::{Answers, Command, On, Secret, Token, why_no_pins};

use super::pad::{Pad, Purpose};
use super::view::View;
use super::{Scene, parts, theme};

/// What was typed.
#[derive(Default)]
pub(super) struct TokenView {
    label: String,
    pin: String,
    new: String,
    again: String,
    duress: String,
    /// Giving it up was clicked once.
    leaves: bool,
}

impl fmt::Debug for TokenView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenView")
    }
}

impl Drop for TokenView {
    fn drop(&mut self) {
        for secret in [&mut self.pin, &mut self.new, &mut self.again, &mut self.duress] {
            secret.zeroize();
        }
    }
}

pub(super) fn show(ui: &mut Ui, view: &mut View, scene: &mut Scene<'_>) {
    let device = scene.facts.devices.get(&view.device).cloned();
    let Some(token) = device.as_deref().and_then(|device| device.token(view.token.as_deref())) else {
        parts::card(ui, scene.colors, |ui| {
            parts::title(ui, "No token yet");
            parts::faint(ui, "Enroll this device, and what its server says of the token is here.");
        });
        return;
    };
    let on = On { device: view.device.clone(), token: Some(token.id.clone()) };
    let answers = scene.facts.answers(&view.device, &token.id).cloned().unwrap_or_default();
    ScrollArea::vertical().id_salt("token").auto_shrink(false).show(ui, |ui| {
        parts::card(ui, scene.colors, |ui| about(ui, view, scene, token, &answers, &on));
        ui.add_space(theme::GAP);
        parts::card(ui, scene.colors, |ui| siblings(ui, view, scene, &answers, &on));
        ui.add_space(theme::GAP);
        parts::card(ui, scene.colors, |ui| history(ui, scene, &answers, &on));
        ui.add_space(theme::GAP);
        parts::card(ui, scene.colors, |ui| pins(ui, view, scene));
        ui.add_space(theme::GAP);
        parts::card(ui, scene.colors, |ui| end(ui, view, scene));
    });
}

fn about(ui: &mut Ui, view: &mut View, scene: &mut Scene<'_>, token: &Token, answers: &Answers, on: &On) {
    if parts::title_with(ui, token.title(), "Ask whom it is for") {
        scene.say(Command::About(on.clone()));
    }
    parts::fact(ui, "Server", &format!("{}:{}", token.host, token.port));
    if !token.service.is_empty() {
        parts::fact(ui, "Service", &token.service);
    }
    if let Some(about) = &answers.about {
        parts::fact(ui, "Calls itself", &about.service);
        parts::fact(ui, "Calls you", &about.user);
    }
    parts::fact(ui, "Token", &token.id);
    parts::field(ui, "Call it", "Front door", &mut view.token_view.label);
    let is_name = !view.token_view.label.trim().is_empty();
    if ui.add_enabled_ui(is_name, |ui| parts::plain(ui, "Rename")).inner.clicked() {
        let label = std::mem::take(&mut view.token_view.label).trim().to_owned();
        scene.say(Command::Label { on: view.on(scene.facts), label });
    }
}

fn siblings(ui: &mut Ui, view: &mut View, scene: &mut Scene<'_>, answers: &Answers, on: &On) {
    if parts::title_with(ui, "Devices of this token", "Ask for the devices") {
        scene.say(Command::Siblings(on.clone()));
    }
    for sibling in answers.siblings.iter().flatten() {
        ui.horizontal(|ui| {
            let kinds = ["unknown", "Android", "iOS", "Linux", "macOS", "Windows", "bare metal"];
            let kind = kinds.get(usize::from(sibling.platform)).unwrap_or(&"unknown");
            let emulated = if sibling.emulated { ", emulated" } else { "" };
            ui.label(RichText::new(&sibling.device).monospace());
            ui.label(RichText::new(format!("{kind}{emulated}")).small().weak());
            if sibling.this {
                ui.label(RichText::new("this device").small().color(scene.colors.good));
            } else if parts::plain(ui, &format!("Revoke {}", sibling.device)).clicked() {
                view.pad = Some(Pad::new(Purpose::Revoke { other: sibling.device.clone() }));
            }
        });
    }
}

fn history(ui: &mut Ui, scene: &mut Scene<'_>, answers: &Answers, on: &On) {
    if parts::title_with(ui, "What was done with it", "Ask for the history") {
        scene.say(Command::History(on.clone()));
    }
    for deed in answers.history.iter().flatten() {
        let by = deed.device.as_deref().unwrap_or("an administrator");
        ui.horizontal(|ui| {
            ui.label(RichText::new(crate::face::clock(deed.time)).monospace().weak());
            ui.label(&deed.what);
            ui.label(RichText::new(format!("by {by}")).small().weak());
        });
    }
}

fn pins(ui: &mut Ui, view: &mut View, scene: &mut Scene<'_>) {
    parts::title(ui, "PINs");
    let typed = &mut view.token_view;
    ui.columns(2, |columns| {
        parts::hidden(&mut columns[0], "PIN in use", "", &mut typed.pin);
        parts::hidden(&mut columns[1], "Duress PINs to set", "None of the old ones stays", &mut typed.duress);
        parts::hidden(&mut columns[0], "PIN from now on", "", &mut typed.new);
        parts::hidden(&mut columns[1], "PIN from now on, again", "", &mut typed.again);
    });
    let duress: Vec<&str> = typed.duress.split_whitespace().collect();
    let problem = match (typed.new.is_empty(), typed.new == typed.again) {
        (true, _) => None,
        (false, false) => Some("The two PINs differ".to_owned()),
        (false, true) => why_no_pins(&typed.new, &duress).map(|why| parts::sentence(&why)),
    };
    let is_complete = !typed.pin.is_empty() && !typed.new.is_empty() && problem.is_none();
    if let Some(problem) = problem {
        parts::faint(ui, problem);
    }
    if ui.add_enabled_ui(is_complete, |ui| parts::plain(ui, "Change the PINs")).inner.clicked() {
        let duress = typed.duress.split_whitespace().map(Secret::new).collect();
        let (pin, new) = (Secret::new(&typed.pin), Secret::new(&typed.new));
        view.token_view = TokenView::default();
        scene.say(Command::ChangePins { on: view.on(scene.facts), pin, new, duress });
    }
}

fn end(ui: &mut Ui, view: &mut View, scene: &mut Scene<'_>) {
    parts::title(ui, "Give it up");
    parts::faint(ui, "The server is told, and the token is gone. Removing it here tells nobody, and others go on.");
    let mut gives_up = false;
    ui.horizontal(|ui| {
        gives_up = parts::plain(ui, "Give up with the PIN").clicked();
        if !view.token_view.leaves {
            view.token_view.leaves = parts::plain(ui, "Remove here only").clicked();
        } else if parts::filled(ui, "Really remove", scene.colors.bad, scene.colors.card, 120.0).clicked() {
            view.token_view.leaves = false;
            scene.say(Command::Forget(view.on(scene.facts)));
        }
    });
    if gives_up {
        view.pad = Some(Pad::new(Purpose::Unenroll));
    }
}
