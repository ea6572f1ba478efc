//! What was said, frame by frame.

use axum::Json;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;

use super::super::extract::{InSession, Parameters};
use super::super::problem::{Problem, ProblemBody};
use super::super::wire::{LinesQuery, Packets, SessionPath, TraceView};
use crate::trace::Secrets;

/// Says whether a session is recorded.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/trace", tag = "evidence", params(SessionPath),
    responses((status = 200, body = TraceView), (status = 404, body = ProblemBody))
)]
pub(super) async fn show(InSession(session): InSession) -> Json<TraceView> {
    Json(TraceView::of(session.trace()))
}

/// Records what devices and servers say on connections from now on. What was recorded before is forgotten.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/trace", tag = "evidence", params(SessionPath),
    responses((status = 200, body = TraceView), (status = 404, body = ProblemBody))
)]
pub(super) async fn start(InSession(session): InSession) -> Json<TraceView> {
    session.trace().start();
    Json(TraceView::of(session.trace()))
}

/// Records nothing more. What was recorded stays.
#[utoipa::path(
    delete, path = "/v1/sessions/{session}/trace", tag = "evidence", params(SessionPath),
    responses((status = 200, body = TraceView), (status = 404, body = ProblemBody))
)]
pub(super) async fn stop(InSession(session): InSession) -> Json<TraceView> {
    session.trace().stop();
    Json(TraceView::of(session.trace()))
}

/// What was recorded, in lines of JSON; without what is secret, unless that is asked for.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/trace.jsonl", tag = "evidence", params(SessionPath, LinesQuery),
    responses((status = 200, content_type = "application/jsonl", body = String), (status = 404, body = ProblemBody))
)]
pub(super) async fn lines(
    InSession(session): InSession,
    Parameters(query): Parameters<LinesQuery>,
) -> Result<impl IntoResponse, Problem> {
    let secrets = query.secrets()?;
    Ok(([(CONTENT_TYPE, "application/jsonl")], session.trace().file_since(query.since(), secrets).to_string()))
}

/// What was recorded, for Wireshark.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/trace.pcapng", tag = "evidence", params(SessionPath),
    responses((status = 200, content_type = "application/x-pcapng", body = Packets), (status = 404, body = ProblemBody))
)]
pub(super) async fn packets(InSession(session): InSession) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/x-pcapng")], session.trace().file(Secrets::Hidden).packets())
}

/// The keys of what was recorded, for Wireshark with the dissector. Whoever has them reads everything.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/trace.keylog", tag = "evidence", params(SessionPath),
    responses((status = 200, content_type = "text/plain", body = String), (status = 404, body = ProblemBody))
)]
pub(super) async fn keys(InSession(session): InSession) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/plain")], session.trace().file(Secrets::Shown).key_log().to_string())
}
