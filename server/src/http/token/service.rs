//! Services and their settings.

use axum::Json;
use cardea_protocol::limits::{DEVICES_PER_TOKEN, PIN_MAX, PIN_MIN};
use cardea_protocol::token::ShortString;
use serde_json::{Value, json};

use crate::admin::{NewService, Service, ServiceChange, StoredService};
use crate::domain::permission::Permission;
use crate::domain::rules::{ENROLLMENT_MAX, LIFETIME_MAX, RulesChange, ServiceRules, WINDOW_MAX, short_string_name};
use crate::domain::throttle::TRIES_MAX;
use crate::http::Problem;
use crate::http::call::{Call, Mounted, mount};
use crate::http::form::Form;
use crate::http::page::{CURSOR, LIMIT, Page};
use crate::http::route::{IDEMPOTENCY, Kind, Parameter, Reach, Route, SERVICE, SUBSCRIPTION};

const fn number(name: &'static str, least: u64, most: u64) -> Parameter {
    Parameter::optional(name, Kind::Number { least, most })
}

const fn flag(name: &'static str) -> Parameter {
    Parameter::optional(name, Kind::Flag)
}

const WINDOW: Parameter = number("window", 0, WINDOW_MAX as u64);
const LIFETIME: Parameter = number("openingLifetime", 1, LIFETIME_MAX as u64);
const DURESS: Parameter = flag("duress");
const SILENT: Parameter = flag("silentAlarm");
const BIOMETRIC: Parameter = flag("biometric");
const EMULATED: Parameter = flag("emulated");
const PIN_LEAST: Parameter = number("pinMin", PIN_MIN as u64, PIN_MAX as u64);
const PIN_MOST: Parameter = number("pinMax", PIN_MIN as u64, PIN_MAX as u64);
const ATTEMPTS: Parameter = number("attempts", 1, TRIES_MAX as u64);
const UNBLOCK: Parameter = number("unblockAfter", 0, u32::MAX as u64);
const SHORT: Parameter = Parameter::optional("shortString", Kind::Word(&["off", "shown", "required"]));
const ENROLLMENT: Parameter = number("enrollmentSeconds", 1, ENROLLMENT_MAX as u64);
const DEVICES: Parameter = number("devices", 1, DEVICES_PER_TOKEN as u64);
const TELL: Parameter = flag("tellChecks");
const LABEL: Parameter = Parameter::optional("label", Kind::Text { least: 1, most: 64 });
const WEBHOOK: Parameter = Parameter::optional("webhook", Kind::UrlOrNull(512));
const FORCE: Parameter = flag("force");

static SHOW: Route = Route::get("/token/service", Permission::Services, &[SERVICE]);
static LIST: Route =
    Route::get("/token/service/list", Permission::Services, &[SUBSCRIPTION, CURSOR, LIMIT]).within(Reach::Subscription);
#[rustfmt::skip]
static CREATE: Route = Route::post("/token/service/create", Permission::Services, &[
    SERVICE, WINDOW, LIFETIME, DURESS, SILENT, BIOMETRIC, EMULATED, PIN_LEAST, PIN_MOST, ATTEMPTS, UNBLOCK, SHORT,
    ENROLLMENT, DEVICES, TELL, LABEL, WEBHOOK, IDEMPOTENCY,
])
.within(Reach::ServiceToBe);
#[rustfmt::skip]
static UPDATE: Route = Route::post("/token/service/update", Permission::Services, &[
    SERVICE, WINDOW, LIFETIME, DURESS, SILENT, BIOMETRIC, EMULATED, PIN_LEAST, PIN_MOST, ATTEMPTS, UNBLOCK, SHORT,
    ENROLLMENT, DEVICES, TELL, LABEL, WEBHOOK,
]);
static DELETE: Route = Route::post("/token/service/delete", Permission::Services, &[SERVICE, FORCE]);

pub(super) fn calls() -> Vec<Mounted> {
    vec![mount(&SHOW, show), mount(&LIST, list), mount(&CREATE, create), mount(&UPDATE, update), mount(&DELETE, delete)]
}

/// All settings.
async fn show(call: Call) -> Result<Json<Value>, Problem> {
    let (service, webhook) = call.api.admin.service(&call.service()?.name).await?;
    Ok(Json(body(&service, webhook.as_deref())))
}

