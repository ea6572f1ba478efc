//! Services and authkeys.

use cardea_protocol::Secret;
use cardea_protocol::crypto::Random;
use cardea_protocol::token::Argon2Class;
use data_encoding::BASE64URL_NOPAD;

use super::{Admin, AdminError, Service};
use crate::clock::UnixSeconds;
use crate::domain::name::{ServiceName, is_authkey, parse_subscription};
use crate::domain::permission::{Permission, Permissions};
use crate::domain::rules::ServiceRules;
use crate::domain::world::Window;
use crate::storage::StorageError;
use crate::storage::rows::AccessRows;
use crate::vault::{Authkey, NewAuthkey, Scope, VaultError};

/// Longest name of an authkey in bytes.
const KEY_NAME_MAX: usize = 100;

/// A service to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewService {
    /// Its API name, `<subscription>_<service>`.
    pub name: String,
    /// Its settings.
    pub rules: ServiceRules,
}

impl NewService {
    /// A service with the default settings.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), rules: ServiceRules::default() }
    }

    /// A service for `dev`: the cheap PIN hash, and a window of `window` seconds.
    #[must_use]
    pub fn development(name: &str, window: u32) -> Self {
        let rules = ServiceRules::default();
        let window = Window::new(window, rules.window.lifetime());
        Self { rules: ServiceRules { argon2: Argon2Class::Test, window, ..rules }, ..Self::new(name) }
    }
}

/// Where an authkey is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyScope {
    /// In the service with this API name.
    Service(String),
    /// In all services of the subscription with this name.
    Subscription(String),
}

/// An authkey that was just made. Its value is shown now and never again.
pub struct CreatedAuthkey {
    /// Its number.
    pub id: u64,
    /// The key.
    pub value: String,
}

impl std::fmt::Debug for CreatedAuthkey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreatedAuthkey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// An authkey in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthkeyEntry {
    /// Its number.
    pub id: u64,
    /// What people call it.
    pub name: String,
    /// The service or subscription that it is good in.
    pub scope: String,
    /// What it allows there.
    pub permissions: Permissions,
    /// When it was made.
    pub created_at: UnixSeconds,
}

impl From<Authkey> for AuthkeyEntry {
    fn from(authkey: Authkey) -> Self {
        let Authkey { id, content: NewAuthkey { name, target: scope, permissions, .. }, created_at } = authkey;
        Self { id, name, scope, permissions, created_at }
    }
}

impl Admin {
    /// Checks a call's service name and authkey, in this order: 400, 403, 404. A key that is not good in the service is
    /// refused before anything is said about whether there is such a service.
    ///
    /// # Errors
    /// [`AdminError::BadCall`]: no service has such a name. [`AdminError::Forbidden`], [`AdminError::NoService`].
    pub async fn authorize(&self, service: &str, authkey: &str, permission: Permission) -> Result<Service, AdminError> {
        let name = ServiceName::parse(service)?;
        if !is_authkey(authkey) {
            return Err(AdminError::Forbidden);
        }
        let authkey = AuthkeyCopy(authkey.to_owned());
        let found = self
            .read(move |vault, tx| {
                let key = vault.authkey(tx, &authkey.0)?;
                let allowed = key.is_some_and(|key| key.covers(&name) && key.content.permissions.allows(permission));
                if allowed { vault.service(tx, &name).map(Some) } else { Ok(None) }
            })
            .await?;
        found.ok_or(AdminError::Forbidden)?.ok_or(AdminError::NoService)
    }

    /// Creates a service, and its subscription if that is new.
    ///
    /// # Errors
    /// [`AdminError::BadCall`]: the name is not valid or taken, or a setting is out of range.
    pub async fn create_service(&self, new: NewService) -> Result<Service, AdminError> {
        let name = ServiceName::parse(&new.name)?;
        new.rules.validate(self.development)?;
        let created =
            self.write(move |vault, tx| vault.create_service(tx, &name, new.rules, vault.reading().now())).await;
        taken(created, "there is a service with this name already")
    }

