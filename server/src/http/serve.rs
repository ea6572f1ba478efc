//! The HTTP listener: accepts connections within limits, and stops in order.

mod lifetime;

use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use lifetime::End;
pub(super) use lifetime::{InHand, Lifetime};

use super::answer::{Answerer, Calls};
use super::counts::Counts;
use super::fast::StatusDesk;
use super::forwarded::Proxies;
use super::peers::Peers;
use super::problem::{Problem, RETRY_AFTER};
use super::throttle::Addresses;
use super::tls::Certificates;
use crate::accept::Acceptor;
use crate::clock::Clock;
use crate::config::{HttpConfig, LimitsConfig};
use crate::metrics::Metrics;
use crate::proxy_protocol;
use crate::shutdown::Shutdown;

/// A bound listener that does not serve yet.
#[derive(Debug)]
pub struct HttpServer {
    listener: TcpListener,
    shared: Shared,
}

#[derive(Debug)]
struct Shared {
    calls: Calls,
    config: HttpConfig,
    tls: Option<Tls>,
    connections: Arc<Semaphore>,
    peers: Arc<Peers>,
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
        let calls = Calls {
            router: TowerToHyperService::new(router),
            requests: Semaphore::new(config.max_requests),
            patience: config.answer_timeout,
            proxies: Proxies::new(config.trusted_proxies.clone(), config.forwarded_by),
            is_tls: false,
            addresses: None,
            counts: Counts::default(),
            statuses: None,
            proxy_noticed: false.into(),
        };
        let connections = Arc::new(Semaphore::new(config.max_connections));
        let shared = Shared { calls, connections, peers: Arc::new(Peers::new(0)), config, tls: None, grace, shutdown };
        Self { listener, shared }
    }

    /// Will speak HTTPS instead of HTTP, with these `certificates`, and give a handshake `patience`.
    #[must_use]
    pub fn with_tls(mut self, certificates: Arc<Certificates>, patience: Duration) -> Self {
        self.shared.tls = Some(Tls { certificates, patience });
        self.shared.calls.is_tls = true;
        self
    }

    /// Will hear no address that has used up its wrong authkeys, and keep no more connections from one than allowed.
    #[must_use]
    pub fn with_limits(mut self, limits: &LimitsConfig, clock: Arc<dyn Clock>) -> Self {
        self.shared.calls.addresses = Some((Addresses::new(limits), clock));
        self.shared.peers = Arc::new(Peers::new(limits.connections_per_address));
        self
    }

    /// Will ask `desk` first.
    #[must_use]
    pub fn with_status_desk(mut self, desk: StatusDesk) -> Self {
        self.shared.calls.statuses = Some(desk);
        self
    }

    /// Will count in `metrics`.
    #[must_use]
    pub fn with_metrics(mut self, metrics: &Metrics) -> Self {
        self.shared.calls.counts = Counts::new(metrics);
        self
    }

    /// Serves until shutdown is requested; then takes no new connection, lets calls that have begun end, and closes.
    ///
    /// Not cancel safe: dropping it cuts connections off.
    pub async fn run(self) {
        let Self { listener, shared } = self;
        let shared = Arc::new(shared);
        let _guard = shared.shutdown.guard();
        // Whoever speaks TLS could not read an answer.
        let mut acceptor = Acceptor::new(listener, "http", if shared.tls.is_some() { drop } else { refuse });
        let (mut tasks, mut stopped) = (JoinSet::new(), pin!(shared.shutdown.requested()));
        loop {
            let (stream, peer) = tokio::select! {
                biased;
                () = stopped.as_mut() => break,
                accepted = acceptor.accept() => accepted,
            };
            // Nobody waits for the end of a connection; what has ended is put away with the next one.
            while tasks.try_join_next().is_some() {}
            match Arc::clone(&shared.connections).try_acquire_owned() {
                Ok(permit) => drop(tasks.spawn(serve(Arc::clone(&shared), stream, peer, permit))),
                Err(_) => {
                    tracing::warn!("turned a connection away: too many at once");
                    turn_away(&shared, stream);
                }
            }
        }
        drop(acceptor);
        let all = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(shared.grace, all).await.is_err() {
            tracing::warn!(left = tasks.len(), "cutting off connections that did not end in time");
        }
    }
}

