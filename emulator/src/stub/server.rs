//! The real server, in this process and in memory.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use cardea_sdk::TokenId;
use cardea_server::admin::{
    AccessScope, Actor, Admin, AdminError, AdminSettings, Credential, Instance, KeyScope, NewKey, NewService, Service,
};
use cardea_server::channel::{Channel, ChannelServer, Desk, LiveSessions};
use cardea_server::clock::Clock;
use cardea_server::config::Sources;
use cardea_server::domain::name::ServiceName;
use cardea_server::domain::permission::{Permission, Permissions};
use cardea_server::domain::rules::ServiceRules;
use cardea_server::entropy::{Entropy, OsEntropy, SeededEntropy};
use cardea_server::http::{Api, HttpServer};
use cardea_server::shutdown::Shutdown;
use cardea_server::storage::Location;
use cardea_server::vault::KeyLocation;
use tokio::net::UdpSocket;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::clock::StubClock;
use super::{ServiceSettings, StubError};
use crate::engine::Seed;

/// How long what goes on may take to end.
const GRACE: Duration = Duration::from_secs(2);

/// What the server is to be like.
pub(super) struct Plan<'a> {
    pub(super) clock: Arc<StubClock>,
    pub(super) seed: Option<Seed>,
    pub(super) service: &'a ServiceSettings,
    /// Where devices and relying parties find it, for links.
    pub(super) front: (SocketAddr, SocketAddr),
    pub(super) datagrams: Option<UdpSocket>,
}

/// The server.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) admin: Arc<Admin>,
    pub(super) instance: Instance,
    pub(super) http: SocketAddr,
    pub(super) channel: SocketAddr,
    /// Does everything.
    pub(super) authkey: String,
    /// Reads statuses.
    pub(super) status_key: String,
    name: ServiceName,
    shutdown: Shutdown,
}

impl Server {
    pub(super) async fn start(plan: Plan<'_>) -> Result<Self, StubError> {
        let Plan { clock, seed, service, front, datagrams } = plan;
        let clock: Arc<dyn Clock> = clock;
        let entropy: Arc<dyn Entropy> = match seed {
            Some(seed) => Arc::new(SeededEntropy::new(seed.number())),
            None => Arc::new(OsEntropy),
        };
        // Loopback only, and in a hurry, as `cardea-server dev` is.
        let free = |key: &str, value: &str| (key.to_owned(), value.to_owned(), "the stub".to_owned());
        let flags = vec![
            free("channel.listen", "127.0.0.1:0"),
            free("http.listen", "127.0.0.1:0"),
            free("channel.max_connections_per_address", "65536"),
            free("channel.max_handshakes_per_minute", "1000000"),
            free("channel.max_failures_per_minute", "1000000"),
            free("channel.reply_grid_ms", "0"),
            free("limits.connections_per_address", "0"),
            free("limits.wrong_authkeys", "1000000"),
            free("limits.calls_per_authkey", "0"),
            free("limits.checks_per_token", "0"),
        ];
        let config =
            Sources { flags, ..Sources::default() }.load().map_err(|error| StubError::Server(error.to_string()))?;

        let key = KeyLocation::made_up(&*entropy);
        let instance = Instance::assemble(Location::Memory, key, Arc::clone(&clock), entropy).await?;
        let (web, channel) = (format!("http://{}", front.0), front.1.to_string());
        let admin = Admin::new(&instance, AdminSettings { web, channel, development: true })?;
        let admin = Arc::new(admin.with_plain_webhooks(true));
        let mut new = NewService::development(&service.name, service.window);
        new.rules = service.rules(new.rules);
        admin.create_service(new, Actor::Operator).await?;
        let key = async |scope, name: &str, permissions| {
            admin.create_authkey(NewKey::new(scope, name, permissions), Actor::Operator).await
        };
        let status_key = key(KeyScope::Service(service.name.clone()), "stub-status", Permissions::BASIC).await?.value;
        let authkey = key(KeyScope::Instance, "stub-admin", Permissions::ADMIN).await?.value;

        let shutdown = Shutdown::new();
        let live = Arc::new(LiveSessions::default());
        let (store, vault) = (instance.store().clone(), Arc::clone(instance.vault()));
        let handshakes = config.channel.max_handshakes_per_minute;
        let desk = Desk::open(store, vault, Arc::clone(&clock), Arc::clone(&live), handshakes).await;
        let desk = desk.map_err(AdminError::from)?.with_checks(admin.checks());
        let channel = Channel::new(Arc::new(desk), &config.channel, shutdown.clone());
        let api = Api::new(Arc::clone(&admin), &config.http, front.1.port(), None);
        let api = api.with_limits(&config.limits, clock).until(shutdown.clone()).with_channel(channel.clone());

        let (listener, http_address) = super::bind(0).await?;
        let (devices, channel_address) = super::bind(0).await?;
        let http = HttpServer::new(listener, api.router(), config.http, GRACE, shutdown.clone());
        let channel = ChannelServer::new(channel, (devices, datagrams), GRACE);
        // Each of them ends when it is asked to.
        tokio::spawn(http.run());
        tokio::spawn(channel.run());
        tokio::spawn(end_sessions(admin.changes(), live, shutdown.clone()));
        tokio::spawn(Arc::clone(&admin).keep_house(shutdown.clone()));
        tokio::spawn(Arc::clone(&admin).call_webhooks(shutdown.clone()));
        let name = ServiceName::parse(&service.name).map_err(|error| StubError::Server(error.to_string()))?;
        let (http, channel) = (http_address, channel_address);
        Ok(Self { admin, instance, http, channel, authkey, status_key, name, shutdown })
    }

    /// The service as it is now.
    pub(super) async fn service(&self) -> Result<Service, AdminError> {
        let scope = AccessScope::Service(self.name.as_str());
        let key = Credential::authkey(&self.authkey);
        let access = self.admin.authorize(scope, &key, Permission::Services, None).await?;
        access.service.ok_or(AdminError::NoService)
    }

    /// Asks everything to end.
    pub(super) fn begin_to_stop(&self) {
        self.shutdown.begin();
    }

    /// Waits until everything has ended that was asked to.
    pub(super) async fn stopped(&self) {
        self.shutdown.drained().await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shutdown.begin();
    }
}

impl ServiceSettings {
    fn rules(&self, rules: ServiceRules) -> ServiceRules {
        let mut rules = ServiceRules { duress: self.duress, silent_alarm: self.silent_alarm, ..rules };
        if let Some(attempts) = self.attempts {
            rules.limits.tries = attempts;
        }
        if self.standard_argon2 {
            rules.argon2 = ServiceRules::default().argon2;
        }
        rules
    }
}

/// Ends the sessions of the devices of every token that a call changes.
async fn end_sessions(mut changes: Receiver<TokenId>, live: Arc<LiveSessions>, shutdown: Shutdown) {
    let _guard = shutdown.guard();
    loop {
        let changed = tokio::select! {
            () = shutdown.requested() => return,
            changed = changes.recv() => changed,
        };
        match changed {
            Ok(token) => live.end(token.bytes()),
            // Their next operation finds the change.
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}