/// The services of a subscription, by name.
async fn list(call: Call) -> Result<Json<Value>, Problem> {
    let page = Page::of(&call)?;
    let after = page.after.as_deref().unwrap_or_default();
    let mut found = call.api.admin.services_in(&call.access.scope).await?;
    found.retain(|(service, _)| service.name.as_str().as_bytes() > after);
    found.sort_by(|(one, _), (other, _)| one.name.cmp(&other.name));
    let more = found.len() as u64 > u64::from(page.limit);
    found.truncate(usize::try_from(page.limit).unwrap_or(usize::MAX));
    let items = found.iter().map(|(service, webhook)| body(service, webhook.as_deref())).collect();
    let last = found.last().filter(|_| more).map(|(service, _)| service.name.as_str().as_bytes());
    Ok(page.answer(&call, items, last))
}

/// What is left out has its default.
async fn create(call: Call) -> Result<Json<Value>, Problem> {
    let ServiceChange { rules, label, webhook } = change(&call.form);
    let new = NewService {
        rules: rules.applied_to(ServiceRules::default()),
        label: label.flatten(),
        webhook: webhook.flatten(),
        ..NewService::new(call.form.needed(SERVICE.name)?)
    };
    let said =
        call.api.admin.create_service_once(new, call.by(), call.once(), |stored| stored_body(stored).to_string());
    call.said(&said.await?)
}

/// What is left out stays.
async fn update(call: Call) -> Result<Json<Value>, Problem> {
    let stored = call.api.admin.update_service(&call.service()?.name, change(&call.form), call.by()).await?;
    Ok(Json(stored_body(&stored)))
}

/// A service that has tokens goes only by force.
async fn delete(call: Call) -> Result<Json<Value>, Problem> {
    let force = call.form.flag(FORCE.name).unwrap_or(false);
    call.api.admin.delete_service(&call.service()?.name, force, call.by()).await?;
    Ok(Json(json!({ "deleted": true })))
}

fn change(form: &Form) -> ServiceChange {
    // The table keeps every number within the range of its setting.
    let small = |parameter: Parameter| form.number(parameter.name).and_then(|number| u8::try_from(number).ok());
    let number = |parameter: Parameter| form.number(parameter.name).and_then(|number| u32::try_from(number).ok());
    let flag = |parameter: Parameter| form.flag(parameter.name);
    let text = |parameter: Parameter| form.has(parameter.name).then(|| form.text(parameter.name).map(str::to_owned));
    let rules = RulesChange {
        window: number(WINDOW),
        opening_lifetime: number(LIFETIME),
        duress: flag(DURESS),
        silent_alarm: flag(SILENT),
        biometric: flag(BIOMETRIC),
        emulated: flag(EMULATED),
        pin_min: small(PIN_LEAST),
        pin_max: small(PIN_MOST),
        attempts: small(ATTEMPTS),
        unblock_after: number(UNBLOCK),
        short_string: form.text(SHORT.name).map(|word| match word {
            "required" => ShortString::Required,
            "shown" => ShortString::Shown,
            _ => ShortString::Off,
        }),
        enrollment_seconds: number(ENROLLMENT),
        devices: small(DEVICES),
        tell_checks: flag(TELL),
    };
    ServiceChange { rules, label: text(LABEL), webhook: text(WEBHOOK) }
}

fn stored_body(stored: &StoredService) -> Value {
    let mut body = body(&stored.service, stored.webhook.as_deref());
    if let Some(secret) = &stored.webhook_secret {
        body["webhookSecret"] = secret.as_str().into();
    }
    body
}

/// A service as the API shows it.
pub(crate) fn body(service: &Service, webhook: Option<&str>) -> Value {
    let rules = &service.rules;
    json!({
        "service": service.name.as_str(),
        "createdAt": service.created_at.get(),
        "window": rules.window.seconds(),
        "openingLifetime": rules.window.lifetime(),
        "duress": rules.duress,
        "silentAlarm": rules.silent_alarm,
        "biometric": rules.biometric,
        "emulated": rules.emulated,
        "pinMin": rules.pin_digits.0,
        "pinMax": rules.pin_digits.1,
        "attempts": rules.limits.tries,
        "unblockAfter": rules.limits.unblock_after,
        "shortString": short_string_name(rules.short_string),
        "enrollmentSeconds": rules.enrollment_seconds,
        "devices": rules.devices,
        "tellChecks": rules.tell_checks,
        "label": service.label(),
        "webhook": webhook,
    })
}
