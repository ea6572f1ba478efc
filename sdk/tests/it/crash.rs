//! The power goes at every write: right before it, and right after it. What is stored then is all that is left.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cardea_protocol::Code;
use cardea_protocol::wire::Op;
use cardea_sdk::store::memory::MemoryStore;
use cardea_sdk::store::{Entry, Lease, Store, StoreError, TokenKey};
use cardea_sdk::{DeviceStatus, NewPins, WalletError, Window};

use crate::server::Fault;
use crate::world::{PIN, World, env, pin};

/// A store that dies at a write.
#[derive(Debug, Clone)]
struct Dying {
    store: MemoryStore,
    /// Steps until the end: two a write, one before it and one after it. It has died at 0.
    life: Arc<AtomicUsize>,
}

impl Dying {
    fn step(&self) -> Result<(), StoreError> {
        let left = self.life.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        match left {
            Ok(2..) => Ok(()),
            _ => Err(StoreError::NoSpace { path: "nowhere".into() }),
        }
    }
}

impl Store for Dying {
    fn list(&self) -> Result<Vec<TokenKey>, StoreError> {
        self.store.list()
    }

    fn load(&self, key: &TokenKey) -> Result<Option<Entry>, StoreError> {
        self.store.load(key)
    }

    fn try_lease(&self, key: &TokenKey) -> Result<Option<Box<dyn Lease>>, StoreError> {
        let lease = self.store.try_lease(key)?;
        Ok(lease.map(|lease| Box::new(DyingLease { lease, store: self.clone() }) as Box<dyn Lease>))
    }
}

#[derive(Debug)]
struct DyingLease {
    lease: Box<dyn Lease>,
    store: Dying,
}

impl Lease for DyingLease {
    fn load(&mut self) -> Result<Option<Entry>, StoreError> {
        self.lease.load()
    }

    fn compare_and_swap(&mut self, old: Option<&Entry>, new: &Entry) -> Result<(), StoreError> {
        self.store.step()?;
        self.lease.compare_and_swap(old, new)?;
        self.store.step()
    }

    fn remove(&mut self) -> Result<(), StoreError> {
        self.store.step()?;
        self.lease.remove()?;
        self.store.step()
    }
}

/// A world whose store dies after `life` steps, and how to bring it back to life.
async fn dying(seed: u64, life: usize) -> (World, Dying) {
    let (env, clock) = env(seed);
    let store = Dying { store: MemoryStore::new(), life: Arc::new(AtomicUsize::new(usize::MAX)) };
    let world = World::with(seed, env, clock, Arc::new(store.clone())).await;
    world.try_enroll().await.unwrap();
    store.life.store(life, Ordering::SeqCst);
    (world, store)
}

async fn revive(world: &mut World, store: &Dying) {
    store.life.store(usize::MAX, Ordering::SeqCst);
    world.server.state().faults.clear();
    world.restart().await;
}

fn count(world: &World, op: Op) -> usize {
    world.server.state().executed.iter().filter(|done| **done == (op, Code::Ok)).count()
}

#[tokio::test(start_paused = true)]
async fn an_open_is_never_forgotten_and_never_runs_twice() {
    let lossy: [&[Fault]; 3] = [&[], &[Fault::LoseReply], &[Fault::LoseRequest, Fault::Duplicate]];
    for faults in lossy {
        let mut died = 0;
        for life in 1.. {
            let (mut world, store) = dying(600, life).await;
            world.server.fault(faults.iter().cloned());
            let result = world.token().await.open(pin(PIN), Window::Service).await;
            revive(&mut world, &store).await;
            let state = world.token().await.status().await.unwrap().state;
            assert_eq!(state == DeviceStatus::Open, count(&world, Op::Open) == 1, "died at {life}");
            assert!(count(&world, Op::Open) <= 1, "died at {life}");
            assert!(!world.server.state().devices[0].row.clone_blocked, "died at {life}");
            assert_eq!(world.token().await.close().await.unwrap().state, DeviceStatus::Closed);
            match result {
                Ok(_) => break,
                Err(WalletError::Store(error)) => assert!(matches!(*error, StoreError::NoSpace { .. }), "{error}"),
                Err(error) => panic!("{error}"),
            }
            died += 1;
        }
        // Before and after the mark, before and after the answer.
        assert_eq!(died, 4);
    }
}

