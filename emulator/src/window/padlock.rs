//! The padlock, and the ring of the time that is left around it: drawn, so that it is sharp at every size.

use std::f32::consts::{PI, TAU};

use eframe::egui::epaint::PathStroke;
use eframe::egui::{Color32, CornerRadius, Painter, Pos2, Rect, Shape as Drawn, Stroke, Ui, pos2, vec2};

use crate::face::{Card, Shape};

use super::theme::Colors;

/// Draws a card's shape and ring into a square.
pub(super) fn draw(ui: &Ui, rect: Rect, card: &Card, colors: Colors) {
    let painter = ui.painter();
    let (center, radius) = (rect.center(), rect.width() / 2.0 - 8.0);
    let mut color = colors.tone(card.tone);
    if card.is_stale {
        color = color.lerp_to_gamma(colors.card, 0.3);
    }
    painter.circle_filled(center, radius - 14.0, color.gamma_multiply(0.10));
    painter.circle_stroke(center, radius, Stroke::new(7.0, colors.line));
    match card.share() {
        Some(share) => arc(painter, center, radius, -PI / 2.0, -PI / 2.0 + TAU * share, Stroke::new(7.0, color)),
        None if card.shape == Shape::Open => {
            painter.circle_stroke(center, radius, Stroke::new(7.0, color));
        }
        None if card.shape == Shape::Moving => {
            arc(painter, center, radius, -PI / 2.0, PI * 0.25, Stroke::new(7.0, color));
        }
        None => {}
    }
    // The shackle rises and falls, and does not jump.
    let id = ui.scope_id().with("shackle");
    let lifted = ui.ctx().animate_value_with_time(id, if card.shape == Shape::Open { 1.0 } else { 0.0 }, 0.18);
    lock(painter, center, radius * 0.36, lifted, card.shape, color, colors.card);
}

/// A small one, for lists.
pub(super) fn small(painter: &Painter, center: Pos2, shape: Shape, color: Color32, back: Color32) {
    lock(painter, center + vec2(0.0, 1.0), 6.5, if shape == Shape::Open { 1.0 } else { 0.0 }, shape, color, back);
}

/// A padlock whose body is twice `size` wide.
fn lock(painter: &Painter, center: Pos2, size: f32, lifted: f32, shape: Shape, color: Color32, back: Color32) {
    let line = (size * 0.24).max(1.6);
    let body = Rect::from_center_size(center + vec2(0.0, size * 0.45), vec2(size * 1.9, size * 1.45));
    let reach = size * 0.62;
    let top = body.top() - size * 0.42 - lifted * size * 0.10;
    let turn = lifted * size * 1.24;
    let arch = pos2(center.x + turn, top);
    let stroke = Stroke::new(line, color);
    if shape == Shape::Empty {
        painter.rect_stroke(body, rounding(size * 0.34), stroke, eframe::egui::StrokeKind::Inside);
        arc(painter, arch, reach, PI, TAU, stroke);
        legs(painter, arch, reach, body.top(), body.top(), stroke);
        return;
    }
    arc(painter, arch, reach, PI, TAU, stroke);
    // An open one swings to the right: its far leg hangs free.
    let free = body.top() - lifted * size * 0.28;
    legs(painter, arch, reach, body.top() + line, free + (1.0 - lifted) * line, stroke);
    painter.rect_filled(body, rounding(size * 0.34), color);
    mark(painter, body.center(), size, shape, back);
}

fn legs(painter: &Painter, arch: Pos2, reach: f32, left: f32, right: f32, stroke: Stroke) {
    painter.line_segment([pos2(arch.x - reach, arch.y), pos2(arch.x - reach, left)], stroke);
    painter.line_segment([pos2(arch.x + reach, arch.y), pos2(arch.x + reach, right.max(arch.y))], stroke);
}

/// What is on the body: who sees no color sees this.
fn mark(painter: &Painter, center: Pos2, size: f32, shape: Shape, color: Color32) {
    let stroke = Stroke::new((size * 0.2).max(1.4), color);
    match shape {
        Shape::Barred => {
            let half = size * 0.34;
            painter.line_segment([center - vec2(half, half), center + vec2(half, half)], stroke);
            painter.line_segment([center + vec2(-half, half), center + vec2(half, -half)], stroke);
        }
        Shape::Moving => {
            for step in [-1.0, 0.0, 1.0] {
                painter.circle_filled(center + vec2(step * size * 0.5, 0.0), size * 0.13, color);
            }
        }
        Shape::Unknown => {
            arc(painter, center - vec2(0.0, size * 0.18), size * 0.24, -PI, PI * 0.42, stroke);
            painter.line_segment([center + vec2(size * 0.02, size * 0.06), center + vec2(0.0, size * 0.22)], stroke);
            painter.circle_filled(center + vec2(0.0, size * 0.44), size * 0.12, color);
        }
        Shape::Open | Shape::Closed | Shape::Empty => {
            painter.circle_filled(center - vec2(0.0, size * 0.12), size * 0.2, color);
            painter.line_segment([center, center + vec2(0.0, size * 0.34)], stroke);
        }
    }
}

fn arc(painter: &Painter, center: Pos2, radius: f32, from: f32, to: f32, stroke: Stroke) {
    const STEPS: u8 = 64;
    let at = |step: u8| {
        let angle = from + (to - from) * f32::from(step) / f32::from(STEPS);
        center + radius * vec2(angle.cos(), angle.sin())
    };
    painter.add(Drawn::line((0..=STEPS).map(at).collect(), PathStroke::from(stroke)));
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "corners of a few points")]
fn rounding(radius: f32) -> CornerRadius {
    CornerRadius::same(radius.clamp(0.0, 255.0) as u8)
}
