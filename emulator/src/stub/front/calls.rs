//! Calls over HTTP.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1 as client;
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, RETRY_AFTER, UPGRADE};
use hyper::server::conn::http1 as server;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Version};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::body::{Answered, BodyError};
use super::{Front, connect};
use crate::stub::script::{Answer, Cut, Event, Told};
use crate::stub::{MARK, manage};

/// Longest body that is read: the server takes less.
const BODY_MAX: usize = 1 << 20;
/// Longest answer that is made slow or cut in the middle.
const ANSWER_MAX: usize = 1 << 22;
/// Where statuses are told.
const STATUS: &str = "/token/status";

/// What a call gets, or the end of its connection.
type Outcome = Result<Response<Answered>, BodyError>;

/// Answers the calls of a connection.
pub(super) async fn serve(front: Arc<Front>, stream: TcpStream) {
    let answering = service_fn(move |request| {
        let front = Arc::clone(&front);
        async move { answer(&front, request).await }
    });
    // A connection that breaks is nobody's fault here.
    let _ = server::Builder::new().serve_connection(TokioIo::new(stream), answering).with_upgrades().await;
}

async fn answer(front: &Arc<Front>, mut request: Request<Incoming>) -> Outcome {
    let upgrade = request.headers().contains_key(UPGRADE).then(|| hyper::upgrade::on(&mut request));
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, BODY_MAX).collect().await.map_err(io::Error::other)?.to_bytes();
    if manage::is_about(&parts) {
        return Ok(manage::answer(front, &parts, &body));
    }
    let user = user_of(&parts.method, parts.uri.query(), &body);
    let event = Event::Call { method: parts.method.as_str(), path: parts.uri.path(), user: user.as_deref() };
    let path = parts.uri.path().to_owned();
    let Some((rule, deed)) = front.desk.decide(event) else {
        let mut response = forward(front, Request::from_parts(parts, body), upgrade).await?;
        if path == STATUS {
            response = remember(front, response, user.as_deref()).await?;
        }
        return Ok(marked(response, "real"));
    };
    front.change(&deed.changes, user.as_deref()).await;
    tokio::time::sleep(deed.delay).await;
    let request = Request::from_parts(parts, body);
    let response = match deed.answer {
        Answer::Cut(Cut::Before) | Answer::Refusal(_) => return Err(cut()),
        Answer::Cut(Cut::Answer) => {
            forward(front, request, upgrade).await?;
            return Err(cut());
        }
        Answer::Cut(Cut::Body) => {
            let response = forward(front, request, upgrade).await?;
            whole(response).await?.map(Answered::half)
        }
        Answer::SlowBody(time) => {
            let response = forward(front, request, upgrade).await?;
            whole(response).await?.map(|body| Answered::slow(body, time))
        }
        Answer::Real => forward(front, request, upgrade).await?,
        Answer::Error { code, retry_after } => error(code, retry_after),
        Answer::Status(Told::Stale) => match user.as_deref().and_then(|user| front.stale(user)) {
            Some(told) => status(&path, told),
            None => forward(front, request, upgrade).await?,
        },
        Answer::Status(told) => status(&path, told),
    };
    Ok(marked(response, &format!("rule {rule}")))
}

/// The user whom a call is about.
fn user_of(method: &Method, query: Option<&str>, body: &Bytes) -> Option<String> {
    if method == Method::POST {
        let value: serde_json::Value = serde_json::from_slice(body).ok()?;
        return value.get("id")?.as_str().map(str::to_owned);
    }
    let id = query?.split('&').find_map(|pair| pair.strip_prefix("id="))?;
    Some(decoded(id))
}

/// Text with its `%xx` resolved. A `+` stands for itself, as it does for the server.
fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Has the server answer, over a connection of its own.
async fn forward(front: &Front, request: Request<Bytes>, upgrade: Option<hyper::upgrade::OnUpgrade>) -> Outcome {
    let stream = connect(front.server.http).await?;
    let (mut sender, connection) = client::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    tokio::spawn(connection.with_upgrades());
    let mut request = request.map(Full::new);
    *request.version_mut() = Version::HTTP_11;
    if !request.headers().contains_key(HOST) {
        request
            .headers_mut()
            .insert(HOST, HeaderValue::from_str(&front.server.http.to_string()).map_err(io::Error::other)?);
    }
    let mut response = sender.send_request(request).await.map_err(io::Error::other)?;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS
        && let Some(near) = upgrade
    {
        let far = hyper::upgrade::on(&mut response);
        tokio::spawn(async move {
            if let (Ok(near), Ok(far)) = tokio::join!(near, far) {
                let (mut near, mut far) = (TokioIo::new(near), TokioIo::new(far));
                // Either end may go at any time.
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            }
        });
    }
    Ok(response.map(Answered::Passed))
}

