//! Subscriptions, services, webhooks, and what may be done in them with which authkey.

mod authkeys;
mod removal;
mod subscriptions;
mod webhooks;

pub use authkeys::{Authkey, NewAuthkey};
use cardea_protocol::token::{Argon2Class, ShortString};
pub use removal::Purged;
pub use subscriptions::Subscription;
pub use webhooks::Webhook;

use super::seal::Table;
use super::{About, Decoder, Encoder, Event, EventKind, Vault, VaultError};
use crate::clock::UnixSeconds;
use crate::domain::actor::Actor;
use crate::domain::name::{ServiceName, parse_label};
use crate::domain::rules::ServiceRules;
use crate::domain::throttle::Limits;
use crate::domain::world::{ClockReading, Window};
use crate::storage::rows::{AccessRows, MetaRows, ServiceRow};
use crate::storage::{Sealed, Transaction};

/// A service and its settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its number in the database.
    pub id: u64,
    /// Its API name.
    pub name: ServiceName,
    /// When it was created.
    pub created_at: UnixSeconds,
    /// What people see instead of its API name, if somebody has said so.
    pub label: Option<String>,
    /// Its settings.
    pub rules: ServiceRules,
    /// It is being deleted: nobody finds it by its name any more.
    retired: bool,
    /// The last authkey that was there before it: one of an older service of the same name is none of its own.
    keys_before: u64,
    ver: u64,
}

impl Service {
    /// What people see.
    #[must_use]
    pub fn label(&self) -> &str {
        self.label.as_deref().unwrap_or(self.name.as_str())
    }

    pub(crate) fn about(&self) -> About {
        About::Service { id: self.id, name: self.name.clone() }
    }
}

impl Vault {
    /// Adds a service. Its subscription is made with it at the operator's command only.
    ///
    /// # Errors
    /// [`StorageError::Exists`](crate::storage::StorageError::Exists) when the name is taken, also by a service that is
    /// being deleted. [`VaultError::Unknown`]: there is no such subscription. Storage failed.
    pub fn create_service(
        &self,
        tx: &mut dyn Transaction,
        name: &ServiceName,
        (label, rules): (Option<String>, ServiceRules),
        by: Actor,
        clock: ClockReading,
    ) -> Result<Service, VaultError> {
        let subscription = name.subscription();
        if !tx.has_subscription(subscription)? {
            if by.authkey().is_some() {
                return Err(VaultError::Unknown("subscription"));
            }
            self.create_subscription(tx, subscription, by, clock)?;
        }
        let (id, created_at) = (tx.next_number("service")?, clock.now());
        let keys_before = tx.last_number("authkey")?;
        let service = Service { id, name: name.clone(), created_at, label, rules, retired: false, keys_before, ver: 1 };
        tx.insert_service(&ServiceRow {
            id,
            name: name.as_str().to_owned(),
            subscription: subscription.to_owned(),
            sealed: self.seal_service(&service),
        })?;
        self.record(tx, &Event::new(EventKind::ServiceCreated, service.about(), by, clock.now()))?;
        self.mark_time(tx, clock)?;
        Ok(service)
    }

