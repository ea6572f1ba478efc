//! `/v1/tokens`: access tokens that end, and refresh tokens that are good once, in the shape of Zenoti's API.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, post};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::fields::Fields;
use super::session::{counted, refused};
use crate::admin::{Credential, TokenCall, Tokens};
use crate::clock::UnixSeconds;
use crate::domain::account::AccountKind;
use crate::http::origin::Origin;
use crate::http::problem::{Challenge, Lacks, Problem};
use crate::http::throttle::{Share, Trying};
use crate::http::{Api, body, credentials};

/// What an answer says of the limit on calls of an organization; failures say it as well.
pub(in crate::http) const RATE_HEADERS: [HeaderName; 3] = [
    HeaderName::from_static("organization-ratelimit-limit"),
    HeaderName::from_static("ratelimit-remaining"),
    HeaderName::from_static("ratelimit-reset"),
];

/// `/v1/tokens`.
pub(super) fn tokens() -> MethodRouter<Arc<Api>> {
    let refuse = async || Problem::Method { allow: "POST, DELETE" };
    post(generate).delete(revoke).fallback(refuse)
}

/// `/v1/tokens/sessions/revoke`.
pub(super) fn sessions() -> MethodRouter<Arc<Api>> {
    let refuse = async || Problem::Method { allow: "DELETE" };
    delete(revoke_all).fallback(refuse)
}

/// `POST`: tokens for a password or for a refresh token.
async fn generate(
    State(api): State<Arc<Api>>,
    origin: Origin,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let mut fields = Fields::read(&headers, &body::read_post(&uri, body, api.limits).await?)?;
    match fields.needed("grant_type")?.as_str() {
        "password" => {
            let call = call(&mut fields)?;
            let share = api.organization(&call.subscription);
            let answer = match share {
                Some(Share { is_over: Some(retry_after), .. }) => Problem::TooMany { retry_after }.into_response(),
                _ => granted(sign_in(&api, origin, call).await),
            };
            Ok(with_share(answer, share))
        }
        "refresh_token" => {
            let tokens = api.admin.refresh_tokens(fields.needed("refresh_token")?).await;
            let tokens = tokens.map_err(|refusal| refused(refusal, ""));
            let share = tokens.as_ref().ok().and_then(|tokens| api.organization(&tokens.subscription));
            Ok(with_share(granted(tokens), share))
        }
        _ => Err(Problem::bad_call("`grant_type` must be `password` or `refresh_token`")),
    }
}

fn call(fields: &mut Fields) -> Result<TokenCall, Problem> {
    let client = Uuid::try_parse(&fields.needed("app_id")?);
    let client = client.map_err(|_| Problem::bad_call("`app_id` must be the GUID of an application"))?;
    Ok(TokenCall {
        subscription: fields.needed("account_name")?.as_str().to_owned(),
        login: fields.needed("user_name")?.as_str().to_owned(),
        password: fields.needed("password")?,
        client: client.into_bytes(),
        appsecret: fields.needed("app_secret")?,
        device: fields.needed("device_id")?.as_str().to_owned(),
    })
}

async fn sign_in(api: &Api, origin: Origin, call: TokenCall) -> Result<Tokens, Problem> {
    let (subscription, login, appsecret) = (call.subscription.clone(), call.login.clone(), call.appsecret.clone());
    let trying =
        Trying { from: origin.0, subscription: &subscription, login: &login, appsecret: Some(appsecret.as_str()) };
    counted(api, trying, api.admin.grant_tokens(call)).await
}

/// `DELETE`: ends the tokens that are of the same sign-in as the one that the call carries.
async fn revoke(State(api): State<Arc<Api>>, headers: HeaderMap) -> Result<Json<Value>, Problem> {
    api.admin.revoke_token(bearer(&headers)?).await.map_err(|refusal| refused(refusal, ""))?;
    Ok(Json(json!({ "error": null })))
}

/// `DELETE sessions/revoke`: ends all tokens of whoever has the one that the call carries.
async fn revoke_all(State(api): State<Arc<Api>>, headers: HeaderMap) -> Result<Json<Value>, Problem> {
    api.admin.revoke_tokens(bearer(&headers)?).await.map_err(|refusal| refused(refusal, ""))?;
    Ok(Json(json!({ "error": null })))
}

fn bearer(headers: &HeaderMap) -> Result<Zeroizing<String>, Problem> {
    match credentials::authorization(headers)? {
        Some(Credential::Bearer(token)) => Ok(token),
        _ => Err(Problem::Unauthorized(Challenge::new(Lacks::Everything))),
    }
}

fn granted(tokens: Result<Tokens, Problem>) -> Response {
    let tokens = match tokens {
        Ok(tokens) => tokens,
        Err(problem) => return problem.into_response(),
    };
    let credentials = json!({
        "access_token": tokens.access.0.as_str(),
        "access_token_expiry": moment(tokens.access.1),
        "refresh_token": tokens.refresh.0.as_str(),
        "refresh_token_expiry": moment(tokens.refresh.1),
        "token_type": "bearer",
        "token_id": Uuid::from_bytes(tokens.grant.id).to_string(),
        "app_id": Uuid::from_bytes(tokens.client).to_string(),
        "user_type": match tokens.kind {
            AccountKind::Employee => "Employee",
            AccountKind::Guest => "Guest",
        },
    });
    Json(json!({ "credentials": credentials, "error": null })).into_response()
}

/// A time as RFC 3339 writes it; `null` for one beyond its years.
fn moment(time: UnixSeconds) -> Option<String> {
    let time = OffsetDateTime::from_unix_timestamp(i64::try_from(time.get()).ok()?).ok()?;
    time.format(&Rfc3339).ok()
}

fn with_share(mut response: Response, share: Option<Share>) -> Response {
    if let Some(Share { most, left, reset, .. }) = share {
        let values = [format!("{most};w=60;b={most}"), left.to_string(), reset.to_string()];
        for (name, value) in RATE_HEADERS.into_iter().zip(values) {
            if let Ok(value) = HeaderValue::try_from(value) {
                response.headers_mut().insert(name, value);
            }
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        assert_eq!(moment(UnixSeconds::new(1_800_000_000)).as_deref(), Some("2027-01-15T08:00:00Z"));
        assert_eq!(moment(UnixSeconds::new(u64::MAX)), None);
    }
}
