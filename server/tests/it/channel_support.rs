//! A server in this process, on real sockets and a clock that only moves when told to.

mod phone;
mod wire;

/// What tests need beside a [`Phone`].
pub(crate) mod phone_parts {
    pub(crate) use super::phone::{INFO, Way, link_way};
}

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use cardea_protocol::token::Argon2Class;
use cardea_server::admin::{Actor, Admin, AdminSettings, EnrollOptions, Instance, NewService, Offer, Service};
use cardea_server::channel::{self, Channel, ChannelServer, Desk, LiveSessions};
use cardea_server::clock::{Clock, SystemClock, TestClock, UnixSeconds};
use cardea_server::config::ChannelConfig;
use cardea_server::domain::name::UserId;
use cardea_server::domain::rules::ServiceRules;
use cardea_server::domain::world::Window;
use cardea_server::entropy::{Entropy, OsEntropy, SeededEntropy};
use cardea_server::metrics::Metrics;
use cardea_server::shutdown::Shutdown;
use cardea_server::storage::rows::JournalFilter;
use cardea_server::storage::{Location, PostgresUrl, StorageError};
use cardea_server::vault::{Entry, Event, EventKind, KeyLocation, VaultError};
use tempfile::TempDir;
use tokio::task::JoinHandle;

pub(crate) use phone::{Got, Phone, Seeded, Warm};
pub(crate) use wire::Wire;

pub(crate) const START: u64 = 1_800_000_000;
pub(crate) const NORMAL: &str = "493817";
pub(crate) const DURESS: &str = "718263";
pub(crate) const WRONG: &str = "650392";
/// Seconds that an opening lasts unless a test says otherwise.
pub(crate) const WINDOW: u32 = 30;

/// The settings of a test service: the cheap PIN hash.
pub(crate) fn rules() -> ServiceRules {
    ServiceRules { argon2: Argon2Class::Test, window: Window::new(WINDOW, 60), ..ServiceRules::default() }
}

/// No limit that a test would meet without meaning to, and no grid.
pub(crate) fn config() -> ChannelConfig {
    ChannelConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        udp: true,
        websocket: true,
        trusted_proxies: Vec::new(),
        max_connections: 1_000,
        max_datagrams: 64,
        max_connections_per_address: 1_000,
        max_handshakes_per_minute: 1_000_000,
        max_failures_per_minute: cardea_protocol::limits::HANDSHAKES_PER_MINUTE_ADDRESS,
        handshake_timeout: Duration::from_secs(3_600),
        idle_timeout: Duration::from_secs(3_600),
        reply_grid: Duration::ZERO,
    }
}

/// One server over a database.
pub(crate) struct Node {
    pub(crate) address: SocketAddr,
    pub(crate) admin: Arc<Admin>,
    pub(crate) instance: Instance,
    pub(crate) channel: Channel,
    pub(crate) shutdown: Shutdown,
    pub(crate) metrics: Metrics,
    tasks: Vec<JoinHandle<()>>,
}

impl Node {
    async fn start(instance: Instance, config: &ChannelConfig) -> Self {
        let listeners = channel::bind(config.listen, config.udp).await.expect("a free port");
        let address = listeners.0.local_addr().expect("an address");
        let settings = AdminSettings {
            web: "https://localhost".to_owned(),
            channel: format!("localhost:{}", address.port()),
            development: true,
        };
        let admin = Arc::new(Admin::new(&instance, settings).expect("settings that fit"));
        let (live, shutdown) = (Arc::new(LiveSessions::default()), Shutdown::new());
        let (store, vault) = (instance.store().clone(), Arc::clone(instance.vault()));
        let clock = Arc::clone(instance.clock());
        let desk = Desk::open(store, vault, clock, Arc::clone(&live), config.max_handshakes_per_minute).await;
        let metrics = Metrics::new();
        let desk = desk.expect("the server has keys").with_metrics(&metrics).with_checks(admin.checks());
        let desk = Arc::new(desk);
        let channel = Channel::new(desk, config, shutdown.clone());
        let server = ChannelServer::new(channel.clone(), listeners, Duration::from_secs(60));
        let mut changes = admin.changes();
        let watching = shutdown.clone();
        let tasks = vec![
            tokio::spawn(server.run()),
            tokio::spawn(async move {
                loop {
                    let token = tokio::select! {
                        () = watching.requested() => return,
                        changed = changes.recv() => changed,
                    };
                    // Nobody is left who could change anything.
                    let Ok(token) = token else { return };
                    live.end(token.bytes());
                }
            }),
        ];
        Self { address, admin, instance, channel, shutdown, metrics, tasks }
    }

