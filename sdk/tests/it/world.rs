//! A wallet and its server, with a clock that stands still and bytes that depend on a seed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use cardea_protocol::crypto::{Dalek, Provider as _, Random};
use cardea_sdk::store::Store;
use cardea_sdk::store::memory::MemoryStore;
use cardea_sdk::transport::memory::{MemoryConnector, network};
use cardea_sdk::{Clock, Enrollment, Entropy, Env, Invitation, NewPins, Pin, Token, Wallet, WalletError};

use crate::server::{NOW, Server};

/// The PIN that opens.
pub(crate) const PIN: &[u8] = b"274951";
/// A PIN that seems to.
pub(crate) const DURESS: &[u8] = b"836402";
/// Neither.
pub(crate) const WRONG: &[u8] = b"519384";

/// Bytes that depend on a seed alone: SHA-256 in counter mode.
#[derive(Debug)]
pub(crate) struct Seeded {
    seed: u64,
    block: u64,
}

impl Seeded {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { seed, block: 0 }
    }
}

impl Random for Seeded {
    fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let block = Dalek::sha256(&[&self.seed.to_le_bytes(), &self.block.to_le_bytes()]);
            chunk.copy_from_slice(&block[..chunk.len()]);
            self.block += 1;
        }
    }
}

/// [`Seeded`] as the SDK takes it.
#[derive(Debug)]
pub(crate) struct SeededEntropy(Mutex<Seeded>);

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        Random::fill(&mut *self.0.lock().unwrap(), bytes);
    }
}

/// A clock that tests set.
#[derive(Debug)]
pub(crate) struct TestClock(AtomicU64);

impl TestClock {
    pub(crate) fn set(&self, now: u64) {
        self.0.store(now, Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

pub(crate) fn env(seed: u64) -> (Env, Arc<TestClock>) {
    let clock = Arc::new(TestClock(AtomicU64::new(NOW.into())));
    let entropy = Arc::new(SeededEntropy(Mutex::new(Seeded::new(seed))));
    (Env { clock: Arc::clone(&clock) as Arc<dyn Clock>, entropy }, clock)
}

/// Everything at once.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) connector: MemoryConnector,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) env: Env,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) wallet: Wallet,
}

pub(crate) fn pin(digits: &[u8]) -> Pin {
    Pin::new(digits).unwrap()
}

/// The PINs that tests enroll with.
pub(crate) fn pins() -> NewPins {
    NewPins { normal: pin(PIN), duress: vec![pin(DURESS)], biometric: None }
}

impl World {
    /// A wallet in memory.
    pub(crate) async fn new(seed: u64) -> Self {
        let (env, clock) = env(seed);
        Self::with(seed, env, clock, Arc::new(MemoryStore::new())).await
    }

    pub(crate) async fn with(seed: u64, env: Env, clock: Arc<TestClock>, store: Arc<dyn Store>) -> Self {
        let server = Server::new(seed ^ 0x5e7);
        let (connector, listener) = network();
        server.serve(listener);
        let wallet = Self::open(&store, &connector, &env, false).await;
        Self { server, connector, store, env, clock, wallet }
    }

    async fn open(store: &Arc<dyn Store>, connector: &MemoryConnector, env: &Env, background: bool) -> Wallet {
        Wallet::builder()
            .store(Arc::clone(store))
            .connector(Arc::new(connector.clone()))
            .env(env.clone())
            .allow_test_argon2(true)
            .emulated(true)
            .recover_in_background(background)
            .open()
            .await
            .unwrap()
    }

    /// Everything in memory is gone; what is stored is there.
    pub(crate) async fn restart(&mut self) {
        self.wallet = Self::open(&self.store, &self.connector, &self.env, false).await;
    }

    /// As [`World::restart`], looking after unanswered operations by itself.
    pub(crate) async fn restart_in_background(&mut self) {
        self.wallet = Self::open(&self.store, &self.connector, &self.env, true).await;
    }

    pub(crate) async fn try_enroll(&self) -> Result<Enrollment, WalletError> {
        let invitation = Invitation::from_link(&self.server.link()).unwrap();
        self.wallet.enroll(&invitation, async |_| Ok(pins())).await
    }

    /// A wallet with one token.
    pub(crate) async fn enrolled(seed: u64) -> Self {
        let world = Self::new(seed).await;
        world.try_enroll().await.unwrap();
        world
    }

    /// The wallet's one token.
    pub(crate) async fn token(&self) -> Token {
        let mut tokens = self.wallet.tokens().await.unwrap();
        assert_eq!(tokens.len(), 1);
        tokens.remove(0)
    }
}

/// Tokio's clock, which tests pause and which goes on by itself when nothing else can.
#[expect(clippy::disallowed_methods, reason = "paused time is the test's own")]
pub(crate) fn paused_now() -> tokio::time::Instant {
    tokio::time::Instant::now()
}
