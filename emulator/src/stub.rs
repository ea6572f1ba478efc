//! A stub: the real server in this process, in memory, for whoever writes an app or a relying party and has no server. Scripts
//! make it answer what servers answer rarely. Listens on loopback and nowhere else.
//!
//! ```
//! use cardea_emulator::engine::{Options, Session, Settings};
//! use cardea_emulator::stub::{self, Stub};
//! use cardea_sdk::Env;
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let stub = Stub::start(stub::Settings::default()).await?;
//! let options = Options { allow_test_argon2: true, ..Options::default() };
//! let session = Session::in_memory(Settings { options, ..Settings::default() }, &Env::os())?;
//! let phone = session.add("phone").await?;
//! phone.enroll(&phone.invitation(&stub.enroll("joe").await?.link, None).await?).await?;
//! assert_eq!(stub.status("joe").await?, 2);
//! phone.open(None, None).await?;
//! assert_eq!(stub.status("joe").await?, 1);
//! stub.stop().await;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

mod clock;
mod front;
mod manage;
pub mod script;
mod server;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use cardea_sdk::SystemClock;
use cardea_server::admin::{Actor, AdminError, Ask, EnrollOptions};
use cardea_server::domain::name::UserId;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use self::clock::StubClock;
use self::front::Front;
use self::script::{Desk, Hits, Script, TokenChange};
use self::server::{Plan, Server};
use crate::engine::{Seed, Time};

/// The header that every answer of a stub has: `real`, or the rule that has made it.
pub const MARK: &str = "cardea-stub";

/// How a stub is to be.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The port for relying parties; 0 for a free one.
    pub http: u16,
    /// The port for devices, over TCP and, unless a rule is about connections of devices, UDP; 0 for a free one.
    pub channel: u16,
    /// The time that it has; its own, which is the world's, if there is none.
    pub time: Option<Time>,
    /// What its keys follow from: then everybody who knows the number knows them. Others each time if there is none.
    pub seed: Option<Seed>,
    /// Its service.
    pub service: ServiceSettings,
    /// What it does beside what a server does.
    pub script: Script,
}

/// How the service of a stub is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceSettings {
    /// Its name: `<subscription>_<service>`.
    pub name: String,
    /// How long an opening lasts, in seconds; 0 for one check.
    pub window: u32,
    /// Wrong PINs until a device is blocked: 1 to 10; what servers have by default, if nothing is said.
    pub attempts: Option<u8>,
    /// Whether there are duress PINs.
    pub duress: bool,
    /// Whether duress is told as 1 and 2 and not as 3.
    pub silent_alarm: bool,
    /// Whether PINs are hashed at full cost. Devices have to allow the cheap hash, which is for tests only.
    pub standard_argon2: bool,
}

impl Default for ServiceSettings {
    fn default() -> Self {
        Self {
            name: "default_demo".to_owned(),
            window: 60,
            attempts: None,
            duress: true,
            silent_alarm: false,
            standard_argon2: false,
        }
    }
}

/// Why a stub did not do what it was told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StubError {
    /// The port cannot be had.
    #[error("cannot listen on port {port} of this machine: {source}")]
    Listen {
        /// Which; 0 is any.
        port: u16,
        /// What the system says.
        source: std::io::Error,
    },
    /// No user can be called so.
    #[error("{0:?} is no user id: it is text of 1 to 255 bytes")]
    User(String),
    /// The server refuses.
    #[error(transparent)]
    Refused(#[from] AdminError),
    /// The server cannot be set up.
    #[error("the server cannot be set up: {0}")]
    Server(String),
}

/// How to enroll.
#[derive(Debug)]
pub struct Offer {
    /// The link, which is also what a QR code says. A secret until it is used.
    pub link: String,
    /// The code to type.
    pub code: String,
    /// The first second in which neither works.
    pub expires_at: u64,
}

/// A stub. Everything about it is gone with it.
#[derive(Debug)]
pub struct Stub {
    front: Arc<Front>,
    http: SocketAddr,
    channel: SocketAddr,
    service: String,
    tasks: [JoinHandle<()>; 2],
}

impl Stub {
    /// Starts one in the current runtime. When this returns, it answers.
    ///
    /// # Errors
    /// [`StubError`].
    pub async fn start(settings: Settings) -> Result<Self, StubError> {
        let Settings { http, channel, time, seed, service, script } = settings;
        let (calls, http) = bind(http).await?;
        // Datagrams go by the front, so there are none where devices are meant to meet a rule.
        let udp = !script.rules.iter().any(|rule| rule.on.is_connection());
        let at = SocketAddr::from((Ipv4Addr::LOCALHOST, channel));
        let bound = cardea_server::channel::bind(at, udp).await;
        let (devices, datagrams) = bound.map_err(|source| StubError::Listen { port: channel, source })?;
        let channel = devices.local_addr().map_err(|source| StubError::Listen { port: channel, source })?;

        let clock = Arc::new(StubClock::new(time.unwrap_or_else(|| Time::with(Arc::new(SystemClock)))));
        let plan = Plan { clock: Arc::clone(&clock), seed, service: &service, front: (http, channel), datagrams };
        let front = Arc::new(Front::new(Server::start(plan).await?, clock, Desk::new(script)));
        let tasks = [front::take_calls(Arc::clone(&front), calls), front::take_devices(Arc::clone(&front), devices)];
        Ok(Self { front, http, channel, service: service.name, tasks })
    }