    /// Stops in order; afterwards nothing of it holds the database.
    pub(crate) async fn stop(self) {
        self.shutdown.begin();
        for task in self.tasks {
            task.await.expect("no task panics");
        }
    }
}

/// Everything about a test server.
pub(crate) struct Setup {
    pub(crate) rules: ServiceRules,
    pub(crate) config: ChannelConfig,
    /// `None`: the operating system's randomness.
    pub(crate) seed: Option<u64>,
    pub(crate) data: Data,
}

/// Where a test server keeps its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Data {
    /// In memory.
    Memory,
    /// In a folder that outlives a restart.
    Folder,
    /// On PostgreSQL, with the key in a folder.
    Postgres,
    /// The same, and the machines' clocks are minutes off, the first ahead and the others behind.
    SkewedPostgres,
}

impl Data {
    fn clock(self, test: &Arc<TestClock>, skew: i64) -> Arc<dyn Clock> {
        match self {
            Self::SkewedPostgres => Arc::new(Skewed(skew)),
            _ => Arc::<TestClock>::clone(test),
        }
    }
}

/// The clock of a machine that is so many seconds ahead.
#[derive(Debug)]
struct Skewed(i64);

impl Clock for Skewed {
    fn now(&self) -> UnixSeconds {
        UnixSeconds::new(SystemClock.now().get().saturating_add_signed(self.0))
    }
}

impl Default for Setup {
    fn default() -> Self {
        Self { rules: rules(), config: config(), seed: None, data: Data::Memory }
    }
}

impl Setup {
    pub(crate) fn durable() -> Self {
        Self::over(Data::Folder)
    }

    pub(crate) fn over(data: Data) -> Self {
        Self { data, ..Self::default() }
    }

    pub(crate) fn rules(rules: ServiceRules) -> Self {
        Self { rules, ..Self::default() }
    }

    pub(crate) async fn start(self) -> World {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let start = if self.data == Data::SkewedPostgres { SystemClock.now() } else { UnixSeconds::new(START) };
        let clock = Arc::new(TestClock::new(start));
        let entropy: Arc<dyn Entropy> = match self.seed {
            Some(seed) => Arc::new(SeededEntropy::new(seed)),
            None => Arc::new(OsEntropy),
        };
        let wall = self.data.clock(&clock, 300);
        let location = match self.data {
            Data::Memory => Location::Memory,
            Data::Folder => Location::File(folder.path().join("cardea.db")),
            Data::Postgres | Data::SkewedPostgres => {
                let url = crate::postgres::Cluster::shared().database();
                Location::Postgres(PostgresUrl::parse(&url).expect("a good url"))
            }
        };
        let key = match self.data {
            Data::Memory => KeyLocation::Given(cardea_protocol::Secret::new([7; 32])),
            _ => KeyLocation::Folder(folder.path().to_owned()),
        };
        let instance = Instance::assemble(location.clone(), key, wall, entropy).await;
        let node = Node::start(instance.expect("opens"), &self.config).await;
        let rules = ServiceRules { devices: 8, ..self.rules };
        let service = NewService { rules, ..NewService::new("default_demo") };
        let service = node.admin.create_service(service, Actor::Operator).await.expect("created").service;
        let user = UserId::parse("joe").expect("valid");
        World { folder, data: self.data, location, clock, node, service, user, config: self.config }
    }
}

/// A server with one service and one user.
pub(crate) struct World {
    pub(crate) folder: TempDir,
    data: Data,
    location: Location,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) node: Node,
    pub(crate) service: Service,
    pub(crate) user: UserId,
    config: ChannelConfig,
}

impl World {
    pub(crate) async fn new() -> Self {
        Setup::default().start().await
    }

    pub(crate) async fn with(rules: ServiceRules) -> Self {
        Setup::rules(rules).start().await
    }

    pub(crate) fn now(&self) -> u32 {
        self.clock.now().wire()
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.node.address
    }

    /// What the channel has counted, as Prometheus would read it.
    pub(crate) fn metrics(&self) -> String {
        self.node.metrics.render()
    }

    pub(crate) fn admin(&self) -> &Admin {
        &self.node.admin
    }

    /// Drops everything that is in memory and opens the folder again.
    pub(crate) async fn restart(self) -> Self {
        self.restart_after(|_| ()).await
    }