    /// Changes the settings of a service.
    ///
    /// # Errors
    /// [`AdminError::BadCall`]: a setting is out of range. [`AdminError::NoService`].
    pub async fn update_service(&self, name: &ServiceName, rules: ServiceRules) -> Result<Service, AdminError> {
        rules.validate(self.development)?;
        let name = name.clone();
        self.write(move |vault, tx| vault.update_service(tx, &name, rules)).await
    }

    /// All services, by name.
    ///
    /// # Errors
    /// Storage failed, or a row is damaged.
    pub async fn list_services(&self) -> Result<Vec<Service>, AdminError> {
        self.read(|vault, tx| vault.services(tx)).await
    }

    /// Creates an authkey, with a given value or a random one.
    ///
    /// # Errors
    /// [`AdminError::BadCall`]: a name or the value is not valid, or the value is in use. [`AdminError::NoService`]:
    /// there is no such service or subscription.
    pub async fn create_authkey(
        &self,
        scope: KeyScope,
        name: &str,
        permissions: Permissions,
        value: Option<String>,
    ) -> Result<CreatedAuthkey, AdminError> {
        if !(1..=KEY_NAME_MAX).contains(&name.len()) || name.chars().any(char::is_control) {
            return Err(AdminError::BadCall("the name of an authkey is between one and 100 bytes of text".to_owned()));
        }
        let (scope, target) = match scope {
            KeyScope::Service(name) => (Scope::Service, ServiceName::parse(&name)?.as_str().to_owned()),
            KeyScope::Subscription(name) => (Scope::Subscription, parse_subscription(&name)?.to_owned()),
        };
        let value = value.unwrap_or_else(|| {
            let bytes: Secret<32> = self.vault.random().secret();
            BASE64URL_NOPAD.encode(bytes.expose())
        });
        if !is_authkey(&value) {
            let form = "an authkey is between 16 and 128 of A-Z, a-z, 0-9, `-` and `_`";
            return Err(AdminError::BadCall(form.to_owned()));
        }
        let new = NewAuthkey { name: name.to_owned(), scope, target, permissions };
        let stored = AuthkeyCopy(value.clone());
        let created = self
            .write(move |vault, tx| {
                let exists = match new.scope {
                    Scope::Service => tx.service_by_name(&new.target)?.is_some(),
                    Scope::Subscription => tx.has_subscription(&new.target)?,
                };
                if !exists {
                    return Err(VaultError::Unknown("service"));
                }
                vault.create_authkey(tx, new, &stored.0, vault.reading().now())
            })
            .await;
        let created = taken(created, "this authkey is in use already: choose another value")?;
        Ok(CreatedAuthkey { id: created.id, value })
    }

    /// All authkeys, by number, without their values.
    ///
    /// # Errors
    /// Storage failed, or a row is damaged.
    pub async fn list_authkeys(&self) -> Result<Vec<AuthkeyEntry>, AdminError> {
        let keys = self.read(|vault, tx| vault.authkeys(tx)).await?;
        Ok(keys.into_iter().map(AuthkeyEntry::from).collect())
    }

    /// Revokes the authkey with this number: the next call with it is refused.
    ///
    /// # Errors
    /// [`AdminError::BadCall`]: there is no such authkey.
    pub async fn revoke_authkey(&self, id: &str) -> Result<(), AdminError> {
        let none = || AdminError::BadCall("there is no authkey with this id: see the list".to_owned());
        let id: u64 = id.parse().map_err(|_| none())?;
        if self.write(move |_, tx| Ok(tx.delete_authkey(id)?)).await? { Ok(()) } else { Err(none()) }
    }
}

/// A copy of an authkey that is wiped when the job that needs it is done.
struct AuthkeyCopy(String);

impl Drop for AuthkeyCopy {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0);
    }
}

fn taken<T>(result: Result<T, AdminError>, message: &str) -> Result<T, AdminError> {
    match result {
        Err(AdminError::Failed(VaultError::Storage(StorageError::Exists))) => {
            Err(AdminError::BadCall(message.to_owned()))
        }
        result => result,
    }
}
