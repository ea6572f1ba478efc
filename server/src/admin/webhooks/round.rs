//! One round of deliveries to one service, under a lease that keeps other nodes away.

use crate::admin::{Admin, AdminError};
use crate::clock::UnixSeconds;
use crate::domain::actor::Actor;
use crate::storage::Transaction;
use crate::storage::rows::{AccessRows, JournalFilter, JournalRows};
use crate::vault::{Delivery, Entry, Event, EventKind, Reader, STUCK_MAX, Stuck, Vault, VaultError, Webhook};
use crate::webhook::CallError;

/// Most rows of one service that are looked at in one round.
const BATCH: u32 = 100;
/// Seconds for which a node has a service to itself; renewed before each call, which takes ten at most.
pub(super) const LEASE: u64 = 60;
/// The first wait after a failure, and the longest, in seconds.
pub(super) const BACKOFF: (u64, u64) = (30, 600);
/// Failures in a row after which the whole service waits, and not just the token whose event it was.
pub(super) const PATIENCE: u32 = 3;
/// Failures in a row after which deliveries end.
pub(super) const FAILURES_MAX: u32 = 20;

/// Whether `time`, set when it was at most `longest` seconds ahead, is still to come. One that is more than twice as far
/// ahead was set by a clock that was wrong, and must not hold up deliveries until then.
fn is_to_come(time: UnixSeconds, longest: u64, now: UnixSeconds) -> bool {
    now < time && time <= now.plus(2 * longest)
}

/// Whether an event is delivered. Everything that a PIN can do is, so that how often a webhook is called says nothing
/// of duress.
const fn is_sent(event: &Event) -> bool {
    use EventKind::{
        Blocked, CloneProved, Closed, ConfirmationAnswered, Deleted, DeviceRevoked, Enrolled, ForcedClose, KeyRotated,
        NotExecuted, Opened, PinRejected, PinsChanged, Suspended, Unenrolled,
    };
    match event.kind {
        Opened | Closed | ForcedClose | Blocked | CloneProved | Suspended | Enrolled | Deleted => true,
        PinsChanged | KeyRotated | Unenrolled | DeviceRevoked | NotExecuted | ConfirmationAnswered => true,
        PinRejected => event.tries_used_up,
        _ => false,
    }
}

impl Admin {
    /// Delivers what is due to one service; returns how many events arrived. Does nothing while another node, or
    /// another task of this one, delivers to it.
    ///
    /// # Errors
    /// Storage failed, or a row is damaged. That the receiver failed is none: it is tried again later.
    pub async fn deliver_webhook(&self, service: u64) -> Result<usize, AdminError> {
        let Some(_leave) = self.busy.enter(service, usize::MAX) else { return Ok(0) };
        let holder: [u8; 8] = crate::entropy::bytes(self.vault.entropy());
        let mut round = Round { admin: self, service, holder, arrived: 0 };
        round.run().await?;
        Ok(round.arrived)
    }
}

struct Round<'a> {
    admin: &'a Admin,
    service: u64,
    holder: [u8; 8],
    arrived: usize,
}

/// An event that is to be sent.
struct Due {
    seq: u64,
    token: Option<[u8; 16]>,
    /// Its body; `None` for one that is not sent, or that retention has erased.
    body: Option<serde_json::Value>,
}

fn due((seq, entry): (u64, Result<Entry, VaultError>)) -> Due {
    // A damaged row is an alert in the log and cannot be delivered to anybody.
    let event = entry.ok().and_then(|entry| entry.content).map(|content| content.event);
    let token = event.as_ref().and_then(|event| event.token().map(|token| *token.bytes()));
    let body = event.filter(is_sent).map(|event| event.body(seq, Reader::Duress));
    Due { seq, token, body }
}

