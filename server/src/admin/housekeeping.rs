//! What has to be done from time to time: events are delivered at a fixed pace, keys are replaced in time.

use std::sync::Arc;
use std::time::Duration;

use super::{Admin, AdminError};
use crate::clock::UnixSeconds;
use crate::shutdown::Shutdown;
use crate::storage::Transaction;
use crate::storage::rows::{JournalFilter, JournalRows};
use crate::vault::{Entry, Event, Vault};

/// How often events leave. The pace is fixed, so that it says nothing about what has happened.
const PACE: Duration = Duration::from_secs(1);
/// Most events that are written to the log at once.
const EVENTS: u32 = 1_000;
/// How far the log has come in the journal.
pub(super) const LOG: &str = "cursor log";
/// Seconds between two looks at what need not be kept any longer.
pub(super) const RETENTION: u64 = 86_400;
/// Seconds between two looks at the server's keys.
const KEYS: u64 = 3_600;
/// Seconds between two notes of what time it is. A killed server that finds its clock set back knows the time as well
/// as this.
const TIME: u64 = 60;

/// When things were done last.
#[derive(Debug, Default)]
pub(super) struct Done {
    keys: Option<UnixSeconds>,
    time: Option<UnixSeconds>,
    checkpoint: Option<UnixSeconds>,
    retention: Option<UnixSeconds>,
    /// How far this node has heard what others do.
    heard: Option<u64>,
}

impl Admin {
    /// Does everything that has to be done from time to time, until the server stops.
    ///
    /// Cancel safe.
    pub async fn keep_house(self: Arc<Self>, shutdown: Shutdown) {
        let _guard = shutdown.guard();
        let mut pace = tokio::time::interval(PACE);
        pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut done = Done::default();
        loop {
            tokio::select! {
                () = shutdown.requested() => break,
                _ = pace.tick() => {}
            }
            self.do_what_is_due(&mut done).await;
        }
        report("the time could not be recorded", self.record_time().await);
        report("the last use of authkeys could not be recorded", self.record_uses().await);
        report("the last events could not be delivered", self.deliver_events().await.map(drop));
        report("the last checkpoint could not be signed", self.note_checkpoint().await);
    }

    pub(super) async fn do_what_is_due(&self, done: &mut Done) {
        let now = self.vault.reading().now();
        if self.vault.is_void_unmarked() {
            tracing::warn!("alert: the clock was set back: what was open is closed for good");
            report("that the clock was set back could not be recorded", self.record_time().await);
        }
        let is_due = |last: &mut Option<UnixSeconds>, seconds: u64| {
            let due = last.is_none_or(|last| now.since(last).is_none_or(|passed| passed >= seconds));
            due.then(|| *last = Some(now)).is_some()
        };
        if is_due(&mut done.keys, KEYS) {
            report("the server's keys could not be replaced", self.maintain_keys().await);
            report("deleted services could not be removed", self.finish_deletions().await);
        }
        if is_due(&mut done.time, TIME) {
            report("the time could not be recorded", self.record_time().await);
            report("the last use of authkeys could not be recorded", self.record_uses().await);
        }
        report("confirmations could not be ended", self.end_confirmations().await.map(drop));
        if self.is_shared() {
            report("other nodes could not be heard", self.hear_other_nodes(&mut done.heard).await);
        }
        report("events could not be delivered", self.deliver_events().await.map(drop));
        if is_due(&mut done.checkpoint, self.retention.checkpoint_seconds) {
            report("no checkpoint could be signed", self.note_checkpoint().await);
        }
        if is_due(&mut done.retention, RETENTION) {
            report("what is over could not be forgotten", self.forget().await.map(drop));
            report("old answers and tokens could not be removed", self.sweep_answers().await);
        }
    }

