//! Tokens: seeing them, and what administrators do to them.

use axum::Json;
use cardea_protocol::token::DeviceId;
use data_encoding::HEXLOWER;
use serde_json::{Value, json};

use crate::admin::{Detail, DeviceEntry, DeviceState, Progress, TOKENS_MAX, TokenEntry};
use crate::domain::permission::Permission;
use crate::http::Problem;
use crate::http::call::{Call, Mounted, mount};
use crate::http::page::{CURSOR, LIMIT, Page};
use crate::http::route::{ID, Kind, Parameter, Route, SERVICE};

const STATUS: Parameter = Parameter::optional("status", Kind::Number { least: 0, most: 4 });
const DEVICE: Parameter = Parameter::required("device", Kind::Hex(4));

static LIST: Route = Route::get("/token/list", Permission::History, &[SERVICE, STATUS, CURSOR, LIMIT]);
static DETAIL: Route = Route::get("/token/detail", Permission::History, &[ID, SERVICE]);
static CLOSE: Route = Route::post("/token/close", Permission::Close, &[ID, SERVICE]);
static BLOCK: Route = Route::post("/token/block", Permission::Block, &[ID, SERVICE]);
static UNBLOCK: Route = Route::post("/token/unblock", Permission::Block, &[ID, SERVICE]);
static CLEAR_DURESS: Route = Route::post("/token/duress/clear", Permission::Duress, &[ID, SERVICE]);
static DELETE: Route = Route::post("/token/delete", Permission::Delete, &[ID, SERVICE]);
static REVOKE: Route = Route::post("/token/device/revoke", Permission::Delete, &[ID, SERVICE, DEVICE]);

pub(super) fn calls() -> Vec<Mounted> {
    vec![
        mount(&LIST, list),
        mount(&DETAIL, detail),
        mount(&CLOSE, close),
        mount(&BLOCK, block),
        mount(&UNBLOCK, unblock),
        mount(&CLEAR_DURESS, clear_duress),
        mount(&DELETE, delete),
        mount(&REVOKE, revoke),
    ]
}

/// The tokens of a service, in the order of the bytes of their user ids. Ends no opening, and says 1 for none that a
/// check would end.
async fn list(call: Call) -> Result<Json<Value>, Problem> {
    let (service, page) = (call.service()?, Page::of(&call)?);
    let wanted = call.form.number(STATUS.name);
    // With a filter a page is what is found among so many, which may be little.
    let read = if wanted.is_some() { TOKENS_MAX } else { page.limit };
    let found = call.api.admin.tokens(service, page.after.as_deref().unwrap_or_default(), read).await?;
    let is_full = found.len() as u64 >= u64::from(read);
    let mut last = is_full.then(|| found.last().map(|entry| entry.user.clone())).flatten();
    let mut items = Vec::new();
    let mut previous = None;
    for entry in found {
        if wanted.is_none_or(|wanted| wanted == u64::from(entry.status.number())) {
            if items.len() as u64 == u64::from(page.limit) {
                last = previous;
                break;
            }
            items.push(token_body(&entry));
        }
        previous = Some(entry.user);
    }
    Ok(page.answer(&call, items, last.as_ref().map(|user| user.as_str().as_bytes())))
}

/// All there is to know of a token.
async fn detail(call: Call) -> Result<Json<Value>, Problem> {
    let detail = call.api.admin.detail(call.service()?, &call.user()?).await?;
    Ok(Json(detail_body(&detail)))
}

/// Ends an opening before its time. Duress stays.
async fn close(call: Call) -> Result<Json<Value>, Problem> {
    call.api.admin.close(call.service()?, &call.user()?, call.by()).await?;
    Ok(Json(json!({ "closed": true })))
}

/// Status 4 until `unblock`.
async fn block(call: Call) -> Result<Json<Value>, Problem> {
    call.api.admin.block(call.service()?, &call.user()?, call.by()).await?;
    Ok(Json(json!({ "blocked": true })))
}

/// Lifts every block, whoever set it. Opens nothing.
async fn unblock(call: Call) -> Result<Json<Value>, Problem> {
    call.api.admin.unblock(call.service()?, &call.user()?, call.by()).await?;
    Ok(Json(json!({ "blocked": false })))
}

/// The holder is safe; the token is closed.
async fn clear_duress(call: Call) -> Result<Json<Value>, Problem> {
    call.api.admin.clear_duress(call.service()?, &call.user()?, call.by()).await?;
    Ok(Json(json!({ "duress": false })))
}

/// The token and its devices are gone.
async fn delete(call: Call) -> Result<Json<Value>, Problem> {
    call.api.admin.delete(call.service()?, &call.user()?, call.by()).await?;
    Ok(Json(json!({ "deleted": true })))
}

/// One device is gone, and what it opened is closed.
async fn revoke(call: Call) -> Result<Json<Value>, Problem> {
    let device = DeviceId::new(call.form.hex(DEVICE.name)?);
    call.api.admin.revoke_device(call.service()?, &call.user()?, device, call.by()).await?;
    Ok(Json(json!({ "revoked": true })))
}

fn token_body(entry: &TokenEntry) -> Value {
    let mut body = json!({
        "id": entry.user.as_str(),
        "token": HEXLOWER.encode(entry.token.bytes()),
        "status": entry.status.number(),
        "createdAt": entry.created_at.get(),
    });
    if let Some(until) = entry.until {
        body["until"] = until.get().into();
    }
    if entry.unused {
        body["unused"] = true.into();
    }
    body
}

fn detail_body(detail: &Detail) -> Value {
    let mut body = token_body(&detail.entry);
    body["devices"] = detail.devices.iter().map(device_body).collect();
    body["enrollment"] = match detail.enrollment {
        Progress::Waiting { expires_at } | Progress::Comparing { expires_at, .. } => {
            json!({ "expiresAt": expires_at.get() })
        }
        Progress::None | Progress::Enrolled { .. } | Progress::Expired { .. } => Value::Null,
    };
    let blocks = [(detail.blocks.administrator, "administrator"), (detail.blocks.clone, "clone")];
    body["blocks"] = blocks.iter().filter(|(is_on, _)| *is_on).map(|(_, name)| *name).collect();
    body["duress"] = detail.duress.map_or(Value::Null, |since| json!({ "since": since.get() }));
    body
}

fn device_body(entry: &DeviceEntry) -> Value {
    let state = match entry.state {
        DeviceState::Enrolled if entry.blocked => "blocked",
        DeviceState::Enrolled => "active",
        DeviceState::Comparing => "comparing",
        DeviceState::Suspended => "suspended",
        DeviceState::GivenUp => "given-up",
    };
    json!({
        "device": HEXLOWER.encode(entry.device.bytes()),
        "state": state,
        "enrolledAt": entry.enrolled_at.get(),
        "platform": platform(entry.info.platform),
        "emulated": entry.info.emulated,
        "failures": entry.failures,
        "blockedUntil": entry.blocked_until.map(crate::clock::UnixSeconds::get),
    })
}

/// The names of the platforms in the protocol.
const fn platform(number: u8) -> &'static str {
    match number {
        1 => "android",
        2 => "ios",
        3 => "linux",
        4 => "macos",
        5 => "windows",
        6 => "bare-metal",
        _ => "unknown",
    }
}
