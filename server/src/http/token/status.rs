//! `/token/status` and `/token/gate`: is the token open?
//!
//! They are asked far more often than anything else, so they read their few parameters without the table.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::IntoResponse;

use crate::admin::{Access, AccessScope, Credential};
use crate::domain::name::UserId;
use crate::domain::permission::Permission;
use crate::domain::status::TokenStatus;
use crate::http::call::{Mounted, allowed, by_verb};
use crate::http::finish::OPEN;
use crate::http::form::check_text;
use crate::http::origin::Origin;
use crate::http::query::{Query, required};
use crate::http::route::{AUTHKEY, ID, Route, SERVICE};
use crate::http::{Api, Problem, credentials};

static STATUS: Route = Route::get("/token/status", Permission::Status, &[ID, SERVICE]);
static GATE: Route = Route::get("/token/gate", Permission::Status, &[ID, SERVICE]);

pub(super) fn calls() -> Vec<Mounted> {
    vec![(&STATUS, by_verb(STATUS.verb, status)), (&GATE, by_verb(GATE.verb, gate))]
}

/// `GET /token/status?id=&service=&authKey=`: exactly `{"status":N}`.
async fn status(
    State(api): State<Arc<Api>>,
    origin: Origin,
    uri: Uri,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    let body = body(&ask(&api, origin, &uri, &headers).await?);
    Ok(([(CONTENT_TYPE, "application/json")], body))
}

/// The body for a status: the only one that says "open" is made from the witness that the token is.
pub(in crate::http) const fn body(status: &TokenStatus) -> &'static str {
    match status {
        TokenStatus::NotEnrolled => r#"{"status":0}"#,
        TokenStatus::Open(_) => OPEN,
        TokenStatus::Closed => r#"{"status":2}"#,
        TokenStatus::Duress => r#"{"status":3}"#,
        TokenStatus::Blocked => r#"{"status":4}"#,
    }
}

/// `GET /token/gate?id=&service=&authKey=`, for reverse proxies: 204 when the token is open, else 403. A proxy knows
/// nothing of 404 here: who has no token is refused as well.
async fn gate(
    State(api): State<Arc<Api>>,
    origin: Origin,
    uri: Uri,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    match ask(&api, origin, &uri, &headers).await {
        Ok(TokenStatus::Open(_)) => Ok(StatusCode::NO_CONTENT),
        Ok(_) => Err(Problem::NotOpen),
        Err(problem) => Err(problem.at_gate()),
    }
}

async fn ask(api: &Api, origin: Origin, uri: &Uri, headers: &HeaderMap) -> Result<TokenStatus, Problem> {
    let mut query = Query::parse(uri.query(), [ID.name, SERVICE.name, AUTHKEY.name])?;
    let (user, service) = (required(query.take(0), ID.name)?, required(query.take(1), SERVICE.name)?);
    check_text(&ID, &user)?;
    check_text(&SERVICE, &service)?;
    let user = UserId::parse(user).map_err(|error| Problem::bad_call(error.to_string()))?;
    let credential = credentials::credential(query.take(2), headers)?;
    let count = |access: &Access| {
        let Some(limits) = &api.call_limits else { return Ok(()) };
        limits.call(access.by, &credential)?;
        limits.check(access.service()?.id, user.as_str())
    };
    match &credential {
        Credential::Authkey(value) | Credential::Bearer(value) if !credential.is_token() => {
            let check = api.admin.begin_check(&service, value, &user, origin.0).await?;
            count(&check.access)?;
            Ok(api.admin.end_check(check, &user).await?)
        }
        credential => {
            let scope = AccessScope::Service(&service);
            let access = allowed(api, scope, credential, Permission::Status, origin).await?;
            count(&access)?;
            Ok(api.admin.status(access.service()?, &user, access.by).await?)
        }
    }
}
