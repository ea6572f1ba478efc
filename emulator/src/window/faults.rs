//! What can be made to go wrong, and what is.

use eframe::egui::{Align, Label, Layout, RichText, ScrollArea, Ui};

use crate::face::{Command, Fault, FaultRule};

use super::view::View;
use super::{Scene, parts, theme};

/// What is looked for.
#[derive(Debug, Default)]
pub(super) struct FaultView {
    pub(super) filter: String,
    /// To all devices, and not only the one that is shown.
    all: bool,
}

pub(super) fn show(ui: &mut Ui, view: &mut View, scene: &mut Scene<'_>) {
    if !scene.facts.faults.is_empty() {
        parts::card(ui, scene.colors, |ui| armed(ui, scene));
        ui.add_space(theme::GAP);
    }
    ui.horizontal_wrapped(|ui| {
        let edit = eframe::egui::TextEdit::singleline(&mut view.faults.filter).hint_text("Search: replay, net, clock");
        let edit = ui.add(edit.desired_width(250.0).margin(eframe::egui::Margin::symmetric(10, 8)));
        edit.widget_info(|| {
            eframe::egui::WidgetInfo::labeled(eframe::egui::Role::TextInput, true, "Search the faults")
        });
        ui.checkbox(&mut view.faults.all, "To every device");
    });
    ui.add_space(theme::NEAR);
    let wanted = view.faults.filter.to_lowercase();
    let device = (!view.faults.all).then(|| view.device.clone());
    let catalogue = std::sync::Arc::clone(&scene.facts.catalogue);
    ScrollArea::vertical().id_salt("faults").auto_shrink(false).show(ui, |ui| {
        for fault in catalogue.iter().filter(|fault| matches(fault, &wanted)) {
            parts::card(ui, scene.colors, |ui| entry(ui, scene, fault, device.as_deref()));
            ui.add_space(theme::NEAR);
        }
    });
}

fn matches(fault: &Fault, wanted: &str) -> bool {
    let text = format!("{} {} {}", fault.name, fault.layer, fault.what).to_lowercase();
    wanted.split_whitespace().all(|word| text.contains(word))
}

fn armed(ui: &mut Ui, scene: &mut Scene<'_>) {
    ui.horizontal(|ui| {
        parts::title(ui, "Armed");
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if parts::plain(ui, "Clear all faults").clicked() {
                scene.say(Command::ClearFaults);
            }
        });
    });
    let rules = std::sync::Arc::clone(&scene.facts.faults);
    for rule in rules.iter() {
        ui.horizontal(|ui| {
            let ink = if rule.spent { scene.colors.faint } else { scene.colors.bad };
            ui.label(RichText::new(&rule.fault).strong().color(ink));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if parts::quiet(ui, &format!("Remove {}", rule.id)).clicked() {
                    scene.say(Command::Disarm { id: rule.id.clone() });
                }
                ui.add(Label::new(RichText::new(count(rule)).small().weak()).truncate());
            });
        });
    }
}

/// How often it has happened, of how often it may.
fn count(rule: &FaultRule) -> String {
    let most = rule.times.map(|times| format!(" of at most {times}")).unwrap_or_default();
    let spent = if rule.spent { ", spent" } else { "" };
    format!("happened {}{most}, at {} occasions{spent}", rule.hits, rule.seen)
}

fn entry(ui: &mut Ui, scene: &mut Scene<'_>, fault: &Fault, device: Option<&str>) {
    ui.horizontal(|ui| {
        ui.add(Label::new(RichText::new(&fault.name).strong()));
        ui.label(RichText::new(&fault.layer).small().weak());
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            for (text, times) in [("Always", None), ("Next time", Some(1))] {
                let button = parts::plain(ui, text);
                let said = format!("{text}: {}", fault.name);
                button.widget_info(|| eframe::egui::WidgetInfo::labeled(eframe::egui::Role::Button, true, &said));
                if button.clicked() {
                    let device = device.map(str::to_owned);
                    scene.say(Command::Arm { fault: fault.name.clone(), times, device });
                }
            }
        });
    });
    ui.add(Label::new(&fault.what).wrap());
    parts::faint(ui, format!("Device: {}. Server: {}.", fault.device, fault.server));
}
