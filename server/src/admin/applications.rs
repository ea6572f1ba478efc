//! Applications: made, listed, changed, given appsecrets, removed.

use data_encoding::HEXLOWER;
use zeroize::Zeroizing;

use super::accounts::{check, is_there};
use super::{Actor, Admin, AdminError};
use crate::domain::name::{parse_key_name, parse_subscription};
use crate::storage::Transaction;
use crate::vault::{Application, EventKind, NewApplication, Repeatable, Vault, VaultError};

/// An application that was just made, or got another appsecret. That is shown now and never again.
pub struct CreatedApplication {
    /// The application.
    pub application: Application,
    /// Its appsecret.
    pub secret: Zeroizing<String>,
}

impl std::fmt::Debug for CreatedApplication {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreatedApplication").field("application", &self.application.number).finish_non_exhaustive()
    }
}

impl Admin {
    /// Makes an application.
    ///
    /// # Errors
    /// [`AdminError::BadCall`]: it cannot be called so. [`AdminError::Forbidden`], [`AdminError::NoSubscription`].
    pub async fn create_application(
        &self,
        subscription: &str,
        name: &str,
        by: Actor,
    ) -> Result<CreatedApplication, AdminError> {
        let job = self.application_job(subscription, name, by)?;
        self.write(job).await
    }

    /// As [`Admin::create_application`], for a caller who may ask again: answers what `said` makes of it, every time.
    ///
    /// # Errors
    /// As [`Admin::create_application`]; [`AdminError::BadCall`]: something else was asked under the same key.
    pub async fn create_application_once(
        &self,
        subscription: &str,
        name: &str,
        by: Actor,
        once: Option<Repeatable>,
        said: fn(&CreatedApplication) -> String,
    ) -> Result<String, AdminError> {
        let job = self.application_job(subscription, name, by)?;
        self.write_once(once, move |vault, tx| job(vault, tx).map(|created| said(&created))).await
    }

    fn application_job(
        &self,
        subscription: &str,
        name: &str,
        by: Actor,
    ) -> Result<
        impl FnOnce(&Vault, &mut dyn Transaction) -> Result<CreatedApplication, VaultError> + Send + use<>,
        AdminError,
    > {
        let subscription = parse_subscription(subscription)?.to_owned();
        let name = parse_key_name(name)?.to_owned();
        let secret = self.bearer();
        Ok(move |vault: &Vault, tx: &mut dyn Transaction| {
            check(vault, tx, by, &subscription)?;
            let new = NewApplication { subscription, name };
            let application = vault.create_application(tx, new, &secret, by, vault.reading())?;
            Ok(CreatedApplication { application, secret })
        })
    }

    /// At most `limit` applications of a subscription with numbers above `after`, by number.
    ///
    /// # Errors
    /// [`AdminError::NoSubscription`]; storage failed, or a row is damaged.
    pub async fn list_applications(
        &self,
        subscription: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Application>, AdminError> {
        let subscription = subscription.to_owned();
        self.read(move |vault, tx| {
            is_there(tx, &subscription)?;
            vault.applications(tx, &subscription, after, limit)
        })
        .await
    }

    /// Calls an application otherwise, or lets people sign in to it or not. What they were signed in with is over when
    /// they may not, also when they may again.
    ///
    /// # Errors
    /// [`AdminError::BadCall`]: it cannot be called so. [`AdminError::NoApplication`], [`AdminError::Forbidden`].
    pub async fn update_application(
        &self,
        subscription: &str,
        number: u64,
        name: Option<&str>,
        active: Option<bool>,
        by: Actor,
    ) -> Result<Application, AdminError> {
        let name = name.map(parse_key_name).transpose()?.map(str::to_owned);
        let subscription = subscription.to_owned();
        self.write(move |vault, tx| {
            let mut application = administered(vault, tx, by, &subscription, number)?;
            application.name = name.unwrap_or(application.name);
            if active.is_some_and(|active| application.active && !active) {
                application.epoch = application.epoch.wrapping_add(1);
            }
            application.active = active.unwrap_or(application.active);
            vault.update_application(tx, &mut application, EventKind::ApplicationUpdated, by, vault.reading())?;
            Ok(application)
        })
        .await
    }

    /// Gives an application another appsecret. What people were signed in with stays good.
    ///
    /// # Errors
    /// [`AdminError::NoApplication`], [`AdminError::Forbidden`]; storage failed.
    pub async fn renew_appsecret(
        &self,
        subscription: &str,
        number: u64,
        by: Actor,
    ) -> Result<CreatedApplication, AdminError> {
        let (subscription, secret) = (subscription.to_owned(), self.bearer());
        self.write(move |vault, tx| {
            let mut application = administered(vault, tx, by, &subscription, number)?;
            vault.renew_appsecret(tx, &mut application, &secret, by, vault.reading())?;
            Ok(CreatedApplication { application, secret })
        })
        .await
    }

    /// Removes an application. What people were signed in to it with is over.
    ///
    /// # Errors
    /// [`AdminError::NoApplication`], [`AdminError::Forbidden`]; storage failed.
    pub async fn delete_application(&self, subscription: &str, number: u64, by: Actor) -> Result<(), AdminError> {
        let subscription = subscription.to_owned();
        self.write(move |vault, tx| {
            let application = administered(vault, tx, by, &subscription, number)?;
            vault.delete_application(tx, &application, by, vault.reading())
        })
        .await
    }

    /// 160 random bits in hexadecimal: a token or an appsecret.
    pub(super) fn bearer(&self) -> Zeroizing<String> {
        let bytes = Zeroizing::new(crate::entropy::bytes::<20>(self.vault.entropy()));
        Zeroizing::new(HEXLOWER.encode(&*bytes))
    }
}

fn administered(
    vault: &Vault,
    tx: &mut dyn Transaction,
    by: Actor,
    subscription: &str,
    number: u64,
) -> Result<Application, VaultError> {
    check(vault, tx, by, subscription)?;
    let application = vault.application(tx, number)?.filter(|it| it.subscription == subscription);
    application.ok_or(VaultError::Unknown("application"))
}
