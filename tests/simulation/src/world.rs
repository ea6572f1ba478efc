//! Everything that exists in one schedule.

use std::fmt::Write as _;

use cardea_protocol::Secret;
use cardea_protocol::crypto::{Provider, Random as _};
use cardea_protocol::noise::KeyPair;
use cardea_protocol::wire::KeyRecord;
use cardea_server::clock::UnixSeconds;
use cardea_server::domain::rules::ServiceRules;
use cardea_server::domain::throttle::Limits;
use cardea_server::domain::world::{ClockReading, Window};

use super::config::{Config, Mutation};
use super::database::Database;
use super::device::Device;
use super::ghost::Ghost;
use super::network::Network;
use super::node::{Job, Link};
use super::random::Stream;

/// When every schedule starts, in Unix seconds.
pub(crate) const START: u64 = 1_800_000_000;

/// One of the server's static keys.
pub(crate) struct StaticKey {
    pub(crate) pair: KeyPair,
    pub(crate) record: KeyRecord,
}

/// A whole world: devices, network, server nodes, and the truth about them.
pub(crate) struct World<P: Provider> {
    pub(crate) config: &'static Config,
    pub(crate) broken: Option<Mutation>,
    pub(crate) rules: ServiceRules,
    pub(crate) random: Stream,
    pub(crate) now: u64,
    pub(crate) network: Network,
    pub(crate) devices: Vec<Device<P>>,
    pub(crate) database: Database,
    pub(crate) backup: Option<(Database, super::ghost::Token)>,
    pub(crate) identity: Secret<32>,
    /// The keys that are published and not erased, oldest first.
    pub(crate) keys: Vec<StaticKey>,
    /// What the two nodes have in hand.
    pub(crate) jobs: [Option<Job<P>>; 2],
    /// Server ends of connections.
    pub(crate) links: Vec<Link<P>>,
    /// The enrollment that the server offers.
    pub(crate) offer: Option<super::enroll::Offer>,
    pub(crate) offer_used: bool,
    pub(crate) ghost: Ghost,
    /// Lines of the trace, if anybody wants one.
    pub(crate) trace: Option<String>,
}

impl<P: Provider> World<P> {
    pub(crate) fn new(config: &'static Config, broken: Option<Mutation>, seed: u64, traced: bool) -> Self {
        let mut random = Stream::new(seed, 2);
        let identity = random.secret();
        let rules = ServiceRules {
            window: Window::new(if config.single_use { 0 } else { 60 }, 60),
            limits: Limits { tries: config.tries, unblock_after: 0 },
            silent_alarm: config.silent,
            argon2: cardea_protocol::token::Argon2Class::Test,
            ..ServiceRules::default()
        };
        let mut world = Self {
            config,
            broken,
            rules,
            random,
            now: START,
            network: Network::default(),
            devices: Vec::new(),
            database: Database::default(),
            backup: None,
            identity,
            keys: Vec::new(),
            jobs: [None, None],
            links: Vec::new(),
            offer: None,
            offer_used: false,
            ghost: Ghost::default(),
            trace: traced.then(String::new),
        };
        world.ghost.token.single_use = config.single_use;
        world.ghost.token.silent = config.silent;
        // Epochs wrap: start near the end of the byte in some schedules.
        let first_epoch = if seed.is_multiple_of(2) { 254 } else { 7 };
        world.publish_key(first_epoch);
        for _ in 0..config.devices {
            world.enroll_directly();
        }
        world
    }

    pub(crate) fn is_broken(&self, mutation: Mutation) -> bool {
        self.broken == Some(mutation)
    }

    /// Adds a line to the trace.
    pub(crate) fn say(&mut self, text: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            let _ = writeln!(trace, "    {}", text());
        }
    }

    pub(crate) fn clock(&self) -> ClockReading {
        ClockReading::new(UnixSeconds::new(self.now), UnixSeconds::new(self.database.high_water))
    }

    pub(crate) fn seconds(&self) -> UnixSeconds {
        UnixSeconds::new(self.now)
    }

    /// A frame leaves a device. Returns its number.
    pub(crate) fn send(&mut self, device: usize, bytes: &[u8]) -> usize {
        let legal = matches!(bytes.len(), 128 | 176 | 58 | 560 | 86 | 254);
        self.ghost.require(legal, "a frame has one of six sizes", || format!("{} bytes", bytes.len()));
        let number = self.network.send(device, bytes);
        self.devices[device].sent = Some(number);
        number
    }

    /// Publishes the server's next static key.
    pub(crate) fn publish_key(&mut self, epoch: u8) {
        let pair = KeyPair::from_secret::<P>(self.random.secret());
        let from = UnixSeconds::new(self.now).wire();
        let record = KeyRecord::sign::<P>(&self.identity, epoch, *pair.public(), from, from + 1_000_000);
        self.keys.push(StaticKey { pair, record });
    }
}
