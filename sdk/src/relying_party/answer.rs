//! What answers mean. Only one of them means open.

use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{HeaderMap, RETRY_AFTER};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::Unknown;
use super::http::Reply;
use super::{RelyingPartyError, TokenStatus};

/// Longest text of the server that is passed on, in characters.
const TEXT_MAX: usize = 300;
/// When to ask again where the server does not say.
const RETRY: Duration = Duration::from_secs(2);
/// Longest time that a server can ask to be left alone for.
const RETRY_MAX: Duration = Duration::from_secs(300);

/// The status that an answer says: one of five bodies, each of them to the byte, with the one code that goes with it.
pub(super) fn status(reply: &Reply) -> Result<TokenStatus, RelyingPartyError> {
    if reply.status != StatusCode::OK {
        return Err(refusal(reply));
    }
    if !reply.is_json() {
        return Err(RelyingPartyError::Answer("it is not JSON"));
    }
    match &reply.body[..] {
        br#"{"status":0}"# => Ok(TokenStatus::NotEnrolled),
        br#"{"status":1}"# => Ok(TokenStatus::Open),
        br#"{"status":2}"# => Ok(TokenStatus::Closed),
        br#"{"status":3}"# => Ok(TokenStatus::Duress),
        br#"{"status":4}"# => Ok(TokenStatus::Blocked),
        _ => Err(RelyingPartyError::Answer("it has no status that there is")),
    }
}

/// Whether the gate is open: 204, and nothing with it.
pub(super) fn gate(reply: &Reply) -> bool {
    reply.status == StatusCode::NO_CONTENT && reply.body.is_empty()
}

/// What a 200 says.
pub(super) fn read<T: DeserializeOwned>(reply: &Reply) -> Result<T, RelyingPartyError> {
    if reply.status != StatusCode::OK {
        return Err(refusal(reply));
    }
    if !reply.is_json() {
        return Err(RelyingPartyError::Answer("it is not JSON"));
    }
    serde_json::from_slice(&reply.body)
        .map_err(|_| RelyingPartyError::Answer("it is not what was asked for, or of another version"))
}

#[derive(Deserialize)]
struct Problem {
    error: String,
    message: String,
}

/// What any other code says.
pub(super) fn refusal(reply: &Reply) -> RelyingPartyError {
    let problem = Some(reply).filter(|reply| reply.is_json());
    let problem = problem.and_then(|reply| serde_json::from_slice::<Problem>(&reply.body).ok());
    let Some(problem) = problem else {
        return match reply.status {
            // Proxies say so with pages of their own.
            StatusCode::TOO_MANY_REQUESTS => throttled(&reply.headers),
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
                unavailable(&reply.headers)
            }
            status if status.is_redirection() => {
                RelyingPartyError::Answer("it leads elsewhere, where nobody asks: correct the address of the server")
            }
            _ => RelyingPartyError::Answer("it is not one that a Cardea server gives"),
        };
    };
    match (reply.status.as_u16(), problem.error.as_str()) {
        (400 | 413, _) => RelyingPartyError::Call(printable(&problem.message)),
        (403, _) => RelyingPartyError::Forbidden,
        (404, "unknown-service") => RelyingPartyError::Unknown(Unknown::Service),
        (404, "unknown-token") => RelyingPartyError::Unknown(Unknown::Token),
        (404, "unknown-confirmation") => RelyingPartyError::Unknown(Unknown::Confirmation),
        (429, _) => throttled(&reply.headers),
        (500 | 503, _) => unavailable(&reply.headers),
        _ => RelyingPartyError::Answer("it is not one that this call can have: the server may be older or newer"),
    }
}

fn throttled(headers: &HeaderMap) -> RelyingPartyError {
    RelyingPartyError::Throttled { retry_after: retry_after(headers) }
}

fn unavailable(headers: &HeaderMap) -> RelyingPartyError {
    RelyingPartyError::Unavailable { retry_after: retry_after(headers) }
}

fn retry_after(headers: &HeaderMap) -> Duration {
    let said = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    said.map_or(RETRY, Duration::from_secs).min(RETRY_MAX)
}

/// A text from outside as it may stand in a log.
fn printable(text: &str) -> String {
    text.chars().filter(|char| !char.is_control()).take(TEXT_MAX).collect()
}
