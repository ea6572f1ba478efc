//! Confirmations: texts that holders approve or deny on their devices.

use axum::Json;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde_json::{Value, json};

use crate::admin::{Ask, Confirmation, ConfirmationState};
use crate::domain::confirmation::{AskError, EXPIRES_IN, RELYING_PARTY_MAX};
use crate::domain::name::UserId;
use crate::domain::permission::Permission;
use crate::http::Problem;
use crate::http::call::{Call, Mounted, mount};
use crate::http::page::{CURSOR, LIMIT, Page};
use crate::http::route::{ID, IDEMPOTENCY, Kind, Parameter, Route, SERVICE};
use crate::vault::Signed;

/// Most bytes of a text; with a relying party before it there is less room.
const TEXT_MAX: usize = 200;

const TEXT: Parameter = Parameter::required("text", Kind::Text { least: 1, most: TEXT_MAX });
const EXPIRES: Parameter = Parameter::optional(
    "expiresIn",
    Kind::Number { least: *EXPIRES_IN.start() as u64, most: *EXPIRES_IN.end() as u64 },
);
const PARTY: Parameter = Parameter::optional("relyingParty", Kind::Text { least: 1, most: RELYING_PARTY_MAX });
const CONFIRMATION: Parameter = Parameter::required("confirmation", Kind::Hex(8));
const SOME_ID: Parameter = Parameter::optional("id", Kind::User);
const STATE: Parameter = Parameter::optional("state", Kind::Word(&STATES));
const STATES: [&str; 6] = ["pending", "approved", "denied", "duress", "expired", "cancelled"];

static ASK: Route =
    Route::post("/token/confirmation", Permission::Confirm, &[ID, SERVICE, TEXT, EXPIRES, PARTY, IDEMPOTENCY]);
static POLL: Route = Route::get("/token/confirmation", Permission::Confirm, &[SERVICE, CONFIRMATION]);
static CANCEL: Route = Route::post("/token/confirmation/cancel", Permission::Confirm, &[SERVICE, CONFIRMATION]);
static LIST: Route =
    Route::get("/token/confirmation/list", Permission::Confirm, &[SERVICE, SOME_ID, STATE, CURSOR, LIMIT]);

pub(super) fn calls() -> Vec<Mounted> {
    vec![mount(&ASK, ask), mount(&POLL, poll), mount(&CANCEL, cancel), mount(&LIST, list)]
}

/// Asks the holder.
async fn ask(call: Call) -> Result<Json<Value>, Problem> {
    let expires = call.form.number(EXPIRES.name).map(|seconds| u32::try_from(seconds).unwrap_or(u32::MAX));
    let ask = Ask::new(call.form.needed(TEXT.name)?, call.form.text(PARTY.name), expires).map_err(told)?;
    let (user, once) = (call.user()?, call.once());
    let said = call.api.admin.ask_confirmation_once(call.service()?, &user, ask, call.by(), once, asked).await?;
    call.said(&said)
}

/// How it stands.
async fn poll(call: Call) -> Result<Json<Value>, Problem> {
    let id = call.form.hex(CONFIRMATION.name)?;
    let found = call.api.admin.confirmation(call.service()?, id, sees_duress(&call)).await?;
    let receipt = call.api.admin.confirmation_receipt(&found).await?;
    Ok(Json(body(&found, receipt.as_ref())))
}

/// Takes it back, unless it has ended.
async fn cancel(call: Call) -> Result<Json<Value>, Problem> {
    let (id, admin) = (call.form.hex(CONFIRMATION.name)?, &call.api.admin);
    let ended = admin.cancel_confirmation(call.service()?, id, (call.by(), sees_duress(&call))).await?;
    Ok(Json(json!({ "confirmation": HEXLOWER.encode(&ended.id), "state": ended.state.name() })))
}

/// Those of a service or of a user, the newest first.
async fn list(call: Call) -> Result<Json<Value>, Problem> {
    let page = Page::of(&call)?;
    let user = call.form.text(SOME_ID.name).map(UserId::parse).transpose();
    let user = user.map_err(|error| Problem::bad_call(error.to_string()))?;
    let state = call.form.text(STATE.name).and_then(|state| STATES.iter().find(|known| **known == state).copied());
    let asked = (page.after_number()?, page.limit);
    let found = call.api.admin.confirmations(call.service()?, user.as_ref(), state, asked, sees_duress(&call)).await?;
    let items = found.items.iter().map(|item| body(item, None)).collect();
    let next = found.next.map(u64::to_le_bytes);
    Ok(page.answer(&call, items, next.as_ref().map(<[u8; 8]>::as_slice)))
}

/// Who may read the history of tokens is told of duress; to all others a forced approval is a denial.
const fn sees_duress(call: &Call) -> bool {
    call.access.allows(Permission::History)
}

/// By the names of the API.
fn told(error: AskError) -> Problem {
    Problem::bad_call(match error {
        AskError::Empty => "`text` is blank: say what is to be approved".to_owned(),
        AskError::TooLong => "`text` with `relyingParty` and a colon before it is longer than 200 bytes".to_owned(),
        AskError::Hidden => {
            "`text` and `relyingParty` must not contain line breaks, or characters that hide or reorder text".to_owned()
        }
        AskError::RelyingParty => "`relyingParty` is blank or too long".to_owned(),
        error => error.to_string(),
    })
}

fn asked(asked: &Confirmation) -> String {
    json!({
        "confirmation": HEXLOWER.encode(&asked.id),
        "state": asked.state.name(),
        "expiresAt": asked.expires_at.get(),
    })
    .to_string()
}

fn body(found: &Confirmation, receipt: Option<&Signed>) -> Value {
    let mut body = json!({
        "confirmation": HEXLOWER.encode(&found.id),
        "id": found.user,
        "text": found.text,
        "state": found.state.name(),
        "expiresAt": found.expires_at.get(),
    });
    if let Some(party) = &found.relying_party {
        body["relyingParty"] = party.as_str().into();
    }
    if let ConfirmationState::Denied { reason } = found.state {
        let reason = match reason {
            1 => Some("cancelled"),
            2 => Some("not-me"),
            _ => None,
        };
        if let Some(reason) = reason {
            body["reason"] = reason.into();
        }
    }
    let is_answered = matches!(
        found.state,
        ConfirmationState::Approved | ConfirmationState::Denied { .. } | ConfirmationState::Duress
    );
    if let Some(at) = found.ended_at.filter(|_| is_answered) {
        body["answeredAt"] = at.get().into();
    }
    if let Some((signed, key)) = receipt.and_then(|signed| Some((signed, signed.key?))) {
        body["receipt"] = json!({
            "statement": BASE64URL_NOPAD.encode(&signed.statement),
            "signature": BASE64URL_NOPAD.encode(&signed.signature),
            "publicKey": BASE64URL_NOPAD.encode(&key),
        });
    }
    body
}
