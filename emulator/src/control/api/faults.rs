//! What goes wrong on purpose.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;

use super::super::extract::{Body, InSession};
use super::super::problem::{Problem, ProblemBody};
use super::super::wire::{Catalogue, NewRules, RuleList, SessionPath};
use crate::engine::Session;
use crate::faults::{Armed, Rule, RuleError, catalogue};

impl From<RuleError> for Problem {
    fn from(error: RuleError) -> Self {
        Self::Rule(error)
    }
}

/// Lists what can be made to go wrong, and what is to come of it.
#[utoipa::path(get, path = "/v1/faults", tag = "faults", responses((status = 200, body = Catalogue)))]
pub(super) async fn all() -> Json<Catalogue> {
    Json(Catalogue { faults: catalogue().collect() })
}

/// Lists the rules of a session in their order, and how often each has happened.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/faults", tag = "faults", params(SessionPath),
    responses((status = 200, body = RuleList), (status = 404, body = ProblemBody))
)]
pub(super) async fn list(InSession(session): InSession) -> Json<RuleList> {
    Json(RuleList { rules: session.faults().list() })
}

/// Adds a rule behind those that there are. The first one that matches happens. A device that it names is there already.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/faults", tag = "faults", params(SessionPath), request_body = Rule,
    responses(
        (status = 201, body = Armed), (status = 400, body = ProblemBody), (status = 403, body = ProblemBody),
        (status = 404, body = ProblemBody),
    )
)]
pub(super) async fn arm(
    InSession(session): InSession,
    Body(rule): Body<Rule>,
) -> Result<(StatusCode, Json<Armed>), Problem> {
    about_devices_that_are_there(&session, std::slice::from_ref(&rule))?;
    let id = session.faults().arm(rule)?;
    Ok((StatusCode::CREATED, Json(session.faults().get(&id)?)))
}

/// Puts these rules in the place of all that there are, or changes nothing. Devices that they name are there already.
#[utoipa::path(
    put, path = "/v1/sessions/{session}/faults", tag = "faults", params(SessionPath), request_body = NewRules,
    responses(
        (status = 200, body = RuleList), (status = 400, body = ProblemBody), (status = 403, body = ProblemBody),
        (status = 404, body = ProblemBody),
    )
)]
pub(super) async fn replace(
    InSession(session): InSession,
    Body(new): Body<NewRules>,
) -> Result<Json<RuleList>, Problem> {
    about_devices_that_are_there(&session, &new.rules)?;
    session.faults().replace(new.rules)?;
    Ok(Json(RuleList { rules: session.faults().list() }))
}

/// A rule about a device whose name is mistaken would never happen, and a test that waits for it would pass.
fn about_devices_that_are_there(session: &Session, rules: &[Rule]) -> Result<(), Problem> {
    rules
        .iter()
        .filter_map(|rule| rule.matches.device.as_deref())
        .try_for_each(|name| session.device(name).map(drop))?;
    Ok(())
}

/// Removes a rule.
#[utoipa::path(
    delete, path = "/v1/sessions/{session}/faults/{rule}", tag = "faults",
    params(SessionPath, ("rule" = String, Path, description = "Its id.")),
    responses((status = 204), (status = 404, body = ProblemBody))
)]
pub(super) async fn remove(
    InSession(session): InSession,
    Path((_, rule)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    session.faults().remove(&rule)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes all rules.
#[utoipa::path(
    delete, path = "/v1/sessions/{session}/faults", tag = "faults", params(SessionPath),
    responses((status = 204), (status = 404, body = ProblemBody))
)]
pub(super) async fn clear(InSession(session): InSession) -> StatusCode {
    session.faults().clear();
    StatusCode::NO_CONTENT
}
