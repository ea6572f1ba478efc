//! `/healthz` and `/readyz`, for whatever watches the process.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::{Api, Problem};

/// `GET /healthz`: the process answers.
pub(super) async fn alive() -> Json<Value> {
    Json(json!({ "healthy": true }))
}

/// `GET /readyz`: the process can read its data, else 503.
pub(super) async fn ready(State(api): State<Arc<Api>>) -> Result<Json<Value>, Problem> {
    api.admin.ready().await.map_err(|error| {
        tracing::warn!(%error, "not ready");
        Problem::Unavailable
    })?;
    Ok(Json(json!({ "ready": true })))
}
