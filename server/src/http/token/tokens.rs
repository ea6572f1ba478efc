//! What administrators do to tokens.

use axum::Json;
use serde_json::{Value, json};

use crate::domain::permission::Permission;
use crate::http::Problem;
use crate::http::call::{Call, Mounted, mount};
use crate::http::route::{ID, Route, SERVICE};

static DELETE: Route = Route::post("/token/delete", Permission::Delete, &[ID, SERVICE]);
static BLOCK: Route = Route::post("/token/block", Permission::Block, &[ID, SERVICE]);
static UNBLOCK: Route = Route::post("/token/unblock", Permission::Block, &[ID, SERVICE]);

pub(super) fn calls() -> Vec<Mounted> {
    vec![mount(&DELETE, delete), mount(&BLOCK, block), mount(&UNBLOCK, unblock)]
}

/// The token and its devices are gone.
async fn delete(call: Call) -> Result<Json<Value>, Problem> {
    call.api.admin.delete(&call.service, &call.user()?, call.by).await?;
    Ok(Json(json!({ "deleted": true })))
}

/// Status 4 until `unblock`.
async fn block(call: Call) -> Result<Json<Value>, Problem> {
    call.api.admin.block(&call.service, &call.user()?, call.by).await?;
    Ok(Json(json!({ "blocked": true })))
}

/// Lifts every block, whoever set it. Opens nothing.
async fn unblock(call: Call) -> Result<Json<Value>, Problem> {
    call.api.admin.unblock(&call.service, &call.user()?, call.by).await?;
    Ok(Json(json!({ "blocked": false })))
}
