//! What devices are told to do with their tokens. Each call ends with what the server has said.

use axum::Json;
use axum::http::StatusCode;
use cardea_sdk::DenyReason;

use super::super::extract::{Body, OnDevice, Parameters};
use super::super::problem::{Problem, ProblemBody};
use super::super::wire::{
    About, Answered, Answering, Changed, ConfirmationList, ConfirmationView, DevicePath, Forget, HistoryList, Label,
    Operation, PinChange, PinText, Revoke, SiblingList, Which, WhichText,
};
use crate::engine::device_id;

/// Opens a token. Its holder is asked for the PIN, unless it is in the call.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/devices/{device}/open", tag = "devices", params(DevicePath),
    request_body = Operation,
    responses(
        (status = 200, body = Changed), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody),
        (status = 422, body = ProblemBody), (status = 502, body = ProblemBody), (status = 504, body = ProblemBody),
    )
)]
pub(in super::super) async fn open(device: OnDevice, Body(how): Body<Operation>) -> Result<Json<Changed>, Problem> {
    let approval = PinText::approval(how.pin.as_ref())?;
    let status = device.open_with(how.token.as_deref(), how.time(), approval).await?;
    Ok(Json(Changed::of(&device, how.token.as_deref(), status).await))
}

/// Closes a token.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/devices/{device}/close", tag = "devices", params(DevicePath),
    request_body = Operation,
    responses((status = 200, body = Changed), (status = 404, body = ProblemBody), (status = 502, body = ProblemBody))
)]
pub(in super::super) async fn close(device: OnDevice, Body(how): Body<Operation>) -> Result<Json<Changed>, Problem> {
    let status = device.close(how.token.as_deref()).await?;
    Ok(Json(Changed::of(&device, how.token.as_deref(), status).await))
}

/// Asks the server how a token stands.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/devices/{device}/status", tag = "devices", params(DevicePath),
    request_body = Operation,
    responses((status = 200, body = Changed), (status = 404, body = ProblemBody), (status = 502, body = ProblemBody))
)]
pub(in super::super) async fn status(device: OnDevice, Body(how): Body<Operation>) -> Result<Json<Changed>, Problem> {
    let status = device.status(how.token.as_deref()).await?;
    Ok(Json(Changed::of(&device, how.token.as_deref(), status).await))
}

/// Asks for the texts that wait to be approved or denied.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/devices/{device}/confirmations", tag = "devices", params(DevicePath, Which),
    responses((status = 200, body = ConfirmationList), (status = 404, body = ProblemBody), (status = 502, body = ProblemBody))
)]
pub(in super::super) async fn confirmations(
    device: OnDevice,
    Parameters(which): Parameters<Which>,
) -> Result<Json<ConfirmationList>, Problem> {
    Ok(Json(ConfirmationList::of(&device.confirmations(which.token.as_deref()).await?)))
}

/// Asks for one text that waits: the only one, or the one whose id begins so.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/devices/{device}/confirmation", tag = "devices", params(DevicePath, WhichText),
    responses((status = 200, body = ConfirmationView), (status = 404, body = ProblemBody), (status = 502, body = ProblemBody))
)]
pub(super) async fn confirmation(
    device: OnDevice,
    Parameters(which): Parameters<WhichText>,
) -> Result<Json<ConfirmationView>, Problem> {
    Ok(Json((&device.confirmation(which.token.as_deref(), which.id.as_deref()).await?).into()))
}

/// Approves a text that waits.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/devices/{device}/approve", tag = "devices", params(DevicePath),
    request_body = Answering,
    responses(
        (status = 200, body = Answered), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 422, body = ProblemBody), (status = 502, body = ProblemBody),
    )
)]
pub(in super::super) async fn approve(device: OnDevice, Body(how): Body<Answering>) -> Result<Json<Answered>, Problem> {
    let approval = PinText::approval(how.pin.as_ref())?;
    let (text, status) = device.approve(how.token.as_deref(), how.id.as_deref(), approval).await?;
    Ok(Json(Answered::of("approved", &text, Changed::of(&device, how.token.as_deref(), status).await)))
}

/// Denies a text that waits.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/devices/{device}/deny", tag = "devices", params(DevicePath),
    request_body = Answering,
    responses(
        (status = 200, body = Answered), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 422, body = ProblemBody), (status = 502, body = ProblemBody),
    )
)]
pub(in super::super) async fn deny(device: OnDevice, Body(how): Body<Answering>) -> Result<Json<Answered>, Problem> {
    let reason = DenyReason::from(how.reason);
    let (text, status) = device.deny(how.token.as_deref(), how.id.as_deref(), reason).await?;
    Ok(Json(Answered::of("denied", &text, Changed::of(&device, how.token.as_deref(), status).await)))
}

