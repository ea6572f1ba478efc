//! The lock card: is it open, does the server know, who asks?

use eframe::egui::{Align, Frame, Label, Layout, RichText, ScrollArea, Sense, Ui, WidgetInfo, vec2};

use crate::face::{Card, Command, Device, Link, Shape, Token};

use super::pad::{Pad, Purpose};
use super::theme::{self, Colors};
use super::view::View;
use super::{Scene, enroll, pad, padlock, parts, prompts};

pub(super) fn show(ui: &mut Ui, view: &mut View, scene: &mut Scene<'_>) {
    ScrollArea::vertical().id_salt("lock").auto_shrink(false).show(ui, |ui| {
        // Who waits for an answer comes first.
        prompts::show(ui, view, scene);
        parts::card(ui, scene.colors, |ui| {
            ui.with_layout(Layout::top_down(Align::Center), |ui| inside(ui, view, scene));
        });
    });
}

fn inside(ui: &mut Ui, view: &mut View, scene: &mut Scene<'_>) {
    let device = scene.facts.devices.get(&view.device).cloned();
    name(ui, view, device.as_deref());
    if view.pad.is_some() {
        pad::show(ui, view, scene);
        return;
    }
    if view.enroll.is_open {
        enroll::show(ui, view, scene);
        return;
    }
    let card = Card::of(scene.facts, &view.device, view.token.as_deref(), scene.now);
    standing(ui, &card, scene.colors);
    ui.add_space(theme::GAP);
    let token = device.as_deref().and_then(|device| device.token(view.token.as_deref()));
    actions(ui, view, scene, &card, token);
    ui.add_space(theme::GAP);
    server(ui, &card, token, scene.colors);
}

/// Which device and which of its tokens.
fn name(ui: &mut Ui, view: &mut View, device: Option<&Device>) {
    ui.horizontal(|ui| {
        let title = if view.device.is_empty() { "No device" } else { &view.device }.to_owned();
        let has_token = device.is_some_and(|device| !device.tokens.is_empty());
        // The button first: a long name has what is left.
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if has_token && !view.enroll.is_open && view.pad.is_none() && parts::quiet(ui, "Add a token").clicked() {
                view.enroll.open();
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add(Label::new(RichText::new(title).text_style(theme::title())).truncate());
            });
        });
    });
    let Some(device) = device.filter(|device| device.tokens.len() > 1) else { return };
    let chosen = device.token(view.token.as_deref()).map(|token| token.id.clone());
    ui.horizontal_wrapped(|ui| {
        for token in &device.tokens {
            if ui.selectable_label(chosen.as_ref() == Some(&token.id), token.title()).clicked() {
                view.token = Some(token.id.clone());
            }
        }
    });
}

/// The shape, the word, what it means and how long.
fn standing(ui: &mut Ui, card: &Card, colors: Colors) {
    ui.add_space(theme::NEAR);
    let (rect, response) = ui.allocate_exact_size(vec2(196.0, 196.0), Sense::hover());
    let said = format!("Lock: {}", card.word);
    response.widget_info(|| WidgetInfo::labeled(eframe::egui::Role::Image, true, &said));
    padlock::draw(ui, rect, card, colors);
    let size = if card.word.len() > 9 { 30.0 } else { 42.0 };
    let word = RichText::new(card.word).text_style(theme::word()).size(size).color(colors.tone(card.tone)).strong();
    ui.add(Label::new(word).selectable(false));
    if let Some(left) = card.left {
        let text = RichText::new(format!("{} left", time(left))).text_style(theme::title()).monospace().size(17.0);
        ui.add(Label::new(text).selectable(false));
    }
    ui.add(Label::new(RichText::new(&card.meaning).color(colors.ink)).wrap());
}

fn actions(ui: &mut Ui, view: &mut View, scene: &mut Scene<'_>, card: &Card, token: Option<&Token>) {
    let width = ui.available_width();
    let colors = scene.colors;
    let is_there = !matches!(scene.facts.link, Link::Lost(_) | Link::Ended);
    let busy = card.shape == Shape::Moving || !is_there;
    match (token, card.shape) {
        (None, Shape::Empty) if !view.device.is_empty() => {
            let enroll = parts::primary(ui, colors, "Enroll", width);
            if enroll.on_hover_text("Space").clicked() {
                view.enroll.open();
            }
        }
        (Some(_), Shape::Open) => {
            let close = parts::filled(ui, "Close", colors.calm, colors.on_brand, width);
            if close.on_hover_text("Space").clicked() {
                scene.say(Command::Close(view.on(scene.facts)));
            }
        }
        (Some(_), _) => {
            let open = ui.add_enabled_ui(!busy, |ui| parts::primary(ui, colors, "Open", width)).inner;
            if open.on_hover_text("Space").clicked() {
                view.pad = Some(Pad::new(Purpose::Open));
            }
        }
        _ => {}
    }
    if token.is_some() {
        let ask = ui.add_enabled_ui(!busy, |ui| parts::quiet(ui, "Ask the server")).inner;
        if ask.clicked() {
            scene.say(Command::Status(view.on(scene.facts)));
        }
    }
}

/// What the server has to do with it.
fn server(ui: &mut Ui, card: &Card, token: Option<&Token>, colors: Colors) {
    if card.server.is_empty() {
        return;
    }
    let frame = Frame::new().fill(colors.well).corner_radius(theme::SOFT).inner_margin(10);
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.with_layout(Layout::top_down(Align::Min), |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            let ink = if card.is_stale { colors.soon } else { colors.ink };
            ui.add(Label::new(RichText::new(&card.server).small().color(ink)).wrap());
            if let Some(token) = token {
                let tries = match (token.tries(), token.tries_left) {
                    (Some(left), _) => format!(". {left} wrong PINs left before it is blocked"),
                    // It is blocked, or gone.
                    (None, Some(_)) => String::new(),
                    (None, None) => ". How many wrong PINs are left is not known".to_owned(),
                };
                parts::faint(ui, format!("{}:{}{tries}", token.host, token.port));
            }
        });
    });
}

/// Minutes and seconds.
pub(super) fn time(seconds: u64) -> String {
    match seconds {
        0..3_600 => format!("{}:{:02}", seconds / 60, seconds % 60),
        _ => format!("{}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60),
    }
}
