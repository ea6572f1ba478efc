//! The vault: the only code that can name the role of a PIN, and the only code that can read what storage keeps.
//!
//! Everything secret, and everything that decides a status, is stored sealed under keys derived from a master key that
//! is not in the database. The seal binds a row to its table, its key and its version: a row that was edited, moved or
//! damaged is an error and never a status.
//!
//! Whoever faces devices hands in a device, a statement and a signature, and gets an answer that says the same for a
//! normal and for a duress PIN. The way of an operation that a PIN signs:
//!
//! 1. [`Vault::view_by_hint`] reads what is needed: the ratchet row, freshness, slots;
//! 2. [`Vault::count_attempt`] counts the signature as a failure, in a transaction of its own;
//! 3. [`Vault::judge`] verifies it against all four keys, always all of them, outside of any transaction;
//! 4. [`Vault::apply`] writes ratchet row, counter, both worlds and the journal in one transaction, or fails with
//!    [`StorageError::Conflict`](crate::storage::StorageError::Conflict); then [`Vault::settle_lost`] takes the count
//!    back if the signature was good, and everything starts again at 1.
//!
//! The time that these take is read with [`Vault::reading`] inside the job, so that times are stored in the order of the
//! commits; a close is never older than an opening that it must win over.
//!
//! The same rows are written, with the same sizes, whichever PIN it was and whether or not it was right.

mod access;
mod administration;
mod answers;
mod apply;
mod attempts;
mod codec;
mod comparing;
mod confirmations;
mod cursor;
mod deliveries;
mod devices;
mod enrollments;
mod error;
mod glance;
mod identity;
mod journal;
mod listing;
mod master;
mod operation;
mod people;
mod resync;
mod retention;
mod seal;
mod slots;
mod status;
mod tokens;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cardea_protocol::Secret;
use cardea_protocol::crypto::Random;

pub use access::{Authkey, NewAuthkey, Purged, Service, Subscription, Webhook};
pub use answers::{Repeatable, Repeater};
pub use comparing::Progress;
pub use confirmations::{Confirmation, Named};
pub use deliveries::{Delivery, STUCK_MAX, Stuck};
pub use devices::{Device, DeviceSigned, DeviceView};
pub use enrollments::{Endpoint, Enrolled, NewDevice, Offer, PendingOffer};
pub use error::VaultError;
pub use identity::{EpochKey, ServerKeys};
pub use journal::{About, Content, Entry, Event, EventKind, Reader, Signed};
pub use listing::{Detail, DeviceEntry, DeviceState, TokenEntry};
pub use master::KeyLocation;
pub use operation::{Action, Applied, DeviceAnswer, Operation, PinAction};
pub use people::{
    Account, Application, Grant, GrantToken, Issued, IssuedToken, NewAccount, NewApplication, NewGrant, NewSession,
    Session, TokenKind,
};
pub use slots::{Judgement, Slots};
pub use status::Question;
pub use tokens::{Facts, Peeked, Token};

use crate::clock::{Clock, UnixSeconds};
use crate::domain::world::ClockReading;
use crate::entropy::Entropy;
use crate::storage::rows::MetaRows;
use crate::storage::{Store, Transaction};
use codec::{Decoder, Encoder};
use seal::{Sealer, Table};

/// The vault of one instance.
pub struct Vault {
    sealer: Sealer,
    entropy: Arc<dyn Entropy>,
    clock: Arc<dyn Clock>,
    /// The highest time that this process has acted upon.
    seen: AtomicU64,
    /// The highest time that is known to be durably stored.
    marked: AtomicU64,
    /// What was opened before is void: the clock was set back since.
    void: AtomicU64,
    /// How much of that is known to be durably stored.
    void_marked: AtomicU64,
}

