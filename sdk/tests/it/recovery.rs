//! Looking after what is pending when nobody asks: quick at first, then rare, and never in the holder's way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cardea_protocol::Code;
use cardea_sdk::store::memory::MemoryStore;
use cardea_sdk::store::{Entry, Lease, Store, StoreError, TokenKey};
use cardea_sdk::{Invitation, Token, Wallet, WalletError, Window};
use tokio::runtime::Handle;

use crate::line::{Line, pass, settle};
use crate::server::Fault;
use crate::world::{PIN, World, env, paused_now, pin, pins};

const DAY: u64 = 86_400;

/// A wallet that looks after what it leaves.
async fn recovering(world: &World) -> (Wallet, Arc<Line>) {
    let line = Line::to(&world.connector);
    (line.builder(world).recover_in_background(true).open().await.unwrap(), line)
}

/// A wallet whose opening was never answered, and whose server was gone for a day since.
async fn cut_off_for_a_day(world: &World) -> (Wallet, Arc<Line>, Token) {
    let (wallet, line) = recovering(world).await;
    let token = wallet.tokens().await.unwrap().remove(0);
    world.server.fault(std::iter::repeat_n(Fault::LoseReply, 50));
    assert!(matches!(token.open(pin(PIN), Window::Service).await, Err(WalletError::NotConfirmed)));
    line.set_up(false);
    world.server.state().faults.clear();
    pass(DAY).await;
    (wallet, line, token)
}

async fn enroll(world: &World, wallet: &Wallet) -> Result<(), WalletError> {
    let invitation = Invitation::from_link(&world.server.link()).unwrap();
    wallet.enroll(&invitation, async |_| Ok(pins())).await.map(drop)
}

#[tokio::test(start_paused = true)]
async fn an_enrollment_that_came_to_nothing_is_asked_about_for_some_minutes_and_no_longer() {
    let world = World::new(730).await;
    let (wallet, line) = recovering(&world).await;
    let tasks = || Handle::current().metrics().num_alive_tasks();
    settle().await;
    let before = tasks();
    world.server.fault([Fault::None, Fault::None, Fault::Forge(Code::CodeUsed)]);
    assert!(matches!(enroll(&world, &wallet).await, Err(WalletError::CodeUsed)));
    pass(200).await;
    assert!(tasks() > before);
    pass(3400).await;
    assert!((10..40).contains(&line.tries()), "{} connections", line.tries());
    let tries = line.tries();
    pass(DAY).await;
    assert_eq!((line.tries(), tasks()), (tries, before));
    // Whoever uses it asks.
    let token = wallet.tokens().await.unwrap().remove(0);
    assert!(matches!(token.status().await, Err(WalletError::Refused(Code::UnknownHint))));
    assert!(line.tries() > tries);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_gone_is_asked_ever_more_rarely_until_the_holder_is_there() {
    let world = World::enrolled(731).await;
    let (wallet, line, token) = cut_off_for_a_day(&world).await;
    line.pauses();
    pass(DAY).await;
    assert!((1..10).contains(&line.tries()), "{} connections in a day", line.tries());
    // The server is back, and nobody knows.
    line.set_up(true);
    assert!(token.summary().await.unwrap().pending);
    let live = wallet.go_live();
    pass(3).await;
    drop(live);
    assert!(!token.summary().await.unwrap().pending);
}

#[tokio::test(start_paused = true)]
async fn a_failed_operation_makes_recovery_quick_again() {
    let world = World::enrolled(732).await;
    let (_wallet, line, token) = cut_off_for_a_day(&world).await;
    assert!(matches!(token.status().await, Err(WalletError::Offline(_))));
    line.set_up(true);
    pass(3).await;
    assert!(!token.summary().await.unwrap().pending);
}

#[tokio::test(start_paused = true)]
async fn a_second_try_to_enroll_does_not_wait_for_the_recovery_of_the_first() {
    for wait in 0..12 {
        let world = World::new(733).await;
        let (wallet, _line) = recovering(&world).await;
        world.server.fault([Fault::None, Fault::None, Fault::LoseRequest]);
        assert!(matches!(enroll(&world, &wallet).await, Err(WalletError::NotConfirmed)));
        tokio::time::sleep_until(paused_now() + Duration::from_millis(250 * wait)).await;
        let before = paused_now();
        enroll(&world, &wallet).await.unwrap();
        assert!(before.elapsed() < Duration::from_millis(500), "{:?} after {wait}", before.elapsed());
    }
}

/// A store that cannot be read now and then.
#[derive(Debug, Clone)]
struct Moody {
    store: MemoryStore,
    /// How often it fails yet.
    fails: Arc<AtomicUsize>,
    /// At loading, or else at listing.
    loads: bool,
}

impl Moody {
    fn mood(&self) -> Result<(), StoreError> {
        match self.fails.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) {
            Ok(_) => Err(StoreError::Io { path: "nowhere".into(), source: std::io::ErrorKind::Interrupted.into() }),
            Err(_) => Ok(()),
        }
    }
}

impl Store for Moody {
    fn list(&self) -> Result<Vec<TokenKey>, StoreError> {
        if !self.loads {
            self.mood()?;
        }
        self.store.list()
    }

    fn load(&self, key: &TokenKey) -> Result<Option<Entry>, StoreError> {
        if self.loads {
            self.mood()?;
        }
        self.store.load(key)
    }

    fn try_lease(&self, key: &TokenKey) -> Result<Option<Box<dyn Lease>>, StoreError> {
        self.store.try_lease(key)
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_once_does_not_end_the_recovery() {
    for loads in [true, false] {
        let (env, clock) = env(734);
        let fails = Arc::new(AtomicUsize::new(0));
        let store = Moody { store: MemoryStore::new(), fails: Arc::clone(&fails), loads };
        let mut world = World::with(734, env, clock, Arc::new(store)).await;
        world.try_enroll().await.unwrap();
        world.server.fault(std::iter::repeat_n(Fault::LoseReply, 50));
        assert!(world.token().await.open(pin(PIN), Window::Service).await.is_err());
        world.server.state().faults.clear();
        fails.store(1, Ordering::SeqCst);
        world.restart_in_background().await;
        settle().await;
        pass(3).await;
        assert!(!world.token().await.summary().await.unwrap().pending, "loads: {loads}");
    }
}
