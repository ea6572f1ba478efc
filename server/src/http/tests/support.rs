//! A server in this process with its data in memory, and a client that hides nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use cardea_protocol::Secret;
use cardea_protocol::crypto::{Dalek, Provider};
use cardea_protocol::ratchet::Row;
use cardea_protocol::statement::{Context, Extension, Statement};
use cardea_protocol::token::DeviceInfo;
use cardea_protocol::wire::{Host, Op};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::admin::{
    AccessScope, Actor, Admin, AdminSettings, Copies, Credential, EnrollOptions, Instance, KeyScope, NewKey,
    NewService, Service,
};
use crate::clock::{Clock, SystemClock, TestClock, UnixSeconds};
use crate::config::{Config, HttpConfig, Sources};
use crate::domain::name::UserId;
use crate::domain::permission::{Permission, Permissions};
use crate::domain::throttle::Gate;
use crate::entropy::{Entropy, SeededEntropy};
use crate::http::{Api, HttpServer, StatusDesk};
use crate::metrics::Metrics;
use crate::network::Network;
use crate::shutdown::Shutdown;
use crate::storage::Location;
use crate::storage::rows::{DeviceKey, JournalFilter};
use crate::vault::{Action, Endpoint, EventKind, KeyLocation, NewDevice, Operation, PinAction, VaultError};

/// May only read the status.
pub(super) const STATUS_KEY: &str = "status-key-012345";
/// May do everything.
pub(super) const ADMIN_KEY: &str = "admin-key-0123456";

/// May do everything everywhere.
pub(super) const INSTANCE_KEY: &str = "instance-key-0123";

const SERVICE: &str = "default_demo";
/// Seeds of the signing keys of the normal and of a duress PIN.
const PINS: [[u8; 32]; 2] = [[1; 32], [2; 32]];

/// What a token can be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Pending,
    Open,
    Closed,
    Duress,
    Blocked,
}

impl State {
    pub(super) fn number(self) -> u8 {
        match self {
            Self::Pending => 0,
            Self::Open => 1,
            Self::Closed => 2,
            Self::Duress => 3,
            Self::Blocked => 4,
        }
    }
}

/// One answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    head: String,
    pub(super) body: String,
}

impl Answer {
    fn parse(bytes: Vec<u8>) -> Self {
        let text = String::from_utf8(bytes).expect("text");
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Self { status, head: head.to_owned(), body: body.to_owned() }
    }

    /// The body as JSON.
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

pub(super) struct Server {
    address: SocketAddr,
    pub(super) admin: Arc<Admin>,
    /// A desk beside the server's own, over the same copies.
    pub(super) copies: Copies,
    pub(super) desk: StatusDesk,
    test_clock: Option<Arc<TestClock>>,
    folder: Option<tempfile::TempDir>,
    instance: Instance,
    clock: Arc<dyn Clock>,
    pub(super) shutdown: Shutdown,
    entropy: SeededEntropy,
}

impl Server {
    pub(super) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(super) async fn start_with(change: impl FnOnce(&mut HttpConfig)) -> Self {
        let clock = Arc::new(TestClock::new(UnixSeconds::new(1_800_000_000)));
        let change = |config: &mut Config| change(&mut config.http);
        Self::launch(change, NewService::development(SERVICE, 60), Arc::<TestClock>::clone(&clock), Some(clock)).await
    }

    /// With a clock that stands still, proxies on loopback that are believed, and other limits.
    pub(super) async fn start_limited(change: impl FnOnce(&mut Config)) -> Self {
        let clock = Arc::new(TestClock::new(UnixSeconds::new(1_800_000_000)));
        let change = |config: &mut Config| {
            config.http.trusted_proxies = Network::parse_list("127.0.0.1").expect("a network");
            change(config);
        };
        Self::launch(change, NewService::development(SERVICE, 60), Arc::<TestClock>::clone(&clock), Some(clock)).await
    }

    /// For more calls in a minute than anybody makes.
    pub(super) async fn start_unlimited() -> Self {
        Self::start_limited(|config| {
            let limits = &mut config.limits;
            (limits.wrong_authkeys, limits.calls_per_authkey, limits.checks_per_token) = (0, 0, 0);
        })
        .await
    }

