//! Going back, and copies: what the session was at a moment, and what a device can be made.

use eframe::egui::{Align, Label, Layout, RichText, Role, ScrollArea, Ui, WidgetInfo, vec2};

use crate::face::{Command, Snapshot};

use super::view::View;
use super::{Scene, parts, theme};

/// What was typed, and what was clicked once.
#[derive(Debug, Default)]
pub(super) struct CopiesView {
    snapshot: String,
    device: String,
    /// What was clicked once that takes something away: a second click does it.
    once: Option<Command>,
}

pub(super) fn show(ui: &mut Ui, view: &mut View, scene: &mut Scene<'_>) {
    ScrollArea::vertical().id_salt("copies").auto_shrink(false).show(ui, |ui| {
        parts::card(ui, scene.colors, |ui| session(ui, view, scene));
        if !view.device.is_empty() {
            ui.add_space(theme::GAP);
            parts::card(ui, scene.colors, |ui| device(ui, view, scene));
        }
    });
}

fn session(ui: &mut Ui, view: &mut View, scene: &mut Scene<'_>) {
    parts::title(ui, "What was kept");
    parts::faint(
        ui,
        "All devices with their tokens, holders, networks and clocks. Servers are not told when it is made so again: a device \
         that was used since looks to them like a copy.",
    );
    ui.add_space(theme::NEAR);
    let kept = named(ui, "Name of what is kept", "baseline", &mut view.copies.snapshot, &["Keep everything"]);
    if let Some((name, _)) = kept {
        scene.say(Command::SnapSave(name));
    }
    for snapshot in &*std::sync::Arc::clone(&scene.facts.snapshots) {
        ui.horizontal(|ui| line(ui, view, scene, snapshot));
    }
}

fn line(ui: &mut Ui, view: &mut View, scene: &mut Scene<'_>, snapshot: &Snapshot) {
    ui.add(Label::new(RichText::new(&snapshot.name).strong()).truncate());
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let name = &snapshot.name;
        let forget = parts::quiet(ui, "Forget");
        forget.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Forget {name}")));
        if forget.clicked() {
            scene.say(Command::SnapRemove(name.clone()));
        }
        twice(ui, view, scene, ["Go back", &format!("Go back to {name}")], Command::SnapLoad(name.clone()));
        let count = snapshot.devices.len();
        let devices = if count == 1 { "1 device".to_owned() } else { format!("{count} devices") };
        let when = crate::face::clock(snapshot.taken_at);
        ui.add(Label::new(RichText::new(format!("{devices}, {when} UTC")).small().weak()).truncate());
    });
}

fn device(ui: &mut Ui, view: &mut View, scene: &mut Scene<'_>) {
    parts::title(ui, &format!("The device {}", view.device));
    parts::faint(ui, "A copy has the same tokens and keys: servers find out once both are used.");
    ui.add_space(theme::NEAR);
    let device = view.device.clone();
    match named(ui, "Another name", "spare-phone", &mut view.copies.device, &["Make a copy", "Rename"]) {
        Some((new, "Make a copy")) => scene.say(Command::Clone { device, new }),
        Some((new, _)) => {
            view.renamed = Some(new.clone());
            scene.say(Command::Rename { device, new });
        }
        None => {}
    }
    ui.add_space(theme::NEAR);
    let device = view.device.clone();
    let new = format!("Make {device} new");
    ui.horizontal_wrapped(|ui| twice(ui, view, scene, [&new; 2], Command::Reset { device: device.clone() }));
    ui.add_space(theme::NEAR);
    parts::faint(ui, "To a file, sealed with a passphrase, and from one:");
    let program = &scene.facts.program;
    for line in [format!("device export {device} {device}.json"), format!("device import {device}.json")] {
        let size = vec2(ui.available_width(), 30.0);
        ui.allocate_ui(size, |ui| parts::command_line(ui, scene.colors, &format!("{program} {line}")));
    }
}

/// A field for a name, and buttons that do something with it: which was clicked, and the name.
fn named<'a>(ui: &mut Ui, name: &str, hint: &str, text: &mut String, does: &[&'a str]) -> Option<(String, &'a str)> {
    let mut clicked = None;
    ui.horizontal_wrapped(|ui| {
        let edit = eframe::egui::TextEdit::singleline(text).hint_text(hint.to_owned());
        let edit = ui.add(edit.desired_width(200.0).margin(eframe::egui::Margin::symmetric(10, 8)));
        edit.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, name));
        let is_name = !text.trim().is_empty();
        for does in does {
            if ui.add_enabled_ui(is_name, |ui| parts::plain(ui, does)).inner.clicked() {
                clicked = Some(*does);
            }
        }
    });
    clicked.map(|does| (std::mem::take(text).trim().to_owned(), does))
}

/// A second click does it: it takes away what is there. What is read on it, and what it is called where that is not seen.
fn twice(ui: &mut Ui, view: &mut View, scene: &mut Scene<'_>, [text, name]: [&str; 2], command: Command) {
    if view.copies.once.as_ref() != Some(&command) {
        let button = parts::plain(ui, text);
        button.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
        if button.clicked() {
            view.copies.once = Some(command);
        }
        return;
    }
    let really = parts::short(ui, &format!("Really {}", text.to_lowercase()), scene.colors.bad);
    really.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Really {}", name.to_lowercase())));
    if really.on_hover_text("What is there now is gone; no server is told").clicked() {
        view.copies.once = None;
        scene.say(command);
    }
    if parts::quiet(ui, "Leave it").clicked() {
        view.copies.once = None;
    }
}
