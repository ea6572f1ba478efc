//! Checks of closed tokens, counted for the devices that want to hear of them.
//!
//! In memory only, on this node only, and only while a device of the token listens: whoever asks for a status waits for
//! nothing here. Where nobody listens, a check costs one load of a number that nobody writes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use tokio::time::Instant;

use crate::clock::UnixSeconds;

/// How often at most a token's devices are told.
const PACE: Duration = Duration::from_secs(10);

type Id = [u8; 16];

/// The counts of this node.
#[derive(Debug, Default)]
pub struct Checks {
    /// Sessions that listen, of all tokens.
    listeners: AtomicUsize,
    tallies: RwLock<HashMap<Id, Arc<Tally>>>,
    /// Tokens that were checked and are not announced yet, each once.
    fresh: Mutex<Vec<Id>>,
}

/// The count of one token.
#[derive(Debug, Default)]
struct Tally {
    /// Sessions that listen. Changed under the lock of the table only.
    listeners: AtomicUsize,
    noted: AtomicU64,
    last: AtomicU64,
    is_fresh: AtomicBool,
    announced: Mutex<Announced>,
}

/// What devices may know by now.
#[derive(Debug, Default, Clone, Copy)]
struct Announced {
    count: u64,
    /// Of the last check that is in the count.
    last: u64,
    at: Option<Instant>,
}

/// A session that listens to the checks of its token.
#[derive(Debug)]
pub(crate) struct Listening {
    checks: Arc<Checks>,
    token: Id,
    tally: Arc<Tally>,
    told: u64,
}

impl Checks {
    /// A relying party was told about a token that its devices know to be closed.
    pub(crate) fn note(&self, token: &Id, now: UnixSeconds) {
        if self.listeners.load(Ordering::Relaxed) == 0 {
            return;
        }
        let Some(tally) = self.read().get(token).cloned() else { return };
        tally.last.fetch_max(now.get(), Ordering::Relaxed);
        tally.noted.fetch_add(1, Ordering::Release);
        if !tally.is_fresh.swap(true, Ordering::AcqRel) {
            self.fresh().push(*token);
        }
    }

    /// Counts the checks of `token` until the result is dropped.
    pub(crate) fn listen(self: &Arc<Self>, token: Id) -> Listening {
        let tally = {
            let mut tallies = self.write();
            let tally = Arc::clone(tallies.entry(token).or_default());
            tally.listeners.fetch_add(1, Ordering::Relaxed);
            self.listeners.fetch_add(1, Ordering::Relaxed);
            tally
        };
        // What came before is somebody else's.
        let told = lock(&tally.announced).count.max(tally.noted.load(Ordering::Acquire));
        Listening { checks: Arc::clone(self), token, tally, told }
    }

    /// The tokens of which there is something new to tell at `now`. Of one token at most every ten seconds.
    pub(crate) fn announce(&self, now: Instant) -> Vec<Id> {
        let fresh = std::mem::take(&mut *self.fresh());
        let (mut due, mut later) = (Vec::new(), Vec::new());
        for token in fresh {
            // Without listeners there is no tally, and nobody to tell.
            let Some(tally) = self.read().get(&token).cloned() else { continue };
            let mut announced = lock(&tally.announced);
            if announced.at.is_some_and(|at| now.duration_since(at) < PACE) {
                later.push(token);
                continue;
            }
            // Before reading the count: what is noted from now on is fresh again.
            tally.is_fresh.store(false, Ordering::Release);
            let (count, last) = (tally.noted.load(Ordering::Acquire), tally.last.load(Ordering::Relaxed));
            *announced = Announced { count, last, at: Some(now) };
            due.push(token);
        }
        self.fresh().extend(later);
        due
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<Id, Arc<Tally>>> {
        self.tallies.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<Id, Arc<Tally>>> {
        self.tallies.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn fresh(&self) -> MutexGuard<'_, Vec<Id>> {
        lock(&self.fresh)
    }
}

impl Listening {
    /// How many checks were announced that this session was not told of yet, and the time of the last one in Unix
    /// seconds; `None` if there is nothing to tell. Told is what was returned.
    pub(crate) fn news(&mut self) -> Option<(u16, u32)> {
        let announced = *lock(&self.tally.announced);
        let count = announced.count.checked_sub(self.told).filter(|count| *count > 0)?;
        self.told = announced.count;
        Some((u16::try_from(count).unwrap_or(u16::MAX), UnixSeconds::new(announced.last).wire()))
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut tallies = self.checks.write();
        self.checks.listeners.fetch_sub(1, Ordering::Relaxed);
        if self.tally.listeners.fetch_sub(1, Ordering::Relaxed) == 1 {
            tallies.remove(&self.token);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change under it is one assignment.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