    /// One check ends an opening.
    pub(super) async fn start_single_use() -> Self {
        let clock = Arc::new(TestClock::new(UnixSeconds::new(1_800_000_000)));
        Self::launch(|_| {}, NewService::development(SERVICE, 0), Arc::<TestClock>::clone(&clock), Some(clock)).await
    }

    pub(super) async fn start_in_production() -> Self {
        Self::launch(|_| {}, NewService::new(SERVICE), Arc::new(SystemClock), None).await
    }

    async fn launch(
        change: impl FnOnce(&mut Config),
        service: NewService,
        clock: Arc<dyn Clock>,
        test_clock: Option<Arc<TestClock>>,
    ) -> Self {
        Self::launch_at(Location::Memory, None, change, service, clock, test_clock).await
    }

    /// With its data in a file, so that reads and writes run side by side.
    pub(super) async fn start_on_disk() -> Self {
        let clock = Arc::new(TestClock::new(UnixSeconds::new(1_800_000_000)));
        let folder = tempfile::tempdir().expect("a folder");
        let (location, service) =
            (Location::File(folder.path().join("cardea.db")), NewService::development(SERVICE, 60));
        // Asking as fast as one can is what it is for.
        let change = |config: &mut Config| config.limits.checks_per_token = 0;
        Self::launch_at(location, Some(folder), change, service, Arc::<TestClock>::clone(&clock), Some(clock)).await
    }

    async fn launch_at(
        location: Location,
        folder: Option<tempfile::TempDir>,
        change: impl FnOnce(&mut Config),
        service: NewService,
        clock: Arc<dyn Clock>,
        test_clock: Option<Arc<TestClock>>,
    ) -> Self {
        let mut config = Sources::default().load().expect("the defaults");
        config.http.listen = "127.0.0.1:0".parse().expect("an address");
        change(&mut config);
        let listener = TcpListener::bind(config.http.listen).await.expect("a free port");
        let address = listener.local_addr().expect("an address");

        let key = KeyLocation::Given(Secret::new([7; 32]));
        let entropy = Arc::new(SeededEntropy::new(1));
        let instance = Instance::assemble(location, key, Arc::clone(&clock), entropy).await.expect("a database");
        let settings =
            AdminSettings { web: "https://localhost".into(), channel: "localhost:8421".into(), development: true };
        let admin = Admin::new(&instance, settings).expect("valid settings");
        let admin = Arc::new(admin.with_password_cost(config.password.cost()));
        admin.create_service(service, Actor::Operator).await.expect("a new service");
        let tenant = || KeyScope::Subscription("default".to_owned());
        for (value, scope, permissions) in [
            (STATUS_KEY, tenant(), Permissions::BASIC),
            (ADMIN_KEY, tenant(), Permissions::ADMIN),
            (INSTANCE_KEY, KeyScope::Instance, Permissions::ADMIN),
        ] {
            let new = NewKey { value: Some(value.to_owned().into()), ..NewKey::new(scope, "test", permissions) };
            admin.create_authkey(new, Actor::Operator).await.expect("a new authkey");
        }

        let metrics = Metrics::new();
        // No other process can change the database.
        let copies = admin.keep_copies(1_000).await.expect("a database").expect("nobody else");
        copies.switch(true);
        let shutdown = Shutdown::new();
        let mut api = Api::new(Arc::clone(&admin), &config.http, 8421, test_clock.clone());
        api = api.with_limits(&config.limits, Arc::clone(&clock)).with_metrics(metrics.clone()).until(shutdown.clone());
        api = api.with_apps(&config.public);
        let (desk, beside) = (api.status_desk().with_metrics(&metrics), api.status_desk());
        let server = HttpServer::new(listener, api.router(), config.http, Duration::from_secs(30), shutdown.clone());
        let server = server.with_limits(&config.limits, Arc::clone(&clock)).with_metrics(&metrics);
        tokio::spawn(server.with_status_desk(desk).run());
        Self {
            address,
            admin,
            desk: beside,
            copies,
            test_clock,
            folder,
            instance,
            clock,
            shutdown,
            entropy: SeededEntropy::new(2),
        }
    }

    async fn service(&self) -> Service {
        self.admin
            .authorize(AccessScope::Service(SERVICE), &Credential::authkey(ADMIN_KEY), Permission::Enroll, None)
            .await
            .expect("allowed")
            .service
            .expect("the service")
    }

