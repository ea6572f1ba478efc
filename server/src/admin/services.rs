//! Services.

use cardea_protocol::Secret;
use cardea_protocol::limits::DEVICES_PER_TOKEN;
use cardea_protocol::token::Argon2Class;
use data_encoding::BASE64URL_NOPAD;

use super::authkeys::may;
use super::{Actor, Admin, AdminError, Service, taken};
use crate::domain::authkey::Scope;
use crate::domain::name::{ServiceName, parse_label};
use crate::domain::permission::Permission;
use crate::domain::rules::{RulesChange, ServiceRules};
use crate::domain::webhook::parse_webhook;
use crate::domain::world::Window;
use crate::storage::Transaction;
use crate::vault::{Purged, Repeatable, Vault, VaultError};

/// Tokens of a deleted service that are deleted at once; others may change something in between.
const BATCH: u32 = 100;

/// A service to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewService {
    /// Its API name, `<subscription>_<service>`.
    pub name: String,
    /// Its settings.
    pub rules: ServiceRules,
    /// What people see, one to 64 bytes of text; `None` shows the API name.
    pub label: Option<String>,
    /// Where its events are delivered.
    pub webhook: Option<String>,
}

impl NewService {
    /// A service with the default settings.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), rules: ServiceRules::default(), label: None, webhook: None }
    }

    /// A service for `dev`: the cheap PIN hash, a window of `window` seconds, and as many devices as there can be.
    #[must_use]
    pub fn development(name: &str, window: u32) -> Self {
        let rules = ServiceRules::default();
        let window = Window::new(window, rules.window.lifetime());
        let devices = u8::try_from(DEVICES_PER_TOKEN).unwrap_or(u8::MAX);
        Self { rules: ServiceRules { argon2: Argon2Class::Test, window, devices, ..rules }, ..Self::new(name) }
    }
}

/// What shall be different about a service; `None` leaves something as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceChange {
    /// Its settings.
    pub rules: RulesChange,
    /// What people see; `Some(None)` shows the API name.
    pub label: Option<Option<String>>,
    /// Where its events are delivered; `Some(None)` for nowhere.
    pub webhook: Option<Option<String>>,
}

impl ServiceChange {
    /// The names that the API gives to the settings which it changes.
    fn names(&self) -> Vec<&'static str> {
        let Self { rules, label, webhook } = self;
        [
            ("window", rules.window.is_some()),
            ("openingLifetime", rules.opening_lifetime.is_some()),
            ("duress", rules.duress.is_some()),
            ("silentAlarm", rules.silent_alarm.is_some()),
            ("biometric", rules.biometric.is_some()),
            ("emulated", rules.emulated.is_some()),
            ("pinMin", rules.pin_min.is_some()),
            ("pinMax", rules.pin_max.is_some()),
            ("attempts", rules.attempts.is_some()),
            ("unblockAfter", rules.unblock_after.is_some()),
            ("shortString", rules.short_string.is_some()),
            ("enrollmentSeconds", rules.enrollment_seconds.is_some()),
            ("devices", rules.devices.is_some()),
            ("tellChecks", rules.tell_checks.is_some()),
            ("label", label.is_some()),
            ("webhook", webhook.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, is_there)| is_there.then_some(name))
        .collect()
    }
}

/// A service as it was stored.
pub struct StoredService {
    /// The service.
    pub service: Service,
    /// Where its events are delivered.
    pub webhook: Option<String>,
    /// What signs deliveries, in Base64url, if the webhook is new. Shown now and never again.
    pub webhook_secret: Option<String>,
}

impl std::fmt::Debug for StoredService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredService").field("service", &self.service).finish_non_exhaustive()
    }
}

fn shown(secret: &Secret<32>) -> String {
    BASE64URL_NOPAD.encode(secret.expose())
}

impl Admin {
    /// Creates a service. The operator's command makes its subscription with it if that is new.
    ///
    /// # Errors
    /// [`AdminError::BadCall`]: the name is not valid or taken, or a setting is out of range.
    /// [`AdminError::Forbidden`]: `by` may not create services there. [`AdminError::NoSubscription`].
    pub async fn create_service(&self, new: NewService, by: Actor) -> Result<StoredService, AdminError> {
        let job = self.service_job(new, by)?;
        taken(self.write(job).await, TAKEN)
    }

