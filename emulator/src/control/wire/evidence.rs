//! Faults and traces.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::control::problem::Problem;
use crate::faults::{Armed, Entry, Rule};
use crate::trace::{Secrets, Trace};

/// What can be made to go wrong.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct Catalogue {
    /// Each with its name, layer, parameters, and what device and server are to make of it.
    #[schema(value_type = Vec<Entry>)]
    pub(in super::super) faults: Vec<&'static Entry>,
}

/// The rules of a session.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct RuleList {
    /// Each with its rule, how many occasions there were, and at how many it happened.
    pub(in super::super) rules: Vec<Armed>,
}

/// The rules that there are to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct NewRules {
    /// In the order in which they are looked at.
    pub(in super::super) rules: Vec<Rule>,
}

/// Whether a session is recorded.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct TraceView {
    on: bool,
    /// How many frames there are.
    frames: usize,
    /// How many were not kept long enough.
    lost: u64,
}

impl TraceView {
    pub(in super::super) fn of(trace: &Trace) -> Self {
        let since = trace.since(0);
        Self { on: trace.is_on(), frames: since.frames.len(), lost: since.lost }
    }
}

/// A capture of packets, as pcapng.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "for the description of the API")]
pub(in super::super) struct Packets(Vec<u8>);

/// Which lines of a trace, and whether to tell secrets.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub(in super::super) struct LinesQuery {
    /// `hidden`, unless it is `shown`.
    secrets: Option<String>,
    /// Frames after the one of this number; 0 for all.
    since: u64,
}

impl LinesQuery {
    pub(in super::super) const fn since(&self) -> u64 {
        self.since
    }

    pub(in super::super) fn secrets(&self) -> Result<Secrets, Problem> {
        match self.secrets.as_deref() {
            None | Some("hidden") => Ok(Secrets::Hidden),
            Some("shown") => Ok(Secrets::Shown),
            Some(_) => Err(Problem::BadCall("secrets are hidden or shown".into())),
        }
    }
}

/// What to call a scenario.
#[cfg(feature = "embedded-server")]
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub(in super::super) struct ScenarioQuery {
    /// What it shows, in a line.
    name: Option<String>,
}

#[cfg(feature = "embedded-server")]
impl ScenarioQuery {
    pub(in super::super) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or("what somebody did by hand")
    }
}