    /// The same, with something happening to the folder meanwhile.
    pub(crate) async fn restart_after(self, meanwhile: impl FnOnce(&std::path::Path)) -> Self {
        let Self { folder, data, location, clock, node, service, user, config } = self;
        node.stop().await;
        meanwhile(folder.path());
        let node = second_node(&folder, &location, data.clock(&clock, -300), &config).await;
        Self { folder, data, location, clock, node, service, user, config }
    }

    /// Another server over the same file.
    pub(crate) async fn another_node(&self) -> Node {
        second_node(&self.folder, &self.location, self.data.clock(&self.clock, -300), &self.config).await
    }

    /// What a relying party is told.
    pub(crate) async fn status(&self) -> u8 {
        self.node.status(&self.service, &self.user).await
    }

    pub(crate) async fn offer(&self) -> Offer {
        self.offer_with(EnrollOptions::default()).await
    }

    pub(crate) async fn offer_with(&self, options: EnrollOptions) -> Offer {
        self.admin().enroll(&self.service, &self.user, options, Actor::Operator).await.expect("an offer")
    }

    /// A device with a normal and a duress PIN.
    pub(crate) async fn enroll(&self) -> Phone {
        Phone::enroll(self, &self.offer().await, &[NORMAL, DURESS]).await
    }

    pub(crate) async fn add_device(&self) -> Phone {
        let offer = self.offer_with(EnrollOptions { add_device: true, replace_device: false }).await;
        Phone::enroll(self, &offer, &[NORMAL, DURESS]).await
    }

    /// What happened, as the journal says.
    pub(crate) async fn events(&self) -> Vec<Event> {
        let vault = Arc::clone(self.node.instance.vault());
        let all = JournalFilter::All;
        let entries = self.node.instance.store().read(move |tx| vault.journal(tx, &all, 0, 10_000)).await;
        let entries: Result<Vec<Entry>, VaultError> = entries;
        let events = entries.expect("read").into_iter().filter_map(|entry| entry.content);
        events.map(|content| content.event).filter(|event| event.token().is_some()).collect()
    }

    pub(crate) async fn count(&self, kind: EventKind) -> usize {
        self.events().await.iter().filter(|event| event.kind == kind).count()
    }

    /// Every row of the tables that operations write: its key, its version, and how many sealed bytes it has. Equal
    /// images mean that nothing was written in between.
    pub(crate) async fn image(&self) -> Vec<String> {
        let rows = self.node.instance.store().read(|tx| {
            let mut rows = Vec::new();
            for sql in TABLES {
                tx.query(sql, &[], &mut |row| {
                    rows.push(row.text(0)?);
                    Ok(())
                })?;
            }
            Ok::<_, StorageError>(rows)
        });
        rows.await.expect("read")
    }
}

impl Node {
    pub(crate) async fn status(&self, service: &Service, user: &UserId) -> u8 {
        self.admin.status(service, user, Actor::Operator).await.expect("a token").number()
    }
}

async fn second_node(folder: &TempDir, location: &Location, clock: Arc<dyn Clock>, config: &ChannelConfig) -> Node {
    let key = KeyLocation::Folder(folder.path().to_owned());
    let instance = Instance::assemble(location.clone(), key, clock, Arc::new(OsEntropy)).await.expect("opens");
    Node::start(instance, config).await
}

/// Hints and ids differ between worlds; how many rows there are, their versions and sizes may be compared.
const TABLES: [&str; 8] = [
    "SELECT 'meta ' || name || ' ' || ver || ' ' || length(sealed) FROM meta ORDER BY name",
    "SELECT 'counter ' || name || ' ' || value FROM counter ORDER BY name",
    "SELECT 'token ' || ver || ' ' || length(sealed) FROM token ORDER BY id",
    "SELECT 'device ' || ver || ' ' || length(sealed) || ' ' || (hint_prev IS NULL) || (hint_alt IS NULL) \
     FROM device ORDER BY token, number",
    "SELECT 'slots ' || ver || ' ' || length(sealed) FROM slots ORDER BY token, number",
    "SELECT 'attempt ' || ver || ' ' || length(sealed) FROM attempt ORDER BY token, number",
    "SELECT 'enrollment ' || ver || ' ' || length(sealed) FROM enrollment ORDER BY id",
    "SELECT 'journal ' || seq || ' ' || at || ' ' || subscription || ' ' || service || ' ' || length(hash) || ' ' || \
     length(sealed) FROM journal ORDER BY seq",
];
