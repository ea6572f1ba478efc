//! The HTTP listener: accepts connections within limits, and stops in order.

use std::convert::Infallible;
use std::io::Write;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::{IntoResponse, Response};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::finish::finish;
use super::problem::{Problem, RETRY_AFTER};
use super::tls::Certificates;
use crate::config::HttpConfig;
use crate::shutdown::Shutdown;

/// How many header fields a request may have.
const MAX_HEADERS: usize = 64;

/// After a failed accept (out of descriptors, usually) the listener rests this long, so that it does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A bound listener that does not serve yet.
#[derive(Debug)]
pub struct HttpServer {
    listener: TcpListener,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    router: TowerToHyperService<Router>,
    config: HttpConfig,
    tls: Option<Tls>,
    connections: Arc<Semaphore>,
    requests: Semaphore,
    grace: Duration,
    shutdown: Shutdown,
}

#[derive(Debug)]
struct Tls {
    certificates: Arc<Certificates>,
    patience: Duration,
}

impl HttpServer {
    /// Will serve `router` on `listener` within the limits of `config`.
    ///
    /// `grace` is how long connections may take to end after a shutdown was requested.
    #[must_use]
    pub fn new(listener: TcpListener, router: Router, config: HttpConfig, grace: Duration, shutdown: Shutdown) -> Self {
        let shared = Arc::new(Shared {
            router: TowerToHyperService::new(router),
            connections: Arc::new(Semaphore::new(config.max_connections)),
            requests: Semaphore::new(config.max_requests),
            config,
            tls: None,
            grace,
            shutdown,
        });
        Self { listener, shared }
    }

    /// Will speak HTTPS instead of HTTP, with these `certificates`, and give a handshake `patience`.
    #[must_use]
    pub fn with_tls(mut self, certificates: Arc<Certificates>, patience: Duration) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            shared.tls = Some(Tls { certificates, patience });
        }
        self
    }

    /// Serves until shutdown is requested; then takes no new connection, lets calls that have begun end, and closes.
    ///
    /// Not cancel safe: dropping it cuts connections off.
    pub async fn run(self) {
        let Self { listener, shared } = self;
        let _guard = shared.shutdown.guard();
        let mut tasks = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                () = shared.shutdown.requested() => break,
                Some(_) = tasks.join_next(), if !tasks.is_empty() => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => match Arc::clone(&shared.connections).try_acquire_owned() {
                        Ok(permit) => {
                            let shared = Arc::clone(&shared);
                            tasks.spawn(async move {
                                serve(shared, stream).await;
                                drop(permit);
                            });
                        }
                        // Whoever speaks TLS could not read the answer.
                        Err(_) if shared.tls.is_some() => turned_away(false),
                        Err(_) => refuse(stream),
                    },
                    Err(error) => {
                        tracing::warn!(%error, "accepting a connection failed");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        drop(listener);
        let all = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(shared.grace, all).await.is_err() {
            tracing::warn!(left = tasks.len(), "cutting off connections that did not end in time");
        }
    }
}

async fn serve(shared: Arc<Shared>, stream: TcpStream) {
    // Answers are one small write each; waiting to merge them only costs time.
    let _ = stream.set_nodelay(true);
    let Some(Tls { certificates, patience }) = &shared.tls else { return serve_connection(&shared, stream).await };
    let handshake = tokio::select! {
        biased;
        () = shared.shutdown.requested() => return,
        handshake = tokio::time::timeout(*patience, certificates.accept(stream)) => handshake,
    };
    match handshake {
        Ok(Ok(stream)) => serve_connection(&shared, stream).await,
        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
}

async fn serve_connection<S: AsyncRead + AsyncWrite + Unpin>(shared: &Shared, stream: S) {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(shared.config.header_timeout)
        .max_buf_size(shared.config.head_limit)
        .max_headers(MAX_HEADERS);
    let service = service_fn(|request| answer(shared, request));
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => Ok(ended),
        () = stop(shared) => {
            connection.as_mut().graceful_shutdown();
            tokio::time::timeout(shared.grace, connection).await
        }
    };
    if let Ok(Err(error)) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Until the connection has to end: the server stops, or the connection is old (a peer that never reads its answers
/// would hold its place forever).
async fn stop(shared: &Shared) {
    tokio::select! {
        () = shared.shutdown.requested() => {}
        () = tokio::time::sleep(shared.config.connection_timeout) => {}
    }
}

async fn answer(shared: &Shared, request: Request<Incoming>) -> Result<Response, Infallible> {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let response = match shared.requests.try_acquire() {
        Ok(_permit) => {
            let call = tokio::time::timeout(shared.config.answer_timeout, shared.router.call(request));
            match call.await {
                Ok(response) => response?,
                Err(_) => {
                    tracing::error!("a call took too long");
                    Problem::Unavailable.into_response()
                }
            }
        }
        Err(_) => Problem::Busy.into_response(),
    };
    let response = finish(&path, response).await;
    // Neither query nor unknown paths: people paste secrets into both.
    let route = super::known_path(&path);
    tracing::debug!(%method, route, status = response.status().as_u16(), "answered");
    Ok(response)
}

/// Turns away a connection over the limit without reading from it.
fn refuse(stream: TcpStream) {
    let body = Problem::Busy.body(false);
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Retry-After: {RETRY_AFTER}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    // A fresh socket has room for this; if not, closing is answer enough.
    let sent = stream.into_std().and_then(|mut stream| stream.write_all(answer.as_bytes()));
    turned_away(sent.is_ok());
}

fn turned_away(told: bool) {
    tracing::warn!(told, "turned a connection away: too many at once");
}

#[cfg(test)]
mod tests;
