//! What sessions and devices were at a moment: kept, made so again, copied.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::super::Shared;
use super::super::extract::{Body, InSession, OnDevice, Parameters};
use super::super::problem::{Problem, ProblemBody};
use super::super::wire::{
    DevicePath, DeviceView, DifferenceList, Export, Exported, Import, NewName, Save, SessionPath, SnapshotList,
    SnapshotPath, SnapshotView, With,
};
use crate::engine::{EngineError, Parcel, ParcelError};
use crate::hidden::Hidden;

/// Keeps what a session is now under a name: its devices with their tokens, holders, networks and clocks, and its time.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/snapshots", tag = "state", params(SessionPath), request_body = Save,
    responses(
        (status = 201, body = SnapshotView), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 409, body = ProblemBody), (status = 429, body = ProblemBody),
    )
)]
pub(super) async fn save(
    InSession(session): InSession,
    Body(save): Body<Save>,
) -> Result<(StatusCode, Json<SnapshotView>), Problem> {
    let info = session.save(&save.name, save.replace).await?;
    Ok((StatusCode::CREATED, Json(info.into())))
}

/// Lists the snapshots of a session.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/snapshots", tag = "state", params(SessionPath),
    responses((status = 200, body = SnapshotList), (status = 404, body = ProblemBody))
)]
pub(super) async fn list(InSession(session): InSession) -> Json<SnapshotList> {
    Json(SnapshotList { snapshots: session.snapshots().into_iter().map(SnapshotView::from).collect() })
}

/// Makes a session what it was: all of it, or nothing while a device is doing something. Servers are not told, so that a device
/// that was used since looks to them like a copy.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/snapshots/{snapshot}/restore", tag = "state", params(SnapshotPath),
    responses((status = 204), (status = 404, body = ProblemBody), (status = 422, body = ProblemBody))
)]
pub(super) async fn restore(
    InSession(session): InSession,
    Path((_, snapshot)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    session.load(&snapshot).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says in what a session is another one now, or in another snapshot.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/snapshots/{snapshot}/differences", tag = "state", params(SnapshotPath, With),
    responses((status = 200, body = DifferenceList), (status = 404, body = ProblemBody))
)]
pub(super) async fn differences(
    InSession(session): InSession,
    Path((_, snapshot)): Path<(String, String)>,
    Parameters(with): Parameters<With>,
) -> Result<Json<DifferenceList>, Problem> {
    Ok(Json(DifferenceList::of(session.differences(&snapshot, with.with.as_deref()).await?)))
}

/// Forgets a snapshot.
#[utoipa::path(
    delete, path = "/v1/sessions/{session}/snapshots/{snapshot}", tag = "state", params(SnapshotPath),
    responses((status = 204), (status = 404, body = ProblemBody))
)]
pub(super) async fn forget(
    InSession(session): InSession,
    Path((_, snapshot)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    session.forget(&snapshot)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes a second device that is the same as this one, with its tokens and keys: servers find out once both are used.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/devices/{device}/clone", tag = "state", params(DevicePath),
    request_body = NewName,
    responses(
        (status = 201, body = DeviceView), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 409, body = ProblemBody),
    )
)]
pub(super) async fn copy(on: OnDevice, Body(new): Body<NewName>) -> Result<(StatusCode, Json<DeviceView>), Problem> {
    let copy = on.session.copy(on.device.name(), &new.name).await?;
    Ok((StatusCode::CREATED, Json(DeviceView::of(&copy, None).await?)))
}

/// Calls a device otherwise from now on.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/devices/{device}/rename", tag = "state", params(DevicePath),
    request_body = NewName,
    responses(
        (status = 200, body = DeviceView), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 409, body = ProblemBody), (status = 422, body = ProblemBody),
    )
)]
pub(super) async fn rename(on: OnDevice, Body(new): Body<NewName>) -> Result<Json<DeviceView>, Problem> {
    let renamed = on.session.rename(on.device.name(), &new.name).await?;
    Ok(Json(DeviceView::of(&renamed, None).await?))
}

/// Makes a device as it was when it was new: without tokens, of which servers are not told, and with the holder, the network and
/// the clock that all have.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/devices/{device}/reset", tag = "state", params(DevicePath),
    responses((status = 204), (status = 404, body = ProblemBody), (status = 422, body = ProblemBody))
)]
pub(super) async fn reset(on: OnDevice) -> Result<StatusCode, Problem> {
    on.session.reset(on.device.name()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives out a copy of a device, for a file: sealed with a passphrase, or for everybody to read if that is said.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/devices/{device}/export", tag = "state", params(DevicePath),
    request_body = Export,
    responses((status = 200, body = Exported), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody))
)]
pub(super) async fn export(
    State(shared): State<Shared>,
    on: OnDevice,
    Body(how): Body<Export>,
) -> Result<Json<Exported>, Problem> {
    let passphrase = match (how.passphrase, how.insecure_plain) {
        (Some(passphrase), false) => Some(passphrase),
        (None, true) => None,
        _ => return Err(Problem::BadCall("give a passphrase, or \"insecurePlain\": true".into())),
    };
    let parcel = on.session.export(on.device.name()).await?;
    let entropy = shared.sessions.entropy();
    let file = blocking(move || match passphrase {
        Some(passphrase) => parcel.sealed(&passphrase, &*entropy),
        None => parcel.plain(),
    });
    Ok(Json(Exported { file: Hidden::new(file.await?.as_str()) }))
}

/// Makes a device of a file that was exported.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/devices/import", tag = "state", params(SessionPath), request_body = Import,
    responses(
        (status = 201, body = DeviceView), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 409, body = ProblemBody),
    )
)]
pub(super) async fn import(
    InSession(session): InSession,
    Body(with): Body<Import>,
) -> Result<(StatusCode, Json<DeviceView>), Problem> {
    let Import { file, passphrase, name } = with;
    let read = blocking(move || Parcel::read(file.as_bytes(), passphrase.as_deref()));
    let device = session.import(&read.await?, name.as_deref()).await?;
    Ok((StatusCode::CREATED, Json(DeviceView::of(&device, None).await?)))
}

/// Argon2id takes its time, on a thread that may wait.
async fn blocking<T: Send + 'static>(
    act: impl FnOnce() -> Result<T, ParcelError> + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(act).await;
    let done = done.map_err(|_| EngineError::from(cardea_sdk::WalletError::ShuttingDown))?;
    Ok(done.map_err(EngineError::from)?)
}