    /// Makes an authkey and returns its value.
    pub(super) async fn key(&self, new: NewKey) -> String {
        self.admin.create_authkey(new, Actor::Operator).await.expect("a new authkey").value
    }

    /// Revokes the authkey with this value.
    pub(super) async fn revoke(&self, value: &str) {
        let key = Credential::authkey(value);
        let access = self.admin.authorize(AccessScope::Service(SERVICE), &key, Permission::Enroll, None);
        let number = access.await.expect("a good authkey").by.authkey().expect("an authkey");
        self.admin.revoke_authkey(number, Actor::Operator).await.expect("revoked");
    }

    /// Makes a service.
    pub(super) async fn create_service(&self, name: &str) {
        self.admin.create_service(NewService::development(name, 60), Actor::Operator).await.expect("a new service");
    }

    /// The service.
    pub(super) async fn demo(&self) -> Service {
        self.service().await
    }

    /// What time it is.
    pub(super) fn now(&self) -> UnixSeconds {
        self.clock.now()
    }

    /// The file of the database.
    pub(super) fn database(&self) -> std::path::PathBuf {
        self.folder.as_ref().expect("on disk").path().join("cardea.db")
    }

    /// Lets time pass.
    pub(super) fn advance(&self, seconds: u64) {
        self.test_clock.as_ref().expect("a test clock").advance(seconds);
    }

    /// A new token for `user`, closed; its device.
    pub(super) async fn device(&self, user: &str) -> DeviceKey {
        let (service, user) = (self.service().await, UserId::parse(user).expect("a user id"));
        let _ = self.admin.delete(&service, &user, Actor::Operator).await;
        self.enrolled(&service, &user).await
    }

    /// Opens with the normal PIN.
    pub(super) async fn open_anew(&self, device: DeviceKey) {
        self.open(device, 0).await;
    }

    /// Makes a new token for `user`, in `state`.
    pub(super) async fn token(&self, user: &str, state: State) {
        let (service, user) = (self.service().await, UserId::parse(user).expect("a user id"));
        // There may be none yet.
        let _ = self.admin.delete(&service, &user, Actor::Operator).await;
        if state == State::Pending {
            self.admin.enroll(&service, &user, EnrollOptions::default(), Actor::Operator).await.expect("an offer");
            return;
        }
        let device = self.enrolled(&service, &user).await;
        match state {
            State::Open => self.open(device, 0).await,
            State::Duress => self.open(device, 1).await,
            State::Blocked => self.admin.block(&service, &user, Actor::Operator).await.expect("blocked"),
            State::Closed | State::Pending => {}
        }
    }

    /// A device that has finished enrolling.
    async fn enrolled(&self, service: &Service, user: &UserId) -> DeviceKey {
        let (service, user, vault) = (service.clone(), user.clone(), Arc::clone(self.instance.vault()));
        let mut random = [[0; 32]; 5];
        random.iter_mut().for_each(|bytes| self.entropy.fill(bytes));
        let [fixed, signing, root, third, fourth] = random;
        let job = move |tx: &mut dyn crate::storage::Transaction| {
            let clock = vault.reading();
            let endpoint = Endpoint { host: Host::new("localhost").expect("a host"), port: 8421 };
            let offer =
                vault.offer(tx, &service, &user, (EnrollOptions::default(), Actor::Operator), endpoint, clock)?;
            let pending = vault.pending_offer(tx, &offer.link.id, clock)?;
            vault.count_enrollment_try(tx, &pending, clock)?;
            let row = Row::new(pending.token, pending.device, fixed, signing, Secret::new(root));
            let public = |seed: [u8; 32]| Dalek::ed25519_public(&Secret::new(seed));
            let keys = [PINS[0], PINS[1], third, fourth].map(public);
            let info = DeviceInfo { platform: 0, sdk_version: [0; 3], emulated: false, biometric: false };
            let enrolled =
                vault.complete_enrollment(tx, &pending, NewDevice { row, keys, info, short_string: 42 }, clock)?;
            Ok::<_, VaultError>(enrolled.device)
        };
        self.instance.store().write(job).await.expect("an enrolled device")
    }

