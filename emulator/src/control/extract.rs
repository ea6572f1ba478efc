//! What handlers take from a call: bodies and parameters with known fields, the session and the device of the path.

use std::ops::Deref;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Query, RawPathParams, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::Shared;
use super::problem::Problem;
use super::sessions::InUse;
use crate::engine::Device;
use crate::json;
use crate::suggest::explained;

/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

/// A body of JSON with known fields; nothing is the same as `{}`.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = tokio::time::timeout(PATIENCE, Bytes::from_request(request, state)).await;
        let bytes = bytes.map_err(|_| Problem::TooSlow)?.map_err(|rejected| match rejected.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Problem::TooLong,
            _ => Problem::BadCall("the body ended too early, or its pieces are not as HTTP has them".into()),
        })?;
        let bytes = if bytes.is_empty() { &b"{}"[..] } else { &bytes };
        // Serde takes a list for an object, too.
        if bytes.trim_ascii_start().first() != Some(&b'{') {
            return Err(Problem::BadCall("the body is not as it must be: an object of JSON, such as {}".into()));
        }
        let read = json::from_slice(bytes).map(Self);
        read.map_err(|why| Problem::BadCall(format!("the body is not as it must be: {why}")))
    }
}

/// Parameters behind the path, all of them known.
pub(super) struct Parameters<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = Query::try_from_uri(&parts.uri);
        query.map(|Query(parameters)| Self(parameters)).map_err(|error| {
            let text = error.body_text();
            let reason = text.rsplit_once("string: ").map_or(&*text, |(_, reason)| reason);
            Problem::BadCall(format!("what follows the ? is not as it must be: {}", explained(reason)))
        })
    }
}

/// The session that the path names. While it is in use, its lease does not end.
pub(super) struct InSession(pub(super) InUse);

impl FromRequestParts<Shared> for InSession {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Problem> {
        let path = RawPathParams::from_request_parts(parts, shared).await.map_err(|_| Problem::NoPath)?;
        Ok(Self(shared.sessions.find(part(&path, "session")?)?))
    }
}

/// The device that the path names, and its session.
pub(super) struct OnDevice {
    pub(super) session: InUse,
    pub(super) device: Device,
}

impl Deref for OnDevice {
    type Target = Device;

    fn deref(&self) -> &Device {
        &self.device
    }
}

impl FromRequestParts<Shared> for OnDevice {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Problem> {
        let path = RawPathParams::from_request_parts(parts, shared).await.map_err(|_| Problem::NoPath)?;
        let session = shared.sessions.find(part(&path, "session")?)?;
        let device = session.device(part(&path, "device")?)?;
        Ok(Self { session, device })
    }
}

fn part<'a>(path: &'a RawPathParams, name: &str) -> Result<&'a str, Problem> {
    path.iter().find(|(key, _)| *key == name).map(|(_, value)| value).ok_or(Problem::NoPath)
}
