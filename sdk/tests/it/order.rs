//! What operations find out is told before somebody else can ask: the last event is of the last answer.

use std::sync::{Arc, Mutex};

use cardea_sdk::store::memory::MemoryStore;
use cardea_sdk::store::{Entry, Lease, Store, StoreError, TokenKey};
use cardea_sdk::{Event, EventKind, Events, Window};
use futures_util::FutureExt as _;

use crate::world::{PIN, WRONG, World, env, pin};

/// A listener, and what it had heard when a lease was given back.
#[derive(Debug, Default)]
struct Heard {
    events: Option<Events>,
    kinds: Vec<EventKind>,
}

/// A store that notes what was told under each lease.
#[derive(Debug, Clone, Default)]
struct Watched {
    store: MemoryStore,
    heard: Arc<Mutex<Heard>>,
}

impl Store for Watched {
    fn is_immediate(&self) -> bool {
        true
    }

    fn list(&self) -> Result<Vec<TokenKey>, StoreError> {
        self.store.list()
    }

    fn load(&self, key: &TokenKey) -> Result<Option<Entry>, StoreError> {
        self.store.load(key)
    }

    fn try_lease(&self, key: &TokenKey) -> Result<Option<Box<dyn Lease>>, StoreError> {
        let lease = self.store.try_lease(key)?;
        Ok(lease.map(|lease| Box::new(Held { lease, heard: Arc::clone(&self.heard) }) as Box<dyn Lease>))
    }
}

#[derive(Debug)]
struct Held {
    lease: Box<dyn Lease>,
    heard: Arc<Mutex<Heard>>,
}

impl Lease for Held {
    fn load(&mut self) -> Result<Option<Entry>, StoreError> {
        self.lease.load()
    }

    fn compare_and_swap(&mut self, old: Option<&Entry>, new: &Entry) -> Result<(), StoreError> {
        self.lease.compare_and_swap(old, new)
    }

    fn remove(&mut self) -> Result<(), StoreError> {
        self.lease.remove()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let heard = &mut *self.heard.lock().unwrap();
        let Some(events) = &mut heard.events else { return };
        while let Some(Some(Event::Token { kind, .. })) = events.next().now_or_never() {
            heard.kinds.push(kind);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_told_before_the_token_is_given_back() {
    let (env, clock) = env(910);
    let store = Watched::default();
    let world = World::with(910, env, clock, Arc::new(store.clone())).await;
    world.try_enroll().await.unwrap();
    let token = world.token().await;
    store.heard.lock().unwrap().events = Some(world.wallet.events());
    let told = || std::mem::take(&mut store.heard.lock().unwrap().kinds);

    token.open(pin(PIN), Window::Service).await.unwrap();
    assert_eq!(told(), [EventKind::Opened]);
    token.status().await.unwrap();
    assert_eq!(told(), [EventKind::Opened]);
    token.close().await.unwrap();
    assert_eq!(told(), [EventKind::Closed]);
    token.set_duress(pin(PIN), Vec::new()).await.unwrap();
    assert_eq!(told(), [EventKind::Closed]);
    token.open(pin(WRONG), Window::Service).await.unwrap_err();
    assert_eq!(told(), [EventKind::Closed]);
    world.server.state().devices.iter_mut().for_each(|device| device.row.revoked = true);
    token.status().await.unwrap();
    assert_eq!(told(), [EventKind::Revoked]);
}
