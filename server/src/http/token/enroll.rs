//! Enrolling: the ways in, for holders, and how far they have come.

use std::collections::HashSet;

use axum::Json;
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use serde_json::{Value, json};

use crate::admin::{INVITED_MAX, Invited, Offer, Offers, Progress};
use crate::domain::enrollment::EnrollOptions;
use crate::domain::name::UserId;
use crate::domain::permission::Permission;
use crate::http::Problem;
use crate::http::call::{Call, Mounted, mount};
use crate::http::form::Record;
use crate::http::route::{ID, IDEMPOTENCY, Kind, Parameter, Route, SERVICE};

const SOME_ID: Parameter = Parameter::optional("id", Kind::User);
const REPLACE: Parameter = Parameter::optional("replaceDevice", Kind::Flag);
const ADD: Parameter = Parameter::optional("addDevice", Kind::Flag);
const QR: Parameter = Parameter::optional("qr", Kind::Flag);
const USERS: Parameter = Parameter::optional("users", Kind::List { most: INVITED_MAX, each: &USER });
const USER: Kind = Kind::Record(&[ID, REPLACE, ADD]);

static ENROLL: Route =
    Route::post("/token/enroll", Permission::Enroll, &[SOME_ID, USERS, SERVICE, REPLACE, ADD, QR, IDEMPOTENCY]);
static CONFIRM: Route = Route::post("/token/enroll/confirm", Permission::Enroll, &[ID, SERVICE]);
static CANCEL: Route = Route::post("/token/enroll/cancel", Permission::Enroll, &[ID, SERVICE]);
static PROGRESS: Route = Route::get("/token/enroll/progress", Permission::Enroll, &[ID, SERVICE]);

/// Side of a module of the QR code, and least side of the whole, in pixels.
const QR_SIZE: u32 = 256;

pub(super) fn calls() -> Vec<Mounted> {
    vec![mount(&ENROLL, enroll), mount(&CONFIRM, confirm), mount(&CANCEL, cancel), mount(&PROGRESS, progress)]
}

/// The three ways in, for one or for many.
async fn enroll(call: Call) -> Result<Json<Value>, Problem> {
    let qr = call.form.flag(QR.name);
    let (admin, service, once) = (&call.api.admin, call.service()?, call.once());
    if let Some(users) = call.form.records(USERS.name) {
        if [SOME_ID, REPLACE, ADD].iter().any(|parameter| call.form.has(parameter.name)) {
            return Err(Problem::bad_call(
                "with `users`, each of them has its own `id`, `replaceDevice` and `addDevice`",
            ));
        }
        let invited = users.map(invited).collect::<Result<Vec<_>, _>>()?;
        let names: HashSet<_> = invited.iter().map(|invited| &invited.user).collect();
        if names.len() < invited.len() {
            return Err(Problem::bad_call("`users` names somebody twice"));
        }
        let said = admin.enroll_many_once(service, invited, call.by(), once, say_many).await?;
        let Json(mut body) = call.said(&said)?;
        let items = body["items"].as_array_mut().into_iter().flatten();
        items.for_each(|item| draw(item, qr.unwrap_or(false)));
        return Ok(Json(body));
    }
    let said = admin.enroll_once(service, invited(&call.form)?, call.by(), once, say_one).await?;
    let Json(mut body) = call.said(&said)?;
    draw(&mut body, qr.unwrap_or(true));
    Ok(Json(body))
}

/// The short authentication string was compared.
async fn confirm(call: Call) -> Result<Json<Value>, Problem> {
    call.api.admin.confirm_enrollment(call.service()?, &call.user()?, call.by()).await?;
    Ok(Json(json!({ "confirmed": true })))
}

/// The ways in are closed; a device that waited for its short authentication string is given up.
async fn cancel(call: Call) -> Result<Json<Value>, Problem> {
    call.api.admin.cancel_enrollment(call.service()?, &call.user()?, call.by()).await?;
    Ok(Json(json!({ "cancelled": true })))
}

/// How far the newest offer has come.
async fn progress(call: Call) -> Result<Json<Value>, Problem> {
    let digits = |number: u32| format!("{number:06}");
    Ok(Json(match call.api.admin.enrollment_progress(call.service()?, &call.user()?).await? {
        Progress::None => json!({ "state": "none" }),
        Progress::Waiting { expires_at } => json!({ "state": "waiting", "expiresAt": expires_at.get() }),
        Progress::Comparing { short_string, expires_at } => {
            json!({ "state": "comparing", "shortString": digits(short_string), "expiresAt": expires_at.get() })
        }
        Progress::Enrolled { short_string: Some((short_string, until)) } => {
            json!({ "state": "enrolled", "shortString": digits(short_string), "expiresAt": until.get() })
        }
        Progress::Enrolled { short_string: None } => json!({ "state": "enrolled" }),
        Progress::Expired { expires_at } => json!({ "state": "expired", "expiresAt": expires_at.get() }),
    }))
}

fn invited(record: &Record) -> Result<Invited, Problem> {
    let user = UserId::parse(record.needed(ID.name)?).map_err(|error| Problem::bad_call(error.to_string()))?;
    let flag = |parameter: Parameter| record.flag(parameter.name).unwrap_or_default();
    Ok(Invited { user, options: EnrollOptions { replace_device: flag(REPLACE), add_device: flag(ADD) } })
}

/// What is kept of an offer for callers who ask again. The code is drawn anew: it is large and always the same.
fn say_one(offer: &Offer) -> String {
    offer_body(offer).to_string()
}

fn say_many(offers: &Offers) -> String {
    let items = offers.iter().map(|(user, offer)| {
        let mut item = match offer {
            Ok(offer) => offer_body(offer),
            Err(error) => Problem::bad_call(error.to_string()).to_json(),
        };
        item["id"] = user.as_str().into();
        item
    });
    json!({ "items": items.collect::<Vec<_>>() }).to_string()
}

fn offer_body(offer: &Offer) -> Value {
    json!({ "link": offer.link, "uri": offer.uri, "code": offer.code, "expiresAt": offer.expires_at.get() })
}

fn draw(item: &mut Value, qr: bool) {
    let Some(link) = item["link"].as_str().filter(|_| qr) else { return };
    // A link always fits into a code; if it ever does not, link and typed code still work.
    if let Ok(drawn) = QrCode::with_error_correction_level(link, EcLevel::M) {
        item["qrSvg"] = drawn.render::<svg::Color<'_>>().min_dimensions(QR_SIZE, QR_SIZE).build().into();
    }
}
