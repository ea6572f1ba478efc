//! What a holder wanted, from the frames of a device: the operations, and what came of each. What a device does by itself is not among
//! them: it asks how many tries are left before a PIN, finds out what became of an operation, and signs again when its clock was wrong.

use std::borrow::Cow;

use cardea_sdk::DeviceStatus;
use cardea_sdk::observe::Code;

use crate::trace::{Direction, Line, Name, Verdict};

/// An operation that somebody wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decision {
    /// The number of its frame.
    pub(super) number: u64,
    /// What it is called in traces.
    pub(super) op: String,
    /// The field `win`.
    pub(super) win: u8,
    /// What came of it, in a word.
    pub(super) outcome: Cow<'static, str>,
}

/// What nobody answers.
pub(super) const NO_ANSWER: &str = "no-answer";
/// What succeeds and says no status.
pub(super) const DONE: &str = "done";

/// Operations that somebody decides on.
const DECIDED: [&str; 10] =
    ["OPEN", "CLOSE", "STATUS", "CONFIRM", "DENY", "SET_PINS", "UNENROLL", "INFO", "DEVICES", "HISTORY"];
/// Those that need a PIN: before them the device asks for the status.
const WITH_PIN: [&str; 6] = ["OPEN", "CONFIRM", "SET_PINS", "ROTATE", "UNENROLL", "REVOKE_DEVICE"];
/// Those that are decided on and cannot be done by another device.
const OF_ONE_DEVICE: [&str; 2] = ["REVOKE_DEVICE", "ROTATE"];

/// The operations in the frames of one device, in their order.
pub(super) fn decisions(lines: &[&Line]) -> Vec<Decision> {
    let asked = |line: &&Line| line.direction == Direction::Out && line.op.is_some() && line.frame != Name::R1;
    let asked: Vec<(usize, &Line)> =
        lines.iter().enumerate().filter(|(_, line)| asked(line)).map(|(at, line)| (at, *line)).collect();
    let mut all = Vec::new();
    for (nth, (at, line)) in asked.iter().enumerate() {
        let op = line.op.as_deref().unwrap_or_default();
        let next = asked.get(nth + 1).map(|(_, line)| *line);
        let is_by_itself = op == "STATUS" && (follows_a_recovery(&asked, nth) || next.is_some_and(needs_pin));
        let is_datagram_again = next.is_some_and(|next| next.wire == line.wire);
        let known = DECIDED.contains(&op) || OF_ONE_DEVICE.contains(&op);
        if !known || is_by_itself || is_datagram_again {
            continue;
        }
        let reply = reply_to(line, lines.get(at + 1..).unwrap_or_default());
        if reply.is_some_and(|reply| code(reply) == Some(Code::Stale)) {
            continue;
        }
        let win = line.fields.get("win").and_then(serde_json::Value::as_u64);
        let win = win.and_then(|win| u8::try_from(win).ok()).unwrap_or_default();
        all.push(Decision { number: line.number, op: op.to_owned(), win, outcome: outcome(op, reply) });
    }
    all
}

fn needs_pin(line: &Line) -> bool {
    line.op.as_deref().is_some_and(|op| WITH_PIN.contains(&op))
}

/// Whether the device asks only because what a recovery says is provisional.
fn follows_a_recovery(asked: &[(usize, &Line)], nth: usize) -> bool {
    nth.checked_sub(1)
        .and_then(|before| asked.get(before))
        .is_some_and(|(_, line)| line.op.as_deref() == Some("RECOVER"))
}

/// What the server said to it: the next on its connection that is no push, and that the device believed or could not check.
fn reply_to<'a>(line: &Line, later: &[&'a Line]) -> Option<&'a Line> {
    let here = later.iter().filter(|it| it.connection == line.connection);
    let mut until_next = here.take_while(|it| it.direction == Direction::In);
    until_next
        .find(|it| {
            let is_push = it.op.as_deref().is_some_and(|op| op.starts_with("PUSH_"));
            !is_push && matches!(it.verdict, Verdict::Authentic | Verdict::Plain)
        })
        .copied()
}

fn code(reply: &Line) -> Option<Code> {
    let number = reply.fields.get("code")?.as_u64()?;
    Code::ALL.into_iter().find(|code| u64::from(code.number()) == number)
}

