//! The record of one token under its lease.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cardea_protocol::device::{Pending, Record, StoreFirst};

use super::turns::Turn;
use super::{Work, work};
use crate::error::WalletError;
use crate::store::{Details, Entry, Lease, StoreError, TokenKey};
use crate::task::{Blocking, blocking, immediately};
use crate::wallet::Inner;

/// How often a lease that somebody else has is asked for.
const PATIENCE: Duration = Duration::from_millis(25);

type Shared = Arc<Mutex<Box<dyn Lease>>>;

/// A token's entry and the lease on it.
///
/// A write that has begun goes on if the future that began it is dropped, and keeps the lease until it is done.
pub(crate) struct Held {
    lease: Shared,
    entry: Entry,
    /// The entry was written under this lease. One that was only read may still be on its way to the disk: whoever wrote
    /// it may have died before it was.
    is_durable: bool,
    /// A write began that has not been seen to end.
    writing: bool,
    /// The server has said that it does not talk to this device: asking again at once would bring the same answer.
    refused: bool,
    inner: Arc<Inner>,
    /// Tells what nobody asked for to give way: live sessions and recovery, which have none themselves.
    turn: Option<Turn>,
}

impl Drop for Held {
    /// However an operation ends, also by being dropped: what it leaves unanswered is looked after.
    fn drop(&mut self) {
        let record = &self.entry.record;
        let is_left = record.is_provisional() || *record.pending() != Pending::None;
        if self.writing || is_left && !self.refused {
            self.inner.look_after(self.turn.is_some());
        }
    }
}

impl Held {
    /// Waits for the lease and loads the entry. Live sessions and recovery of this wallet give way.
    pub(crate) fn take(inner: &Arc<Inner>, key: TokenKey) -> Work<'_, Self> {
        let turn = inner.turns.enter(key);
        Self::load(inner, key, Some(turn))
    }

    /// The same for a live session, and for recovery.
    pub(crate) fn take_behind(inner: &Arc<Inner>, key: TokenKey) -> Work<'_, Self> {
        Self::load(inner, key, None)
    }

    fn load(inner: &Arc<Inner>, key: TokenKey, turn: Option<Turn>) -> Work<'_, Self> {
        work(async move {
            let (lease, entry) = take_lease(inner, key).await?;
            let entry = entry.ok_or(WalletError::UnknownToken)?;
            let inner = Arc::clone(inner);
            Ok(Self { lease, entry, is_durable: false, writing: false, refused: false, inner, turn })
        })
    }

    /// Stores the first record of a new token, in the place of an enrollment of the same server that came to nothing:
    /// servers offer the same ids again until the keys have arrived.
    pub(crate) async fn create(inner: &Arc<Inner>, entry: Entry) -> Result<Self, WalletError> {
        let turn = inner.turns.enter(entry.key());
        let (lease, old) = take_lease(inner, entry.key()).await?;
        let is_leftover = |old: &Entry| old.record.is_provisional() && old.record.identity() == entry.record.identity();
        if !old.as_ref().is_none_or(is_leftover) {
            return Err(WalletError::AlreadyEnrolled);
        }
        let copy = entry.duplicate();
        on(inner, &lease, move |lease| lease.compare_and_swap(old.as_ref(), &copy)).await??;
        let inner = Arc::clone(inner);
        Ok(Self { lease, entry, is_durable: true, writing: false, refused: false, inner, turn: Some(turn) })
    }

    pub(crate) const fn record(&self) -> &Record {
        &self.entry.record
    }

    pub(crate) const fn details(&self) -> &Details {
        self.entry.details()
    }

    pub(crate) const fn key(&self) -> TokenKey {
        self.entry.key()
    }

    /// Stores the record of `step`, then lets out what follows it.
    pub(crate) async fn keep<T>(&mut self, step: StoreFirst<T>) -> Result<T, WalletError> {
        let (record, then) = step.stored();
        self.replace_with(record).await?;
        Ok(then)
    }

    fn replace_with(&mut self, record: Record) -> Work<'_, ()> {
        // The same RECOVER again: nothing new to store.
        if self.is_durable && record == self.entry.record {
            return work(std::future::ready(Ok(())));
        }
        self.replace(self.entry.with(record))
    }

    /// An authentic answer said that the device is blocked or not enrolled: what is pending stays so.
    pub(crate) const fn refused(&mut self) {
        self.refused = true;
    }

    /// Stores what the wallet knows about the token.
    pub(crate) async fn describe(&mut self, details: Details) -> Result<(), WalletError> {
        self.replace(Entry::new(self.entry.record.duplicate(), details)?).await
    }

    fn replace(&mut self, new: Entry) -> Work<'_, ()> {
        work(async move {
            let (old, stored) = (self.entry.duplicate(), new.duplicate());
            self.writing = true;
            on(&self.inner, &self.lease, move |lease| lease.compare_and_swap(Some(&old), &new)).await??;
            self.entry = stored;
            (self.is_durable, self.writing) = (true, false);
            self.inner.standings.stored(self.entry.key(), self.entry.record.generation());
            Ok(())
        })
    }

    /// Removes the token.
    pub(crate) async fn remove(&mut self) -> Result<(), WalletError> {
        on(&self.inner, &self.lease, |lease| lease.remove()).await??;
        // Nothing is left that could be looked after.
        self.refused = true;
        self.inner.standings.forget(self.entry.key());
        Ok(())
    }
}

/// Waits for the lease of an entry, and loads the entry.
async fn take_lease(inner: &Inner, key: TokenKey) -> Result<(Shared, Option<Entry>), WalletError> {
    loop {
        let store = Arc::clone(&inner.store);
        let taken = wherever(inner, move || {
            let Some(mut lease) = store.try_lease(&key)? else { return Ok(None) };
            let entry = lease.load()?;
            Ok::<_, StoreError>(Some((lease, entry)))
        });
        if let Some((lease, entry)) = taken.await?? {
            return Ok((Arc::new(Mutex::new(lease)), entry));
        }
        tokio::time::sleep(PATIENCE).await;
    }
}

fn on<T: Send + 'static>(
    inner: &Inner,
    lease: &Shared,
    run: impl FnOnce(&mut Box<dyn Lease>) -> Result<T, StoreError> + Send + 'static,
) -> Blocking<Result<T, StoreError>> {
    let lease = Arc::clone(lease);
    // A store that panicked has changed nothing, or all of it: that is what it promises.
    wherever(inner, move || run(&mut lease.lock().unwrap_or_else(PoisonError::into_inner)))
}

/// Asks the store on a thread that may wait, or here if it does not.
fn wherever<T: Send + 'static>(inner: &Inner, run: impl FnOnce() -> T + Send + 'static) -> Blocking<T> {
    if inner.store.is_immediate() { immediately(run) } else { blocking(run) }
}
