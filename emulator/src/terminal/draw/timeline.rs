//! What happened and what was said on the wire, the newest at the bottom.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::super::app::Pane;
use super::{Scene, framed};
use crate::face::{Row, RowKind, Tone, clock};

pub(super) fn draw(frame: &mut Frame<'_>, scene: &Scene<'_>, area: Rect) {
    let block = framed(scene, Some(Pane::Timeline), title(scene));
    let inner = block.inner(area);
    let rows = scene.app.rows(&scene.facts.timeline, usize::from(inner.height));
    let lines = rows.into_iter().map(|(number, row)| line(scene, row, scene.app.row == Some(number)));
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()).block(block), area);
}

fn title(scene: &Scene<'_>) -> String {
    let app = scene.app;
    let filter = match (app.is_filtering, app.filter.is_empty()) {
        (true, _) => format!(" / {}_", app.filter),
        (false, true) => String::new(),
        (false, false) => format!(" / {}", app.filter),
    };
    let paused = if app.row.is_some() { ", paused" } else { "" };
    format!(" Timeline{paused}{filter} ")
}

fn line<'a>(scene: &Scene<'a>, row: &'a Row, is_selected: bool) -> Line<'a> {
    let style = match (&row.kind, row.is_bad()) {
        (_, true) => scene.theme.tone(Tone::Bad),
        (RowKind::Frame(_), false) => scene.theme.quiet(),
        (RowKind::Event(_), false) => ratatui::style::Style::new(),
    };
    let mark = match (&row.kind, row.is_bad()) {
        (_, true) => "! ",
        (RowKind::Frame(_), false) => "~ ",
        (RowKind::Event(_), false) => "  ",
    };
    let device = if scene.facts.devices.len() > 1 { format!("{} ", row.device) } else { String::new() };
    let line = Line::from(vec![
        Span::styled(format!("{} ", clock(row.time)), scene.theme.quiet()),
        Span::styled(mark, style),
        Span::raw(device),
        Span::styled(row.text.as_str(), style),
    ]);
    if is_selected { line.style(scene.theme.selected()) } else { line }
}