async fn serve(shared: Arc<Shared>, mut stream: TcpStream, peer: SocketAddr, _permit: OwnedSemaphorePermit) {
    // Answers are one small write each; waiting to merge them only costs time.
    let _ = stream.set_nodelay(true);
    let is_proxy = shared.calls.proxies.trusts(peer.ip());
    let named = tokio::select! {
        biased;
        () = shared.shutdown.requested(), if is_proxy => return,
        named = name(&shared, &mut stream, peer) => named,
    };
    let peer = match named {
        Ok(named) => named.ip(),
        Err(error) => {
            tracing::warn!(proxy = %peer.ip(), %error, "closed a connection of a trusted proxy");
            return;
        }
    };
    // A proxy that names its clients in headers has connections for all of them.
    let place = if shared.calls.proxies.trusts(peer) { None } else { Some(Peers::enter(&shared.peers, peer)) };
    if let Some(None) = place {
        tracing::debug!("turned a connection away: too many from one address");
        turn_away(&shared, stream);
        return;
    }
    let _present = shared.calls.counts.connected();
    let Some(Tls { certificates, patience }) = &shared.tls else {
        return serve_connection(&shared, stream, peer).await;
    };
    let handshake = tokio::select! {
        biased;
        () = shared.shutdown.requested() => return,
        handshake = tokio::time::timeout(*patience, certificates.accept(stream)) => handshake,
    };
    shared.calls.counts.handshake(matches!(handshake, Ok(Ok(_))));
    match handshake {
        Ok(Ok(stream)) => serve_connection(&shared, stream, peer).await,
        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
}

/// Whose connection it is, where proxies say so before anything else.
async fn name(
    shared: &Shared,
    stream: &mut TcpStream,
    peer: SocketAddr,
) -> Result<SocketAddr, proxy_protocol::ProxyError> {
    let trusted = shared.calls.proxies.proxy_protocol();
    if trusted.is_empty() {
        return Ok(peer);
    }
    proxy_protocol::client(stream, peer, trusted, shared.config.header_timeout).await
}

async fn serve_connection<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
    shared: &Shared,
    stream: S,
    peer: IpAddr,
) {
    let mut builder = http1::Builder::new();
    // How many headers there may be is left to hyper: with a limit of our own it moves kilobytes for every call.
    builder.max_buf_size(shared.config.head_limit);
    // Bodies are short: to copy one behind its head costs less than to hand both to the system.
    builder.writev(false);
    let lifetime = Lifetime::new();
    let answerer = Answerer { calls: &shared.calls, peer, lifetime: lifetime.clone() };
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), answerer).with_upgrades());
    // Polled when one of its own wakers says so, not with every call.
    let mut limits = FuturesUnordered::from_iter([limit(shared, &lifetime)]);
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => Ok(ended),
        Some(end) = limits.next() => match end {
            Some(End::Cut) => return tracing::debug!("cut off a peer that does not read"),
            Some(End::Silent) => return tracing::debug!("cut off a peer that does not ask"),
            // What has begun may end.
            Some(End::Old) | None => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    ended = tokio::time::timeout(shared.grace, connection) => ended,
                    () = lifetime.is_cut() => return tracing::debug!("cut off a peer that does not read"),
                }
            }
        }
    };
    if let Ok(Err(error)) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Waits until the connection has to end: because of itself, or because the server stops.
async fn limit(shared: &Shared, lifetime: &Lifetime) -> Option<End> {
    tokio::select! {
        end = lifetime.ends(shared.config.header_timeout, shared.config.connection_timeout) => Some(end),
        () = shared.shutdown.requested() => None,
    }
}

fn turn_away(shared: &Shared, stream: TcpStream) {
    shared.calls.counts.turned_away();
    if shared.tls.is_none() {
        refuse(stream);
    }
}

/// Says that there is no room, without reading.
fn refuse(stream: TcpStream) {
    let body = Problem::Busy.body(false);
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Retry-After: {RETRY_AFTER}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    // A fresh socket has room for this; if not, closing is answer enough.
    let _ = stream.into_std().and_then(|mut stream| stream.write_all(answer.as_bytes()));
}

#[cfg(test)]
mod tests;
