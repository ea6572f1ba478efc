//! The control API: what a test suite in any language drives emulated devices with. A test has a session of its own, whose
//! devices know nothing of others, and which ends with its lease.
//!
//! | what | where |
//! |---|---|
//! | the calls, and the description of them | `api`, `wire`, `problem` |
//! | what handlers take from a call | `extract` |
//! | what can be waited for | `predicate` |
//! | the sessions and their leases | `sessions` |
//! | the same in the form of WebDriver | `webdriver` |
//! | who may call | `guard` |
//! | connections, how many calls are under way, and what is held of what they send | `serve`, `calls`, `bodies` |

mod api;
mod bodies;
mod calls;
mod extract;
mod guard;
mod predicate;
mod problem;
mod serve;
mod sessions;
mod webdriver;
mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use cardea_sdk::Env;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::engine::{Kind, Options, Session};
use crate::faults::Gate;
use crate::log::Log;
use crate::suggest::nearest;
use bodies::Room;
use calls::Calls;
use guard::Guard;
use problem::Problem;
use sessions::Sessions;
pub use wire::DeviceProfile;

/// What can be served, at several places at a time. Clones are one and the same.
#[derive(Debug, Clone)]
pub struct Control(Shared);

/// What the calls share.
#[derive(Debug, Clone)]
struct Shared {
    sessions: Sessions,
    options: Arc<Options>,
    faults: Gate,
    profiles: Arc<BTreeMap<String, DeviceProfile>>,
    log: Log,
    is_ready: Arc<AtomicBool>,
    /// Set when somebody has told it to end.
    told_to_end: watch::Sender<bool>,
    calls: Calls,
    room: Room,
}

impl Shared {
    /// The profile that is called so.
    fn profile(&self, name: &str) -> Result<DeviceProfile, Problem> {
        let unknown = || Problem::NoProfile {
            name: name.chars().take(64).collect(),
            meant: nearest(name, self.profiles.keys().map(String::as_str)).map(str::to_owned),
        };
        self.profiles.get(name).copied().ok_or_else(unknown)
    }
}

impl Control {
    /// Without sessions yet. Devices are reached by `options`; time and randomness come from `world`.
    #[must_use]
    pub fn new(options: Options, world: Env) -> Self {
        Self(Shared {
            sessions: Sessions::new(world),
            options: Arc::new(options),
            faults: Gate::closed(),
            profiles: Arc::default(),
            log: Log::default(),
            is_ready: Arc::default(),
            told_to_end: watch::Sender::new(false),
            calls: Calls::default(),
            room: Room::default(),
        })
    }

    /// Lets sessions have faults, as this says. To be said before anything is served.
    #[must_use]
    pub fn with_faults(mut self, gate: Gate) -> Self {
        self.0.faults = gate;
        self
    }

    /// Lets devices be made with these profiles. To be said before anything is served.
    #[must_use]
    pub fn with_profiles(mut self, profiles: BTreeMap<String, DeviceProfile>) -> Self {
        self.0.profiles = Arc::new(profiles);
        self
    }

    /// Says in `log` what was called. To be said before anything is served.
    #[must_use]
    pub fn with_log(mut self, log: Log) -> Self {
        self.0.log = log;
        self
    }

    /// Has `session` under the name `default`, for as long as this is.
    pub fn keep(&self, session: Session) {
        self.0.sessions.keep(session);
    }

    /// Says to who asks `/ready` that everything is as it was asked for.
    pub fn is_ready(&self) {
        self.0.is_ready.store(true, Ordering::Release);
    }

    /// Answers callers on loopback that have `token`, until this is dropped.
    ///
    /// # Errors
    /// What the system says about `listener`.
    pub async fn serve_http(&self, listener: TcpListener, token: &str) -> std::io::Result<()> {
        serve::serve(listener, self.router(Some(Guard::token(token)))).await
    }

    /// Answers whoever can open the socket, until this is dropped.
    ///
    /// # Errors
    /// What the system says about `listener`.
    #[cfg(unix)]
    pub async fn serve_socket(&self, listener: tokio::net::UnixListener) -> std::io::Result<()> {
        serve::serve(listener, self.router(Some(Guard::Socket))).await
    }

    /// The calls, for who is in this process.
    pub fn calls(&self) -> Router {
        self.router(None)
    }

    /// Ends sessions when their leases are over, until this is dropped.
    pub async fn watch_leases(&self) {
        self.0.sessions.watch_leases().await;
    }

    /// Ends all sessions: whoever waits for something in one of them is told.
    pub fn end(&self) {
        self.0.is_ready.store(false, Ordering::Release);
        self.0.sessions.end_all();
    }

    /// Waits until somebody calls it to end. Cancel safe.
    pub async fn told_to_end(&self) {
        // The sender lives as long as this does.
        let _ = self.0.told_to_end.subscribe().wait_for(|is_told| *is_told).await;
    }

    /// Waits until nobody has called for so long. Cancel safe.
    pub async fn unused_for(&self, time: Duration) {
        self.0.calls.none_for(time).await;
    }

    /// Waits until no call is under way, for so long at most. Cancel safe.
    pub async fn rests(&self, at_most: Duration) {
        let _ = tokio::time::timeout(at_most, self.0.calls.none_for(Duration::ZERO)).await;
    }

    fn router(&self, guard: Option<Guard>) -> Router {
        api::router(self.0.clone(), guard)
    }
}

/// The description of the control API, in OpenAPI 3.1.
#[must_use]
pub fn description() -> String {
    api::description()
}

/// What can be in a journal: words, and what each says.
pub(crate) const fn kinds() -> &'static [(&'static str, &'static str)] {
    &Kind::WORDS
}

/// What this emulator can do, as the control API says it.
pub(crate) fn capabilities() -> serde_json::Value {
    api::capabilities()
}

/// The JSON Schema of a profile, as people write it.
pub(crate) fn profile_schema() -> serde_json::Value {
    DeviceProfile::schema()
}

/// Whether it is a delay of a holder, as the control API takes it.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn is_delay(value: &serde_json::Value) -> Result<(), String> {
    crate::json::from_value::<wire::DelayWord>(value.clone()).map(|_| ())
}

/// What holders can do, as the control API writes it.
#[cfg(test)]
pub(crate) fn outcomes() -> Vec<String> {
    wire::OutcomeWord::ALL.map(str::to_owned).to_vec()
}
