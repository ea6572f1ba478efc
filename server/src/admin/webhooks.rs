//! Deliveries to webhooks: at least once, in order for each token, at a fixed pace and from the journal alone, so that
//! nothing is ever sent while a device waits for its answer.

mod round;

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
use crate::storage::rows::{AccessRows, JournalRows, ServiceRow};
use crate::vault::{Delivery, Event, EventKind, VaultError, Webhook};
use crate::webhook::{Call, CallError, Caller};
use round::PATIENCE;

/// How often the journal is looked at.
const PACE: Duration = Duration::from_secs(1);
/// Most tests of webhooks at once: each is a call of the API that waits for somebody else's answer.
const TESTS: usize = 8;

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

/// The services whose webhooks this node calls at the moment.
#[derive(Debug, Default)]
pub(super) struct Busy(Mutex<HashSet<u64>>);

impl Busy {
    /// Notes that the service's webhook is called, until the answer is dropped; `None` if it is called already, or
    /// those of `most` others are.
    fn enter(&self, service: u64, most: usize) -> Option<Leave<'_>> {
        let mut services = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entered = services.len() < most && services.insert(service);
        // Made only when it is due: dropping one takes the lock, and the mark away.
        entered.then(|| Leave { busy: self, service })
    }
}

/// Says that this node calls the service's webhook no more, however that ended.
struct Leave<'a> {
    busy: &'a Busy,
    service: u64,
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.busy.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.service);
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

    /// The numbers of the services that have a webhook. One whose row is damaged is an error in the log and no more:
    /// deliveries to the others go on.
    pub(super) async fn webhook_services(&self) -> Result<Vec<u64>, AdminError> {
        let (services, standing) = self
            .read(|vault, tx| {
                let (mut services, mut standing) = (Vec::new(), Standing::default());
                let newest = JournalRows::newest_journal(tx)?;
                for ServiceRow { id, .. } in tx.services()? {
                    let state = match vault.delivery(tx, id) {
                        Ok(Some(state)) => state,
                        Ok(None) => continue,
                        Err(error @ VaultError::Storage(_)) => return Err(error),
                        Err(error) => {
                            tracing::error!(service = id, %error, "nothing can be delivered to a webhook");
                            continue;
                        }
                    };
                    standing.add(&state, newest);
                    if !state.disabled {
                        services.push(id);
                    }
                }
                Ok((services, standing))
            })
            .await?;
        self.counts.webhooks_stand(&standing);
        Ok(services)
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
    /// [`AdminError::BadCall`]: the service has no webhook. [`AdminError::TooMany`]: its webhook, or those of several
    /// other services, are being tested. Storage failed, or a row is damaged.
    pub async fn test_webhook(&self, service: &Service) -> Result<Option<String>, AdminError> {
        let id = service.id;
        let _leave = self.tests.enter(id, TESTS).ok_or(AdminError::TooMany)?;
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

    /// Begins deliveries again that had ended; what happened meanwhile is delivered, too, as far as retention has kept
    /// it: it does not wait for a webhook that is disabled. Returns how many of the service's rows it has erased that
    /// were not delivered; the event says so as well.
    ///
    /// # Errors
    /// [`AdminError::BadCall`]: the service has no webhook. Storage failed, or a row is damaged.
    pub async fn enable_webhook(&self, service: &Service, by: Actor) -> Result<u64, AdminError> {
        let service = service.clone();
        self.write(move |vault, tx| {
            let mut state = vault.delivery(tx, service.id)?.ok_or(VaultError::Refused("the service has no webhook"))?;
            let gone = (state.passed(), vault.journal_erased(tx)?);
            let erased = if state.disabled { tx.count_journal(service.id, gone.0, gone.1)? } else { 0 };
            (state.disabled, state.failures, state.next_at) = (false, 0, UnixSeconds::EPOCH);
            state.lease.1 = UnixSeconds::EPOCH;
            for stuck in &mut state.stuck {
                stuck.next_at = UnixSeconds::EPOCH;
            }
            vault.put_delivery(tx, service.id, &mut state)?;
            let now = vault.reading().now();
            let event = Event::new(EventKind::WebhookEnabled, service.about(), by, now);
            vault.record(tx, &if erased > 0 { event.with("erased", erased) } else { event })?;
            Ok(erased)
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

#[cfg(test)]
mod tests;
