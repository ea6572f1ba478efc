//! How two traces differ: which frames only one of them has, and what frames that both have say differently. Times, nonces, keys and
//! everything else that is another one each time do not count.

use serde::Serialize;
use serde_json::Value as Json;

use super::{Direction, File, Line};

/// Frames that are compared at most, of each trace: the time it takes grows with both.
pub const COMPARED: usize = 10_000;

/// Fields that count: what was wanted, and what came of it.
const FIELDS: [&str; 9] = ["code", "duress", "emulated", "generation", "pin_max", "pin_min", "status", "suite", "win"];

/// A difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Difference {
    /// A frame that only the first trace has.
    OnlyFirst {
        /// Its number there.
        first: u64,
        /// What it is.
        frame: String,
    },
    /// A frame that only the second trace has.
    OnlySecond {
        /// Its number there.
        second: u64,
        /// What it is.
        frame: String,
    },
    /// A frame that both have, in which something differs.
    Differs {
        /// Its number in the first trace.
        first: u64,
        /// Its number in the second.
        second: u64,
        /// What it is.
        frame: String,
        /// The field, or `verdict`.
        field: String,
        /// What the first trace has there.
        was: Json,
        /// What the second has.
        is: Json,
    },
}

/// Traces that are too long to be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a trace with {0} frames is too long to be compared: at most {COMPARED}")]
pub struct TooLong(pub usize);

/// How the second trace differs from the first, in the order of their frames: nothing if it does not.
///
/// # Errors
/// [`TooLong`].
pub fn differences(first: &File, second: &File) -> Result<Vec<Difference>, TooLong> {
    for file in [first, second] {
        if file.lines.len() > COMPARED {
            return Err(TooLong(file.lines.len()));
        }
    }
    let mut all = Vec::new();
    for pair in aligned(&first.lines, &second.lines) {
        match pair {
            (Some(one), Some(other)) => all.extend(within(one, other)),
            (Some(one), None) => all.push(Difference::OnlyFirst { first: one.number, frame: said(one) }),
            (None, Some(other)) => all.push(Difference::OnlySecond { second: other.number, frame: said(other) }),
            (None, None) => {}
        }
    }
    Ok(all)
}

/// What it is, for people: `> C1 OPEN`.
fn said(line: &Line) -> String {
    let way = if line.direction == Direction::Out { '>' } else { '<' };
    let op = line.op.as_deref().map(|op| format!(" {op}")).unwrap_or_default();
    format!("{way} {}{op}", line.frame)
}

/// What two frames say that are of the same kind.
fn within(one: &Line, other: &Line) -> Vec<Difference> {
    let differs = |field: &str, was: Json, is: Json| Difference::Differs {
        first: one.number,
        second: other.number,
        frame: said(one),
        field: field.to_owned(),
        was,
        is,
    };
    let value = |line: &Line, name: &str| line.fields.get(name).cloned().unwrap_or_default();
    let fields = FIELDS.iter().map(|name| (*name, value(one, name), value(other, name)));
    let verdict = |line: &Line| serde_json::to_value(line.verdict).unwrap_or_default();
    let all = fields.chain([("verdict", verdict(one), verdict(other))]);
    all.filter(|(_, was, is)| was != is).map(|(name, was, is)| differs(name, was, is)).collect()
}

/// Frames that are the same kind of frame: only these stand beside each other.
fn is_same(one: &Line, other: &Line) -> bool {
    (one.direction, one.frame, &one.op) == (other.direction, other.frame, &other.op)
}

type Pair<'a> = (Option<&'a Line>, Option<&'a Line>);

/// Both traces beside each other, with as many pairs as there can be.
fn aligned<'a>(first: &'a [Line], second: &'a [Line]) -> Vec<Pair<'a>> {
    let same = |(one, other): &(&Line, &Line)| is_same(one, other);
    let begin = first.iter().zip(second).take_while(same).count();
    let (begun, rest) = (first.iter().zip(second).take(begin), (&first[begin..], &second[begin..]));
    let end = rest.0.iter().rev().zip(rest.1.iter().rev()).take_while(same).count();
    let (one, one_end) = rest.0.split_at(rest.0.len() - end);
    let (other, other_end) = rest.1.split_at(rest.1.len() - end);
    let both = |(one, other): (&'a Line, &'a Line)| (Some(one), Some(other));
    begun.map(both).chain(middle(one, other)).chain(one_end.iter().zip(other_end).map(both)).collect()
}

/// The part that begins and ends with differences.
fn middle<'a>(one: &'a [Line], other: &'a [Line]) -> Vec<Pair<'a>> {
    match one {
        [] => return other.iter().map(|line| (None, Some(line))).collect(),
        [line] => return single(line, other),
        _ => {}
    }
    // Hirschberg: where the halves of the first meet the second, in memory that grows with one of them only.
    let (before, after) = one.split_at(one.len() / 2);
    let (ahead, back) = (
        lengths(before.iter(), other.iter(), other.len()),
        lengths(after.iter().rev(), other.iter().rev(), other.len()),
    );
    let sum = |at: &usize| ahead[*at] + back[other.len() - at];
    let meet = (0..=other.len()).rev().max_by_key(sum).unwrap_or_default();
    let (left, right) = other.split_at(meet);
    let mut all = middle(before, left);
    all.extend(middle(after, right));
    all
}

