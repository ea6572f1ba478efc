//! What the stub itself can be asked and told over HTTP, for tests that have it as a program: `/stub` and below.

use bytes::Bytes;
use hyper::header::{AUTHORIZATION, HOST};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use serde_json::json;

use super::front::{Answered, Front, plain};
use super::script::Script;

/// Whether a call is for the stub and not for the server.
pub(super) fn is_about(parts: &Parts) -> bool {
    let path = parts.uri.path();
    path == "/stub" || path.starts_with("/stub/")
}

/// Answers it. Needs the authkey that does everything, and to be called by an address of this machine: pages of others that
/// a browser shows have neither.
pub(super) fn answer(front: &Front, parts: &Parts, body: &Bytes) -> Response<Answered> {
    let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let is_here = header(HOST.as_str()).is_some_and(|host| {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        matches!(name, "127.0.0.1" | "localhost")
    });
    let key = header(AUTHORIZATION.as_str()).and_then(|value| value.split_once(' ')).map(|(_, key)| key.trim());
    if !is_here || key != Some(front.server.authkey.as_str()) {
        return problem(StatusCode::FORBIDDEN, "send the stub's authkey: Authorization: bearer AUTHKEY");
    }
    match (&parts.method, parts.uri.path()) {
        (&Method::GET, "/stub") => {
            let (now, rules) = (front.clock.time().now(), front.desk.hits());
            plain(StatusCode::OK, json!({ "now": now, "rules": rules }).to_string())
        }
        (&Method::POST, "/stub/script") => {
            let text = std::str::from_utf8(body).unwrap_or_default();
            match Script::parse(text) {
                Ok(script) => {
                    front.desk.replace(script);
                    plain(StatusCode::OK, json!({ "rules": front.desk.hits() }).to_string())
                }
                Err(error) => problem(StatusCode::BAD_REQUEST, &error.to_string()),
            }
        }
        (&Method::POST, "/stub/clock") => match step(body) {
            Some(seconds) => {
                front.clock.time().advance(seconds);
                plain(StatusCode::OK, json!({ "now": front.clock.time().now() }).to_string())
            }
            None => problem(StatusCode::BAD_REQUEST, "send how many seconds pass: {\"advance\": 60}"),
        },
        (_, "/stub" | "/stub/script" | "/stub/clock") => {
            problem(StatusCode::METHOD_NOT_ALLOWED, "GET /stub, POST /stub/script, POST /stub/clock")
        }
        _ => problem(StatusCode::NOT_FOUND, "there are /stub, /stub/script and /stub/clock"),
    }
}

/// Nobody tests more than thirty years.
const STEP_MAX: u64 = 30 * 366 * 86_400;

fn step(body: &Bytes) -> Option<u64> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Step {
        advance: u64,
    }
    let Step { advance } = serde_json::from_slice(body).ok()?;
    (advance <= STEP_MAX).then_some(advance)
}

fn problem(code: StatusCode, message: &str) -> Response<Answered> {
    plain(code, json!({ "error": "stub", "message": message }).to_string())
}
