//! The lock card: open or not, in a word, a shape and a color; for how long; and whether the server said so.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use super::{Scene, framed};
use crate::face::{Card, Shape, Tone};

/// Lines that it takes.
pub(super) const HEIGHT: u16 = 9;
/// Characters that a padlock takes, with the space around it.
const PADLOCK: u16 = 13;

pub(super) fn draw(frame: &mut Frame<'_>, scene: &Scene<'_>, area: Rect) {
    let card = scene.app.card(scene.facts, scene.now);
    let style = scene.theme.tone(card.tone);
    let block = framed(scene, None, format!(" {} ", title(scene)));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let [left, right] = Layout::horizontal([Constraint::Length(PADLOCK), Constraint::Fill(1)]).areas(inner);
    frame.render_widget(Paragraph::new(shape(card.shape).map(|line| Line::styled(line, style)).to_vec()), left);
    let mut lines = vec![
        Line::default(),
        Line::from(vec![Span::styled(card.word, style), Span::raw(left_over(&card))]),
        Line::raw(card.meaning.clone()),
    ];
    lines.extend(card.share().map(|share| Line::styled(bar(share, right.width), style)));
    let said = if card.is_stale { scene.theme.tone(Tone::Soon) } else { scene.theme.quiet() };
    lines.push(Line::styled(card.server.clone(), said));
    lines.extend(more(scene).map(Line::raw));
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: true }), right);
}

fn title(scene: &Scene<'_>) -> String {
    let Some(token) = scene.app.token(scene.facts) else { return scene.app.device.clone() };
    let tokens = scene.facts.device(&scene.app.device).map(|device| &device.tokens);
    let (count, place) =
        tokens.map_or((0, 0), |all| (all.len(), all.iter().position(|it| it.id == token.id).unwrap_or(0)));
    let which = if count > 1 { format!(" ({} of {count}, [ ] for others)", place + 1) } else { String::new() };
    format!("{} on {}{which}", token.title(), token.host)
}

/// What is left of it, beside the word.
fn left_over(card: &Card) -> String {
    match (card.left, card.of) {
        (Some(left), Some(of)) if of >= left => format!("  {} of {} left", time(left), time(of)),
        (Some(left), _) => format!("  {} left", time(left)),
        (None, _) => String::new(),
    }
}

/// Minutes and seconds, as clocks that run down show them.
fn time(seconds: u64) -> String {
    match seconds {
        0..=59 => format!("{seconds} s"),
        60..=3_599 => format!("{}:{:02}", seconds / 60, seconds % 60),
        _ => format!("{}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a few hundred characters")]
fn bar(share: f32, width: u16) -> String {
    let width = width.saturating_sub(2).min(40);
    let full = (share * f32::from(width)).round() as u16;
    "█".repeat(usize::from(full)) + &"░".repeat(usize::from(width.saturating_sub(full)))
}

/// What else a holder should know.
fn more(scene: &Scene<'_>) -> Option<String> {
    let token = scene.app.token(scene.facts)?;
    let tries = token.tries().map(|left| format!("{left} wrong PINs until it is blocked"));
    let texts = token.confirmations.filter(|count| *count > 0).map(|count| format!("{count} texts wait"));
    let all: Vec<String> = tries.into_iter().chain(texts).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

const fn shape(shape: Shape) -> [&'static str; 7] {
    match shape {
        Shape::Open => ["", "   ┌───┐", "   │", " ┌─┴─────┐", " │       │", " │       │", " └───────┘"],
        Shape::Closed => ["", "   ┌───┐", "   │   │", " ┌─┴───┴─┐", " │███████│", " │███████│", " └───────┘"],
        Shape::Moving => ["", "   ┌╌╌╌┐", "   ╎   ╎", " ┌╌┴╌╌╌┴╌┐", " ╎  ...  ╎", " ╎       ╎", " └╌╌╌╌╌╌╌┘"],
        Shape::Barred => ["", "   ┌───┐", "   │   │", " ┌─┴───┴─┐", " │  ╲ ╱  │", " │  ╱ ╲  │", " └───────┘"],
        Shape::Empty => ["", "", "", " ┌╌╌╌╌╌╌╌┐", " ╎       ╎", " ╎       ╎", " └╌╌╌╌╌╌╌┘"],
        Shape::Unknown => ["", "   ┌───┐", "   │   │", " ┌─┴───┴─┐", " │   ?   │", " │       │", " └───────┘"],
    }
}
