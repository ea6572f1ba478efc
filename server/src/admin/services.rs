//! Services.

use cardea_protocol::token::Argon2Class;

use super::authkeys::may;
use super::{Actor, Admin, AdminError, Service, taken};
use crate::domain::authkey::Scope;
use crate::domain::name::ServiceName;
use crate::domain::permission::Permission;
use crate::domain::rules::ServiceRules;
use crate::domain::world::Window;

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

impl Admin {
    /// Creates a service, and its subscription if that is new.
    ///
    /// # Errors
    /// [`AdminError::BadCall`]: the name is not valid or taken, or a setting is out of range.
    /// [`AdminError::Forbidden`]: `by` may not create services there.
    pub async fn create_service(&self, new: NewService, by: Actor) -> Result<Service, AdminError> {
        let name = ServiceName::parse(&new.name)?;
        new.rules.validate(self.development)?;
        let created = self
            .write(move |vault, tx| {
                let within = Scope::Subscription(name.subscription().to_owned());
                if !may(vault, tx, by, &within, Permission::Services)? {
                    return Ok(Err(AdminError::Forbidden));
                }
                vault.create_service(tx, &name, new.rules, vault.reading().now()).map(Ok)
            })
            .await;
        taken(created, "there is a service with this name already")?
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
}