/// Replaces the PINs of a token. The holder has the new ones from then on.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/devices/{device}/change-pins", tag = "devices", params(DevicePath),
    request_body = PinChange,
    responses(
        (status = 200, body = Changed), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 422, body = ProblemBody), (status = 502, body = ProblemBody),
    )
)]
pub(super) async fn change_pins(device: OnDevice, Body(how): Body<PinChange>) -> Result<Json<Changed>, Problem> {
    let (persona, approval) = (how.persona()?, PinText::approval(how.pin.as_ref())?);
    let status = device.change_pins(how.token.as_deref(), persona, approval).await?;
    Ok(Json(Changed::of(&device, how.token.as_deref(), status).await))
}

/// Asks what the service calls itself and the holder.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/devices/{device}/about", tag = "devices", params(DevicePath, Which),
    responses((status = 200, body = About), (status = 404, body = ProblemBody), (status = 502, body = ProblemBody))
)]
pub(super) async fn about(device: OnDevice, Parameters(which): Parameters<Which>) -> Result<Json<About>, Problem> {
    Ok(Json(device.about(which.token.as_deref()).await?.into()))
}

/// Asks which devices a token has.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/devices/{device}/devices", tag = "devices", params(DevicePath, Which),
    responses((status = 200, body = SiblingList), (status = 404, body = ProblemBody), (status = 502, body = ProblemBody))
)]
pub(super) async fn siblings(
    device: OnDevice,
    Parameters(which): Parameters<Which>,
) -> Result<Json<SiblingList>, Problem> {
    Ok(Json(SiblingList::of(&device.devices(which.token.as_deref()).await?)))
}

/// Revokes another device of a token, which closes the token.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/devices/{device}/revoke", tag = "devices", params(DevicePath),
    request_body = Revoke,
    responses(
        (status = 200, body = Changed), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 422, body = ProblemBody), (status = 502, body = ProblemBody),
    )
)]
pub(super) async fn revoke(device: OnDevice, Body(how): Body<Revoke>) -> Result<Json<Changed>, Problem> {
    let (other, approval) = (device_id(&how.device)?, PinText::approval(how.pin.as_ref())?);
    let status = device.revoke_device(how.token.as_deref(), other, approval).await?;
    Ok(Json(Changed::of(&device, how.token.as_deref(), status).await))
}

/// Asks what was done with a token: a page of sixteen lines, newest first.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/devices/{device}/history", tag = "devices", params(DevicePath, Which),
    responses((status = 200, body = HistoryList), (status = 404, body = ProblemBody), (status = 502, body = ProblemBody))
)]
pub(super) async fn history(
    device: OnDevice,
    Parameters(which): Parameters<Which>,
) -> Result<Json<HistoryList>, Problem> {
    Ok(Json(HistoryList::of(&device.history(which.token.as_deref(), which.page).await?)))
}

/// Calls a token something, on this device.
#[utoipa::path(
    put, path = "/v1/sessions/{session}/devices/{device}/label", tag = "devices", params(DevicePath),
    request_body = Label,
    responses((status = 204), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody))
)]
pub(super) async fn label(device: OnDevice, Body(new): Body<Label>) -> Result<StatusCode, Problem> {
    device.set_label(new.token.as_deref(), &new.label).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a token up.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/devices/{device}/unenroll", tag = "devices", params(DevicePath),
    request_body = Operation,
    responses(
        (status = 204), (status = 404, body = ProblemBody), (status = 422, body = ProblemBody),
        (status = 502, body = ProblemBody),
    )
)]
pub(super) async fn unenroll(device: OnDevice, Body(how): Body<Operation>) -> Result<StatusCode, Problem> {
    let approval = PinText::approval(how.pin.as_ref())?;
    device.unenroll(how.token.as_deref(), approval).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a token from a device without telling its server.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/devices/{device}/forget", tag = "devices", params(DevicePath),
    request_body = Forget,
    responses((status = 204), (status = 404, body = ProblemBody))
)]
pub(super) async fn forget(device: OnDevice, Body(which): Body<Forget>) -> Result<StatusCode, Problem> {
    device.forget(which.token.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}