    /// As [`Admin::create_service`], for a caller who may ask again: answers what `said` makes of it, every time.
    ///
    /// # Errors
    /// As [`Admin::create_service`]; [`AdminError::BadCall`]: something else was asked under the same key.
    pub async fn create_service_once(
        &self,
        new: NewService,
        by: Actor,
        once: Option<Repeatable>,
        said: fn(&StoredService) -> String,
    ) -> Result<String, AdminError> {
        let job = self.service_job(new, by)?;
        taken(self.write_once(once, move |vault, tx| job(vault, tx).map(|stored| said(&stored))).await, TAKEN)
    }

    fn service_job(
        &self,
        new: NewService,
        by: Actor,
    ) -> Result<impl FnOnce(&Vault, &mut dyn Transaction) -> Result<StoredService, VaultError> + Send + use<>, AdminError>
    {
        let NewService { name, rules, label, webhook } = new;
        let name = ServiceName::parse(&name)?;
        rules.validate(self.development)?;
        let label = label.as_deref().map(parse_label).transpose()?.map(str::to_owned);
        let webhook = self.webhook_address(webhook)?;
        Ok(move |vault: &Vault, tx: &mut dyn Transaction| {
            let within = Scope::Subscription(name.subscription().to_owned());
            if !may(vault, tx, by, &within, Permission::Services)? {
                return Err(VaultError::Forbidden);
            }
            let service = vault.create_service(tx, &name, (label, rules), by, vault.reading())?;
            let secret = vault.set_webhook(tx, &service, webhook.as_deref())?;
            Ok(StoredService { service, webhook, webhook_secret: secret.as_ref().map(shown) })
        })
    }

    fn webhook_address(&self, given: Option<String>) -> Result<Option<String>, AdminError> {
        let plain = self.development || self.plain_webhooks;
        Ok(given.map(|url| parse_webhook(&url, plain)).transpose()?)
    }

    /// Changes what `change` names about a service and leaves everything else as it is. Tokens that have more devices
    /// than are allowed now keep them.
    ///
    /// # Errors
    /// [`AdminError::BadCall`]: a setting is out of range. [`AdminError::Forbidden`]: `by` may not administer it.
    /// [`AdminError::NoService`].
    pub async fn update_service(
        &self,
        name: &ServiceName,
        change: ServiceChange,
        by: Actor,
    ) -> Result<StoredService, AdminError> {
        let (name, changed, development) = (name.clone(), change.names(), self.development);
        let label = match change.label {
            Some(Some(label)) => Some(Some(parse_label(&label)?.to_owned())),
            other => other,
        };
        let webhook = change.webhook.map(|given| self.webhook_address(given)).transpose()?;
        let rules = change.rules;
        let answer = self.write(move |vault, tx| {
            let mut service = administered(vault, tx, &name, by)?;
            let wanted = rules.applied_to(service.rules);
            // A service of `dev` stays one.
            if let Err(error) = wanted.validate(development || service.rules.argon2 == Argon2Class::Test) {
                return Ok(Err(error.into()));
            }
            service.rules = wanted;
            if let Some(label) = label {
                service.label = label;
            }
            vault.update_service(tx, &mut service, &changed, by, vault.reading())?;
            let secret = match &webhook {
                Some(url) => vault.set_webhook(tx, &service, url.as_deref())?,
                None => None,
            };
            let webhook = vault.webhook(tx, service.id)?.map(|webhook| webhook.url);
            Ok(Ok(StoredService { service, webhook, webhook_secret: secret.as_ref().map(shown) }))
        });
        answer.await?
    }

