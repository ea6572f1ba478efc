//! `/healthz`, `/readyz` and `/metrics`, for whatever watches the process.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
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

/// `GET /metrics`: what is counted, for Prometheus.
pub(super) async fn metrics(State(api): State<Arc<Api>>) -> Result<impl IntoResponse, Problem> {
    let metrics = api.metrics.as_ref().ok_or(Problem::UnknownPath)?;
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics.render()))
}