    /// Opens as the holder does, with the normal PIN (0) or a duress PIN (1).
    pub(super) async fn open(&self, device: DeviceKey, pin: usize) {
        let (vault, time) = (Arc::clone(self.instance.vault()), self.clock.now().wire());
        let job = move |tx: &mut dyn crate::storage::Transaction| {
            let clock = vault.reading();
            let view = vault.view_by_key(tx, &device, clock)?;
            let row = &view.device.row;
            let (token, number) = (row.token, row.device);
            let context = Context { generation: row.generation, sequence: 0, token, device: number, bind: [0; 32] };
            let statement = Statement::new::<Dalek>(Op::Open, 0, time, &context, Extension::None);
            let signature = Dalek::ed25519_sign(&Secret::new(PINS[pin]), statement.bytes());
            let gate = vault.count_attempt(tx, &device, statement.attempt_key::<Dalek>(&signature), clock)?;
            assert_eq!(gate, Gate::Counted);
            let slots = view.slots.as_ref().expect("not revoked");
            let judgement = Arc::new(vault.judge(slots, &statement, &signature));
            let action = Action::Pin { action: PinAction::Open { win: 0 }, time, judgement };
            let operation = Operation { device, version: view.device.version(), action };
            vault.apply(tx, operation, clock, |row, _| Some((row.duplicate(), ()))).map(|applied| applied.answer.code)
        };
        let code = self.instance.store().write(job).await.expect("applied");
        assert_eq!(code, cardea_protocol::Code::Ok);
    }

    /// Damages the database with a statement of SQL.
    pub(super) async fn damage(&self, sql: &'static str) {
        let job = move |tx: &mut dyn crate::storage::Transaction| tx.execute(sql, &[]).map(drop);
        let result: Result<(), crate::storage::StorageError> = self.instance.store().write(job).await;
        result.expect("damaged");
    }

    /// What has happened, in order.
    pub(super) async fn happened(&self) -> Vec<EventKind> {
        let vault = Arc::clone(self.instance.vault());
        let job = move |tx: &mut dyn crate::storage::Transaction| vault.journal(tx, &JournalFilter::All, 0, 1_000);
        let entries = self.instance.store().write(job).await.expect("the journal");
        entries.iter().filter_map(|entry| entry.event().map(|event| event.kind)).collect()
    }

    /// Moves the database away, so that nothing that is committed will be found again.
    pub(super) fn lose_database(&self) {
        let folder = self.folder.as_ref().expect("on disk").path();
        std::fs::rename(folder.join("cardea.db"), folder.join("gone.db")).expect("moved");
    }

    /// What a relying party reads for `user`, who must have a token.
    pub(super) async fn status(&self, user: &str) -> u8 {
        let answer = self.get(&format!("/token/status?id={user}&service=default_demo&authKey={STATUS_KEY}")).await;
        let number = answer.body.strip_prefix("{\"status\":").and_then(|rest| rest.strip_suffix('}'));
        number.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no status: {answer:?}"))
    }

    /// A connection on which nothing is said.
    pub(super) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("a connection")
    }

    pub(super) async fn get(&self, target: &str) -> Answer {
        self.raw(&format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await
    }

    pub(super) async fn post(&self, path: &str, body: &str) -> Answer {
        let length = body.len();
        let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
        self.raw(&format!("{head}{body}")).await
    }

    /// Sends `request` as it is and reads until the server closes, or the beginning of an answer that does not end.
    pub(super) async fn head(&self, request: &str) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.expect("a connection");
        let _ = stream.write_all(request.as_bytes()).await;
        let mut bytes = Vec::new();
        let mut part = [0; 4096];
        while let Ok(read @ 1..) = stream.read(&mut part).await {
            bytes.extend_from_slice(&part[..read]);
            if bytes.windows(17).any(|text| text == b"text/event-stream") {
                break;
            }
        }
        Answer::parse(bytes)
    }

    /// Sends `request`, and the end of the connection if `ends`; everything that comes back.
    pub(super) async fn bytes(&self, request: &[u8], ends: bool) -> Vec<u8> {
        let mut stream = self.connect().await;
        // The server may answer and close before it has read everything.
        let _ = stream.write_all(request).await;
        if ends {
            let _ = stream.shutdown().await;
        }
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes).await;
        bytes
    }

    /// Sends `request` as it is and reads until the server closes.
    pub(super) async fn raw(&self, request: &str) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.expect("a connection");
        // The server may answer and close before it has read everything.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes).await;
        let answer = Answer::parse(bytes);
        super::described::hold(request, &answer);
        answer
    }
}
