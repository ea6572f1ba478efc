//! Argon2id on threads of its own: as many as there are cores, nicer than the rest of the process, and a bounded number
//! of passwords that wait for them. Whoever comes on top is told so at once.

use std::fmt;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use argon2::Block;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::{Cost, Password, PasswordHash};
use crate::priority::step_back;

/// Passwords that may wait for each thread: a few seconds' work at the standard cost.
const WAITING: usize = 32;

/// Why a password was not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HasherError {
    /// Too many others wait.
    #[error("too many sign-ins wait")]
    Busy,
    /// The threads are gone, or there is no memory for one.
    #[error("passwords cannot be looked at")]
    Gone,
}

/// Computes and compares hashes of passwords.
#[derive(Clone)]
pub struct Hasher {
    queue: SyncSender<Job>,
    /// Those that wait or are worked on.
    room: Arc<Semaphore>,
    cost: Cost,
}

/// A place among those that wait, for who has something to find out before.
#[derive(Debug)]
pub struct Permit {
    _place: OwnedSemaphorePermit,
}

type Work = Box<dyn FnOnce(&mut Vec<Block>) + Send>;

struct Job {
    work: Work,
    _permit: Permit,
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher").field("cost", &self.cost).finish_non_exhaustive()
    }
}

impl Hasher {
    /// Starts `threads` threads, one at least, which end with the last clone of this. New hashes have this cost.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub fn start(threads: usize, cost: Cost) -> std::io::Result<Self> {
        let threads = threads.max(1);
        let room = threads * (1 + WAITING);
        let (queue, jobs) = sync_channel(room);
        let jobs = Arc::new(Mutex::new(jobs));
        for number in 0..threads {
            let jobs = Arc::clone(&jobs);
            thread::Builder::new().name(format!("password-{number}")).spawn(move || work(&jobs))?;
        }
        Ok(Self { queue, room: Arc::new(Semaphore::new(room)), cost })
    }

    /// What new hashes cost.
    #[must_use]
    pub const fn cost(&self) -> Cost {
        self.cost
    }

    /// A place among those that wait.
    ///
    /// # Errors
    /// [`HasherError::Busy`].
    pub fn admit(&self) -> Result<Permit, HasherError> {
        Arc::clone(&self.room).try_acquire_owned().map(|_place| Permit { _place }).map_err(|_| HasherError::Busy)
    }

    /// Whether `hash` is of `password`. Without a hash it is not, which takes as long.
    ///
    /// Cancel safe: what was not begun is not done, and what was is finished and forgotten.
    ///
    /// # Errors
    /// [`HasherError::Gone`].
    pub async fn is_of(
        &self,
        permit: Permit,
        password: Password,
        hash: Option<PasswordHash>,
    ) -> Result<bool, HasherError> {
        let cost = self.cost;
        let look = move |memory: &mut Vec<Block>| match hash {
            Some(hash) => Some(hash.is_of(&password, memory)),
            None => PasswordHash::make(&password, [0; 16], cost, memory).map(|_| false),
        };
        self.run(permit, look).await?.ok_or(HasherError::Gone)
    }

    /// What is to be kept of `password`.
    ///
    /// Cancel safe, as [`Hasher::is_of`].
    ///
    /// # Errors
    /// [`HasherError::Gone`].
    pub async fn make(&self, permit: Permit, password: Password, salt: [u8; 16]) -> Result<PasswordHash, HasherError> {
        let cost = self.cost;
        self.run(permit, move |memory| PasswordHash::make(&password, salt, cost, memory))
            .await?
            .ok_or(HasherError::Gone)
    }

    async fn run<T: Send + 'static>(
        &self,
        permit: Permit,
        work: impl FnOnce(&mut Vec<Block>) -> T + Send + 'static,
    ) -> Result<T, HasherError> {
        let (tell, told) = oneshot::channel();
        let work: Work = Box::new(move |memory| {
            // Who asked may be gone.
            if !tell.is_closed() {
                let _ = tell.send(work(memory));
            }
        });
        self.queue.try_send(Job { work, _permit: permit }).map_err(|error| match error {
            TrySendError::Full(_) => HasherError::Busy,
            TrySendError::Disconnected(_) => HasherError::Gone,
        })?;
        told.await.map_err(|_| HasherError::Gone)
    }
}

/// What a thread does until nobody can ask any more.
fn work(jobs: &Mutex<Receiver<Job>>) {
    step_back();
    // Used again for each: memory that is made and given back costs as much as some hashes do.
    let mut memory = Vec::new();
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { work, _permit }) = job else { return };
        work(&mut memory);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::typed(text).unwrap()
    }

    #[tokio::test]
    async fn a_hash_is_of_its_password_and_of_no_other_and_nobodys_is_of_none() {
        let hasher = Hasher::start(2, Cost::TEST).unwrap();
        let hash = async || hasher.make(hasher.admit().unwrap(), password("seven geese"), [7; 16]).await.unwrap();
        for (typed, is) in [("seven geese", true), ("six geese", false)] {
            let looked = hasher.is_of(hasher.admit().unwrap(), password(typed), Some(hash().await)).await;
            assert_eq!(looked, Ok(is), "{typed}");
        }
        assert_eq!(hasher.is_of(hasher.admit().unwrap(), password("seven geese"), None).await, Ok(false));
    }

    #[tokio::test]
    async fn who_comes_on_top_of_all_that_wait_is_told_so_and_gets_in_when_one_is_done() {
        let hasher = Hasher::start(1, Cost::TEST).unwrap();
        let mut permits: Vec<Permit> = (0..=WAITING).map(|_| hasher.admit().unwrap()).collect();
        assert_eq!(hasher.admit().unwrap_err(), HasherError::Busy);
        let one = permits.pop().unwrap();
        assert_eq!(hasher.is_of(one, password("a"), None).await, Ok(false));
        // Its place is free when its thread has let go of it.
        while hasher.admit().is_err() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_not_done_and_takes_no_place() {
        let hasher = Hasher::start(1, Cost::TEST).unwrap();
        drop(hasher.is_of(hasher.admit().unwrap(), password("a"), None));
        assert_eq!(hasher.room.available_permits(), 1 + WAITING);
    }
}
