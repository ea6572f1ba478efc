//! What happened and what was said on the wire, newest first. Of a hundred thousand rows only those that are seen are drawn.

use std::sync::Arc;

use eframe::egui::{
    Align, Align2, CornerRadius, Label, Layout, RichText, ScrollArea, Sense, Stroke, StrokeKind, TextStyle,
    TextWrapMode, Ui, WidgetInfo, WidgetText, pos2, vec2,
};

use crate::face::{Command, Row, RowKind, SCENARIO_FILE, scenario_file};

use super::found::{Found, Wanted, Which};
use super::view::View;
use super::{Scene, parts, theme};

const HEIGHT: f32 = 30.0;

/// Which rows, and which one is looked at.
#[derive(Debug, Default)]
pub(super) struct TimelineView {
    pub(super) filter: String,
    /// Of all devices, and not only of the one that is shown.
    all: bool,
    /// Events, frames, or both.
    kind: Which,
    chosen: Option<Arc<Row>>,
    file: String,
    scenario: String,
    found: Found,
    /// The filter is to be typed into.
    looks: bool,
}

impl TimelineView {
    /// Has the next key go into the filter.
    pub(super) const fn looks(&mut self) {
        self.looks = true;
    }

    /// Looks at no row: it was another device's.
    pub(super) fn leaves(&mut self) {
        self.chosen = None;
    }
}

pub(super) fn show(ui: &mut Ui, view: &mut View, scene: &mut Scene<'_>) {
    recording(ui, view, scene);
    ui.add_space(theme::NEAR);
    if scene.facts.has_scenarios() {
        scenario(ui, view, scene);
        ui.add_space(theme::NEAR);
    }
    filters(ui, view, scene);
    ui.add_space(theme::NEAR);
    let device = (!view.timeline.all).then(|| view.device.clone());
    let wanted = Wanted { text: view.timeline.filter.to_lowercase(), device, kind: view.timeline.kind };
    let has_seen_all = view.timeline.found.look(&scene.facts.timeline, wanted);
    if !has_seen_all {
        ui.ctx().request_repaint();
    }
    let detail = if view.timeline.chosen.is_some() { ui.available_height() * 0.42 } else { 0.0 };
    let height = ui.available_height() - detail - 32.0;
    parts::card(ui, scene.colors, |ui| rows(ui, view, scene, height, has_seen_all));
    if let Some(row) = view.timeline.chosen.clone() {
        ui.add_space(theme::NEAR);
        parts::card(ui, scene.colors, |ui| self::detail(ui, view, scene, &row));
    }
}

fn recording(ui: &mut Ui, view: &mut View, scene: &mut Scene<'_>) {
    let trace = scene.facts.trace;
    ui.horizontal_wrapped(|ui| {
        let text = if trace.on { "Stop recording frames" } else { "Record frames" };
        if parts::plain(ui, text).on_hover_text("What devices and servers say on the wire").clicked() {
            scene.say(Command::Trace(!trace.on));
        }
        let state = match (trace.on, trace.frames) {
            (true, frames) => format!("Recording: {frames} frames"),
            (false, 0) => "Frames are not recorded".to_owned(),
            (false, frames) => format!("{frames} frames were recorded"),
        };
        ui.add(Label::new(RichText::new(state).small().weak()));
    });
    if trace.frames == 0 {
        return;
    }
    ui.add_space(theme::NEAR);
    let save = ("Save the frames", ".jsonl to read, .pcapng for Wireshark, .keylog with keys");
    if saving(ui, save, ("File for the frames", "said.pcapng"), &mut view.timeline.file) {
        let name = view.timeline.file.trim();
        scene.say(Command::Export(if name.is_empty() { "said.pcapng" } else { name }.into()));
    }
}

/// What was done, as a file that does it again.
fn scenario(ui: &mut Ui, view: &mut View, scene: &mut Scene<'_>) {
    let save = ("Save as a scenario", "What was done in this session, as a file that does it again; no PIN is in it");
    if saving(ui, save, ("File for the scenario", SCENARIO_FILE), &mut view.timeline.scenario) {
        scene.say(Command::Record(scenario_file(&view.timeline.scenario)));
    }
}