    /// Signs the head of the audit log and writes the checkpoint to the log as well, where whoever edits the database
    /// may not reach it. Does nothing while the log has not grown.
    ///
    /// # Errors
    /// Storage failed, or a row is damaged.
    pub async fn note_checkpoint(&self) -> Result<(), AdminError> {
        let (size, signed) = self
            .read(|vault, tx| {
                let signed = tx.newest_checkpoint()?.map_or(0, |row| row.size);
                Ok((vault.journal_tree(tx)?.size(), signed))
            })
            .await?;
        if size != signed {
            let note = self.audit_checkpoint().await?;
            tracing::info!(size, note, "checkpoint");
        }
        Ok(())
    }

    /// Stores what time it is: an opening that has ended must not come back with a clock that goes back, not even after
    /// a restart and although nobody has asked for it meanwhile. [`Admin::keep_house`] does so every minute.
    ///
    /// # Errors
    /// Storage failed, or a row is damaged.
    pub async fn record_time(&self) -> Result<(), AdminError> {
        let record = |vault: &Vault, tx: &mut dyn Transaction| {
            let clock = vault.reading();
            vault.mark_time(tx, clock).map(|()| clock)
        };
        self.vault.note_marked(self.write(record).await?);
        Ok(())
    }

    /// Removes what was answered to calls that may be repeated no more, and tokens that are over. [`Admin::keep_house`]
    /// does so once a day.
    ///
    /// # Errors
    /// Storage failed.
    async fn sweep_answers(&self) -> Result<(), AdminError> {
        self.write(|vault, tx| {
            vault.sweep_answers(tx, vault.reading())?;
            vault.sweep_sessions(tx, vault.reading())?;
            vault.sweep_grants(tx, vault.reading()).map(drop)
        })
        .await
    }

    /// Replaces the server's keys whose time is over. [`Admin::keep_house`] does so by itself.
    ///
    /// # Errors
    /// Storage failed, or a row is damaged.
    pub async fn maintain_keys(&self) -> Result<(), AdminError> {
        self.write(|vault, tx| vault.maintain_keys(tx, vault.reading())).await
    }

    /// Writes to the log what the journal has beyond what was written before; returns how many rows that were. One may be
    /// written twice when the server is killed in between, or by two nodes over one database, but none is lost. One that
    /// is damaged is an alert itself.
    ///
    /// # Errors
    /// Storage failed.
    pub async fn deliver_events(&self) -> Result<usize, AdminError> {
        let (rows, newest) = self
            .read(|vault, tx| {
                let (after, newest) = (vault.cursor(tx, LOG)?, JournalRows::newest_journal(tx)?);
                Ok((vault.stored_journal(tx, &JournalFilter::All, after, EVENTS)?, newest))
            })
            .await?;
        let last = rows.last().map_or(newest, |(last, _)| *last);
        self.counts.journal_stands(newest, last);
        if rows.is_empty() {
            return Ok(0);
        }
        for (seq, entry) in &rows {
            match entry.as_ref().map(Entry::event) {
                Ok(Some(event)) => log(*seq, event),
                // Retention was faster than the log: the server has stood still for longer than events are kept.
                Ok(None) => {}
                Err(error) => tracing::error!(seq, %error, "alert: an event cannot be read"),
            }
        }
        self.write(move |vault, tx| vault.advance_cursor(tx, LOG, last)).await?;
        Ok(rows.len())
    }
}

fn log(seq: u64, event: &Event) {
    let Event { kind, at, duress, duress_raised, tries_used_up, .. } = event;
    let (kind, at) = (kind.name(), at.get());
    let service = event.about.service().map(|(_, name)| tracing::field::display(name));
    let token = event.token().map(tracing::field::display);
    if event.is_alert() {
        tracing::warn!(seq, kind, service, token, at, duress, duress_raised, tries_used_up, "alert");
    } else {
        tracing::info!(seq, kind, service, token, at, duress, "event");
    }
}

fn report(what: &'static str, result: Result<(), AdminError>) {
    if let Err(error) = result {
        tracing::error!(%error, what);
    }
}
