//! A scenario from what happened in a session.

use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;

use super::super::extract::{InSession, Parameters};
use super::super::problem::ProblemBody;
use super::super::wire::{ScenarioQuery, SessionPath};
use crate::scenario::record;

/// What happened in a session, as a scenario that does it again: with time that passes in place of waiting, and what came of
/// each operation as what is expected. PINs are in no journal, and so in no scenario.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/scenario", tag = "evidence", params(SessionPath, ScenarioQuery),
    responses((status = 200, content_type = "application/yaml", body = String), (status = 404, body = ProblemBody))
)]
pub(super) async fn show(
    InSession(session): InSession,
    Parameters(query): Parameters<ScenarioQuery>,
) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/yaml")], record::scenario(&session, query.name()))
}