    /// Where relying parties find it: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.http)
    }

    /// Where relying parties find it.
    #[must_use]
    pub const fn http(&self) -> SocketAddr {
        self.http
    }

    /// Where devices find it.
    #[must_use]
    pub const fn channel(&self) -> SocketAddr {
        self.channel
    }

    /// The API name of its service.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// An authkey that does everything.
    #[must_use]
    pub fn authkey(&self) -> &str {
        &self.front.server.authkey
    }

    /// An authkey that reads statuses.
    #[must_use]
    pub fn status_key(&self) -> &str {
        &self.front.server.status_key
    }

    /// Its time, which tests move.
    #[must_use]
    pub fn time(&self) -> &Time {
        self.front.clock.time()
    }

    /// Offers `user` to enroll. One who has a device gets another one beside it.
    ///
    /// # Errors
    /// [`StubError::User`], [`StubError::Refused`].
    pub async fn enroll(&self, user: &str) -> Result<Offer, StubError> {
        let (user, service) = (user_id(user)?, self.front.server.service().await?);
        let offer = async |options| self.front.server.admin.enroll(&service, &user, options, Actor::Operator).await;
        let made = match offer(EnrollOptions::default()).await {
            Err(AdminError::BadCall(_)) => offer(EnrollOptions { add_device: true, replace_device: false }).await,
            made => made,
        }?;
        Ok(Offer { link: made.link, code: made.code, expires_at: made.expires_at.get() })
    }

    /// The number of the status of `user`: what a check would be told now, without using an opening up.
    ///
    /// # Errors
    /// [`StubError::User`], [`StubError::Refused`].
    pub async fn status(&self, user: &str) -> Result<u8, StubError> {
        let (user, service) = (user_id(user)?, self.front.server.service().await?);
        let entry = self.front.server.admin.detail(&service, &user).await?.entry;
        // A list never says that an opening is there which a check would end.
        Ok(if entry.unused { 1 } else { entry.status.number() })
    }

    /// Changes something about the token of `user`, as an administrator does.
    ///
    /// # Errors
    /// [`StubError::User`], [`StubError::Refused`].
    pub async fn change(&self, user: &str, change: TokenChange) -> Result<(), StubError> {
        self.front.change_token(change, &user_id(user)?).await
    }

    /// Asks `user` to approve a text, within `seconds`, or within two minutes. Returns the id of the question.
    ///
    /// # Errors
    /// [`StubError::User`], [`StubError::Refused`].
    pub async fn ask(&self, user: &str, text: &str, seconds: Option<u32>) -> Result<String, StubError> {
        let (user, service) = (user_id(user)?, self.front.server.service().await?);
        let ask = Ask::new(text, None, seconds).map_err(|error| AdminError::BadCall(error.to_string()))?;
        let asked = self.front.server.admin.ask_confirmation(&service, &user, ask, Actor::Operator).await?;
        Ok(asked.id.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Replaces the server's static key; devices learn of it at their next contact.
    ///
    /// # Errors
    /// [`StubError::Refused`].
    pub async fn rotate_keys(&self) -> Result<(), StubError> {
        Ok(self.front.server.admin.rotate_keys(Actor::Operator).await?)
    }

    /// Makes the server's clock wrong by so many seconds.
    pub fn set_skew(&self, seconds: i64) {
        self.front.clock.set_skew(seconds);
    }

    /// How often each rule has happened.
    #[must_use]
    pub fn hits(&self) -> Vec<Hits> {
        self.front.desk.hits()
    }

    /// Puts another script in the place of this one. Rules about connections of devices say nothing to datagrams.
    pub fn replace_script(&self, script: Script) {
        self.front.desk.replace(script);
    }

    /// Ends it, and waits until nothing of it is left.
    pub async fn stop(self) {
        self.front.server.begin_to_stop();
        for task in &self.tasks {
            task.abort();
        }
        self.front.server.stopped().await;
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.front.server.begin_to_stop();
        for task in &self.tasks {
            task.abort();
        }
    }
}

fn user_id(user: &str) -> Result<UserId, StubError> {
    UserId::parse(user).map_err(|_| StubError::User(user.to_owned()))
}

/// A listener on this machine.
async fn bind(port: u16) -> Result<(TcpListener, SocketAddr), StubError> {
    let bound = async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    };
    bound.await.map_err(|source| StubError::Listen { port, source })
}

#[cfg(test)]
mod tests;
