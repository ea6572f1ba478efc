//! The devices, however many there are: only those that are seen are drawn.

use eframe::egui::{
    CornerRadius, FontId, Key, Label, Rect, RichText, ScrollArea, Sense, Stroke, StrokeKind, TextStyle,
    ThemePreference, Ui, WidgetInfo, pos2, vec2,
};

use crate::face::{Card, Command, Link};

use super::view::View;
use super::{Scene, padlock, parts, theme};

const ROW: f32 = 52.0;

pub(super) fn show(ui: &mut Ui, view: &mut View, scene: &mut Scene<'_>) {
    brand(ui, scene);
    ui.add_space(theme::GAP);
    let count = scene.facts.devices.len();
    if count > 6 {
        let hint = format!("Search {count} devices");
        let search = parts::field(ui, "Devices", &hint, &mut view.devices.text);
        search.on_hover_text("By name, service or label");
        ui.add_space(theme::NEAR);
    } else {
        ui.label(RichText::new("Devices").small().weak());
    }
    let foot = 160.0;
    let names = view.devices.names(&scene.facts.devices).to_vec();
    let height = (ui.available_height() - foot).max(ROW);
    let mut chosen = None;
    ScrollArea::vertical().id_salt("devices").auto_shrink([false, true]).max_height(height).show_rows(
        ui,
        ROW,
        names.len(),
        |ui, rows| {
            for name in &names[rows] {
                if row(ui, scene, name, *name == view.device) {
                    chosen = Some(name.clone());
                }
            }
        },
    );
    if let Some(name) = chosen {
        view.choose(&name);
        scene.say(Command::Look(name));
    }
    if names.is_empty() {
        parts::faint(ui, "No device is called so");
    }
    // At the bottom, and still what comes first is what Tab comes to first.
    ui.add_space((ui.available_height() - view.devices.foot).max(0.0));
    view.devices.foot = ui.scope(|ui| foot_of(ui, view, scene)).response.rect.height();
}

/// What this is, and where the command line finds it.
fn brand(ui: &mut Ui, scene: &Scene<'_>) {
    ui.horizontal(|ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(34.0, 34.0), Sense::hover());
        ui.painter().rect_filled(rect, CornerRadius::same(10), scene.colors.brand);
        padlock::small(
            ui.painter(),
            rect.center(),
            crate::face::Shape::Open,
            scene.colors.on_brand,
            scene.colors.brand,
        );
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            ui.add(Label::new(RichText::new("Cardea").text_style(theme::title()).strong()).selectable(false));
            let (text, hint) = match &scene.facts.link {
                Link::Looking => ("Looking", String::new()),
                Link::Hosting(at) => ("Emulator in this window", at.clone()),
                Link::Attached(at) => ("Emulator elsewhere", at.clone()),
                Link::Ended => ("Emulator has ended", String::new()),
                Link::Lost(why) => ("Emulator is gone", why.clone()),
            };
            ui.add(Label::new(RichText::new(text).small().weak()).sense(Sense::hover())).on_hover_text(hint);
        });
    });
}

fn row(ui: &mut Ui, scene: &Scene<'_>, name: &str, is_chosen: bool) -> bool {
    let colors = scene.colors;
    let Some(device) = scene.facts.device(name) else { return false };
    let card = Card::of(scene.facts, name, None, scene.now);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW - 4.0), Sense::click());
    let said = format!("{name}, {}", card.word.to_lowercase());
    response.widget_info(|| WidgetInfo::selected(eframe::egui::Role::Button, true, is_chosen, &said));
    let painter = ui.painter().with_clip_rect(rect);
    let fill = match (is_chosen, response.hovered()) {
        (true, _) => colors.card,
        (false, true) => colors.lift,
        (false, false) => colors.side,
    };
    painter.rect_filled(rect, CornerRadius::same(10), fill);
    if response.has_focus() {
        painter.rect_stroke(rect, CornerRadius::same(10), Stroke::new(2.0, colors.brand), StrokeKind::Inside);
    }
    let tone = colors.tone(card.tone);
    padlock::small(&painter, pos2(rect.left() + 20.0, rect.center().y), card.shape, tone, fill);
    let body = TextStyle::Body.resolve(ui.style());
    let small = TextStyle::Small.resolve(ui.style());
    line(&painter, rect, 9.0, name, body, colors.ink);
    let token = device.token(None).map_or("no token", |token| token.title());
    line(&painter, rect, 28.0, &format!("{}  {token}", card.word.to_lowercase()), small, colors.faint);
    response.clicked()
}

fn line(painter: &eframe::egui::Painter, row: Rect, down: f32, text: &str, font: FontId, color: eframe::egui::Color32) {
    let at = pos2(row.left() + 42.0, row.top() + down);
    painter.text(at, eframe::egui::Align2::LEFT_TOP, text, font, color);
}

fn foot_of(ui: &mut Ui, view: &mut View, scene: &mut Scene<'_>) {
    // What can be typed in and clicked is not of the color that is behind it.
    ui.visuals_mut().text_edit_bg_color = Some(scene.colors.card);
    ui.visuals_mut().widgets.inactive.weak_bg_fill = scene.colors.card;
    ui.horizontal(|ui| {
        let edit = eframe::egui::TextEdit::singleline(&mut view.devices.new).hint_text("New device");
        let edit = ui.add(edit.desired_width(140.0).margin(eframe::egui::Margin::symmetric(10, 8)));
        edit.widget_info(|| WidgetInfo::labeled(eframe::egui::Role::TextInput, true, "Name of the new device"));
        let entered = edit.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        let is_name = !view.devices.new.trim().is_empty();
        let made = ui.add_enabled_ui(is_name, |ui| parts::plain(ui, "Add")).inner.clicked();
        if is_name && (made || entered) {
            let name = std::mem::take(&mut view.devices.new).trim().to_owned();
            view.devices.text.clear();
            scene.say(Command::NewDevice { name });
        }
    });
    removal(ui, view, scene);
    let commands = parts::quiet(ui, "Commands  Ctrl K");
    if commands.on_hover_text("Find anything that can be done here").clicked() {
        view.palette.open();
    }
    ui.horizontal(|ui| {
        let now = ui.ctx().options(|options| options.theme_preference);
        ui.spacing_mut().item_spacing.x = 2.0;
        for (text, preference) in
            [("Light", ThemePreference::Light), ("Dark", ThemePreference::Dark), ("Auto", ThemePreference::System)]
        {
            if parts::small_choice(ui, text, now == preference).clicked() {
                ui.ctx().set_theme(preference);
            }
        }
    });
}

/// A second click removes; one on another device does not.
fn removal(ui: &mut Ui, view: &mut View, scene: &mut Scene<'_>) {
    if view.device.is_empty() {
        return;
    }
    if view.devices.leaves.as_ref() != Some(&view.device) {
        let remove = parts::quiet(ui, "Remove this device");
        view.devices.leaves = remove.clicked().then(|| view.device.clone());
        return;
    }
    ui.horizontal(|ui| {
        if parts::quiet(ui, "Keep it").clicked() {
            view.devices.leaves = None;
        }
        let really = parts::short(ui, &format!("Really remove {}", view.device), scene.colors.bad);
        if really.on_hover_text("With all its tokens; no server is told").clicked() {
            view.devices.leaves = None;
            scene.say(Command::RemoveDevice { name: view.device.clone() });
        }
    });
}
