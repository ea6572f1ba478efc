//! What is around a device: its network, the time, and who holds it.

use eframe::egui::{ScrollArea, Ui};

use crate::face::{Command, Device, HABITS, NETWORKS};

use super::view::View;
use super::{Scene, parts, theme};

pub(super) fn show(ui: &mut Ui, view: &mut View, scene: &mut Scene<'_>) {
    let Some(device) = scene.facts.devices.get(&view.device).cloned() else {
        parts::faint(ui, "Make a device to begin");
        return;
    };
    ScrollArea::vertical().id_salt("conditions").auto_shrink(false).show(ui, |ui| {
        parts::card(ui, scene.colors, |ui| network(ui, scene, &device));
        ui.add_space(theme::GAP);
        parts::card(ui, scene.colors, |ui| time(ui, scene, &device));
        ui.add_space(theme::GAP);
        parts::card(ui, scene.colors, |ui| holder(ui, scene, &device));
    });
}

fn network(ui: &mut Ui, scene: &mut Scene<'_>, device: &Device) {
    parts::title(ui, &format!("Network of {}", device.name));
    parts::faint(ui, "What it is like between this device and its servers, also for what is under way.");
    ui.horizontal_wrapped(|ui| {
        for (text, profile, hint) in NETWORKS {
            if parts::choice(ui, scene.colors, text, device.network == profile).on_hover_text(hint).clicked() {
                scene.say(Command::Network { device: device.name.clone(), profile: profile.to_owned() });
            }
        }
    });
    let mut listens = device.watched;
    if ui.checkbox(&mut listens, "Hears what servers say unasked").changed() {
        scene.say(Command::Watch { device: device.name.clone(), watch: listens });
    }
}

fn time(ui: &mut Ui, scene: &mut Scene<'_>, device: &Device) {
    parts::title(ui, "Time");
    let stands = if scene.facts.clock.frozen { ", and stands still" } else { "" };
    parts::fact(ui, "All devices", &format!("{} UTC{stands}", crate::face::clock(scene.now)));
    let skew = device.clock.skew_seconds;
    let off = match skew {
        0 => "right".to_owned(),
        1.. => format!("{skew} s ahead"),
        _ => format!("{} s behind", skew.unsigned_abs()),
    };
    parts::fact(ui, &device.name, &off);
    ui.horizontal_wrapped(|ui| {
        let frozen = scene.facts.clock.frozen;
        if parts::plain(ui, if frozen { "Let time go on" } else { "Stop time" }).clicked() {
            scene.say(Command::Freeze(!frozen));
        }
        for (text, seconds) in [("1 min later", 60), ("1 h later", 3_600), ("1 day later", 86_400)] {
            if parts::plain(ui, text).clicked() {
                scene.say(Command::Advance(seconds));
            }
        }
    });
    ui.horizontal_wrapped(|ui| {
        for (text, by) in [("1 min ahead", 60), ("1 h ahead", 3_600), ("1 min behind", -60), ("1 h behind", -3_600)] {
            if parts::plain(ui, text).on_hover_text("The clock of this device alone").clicked() {
                scene.say(Command::Skew { device: device.name.clone(), seconds: by });
            }
        }
        if skew != 0 && parts::plain(ui, "Set the clock right").clicked() {
            scene.say(Command::Skew { device: device.name.clone(), seconds: 0 });
        }
    });
}

fn holder(ui: &mut Ui, scene: &mut Scene<'_>, device: &Device) {
    parts::title(ui, &format!("Who holds {}", device.name));
    parts::faint(ui, "What they do when a program or a command asks for the PIN. What you type here is always typed.");
    let now = scene.facts.habits.get(&device.name).map(|habit| habit.outcome.clone()).unwrap_or_default();
    ui.horizontal_wrapped(|ui| {
        for (text, does, hint) in HABITS {
            if parts::choice(ui, scene.colors, text, now == does).on_hover_text(hint).clicked() {
                scene.say(Command::Habit { device: device.name.clone(), does: does.to_owned() });
            }
        }
    });
    ui.menu_button("Only next time", |ui| {
        for (text, does, hint) in HABITS {
            if ui.button(format!("Next: {text}")).on_hover_text(hint).clicked() {
                scene.say(Command::Next { device: device.name.clone(), does: does.to_owned() });
                ui.close();
            }
        }
    });
}
