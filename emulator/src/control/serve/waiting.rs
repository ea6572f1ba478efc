//! The connections that wait for a call, and which of them has done so longest.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The connections that wait. Clones are one and the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Waiting(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// By turn: the first has waited longest.
    all: Mutex<BTreeMap<u64, Arc<Notify>>>,
    turns: AtomicU64,
    /// One more waits.
    more: Notify,
}

/// A connection. It waits, unless it has a call in hand.
#[derive(Debug)]
pub(super) struct Place {
    waiting: Waiting,
    turn: AtomicU64,
    has_call: AtomicBool,
    close: Arc<Notify>,
}

/// A call in hand. The connection waits for the next one when this is dropped.
#[derive(Debug)]
pub(super) struct InHand(Arc<Place>);

impl Waiting {
    /// A new connection.
    pub(super) fn enter(&self) -> Place {
        let place = Place {
            waiting: self.clone(),
            turn: AtomicU64::new(0),
            has_call: AtomicBool::new(false),
            close: Arc::default(),
        };
        place.wait();
        place
    }

    /// Tells the connection that has waited longest to close, once there is one that waits. Cancel safe.
    pub(super) async fn close_longest(&self) {
        loop {
            let more = self.0.more.notified();
            let longest = self.all().pop_first();
            if let Some((_, close)) = longest {
                return close.notify_one();
            }
            more.await;
        }
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Notify>>> {
        self.0.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    fn wait(&self) {
        let turn = self.waiting.0.turns.fetch_add(1, Ordering::Relaxed);
        self.turn.store(turn, Ordering::Relaxed);
        self.waiting.all().insert(turn, Arc::clone(&self.close));
        self.waiting.0.more.notify_one();
    }

    /// A call was heard.
    pub(super) fn call(self: &Arc<Self>) -> InHand {
        self.has_call.store(true, Ordering::Relaxed);
        self.leave();
        InHand(Arc::clone(self))
    }

    /// Whether it has a call in hand.
    pub(super) fn has_call(&self) -> bool {
        self.has_call.load(Ordering::Relaxed)
    }

    /// Another number with each call that it waits for; nothing while it has one in hand.
    pub(super) fn turn(&self) -> Option<u64> {
        (!self.has_call()).then(|| self.turn.load(Ordering::Relaxed))
    }

    /// Waits until somebody else needs the place. Cancel safe.
    pub(super) async fn told_to_close(&self) {
        self.close.notified().await;
    }

    fn leave(&self) {
        self.waiting.all().remove(&self.turn.load(Ordering::Relaxed));
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.0.has_call.store(false, Ordering::Relaxed);
        self.0.wait();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.leave();
    }
}