    /// Gives a service's webhook a new secret and returns it in Base64url. It is shown now and never again.
    ///
    /// # Errors
    /// [`AdminError::BadCall`]: it has no webhook. [`AdminError::Forbidden`], [`AdminError::NoService`].
    pub async fn renew_webhook_secret(&self, name: &ServiceName, by: Actor) -> Result<String, AdminError> {
        let name = name.clone();
        self.write(move |vault, tx| {
            let service = administered(vault, tx, &name, by)?;
            vault.renew_webhook_secret(tx, &service, by, vault.reading()).map(|secret| shown(&secret))
        })
        .await
    }

    /// Deletes a service with its webhook, revokes its authkeys, and with `force` deletes its tokens: their devices are
    /// told when they come back. From the first moment nobody finds it any more. When this ends early, house keeping
    /// deletes the tokens that are left.
    ///
    /// # Errors
    /// [`AdminError::BadCall`]: it has tokens and `force` was not said. [`AdminError::Forbidden`],
    /// [`AdminError::NoService`].
    pub async fn delete_service(&self, name: &ServiceName, force: bool, by: Actor) -> Result<(), AdminError> {
        let name = name.clone();
        let retire = move |vault: &Vault, tx: &mut dyn Transaction| {
            let mut service = administered(vault, tx, &name, by)?;
            vault.retire_service(tx, &mut service, force, by, vault.reading()).map(|()| service.id)
        };
        let id = self.write(retire).await?;
        self.purge_service(id, by).await
    }

    async fn purge_service(&self, id: u64, by: Actor) -> Result<(), AdminError> {
        loop {
            let purge =
                move |vault: &Vault, tx: &mut dyn Transaction| vault.purge_service(tx, id, BATCH, by, vault.reading());
            let Purged { tokens, done } = self.write(purge).await?;
            tokens.into_iter().for_each(|token| self.changed(token));
            if done {
                return Ok(());
            }
        }
    }

    /// Finishes what [`Admin::delete_service`] has begun, should a server have been killed over it.
    /// [`Admin::keep_house`] does so by itself.
    ///
    /// # Errors
    /// Storage failed, or a row is damaged.
    pub async fn finish_deletions(&self) -> Result<(), AdminError> {
        for id in self.read(|vault, tx| vault.retired_services(tx)).await? {
            self.purge_service(id, Actor::System).await?;
        }
        Ok(())
    }

    /// All services, by name.
    ///
    /// # Errors
    /// Storage failed, or a row is damaged.
    pub async fn list_services(&self) -> Result<Vec<Service>, AdminError> {
        self.read(|vault, tx| vault.services(tx)).await
    }

    /// The services in `scope`, by name, each with the address of its webhook.
    ///
    /// # Errors
    /// Storage failed, or a row is damaged.
    pub async fn services_in(&self, scope: &Scope) -> Result<Vec<(Service, Option<String>)>, AdminError> {
        let scope = scope.clone();
        self.read(move |vault, tx| {
            let mut found = Vec::new();
            for service in vault.services(tx)? {
                if scope.covers(&Scope::Service(service.name.clone())) {
                    let webhook = vault.webhook(tx, service.id)?.map(|webhook| webhook.url);
                    found.push((service, webhook));
                }
            }
            Ok(found)
        })
        .await
    }

    /// The service with this name and the address of its webhook.
    ///
    /// # Errors
    /// [`AdminError::NoService`]; storage failed, or a row is damaged.
    pub async fn service(&self, name: &ServiceName) -> Result<(Service, Option<String>), AdminError> {
        let name = name.clone();
        self.read(move |vault, tx| {
            let service = vault.service(tx, &name)?.ok_or(VaultError::Unknown("service"))?;
            let webhook = vault.webhook(tx, service.id)?.map(|webhook| webhook.url);
            Ok((service, webhook))
        })
        .await
    }
}

const TAKEN: &str = "there is a service with this name already, or it is still being deleted";

/// The service with this name, for who may administer it.
fn administered(vault: &Vault, tx: &mut dyn Transaction, name: &ServiceName, by: Actor) -> Result<Service, VaultError> {
    if !may(vault, tx, by, &Scope::Service(name.clone()), Permission::Services)? {
        return Err(VaultError::Forbidden);
    }
    vault.service(tx, name)?.ok_or(VaultError::Unknown("service"))
}