/// A button with what it does, and a field for a file's name with what it is for and the name it has if none is typed. Whether it
/// is to be written.
fn saving(ui: &mut Ui, (button, does): (&str, &str), (field, usual): (&'static str, &str), name: &mut String) -> bool {
    ui.horizontal_wrapped(|ui| {
        let save = parts::plain(ui, button).on_hover_text(does);
        let edit = ui.add(eframe::egui::TextEdit::singleline(name).hint_text(usual).desired_width(130.0));
        edit.widget_info(|| WidgetInfo::labeled(eframe::egui::Role::TextInput, true, field));
        save.clicked()
    })
    .inner
}

fn filters(ui: &mut Ui, view: &mut View, scene: &Scene<'_>) {
    ui.horizontal_wrapped(|ui| {
        let edit =
            eframe::egui::TextEdit::singleline(&mut view.timeline.filter).hint_text("Filter: open frame refused");
        let edit = ui.add(edit.desired_width(210.0).margin(eframe::egui::Margin::symmetric(10, 8)));
        edit.widget_info(|| WidgetInfo::labeled(eframe::egui::Role::TextInput, true, "Filter the timeline"));
        let view = &mut view.timeline;
        if std::mem::take(&mut view.looks) {
            edit.request_focus();
        }
        for (text, which) in [("All", Which::Both), ("Events", Which::Events), ("Frames", Which::Frames)] {
            if parts::choice(ui, scene.colors, text, view.kind == which).clicked() {
                view.kind = which;
            }
        }
        ui.checkbox(&mut view.all, "Every device");
    });
}

fn rows(ui: &mut Ui, view: &mut View, scene: &Scene<'_>, height: f32, has_seen_all: bool) {
    let count = view.timeline.found.len();
    if count == 0 {
        let text = match scene.facts.timeline.is_empty() {
            true => "Nothing has happened yet",
            false if has_seen_all => "Nothing here matches",
            false => "Looking further back",
        };
        ui.label(RichText::new(text).weak());
    }
    let mut clicked = None;
    ScrollArea::vertical().id_salt("rows").auto_shrink(false).max_height(height).show_rows(
        ui,
        HEIGHT,
        count,
        |ui, seen| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for place in seen {
                let found = view.timeline.found.place(&scene.facts.timeline, place);
                let Some(row) = found.and_then(|place| scene.facts.timeline.get(place)) else { continue };
                let is_chosen = view.timeline.chosen.as_ref().is_some_and(|chosen| Arc::ptr_eq(chosen, row));
                if line(ui, view.timeline.all, scene, row, is_chosen) {
                    clicked = (!is_chosen).then(|| Arc::clone(row)).map_or(Some(None), |row| Some(Some(row)));
                }
            }
        },
    );
    if let Some(chosen) = clicked {
        view.timeline.chosen = chosen;
    }
}

fn line(ui: &mut Ui, all: bool, scene: &Scene<'_>, row: &Row, is_chosen: bool) -> bool {
    let colors = scene.colors;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT + 6.0), Sense::click());
    response.widget_info(|| WidgetInfo::selected(eframe::egui::Role::Button, true, is_chosen, &row.text));
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    if is_chosen || response.hovered() || response.has_focus() {
        painter.rect_filled(rect, CornerRadius::same(6), if is_chosen { colors.lift } else { colors.well });
    }
    if response.has_focus() {
        painter.rect_stroke(rect, CornerRadius::same(6), Stroke::new(2.0, colors.brand), StrokeKind::Inside);
    }
    let middle = rect.center().y;
    let ink = if row.is_bad() { colors.bad } else { colors.ink };
    let mark = match (&row.kind, row.is_bad()) {
        (_, true) => colors.bad,
        (RowKind::Frame(_), _) => colors.brand,
        (RowKind::Event(_), _) => colors.faint,
    };
    if matches!(row.kind, RowKind::Frame(_)) {
        let square = eframe::egui::Rect::from_center_size(pos2(rect.left() + 9.0, middle), vec2(7.0, 7.0));
        painter.rect_filled(square, CornerRadius::same(2), mark);
    } else {
        painter.circle_filled(pos2(rect.left() + 9.0, middle), 3.5, mark);
    }
    let mono = TextStyle::Monospace.resolve(ui.style());
    let body = TextStyle::Body.resolve(ui.style());
    let left = |x: f32| pos2(rect.left() + x, middle);
    painter.text(left(22.0), Align2::LEFT_CENTER, crate::face::clock(row.time), mono, colors.faint);
    let mut x = 96.0;
    if all {
        let name = painter.text(left(x), Align2::LEFT_CENTER, &row.device, body.clone(), colors.faint);
        x = (name.right() - rect.left() + 12.0).max(x + 80.0);
    }
    let room = (rect.width() - x - 8.0).max(0.0);
    let text = RichText::new(&row.text).color(ink);
    let text = WidgetText::from(text).into_galley(ui, Some(TextWrapMode::Truncate), room, body);
    painter.galley(left(x) - vec2(0.0, text.size().y / 2.0), text, ink);
    response.clicked()
}

fn detail(ui: &mut Ui, view: &mut View, scene: &Scene<'_>, row: &Row) {
    let text = row.detail();
    ui.horizontal(|ui| {
        parts::title(ui, &format!("{} on {}", row.word(), row.device));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if parts::quiet(ui, "Close the detail").clicked() {
                view.timeline.chosen = None;
            }
            if parts::quiet(ui, "Copy as JSON").clicked() {
                ui.ctx().copy_text(text.clone());
            }
        });
    });
    ScrollArea::both().id_salt("detail").auto_shrink(false).show(ui, |ui| {
        ui.add(Label::new(RichText::new(&text).monospace().color(scene.colors.ink)));
    });
}
