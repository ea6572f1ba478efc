//! Authkeys, and the subscriptions that they may be for.

use axum::Json;
use serde_json::{Value, json};

use crate::admin::{Authkey, CreatedAuthkey, KeyScope, NewKey, Subscription};
use crate::clock::UnixSeconds;
use crate::domain::authkey::{NETWORKS_MAX, Networks, OVERLAP_MAX, Scope};
use crate::domain::permission::{Permission, Permissions};
use crate::http::Problem;
use crate::http::call::{Call, Mounted, mount};
use crate::http::page::{CURSOR, LIMIT, Page};
use crate::http::route::{IDEMPOTENCY, Kind, Parameter, Reach, Route, SOME_SERVICE, SOME_SUBSCRIPTION};

/// Most permissions that a list may name.
const PERMISSIONS_MAX: usize = 12;
/// The greatest number that an authkey can have.
const NUMBER_MAX: u64 = (1 << 53) - 1;

const NAME: Parameter = Parameter::required("name", Kind::Text { least: 1, most: 64 });
const PERMISSION: Kind = Kind::Word(&[
    "status", "enroll", "delete", "block", "close", "duress", "history", "confirm", "events", "services", "audit",
    "accounts",
]);
const PERMISSIONS: Parameter = Parameter::required(
    "permissions",
    Kind::Either(&[Kind::List { most: PERMISSIONS_MAX, each: &PERMISSION }, Kind::Word(&["basic", "admin"])]),
);
const EXPIRES: Parameter = Parameter::optional("expiresAt", Kind::Number { least: 0, most: u32::MAX as u64 });
const NETWORKS: Parameter =
    Parameter::optional("networks", Kind::List { most: NETWORKS_MAX, each: &Kind::Text { least: 3, most: 49 } });
const VALUE: Parameter = Parameter::optional("value", Kind::Text { least: 16, most: 128 });
const NUMBER: Parameter = Parameter::required("authkey", Kind::Number { least: 1, most: NUMBER_MAX });
const OVERLAP: Parameter = Parameter::optional("overlap", Kind::Number { least: 0, most: OVERLAP_MAX as u64 });
const SUBSCRIPTION_NAME: Parameter = Parameter::required("name", Kind::Subscription);

static LIST: Route =
    Route::get("/token/authkey/list", Permission::Services, &[SOME_SERVICE, SOME_SUBSCRIPTION, CURSOR, LIMIT])
        .within(Reach::ServiceOrSubscription);
#[rustfmt::skip]
static CREATE: Route = Route::post("/token/authkey/create", Permission::Services, &[
    SOME_SERVICE, SOME_SUBSCRIPTION, NAME, PERMISSIONS, EXPIRES, NETWORKS, VALUE, IDEMPOTENCY,
])
.within(Reach::ServiceOrSubscription);
#[rustfmt::skip]
static ROTATE: Route = Route::post("/token/authkey/rotate", Permission::Services, &[
    SOME_SERVICE, SOME_SUBSCRIPTION, NUMBER, OVERLAP, VALUE, IDEMPOTENCY,
])
.within(Reach::ServiceOrSubscription);
static REVOKE: Route =
    Route::post("/token/authkey/revoke", Permission::Services, &[SOME_SERVICE, SOME_SUBSCRIPTION, NUMBER])
        .within(Reach::ServiceOrSubscription);
static SUBSCRIPTIONS: Route =
    Route::get("/token/subscription/list", Permission::Services, &[CURSOR, LIMIT]).within(Reach::Instance);
static CREATE_SUBSCRIPTION: Route =
    Route::post("/token/subscription/create", Permission::Services, &[SUBSCRIPTION_NAME, IDEMPOTENCY])
        .within(Reach::Instance);
static DELETE_SUBSCRIPTION: Route =
    Route::post("/token/subscription/delete", Permission::Services, &[SUBSCRIPTION_NAME]).within(Reach::Instance);

pub(super) fn calls() -> Vec<Mounted> {
    vec![
        mount(&LIST, list),
        mount(&CREATE, create),
        mount(&ROTATE, rotate),
        mount(&REVOKE, revoke),
        mount(&SUBSCRIPTIONS, subscriptions),
        mount(&CREATE_SUBSCRIPTION, create_subscription),
        mount(&DELETE_SUBSCRIPTION, delete_subscription),
    ]
}

/// By number, without their values.
async fn list(call: Call) -> Result<Json<Value>, Problem> {
    let page = Page::of(&call)?;
    let after = page.after_number()?.unwrap_or(0);
    let mut found = call.api.admin.authkeys_in(&call.access.scope).await?;
    found.retain(|key| key.number > after);
    found.sort_by_key(|key| key.number);
    let more = found.len() as u64 > u64::from(page.limit);
    found.truncate(usize::try_from(page.limit).unwrap_or(usize::MAX));
    let last = found.last().filter(|_| more).map(|key| key.number.to_le_bytes());
    Ok(page.answer(&call, found.iter().map(body).collect(), last.as_ref().map(<[u8; 8]>::as_slice)))
}

