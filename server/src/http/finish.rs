//! The last thing that happens to every answer.

use axum::body::{Body, to_bytes};
use axum::http::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;

use super::auth;
use super::problem::{self, Problem};

/// The path whose clients read bodies only.
const STATUS_PATH: &str = "/token/status";

/// Below it are files that may be kept.
const DOCS_PATH: &str = "/docs";

/// The only body that says that a token is open.
pub(super) const OPEN: &str = r#"{"status":1}"#;

/// Writes out the [`Problem`] of a failed call, closes the connection after it, and makes sure that no body says
/// "open" by accident.
///
/// Cancel safe.
pub(super) async fn finish(path: &str, is_secure: bool, mut response: Response) -> Response {
    // What follows is no HTTP any more, and this has no body.
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return response;
    }
    // Only the files of `/docs` say that the caller has them already, and with it how long they may be kept.
    let is_file =
        path.starts_with(DOCS_PATH) && [StatusCode::OK, StatusCode::NOT_MODIFIED].contains(&response.status());
    if !response.status().is_success() && !is_file {
        let problem = response.extensions_mut().remove::<Problem>();
        let problem = problem.unwrap_or_else(|| Problem::from_status(response.status()));
        let before = response;
        response = failure(&problem, Form::of(path));
        for name in auth::RATE_HEADERS {
            if let Some(value) = before.headers().get(&name) {
                response.headers_mut().insert(name, value.clone());
            }
        }
    }
    if Form::of(path) == Form::Text {
        auth::headers(response.headers_mut(), is_secure);
    } else if !is_file {
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    guard(path, response).await
}

/// In which form a failed call is told why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// JSON without numbers.
    Status,
    /// JSON.
    Token,
    /// Plain text: who signs in as with ZeyOS.
    Text,
    /// JSON with its status: who asks for tokens as with Zenoti.
    Envelope,
}

impl Form {
    fn of(path: &str) -> Self {
        if path.starts_with(STATUS_PATH) {
            return Self::Status;
        }
        match auth::dialect(path) {
            Some(auth::Dialect::Session) => Self::Text,
            Some(auth::Dialect::Tokens) => Self::Envelope,
            None => Self::Token,
        }
    }
}

fn failure(problem: &Problem, form: Form) -> Response {
    let (kind, body) = match form {
        Form::Status => ("application/json", problem.body(false)),
        Form::Token => ("application/json", problem.body(true)),
        Form::Text => ("text/plain; charset=utf-8", problem.text()),
        Form::Envelope => ("application/json", problem.envelope()),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = problem.status();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    // A client in the field never reads the body of an error and would wait for the connection forever.
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    match problem {
        Problem::TooMany { retry_after } => {
            headers.insert(RETRY_AFTER, HeaderValue::from(*retry_after));
        }
        Problem::Method { allow } => {
            headers.insert(ALLOW, HeaderValue::from_static(allow));
        }
        Problem::Unauthorized(challenge) => {
            if let Ok(value) = HeaderValue::from_str(&challenge.header()) {
                headers.insert(WWW_AUTHENTICATE, value);
            }
        }
        Problem::Busy | Problem::Unavailable | Problem::NotReady(_) => {
            headers.insert(RETRY_AFTER, HeaderValue::from_static(problem::RETRY_AFTER));
        }
        _ => {}
    }
    response
}

/// The second lock on the door: clients grant access when they find the byte `1` in a body, so a body with one that is
/// not the one open answer is thrown away.
async fn guard(path: &str, response: Response) -> Response {
    let (status, under_status) = (response.status(), path.starts_with(STATUS_PATH));
    // No client that looks for a digit asks for tokens, and their errors name the status.
    let may_say_all = status.is_success() || Form::of(path) == Form::Envelope;
    if may_say_all && !under_status {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let harmless = match to_bytes(body, 64 * 1024).await {
        Ok(body) if !body.contains(&b'1') => Some(body),
        Ok(body) if under_status && status == StatusCode::OK && body == OPEN => Some(body),
        _ => None,
    };
    if let Some(body) = harmless {
        return Response::from_parts(parts, Body::from(body));
    }
    tracing::error!(status = status.as_u16(), "dropped the body of an answer that clients would take for open");
    parts.status = StatusCode::INTERNAL_SERVER_ERROR;
    parts.headers.insert(CONNECTION, HeaderValue::from_static("close"));
    parts.headers.remove(CONTENT_TYPE);
    Response::from_parts(parts, Body::empty())
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;

    use super::*;

    async fn finished(path: &str, status: u16, body: &'static str) -> (u16, String) {
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = StatusCode::from_u16(status).expect("a status");
        let response = finish(path, false, response).await;
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 4096).await.expect("a body");
        (status, String::from_utf8(body.to_vec()).expect("text"))
    }

    #[tokio::test]
    async fn only_the_exact_open_body_with_status_200_passes_the_guard() {
        assert_eq!(finished("/token/status", 200, OPEN).await, (200, OPEN.to_owned()));
        for body in [r#"{"status": 1}"#, r#"{"status":1,"x":2}"#, r#"{"status":"1"}"#, "1", r#"{"status":11}"#] {
            assert_eq!(finished("/token/status", 200, body).await, (500, String::new()), "{body}");
        }
        for status in [201, 202, 206] {
            assert_eq!(finished("/token/status", status, OPEN).await, (500, String::new()));
        }
    }

    #[tokio::test]
    async fn bodies_of_failures_are_replaced_whatever_they_were() {
        for status in [302, 400, 401, 404, 405, 408, 414, 418, 422, 429, 431, 500, 503] {
            for path in ["/token/status", "/token/status/", "/token/enroll", "/nothing"] {
                let (_, body) = finished(path, status, OPEN).await;
                assert!(!body.contains('1') && body.contains("\"error\""), "{status} {path} {body}");
                assert_eq!(body.contains("\"code\""), !path.starts_with(STATUS_PATH), "{status} {path} {body}");
            }
        }
    }

    #[tokio::test]
    async fn a_file_may_be_kept_and_nothing_else() {
        let answer = async |path: &str, status: StatusCode| {
            let headers = [(CACHE_CONTROL, "no-cache")];
            let response = finish(path, false, (status, headers).into_response()).await;
            (response.status().as_u16(), response.headers()[CACHE_CONTROL].to_str().expect("text").to_owned())
        };
        for status in [StatusCode::OK, StatusCode::NOT_MODIFIED] {
            assert_eq!(answer("/docs/x", status).await, (status.as_u16(), "no-cache".to_owned()));
            assert_eq!(answer("/token/detail", status).await.1, "no-store");
        }
        assert_eq!(answer("/token/status", StatusCode::NOT_MODIFIED).await, (500, "no-store".to_owned()));
        assert_eq!(answer("/docs/x", StatusCode::FOUND).await, (500, "no-store".to_owned()));
    }

    #[tokio::test]
    async fn successes_elsewhere_pass_untouched() {
        assert_eq!(finished("/token/enroll", 200, "link 1").await, (200, "link 1".to_owned()));
    }
}
