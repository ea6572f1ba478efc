//! What came of what was said, and the command line that says the same.

use eframe::egui::{Align, Layout, RichText, Ui};

use super::view::View;
use super::{Scene, parts};

pub(super) fn show(ui: &mut Ui, view: &mut View, scene: &mut Scene<'_>) {
    if let Some(notice) = scene.facts.notices.last().filter(|notice| Some(notice.number) != view.seen) {
        ui.horizontal(|ui| {
            let ink = if notice.failed.is_some() { scene.colors.bad } else { scene.colors.good };
            let (rect, _) = ui.allocate_exact_size(eframe::egui::vec2(10.0, 10.0), eframe::egui::Sense::hover());
            ui.painter().circle_filled(rect.center(), 4.5, ink);
            let text = match &notice.failed {
                Some(_) => format!("Not done: {}", notice.text),
                None => notice.text.clone(),
            };
            ui.add(eframe::egui::Label::new(RichText::new(text).color(ink)).truncate());
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if parts::quiet(ui, "Dismiss").clicked() {
                    view.seen = Some(notice.number);
                }
            });
        });
    }
    match &view.last {
        Some(line) => parts::command_line(ui, scene.colors, line),
        None => {
            drop(parts::faint(ui, "Whatever you do here, the command line that does the same is shown in this place."))
        }
    }
}