fn outcome(op: &str, reply: Option<&Line>) -> Cow<'static, str> {
    let Some(reply) = reply else { return NO_ANSWER.into() };
    let word = match code(reply) {
        Some(Code::Ok) => return says_status(op).then(|| status(reply)).flatten().unwrap_or(DONE).into(),
        // A large answer to a question that succeeded need not say so.
        None if reply.frame == Name::Large => return DONE.into(),
        None => return NO_ANSWER.into(),
        Some(code) => code,
    };
    match word {
        Code::PinRejected => "pin-rejected",
        Code::Wait => "wait",
        Code::Blocked => "blocked",
        Code::NotEnrolled => "not-enrolled",
        Code::ConfirmationUnknown | Code::ConfirmationExpired => "text-over",
        _ => "refused",
    }
    .into()
}

/// Whether what succeeds tells how the token stands.
fn says_status(op: &str) -> bool {
    matches!(op, "OPEN" | "CLOSE" | "STATUS" | "CONFIRM" | "DENY" | "SET_PINS")
}

fn status(reply: &Line) -> Option<&'static str> {
    let number = reply.fields.get("status")?.as_u64()?;
    let all = [DeviceStatus::NotEnrolled, DeviceStatus::Open, DeviceStatus::Closed, DeviceStatus::Blocked];
    all.into_iter().find(|status| u64::from(status.number()) == number).map(state)
}

/// The word for a status.
pub(super) const fn state(status: DeviceStatus) -> &'static str {
    match status {
        DeviceStatus::NotEnrolled => "not-enrolled",
        DeviceStatus::Open => "open",
        DeviceStatus::Closed => "closed",
        DeviceStatus::Blocked => "blocked",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Frames of one device: connection, `>` or `<`, operation, status and code of answers.
    fn lines(frames: &[(u64, &str, u8, u8)]) -> Vec<Line> {
        let line = |(at, (connection, said, status, code)): (usize, &(u64, &str, u8, u8))| {
            let (way, op) = said.split_at(1);
            let is_out = way == ">";
            let fields = if is_out { json!({ "win": status }) } else { json!({ "status": status, "code": code }) };
            serde_json::from_value(json!({
                "number": at + 1, "time": 0, "after_us": 0, "device": "a", "connection": connection,
                "direction": if is_out { "out" } else { "in" }, "peer": "localhost:1", "transport": "tcp",
                "frame": if is_out { "C1" } else { "S1" }, "op": op, "fields": fields,
                "wire": format!("{at:02x}"), "verdict": if is_out { "sent" } else { "authentic" },
            }))
            .unwrap()
        };
        frames.iter().enumerate().map(line).collect()
    }

    fn of(frames: &[(u64, &str, u8, u8)]) -> Vec<String> {
        let lines = lines(frames);
        let found = decisions(&lines.iter().collect::<Vec<_>>());
        found.iter().map(|it| format!("{} {} {}", it.op, it.win, it.outcome)).collect()
    }

    #[test]
    fn what_a_device_does_by_itself_was_nobodys_decision() {
        let asks_for_tries = [(1, ">STATUS", 0, 0), (1, "<STATUS", 2, 0), (2, ">OPEN", 6, 0), (2, "<OPEN", 1, 0)];
        assert_eq!(of(&asks_for_tries), ["OPEN 6 open"]);
        let signs_again = [(1, ">OPEN", 0, 0), (1, "<OPEN", 2, 16), (2, ">OPEN", 0, 0), (2, "<OPEN", 1, 0)];
        assert_eq!(of(&signs_again), ["OPEN 0 open"]);
        let recovers = [
            (1, ">CLOSE", 0, 0),
            (2, ">RECOVER", 0, 0),
            (2, "<RECOVER", 2, 0),
            (3, ">STATUS", 0, 0),
            (3, "<STATUS", 2, 0),
            (4, ">STATUS", 0, 0),
            (4, "<STATUS", 2, 0),
        ];
        assert_eq!(of(&recovers), ["CLOSE 0 no-answer", "STATUS 0 closed"]);
    }

    #[test]
    fn what_came_of_it_is_what_the_server_said_to_it_and_no_push() {
        let frames = [
            (1, ">OPEN", 0, 0),
            (2, "<STATUS", 4, 3),
            (1, "<PUSH_STATE", 1, 0),
            (1, "<OPEN", 2, 1),
            (3, ">INFO", 0, 0),
            (3, "<INFO", 1, 0),
            (4, ">DENY", 0x20, 0),
            (4, "<DENY", 2, 11),
        ];
        assert_eq!(of(&frames), ["OPEN 0 pin-rejected", "INFO 0 done", "DENY 32 text-over"]);
    }
}
