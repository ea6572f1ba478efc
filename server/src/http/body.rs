//! JSON bodies, read within the limits of size and time.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::Uri;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// Limits on a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BodyLimits {
    /// Bytes.
    pub(super) size: usize,
    /// From the end of the headers to the end of the body.
    pub(super) time: Duration,
}

/// Reads the JSON object of a POST.
///
/// `what` names the members for the error text; serde's own text is not used because it quotes the caller.
///
/// # Errors
/// There are query parameters, the body is over a limit, or it is not JSON of this shape: unknown, repeated and
/// ill-typed members included.
pub(super) async fn json<T: DeserializeOwned>(
    uri: &Uri,
    body: Body,
    limits: BodyLimits,
    what: &str,
) -> Result<T, Problem> {
    let bytes = read_post(uri, body, limits).await?;
    serde_json::from_slice(&bytes)
        .map_err(|_| Problem::bad_call(format!("the body must be one JSON object with {what} and nothing else")))
}

/// Reads the body of a POST.
///
/// # Errors
/// There are query parameters, or the body is over a limit.
pub(super) async fn read_post(uri: &Uri, body: Body, limits: BodyLimits) -> Result<Bytes, Problem> {
    if uri.query().is_some() {
        return Err(Problem::bad_call("a POST takes its parameters in the JSON body only"));
    }
    read(body, limits).await
}

async fn read(body: Body, limits: BodyLimits) -> Result<Bytes, Problem> {
    if body.size_hint().lower() > u64::try_from(limits.size).unwrap_or(u64::MAX) {
        return Err(Problem::TooLarge);
    }
    let collected = tokio::time::timeout(limits.time, Limited::new(body, limits.size).collect()).await;
    match collected {
        Err(_) => Err(Problem::bad_call("the body did not arrive in time")),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Problem::TooLarge),
        Ok(Err(_)) => Err(Problem::bad_call("the body did not arrive whole")),
        Ok(Ok(body)) => Ok(body.to_bytes()),
    }
}