/// One frame beside the first of its kind.
fn single<'a>(line: &'a Line, other: &'a [Line]) -> Vec<Pair<'a>> {
    let partner = other.iter().position(|it| is_same(line, it));
    let alone = partner.is_none().then_some((Some(line), None));
    let beside = other.iter().enumerate().map(|(at, it)| ((Some(at) == partner).then_some(line), Some(it)));
    alone.into_iter().chain(beside).collect()
}

/// How many pairs there are with each beginning of the second.
fn lengths<'a>(
    one: impl Iterator<Item = &'a Line>,
    other: impl Iterator<Item = &'a Line> + Clone,
    count: usize,
) -> Vec<u32> {
    let mut row = vec![0_u32; count + 1];
    for line in one {
        let mut diagonal = 0;
        for (at, it) in other.clone().enumerate() {
            let above = row[at + 1];
            row[at + 1] = if is_same(line, it) { diagonal + 1 } else { above.max(row[at]) };
            diagonal = above;
        }
    }
    row
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A trace of such frames; a status where one follows a colon.
    fn trace(frames: &str) -> File {
        let line = |(at, frame): (usize, &str)| {
            let (op, status) = frame.split_once(':').unwrap_or((frame, "0"));
            serde_json::from_value(json!({
                "number": at + 1, "time": at, "after_us": at, "device": "a", "connection": 1, "direction": "out",
                "peer": "localhost:1", "transport": "tcp", "frame": "C1", "op": op,
                "fields": { "status": status, "time": at * 7, "signature": format!("signature-{at}") },
                "wire": format!("{at:02x}"), "verdict": "sent",
            }))
            .unwrap()
        };
        let lines = frames.split_whitespace().enumerate().map(line).collect();
        let mut file: File = "{\"schema\":\"cardea-trace\",\"version\":1,\"program\":\"p\",\"began\":0,\"secrets\":\"hidden\",\"lost\":0}"
            .parse()
            .unwrap();
        file.lines = lines;
        file
    }

    fn of(first: &str, second: &str) -> Vec<String> {
        let found = differences(&trace(first), &trace(second)).unwrap();
        let show = |it: &Difference| match it {
            Difference::OnlyFirst { first, frame } => format!("-{first} {frame}"),
            Difference::OnlySecond { second, frame } => format!("+{second} {frame}"),
            Difference::Differs { first, second, field, was, is, .. } => format!("{first}/{second} {field} {was} {is}"),
        };
        found.iter().map(show).collect()
    }

    #[test]
    fn times_and_nonces_are_no_difference() {
        assert!(of("OPEN CLOSE", "OPEN CLOSE").is_empty());
        let (first, mut second) = (trace("OPEN"), trace("OPEN"));
        second.lines[0].fields["time"] = json!(99);
        second.lines[0].wire = "ff".into();
        assert!(differences(&first, &second).unwrap().is_empty());
    }

    #[test]
    fn frames_stand_beside_their_like_and_what_is_said_differently_is_told() {
        assert_eq!(of("OPEN:1 CLOSE", "OPEN:2 CLOSE"), ["1/1 status \"1\" \"2\""]);
        assert_eq!(of("A B C D", "A C D"), ["-2 > C1 B"]);
        assert_eq!(of("A C D", "A B C D"), ["+2 > C1 B"]);
        assert_eq!(of("A B C", "X B Y C"), ["-1 > C1 A", "+1 > C1 X", "+3 > C1 Y"]);
        assert_eq!(of("", "A"), ["+1 > C1 A"]);
        assert_eq!(of("A", ""), ["-1 > C1 A"]);
        assert_eq!(of("", ""), Vec::<String>::new());
    }

    #[test]
    fn as_many_frames_stand_beside_each_other_as_can() {
        // The longest common part of these has four frames.
        let (first, second) = (trace("A B C B D A B"), trace("B D C A B A"));
        let pairs = aligned(&first.lines, &second.lines);
        assert_eq!(pairs.iter().filter(|pair| pair.0.is_some() && pair.1.is_some()).count(), 4);
        assert_eq!(
            pairs.iter().filter_map(|pair| pair.0).map(|line| line.number).collect::<Vec<_>>(),
            [1, 2, 3, 4, 5, 6, 7]
        );
        assert_eq!(
            pairs.iter().filter_map(|pair| pair.1).map(|line| line.number).collect::<Vec<_>>(),
            [1, 2, 3, 4, 5, 6]
        );
    }

    #[test]
    fn traces_that_are_too_long_are_refused() {
        let mut long = trace("A");
        long.lines = vec![long.lines[0].clone(); COMPARED + 1];
        assert_eq!(differences(&trace("A"), &long), Err(TooLong(COMPARED + 1)));
    }
}