#[tokio::test(start_paused = true)]
async fn a_recovery_goes_on_where_it_was() {
    for life in 1.. {
        let (mut world, store) = dying(601, usize::MAX).await;
        world.server.fault(std::iter::repeat_n(Fault::LoseReply, 50));
        assert!(matches!(world.token().await.open(pin(PIN), Window::Service).await, Err(WalletError::NotConfirmed)));
        world.server.state().faults.clear();
        store.life.store(life, Ordering::SeqCst);
        let result = world.token().await.close().await;
        revive(&mut world, &store).await;
        let state = world.token().await.status().await.unwrap().state;
        assert_eq!(state == DeviceStatus::Closed, count(&world, Op::Close) == 1, "died at {life}");
        assert_eq!(count(&world, Op::Open), 1, "died at {life}");
        assert!(!world.server.state().devices[0].row.clone_blocked, "died at {life}");
        if result.is_ok() {
            // The RECOVER, the STATUS and the CLOSE: two writes each.
            assert_eq!(life, 13);
            break;
        }
    }
}

/// What was found in the store may have been lost again by the next morning, and then another RECOVER with the same key
/// would prove a clone: it is written before it is sent, although it is there.
#[tokio::test(start_paused = true)]
async fn a_recovery_that_was_found_is_written_before_it_is_sent() {
    let (mut world, store) = dying(604, usize::MAX).await;
    world.server.fault(std::iter::repeat_n(Fault::LoseReply, 100));
    for _ in 0..2 {
        assert!(matches!(world.token().await.status().await, Err(WalletError::NotConfirmed)));
    }
    world.restart().await;
    let sent = world.server.state().requests.len();
    store.life.store(1, Ordering::SeqCst);
    assert!(matches!(world.token().await.status().await, Err(WalletError::Store(_))));
    assert_eq!(world.server.state().requests.len(), sent);
    revive(&mut world, &store).await;
    assert_eq!(world.token().await.status().await.unwrap().state, DeviceStatus::Closed);
    assert!(!world.server.state().devices[0].row.clone_blocked);
}

#[tokio::test(start_paused = true)]
async fn an_enrollment_is_done_or_can_be_done_again() {
    for life in 1.. {
        let (env, clock) = env(602);
        let store = Dying { store: MemoryStore::new(), life: Arc::new(AtomicUsize::new(life)) };
        let mut world = World::with(602, env, clock, Arc::new(store.clone())).await;
        let result = world.try_enroll().await;
        revive(&mut world, &store).await;
        if !world.server.state().code_used {
            world.try_enroll().await.unwrap();
        }
        assert_eq!(world.token().await.open(pin(PIN), Window::Service).await.unwrap().state, DeviceStatus::Open);
        if result.is_ok() {
            assert_eq!(life, 5);
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_of_pins_whose_answer_was_lost_survives_the_end() {
    const NEW: &[u8] = b"605172";
    for life in 1.. {
        let (mut world, store) = dying(603, life).await;
        world.server.fault([Fault::None, Fault::LoseReply]);
        let result = world.token().await.change_pin(pin(PIN), NewPins::normal(pin(NEW))).await;
        revive(&mut world, &store).await;
        let good = if count(&world, Op::SetPins) == 1 { NEW } else { PIN };
        let state = world.token().await.open(pin(good), Window::Service).await.unwrap().state;
        assert_eq!(state, DeviceStatus::Open, "died at {life}");
        assert!(!world.server.state().devices[0].row.clone_blocked, "died at {life}");
        if result.is_ok() {
            break;
        }
    }
}
