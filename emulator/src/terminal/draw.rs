//! What is on the screen, from what is known and selected alone.

mod bars;
mod detail;
mod devices;
mod dialog;
mod lock;
mod timeline;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Block, Paragraph, Wrap};

use super::app::{App, Pane};
use super::theme::Theme;
use crate::face::Facts;

/// Less is too small for anything to be found.
const LEAST: (u16, u16) = (60, 18);
/// From so many characters on there is room for three columns.
const WIDE: u16 = 100;

/// What everything is drawn from.
struct Scene<'a> {
    app: &'a App,
    facts: &'a Facts,
    /// In Unix seconds of the session.
    now: u64,
    theme: Theme,
}

/// Draws everything.
pub(super) fn draw(frame: &mut Frame<'_>, app: &App, facts: &Facts, now: u64, theme: Theme) {
    let scene = Scene { app, facts, now, theme };
    let area = frame.area();
    if area.width < LEAST.0 || area.height < LEAST.1 {
        return too_small(frame, area);
    }
    let banner = bars::banner(&scene);
    let question = bars::question(&scene);
    let rows = [
        Constraint::Length(1),
        Constraint::Length(u16::from(banner.is_some())),
        Constraint::Length(u16::from(question.is_some())),
        Constraint::Fill(1),
        Constraint::Length(2),
        Constraint::Length(1),
    ];
    let [title, banner_area, question_area, body, said, keys] = Layout::vertical(rows).areas(area);
    frame.render_widget(bars::title(&scene, title.width), title);
    for (line, area) in [(banner, banner_area), (question, question_area)] {
        if let Some(line) = line {
            frame.render_widget(line, area);
        }
    }
    main(frame, &scene, body);
    frame.render_widget(bars::said(&scene), said);
    frame.render_widget(bars::keys(&scene), keys);
    if let Some(dialog) = &app.dialog {
        dialog::draw(frame, &scene, dialog, area);
    }
}

fn main(frame: &mut Frame<'_>, scene: &Scene<'_>, area: Rect) {
    let is_wide = area.width >= WIDE;
    let columns = match is_wide {
        true => [Constraint::Length(24), Constraint::Fill(3), Constraint::Fill(2)],
        false => [Constraint::Length(20), Constraint::Fill(1), Constraint::Length(0)],
    };
    let [left, center, right] = Layout::horizontal(columns).areas(area);
    let [card, below] = Layout::vertical([Constraint::Length(lock::HEIGHT), Constraint::Fill(1)]).areas(center);
    devices::draw(frame, scene, left);
    lock::draw(frame, scene, card);
    match (is_wide, scene.app.front) {
        (true, _) => {
            timeline::draw(frame, scene, below);
            detail::draw(frame, scene, right);
        }
        (false, Pane::Detail) => detail::draw(frame, scene, below),
        (false, _) => timeline::draw(frame, scene, below),
    }
}

fn too_small(frame: &mut Frame<'_>, area: Rect) {
    let (width, height) = LEAST;
    let text = format!(
        "Too small: {} x {}. Make the terminal at least {width} x {height}, or press q.",
        area.width, area.height
    );
    frame.render_widget(Paragraph::new(text).wrap(Wrap { trim: true }), area);
}

/// The frame around a part.
fn framed<'a>(scene: &Scene<'_>, pane: Option<Pane>, title: impl Into<Line<'a>>) -> Block<'a> {
    let is_in_front = pane == Some(scene.app.front) && scene.app.dialog.is_none();
    Block::bordered().border_style(scene.theme.frame(is_in_front)).title(title)
}
