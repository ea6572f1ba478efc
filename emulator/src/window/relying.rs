//! What relying parties are told of a token: the other side, asked when somebody wants to know.

use eframe::egui::{RichText, ScrollArea, Ui, vec2};

use crate::face::{Asked, Command, Shape, Tone, Whom};

use super::view::View;
use super::{Scene, padlock, parts, theme};

/// What was typed.
#[derive(Debug, Default)]
pub(super) struct RelyingView {
    server: String,
    service: String,
    user: String,
    authkey_file: String,
}

impl RelyingView {
    /// What is asked, once everything is there.
    fn question(&self) -> Option<Command> {
        let texts = [&self.server, &self.service, &self.user, &self.authkey_file].map(|text| text.trim().to_owned());
        if texts.iter().any(String::is_empty) {
            return None;
        }
        let [server, service, user, file] = texts;
        Some(Command::Check { whom: Whom { server, service, authkey_file: file.into() }, user })
    }
}

pub(super) fn show(ui: &mut Ui, view: &mut View, scene: &mut Scene<'_>) {
    ScrollArea::vertical().id_salt("relying").auto_shrink(false).show(ui, |ui| {
        parts::card(ui, scene.colors, |ui| question(ui, view, scene));
        ui.add_space(theme::GAP);
        parts::card(ui, scene.colors, |ui| answers(ui, scene));
    });
}

fn question(ui: &mut Ui, view: &mut View, scene: &mut Scene<'_>) {
    parts::title(ui, "Ask as a relying party");
    parts::faint(ui, "What a door, a server or a deployment is told that asks for somebody's token.");
    ui.add_space(theme::NEAR);
    let typed = &mut view.relying;
    ui.columns(2, |columns| {
        parts::field(&mut columns[0], "Address of the token API", "https://id.example", &mut typed.server);
        parts::field(&mut columns[1], "Name of the service", "default_demo", &mut typed.service);
        parts::field(&mut columns[0], "Whose token", "joe", &mut typed.user);
        parts::field(&mut columns[1], "File with an authkey", "status.key", &mut typed.authkey_file);
    });
    ui.add_space(theme::NEAR);
    let question = typed.question();
    let is_asking = scene.facts.working.iter().any(|work| work.verb == "check");
    let text = if is_asking { "Asking" } else { "Ask now" };
    let asked = ui
        .add_enabled_ui(question.is_some() && !is_asking, |ui| parts::primary(ui, scene.colors, text, 120.0).clicked());
    if let (true, Some(question)) = (asked.inner, question) {
        scene.say(question);
    }
}

fn answers(ui: &mut Ui, scene: &Scene<'_>) {
    parts::title(ui, "What was answered");
    if scene.facts.asked.is_empty() {
        parts::faint(ui, "Nobody has asked yet.");
    }
    for asked in scene.facts.asked.iter().rev() {
        ui.horizontal(|ui| answer(ui, scene, asked));
    }
}

fn answer(ui: &mut Ui, scene: &Scene<'_>, asked: &Asked) {
    let (shape, tone) = match (asked.is_open, asked.word) {
        (true, _) => (Shape::Open, Tone::Good),
        (false, "closed") => (Shape::Closed, Tone::Calm),
        (false, _) => (Shape::Barred, Tone::Bad),
    };
    let (rect, _) = ui.allocate_exact_size(vec2(24.0, 24.0), eframe::egui::Sense::hover());
    padlock::small(ui.painter(), rect.center(), shape, scene.colors.tone(tone), scene.colors.card);
    ui.label(RichText::new(crate::face::clock(asked.at)).monospace().weak());
    ui.label(RichText::new(format!("{} is {}", asked.user, asked.word)).color(scene.colors.tone(tone)));
    ui.label(RichText::new(format!("at {}, in {} ms", asked.service, asked.took_ms)).small().weak());
}
