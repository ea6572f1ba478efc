//! `/auth/application`: what people of a subscription sign in to, for administrators.

use axum::Json;
use serde_json::{Value, json};

use crate::admin::{Application, CreatedApplication};
use crate::domain::permission::Permission;
use crate::http::Problem;
use crate::http::call::{Call, Mounted, mount};
use crate::http::page::{CURSOR, LIMIT, Page};
use crate::http::route::{IDEMPOTENCY, Kind, Parameter, Reach, Route, SUBSCRIPTION};

/// The greatest number that an application can have.
const NUMBER_MAX: u64 = (1 << 53) - 1;

const APPLICATION: Parameter = Parameter::required("application", Kind::Number { least: 1, most: NUMBER_MAX });
const NAME: Parameter = Parameter::required("name", Kind::Text { least: 1, most: 64 });
const NEW_NAME: Parameter = Parameter::optional("name", Kind::Text { least: 1, most: 64 });
const ACTIVE: Parameter = Parameter::optional("active", Kind::Flag);

static LIST: Route = Route::get("/auth/application/list", Permission::Accounts, &[SUBSCRIPTION, CURSOR, LIMIT])
    .within(Reach::Subscription);
static CREATE: Route =
    Route::post("/auth/application/create", Permission::Accounts, &[SUBSCRIPTION, NAME, IDEMPOTENCY])
        .within(Reach::Subscription);
static UPDATE: Route =
    Route::post("/auth/application/update", Permission::Accounts, &[SUBSCRIPTION, APPLICATION, NEW_NAME, ACTIVE])
        .within(Reach::Subscription);
static SECRET: Route = Route::post("/auth/application/secret", Permission::Accounts, &[SUBSCRIPTION, APPLICATION])
    .within(Reach::Subscription);
static DELETE: Route = Route::post("/auth/application/delete", Permission::Accounts, &[SUBSCRIPTION, APPLICATION])
    .within(Reach::Subscription);

pub(super) fn calls() -> Vec<Mounted> {
    vec![
        mount(&LIST, list),
        mount(&CREATE, create),
        mount(&UPDATE, update),
        mount(&SECRET, secret),
        mount(&DELETE, delete),
    ]
}

/// By number, without their appsecrets.
async fn list(call: Call) -> Result<Json<Value>, Problem> {
    let (page, subscription) = (Page::of(&call)?, call.form.needed(SUBSCRIPTION.name)?);
    let after = page.after_number()?.unwrap_or(0);
    let mut found = call.api.admin.list_applications(subscription, after, page.limit + 1).await?;
    let last = page.cut(&mut found).map(|application| application.number.to_le_bytes());
    Ok(page.answer(&call, found.iter().map(body).collect(), last.as_ref().map(<[u8; 8]>::as_slice)))
}

/// The appsecret is in the answer and nowhere else.
async fn create(call: Call) -> Result<Json<Value>, Problem> {
    let (subscription, name) = (call.form.needed(SUBSCRIPTION.name)?, call.form.needed(NAME.name)?);
    let said = |made: &CreatedApplication| created(made).to_string();
    let said = call.api.admin.create_application_once(subscription, name, call.by(), call.once(), said).await?;
    call.said(&said)
}

/// What is left out stays. What people were signed in to it with is over when it is not active any more.
async fn update(call: Call) -> Result<Json<Value>, Problem> {
    let (form, subscription) = (&call.form, call.form.needed(SUBSCRIPTION.name)?);
    let (name, active) = (form.text(NEW_NAME.name), form.flag(ACTIVE.name));
    let application = call.api.admin.update_application(subscription, number(&call), name, active, call.by()).await?;
    Ok(Json(body(&application)))
}

/// Another appsecret. What people are signed in with stays good.
async fn secret(call: Call) -> Result<Json<Value>, Problem> {
    let subscription = call.form.needed(SUBSCRIPTION.name)?;
    let renewed = call.api.admin.renew_appsecret(subscription, number(&call), call.by()).await?;
    Ok(Json(created(&renewed)))
}

/// What people were signed in to it with is over.
async fn delete(call: Call) -> Result<Json<Value>, Problem> {
    call.api.admin.delete_application(call.form.needed(SUBSCRIPTION.name)?, number(&call), call.by()).await?;
    Ok(Json(json!({ "deleted": true })))
}

fn number(call: &Call) -> u64 {
    call.form.number(APPLICATION.name).unwrap_or_default()
}

fn created(created: &CreatedApplication) -> Value {
    let mut body = body(&created.application);
    body["appsecret"] = created.secret.as_str().into();
    body
}

fn body(application: &Application) -> Value {
    json!({
        "application": application.number,
        "name": application.name,
        "clientId": application.client_id(),
        "active": application.active,
        "createdAt": application.created_at.get(),
    })
}