/// The value is in the answer and nowhere else.
async fn create(call: Call) -> Result<Json<Value>, Problem> {
    let (form, name) = (&call.form, call.form.needed(NAME.name)?);
    let scope = match &call.access.scope {
        Scope::Service(name) => KeyScope::Service(name.as_str().to_owned()),
        Scope::Subscription(name) => KeyScope::Subscription(name.clone()),
        Scope::Instance => KeyScope::Instance,
    };
    let permissions = match form.text(PERMISSIONS.name) {
        Some(preset) => Permissions::of_names([preset]),
        None => Permissions::of_names(form.texts(PERMISSIONS.name).into_iter().flatten()),
    };
    let permissions = permissions.map_err(|error| Problem::bad_call(error.to_string()))?;
    let networks = Networks::parse(form.texts(NETWORKS.name).into_iter().flatten());
    let networks = networks.map_err(|_| {
        Problem::bad_call("`networks` must be IP addresses, or ADDRESS/PREFIX without bits behind the prefix")
    })?;
    let new = NewKey {
        expires_at: form.number(EXPIRES.name).map(UnixSeconds::new),
        networks,
        value: form.text(VALUE.name).map(|value| value.to_owned().into()),
        ..NewKey::new(scope, name, permissions)
    };
    let said = call.api.admin.create_authkey_once(new, call.by(), call.once(), created).await?;
    call.said(&said)
}

/// A new value; the old one stays good for a while.
async fn rotate(call: Call) -> Result<Json<Value>, Problem> {
    let number = call.form.number(NUMBER.name).unwrap_or_default();
    is_there(&call, number).await?;
    let overlap = call.form.number(OVERLAP.name).and_then(|seconds| u32::try_from(seconds).ok()).unwrap_or(0);
    let value = call.form.text(VALUE.name).map(|value| value.to_owned().into());
    let (by, once) = (call.by(), call.once());
    let said = call.api.admin.rotate_authkey_once(number, value, overlap, by, once, created).await?;
    call.said(&said)
}

/// Good for nothing from the next call on.
async fn revoke(call: Call) -> Result<Json<Value>, Problem> {
    let number = call.form.number(NUMBER.name).unwrap_or_default();
    is_there(&call, number).await?;
    call.api.admin.revoke_authkey(number, call.by()).await?;
    Ok(Json(json!({ "revoked": true })))
}

async fn subscriptions(call: Call) -> Result<Json<Value>, Problem> {
    let page = Page::of(&call)?;
    let after = page.after.as_deref().unwrap_or_default();
    let mut found = call.api.admin.list_subscriptions().await?;
    found.retain(|it| it.name.as_bytes() > after);
    found.sort_by(|one, other| one.name.cmp(&other.name));
    let more = found.len() as u64 > u64::from(page.limit);
    found.truncate(usize::try_from(page.limit).unwrap_or(usize::MAX));
    let last = found.last().filter(|_| more).map(|it| it.name.as_bytes());
    Ok(page.answer(&call, found.iter().map(subscription_body).collect(), last))
}

async fn create_subscription(call: Call) -> Result<Json<Value>, Problem> {
    let name = call.form.needed(SUBSCRIPTION_NAME.name)?;
    let said = |made: &Subscription| subscription_body(made).to_string();
    let said = call.api.admin.create_subscription_once(name, call.by(), call.once(), said).await?;
    call.said(&said)
}

async fn delete_subscription(call: Call) -> Result<Json<Value>, Problem> {
    call.api.admin.delete_subscription(call.form.needed(SUBSCRIPTION_NAME.name)?, call.by()).await?;
    Ok(Json(json!({ "deleted": true })))
}

/// Whether the authkey is one of the service or subscription that the call names.
async fn is_there(call: &Call, number: u64) -> Result<(), Problem> {
    let found = call.api.admin.authkeys_in(&call.access.scope).await?;
    if found.iter().any(|key| key.number == number) {
        return Ok(());
    }
    Err(Problem::UnknownAuthkey)
}

fn created(created: &CreatedAuthkey) -> String {
    json!({ "authkey": created.id, "value": created.value }).to_string()
}

fn subscription_body(subscription: &Subscription) -> Value {
    json!({ "name": subscription.name, "createdAt": subscription.created_at.get() })
}

fn body(key: &Authkey) -> Value {
    let seconds = |time: Option<UnixSeconds>| time.map(UnixSeconds::get);
    json!({
        "authkey": key.number,
        "name": key.name,
        "scope": match &key.rights.scope {
            Scope::Instance => json!({ "instance": true }),
            Scope::Subscription(name) => json!({ "subscription": name }),
            Scope::Service(name) => json!({ "service": name.as_str() }),
        },
        "permissions": key.rights.permissions.names().collect::<Vec<_>>(),
        "createdAt": key.created_at.get(),
        "expiresAt": seconds(key.rights.expires_at),
        "networks": key.rights.networks.iter().map(|network| network.to_string()).collect::<Vec<_>>(),
        "lastUsedAt": seconds(key.last_used_at),
        "revokedAt": seconds(key.revoked_at),
        "replacedBy": key.replaced_by,
    })
}
