//! Webhooks: how deliveries stand, a test, another secret, and beginning again.

use axum::Json;
use serde_json::{Value, json};

use crate::admin::{AdminError, WebhookState};
use crate::clock::UnixSeconds;
use crate::domain::permission::Permission;
use crate::http::Problem;
use crate::http::call::{Call, Mounted, mount};
use crate::http::route::{Route, SERVICE};

static SHOW: Route = Route::get("/token/webhook", Permission::Services, &[SERVICE]);
static TEST: Route = Route::post("/token/webhook/test", Permission::Services, &[SERVICE]);
static SECRET: Route = Route::post("/token/webhook/secret", Permission::Services, &[SERVICE]);
static ENABLE: Route = Route::post("/token/webhook/enable", Permission::Services, &[SERVICE]);

pub(super) fn calls() -> Vec<Mounted> {
    vec![mount(&SHOW, show), mount(&TEST, test), mount(&SECRET, secret), mount(&ENABLE, enable)]
}

/// How deliveries stand.
async fn show(call: Call) -> Result<Json<Value>, Problem> {
    let state = call.api.admin.webhook_state(call.service()?).await?;
    let state = state.ok_or_else(|| AdminError::BadCall("the service has no webhook".to_owned()))?;
    Ok(Json(body(&state)))
}

/// How deliveries stand, as the API shows it.
pub(crate) fn body(state: &WebhookState) -> Value {
    json!({
        "url": state.url,
        "enabled": !state.disabled,
        "failures": state.failures,
        "lastError": state.last_error,
        "nextAt": state.next_at.map(UnixSeconds::get),
        "waitingTokens": state.waiting_tokens,
        "pending": state.pending,
    })
}

/// One delivery, now and once, that is no event.
async fn test(call: Call) -> Result<Json<Value>, Problem> {
    let failed = call.api.admin.test_webhook(call.service()?).await?;
    Ok(Json(match failed {
        None => json!({ "delivered": true }),
        Some(error) => json!({ "delivered": false, "error": error }),
    }))
}

/// Both secrets sign for a day.
async fn secret(call: Call) -> Result<Json<Value>, Problem> {
    let secret = call.api.admin.renew_webhook_secret(&call.service()?.name, call.by()).await?;
    Ok(Json(json!({ "secret": secret })))
}

/// What happened meanwhile is delivered, too, but for what retention has erased.
async fn enable(call: Call) -> Result<Json<Value>, Problem> {
    let erased = call.api.admin.enable_webhook(call.service()?, call.by()).await?;
    Ok(Json(json!({ "enabled": true, "erased": erased })))
}
