//! What is in front of everything else: help, lists, forms.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph, Wrap};

use super::super::app::Dialog;
use super::super::form::{Field, Form, Holds};
use super::super::menu::Menu;
use super::Scene;
use crate::face::Tone;

/// Characters that the name of a field takes.
const LABEL: u16 = 20;

/// Keys and what they do.
const HELP: [(&str, &str); 16] = [
    ("o  c  t", "open, close, whichever it is not"),
    ("s  i  v", "ask: how it stands, all about it, as a door does"),
    ("a  d  x", "approve, deny, cancel what is asked"),
    ("e", "enroll; a link can be pasted anywhere"),
    ("p  m", "PINs; names, other devices, giving up"),
    ("b", "go back to what was kept; copies, names of devices"),
    ("h", "what the holder does when asked"),
    ("n  k  f", "network, clock, faults"),
    ("r  w", "record what is said; write what was done or said"),
    ("+", "make a device"),
    ("[  ]", "other tokens of the device"),
    ("/", "filter the timeline: rows with all the words"),
    ("Tab", "next part; arrows move in it, Enter: detail"),
    ("Esc", "back; follow the newest again"),
    ("?", "this"),
    ("q", "leave; Ctrl-C does so from everywhere"),
];

pub(super) fn draw(frame: &mut Frame<'_>, scene: &Scene<'_>, dialog: &Dialog, area: Rect) {
    match dialog {
        Dialog::Help => help(frame, scene, area),
        Dialog::Menu(menu) => list(frame, scene, menu, area),
        Dialog::Form(form) => fill_in(frame, scene, form, area),
    }
}

/// How wide a dialog is.
fn width(area: Rect) -> u16 {
    area.width.saturating_sub(2).min(90)
}

/// A place in the middle for so many lines, and what is in its frame.
fn place(frame: &mut Frame<'_>, scene: &Scene<'_>, area: Rect, title: &str, lines: usize) -> Rect {
    let width = width(area);
    let height = u16::try_from(lines + 2).unwrap_or(u16::MAX).min(area.height);
    let place = Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    let block = Block::bordered().border_style(scene.theme.frame(true)).title(format!(" {title} "));
    let inner = block.inner(place);
    frame.render_widget(Clear, place);
    frame.render_widget(block, place);
    inner
}

fn help(frame: &mut Frame<'_>, scene: &Scene<'_>, area: Rect) {
    let inner = place(frame, scene, area, "Keys", HELP.len());
    let line = |(keys, does): (&'static str, &'static str)| {
        Line::from(vec![Span::styled(format!(" {keys:<9}"), scene.theme.tone(Tone::Calm)), Span::raw(does)])
    };
    frame.render_widget(Paragraph::new(HELP.map(line).to_vec()), inner);
}

fn list(frame: &mut Frame<'_>, scene: &Scene<'_>, menu: &Menu, area: Rect) {
    let items = menu.items(scene.facts, &scene.app.on(scene.facts));
    let title =
        if menu.search.is_empty() { menu.title().to_owned() } else { format!("{}: {}_", menu.title(), menu.search) };
    let inner = place(frame, scene, area, &title, items.len().max(1) + 4);
    let room = usize::from(inner.height.saturating_sub(4)).max(1);
    let first = menu.at.saturating_sub(room - 1);
    let detail = items.get(menu.at).map(|item| item.detail.clone()).unwrap_or_default();
    let shown = items.into_iter().enumerate().skip(first).take(room).map(|(place, item)| {
        let mark = if item.is_so { "●" } else { " " };
        let line = Line::raw(format!(" {mark} {}", item.text));
        if place == menu.at { line.style(scene.theme.selected()) } else { line }
    });
    let mut lines: Vec<Line<'_>> = shown.collect();
    if lines.is_empty() {
        lines.push(Line::raw(" Nothing is called that"));
    }
    let below = Rect { y: inner.bottom().saturating_sub(4).max(inner.y), height: 4.min(inner.height), ..inner };
    frame.render_widget(Paragraph::new(lines), Rect { height: inner.height.saturating_sub(4), ..inner });
    let [about, keys] =
        [Rect { height: 3.min(below.height), ..below }, Rect { y: below.bottom() - 1, height: 1, ..below }];
    frame.render_widget(Paragraph::new(detail).wrap(Wrap { trim: true }), about);
    frame.render_widget(Line::styled(menu.keys(), scene.theme.quiet()), keys);
}

