//! The rows of a timeline that somebody looks for. However many there are, a frame looks at so many and no more: the newest first,
//! and the others in the frames that follow.

use std::collections::VecDeque;

use crate::face::{Row, RowKind, Timeline};

/// So many rows are looked at in a frame.
const AT_ONCE: u64 = 16_000;

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Wanted {
    /// Words in small letters.
    pub(super) text: String,
    /// Of this device only.
    pub(super) device: Option<String>,
    pub(super) kind: Which,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Which {
    #[default]
    Both,
    Events,
    Frames,
}

impl Wanted {
    fn is(&self, row: &Row) -> bool {
        let is_kind = match (self.kind, &row.kind) {
            (Which::Both, _) | (Which::Events, RowKind::Event(_)) | (Which::Frames, RowKind::Frame(_)) => true,
            (Which::Events | Which::Frames, _) => false,
        };
        let is_device = self.device.as_ref().is_none_or(|device| *device == row.device);
        is_kind && is_device && self.text.split_whitespace().all(|word| row.search.contains(word))
    }

    /// Whether whatever is wanted now was wanted by that, too: more of a word was typed.
    fn narrows(&self, other: &Self) -> bool {
        self.device == other.device && self.kind == other.kind && self.text.starts_with(&other.text)
    }
}

/// The rows that were found, by how many there were before them since the beginning.
#[derive(Debug, Default)]
pub(super) struct Found {
    wanted: Wanted,
    /// The newest first.
    rows: VecDeque<u64>,
    /// All were looked at from here…
    from: u64,
    /// …to before here.
    to: u64,
}

impl Found {
    /// Looks at what it has not seen. Whether it has seen all.
    pub(super) fn look(&mut self, timeline: &Timeline, wanted: Wanted) -> bool {
        let (begin, end) = (timeline.gone(), timeline.gone() + timeline.len() as u64);
        let is = |number: &u64| timeline.get(place(*number - begin)).is_some_and(|row| wanted.is(row));
        // Too much has come at once, or it is another timeline.
        let is_far = self.to > end || end - self.to > AT_ONCE;
        let is_narrower = wanted.narrows(&self.wanted) && self.rows.len() as u64 <= AT_ONCE;
        if is_far || (wanted != self.wanted && !is_narrower) {
            *self = Self { from: end, to: end, ..Self::default() };
        }
        while self.rows.back().is_some_and(|number| *number < begin) {
            self.rows.pop_back();
        }
        if wanted != self.wanted {
            self.rows.retain(is);
            self.wanted.clone_from(&wanted);
        }
        for number in self.to..end {
            if is(&number) {
                self.rows.push_front(number);
            }
        }
        let from = self.from.saturating_sub(AT_ONCE).max(begin).min(self.from);
        self.rows.extend((from.max(begin)..self.from).rev().filter(is));
        (self.from, self.to) = (from, end);
        from <= begin
    }

    /// How many were found.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// One of them, the newest first: its place in the timeline.
    pub(super) fn place(&self, timeline: &Timeline, number: usize) -> Option<usize> {
        self.rows.get(number)?.checked_sub(timeline.gone()).map(place)
    }
}

/// Nothing that is kept has a place that does not fit.
fn place(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rows(numbers: std::ops::Range<u64>) -> impl Iterator<Item = Row> {
        numbers.map(|number| {
            let kind = if number.is_multiple_of(3) { "opened" } else { "closed" };
            Row::event(json!({ "number": number, "time": number, "device": format!("d{}", number % 5), "kind": kind }))
        })
    }

    fn wanted(text: &str) -> Wanted {
        Wanted { text: text.into(), ..Wanted::default() }
    }

    /// The times of what was found, after so many looks.
    fn found(found: &mut Found, timeline: &Timeline, wanted: &Wanted) -> (Vec<u64>, usize) {
        let looks = (1..1_000).find(|_| found.look(timeline, wanted.clone())).expect("it comes to an end");
        let place = |number| found.place(timeline, number).expect("a row");
        ((0..found.len()).map(|number| timeline.get(place(number)).expect("a row").time).collect(), looks)
    }

    fn expected(timeline: &Timeline, wanted: &Wanted) -> Vec<u64> {
        timeline.iter().rev().filter(|row| wanted.is(row)).map(|row| row.time).collect()
    }

    #[test]
    fn a_frame_looks_at_so_many_the_newest_first() {
        let mut timeline = Timeline::default();
        timeline.extend(rows(0..100_000));
        let (mut it, opened) = (Found::default(), wanted("opened"));
        assert!(!it.look(&timeline, opened.clone()));
        assert_eq!(it.place(&timeline, 0), Some(99_999));
        assert!((5_300..5_400).contains(&it.len()), "{}", it.len());
        let (all, looks) = found(&mut it, &timeline, &opened);
        assert_eq!((all, looks), (expected(&timeline, &opened), 6));
        // Seen once is seen.
        assert_eq!(found(&mut it, &timeline, &opened).1, 1);
    }

    #[test]
    fn what_is_typed_on_looks_only_at_what_was_found() {
        let mut timeline = Timeline::default();
        timeline.extend(rows(0..100_000));
        let mut it = Found::default();
        for (text, most) in [("", 7), ("o", 7), ("op", 7), ("op d4", 7), ("op d4 x", 1), ("cl", 7)] {
            let wanted = wanted(text);
            let (rows, looks) = found(&mut it, &timeline, &wanted);
            assert!(rows == expected(&timeline, &wanted) && looks <= most, "{text:?}: {looks} looks");
        }
        // In the middle of looking, too.
        it = Found::default();
        assert!(!it.look(&timeline, wanted("o")));
        let (rows, _) = found(&mut it, &timeline, &wanted("op"));
        assert_eq!(rows, expected(&timeline, &wanted("op")));
    }

    #[test]
    fn what_comes_is_added_and_what_goes_is_dropped() {
        let (mut timeline, mut it) = (Timeline::default(), Found::default());
        let wanted = Wanted { device: Some("d3".into()), ..wanted("opened") };
        for step in 0..60 {
            timeline.extend(rows(step * 3_000..(step + 1) * 3_000));
            let (rows, looks) = found(&mut it, &timeline, &wanted);
            assert_eq!((rows, looks), (expected(&timeline, &wanted), 1), "after {step}");
        }
        assert!(timeline.gone() > 0);
        // Another one, which is shorter.
        let mut other = Timeline::default();
        other.extend(rows(0..10));
        assert_eq!(found(&mut it, &other, &wanted).0, expected(&other, &wanted));
    }
}
