//! The HTTP side: the token API for relying parties and administrators, the sign-in API, and a few pages beside them.
//!
//! Deployed clients of the token API look only at bodies, and take any `1` in one for an open token. What follows from
//! that is spread over this module: `problem` writes no such character, `finish` checks every body that leaves,
//! `query` refuses what unencoded names could smuggle in, and `serve` closes the connection after every failure.

mod answer;
mod auth;
mod body;
mod call;
mod counts;
mod credentials;
mod dev;
mod docs;
mod fast;
mod finish;
mod form;
mod forwarded;
mod health;
mod landing;
mod origin;
mod page;
mod peers;
mod problem;
mod query;
mod route;
mod serve;
mod spell;
mod throttle;
mod tls;
mod token;
mod websocket;
mod well_known;

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::handler::Handler;
use axum::http::HeaderMap;
use axum::routing::{MethodRouter, get, post};
use body::BodyLimits;
use call::Mounted;
pub use fast::StatusDesk;
use landing::Landing;
pub use origin::ClientAddress;
pub use problem::{Challenge, Problem};
pub use route::{Kind, Parameter, Reach, Route, Verb};
pub use serve::HttpServer;
use throttle::{CallLimits, Share, SignInLimits};
pub use tls::{Certificates, TlsError};
pub(crate) use token::{service_body, webhook_body};
use tokio::sync::Semaphore;

use crate::admin::Admin;
use crate::channel::Channel;
use crate::clock::{Clock, TestClock};
use crate::config::{HttpConfig, LimitsConfig, PublicConfig};
use crate::metrics::Metrics;
use crate::shutdown::Shutdown;

/// Every path beside the token API, for the log.
const PLAIN: &[&str] =
    &[ANDROID, IOS, "/.well-known/cardea", "/channel", "/dev/clock", "/e", "/healthz", METRICS, "/readyz"];
const ANDROID: &str = "/.well-known/assetlinks.json";
const IOS: &str = "/.well-known/apple-app-site-association";
const METRICS: &str = "/metrics";

/// The calls of the token API and of the administration of who signs in: method, path, permission and parameters of each, as the server checks them.
///
/// What describes the API is compared with this. `authKey` is taken by every call (in the Authorization header as well)
/// and is in no list; [`Route::all_parameters`] has it.
#[must_use]
pub fn routes() -> Vec<&'static Route> {
    calls().into_iter().map(|(route, _)| route).collect()
}

fn calls() -> Vec<Mounted> {
    [token::calls(), auth::calls()].into_iter().flatten().collect()
}

/// `path` if it is served, for logs and counters: people paste secrets into paths.
fn known_path(path: &str) -> &'static str {
    static TOKEN: LazyLock<Vec<&'static str>> = LazyLock::new(|| routes().iter().map(|route| route.path).collect());
    let docs = docs::FILES.iter().map(|file| &file.path);
    let known = PLAIN.iter().chain(&*TOKEN).chain(docs).find(|known| **known == path);
    known.copied().or_else(|| auth::known_path(path)).unwrap_or("other")
}

/// What the handlers work with.
#[derive(Debug)]
pub struct Api {
    admin: Arc<Admin>,
    limits: BodyLimits,
    channel_port: u16,
    test_clock: Option<Arc<TestClock>>,
    call_limits: Option<Arc<CallLimits>>,
    sign_in_limits: Option<Arc<SignInLimits>>,
    metrics: Option<Metrics>,
    channel: Option<Channel>,
    shutdown: Shutdown,
    streams: Arc<Semaphore>,
    landing: Landing,
}

/// Streams of events at once.
const STREAMS: usize = 128;

impl Api {
    /// The API over `admin`, for devices that find the token channel at `channel_port` of the same host. With a `test_clock` (development only) it has `POST /dev/clock`, for loopback.
    #[must_use]
    pub fn new(admin: Arc<Admin>, config: &HttpConfig, channel_port: u16, test_clock: Option<Arc<TestClock>>) -> Self {
        let limits = BodyLimits { size: config.body_limit, time: config.body_timeout };
        let (call_limits, sign_in_limits, metrics, channel) = (None, None, None, None);
        let (shutdown, streams) = (Shutdown::new(), Arc::new(Semaphore::new(STREAMS)));
        let landing = Landing::plain();
        Self {
            admin,
            limits,
            channel_port,
            test_clock,
            call_limits,
            sign_in_limits,
            metrics,
            channel,
            shutdown,
            streams,
            landing,
        }
    }

    /// Will tell people and phones of the apps in `config`.
    #[must_use]
    pub fn with_apps(mut self, config: &PublicConfig) -> Self {
        self.landing = Landing::new(config);
        self
    }

