//! The journal.

use cardea_sdk::EventKind;
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
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
    #[schema(schema_with = kinds)]
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

/// The words for what happens.
fn kinds() -> Object {
    let words = Kind::WORDS.map(|(word, _)| word);
    let said = "What happened, in a word.";
    ObjectBuilder::new().schema_type(Type::String).description(Some(said)).enum_values(Some(words)).build()
}

impl From<&Entry> for EntryView {
    fn from(entry: &Entry) -> Self {
        let mut view = Self {
            number: entry.number,
            time: entry.time,
            device: entry.device.to_string(),
            kind: entry.kind.word(),
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
            Kind::Made | Kind::Removed => {}
            Kind::Token { token, event } => {
                (view.token, view.count) = (Some(token.to_string()), count(event));
            }
            Kind::Missed(count) => view.count = Some(*count),
            Kind::Done { what, failure } => {
                view.what = Some(*what);
                (view.error, view.detail) = failure.clone().unzip();
            }
            Kind::GivenUp { what } => view.what = Some(*what),
            Kind::Network { profile } => view.profile = Some(profile.clone()),
            Kind::State { what, with } => (view.what, view.detail) = (Some(*what), with.clone()),
            Kind::Fault { rule, fault } => (view.what, view.rule) = (Some(*fault), Some(rule.to_string())),
            Kind::FaultOutcome { rule, outcome } => {
                (view.rule, view.detail) = (Some(rule.to_string()), Some(outcome.clone()));
            }
            Kind::Asked { prompt, token } => (view.prompt, view.token) = (Some(*prompt), Some(token.to_string())),
            Kind::Answered { prompt, outcome } => {
                (view.prompt, view.outcome) = (Some(*prompt), Some((*outcome).into()));
            }
        }
        view
    }
}

/// How many, or how many seconds.
const fn count(event: &EventKind) -> Option<u64> {
    match event {
        EventKind::ClosingSoon { remaining_seconds } => Some(*remaining_seconds as u64),
        EventKind::ClosedTokenChecked { count } => Some(*count as u64),
        _ => None,
    }
}
