//! Enrolling: the ways in, for holders.

use axum::Json;
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use serde_json::{Value, json};

use crate::admin::Offer;
use crate::domain::enrollment::EnrollOptions;
use crate::domain::permission::Permission;
use crate::http::Problem;
use crate::http::call::{Call, Mounted, mount};
use crate::http::route::{ID, Kind, Parameter, Route, SERVICE};

const REPLACE: Parameter = Parameter::optional("replaceDevice", Kind::Flag);
const ADD: Parameter = Parameter::optional("addDevice", Kind::Flag);
const QR: Parameter = Parameter::optional("qr", Kind::Flag);

static ENROLL: Route = Route::post("/token/enroll", Permission::Enroll, &[ID, SERVICE, REPLACE, ADD, QR]);

/// Side of a module of the QR code, and least side of the whole, in pixels.
const QR_SIZE: u32 = 256;

pub(super) fn calls() -> Vec<Mounted> {
    vec![mount(&ENROLL, enroll)]
}

/// The three ways in.
async fn enroll(call: Call) -> Result<Json<Value>, Problem> {
    let flag = |parameter: Parameter| call.form.flag(parameter.name);
    let options =
        EnrollOptions { replace_device: flag(REPLACE).unwrap_or_default(), add_device: flag(ADD).unwrap_or_default() };
    let offer = call.api.admin.enroll(&call.service, &call.user()?, options, call.by).await?;
    Ok(Json(offer_body(&offer, flag(QR).unwrap_or(true))))
}

fn offer_body(offer: &Offer, qr: bool) -> Value {
    let mut body = json!({
        "link": offer.link,
        "uri": offer.uri,
        "code": offer.code,
        "expiresAt": offer.expires_at.get(),
    });
    // A link always fits into a code; if it ever does not, link and typed code still work.
    let drawn = qr.then(|| QrCode::with_error_correction_level(&offer.link, EcLevel::M));
    if let Some(Ok(drawn)) = drawn {
        body["qrSvg"] = drawn.render::<svg::Color<'_>>().min_dimensions(QR_SIZE, QR_SIZE).build().into();
    }
    body
}
