//! Where the events of services are delivered. Delivering them is not done here.

use cardea_protocol::Secret;

use super::Service;
use crate::domain::actor::Actor;
use crate::domain::world::ClockReading;
use crate::storage::Transaction;
use crate::storage::rows::{AccessRows, DeliveryRows};
use crate::vault::seal::Table;
use crate::vault::{Decoder, Encoder, Event, EventKind, Vault, VaultError, random_secret};

/// Where the events of a service are delivered.
#[derive(Debug)]
pub struct Webhook {
    /// The address.
    pub url: String,
    /// What signs deliveries.
    pub secret: Secret<32>,
    ver: u64,
}

impl Vault {
    /// The webhook of the service with this number.
    ///
    /// # Errors
    /// The row is damaged; storage failed.
    pub fn webhook(&self, tx: &mut dyn Transaction, service: u64) -> Result<Option<Webhook>, VaultError> {
        let Some(sealed) = tx.webhook(service)? else { return Ok(None) };
        let content = self.sealer.open(Table::Webhook, &[&service.to_le_bytes()], &sealed)?;
        let mut decoder = Decoder::new(Table::Webhook, &content);
        let damaged = decoder.damaged();
        let secret = decoder.secret()?;
        let url = String::from_utf8(decoder.rest().to_vec()).map_err(|_| damaged)?;
        Ok(Some(Webhook { url, secret, ver: sealed.ver }))
    }

    /// Sets the address of a service's webhook; `None` takes the webhook away. Returns the secret if there was no
    /// webhook before: another address of the same service keeps it.
    ///
    /// # Errors
    /// The row is damaged; storage failed.
    pub fn set_webhook(
        &self,
        tx: &mut dyn Transaction,
        service: &Service,
        url: Option<&str>,
    ) -> Result<Option<Secret<32>>, VaultError> {
        match (url, self.webhook(tx, service.id)?) {
            (None, _) => {
                tx.delete_webhook(service.id)?;
                tx.delete_delivery(service.id)?;
                Ok(None)
            }
            (Some(url), Some(webhook)) => {
                self.put_webhook(tx, service, url, &webhook.secret, webhook.ver)?;
                Ok(None)
            }
            (Some(url), None) => {
                let secret = random_secret(&*self.entropy);
                self.put_webhook(tx, service, url, &secret, 0)?;
                self.begin_delivery(tx, service.id)?;
                Ok(Some(secret))
            }
        }
    }

    /// Gives a service's webhook a new secret and returns it. The old one signs deliveries as well for a day.
    ///
    /// # Errors
    /// [`VaultError::Refused`]: the service has no webhook. The row is damaged; storage failed.
    pub fn renew_webhook_secret(
        &self,
        tx: &mut dyn Transaction,
        service: &Service,
        by: Actor,
        clock: ClockReading,
    ) -> Result<Secret<32>, VaultError> {
        let webhook = self.webhook(tx, service.id)?.ok_or(VaultError::Refused("the service has no webhook"))?;
        let secret = random_secret(&*self.entropy);
        self.put_webhook(tx, service, &webhook.url, &secret, webhook.ver)?;
        self.keep_old_secret(tx, service.id, webhook.secret, clock.now())?;
        self.record(tx, &Event::new(EventKind::WebhookSecretChanged, service.about(), by, clock.now()))?;
        self.mark_time(tx, clock)?;
        Ok(secret)
    }

    fn put_webhook(
        &self,
        tx: &mut dyn Transaction,
        service: &Service,
        url: &str,
        secret: &Secret<32>,
        ver: u64,
    ) -> Result<(), VaultError> {
        let mut content = Encoder::new();
        content.put(secret.expose()).put(url.as_bytes());
        let sealed = self.seal(Table::Webhook, &[&service.id.to_le_bytes()], ver + 1, &content);
        Ok(tx.put_webhook(service.id, &sealed)?)
    }
}
