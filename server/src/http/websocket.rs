//! `GET /channel`: the token channel in a WebSocket, for networks that let only the web through.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use data_encoding::BASE64;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::{Api, ClientAddress, Problem};

/// `GET /channel`. The origin is not looked at: the channel knows no authority that a browser would add by itself.
pub(super) async fn upgrade(State(api): State<Arc<Api>>, mut request: Request) -> Result<Response, Problem> {
    let channel = api.channel.as_ref().ok_or(Problem::UnknownPath)?;
    let accept = accept(request.headers())?;
    // Whose address nobody knows cannot be held to a limit.
    let Some(ClientAddress(client)) = request.extensions().get().copied() else {
        return Err(Problem::bad_call("the proxy does not say whose call this is"));
    };
    let visitor = channel.admit(client).ok_or(Problem::Busy)?;
    let upgrading = hyper::upgrade::on(&mut request);
    channel.serve_websocket(visitor, async { upgrading.await.ok().map(TokioIo::new) });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    Ok(response)
}

/// The proof that we speak WebSocket, if the call asks for one (RFC 6455, section 4.2).
fn accept(headers: &HeaderMap) -> Result<HeaderValue, Problem> {
    let asked = has(headers, CONNECTION, "upgrade")
        && has(headers, UPGRADE, "websocket")
        && headers.get(SEC_WEBSOCKET_VERSION).is_some_and(|version| version == "13");
    let key = headers.get(SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes);
    let key = key.filter(|key| asked && BASE64.decode(key).is_ok_and(|nonce| nonce.len() == 16));
    let accept = key.and_then(|key| HeaderValue::try_from(derive_accept_key(key)).ok());
    accept.ok_or_else(|| Problem::bad_call("this path is for devices, by WebSocket"))
}

/// Whether the list in a header has `word`, in whatever case.
fn has(headers: &HeaderMap, name: HeaderName, word: &str) -> bool {
    let values = headers.get_all(name);
    let mut words = values.iter().filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(','));
    words.any(|it| it.trim().eq_ignore_ascii_case(word))
}
