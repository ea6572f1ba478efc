//! What panels are made of.

use eframe::egui::{
    Align, Atom, Button, Color32, CornerRadius, Frame, Label, Layout, Margin, Response, RichText, Sense, Stroke,
    TextEdit, TextWrapMode, Ui, vec2,
};

use super::theme::{self, Colors};

/// A card with what belongs together.
pub(super) fn card<R>(ui: &mut Ui, colors: Colors, contents: impl FnOnce(&mut Ui) -> R) -> R {
    let frame = Frame::new().fill(colors.card).stroke(Stroke::new(1.0, colors.line));
    let frame = frame.corner_radius(CornerRadius::same(theme::ROUND)).inner_margin(Margin::same(16));
    frame
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            contents(ui)
        })
        .inner
}

/// The title of a card.
pub(super) fn title(ui: &mut Ui, text: &str) {
    ui.add(Label::new(RichText::new(text).text_style(theme::title())).selectable(false));
    ui.add_space(2.0);
}

/// The title of a card, and at its right something to click.
pub(super) fn title_with(ui: &mut Ui, text: &str, button: &str) -> bool {
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let is_clicked = plain(ui, button).clicked();
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add(Label::new(RichText::new(text).text_style(theme::title())).selectable(false).truncate());
            });
            is_clicked
        })
        .inner
    })
    .inner
}

/// What an error says, as it begins a line.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase()).into_iter().flatten().chain(letters).collect()
}

/// Text that is not so important, over as many lines as it takes.
pub(super) fn faint(ui: &mut Ui, text: impl Into<String>) -> Response {
    ui.add(Label::new(RichText::new(text).small().weak()).wrap())
}

/// What to click first.
pub(super) fn primary(ui: &mut Ui, colors: Colors, text: &str, width: f32) -> Response {
    filled(ui, text, colors.brand, colors.on_brand, width)
}

/// A button in a color.
pub(super) fn filled(ui: &mut Ui, text: &str, fill: Color32, ink: Color32, width: f32) -> Response {
    let (plain, weak) = (ui.visuals().widgets.inactive.weak_bg_fill, ui.visuals().weak_text_color());
    // What cannot be clicked is not in the color that asks for it, and still can be read.
    let (fill, ink) = if ui.is_enabled() { (fill, ink) } else { (plain, weak) };
    ui.scope(|ui| {
        let around = ui.visuals().text_color();
        let widgets = &mut ui.visuals_mut().widgets;
        widgets.hovered.bg_stroke = Stroke::new(2.0, fill.gamma_multiply(0.6));
        // Seen on every color.
        widgets.active.bg_stroke = Stroke::new(3.0, around);
        let text = RichText::new(text).color(ink).size(15.5);
        // In its middle, wherever it stands.
        ui.add(Button::new((Atom::grow(), text, Atom::grow())).fill(fill).min_size(vec2(width, 42.0)))
    })
    .inner
}

/// A button.
pub(super) fn plain(ui: &mut Ui, text: &str) -> Response {
    ui.add(Button::new(text))
}

/// A button that is not so important.
pub(super) fn quiet(ui: &mut Ui, text: &str) -> Response {
    ui.add(Button::new(RichText::new(text).small().weak()).frame_when_inactive(false))
}

/// A small button in a color, as wide as there is room.
pub(super) fn short(ui: &mut Ui, text: &str, ink: Color32) -> Response {
    ui.add(Button::new(RichText::new(text).small().color(ink)).frame_when_inactive(false).truncate())
}

/// One of several, of which one is chosen.
pub(super) fn choice(ui: &mut Ui, colors: Colors, text: &str, is_chosen: bool) -> Response {
    let (fill, ink) = if is_chosen { (colors.brand, colors.on_brand) } else { (colors.well, colors.ink) };
    // Of its own, and not in a scope: that would not go to the next line with it.
    let around = std::mem::replace(&mut ui.visuals_mut().widgets.active.bg_stroke, Stroke::new(3.0, colors.ink));
    let response = ui.add(Button::new(RichText::new(text).color(ink)).fill(fill).selected(is_chosen));
    ui.visuals_mut().widgets.active.bg_stroke = around;
    response
}

/// The same, where it is not so important.
pub(super) fn small_choice(ui: &mut Ui, text: &str, is_chosen: bool) -> Response {
    let button = Button::new(RichText::new(text).small()).selected(is_chosen).frame_when_inactive(false);
    ui.add(button)
}

/// The name of a panel, with a line under the one that is shown.
pub(super) fn tab(ui: &mut Ui, colors: Colors, text: &str, is_shown: bool) -> Response {
    let ink = if is_shown { colors.ink } else { colors.faint };
    let button = Button::new(RichText::new(text).text_style(theme::title()).color(ink));
    let response = ui.add(button.frame_when_inactive(false).selected(false));
    if is_shown {
        let rect = response.rect.shrink2(vec2(12.0, 0.0));
        ui.painter().hline(rect.x_range(), rect.bottom(), Stroke::new(2.5, colors.brand));
    }
    response
}

/// A field with a name over it.
pub(super) fn field(ui: &mut Ui, name: &str, hint: &str, text: &mut String) -> Response {
    labeled(ui, name, |ui| {
        let hint = hint.to_owned();
        ui.add(TextEdit::singleline(text).hint_text(hint).desired_width(f32::INFINITY).margin(Margin::symmetric(10, 8)))
    })
}

/// A field whose text nobody sees, with a name over it.
pub(super) fn hidden(ui: &mut Ui, name: &str, hint: &str, text: &mut String) -> Response {
    labeled(ui, name, |ui| {
        let edit = TextEdit::singleline(text).hint_text(hint.to_owned()).password(true);
        ui.add(edit.desired_width(f32::INFINITY).margin(Margin::symmetric(10, 8)))
    })
}

fn labeled(ui: &mut Ui, name: &str, field: impl FnOnce(&mut Ui) -> Response) -> Response {
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 3.0;
        let label = ui.add(Label::new(RichText::new(name).small().weak()).selectable(false));
        field(ui).labelled_by(label.id)
    })
    .inner
}

/// A name and what it is, in a line.
pub(super) fn fact(ui: &mut Ui, name: &str, value: &str) {
    ui.horizontal(|ui| {
        ui.spacing_mut().interact_size.y = 22.0;
        ui.allocate_ui_with_layout(vec2(112.0, 22.0), Layout::left_to_right(Align::Center), |ui| {
            ui.set_min_width(112.0);
            ui.add(Label::new(RichText::new(name).small().weak()).truncate());
        });
        ui.add(Label::new(value).truncate());
    });
}

/// A command line that can be copied.
pub(super) fn command_line(ui: &mut Ui, colors: Colors, line: &str) {
    let frame = Frame::new().fill(colors.well).corner_radius(CornerRadius::same(6));
    frame.inner_margin(Margin::symmetric(8, 3)).show(ui, |ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if quiet(ui, "Copy").on_hover_text("Copy this command line").clicked() {
                ui.ctx().copy_text(line.to_owned());
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let text = RichText::new(line).monospace().color(colors.faint);
                ui.add(Label::new(text).wrap_mode(TextWrapMode::Truncate).sense(Sense::hover()));
            });
        });
    });
}