async fn whole(response: Response<Answered>) -> Result<Response<Bytes>, BodyError> {
    let (parts, body) = response.into_parts();
    let body = Limited::new(body, ANSWER_MAX).collect().await.map_err(io::Error::other)?.to_bytes();
    Ok(Response::from_parts(parts, body))
}

/// Notes the status that is told, for when a stale one is wanted.
async fn remember(front: &Front, response: Response<Answered>, user: Option<&str>) -> Outcome {
    let response = whole(response).await?;
    if let Some(user) = user
        && response.status() == StatusCode::OK
    {
        front.note(user, response.body());
    }
    Ok(response.map(Answered::whole))
}

/// An answer that is only a text.
pub(in crate::stub) fn json(code: StatusCode, body: String) -> Response<Answered> {
    let mut response = Response::new(Answered::whole(body));
    *response.status_mut() = code;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(hyper::header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// As the server writes errors: nothing in the body looks like an open token, and the connection is closed after it.
fn error(code: u16, retry_after: Option<u64>) -> Response<Answered> {
    let code = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = json(code, r#"{"error":"scripted","message":"the stub's script says so"}"#.to_owned());
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    headers.extend(retry_after.map(|seconds| (RETRY_AFTER, HeaderValue::from(seconds))));
    response
}

/// A status, as the path tells them.
fn status(path: &str, told: Told) -> Response<Answered> {
    if path == STATUS {
        return match told.body() {
            Some(body) => json(StatusCode::OK, body),
            None => error(500, None),
        };
    }
    if told == Told::Open {
        let mut response = Response::new(Answered::Whole(None));
        *response.status_mut() = StatusCode::NO_CONTENT;
        return response;
    }
    error(403, None)
}

/// Says that it comes from a stub, and on whose word.
fn marked(mut response: Response<Answered>, by: &str) -> Response<Answered> {
    if let Ok(value) = HeaderValue::from_str(by) {
        response.headers_mut().insert(HeaderName::from_static(MARK), value);
    }
    response
}

fn cut() -> BodyError {
    io::Error::other("the stub's script cuts this connection")
}

/// How long it takes at most until somebody has said what he wants.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_of_a_call_is_found_where_the_server_finds_him() {
        let get = |query: &str| user_of(&Method::GET, Some(query), &Bytes::new());
        assert_eq!(get("id=joe&service=s").as_deref(), Some("joe"));
        assert_eq!(get("service=s&id=j%C3%B6e+x").as_deref(), Some("jöe+x"));
        assert_eq!(get("id=50%").as_deref(), Some("50%"));
        assert_eq!(get("idx=joe"), None);
        let post = |body: &'static str| user_of(&Method::POST, None, &Bytes::from_static(body.as_bytes()));
        assert_eq!(post(r#"{"id":"joe"}"#).as_deref(), Some("joe"));
        assert_eq!(post(r#"{"id":7}"#), None);
        assert_eq!(post("nonsense"), None);
    }

    #[tokio::test]
    async fn no_body_that_a_script_makes_looks_open_unless_it_says_open() {
        let body = async |response: Response<Answered>| response.into_body().collect().await.unwrap().to_bytes();
        for code in 400..600 {
            assert!(!body(error(code, Some(10))).await.contains(&b'1'), "{code}");
        }
        for path in ["/token/status", "/token/gate"] {
            for told in [Told::NotEnrolled, Told::Closed, Told::Duress, Told::Blocked, Told::Unknown, Told::Stale] {
                let response = status(path, told);
                assert_ne!(response.status(), StatusCode::NO_CONTENT);
                assert!(!body(response).await.contains(&b'1'), "{path} {told:?}");
            }
        }
        assert_eq!(body(status("/token/status", Told::Open)).await, r#"{"status":1}"#);
        assert_eq!(status("/token/gate", Told::Open).status(), StatusCode::NO_CONTENT);
    }
}
