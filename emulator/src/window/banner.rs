//! While anything is made to go wrong, it is said where nobody overlooks it.

use eframe::egui::{Align, Button, Color32, Frame, Label, Layout, Margin, RichText, Ui};

use crate::face::{Command, FaultRule};

use super::Scene;
use super::view::{Tab, View};

pub(super) fn show(ui: &mut Ui, view: &mut View, scene: &mut Scene<'_>) {
    let ink = if ui.visuals().dark_mode { Color32::from_rgb(0x20, 0x08, 0x0a) } else { Color32::WHITE };
    Frame::new().inner_margin(Margin::symmetric(16, 6)).show(ui, |ui| {
        ui.horizontal(|ui| {
            let names: Vec<String> =
                (scene.facts.faults.iter().filter(|rule| !rule.spent).take(4)).map(FaultRule::armed).collect();
            let text = format!("MISBEHAVING ON PURPOSE: {}", names.join(", "));
            ui.add(Label::new(RichText::new(text).strong().color(ink)).truncate());
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let button =
                    |text: &str| Button::new(RichText::new(text).color(ink)).fill(Color32::from_black_alpha(40));
                if ui.add(button("Behave again")).clicked() {
                    scene.say(Command::ClearFaults);
                }
                if ui.add(button("Show")).clicked() {
                    view.tab = Tab::Faults;
                }
            });
        });
    });
}
