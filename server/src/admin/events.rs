//! The live event feed.
//!
//! It reads the journal at a fixed pace, so that it works whichever node an event happened on, and so that nothing is
//! ever pushed while a device waits for its answer.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, MissedTickBehavior};

use super::{Admin, AdminError};
use crate::storage::Transaction;
use crate::storage::rows::{JournalFilter, JournalRows};
use crate::vault::{Entry, Event, Reader, Vault, VaultError};

/// How often the journal is looked at.
const PACE: Duration = Duration::from_millis(500);
/// How soon it is looked at again where there is more to read: a reader that comes back after long.
const CATCH_UP: Duration = Duration::from_millis(50);
/// Most rows that are read at once. They wait in memory for a reader that does not read, and there may be many of those.
const BATCH: u32 = 50;

/// What a reader is told who has read on.
const AHEAD: &str = "`after` is ahead of everything that has happened here: the server may have been restored from a backup, so \
                     see how things stand, and begin without `after`";

/// An event for a reader of the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedItem {
    /// The number of its row; a reader that comes back names the last one that it has seen.
    pub seq: u64,
    /// What it is called.
    pub name: &'static str,
    /// Its body.
    pub body: Value,
}

/// The newest row that anybody has seen, and when: many readers ask the database once.
#[derive(Debug, Default)]
pub(super) struct Pulse(tokio::sync::Mutex<Option<(Instant, u64)>>);

impl Admin {
    /// The events of `scope` after row `after`, or from now on. `knows` says that the reader may know of duress where
    /// the service keeps a silent alarm.
    ///
    /// # Errors
    /// `after` is the number of no row that there is: whoever names it has read another journal, such as the one before a
    /// backup was restored. Storage failed.
    pub async fn events(
        self: &Arc<Self>,
        scope: JournalFilter,
        knows: bool,
        after: Option<u64>,
    ) -> Result<EventFeed, AdminError> {
        let newest = self.read(|_, tx| Ok(tx.newest_journal()?)).await?;
        let after = after.unwrap_or(newest);
        if after > newest {
            return Err(AdminError::BadCall(AHEAD.to_owned()));
        }
        let mut pace = tokio::time::interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(EventFeed { admin: Arc::clone(self), scope, knows, after, pace, waiting: VecDeque::new() })
    }

    /// The number of the newest row, as of half a second ago at most.
    async fn newest_event(&self, now: Instant) -> Result<u64, AdminError> {
        let mut known = self.pulse.0.lock().await;
        if let Some((at, newest)) = *known
            && now.duration_since(at) < PACE / 2
        {
            return Ok(newest);
        }
        let newest = self.read(|_, tx| Ok(tx.newest_journal()?)).await?;
        *known = Some((now, newest));
        Ok(newest)
    }
}

/// A reader's place in the journal.
#[derive(Debug)]
pub struct EventFeed {
    admin: Arc<Admin>,
    scope: JournalFilter,
    knows: bool,
    after: u64,
    pace: tokio::time::Interval,
    waiting: VecDeque<FeedItem>,
}

impl EventFeed {
    /// The number of the row behind which it begins.
    #[must_use]
    pub const fn begins_after(&self) -> u64 {
        self.after
    }

    /// The next event. Waits until there is one.
    ///
    /// Cancel safe: no event is lost.
    ///
    /// # Errors
    /// Storage failed; the next call tries again.
    pub async fn next(&mut self) -> Result<FeedItem, AdminError> {
        loop {
            if let Some(item) = self.waiting.pop_front() {
                return Ok(item);
            }
            let now = self.pace.tick().await;
            let newest = self.admin.newest_event(now).await?;
            if newest <= self.after {
                continue;
            }
            let (scope, after, knows) = (self.scope.clone(), self.after, self.knows);
            let (items, last) =
                self.admin.read(move |vault, tx| batch(vault, tx, &scope, after, newest, knows)).await?;
            self.waiting = items.into();
            self.after = last;
            if last < newest {
                self.pace.reset_after(CATCH_UP);
            }
        }
    }
}

/// The items of some rows, and the row up to which there is nothing else.
fn batch(
    vault: &Vault,
    tx: &mut dyn Transaction,
    scope: &JournalFilter,
    after: u64,
    newest: u64,
    knows: bool,
) -> Result<(Vec<FeedItem>, u64), VaultError> {
    let rows = vault.stored_journal(tx, scope, after, BATCH)?;
    let is_full = rows.len() == BATCH as usize;
    let last = rows.last().map_or(0, |(seq, _)| *seq);
    let mut silent = HashMap::new();
    let mut items = Vec::new();
    for (seq, entry) in rows {
        // Damaged rows are an alert in the log, and retention has erased what is too old for a feed.
        let Ok(Some(event)) = entry.as_ref().map(Entry::event) else { continue };
        let reader = if knows { Reader::Duress } else { reader_of(vault, tx, event, &mut silent)? };
        items.push(FeedItem { seq, name: event.name(reader), body: event.body(seq, reader) });
    }
    Ok((items, if is_full { last } else { last.max(newest) }))
}

/// What somebody may know who knows no more than a relying party.
fn reader_of(
    vault: &Vault,
    tx: &mut dyn Transaction,
    event: &Event,
    silent: &mut HashMap<u64, bool>,
) -> Result<Reader, VaultError> {
    let Some((id, name)) = event.about.service() else { return Ok(Reader::Nothing) };
    let is_silent = match silent.get(&id) {
        Some(is_silent) => *is_silent,
        None => {
            // A service that is gone is asked for nothing any more, and may have been silent.
            let is_silent =
                vault.service(tx, name)?.is_none_or(|service| service.id != id || service.rules.silent_alarm);
            silent.insert(id, is_silent);
            is_silent
        }
    };
    Ok(if is_silent { Reader::Nothing } else { Reader::Duress })
}

#[cfg(test)]
mod tests;