    /// Will end streams of events when `shutdown` is requested.
    #[must_use]
    pub fn until(mut self, shutdown: Shutdown) -> Self {
        self.shutdown = shutdown;
        self
    }

    /// Will refuse calls over these limits.
    #[must_use]
    pub fn with_limits(mut self, limits: &LimitsConfig, clock: Arc<dyn Clock>) -> Self {
        self.call_limits = Some(Arc::new(CallLimits::new(limits, Arc::clone(&clock))));
        self.sign_in_limits = Some(Arc::new(SignInLimits::new(limits, clock)));
        self
    }

    /// Counts a call for tokens of a subscription.
    fn organization(&self, subscription: &str) -> Option<Share> {
        self.sign_in_limits.as_ref()?.organization(subscription)
    }

    /// Will show `metrics` to everybody.
    #[must_use]
    pub fn with_metrics(mut self, metrics: Metrics) -> Self {
        self.metrics = Some(metrics);
        self
    }

    /// Will bring `channel` the WebSockets of `/channel`.
    #[must_use]
    pub fn with_channel(mut self, channel: Channel) -> Self {
        self.channel = Some(channel);
        self
    }

    /// The shortcut for calls for statuses, with the same limits, for [`HttpServer::with_status_desk`].
    #[must_use]
    pub fn status_desk(&self) -> StatusDesk {
        StatusDesk::new(Arc::clone(&self.admin), self.call_limits.clone())
    }

    /// The paths for whoever watches the process, for a listener of their own: `/metrics`, `/healthz`, `/readyz`.
    /// The server is not ready any more once `shutdown` is requested.
    pub fn watch_router(admin: Arc<Admin>, config: &HttpConfig, metrics: Metrics, shutdown: Shutdown) -> Router {
        let api = Self::new(admin, config, 0, None).with_metrics(metrics).until(shutdown);
        Router::new()
            .route(METRICS, only_get(health::metrics))
            .route("/healthz", only_get(health::alive))
            .route("/readyz", only_get(health::ready))
            .with_state(Arc::new(api))
    }

    /// All paths.
    pub fn router(self) -> Router {
        let mut router = Router::new()
            .route("/.well-known/cardea", only_get(well_known::cardea))
            .route(ANDROID, only_get(landing::android))
            .route(IOS, only_get(landing::ios))
            .route("/e", only_get(landing::page))
            .route("/healthz", only_get(health::alive))
            .route("/readyz", only_get(health::ready));
        for (path, allow, answer) in by_path(calls()) {
            router = router.route(path, only(allow, answer));
        }
        for file in &docs::FILES {
            router = router.route(file.path, only_get(async |headers: HeaderMap| file.answer(&headers)));
        }
        router = auth::mount(router);
        if self.channel.is_some() {
            router = router.route("/channel", only_get(websocket::upgrade));
        }
        if self.test_clock.is_some() {
            router = router.route("/dev/clock", only_post(dev::advance));
        }
        if self.metrics.is_some() {
            router = router.route(METRICS, only_get(health::metrics));
        }
        router.with_state(Arc::new(self))
    }
}

/// Calls with the same path, together with the methods they have.
fn by_path(calls: Vec<Mounted>) -> Vec<(&'static str, &'static str, MethodRouter<Arc<Api>>)> {
    let mut paths: Vec<(&str, &str, MethodRouter<Arc<Api>>)> = Vec::with_capacity(calls.len());
    for (route, answer) in calls {
        if let Some((_, allow, present)) = paths.iter_mut().find(|(path, ..)| *path == route.path) {
            (*allow, *present) = ("GET, POST", present.clone().merge(answer));
        } else {
            let allow = match route.verb {
                Verb::Get => "GET",
                Verb::Post => "POST",
            };
            paths.push((route.path, allow, answer));
        }
    }
    paths
}

/// These methods and nothing else: axum would answer HEAD from the GET handler, which consumes a single-use opening.
fn only(allow: &'static str, answer: MethodRouter<Arc<Api>>) -> MethodRouter<Arc<Api>> {
    let refuse = async move || Problem::Method { allow };
    answer.head(refuse).fallback(refuse)
}

fn only_get<T: 'static>(handler: impl Handler<T, Arc<Api>>) -> MethodRouter<Arc<Api>> {
    only("GET", get(handler))
}

fn only_post<T: 'static>(handler: impl Handler<T, Arc<Api>>) -> MethodRouter<Arc<Api>> {
    only("POST", post(handler))
}

#[cfg(test)]
mod tests;