impl Round<'_> {
    async fn run(&mut self) -> Result<(), AdminError> {
        let (service, holder) = (self.service, self.holder);
        let claim = move |vault: &Vault, tx: &mut dyn Transaction| {
            let now = vault.reading().now();
            let Some((webhook, mut state)) = vault.webhook(tx, service)?.zip(vault.delivery(tx, service)?) else {
                return Ok(None);
            };
            let is_taken = is_to_come(state.lease.1, LEASE, now) && state.lease.0 != holder;
            let waits = |time| is_to_come(time, BACKOFF.1, now);
            let (newest, is_due) = (JournalRows::newest_journal(tx)?, !waits(state.next_at));
            let is_idle = newest <= state.cursor && !state.stuck.iter().any(|stuck| !waits(stuck.next_at));
            if state.disabled || is_taken || !is_due || is_idle {
                return Ok(None);
            }
            state.lease = (holder, now.plus(LEASE));
            vault.put_delivery(tx, service, &mut state)?;
            Ok(Some((webhook, state)))
        };
        let Some((webhook, mut state)) = self.admin.write(claim).await? else { return Ok(()) };
        let outcome = self.deliver(&webhook, &mut state).await;
        state.lease.1 = UnixSeconds::EPOCH;
        // What arrived is stored already; without the lease another node may go on at once.
        let released = self.store(&mut state).await;
        outcome.and(released)
    }

    async fn deliver(&mut self, webhook: &Webhook, state: &mut Delivery) -> Result<(), AdminError> {
        let waiting: Vec<Stuck> = state.stuck.clone();
        for stuck in waiting {
            if !self.waits(stuck.next_at) && !self.catch_up(webhook, state, stuck).await? {
                return Ok(());
            }
        }
        let (filter, after) = (JournalFilter::Service(self.service), state.cursor);
        let (rows, newest) = self
            .admin
            .read(move |vault, tx| {
                let newest = JournalRows::newest_journal(tx)?;
                Ok((vault.stored_journal(tx, &filter, after, BATCH)?, newest))
            })
            .await?;
        let is_all = rows.len() < BATCH as usize;
        for due in rows.into_iter().map(due) {
            let waits = state.stuck.iter().any(|stuck| Some(stuck.token) == due.token);
            if due.body.is_some() && !waits {
                if state.stuck.len() >= STUCK_MAX {
                    return Ok(());
                }
                let arrived = self.send(webhook, state, &due).await?;
                if let (false, Some(token)) = (arrived, due.token) {
                    let next_at = self.now().plus(self.wait(0));
                    state.stuck.push(Stuck { token, seq: due.seq, tries: 1, next_at });
                }
                state.cursor = due.seq;
                self.store(state).await?;
                if state.disabled || self.waits(state.next_at) {
                    return Ok(());
                }
            }
            state.cursor = due.seq;
        }
        if is_all {
            state.cursor = state.cursor.max(newest);
        }
        Ok(())
    }

    /// Delivers the events of a token that wait, in their order. Returns whether the round may go on.
    async fn catch_up(&mut self, webhook: &Webhook, state: &mut Delivery, stuck: Stuck) -> Result<bool, AdminError> {
        let (filter, after, last) = (JournalFilter::Token(stuck.token), stuck.seq.saturating_sub(1), state.cursor);
        let rows = self.admin.read(move |vault, tx| vault.stored_journal(tx, &filter, after, BATCH)).await?;
        let is_all = rows.len() < BATCH as usize || rows.last().is_some_and(|(seq, _)| *seq >= last);
        let mut reached = after;
        for due in rows.into_iter().map(due).filter(|due| due.seq <= last) {
            if due.body.is_some() && !self.send(webhook, state, &due).await? {
                let wait = self.wait(stuck.tries);
                let next_at = self.now().plus(wait);
                for known in state.stuck.iter_mut().filter(|known| known.token == stuck.token) {
                    *known = Stuck { seq: due.seq, tries: stuck.tries + 1, next_at, ..*known };
                }
                self.store(state).await?;
                return Ok(!state.disabled && !self.waits(state.next_at));
            }
            reached = due.seq;
            for known in state.stuck.iter_mut().filter(|known| known.token == stuck.token) {
                known.seq = due.seq + 1;
            }
            self.store(state).await?;
        }
        if is_all {
            state.stuck.retain(|known| known.token != stuck.token);
        } else {
            for known in state.stuck.iter_mut().filter(|known| known.token == stuck.token) {
                known.seq = reached + 1;
            }
        }
        self.store(state).await?;
        Ok(true)
    }

    /// Sends one event; returns whether it arrived. The state says what follows from that, and is not stored yet.
    async fn send(&mut self, webhook: &Webhook, state: &mut Delivery, due: &Due) -> Result<bool, AdminError> {
        let Some(body) = &due.body else { return Ok(true) };
        let called = self.admin.call(webhook, state, &due.seq.to_string(), body, self.now()).await;
        self.admin.counts.called(&called);
        match called {
            Ok(()) => {
                self.arrived += 1;
                (state.failures, state.next_at) = (0, UnixSeconds::EPOCH);
                state.last_error.clear();
                Ok(true)
            }
            Err(error) => {
                state.failures += 1;
                state.last_error = error.to_string();
                if state.failures >= PATIENCE {
                    state.next_at = self.now().plus(self.wait(state.failures - PATIENCE));
                }
                let (failures, service) = (state.failures, self.service);
                tracing::warn!(service, failures, %error, "a webhook failed");
                if state.failures >= FAILURES_MAX {
                    state.disabled = true;
                    self.report_disabled(&error).await?;
                }
                Ok(false)
            }
        }
    }

    async fn report_disabled(&self, error: &CallError) -> Result<(), AdminError> {
        let (id, error) = (self.service, error.to_string());
        self.admin
            .write(move |vault, tx| {
                if tx.service_by_id(id)?.is_none() {
                    return Ok(());
                }
                let service = vault.service_by_id(tx, id)?;
                let now = vault.reading().now();
                let event = Event::new(EventKind::WebhookDisabled, service.about(), Actor::System, now);
                vault.record(tx, &event.with("error", error))?;
                Ok(())
            })
            .await
    }

    /// Stores the state under the lease, which it renews; an error if another node has taken over.
    async fn store(&self, state: &mut Delivery) -> Result<(), AdminError> {
        if state.lease.1 != UnixSeconds::EPOCH {
            state.lease.1 = self.now().plus(LEASE);
        }
        let service = self.service;
        let mut copy = state.copy();
        let stored = self
            .admin
            .write(move |vault, tx| {
                vault.put_delivery(tx, service, &mut copy)?;
                Ok(copy)
            })
            .await?;
        *state = stored;
        Ok(())
    }

    fn now(&self) -> UnixSeconds {
        self.admin.vault.reading().now()
    }

    fn waits(&self, next_at: UnixSeconds) -> bool {
        is_to_come(next_at, BACKOFF.1, self.now())
    }

    /// How long to wait after this many failures: twice as long each time, give or take a quarter, so that receivers
    /// that come back are not called by everybody at once.
    fn wait(&self, failures: u32) -> u64 {
        let (first, longest) = BACKOFF;
        let wait = first.saturating_mul(1 << failures.min(16)).min(longest);
        let [random]: [u8; 1] = crate::entropy::bytes(self.admin.vault.entropy());
        wait - wait / 4 + wait / 2 * u64::from(random) / 255
    }
}
