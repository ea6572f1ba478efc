//! Many devices and many rows: what is not seen costs nothing, and at rest nothing is drawn.

use std::sync::{Arc, LazyLock};
use std::time::Instant;

use egui_kittest::kittest::Queryable as _;

use super::super::view::Tab;
use super::scripted::{NOW, Scripted, device, facts, lively, one, token};
use super::window;
use crate::face::{Facts, Row, State};

/// A thousand devices and a hundred thousand rows.
pub(super) fn many() -> Facts {
    let devices = (0..1_000).map(|number| {
        let state = if number % 3 == 0 { State::Open } else { State::Closed };
        device(&format!("device-{number:04}"), vec![token("Front door", state, None)])
    });
    let mut facts = facts(devices.collect());
    facts.timeline.extend((0..100_000_u64).map(|number| {
        Row::event(serde_json::json!({
            "number": number, "time": NOW - 100_000 + number, "device": format!("device-{:04}", number % 1_000), "kind": "opened",
        }))
    }));
    facts
}

#[test]
fn of_many_devices_and_rows_only_those_are_drawn_that_are_seen() {
    let source = Scripted::new(many());
    let mut window = window(&source);
    let drawn = window.query_all_by_label_contains("device-0").count();
    assert!((5..60).contains(&drawn), "{drawn} devices are drawn");
    window.get_by_label("Every device").click();
    // So many rows are looked at in a frame, and no more.
    window.run_steps(12);
    let rows = window.query_all_by_label("The token is open").count();
    assert!((5..60).contains(&rows), "{rows} rows are drawn");
    super::type_into(&mut window, "Devices", "device-0999");
    window.get_by_label("device-0999, open");
    assert!(window.query_by_label("device-0998, closed").is_none());
}

#[test]
fn at_rest_nothing_asks_to_be_drawn_again() {
    let source = Scripted::new(lively());
    let mut window = window(&source);
    window.run_steps(8);
    // The first frame after a rest draws the same, and wants no other.
    assert_eq!(window.run(), 1);
    let output = window.output().viewport_output.values().map(|viewport| viewport.repaint_delay).min().unwrap();
    assert_eq!(output, std::time::Duration::MAX);
}

#[test]
fn what_counts_down_is_drawn_once_a_second_and_what_is_told_in_minutes_once_a_minute() {
    // The server said so twelve seconds ago.
    for (remaining, wait) in [(Some(228), 1..=2), (None, 48..=49)] {
        let facts = one(if remaining.is_some() { State::Open } else { State::Closed }, remaining);
        assert!(wait.contains(&drawn_again(facts, Tab::Timeline)), "{remaining:?}");
    }
}

#[test]
fn what_tells_seconds_is_drawn_once_a_second() {
    let mut facts = one(State::Closed, None);
    assert!((1..=2).contains(&drawn_again(facts.clone(), Tab::Conditions)));
    facts.clock.frozen = true;
    assert_eq!(drawn_again(facts, Tab::Conditions), u64::MAX);
}

/// In how many seconds a window wants to be drawn again, rounded up.
fn drawn_again(mut facts: Facts, tab: Tab) -> u64 {
    // However long drawing takes, no time passes.
    static MOMENT: LazyLock<Instant> = LazyLock::new(crate::face::moment);
    facts.clock.read = Some(*MOMENT);
    let source = Scripted::new(facts);
    let mut shown = super::Window::new(Arc::clone(&source) as Arc<dyn crate::face::Source>, || Some(*MOMENT));
    shown.view.tab = tab;
    let mut harness = egui_kittest::Harness::builder()
        .with_context_setup(super::theme::install)
        .build_ui_state(|ui: &mut eframe::egui::Ui, shown: &mut super::Window| shown.draw(ui), shown);
    harness.run_steps(12);
    let wait = harness.output().viewport_output.values().map(|viewport| viewport.repaint_delay).min().unwrap();
    assert!(!wait.is_zero());
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0))
}
