//! What was recorded, once more.

use axum::Json;
use cardea_sdk::WalletError;

use super::super::extract::{Body, InSession};
use super::super::problem::{Problem, ProblemBody};
use super::super::wire::{Replay, ReplayMode, ReplayView, SessionPath};
use super::devices::{Made, read};
use crate::replay::{self, ReplayError};
use crate::trace::File;

impl From<ReplayError> for Problem {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Gate(error) => Self::Rule(error),
            ReplayError::Engine(error) => Self::Engine(error),
            ReplayError::Unreachable(error) => Self::Engine(WalletError::Offline(error).into()),
            error => Self::BadCall(error.to_string()),
        }
    }
}

/// Replays a trace, in an emulator that was started with --allow-faults: frames byte for byte, as who listened could, or the operations
/// by a device that is made for it. Answers when all is over.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/replays", tag = "evidence", params(SessionPath), request_body = Replay,
    responses(
        (status = 200, body = ReplayView), (status = 400, body = ProblemBody), (status = 403, body = ProblemBody),
        (status = 404, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody),
        (status = 502, body = ProblemBody),
    )
)]
pub(super) async fn replay(
    InSession(session): InSession,
    Body(what): Body<Replay>,
) -> Result<Json<ReplayView>, Problem> {
    let trace: File = what.trace.parse().map_err(|error| Problem::BadCall(format!("the trace: {error}")))?;
    let of = what.of.as_deref();
    match (what.mode, what.to, what.device, what.enroll) {
        (ReplayMode::Verbatim, to, None, None) => {
            let to = to.as_deref().map(replay::server).transpose()?;
            let replayed = replay::verbatim(&session, &trace, of, to.as_ref()).await?;
            Ok(Json(ReplayView::verbatim(&replayed)))
        }
        (ReplayMode::Resign, None, Some(name), Some(enroll)) => {
            let device = session.add(&name).await?;
            let made = Made::begun(&session, &name);
            let invitation = read(&device, &enroll).await?;
            let steps = replay::resign(&session, &trace, of, &device, &invitation).await?;
            made.stays();
            Ok(Json(ReplayView::resigned(&steps)))
        }
        (ReplayMode::Verbatim, ..) => {
            Err(Problem::BadCall("frames are sent as they are: device and enroll are for the mode resign".into()))
        }
        (ReplayMode::Resign, ..) => Err(Problem::BadCall(
            "to resign needs the name of a device to make and an invitation to enroll, and takes no server".into(),
        )),
    }
}
