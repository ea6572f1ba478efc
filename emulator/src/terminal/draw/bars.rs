//! The lines above and below: which emulator, what is made to go wrong, who is asked, what was said, and the keys.

use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::super::app::{Asked, Pane};
use super::Scene;
use crate::face::{FaultRule, Link, Tone, clock};

/// Which device, how it stands, and which emulator.
pub(super) fn title<'a>(scene: &Scene<'a>, width: u16) -> Line<'a> {
    let facts = scene.facts;
    let card = scene.app.card(facts, scene.now);
    let at = match &facts.link {
        Link::Looking => "looking for it".to_owned(),
        Link::Hosting(_) => "runs here".to_owned(),
        Link::Attached(at) => format!("at {at}"),
        Link::Lost(_) => "gone".to_owned(),
        Link::Ended => "ended".to_owned(),
    };
    let mut rest = format!(" — {at}");
    if !matches!(facts.session.as_str(), "" | "default") {
        rest += &format!(", session {}", facts.session);
    }
    if facts.clock.frozen {
        rest += &format!(", time stands still at {}", clock(scene.now));
    }
    if facts.trace.on {
        rest += &format!(", recording: {} frames", facts.trace.frames);
    }
    let name = format!(" {} — ", scene.app.device);
    let left = usize::from(width).saturating_sub(name.chars().count() + card.word.len());
    let rest: String = rest.chars().take(left).collect();
    Line::from(vec![Span::raw(name), Span::styled(card.word, scene.theme.tone(card.tone)), Span::raw(rest)])
}

/// What is made to go wrong.
pub(super) fn banner<'a>(scene: &Scene<'_>) -> Option<Paragraph<'a>> {
    if !scene.facts.misbehaves() {
        return None;
    }
    let armed = scene.facts.faults.iter().filter(|rule| !rule.spent).map(FaultRule::armed);
    let text = format!(" MISBEHAVING: {}  (f to change)", armed.collect::<Vec<_>>().join(", "));
    Some(Paragraph::new(text).style(scene.theme.banner()))
}

/// Who is asked what.
pub(super) fn question<'a>(scene: &Scene<'_>) -> Option<Paragraph<'a>> {
    let text = match scene.app.asked(scene.facts)? {
        Asked::Prompt(device, prompt) => {
            let text = prompt.text.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
            let tries = prompt.tries_left.map(|left| format!(", {left} tries left")).unwrap_or_default();
            let (name, asker) = (&device.name, &prompt.service);
            format!(" {name} is asked: {asker}, {}{text}{tries}.  a approve  x cancel", prompt.purpose)
        }
        Asked::Text(_, waiting) => format!(" A text waits: {}.  a approve  d deny  x cancel", waiting.text),
    };
    Some(Paragraph::new(text).style(scene.theme.question()))
}

/// What came of what was said last, and the same as a command line.
pub(super) fn said<'a>(scene: &Scene<'a>) -> Paragraph<'a> {
    let working: Vec<&str> = scene.facts.working.iter().map(|work| work.verb).collect();
    let came = match scene.app.notice(scene.facts) {
        _ if !working.is_empty() => Line::styled(format!(" {}…", working.join(", ")), scene.theme.tone(Tone::Soon)),
        Some(notice) => {
            let tone = if notice.failed.is_some() { Tone::Bad } else { Tone::Good };
            Line::styled(format!(" {}", notice.text), scene.theme.tone(tone))
        }
        None => Line::default(),
    };
    let same = scene.app.said.as_ref().map(|line| Line::styled(format!(" $ {line}"), scene.theme.quiet()));
    Paragraph::new(vec![came, same.unwrap_or_default()])
}

/// What can be pressed.
pub(super) fn keys(scene: &Scene<'_>) -> Line<'static> {
    let text = match (scene.app.is_filtering, scene.app.front) {
        (true, _) => " Type words to look for  Enter keep  Esc all",
        (_, Pane::Timeline | Pane::Detail) => {
            " ? help  q leave  ↑↓ move  Tab next part  / filter  Esc back  o open  c close"
        }
        _ => {
            " ? help  q leave  o open  c close  t toggle  e enroll  p PINs  m more  n net  k clock  f faults  / filter"
        }
    };
    Line::styled(text, scene.theme.quiet())
}
