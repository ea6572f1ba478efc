//! `/dev/clock`: time goes on by command. Exists only under `cardea-server dev --test-clock`, which binds loopback only.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::Uri;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Api, Problem, body};
use crate::clock::Clock;

/// The longest step: thirty years.
const STEP_MAX: u64 = 30 * 366 * 86_400;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    advance: u64,
}

/// `POST /dev/clock` with `{"advance":SECONDS}`: moves the clock forward and answers `{"now":UNIX_SECONDS}`.
/// An advance of 0 reads it.
pub(super) async fn advance(State(api): State<Arc<Api>>, uri: Uri, body: Body) -> Result<Json<Value>, Problem> {
    let Step { advance } = body::json(&uri, body, api.limits, "the whole number of seconds `advance`").await?;
    let clock = api.test_clock.as_ref().ok_or(Problem::UnknownPath)?;
    // Past the 32 bits of the wire there is no time to test.
    if advance > STEP_MAX || clock.now().get() + advance > u64::from(u32::MAX) {
        return Err(Problem::bad_call("`advance` leaves the range of time"));
    }
    Ok(Json(json!({ "now": clock.advance(advance).get() })))
}
