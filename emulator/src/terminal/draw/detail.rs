//! All that is known: of the row that is looked at, or else of the device and its token.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Wrap};

use super::super::app::Pane;
use super::{Scene, framed};
use crate::face::{Answers, Device, State, Token, clock};

pub(super) fn draw(frame: &mut Frame<'_>, scene: &Scene<'_>, area: Rect) {
    let (title, text) = match scene.app.row(&scene.facts.timeline) {
        Some(row) => (format!(" {} ", row.word()), row.detail()),
        None => (" Detail ".to_owned(), known(scene).join("\n")),
    };
    let block = framed(scene, Some(Pane::Detail), title);
    let most = text.lines().count().saturating_sub(1);
    let scroll = scene.app.scroll.min(u16::try_from(most).unwrap_or(u16::MAX));
    let lines: Vec<Line<'_>> = text.lines().map(Line::raw).collect();
    let paragraph = Paragraph::new(lines).wrap(Wrap { trim: false }).scroll((scroll, 0));
    frame.render_widget(paragraph.block(block), area);
}

fn known(scene: &Scene<'_>) -> Vec<String> {
    let Some(device) = scene.facts.device(&scene.app.device) else { return Vec::new() };
    let mut lines = of_device(device);
    if let Some(habit) = scene.facts.habits.get(&device.name) {
        lines.push(row("when asked", &habit.outcome));
    }
    if let Some(token) = scene.app.token(scene.facts) {
        lines.push(String::new());
        lines.extend(of_token(token));
        match scene.facts.answers(&device.name, &token.id) {
            Some(answers) => lines.extend(answered(answers)),
            None => lines.extend([String::new(), "i asks the server for more".to_owned()]),
        }
    }
    lines
}

fn row(name: &str, value: &str) -> String {
    format!("{name:<12} {value}")
}

fn of_device(device: &Device) -> Vec<String> {
    let clock = match device.clock.skew_seconds {
        0 => "right".to_owned(),
        skew if skew > 0 => format!("{skew} s ahead"),
        skew => format!("{} s behind", skew.unsigned_abs()),
    };
    vec![
        row("device", &device.name),
        row("network", &device.network),
        row("clock", &clock),
        row("listens", yes(device.watched)),
    ]
}

fn of_token(token: &Token) -> Vec<String> {
    let state = match token.state {
        Some(State::Open) => "open",
        Some(State::Closed) => "closed",
        Some(State::Blocked) => "blocked",
        Some(State::NotEnrolled) => "not enrolled",
        None => "not known",
    };
    let link = match token.online {
        Some(true) => "reached",
        Some(false) => "not reached",
        None => "not tried yet",
    };
    let said = token.said_at.map_or_else(|| "nothing yet".to_owned(), |at| format!("{state}, at {}", clock(at)));
    let mut lines = vec![
        row("token", &token.id.chars().take(12).collect::<String>()),
        row("service", &token.service),
        row("server", &format!("{}:{}", token.host, token.port)),
        row("link", link),
        row("said", &said),
        row("confirmed", yes(token.confirmed)),
    ];
    if !token.label.is_empty() {
        lines.push(row("label", &token.label));
    }
    if token.is_in_doubt() {
        lines.push(row("pending", "sent and never answered: s asks"));
    }
    lines
}

/// What the server has answered.
fn answered(answers: &Answers) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(about) = &answers.about {
        lines.extend([row("holder", &about.user)]);
    }
    if let Some(siblings) = &answers.siblings {
        lines.extend([String::new(), "Its devices".to_owned()]);
        lines.extend(siblings.iter().map(|it| {
            let this = if it.this { " (this)" } else { "" };
            format!("  {} since {}{this}", it.device.chars().take(12).collect::<String>(), day(it.enrolled_at))
        }));
    }
    if let Some(history) = &answers.history {
        lines.extend([String::new(), "What was done, newest first".to_owned()]);
        lines.extend(history.iter().map(|deed| format!("  {} {} {}", day(deed.time), clock(deed.time), deed.what)));
    }
    lines
}

const fn yes(is_so: bool) -> &'static str {
    if is_so { "yes" } else { "no" }
}

/// The day in UTC.
fn day(unix: u64) -> String {
    // Days from 1 March of the year 0, in eras of 400 years: leap days are at the end.
    let days = unix / 86_400 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let (day, month) = (of_year - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    format!("{:04}-{month:02}-{day:02}", era * 400 + year + u64::from(month <= 2))
}
