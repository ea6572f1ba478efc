//! Sessions and their time.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::super::extract::{Body, InSession};
use super::super::problem::{Problem, ProblemBody};
use super::super::wire::{Advance, ClockView, NewSession, SessionList, SessionPath, SessionView, SetClock};
use crate::control::Shared;
use crate::engine::{LATEST, Options, Seed, Settings};

/// Lists the sessions.
#[utoipa::path(get, path = "/v1/sessions", tag = "sessions", responses((status = 200, body = SessionList)))]
pub(super) async fn list(State(shared): State<Shared>) -> Json<SessionList> {
    let sessions = shared.sessions.names().iter().map(|name| name.to_string()).collect();
    Json(SessionList { sessions })
}

/// Makes a session.
#[utoipa::path(
    post, path = "/v1/sessions", tag = "sessions", request_body = NewSession,
    responses((status = 201, body = SessionView), (status = 400, body = ProblemBody), (status = 409, body = ProblemBody), (status = 429, body = ProblemBody))
)]
pub(in super::super) async fn make(
    State(shared): State<Shared>,
    Body(new): Body<NewSession>,
) -> Result<(StatusCode, Json<SessionView>), Problem> {
    let NewSession { name, seed, lease_ms, presence } = new;
    let options = Options::clone(&shared.options);
    let faults = shared.faults.clone();
    let settings = Settings { seed: seed.map(Seed::new), options, usual: presence.into(), faults };
    let session = shared.sessions.make(name, settings, lease_ms.map(Duration::from_millis))?;
    Ok((StatusCode::CREATED, Json(SessionView::of(session.name(), &session))))
}

/// Shows a session.
#[utoipa::path(
    get, path = "/v1/sessions/{session}", tag = "sessions", params(SessionPath),
    responses((status = 200, body = SessionView), (status = 404, body = ProblemBody))
)]
pub(super) async fn show(InSession(session): InSession) -> Json<SessionView> {
    Json(SessionView::of(session.name(), &session))
}

/// Ends a session and removes its devices. Whoever waits in it is told.
#[utoipa::path(
    delete, path = "/v1/sessions/{session}", tag = "sessions", params(SessionPath),
    responses((status = 204), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody))
)]
pub(in super::super) async fn end(
    State(shared): State<Shared>,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    shared.sessions.end(&name)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Begins the lease of a session anew, as every call in it does.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/lease", tag = "sessions", params(SessionPath),
    responses((status = 204), (status = 404, body = ProblemBody))
)]
pub(super) async fn heartbeat(InSession(_): InSession) -> StatusCode {
    StatusCode::NO_CONTENT
}

/// Shows the time of a session.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/clock", tag = "sessions", params(SessionPath),
    responses((status = 200, body = ClockView), (status = 404, body = ProblemBody))
)]
pub(super) async fn clock(InSession(session): InSession) -> Json<ClockView> {
    Json(ClockView::of(&session))
}

/// Sets the time of a session, stops it or lets it go on. It is the time of the devices; a server has its own.
#[utoipa::path(
    put, path = "/v1/sessions/{session}/clock", tag = "sessions", params(SessionPath), request_body = SetClock,
    responses((status = 200, body = ClockView), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody))
)]
pub(super) async fn set_clock(
    InSession(session): InSession,
    Body(new): Body<SetClock>,
) -> Result<Json<ClockView>, Problem> {
    new.now.map_or(Ok(()), is_time)?;
    match new.frozen {
        Some(true) => session.time().freeze(),
        Some(false) => session.time().resume(),
        None => {}
    }
    if let Some(now) = new.now {
        session.time().set(now);
    }
    Ok(Json(ClockView::of(&session)))
}

/// Lets time pass at once, as for machines that slept.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/clock/advance", tag = "sessions", params(SessionPath), request_body = Advance,
    responses((status = 200, body = ClockView), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody))
)]
pub(super) async fn advance(
    InSession(session): InSession,
    Body(by): Body<Advance>,
) -> Result<Json<ClockView>, Problem> {
    is_time(session.time().now().saturating_add(by.seconds))?;
    session.time().advance(by.seconds);
    Ok(Json(ClockView::of(&session)))
}

/// Whether it may be so late.
fn is_time(now: u64) -> Result<(), Problem> {
    let is_later = now > LATEST;
    if is_later { Err(Problem::BadCall(format!("time goes to {LATEST}, the end of the year 9999"))) } else { Ok(()) }
}
