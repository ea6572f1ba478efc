//! The devices, each with how its token stands.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::super::app::Pane;
use super::{Scene, framed};
use crate::face::{Card, Shape};

pub(super) fn draw(frame: &mut Frame<'_>, scene: &Scene<'_>, area: Rect) {
    let names: Vec<&String> = scene.facts.devices.keys().collect();
    let title = if names.len() > 1 { format!(" {} devices ", names.len()) } else { " Devices ".to_owned() };
    let block = framed(scene, Some(Pane::Devices), title);
    let inner = block.inner(area);
    let at = names.iter().position(|name| **name == scene.app.device).unwrap_or_default();
    let height = usize::from(inner.height).max(1);
    // The one that is selected is always to be seen.
    let first = at.saturating_sub(height - 1);
    let lines = names.into_iter().skip(first).take(height).map(|name| line(scene, name, inner.width));
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()).block(block), area);
}

fn line<'a>(scene: &Scene<'a>, name: &'a str, width: u16) -> Line<'a> {
    let is_selected = name == scene.app.device;
    let token = scene.app.token.as_deref().filter(|_| is_selected);
    let card = Card::of(scene.facts, name, token, scene.now);
    let room = usize::from(width).saturating_sub(card.word.len() + 3);
    let short: String = name.chars().take(room).collect();
    let gap = " ".repeat(room.saturating_sub(short.chars().count()) + 1);
    let style = scene.theme.tone(card.tone);
    let line = Line::from(vec![
        Span::styled(mark(card.shape), style),
        Span::raw(format!(" {short}{gap}")),
        Span::styled(card.word, style),
    ]);
    if is_selected { line.style(scene.theme.selected()) } else { line }
}

/// The shape in one character.
const fn mark(shape: Shape) -> &'static str {
    match shape {
        Shape::Open => "○",
        Shape::Closed => "●",
        Shape::Moving => "~",
        Shape::Barred => "×",
        Shape::Empty => "·",
        Shape::Unknown => "?",
    }
}
