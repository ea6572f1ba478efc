//! Services, and what may be done in them with which authkey.

mod authkeys;

pub use authkeys::{Authkey, NewAuthkey};
use cardea_protocol::token::{Argon2Class, ShortString};

use super::seal::Table;
use super::{Decoder, Encoder, Vault, VaultError};
use crate::clock::UnixSeconds;
use crate::domain::name::ServiceName;
use crate::domain::rules::ServiceRules;
use crate::domain::throttle::Limits;
use crate::domain::world::Window;
use crate::storage::Transaction;
use crate::storage::rows::{AccessRows, MetaRows, ServiceRow};

/// A service and its settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its number in the database.
    pub id: u64,
    /// Its API name.
    pub name: ServiceName,
    /// Its settings.
    pub rules: ServiceRules,
}

impl Vault {
    /// Adds a service, and its subscription if that is new.
    ///
    /// # Errors
    /// [`StorageError::Exists`](crate::storage::StorageError::Exists) when the name is taken; storage failed.
    pub fn create_service(
        &self,
        tx: &mut dyn Transaction,
        name: &ServiceName,
        rules: ServiceRules,
        now: UnixSeconds,
    ) -> Result<Service, VaultError> {
        tx.ensure_subscription(name.subscription(), now)?;
        let id = tx.next_number("service")?;
        let row = ServiceRow {
            id,
            name: name.as_str().to_owned(),
            subscription: name.subscription().to_owned(),
            sealed: self.seal(Table::Service, &[&id.to_le_bytes(), name.as_str().as_bytes()], 1, &encode_rules(&rules)),
        };
        tx.insert_service(&row)?;
        Ok(Service { id, name: name.clone(), rules })
    }

    /// Changes the settings of a service. They hold for openings from before, too, where they are stricter.
    ///
    /// # Errors
    /// [`VaultError::Unknown`]; storage failed.
    pub fn update_service(
        &self,
        tx: &mut dyn Transaction,
        name: &ServiceName,
        rules: ServiceRules,
    ) -> Result<Service, VaultError> {
        let row = tx.service_by_name(name.as_str())?.ok_or(VaultError::Unknown("service"))?;
        let ver = row.sealed.ver + 1;
        let binding: [&[u8]; 2] = [&row.id.to_le_bytes(), row.name.as_bytes()];
        tx.update_service(row.id, &self.seal(Table::Service, &binding, ver, &encode_rules(&rules)))?;
        Ok(Service { id: row.id, name: name.clone(), rules })
    }

    /// The service with this API name.
    ///
    /// # Errors
    /// The row is damaged; storage failed.
    pub fn service(&self, tx: &mut dyn Transaction, name: &ServiceName) -> Result<Option<Service>, VaultError> {
        tx.service_by_name(name.as_str())?.map(|row| self.open_service(&row)).transpose()
    }

    /// The service with this number.
    ///
    /// # Errors
    /// There is none, or its row is damaged; storage failed.
    pub(super) fn service_by_id(&self, tx: &mut dyn Transaction, id: u64) -> Result<Service, VaultError> {
        let row = tx.service_by_id(id)?.ok_or(VaultError::Damaged(Table::Service.name()))?;
        self.open_service(&row)
    }

    /// All services, by name.
    ///
    /// # Errors
    /// A row is damaged; storage failed.
    pub fn services(&self, tx: &mut dyn Transaction) -> Result<Vec<Service>, VaultError> {
        tx.services()?.iter().map(|row| self.open_service(row)).collect()
    }

    fn open_service(&self, row: &ServiceRow) -> Result<Service, VaultError> {
        let binding: [&[u8]; 2] = [&row.id.to_le_bytes(), row.name.as_bytes()];
        let content = self.sealer.open(Table::Service, &binding, &row.sealed)?;
        let name = ServiceName::parse(&row.name).map_err(|_| VaultError::Damaged(Table::Service.name()))?;
        Ok(Service { id: row.id, name, rules: decode_rules(&content)? })
    }
}

fn encode_rules(rules: &ServiceRules) -> Encoder {
    let mut content = Encoder::new();
    content
        .u8(1)
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
        .u32(rules.enrollment_seconds);
    content
}

fn decode_rules(content: &[u8]) -> Result<ServiceRules, VaultError> {
    let mut decoder = Decoder::new(Table::Service, content);
    if decoder.u8()? != 1 {
        return Err(decoder.damaged());
    }
    let rules = ServiceRules {
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
    };
    decoder.end()?;
    Ok(rules)
}