    /// Stores the label and the settings of a service; `changed` names the settings that are different. They hold for
    /// openings from before, too, where they are stricter.
    ///
    /// # Errors
    /// [`StorageError::Conflict`](crate::storage::StorageError::Conflict) when somebody was faster; storage failed.
    pub fn update_service(
        &self,
        tx: &mut dyn Transaction,
        service: &mut Service,
        changed: &[&'static str],
        by: Actor,
        clock: ClockReading,
    ) -> Result<(), VaultError> {
        self.put_service(tx, service)?;
        let event = Event::new(EventKind::ServiceUpdated, service.about(), by, clock.now());
        self.record(tx, &event.with("changed", changed))?;
        self.mark_time(tx, clock)
    }

    fn put_service(&self, tx: &mut dyn Transaction, service: &mut Service) -> Result<(), VaultError> {
        service.ver += 1;
        Ok(tx.update_service(service.id, &self.seal_service(service))?)
    }

    /// The service with this API name.
    ///
    /// # Errors
    /// The row is damaged; storage failed.
    pub fn service(&self, tx: &mut dyn Transaction, name: &ServiceName) -> Result<Option<Service>, VaultError> {
        let service = tx.service_by_name(name.as_str())?.map(|row| self.open_service(&row)).transpose()?;
        Ok(service.filter(|service| !service.retired))
    }

    /// The service with this number, also while it is being deleted.
    ///
    /// # Errors
    /// There is none, or its row is damaged; storage failed.
    pub(crate) fn service_by_id(&self, tx: &mut dyn Transaction, id: u64) -> Result<Service, VaultError> {
        let row = tx.service_by_id(id)?.ok_or(VaultError::Damaged(Table::Service.name()))?;
        self.open_service(&row)
    }

    /// All services, by name.
    ///
    /// # Errors
    /// A row is damaged; storage failed.
    pub fn services(&self, tx: &mut dyn Transaction) -> Result<Vec<Service>, VaultError> {
        let services = tx.services()?;
        let services = services.iter().map(|row| self.open_service(row));
        services.filter(|service| !matches!(service, Ok(service) if service.retired)).collect()
    }

    fn seal_service(&self, service: &Service) -> Sealed {
        let mut content = Encoder::new();
        content.u8(1).time(service.created_at).flag(service.retired).u64(service.keys_before);
        content.text(service.label.as_deref().unwrap_or_default());
        encode_rules(&mut content, &service.rules);
        let binding: [&[u8]; 2] = [&service.id.to_le_bytes(), service.name.as_str().as_bytes()];
        self.seal(Table::Service, &binding, service.ver, &content)
    }

    pub(super) fn open_service(&self, row: &ServiceRow) -> Result<Service, VaultError> {
        let binding: [&[u8]; 2] = [&row.id.to_le_bytes(), row.name.as_bytes()];
        let content = self.sealer.open(Table::Service, &binding, &row.sealed)?;
        let mut decoder = Decoder::new(Table::Service, &content);
        let damaged = decoder.damaged();
        let name = ServiceName::parse(&row.name).map_err(|_| damaged.clone())?;
        if decoder.u8()? != 1 {
            return Err(damaged);
        }
        let (created_at, retired, keys_before) = (decoder.time()?, decoder.flag()?, decoder.u64()?);
        let label = match decoder.text()? {
            none if none.is_empty() => None,
            label => Some(parse_label(&label).map_err(|_| damaged)?.to_owned()),
        };
        let rules = decode_rules(&mut decoder)?;
        decoder.end()?;
        Ok(Service { id: row.id, name, created_at, label, rules, retired, keys_before, ver: row.sealed.ver })
    }
}

fn encode_rules(content: &mut Encoder, rules: &ServiceRules) {
    content
        .u32(rules.window.seconds())
        .u32(rules.window.lifetime())
        .u8(rules.limits.tries)
        .u32(rules.limits.unblock_after)
        .flag(rules.silent_alarm)
        .flag(rules.duress)
        .flag(rules.biometric)
        .flag(rules.emulated)
        .u8(rules.argon2.number())
        .u8(rules.pin_digits.0)
        .u8(rules.pin_digits.1)
        .u8(match rules.short_string {
            ShortString::Off => 0,
            ShortString::Shown => 1,
            ShortString::Required => 2,
        })
        .u32(rules.enrollment_seconds)
        .u8(rules.devices)
        .flag(rules.tell_checks);
}

fn decode_rules(decoder: &mut Decoder<'_>) -> Result<ServiceRules, VaultError> {
    Ok(ServiceRules {
        window: Window::new(decoder.u32()?, decoder.u32()?),
        limits: Limits { tries: decoder.u8()?, unblock_after: decoder.u32()? },
        silent_alarm: decoder.flag()?,
        duress: decoder.flag()?,
        biometric: decoder.flag()?,
        emulated: decoder.flag()?,
        argon2: Argon2Class::from_number(decoder.u8()?).ok_or(decoder.damaged())?,
        pin_digits: (decoder.u8()?, decoder.u8()?),
        short_string: match decoder.u8()? {
            0 => ShortString::Off,
            1 => ShortString::Shown,
            2 => ShortString::Required,
            _ => return Err(decoder.damaged()),
        },
        enrollment_seconds: decoder.u32()?,
        devices: decoder.u8()?,
        tell_checks: decoder.flag()?,
    })
}
