//! `/healthz`, `/readyz` and `/metrics`, for whatever watches the process.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::{Api, Problem};
use crate::accept;
use crate::admin::Part;

/// `GET /healthz`: the process answers.
pub(super) async fn alive() -> Json<Value> {
    Json(json!({ "healthy": true }))
}

/// `GET /readyz`: the process can do its work, else 503 and which parts of it cannot.
pub(super) async fn ready(State(api): State<Arc<Api>>) -> Result<Json<Value>, Problem> {
    let mut parts = api.admin.not_ready().await;
    if api.shutdown.is_requested() || !accept::has_room() {
        parts.insert(Part::Listener);
    }
    if parts.is_empty() { Ok(Json(json!({ "ready": true }))) } else { Err(Problem::NotReady(parts)) }
}

/// `GET /metrics`: what is counted, for Prometheus.
pub(super) async fn metrics(State(api): State<Arc<Api>>) -> Result<impl IntoResponse, Problem> {
    let metrics = api.metrics.as_ref().ok_or(Problem::UnknownPath)?;
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics.render()))
}
