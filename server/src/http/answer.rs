//! What happens to every call between the connection and the router, and to every answer on its way back.

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::future;
use http_body_util::{Either, Full};
use hyper::Request;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use tokio::sync::Semaphore;

use super::counts::Counts;
use super::fast::StatusDesk;
use super::finish::finish;
use super::forwarded::Proxies;
use super::origin::ClientAddress;
use super::problem::Problem;
use super::serve::{InHand, Lifetime};
use super::throttle::Addresses;
use crate::clock::Clock;
use crate::metrics::Stopwatch;

/// What all connections share.
#[derive(Debug)]
pub(super) struct Calls {
    pub(super) router: TowerToHyperService<Router>,
    /// Room for calls at once.
    pub(super) requests: Semaphore,
    /// For one call, body included.
    pub(super) patience: Duration,
    pub(super) proxies: Proxies,
    /// Whether calls come over TLS.
    pub(super) is_tls: bool,
    pub(super) addresses: Option<(Addresses, Arc<dyn Clock>)>,
    pub(super) counts: Counts,
    pub(super) statuses: Option<StatusDesk>,
    /// Whether the log has said that there seems to be a proxy.
    pub(super) proxy_noticed: AtomicBool,
}

/// Answers the calls of one connection.
pub(super) struct Answerer<'a> {
    pub(super) calls: &'a Calls,
    pub(super) peer: IpAddr,
    pub(super) lifetime: Lifetime,
}

/// The body of an answer: a status that was at hand, or whatever the router has made, until it was sent.
type Body = Either<Full<Bytes>, Held>;
type Answered = Result<Response<Body>, Infallible>;
type Answer<'a> = future::Either<Ready<Answered>, Pin<Box<dyn Future<Output = Answered> + Send + 'a>>>;

impl<'a> Service<Request<Incoming>> for Answerer<'a> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer<'a>;

    fn call(&self, mut request: Request<Incoming>) -> Answer<'a> {
        let (calls, peer) = (self.calls, self.peer);
        if let Some(response) = self.status(&request) {
            return future::Either::Left(ready(Ok(response.map(|body| Either::Left(Full::new(body))))));
        }
        let call = self.lifetime.call();
        request.extensions_mut().insert(self.lifetime.clone());
        future::Either::Right(Box::pin(async move {
            let response = calls.answer(peer, request).await;
            Ok(response.map(|body| Either::Right(Held { body, _call: call })))
        }))
    }
}

impl Answerer<'_> {
    /// The answer to a plain call for a status, if it is at hand.
    fn status(&self, request: &Request<Incoming>) -> Option<Response<Bytes>> {
        let (watch, desk) = (Stopwatch::start(), self.calls.statuses.as_ref()?);
        let addresses = self.calls.addresses.as_ref().map(|(addresses, _)| addresses);
        let response = desk.answer(request, |headers| self.calls.proxies.client(self.peer, headers), addresses)?;
        let (time, now) = watch.split();
        self.calls.counts.status(time);
        self.lifetime.answered(now);
        Some(response)
    }
}

/// A body that keeps its call in hand until the last of it was sent.
pub(super) struct Held {
    body: axum::body::Body,
    _call: InHand,
}

impl hyper::body::Body for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Calls {
    async fn answer(&self, peer: IpAddr, mut request: Request<Incoming>) -> Response {
        let (watch, method, path) = (Stopwatch::start(), request.method().clone(), request.uri().path().to_owned());
        if Proxies::are_claimed(request.headers()) && !self.proxies.trusts(peer) {
            self.notice_proxy(peer);
        }
        let client = self.proxies.client(peer, request.headers());
        let is_secure = self.is_tls || self.proxies.is_secure(peer, request.headers());
        if let Some(client) = client {
            request.extensions_mut().insert(ClientAddress(client));
        }
        let response = match self.admit(&path, client.unwrap_or(peer)) {
            Ok(()) => self.route(request).await,
            Err(problem) => problem.into_response(),
        };
        // Wrong passwords are counted where they are looked at.
        if response.extensions().get() == Some(&Problem::Forbidden) {
            self.failed(client.unwrap_or(peer));
        }
        let response = finish(&path, is_secure, response).await;
        // Neither query nor unknown paths: people paste secrets into both.
        let (route, status) = (super::known_path(&path), response.status().as_u16());
        self.counts.answered(route, status, watch.elapsed());
        tracing::debug!(%method, route, status, "answered");
        response
    }

    async fn route(&self, request: Request<Incoming>) -> Response {
        let Ok(_permit) = self.requests.try_acquire() else { return Problem::Busy.into_response() };
        match tokio::time::timeout(self.patience, self.router.call(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(_) => {
                tracing::error!("a call took too long");
                Problem::Unavailable.into_response()
            }
        }
    }

    /// Whether a call from there is heard.
    fn admit(&self, path: &str, client: IpAddr) -> Result<(), Problem> {
        match &self.addresses {
            Some((addresses, clock)) if has_authkeys(path) => addresses.admit(client, clock.now()),
            _ => Ok(()),
        }
    }

    /// Counts a wrong authkey.
    fn failed(&self, client: IpAddr) {
        let Some((addresses, clock)) = &self.addresses else { return };
        if addresses.failed(client, clock.now()) {
            tracing::warn!(address = %client, "too many wrong authkeys: no call from there is heard for a minute");
        }
    }

    fn notice_proxy(&self, peer: IpAddr) {
        if !self.proxy_noticed.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                peer = %peer,
                "a call seems to come through a proxy that is not in http.trusted_proxies: its clients count as one \
                 address, for limits and for the networks of authkeys"
            );
        }
    }
}

/// Whether the calls of this path carry authkeys.
fn has_authkeys(path: &str) -> bool {
    path.starts_with("/token") || path.starts_with("/auth")
}
