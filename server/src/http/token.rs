//! `/token/…`: the API of relying parties and administrators.
//!
//! The order of the checks is always: form of the call (400), authkey (403), service and token (404).

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Uri};
use axum::response::IntoResponse;
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::finish::OPEN;
use super::query::{Query, required};
use super::{Api, Problem, body, credentials};
use crate::admin::{AdminError, Offer, Service};
use crate::domain::enrollment::EnrollOptions;
use crate::domain::name::UserId;
use crate::domain::permission::Permission;
use crate::domain::status::TokenStatus;

/// The members that every POST has.
const MEMBERS: &str = "the texts `id`, `service` and `authKey`";

/// Side of a module of the QR code, and least side of the whole, in pixels.
const QR_SIZE: u32 = 256;

/// The body of a POST about one token.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Call {
    id: Option<String>,
    service: Option<String>,
    auth_key: Option<String>,
}

/// The body of `POST /token/enroll`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct EnrollCall {
    id: Option<String>,
    service: Option<String>,
    auth_key: Option<String>,
    #[serde(default)]
    replace_device: bool,
    #[serde(default)]
    add_device: bool,
}

/// `GET /token/status?id=&service=&authKey=`: exactly `{"status":N}`.
pub(super) async fn status(
    State(api): State<Arc<Api>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    let mut query = Query::parse(uri.query(), ["id", "service", "authKey"])?;
    let call = Call { id: query.take(0), service: query.take(1), auth_key: query.take(2) };
    let (service, user) = admit(&api, call, &headers, Permission::Status).await?;
    let body = match api.admin.status(&service, &user).await? {
        TokenStatus::NotEnrolled => r#"{"status":0}"#,
        TokenStatus::Open(_) => OPEN,
        TokenStatus::Closed => r#"{"status":2}"#,
        TokenStatus::Duress => r#"{"status":3}"#,
        TokenStatus::Blocked => r#"{"status":4}"#,
    };
    Ok(([(CONTENT_TYPE, "application/json")], body))
}

/// `POST /token/enroll`: the three ways in, for the holder.
pub(super) async fn enroll(
    State(api): State<Arc<Api>>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let what = "the texts `id`, `service` and `authKey`, and optionally the booleans `replaceDevice` and `addDevice`,";
    let EnrollCall { id, service, auth_key, replace_device, add_device } =
        body::json(&uri, body, api.limits, what).await?;
    let options = EnrollOptions { replace_device, add_device };
    let call = Call { id, service, auth_key };
    let (service, user) = admit(&api, call, &headers, Permission::Enroll).await?;
    let offer = api.admin.enroll(&service, &user, options).await?;
    Ok(Json(offer_body(&offer)))
}

/// `POST /token/delete`: the token and its devices are gone.
pub(super) async fn delete(
    State(api): State<Arc<Api>>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let call = body::json(&uri, body, api.limits, MEMBERS).await?;
    let (service, user) = admit(&api, call, &headers, Permission::Delete).await?;
    api.admin.delete(&service, &user).await?;
    Ok(Json(json!({ "deleted": true })))
}

/// `POST /token/block`: status 4 until `unblock`.
pub(super) async fn block(
    State(api): State<Arc<Api>>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let call = body::json(&uri, body, api.limits, MEMBERS).await?;
    let (service, user) = admit(&api, call, &headers, Permission::Block).await?;
    api.admin.block(&service, &user).await?;
    Ok(Json(json!({ "blocked": true })))
}

/// `POST /token/unblock`: lifts every block, whoever set it. Opens nothing.
pub(super) async fn unblock(
    State(api): State<Arc<Api>>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let call = body::json(&uri, body, api.limits, MEMBERS).await?;
    let (service, user) = admit(&api, call, &headers, Permission::Block).await?;
    api.admin.unblock(&service, &user).await?;
    Ok(Json(json!({ "blocked": false })))
}

/// Checks form and authkey of a call.
async fn admit(
    api: &Api,
    call: Call,
    headers: &HeaderMap,
    permission: Permission,
) -> Result<(Service, UserId), Problem> {
    let user = required(call.id, "id")?;
    let user = UserId::parse(user).map_err(|error| Problem::bad_call(error.to_string()))?;
    let service = required(call.service, "service")?;
    let authkey = credentials::authkey(call.auth_key, headers)?;
    let service = api.admin.authorize(&service, &authkey, permission).await?;
    Ok((service, user))
}

fn offer_body(offer: &Offer) -> Value {
    let mut body = json!({
        "link": offer.link,
        "uri": offer.uri,
        "code": offer.code,
        "expiresAt": offer.expires_at.get(),
    });
    // A link always fits into a code; if it ever does not, link and typed code still work.
    if let Ok(code) = QrCode::with_error_correction_level(&offer.link, EcLevel::M) {
        body["qrSvg"] = code.render::<svg::Color<'_>>().min_dimensions(QR_SIZE, QR_SIZE).build().into();
    }
    body
}

impl From<AdminError> for Problem {
    fn from(error: AdminError) -> Self {
        match error {
            AdminError::BadCall(message) => Self::BadCall(message),
            AdminError::Forbidden => Self::Forbidden,
            AdminError::NoService => Self::UnknownService,
            AdminError::NoToken => Self::UnknownToken,
            error if error.is_transient() => {
                tracing::warn!(%error, "a call could not be served now");
                Self::Unavailable
            }
            error => {
                tracing::error!(%error, "a call failed");
                Self::Internal
            }
        }
    }
}