impl Vault {
    /// Opens the vault of `store`. On the very first start it makes the master key at `location`.
    ///
    /// # Errors
    /// The master key is missing, wrong, readable by others, or belongs to another database ([`VaultError`] says
    /// which); storage failed.
    pub async fn open(
        store: &Store,
        location: KeyLocation,
        entropy: Arc<dyn Entropy>,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, VaultError> {
        let sealer = master::unlock(store, location, &entropy).await?;
        let [seen, marked, void, void_marked] = [(); 4].map(|()| AtomicU64::new(0));
        let vault = Arc::new(Self { sealer, entropy, clock, seen, marked, void, void_marked });
        let this = Arc::clone(&vault);
        let marks = store.read(move |tx| this.marks(tx)).await?;
        vault.marked.store(marks.high_water.get(), Ordering::SeqCst);
        vault.void_marked.store(marks.void_until.get(), Ordering::SeqCst);
        if vault.reading().void_until() > marks.void_until {
            let this = Arc::clone(&vault);
            let mark = move |tx: &mut dyn Transaction| {
                let clock = this.reading();
                this.mark_time(tx, clock).map(|()| clock)
            };
            match store.write(mark).await {
                Ok(clock) => vault.note_marked(clock),
                // It holds all the same; whoever keeps house tries again.
                Err(error) => tracing::warn!(%error, "that the clock was set back could not be recorded"),
            }
        }
        Ok(vault)
    }

    /// Reads the clock together with the highest time seen so far. Inside a transaction this is the time of its
    /// commit.
    ///
    /// The mark is read first: whoever raised it had read the same clock before, so that only a clock that really went
    /// back is behind it. What a clock that was set back makes void stays void.
    #[must_use]
    pub fn reading(&self) -> ClockReading {
        let high_water = UnixSeconds::new(self.seen.load(Ordering::SeqCst));
        let now = self.clock.now();
        // Most readings are in the second of the one before, and need not write.
        if high_water < now {
            self.seen.fetch_max(now.get(), Ordering::SeqCst);
        }
        let reading = ClockReading::new(now, high_water);
        if let Some(until) = reading.voids_until() {
            self.void.fetch_max(until.get(), Ordering::SeqCst);
        }
        reading.voided(UnixSeconds::new(self.void.load(Ordering::SeqCst)))
    }

    /// Whether a restart would bring back what is void because the clock was set back.
    #[must_use]
    pub fn is_void_unmarked(&self) -> bool {
        self.void_marked.load(Ordering::SeqCst) < self.void.load(Ordering::SeqCst)
    }

    /// Whether the stored mark would still let a clock that goes back reopen what has ended at `end`.
    #[must_use]
    pub fn is_end_unmarked(&self, end: UnixSeconds) -> bool {
        self.marked.load(Ordering::SeqCst) < end.get()
    }

    /// Stores the time of a transaction as the highest one, unless a higher one is stored, and what is void by then.
    ///
    /// # Errors
    /// Storage failed, or the stored mark is damaged.
    pub fn mark_time(&self, tx: &mut dyn Transaction, clock: ClockReading) -> Result<(), VaultError> {
        let marks = self.marks(tx)?;
        let (high_water, mut void_until) = (marks.high_water.max(clock.now()), marks.void_until);
        if clock.void_until().get() > self.void_marked.load(Ordering::SeqCst) {
            // No opening is later than the stored mark, whatever this node has seen in a bad moment of the clock.
            void_until = void_until.max(clock.void_until().min(marks.high_water.plus(1)));
        }
        if (high_water, void_until) != (marks.high_water, marks.void_until) {
            self.put_marks(tx, marks.ver, Marks { high_water, void_until, ..marks })?;
        }
        Ok(())
    }

    /// Says that a transaction which marked the time of `clock` is committed.
    pub fn note_marked(&self, clock: ClockReading) {
        self.marked.fetch_max(clock.now().get(), Ordering::SeqCst);
        self.void_marked.fetch_max(clock.void_until().get(), Ordering::SeqCst);
    }

    fn marks(&self, tx: &mut dyn Transaction) -> Result<Marks, VaultError> {
        let sealed = tx.meta(MARKS)?;
        self.open_marks(sealed)
    }

    fn open_marks(&self, sealed: Option<crate::storage::Sealed>) -> Result<Marks, VaultError> {
        let Some(sealed) = sealed else { return Ok(Marks::default()) };
        let content = self.sealer.open(Table::Meta, &[MARKS.as_bytes()], &sealed)?;
        let mut decoder = Decoder::new(Table::Meta, &content);
        let [high_water, restored_at, void_until, forgotten_at] =
            [decoder.time()?, decoder.time()?, decoder.time()?, decoder.time()?];
        let marks = Marks { ver: sealed.ver, high_water, restored_at, void_until, forgotten_at };
        decoder.end()?;
        // Another node may have seen a later time, or a clock that was set back.
        self.seen.fetch_max(marks.high_water.get(), Ordering::SeqCst);
        self.void.fetch_max(marks.void_until.get(), Ordering::SeqCst);
        Ok(marks)
    }

    fn put_marks(&self, tx: &mut dyn Transaction, ver: u64, marks: Marks) -> Result<(), VaultError> {
        let mut content = Encoder::new();
        content.time(marks.high_water).time(marks.restored_at).time(marks.void_until).time(marks.forgotten_at);
        let sealed = self.seal(Table::Meta, &[MARKS.as_bytes()], ver + 1, &content);
        Ok(tx.put_meta(MARKS, &sealed)?)
    }

    fn seal(&self, table: Table, binding: &[&[u8]], ver: u64, content: &Encoder) -> crate::storage::Sealed {
        self.sealer.seal(table, binding, ver, content.bytes(), &*self.entropy)
    }

    /// The vault's source of randomness.
    pub(crate) fn entropy(&self) -> &dyn Entropy {
        &*self.entropy
    }

    /// A generator for the protocol, fed by the vault's source of randomness.
    #[must_use]
    pub fn random(&self) -> VaultRandom<'_> {
        VaultRandom(&*self.entropy)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("clock", &self.clock).finish_non_exhaustive()
    }
}

const MARKS: &str = "marks";

/// The times that an instance must not forget.
#[derive(Debug, Clone, Copy, Default)]
struct Marks {
    ver: u64,
    high_water: UnixSeconds,
    restored_at: UnixSeconds,
    /// What was opened before is void.
    void_until: UnixSeconds,
    /// The time by which was last decided what is kept no longer; the epoch before the first time.
    forgotten_at: UnixSeconds,
}

/// The protocol's view of the server's randomness.
#[derive(Debug, Clone, Copy)]
pub struct VaultRandom<'a>(&'a dyn Entropy);

impl Random for VaultRandom<'_> {
    fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }
}

/// `N` fresh random bytes that are no secret.
fn random_id<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    crate::entropy::bytes(entropy)
}

/// A fresh secret.
fn random_secret<const N: usize>(entropy: &dyn Entropy) -> Secret<N> {
    VaultRandom(entropy).secret()
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
