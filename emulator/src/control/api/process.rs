//! The emulator itself.

use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::{BODY_MAX, TRACE_MAX, wait};
use crate::control::wire::{OutcomeWord, ReplayMode};
use crate::control::{Shared, sessions};
use crate::engine::MOST_DEVICES;

/// That the emulator answers.
#[derive(Serialize, ToSchema)]
pub(super) struct Live {
    /// Always true.
    live: bool,
}

/// Says that the emulator answers. Needs no token.
#[utoipa::path(get, path = "/live", tag = "process", responses((status = 200, body = Live)))]
pub(super) async fn live() -> Json<Live> {
    Json(Live { live: true })
}

/// That everything is as it was asked for.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Ready {
    /// Always true: before, the status is another one.
    ready: bool,
}

/// Says whether everything is as it was asked for when the emulator was started. Needs no token.
#[utoipa::path(
    get, path = "/ready", tag = "process",
    responses((status = 200, body = Ready, description = "It is."), (status = 503, description = "Not yet."))
)]
pub(in super::super) async fn ready(State(shared): State<Shared>) -> Result<Json<Ready>, StatusCode> {
    let ready = shared.is_ready.load(Ordering::Acquire);
    if ready { Ok(Json(Ready { ready })) } else { Err(StatusCode::SERVICE_UNAVAILABLE) }
}

/// Ends the emulator, and all sessions with it.
#[utoipa::path(post, path = "/v1/shutdown", tag = "process", responses((status = 204)))]
pub(super) async fn end(State(shared): State<Shared>) -> StatusCode {
    shared.told_to_end.send_replace(true);
    StatusCode::NO_CONTENT
}

/// What runs.
#[derive(Serialize, ToSchema)]
pub(super) struct Version {
    name: &'static str,
    version: &'static str,
    /// The version of this API.
    api: u8,
}

/// Says which version this is.
#[utoipa::path(get, path = "/v1/version", tag = "process", responses((status = 200, body = Version)))]
pub(super) async fn version() -> Json<Version> {
    Json(Version { name: "cardea-emulator", version: env!("CARGO_PKG_VERSION"), api: 1 })
}

/// What this emulator can do.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Capabilities {
    /// Ways to reach servers.
    transports: [&'static str; 4],
    /// What holders can do.
    outcomes: [&'static str; 7],
    /// Operators of predicates.
    predicates: [&'static str; 10],
    /// What devices can be like from the beginning: the profiles of the configuration.
    profiles: Vec<String>,
    /// What can go wrong on purpose.
    faults: Vec<&'static str>,
    /// Whether this one was started so that it may.
    faults_allowed: bool,
    /// The hosts of servers that may see it, besides this machine.
    faults_at: Vec<String>,
    /// How a trace is replayed.
    replays: [ReplayMode; 2],
    /// How much there is of what is limited.
    limits: Limits,
}

/// How much there is of what is limited.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Limits {
    /// Sessions at one time.
    sessions: usize,
    /// Devices of a session at one time.
    devices: usize,
    /// Milliseconds of a wait.
    wait_ms: u64,
    /// Bytes of what a call sends.
    body_bytes: usize,
    /// The same where a trace is in it.
    trace_bytes: usize,
}

/// Says what this emulator can do.
#[utoipa::path(get, path = "/v1/capabilities", tag = "process", responses((status = 200, body = Capabilities)))]
pub(super) async fn capabilities(State(shared): State<Shared>) -> Json<Capabilities> {
    let profiles = shared.profiles.keys().cloned().collect();
    Json(Capabilities {
        profiles,
        faults_allowed: shared.faults.is_open(),
        faults_at: shared.faults.hosts().to_vec(),
        ..Capabilities::all()
    })
}

impl Capabilities {
    /// All of them, of an emulator that was told nothing.
    pub(super) fn all() -> Self {
        Self {
            transports: ["auto", "tcp", "udp", "websocket"],
            outcomes: OutcomeWord::ALL,
            predicates: ["==", "!=", "<", "<=", ">", ">=", "&&", "||", "!", "()"],
            profiles: Vec::new(),
            faults: crate::faults::catalogue().map(|fault| fault.name).collect(),
            faults_allowed: false,
            faults_at: Vec::new(),
            replays: [ReplayMode::Verbatim, ReplayMode::Resign],
            limits: Limits {
                sessions: sessions::MOST,
                devices: MOST_DEVICES,
                wait_ms: wait::LONGEST,
                body_bytes: BODY_MAX,
                trace_bytes: TRACE_MAX,
            },
        }
    }
}