fn fill_in(frame: &mut Frame<'_>, scene: &Scene<'_>, form: &Form, area: Rect) {
    // What is signed is shown in full.
    let note = wrapped(&form.note, usize::from(width(area).saturating_sub(2)));
    let problem = wrapped(form.problem.as_deref().unwrap_or_default(), usize::from(width(area).saturating_sub(2)));
    let said = problem.len().max(1);
    let inner = place(frame, scene, area, &form.title, note.len() + form.fields.len() + said + 2);
    let below = u16::try_from(form.fields.len() + said + 1).unwrap_or(u16::MAX);
    let [about, rest] = Layout::vertical([Constraint::Fill(1), Constraint::Length(below)]).areas(inner);
    frame.render_widget(Paragraph::new(note.into_iter().map(Line::raw).collect::<Vec<_>>()), about);
    let fields = form.fields.iter().enumerate().map(|(at, field)| line(scene, form, at, field, rest.width));
    let mut lines: Vec<Line<'_>> = fields.collect();
    lines.extend(problem.into_iter().map(|problem| Line::styled(problem, scene.theme.tone(Tone::Bad))));
    lines.resize(form.fields.len() + said, Line::default());
    lines.push(Line::styled("Tab next  Enter next, at the end sends  Esc back", scene.theme.quiet()));
    frame.render_widget(Paragraph::new(lines), rest);
    if let Some(field) = form.fields.get(form.at) {
        let typed = match field.holds {
            Holds::Pin | Holds::Pins => 0,
            _ => Span::raw(tail(&field.shown(), rest.width)).width(),
        };
        let x = rest.x + LABEL + u16::try_from(typed).unwrap_or(u16::MAX).min(rest.width.saturating_sub(LABEL + 1));
        let y = rest.y + u16::try_from(form.at).unwrap_or_default();
        frame.set_cursor_position(Position::new(x, y));
    }
}

/// Lines of at most so many columns, with every character of the text: between words, where there are any.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let columns = |text: &str| Span::raw(text.to_owned()).width();
    let mut lines = Vec::new();
    for part in text.lines() {
        let mut line = String::new();
        for word in part.split_inclusive(' ') {
            // What is behind a word may stand beyond the edge: nobody sees it.
            if !line.is_empty() && columns(&line) + columns(word.trim_end_matches(' ')) > width {
                lines.push(std::mem::take(&mut line));
            }
            for it in word.chars() {
                if columns(&line) + columns(it.encode_utf8(&mut [0; 4])) > width && it != ' ' {
                    lines.push(std::mem::take(&mut line));
                }
                line.push(it);
            }
        }
        lines.push(line);
    }
    lines
}

fn line<'a>(scene: &Scene<'_>, form: &Form, at: usize, field: &Field, width: u16) -> Line<'a> {
    let is_typed_into = at == form.at;
    let mark = if is_typed_into { ">" } else { " " };
    let label = format!("{mark} {:<width$}", field.label, width = usize::from(LABEL) - 2);
    let shown = tail(&field.shown(), width);
    let style = if is_typed_into { scene.theme.tone(Tone::Calm) } else { ratatui::style::Style::new() };
    Line::from(vec![Span::styled(label, style), Span::raw(shown)])
}

/// The end of what is too long: that is where it is typed.
fn tail(text: &str, width: u16) -> String {
    let room = usize::from(width.saturating_sub(LABEL + 2));
    let count = text.chars().count();
    text.chars().skip(count.saturating_sub(room)).collect()
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn lines_end_between_words_and_nothing_is_lost() {
        assert_eq!(wrapped("paste the link, or type", 10), ["paste the ", "link, or ", "type"]);
        assert_eq!(wrapped("a verylongwordindeed b", 10), ["a ", "verylongwo", "rdindeed b"]);
        assert_eq!(wrapped("ein\nzwei", 10), ["ein", "zwei"]);
        assert_eq!(wrapped("字字字字", 5), ["字字", "字字"]);
        let text = "Transfer 250.00 EUR to  Ada Lovelace, DE02 1203 0000 0000 2020 51";
        for width in 1..70 {
            assert_eq!(wrapped(text, width).concat(), text, "{width}");
        }
        assert!(wrapped("", 10).is_empty());
    }
}
