//! Deliveries to webhooks: at least once, in order for each token, at a fixed pace and from the journal alone, so that
//! nothing is ever sent while a device waits for its answer.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cardea_protocol::Secret;
use serde_json::json;

use super::counts::Standing;
use super::{Admin, AdminError, Service};
use crate::clock::UnixSeconds;
use crate::domain::actor::Actor;
use crate::shutdown::Shutdown;
use crate::storage::Transaction;
use crate::storage::rows::{JournalFilter, JournalRows};
use crate::vault::{Delivery, Entry, Event, EventKind, Reader, STUCK_MAX, Stuck, Vault, VaultError, Webhook};
use crate::webhook::{Call, CallError, Caller};

/// How often the journal is looked at.
const PACE: Duration = Duration::from_secs(1);
/// Most rows of one service that are looked at in one round.
const BATCH: u32 = 100;
/// Seconds for which a node has a service to itself; renewed before each call, which takes ten at most.
const LEASE: u64 = 60;
/// The first wait after a failure, and the longest, in seconds.
const BACKOFF: (u64, u64) = (30, 600);
/// Failures in a row after which the whole service waits, and not just the token whose event it was.
const PATIENCE: u32 = 3;
/// Failures in a row after which deliveries end.
const FAILURES_MAX: u32 = 20;

/// How deliveries to a webhook stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookState {
    /// The address.
    pub url: String,
    /// Deliveries have ended, because they failed for too long.
    pub disabled: bool,
    /// Failures in a row.
    pub failures: u32,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When it is tried again, while it fails.
    pub next_at: Option<UnixSeconds>,
    /// Tokens of which an event waits to be tried again.
    pub waiting_tokens: usize,
    /// How many rows of the journal, of all services, are still to be looked at.
    pub pending: u64,
}

/// Whether `time`, set when it was at most `longest` seconds ahead, is still to come. One that is more than twice as far
/// ahead was set by a clock that was wrong, and must not hold up deliveries until then.
fn is_to_come(time: UnixSeconds, longest: u64, now: UnixSeconds) -> bool {
    now < time && time <= now.plus(2 * longest)
}

