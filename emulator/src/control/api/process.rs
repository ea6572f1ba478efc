//! The emulator itself.

use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::control::Shared;
use crate::control::wire::OutcomeWord;

/// Says that the emulator answers. Needs no token.
#[utoipa::path(get, path = "/live", tag = "process", responses((status = 204)))]
pub(super) async fn live() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// Says whether everything is as it was asked for when the emulator was started. Needs no token.
#[utoipa::path(
    get, path = "/ready", tag = "process",
    responses((status = 204, description = "It is."), (status = 503, description = "Not yet."))
)]
pub(in super::super) async fn ready(State(shared): State<Shared>) -> StatusCode {
    if shared.is_ready.load(Ordering::Acquire) { StatusCode::NO_CONTENT } else { StatusCode::SERVICE_UNAVAILABLE }
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
pub(super) struct Capabilities {
    /// Ways to reach servers.
    transports: [&'static str; 4],
    /// What holders can do.
    outcomes: [&'static str; 7],
    /// Operators of predicates.
    predicates: [&'static str; 10],
    /// What devices can be like from the beginning: the profiles of the configuration.
    profiles: Vec<String>,
}

/// Says what this emulator can do.
#[utoipa::path(get, path = "/v1/capabilities", tag = "process", responses((status = 200, body = Capabilities)))]
pub(super) async fn capabilities(State(shared): State<Shared>) -> Json<Capabilities> {
    Json(Capabilities { profiles: shared.profiles.keys().cloned().collect(), ..Capabilities::all() })
}

impl Capabilities {
    /// All of them, without profiles of anybody's.
    pub(super) const fn all() -> Self {
        Self {
            transports: ["auto", "tcp", "udp", "websocket"],
            outcomes: OutcomeWord::ALL,
            predicates: ["==", "!=", "<", "<=", ">", ">=", "&&", "||", "!", "()"],
            profiles: Vec::new(),
        }
    }
}
