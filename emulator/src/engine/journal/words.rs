//! The words for what happens: of the control API, of scenarios and of what people read.

use std::fmt;

use cardea_sdk::EventKind;

use super::{Entry, Kind};

impl fmt::Display for Entry {
    /// For people: its number, the device, and what happened.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  {}  {}", self.number, self.device, self.kind.word())?;
        match &self.kind {
            Kind::Made | Kind::Removed | Kind::Token { .. } | Kind::Asked { .. } => Ok(()),
            Kind::Missed(count) => write!(f, "  {count}"),
            Kind::Done { what, failure: Some((number, text)) } => write!(f, "  {what}  {text} ({number})"),
            Kind::Done { what, failure: None } | Kind::GivenUp { what } | Kind::State { what, with: None } => {
                write!(f, "  {what}")
            }
            Kind::State { what, with: Some(with) } => write!(f, "  {what}  {with}"),
            Kind::Network { profile } => write!(f, "  {profile}"),
            Kind::Fault { rule, fault } => write!(f, "  {fault}  {rule}"),
            Kind::FaultOutcome { rule, outcome } => write!(f, "  {rule}  {outcome}"),
            Kind::Answered { outcome, .. } => write!(f, "  {}", outcome.word()),
        }
    }
}

impl Kind {
    /// All words, with what each says.
    pub const WORDS: [(&'static str, &'static str); 26] = [
        ("made", "the device was made, or opened from the state folder"),
        ("removed", "the device is gone"),
        ("missed", "`count` things happened to tokens too fast to be told one by one"),
        ("done", "the device was told to do `what`, and it was done"),
        ("failed", "the device was told to do `what`, and it was not done: `error` and `detail` say why"),
        ("given-up", "who had told the device to do `what` did not wait for it: it may have been done"),
        ("asked", "the holder is asked for a PIN: `prompt` is the number of the question"),
        ("answered", "the holder has answered the question `prompt`, by `outcome`"),
        ("opened", "the token is open"),
        ("closing-soon", "the token closes by itself in `count` seconds"),
        ("closed", "the token is closed"),
        ("blocked", "the token is blocked"),
        ("confirmation-asked", "a text waits to be approved or denied"),
        ("confirmation-answered", "a text was approved or denied"),
        ("closed-token-checked", "relying parties asked `count` times while the token was closed"),
        ("enrolled", "the device has a new token"),
        ("unenrolled", "the token was given up"),
        ("revoked", "the token was revoked by somebody else"),
        ("not-confirmed", "nobody knows yet whether it was done"),
        ("offline", "the server cannot be reached"),
        ("online", "the server can be reached again"),
        ("network", "the network of the device is `profile` from now on"),
        (
            "state",
            "the device was made what it is now, or exported: `what` says which, `detail` the snapshot or the other device",
        ),
        ("fault", "the fault `what` of the rule `rule` has happened"),
        ("fault-outcome", "what came of a fault of the rule `rule` that somebody else had a part in: `detail`"),
        ("other", "something that this version has no word for"),
    ];

    /// The word for it.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Made => "made",
            Self::Removed => "removed",
            Self::Missed(_) => "missed",
            Self::Done { failure: None, .. } => "done",
            Self::Done { failure: Some(_), .. } => "failed",
            Self::GivenUp { .. } => "given-up",
            Self::Asked { .. } => "asked",
            Self::Answered { .. } => "answered",
            Self::Network { .. } => "network",
            Self::State { .. } => "state",
            Self::Fault { .. } => "fault",
            Self::FaultOutcome { .. } => "fault-outcome",
            Self::Token { event, .. } => match event {
                EventKind::Opened => "opened",
                EventKind::ClosingSoon { .. } => "closing-soon",
                EventKind::Closed => "closed",
                EventKind::Blocked => "blocked",
                EventKind::ConfirmationAsked => "confirmation-asked",
                EventKind::ConfirmationAnswered => "confirmation-answered",
                EventKind::ClosedTokenChecked { .. } => "closed-token-checked",
                EventKind::Enrolled => "enrolled",
                EventKind::Unenrolled => "unenrolled",
                EventKind::Revoked => "revoked",
                EventKind::NotConfirmed => "not-confirmed",
                EventKind::Offline => "offline",
                EventKind::Online => "online",
                _ => "other",
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Outcome;

    #[test]
    fn an_entry_reads_as_people_read() {
        let told = |kind| Entry { number: 7, time: 1, device: "phone".into(), kind }.to_string();
        assert_eq!(told(Kind::Made), "7  phone  made");
        let failure = Some((5, "the server cannot be reached".to_owned()));
        assert_eq!(
            told(Kind::Done { what: "open", failure }),
            "7  phone  failed  open  the server cannot be reached (5)"
        );
        assert_eq!(told(Kind::Answered { prompt: 1, outcome: Outcome::WrongPin }), "7  phone  answered  wrong-pin");
        assert_eq!(told(Kind::Fault { rule: "lost".into(), fault: "ack-lost" }), "7  phone  fault  ack-lost  lost");
        assert_eq!(told(Kind::State { what: "reset", with: None }), "7  phone  state  reset");
    }

    #[test]
    fn each_word_is_listed_once() {
        let mut words: Vec<&str> = Kind::WORDS.iter().map(|(word, _)| *word).collect();
        for kind in [
            Kind::Made,
            Kind::Removed,
            Kind::Missed(2),
            Kind::Done { what: "open", failure: None },
            Kind::Done { what: "open", failure: Some((1, String::new())) },
            Kind::GivenUp { what: "open" },
            Kind::Network { profile: "ideal".to_owned() },
            Kind::State { what: "reset", with: None },
            Kind::Fault { rule: "a".into(), fault: "reset" },
            Kind::FaultOutcome { rule: "a".into(), outcome: String::new() },
        ] {
            assert!(words.contains(&kind.word()), "{}", kind.word());
        }
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Kind::WORDS.len());
    }
}
