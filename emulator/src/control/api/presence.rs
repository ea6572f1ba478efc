//! Who holds a device, and what they do when they are asked.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;

use super::super::extract::{Body, OnDevice};
use super::super::problem::{Problem, ProblemBody};
use super::super::wire::{DevicePath, Habit, PersonaSet, PresenceView, PromptAnswer, PromptList};

/// Shows what the holder does where nothing else is said, and what is to be done before that.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/devices/{device}/presence", tag = "presence", params(DevicePath),
    responses((status = 200, body = PresenceView), (status = 404, body = ProblemBody))
)]
pub(in super::super) async fn show(device: OnDevice) -> Json<PresenceView> {
    Json(PresenceView::of(device.human()))
}

/// Sets what the holder does where nothing else is said.
#[utoipa::path(
    put, path = "/v1/sessions/{session}/devices/{device}/presence", tag = "presence", params(DevicePath),
    request_body = Habit,
    responses((status = 204), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody))
)]
pub(in super::super) async fn set(device: OnDevice, Body(habit): Body<Habit>) -> StatusCode {
    device.human().set_usual(habit);
    StatusCode::NO_CONTENT
}

/// Sets what the holder does once, after what was said before.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/devices/{device}/presence/next", tag = "presence", params(DevicePath),
    request_body = Habit,
    responses((status = 204), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody))
)]
pub(in super::super) async fn next(device: OnDevice, Body(habit): Body<Habit>) -> Result<StatusCode, Problem> {
    if !device.human().next(habit) {
        return Err(Problem::BadCall("a thousand things are to be done next already: forget them first".into()));
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Forgets what was to be done next.
#[utoipa::path(
    delete, path = "/v1/sessions/{session}/devices/{device}/presence/next", tag = "presence", params(DevicePath),
    responses((status = 204), (status = 404, body = ProblemBody))
)]
pub(in super::super) async fn clear_next(device: OnDevice) -> StatusCode {
    device.human().clear_next();
    StatusCode::NO_CONTENT
}

/// Gives the holder other PINs. What is enrolled keeps those that it has.
#[utoipa::path(
    put, path = "/v1/sessions/{session}/devices/{device}/persona", tag = "presence", params(DevicePath),
    request_body = PersonaSet,
    responses((status = 204), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody))
)]
pub(super) async fn persona(device: OnDevice, Body(new): Body<PersonaSet>) -> Result<StatusCode, Problem> {
    device.human().set_persona(new.persona()?);
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the questions that wait for an answer.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/devices/{device}/prompts", tag = "presence", params(DevicePath),
    responses((status = 200, body = PromptList), (status = 404, body = ProblemBody))
)]
pub(in super::super) async fn prompts(device: OnDevice) -> Json<PromptList> {
    Json(PromptList { prompts: device.human().prompts().iter().map(Into::into).collect() })
}

/// Answers a question now, whatever was to be done.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/devices/{device}/prompts/{prompt}", tag = "presence",
    params(DevicePath, ("prompt" = u64, Path, description = "Its number.")), request_body = PromptAnswer,
    responses((status = 204), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody))
)]
pub(in super::super) async fn answer(
    device: OnDevice,
    Path((_, _, prompt)): Path<(String, String, String)>,
    Body(reply): Body<PromptAnswer>,
) -> Result<StatusCode, Problem> {
    let prompt = prompt.parse().map_err(|_| Problem::BadCall("a prompt has a number".into()))?;
    device.human().answer(prompt, reply.reply()?)?;
    Ok(StatusCode::NO_CONTENT)
}
