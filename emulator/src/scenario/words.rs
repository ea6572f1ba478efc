//! The words of scenarios.

use cardea_sdk::DenyReason;

use crate::engine::{Outcome, Transport};

/// What holders do.
pub(super) const OUTCOMES: &[(&str, Outcome)] = &[
    ("approve", Outcome::Approve),
    ("duress", Outcome::Duress),
    ("wrong-pin", Outcome::WrongPin),
    ("cancel", Outcome::Cancel),
    ("ignore", Outcome::Ignore),
    ("fail", Outcome::Fail),
];

/// How servers are reached.
pub(super) const TRANSPORTS: &[(&str, Transport)] =
    &[("auto", Transport::Auto), ("tcp", Transport::Tcp), ("udp", Transport::Udp), ("websocket", Transport::WebSocket)];

/// Statuses as relying parties are told them.
pub(super) const STATUSES: &[(&str, u8)] =
    &[("not-enrolled", 0), ("open", 1), ("closed", 2), ("duress", 3), ("blocked", 4)];

/// What devices may know: of duress nothing.
pub(super) const KNOWN: &[(&str, Option<u8>)] =
    &[("unknown", None), ("not-enrolled", Some(0)), ("open", Some(1)), ("closed", Some(2)), ("blocked", Some(4))];

/// Why a text is denied.
pub(super) const REASONS: &[(&str, DenyReason)] =
    &[("unsaid", DenyReason::Unsaid), ("cancelled", DenyReason::Cancelled), ("not-me", DenyReason::NotMe)];

/// What can go wrong, with its number in every interface (the SDK's errors, those of relying parties from 160).
pub(super) const ERRORS: &[(&str, u32)] = &[
    ("nothing-there", 0),
    ("wrong-pin", 1),
    ("wait", 2),
    ("blocked", 3),
    ("not-enrolled", 4),
    ("unknown-hint", 6),
    ("version", 7),
    ("overloaded", 9),
    ("code-used", 10),
    ("text-gone", 11),
    ("text-expired", 12),
    ("not-allowed", 13),
    ("server-failed", 14),
    ("not-confirmed", 101),
    ("offline", 102),
    ("busy", 103),
    ("already-enrolled", 105),
    ("cancelled", 106),
    ("pin-not-allowed", 110),
    ("bad-server", 120),
    ("wrong-server", 122),
    ("cannot-ask", 151),
    ("forbidden", 162),
    ("unknown-user", 163),
    ("throttled", 164),
    ("unavailable", 165),
    ("unreachable", 166),
    ("timeout", 167),
    ("bad-answer", 168),
];

/// The word for a value of a table.
pub(super) fn word_of<T: Copy + PartialEq>(words: &[(&'static str, T)], value: T) -> &'static str {
    words.iter().find(|(_, known)| *known == value).map_or("?", |(word, _)| *word)
}

/// The word for an error, or its number.
pub(super) fn error(code: u32) -> String {
    let word = ERRORS.iter().find(|(_, known)| *known == code);
    word.map_or_else(|| code.to_string(), |(word, _)| (*word).to_owned())
}