/// The services that this node delivers to at the moment.
#[derive(Debug, Default)]
pub(super) struct Busy(Mutex<HashSet<u64>>);

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
    /// Delivers to webhooks until the server stops.
    ///
    /// Cancel safe.
    pub async fn call_webhooks(self: Arc<Self>, shutdown: Shutdown) {
        let _guard = shutdown.guard();
        let mut pace = tokio::time::interval(PACE);
        pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.requested() => return,
                _ = pace.tick() => {}
            }
            let services = match self.webhook_services().await {
                Ok(services) => services,
                Err(error) => {
                    tracing::error!(%error, "webhooks could not be looked at");
                    continue;
                }
            };
            for service in services {
                // Each on its own: a receiver that is slow holds up nobody else.
                let (admin, shutdown) = (Arc::clone(&self), shutdown.clone());
                tokio::spawn(async move {
                    let delivered = tokio::select! {
                        () = shutdown.requested() => return,
                        delivered = admin.deliver_webhook(service) => delivered,
                    };
                    if let Err(error) = delivered.map_err(VaultErrorIn::from) {
                        error.log(service);
                    }
                });
            }
        }
    }

    /// The numbers of the services that have a webhook.
    pub(super) async fn webhook_services(&self) -> Result<Vec<u64>, AdminError> {
        let (services, standing) = self
            .read(|vault, tx| {
                let (mut services, mut standing) = (Vec::new(), Standing::default());
                let newest = JournalRows::newest_journal(tx)?;
                for service in vault.services(tx)? {
                    let Some(state) = vault.delivery(tx, service.id)? else { continue };
                    standing.add(&state, newest);
                    if !state.disabled {
                        services.push(service.id);
                    }
                }
                Ok((services, standing))
            })
            .await?;
        self.counts.webhooks_stand(&standing);
        Ok(services)
    }

    /// Delivers what is due to one service; returns how many events arrived. Does nothing while another node, or
    /// another task of this one, delivers to it.
    ///
    /// # Errors
    /// Storage failed, or a row is damaged. That the receiver failed is none: it is tried again later.
    pub async fn deliver_webhook(&self, service: u64) -> Result<usize, AdminError> {
        let is_free = self.busy.0.lock().unwrap_or_else(PoisonError::into_inner).insert(service);
        if !is_free {
            return Ok(0);
        }
        let _leave = Leave { busy: &self.busy, service };
        let holder: [u8; 8] = crate::entropy::bytes(self.vault.entropy());
        let mut round = Round { admin: self, service, holder, arrived: 0 };
        round.run().await?;
        Ok(round.arrived)
    }

    /// How deliveries to the service's webhook stand; `None` if it has none.
    ///
    /// # Errors
    /// Storage failed, or a row is damaged.
    pub async fn webhook_state(&self, service: &Service) -> Result<Option<WebhookState>, AdminError> {
        let id = service.id;
        self.read(move |vault, tx| {
            let (Some(webhook), Some(state)) = (vault.webhook(tx, id)?, vault.delivery(tx, id)?) else {
                return Ok(None);
            };
            let pending = JournalRows::newest_journal(tx)?.saturating_sub(state.cursor);
            Ok(Some(WebhookState {
                url: webhook.url,
                disabled: state.disabled,
                failures: state.failures,
                last_error: Some(state.last_error).filter(|error| !error.is_empty()),
                next_at: Some(state.next_at).filter(|_| state.failures >= PATIENCE),
                waiting_tokens: state.stuck.len(),
                pending,
            }))
        })
        .await
    }

    /// Sends an event of type `webhook.test` to the service's webhook, now and once. Returns what went wrong at the
    /// receiver, if anything.
    ///
    /// # Errors
    /// [`AdminError::BadCall`]: the service has no webhook. Storage failed, or a row is damaged.
    pub async fn test_webhook(&self, service: &Service) -> Result<Option<String>, AdminError> {
        let id = service.id;
        let loaded = self.read(move |vault, tx| Ok(vault.webhook(tx, id)?.zip(vault.delivery(tx, id)?))).await?;
        let none = || AdminError::BadCall("the service has no webhook".to_owned());
        let (webhook, state) = loaded.ok_or_else(none)?;
        let now = self.vault.reading().now();
        let body = json!({
            "id": "0", "type": "webhook.test", "at": now.get(), "service": service.name.as_str(), "user": null,
            "token": null, "device": null, "by": { "kind": "system" }, "detail": {},
        });
        let called = self.call(&webhook, &state, "0", &body, now).await;
        Ok(called.err().map(|error| error.to_string()))
    }

    /// Begins deliveries again that had ended; what happened meanwhile is delivered, too.
    ///
    /// # Errors
    /// [`AdminError::BadCall`]: the service has no webhook. Storage failed, or a row is damaged.
    pub async fn enable_webhook(&self, service: &Service, by: Actor) -> Result<(), AdminError> {
        let service = service.clone();
        self.write(move |vault, tx| {
            let mut state = vault.delivery(tx, service.id)?.ok_or(VaultError::Refused("the service has no webhook"))?;
            (state.disabled, state.failures, state.next_at) = (false, 0, UnixSeconds::EPOCH);
            state.lease.1 = UnixSeconds::EPOCH;
            for stuck in &mut state.stuck {
                stuck.next_at = UnixSeconds::EPOCH;
            }
            vault.put_delivery(tx, service.id, &mut state)?;
            let now = vault.reading().now();
            vault.record(tx, &Event::new(EventKind::WebhookEnabled, service.about(), by, now))?;
            Ok(())
        })
        .await
    }

    async fn call(
        &self,
        webhook: &Webhook,
        state: &Delivery,
        id: &str,
        body: &serde_json::Value,
        now: UnixSeconds,
    ) -> Result<(), CallError> {
        let mut secrets: Vec<&Secret<32>> = vec![&webhook.secret];
        secrets.extend(state.old_secret.as_ref().filter(|(_, until)| now < *until).map(|(secret, _)| secret));
        self.caller.call(&Call { url: &webhook.url, id, body, secrets: &secrets, now }).await
    }

    /// The same calls, with deliveries by `caller`.
    #[must_use]
    pub fn with_caller(self, caller: Caller) -> Self {
        Self { caller, ..self }
    }
}

/// What a round may end with that is worth a line in the log: that another node was faster is not.
struct VaultErrorIn(Option<AdminError>);

impl From<AdminError> for VaultErrorIn {
    fn from(error: AdminError) -> Self {
        let is_race = matches!(&error, AdminError::Failed(error) if error.is_conflict());
        Self((!is_race).then_some(error))
    }
}

impl VaultErrorIn {
    fn log(self, service: u64) {
        if let Some(error) = self.0 {
            tracing::error!(service, %error, "a webhook could not be delivered to");
        }
    }
}

/// Says that this node delivers to the service no more, however the round ended.
struct Leave<'a> {
    busy: &'a Busy,
    service: u64,
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.busy.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.service);
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
                let Some(service) = vault.services(tx)?.into_iter().find(|service| service.id == id) else {
                    return Ok(());
                };
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

#[cfg(test)]
mod tests;
