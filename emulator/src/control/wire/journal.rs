//! The journal.

use cardea_sdk::EventKind;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::OutcomeWord;
use crate::engine::{Entry, Kind};

/// Which entries.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub(in super::super) struct JournalQuery {
    /// Those after the one of this number; 0 for all.
    pub(in super::super) since: u64,
    /// At most so many, from 1 to 1000; 1000 if it is left out.
    pub(in super::super) limit: Option<usize>,
    /// Those of this device.
    pub(in super::super) device: Option<String>,
    /// Those of this kind.
    pub(in super::super) kind: Option<String>,
}

/// Entries of a journal, the oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct EntryList {
    /// So many were not kept long enough.
    pub(in super::super) lost: u64,
    pub(in super::super) entries: Vec<EntryView>,
    /// Whether there are more of them.
    pub(in super::super) more: bool,
}

/// Something that happened in a session.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(in super::super) struct EntryView {
    /// The first one is 1, and none is left out.
    pub(in super::super) number: u64,
    /// In Unix seconds of the session.
    time: u64,
    /// The name of the device.
    pub(in super::super) device: String,
    /// What happened, in a word.
    pub(in super::super) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    /// What the device was told to do; the name of a `fault`; what became of a device, of a `state`.
    #[serde(skip_serializing_if = "Option::is_none")]
    what: Option<&'static str>,
    /// The SDK's number of the error, of a `failed` one.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<u32>,
    /// What the error says; what came of a fault, of a `fault-outcome`; the snapshot or the other device, of a `state`.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// The number of the prompt, of an `asked` or `answered` one.
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<OutcomeWord>,
    /// What the network is like now: a name, or `custom`.
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    /// The id of the rule, of a `fault` or a `fault-outcome`.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    /// How many, of `missed` and `closed-token-checked` ones; seconds of `closing-soon`.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
}

impl EntryView {
    /// All kinds, with what each says.
    pub(in super::super) const KINDS: [(&'static str, &'static str); 26] = [
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
}

impl From<&Entry> for EntryView {
    fn from(entry: &Entry) -> Self {
        let mut view = Self {
            number: entry.number,
            time: entry.time,
            device: entry.device.to_string(),
            kind: "other",
            token: None,
            what: None,
            error: None,
            detail: None,
            prompt: None,
            outcome: None,
            profile: None,
            rule: None,
            count: None,
        };
        match &entry.kind {
            Kind::Made => view.kind = "made",
            Kind::Removed => view.kind = "removed",
            Kind::Token { token, event } => {
                (view.kind, view.count) = of_event(event);
                view.token = Some(token.to_string());
            }
            Kind::Missed(count) => (view.kind, view.count) = ("missed", Some(*count)),
            Kind::Done { what, failure: None } => (view.kind, view.what) = ("done", Some(*what)),
            Kind::Done { what, failure: Some((number, text)) } => {
                (view.kind, view.what) = ("failed", Some(*what));
                (view.error, view.detail) = (Some(*number), Some(text.clone()));
            }
            Kind::GivenUp { what } => (view.kind, view.what) = ("given-up", Some(*what)),
            Kind::Network { profile } => (view.kind, view.profile) = ("network", Some(profile.clone())),
            Kind::State { what, with } => {
                (view.kind, view.what, view.detail) = ("state", Some(*what), with.clone());
            }
            Kind::Fault { rule, fault } => {
                (view.kind, view.what, view.rule) = ("fault", Some(*fault), Some(rule.to_string()));
            }
            Kind::FaultOutcome { rule, outcome } => {
                (view.kind, view.rule) = ("fault-outcome", Some(rule.to_string()));
                view.detail = Some(outcome.clone());
            }
            Kind::Asked { prompt, token } => {
                (view.kind, view.prompt, view.token) = ("asked", Some(*prompt), Some(token.to_string()));
            }
            Kind::Answered { prompt, outcome } => {
                (view.kind, view.prompt, view.outcome) = ("answered", Some(*prompt), Some((*outcome).into()));
            }
        }
        view
    }
}

const fn of_event(event: &EventKind) -> (&'static str, Option<u64>) {
    match event {
        EventKind::Opened => ("opened", None),
        EventKind::ClosingSoon { remaining_seconds } => ("closing-soon", Some(*remaining_seconds as u64)),
        EventKind::Closed => ("closed", None),
        EventKind::Blocked => ("blocked", None),
        EventKind::ConfirmationAsked => ("confirmation-asked", None),
        EventKind::ConfirmationAnswered => ("confirmation-answered", None),
        EventKind::ClosedTokenChecked { count } => ("closed-token-checked", Some(*count as u64)),
        EventKind::Enrolled => ("enrolled", None),
        EventKind::Unenrolled => ("unenrolled", None),
        EventKind::Revoked => ("revoked", None),
        EventKind::NotConfirmed => ("not-confirmed", None),
        EventKind::Offline => ("offline", None),
        EventKind::Online => ("online", None),
        _ => ("other", None),
    }
}
