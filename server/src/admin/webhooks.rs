//! Deliveries to webhooks: at least once, in order for each token, at a fixed pace and from the journal alone, so that
//! nothing is ever sent while a device waits for its answer.

mod round;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cardea_protocol::Secret;
use serde_json::json;

use super::counts::Standing;
use super::{Admin, AdminError, Service};
use crate::clock::UnixSeconds;
use crate::domain::actor::Actor;
use crate::shutdown::Shutdown;
use crate::storage::rows::JournalRows;
use crate::vault::{Delivery, Event, EventKind, VaultError, Webhook};
use crate::webhook::{Call, CallError, Caller};
use round::PATIENCE;

/// How often the journal is looked at.
const PACE: Duration = Duration::from_secs(1);

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

/// The services that this node delivers to at the moment.
#[derive(Debug, Default)]
pub(super) struct Busy(Mutex<HashSet<u64>>);

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

#[cfg(test)]
mod tests;
