//! The audit log, for who checks it.

use axum::Json;
use serde_json::{Value, json};

use crate::admin::{AuditPosition, AuditProof, AuditScope};
use crate::domain::authkey::Scope;
use crate::domain::permission::Permission;
use crate::http::Problem;
use crate::http::call::{Call, Mounted, mount};
use crate::http::page::{CURSOR, LIMIT, Page};
use crate::http::route::{Kind, Parameter, Reach, Route, SOME_SUBSCRIPTION};

/// The greatest number that a row can have.
const NUMBER_MAX: u64 = (1 << 53) - 1;

const EVENT: Parameter = Parameter::optional("event", Kind::Number { least: 1, most: NUMBER_MAX });
const FROM: Parameter = Parameter::optional("from", Kind::Number { least: 1, most: NUMBER_MAX });

static CHECKPOINT: Route = Route::get("/token/audit/checkpoint", Permission::Audit, &[SOME_SUBSCRIPTION])
    .within(Reach::SubscriptionOrInstance);
static EXPORT: Route = Route::get("/token/audit/export", Permission::Audit, &[SOME_SUBSCRIPTION, CURSOR, LIMIT])
    .within(Reach::SubscriptionOrInstance);
static PROOF: Route = Route::get("/token/audit/proof", Permission::Audit, &[SOME_SUBSCRIPTION, EVENT, FROM])
    .within(Reach::SubscriptionOrInstance);

pub(super) fn calls() -> Vec<Mounted> {
    vec![mount(&CHECKPOINT, checkpoint), mount(&EXPORT, export), mount(&PROOF, proof)]
}

/// The head of the log, signed.
async fn checkpoint(call: Call) -> Result<Json<Value>, Problem> {
    Ok(Json(json!({ "checkpoint": call.api.admin.audit_checkpoint().await? })))
}

/// The rows of the log, with what is needed to check them. All pages end with the tree as it is at the first.
async fn export(call: Call) -> Result<Json<Value>, Problem> {
    let page = Page::of(&call)?;
    let from = page.after.as_deref().map(position).transpose()?;
    let scope = match &call.access.scope {
        Scope::Subscription(name) => AuditScope::Subscription(name.clone()),
        Scope::Instance | Scope::Service(_) => AuditScope::Instance,
    };
    let found = call.api.admin.audit_export(&scope, call.by(), from, page.limit).await?;
    let next = found.next.map(|next| [next.through.to_le_bytes(), next.after.to_le_bytes()].concat());
    let items = found.lines.iter().map(|line| json!(line)).collect();
    let Json(mut body) = page.answer(&call, items, next.as_deref());
    body["head"] = json!(found.head);
    Ok(Json(body))
}

/// Hashes that prove that the log has an event, or that it has only grown.
async fn proof(call: Call) -> Result<Json<Value>, Problem> {
    let admin = &call.api.admin;
    let AuditProof { checkpoint, proof } = match (call.form.number(EVENT.name), call.form.number(FROM.name)) {
        (Some(event), None) => admin.audit_inclusion(event).await?,
        (None, Some(size)) => admin.audit_consistency(size).await?,
        _ => return Err(Problem::bad_call("name an `event` or a size `from` which the log has grown, one of them")),
    };
    Ok(Json(json!({ "checkpoint": checkpoint, "proof": proof })))
}

fn position(bytes: &[u8]) -> Result<AuditPosition, Problem> {
    let (through, after) = bytes.split_first_chunk::<8>().ok_or(Problem::Internal)?;
    let after = after.try_into().map_err(|_| Problem::Internal)?;
    Ok(AuditPosition { through: u64::from_le_bytes(*through), after: u64::from_le_bytes(after) })
}
