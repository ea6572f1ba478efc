//! Applications.

use uuid::{Builder, Uuid};

use super::HashOf;
use crate::clock::UnixSeconds;
use crate::domain::actor::Actor;
use crate::domain::name::parse_key_name;
use crate::domain::world::ClockReading;
use crate::storage::Transaction;
use crate::storage::rows::{ApplicationRow, ApplicationRows, MetaRows};
use crate::vault::seal::Table;
use crate::vault::{About, Decoder, Encoder, Event, EventKind, Vault, VaultError, random_id};

/// An application to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApplication {
    /// The subscription.
    pub subscription: String,
    /// What people call it.
    pub name: String,
}

/// An application, without its appsecret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// Its number, which no other application ever has.
    pub number: u64,
    /// The subscription that it belongs to.
    pub subscription: String,
    /// What it calls itself, written as a UUID.
    pub client: [u8; 16],
    /// What people call it.
    pub name: String,
    /// Whether people can sign in to it. What they were signed in with is over as soon as they cannot.
    pub active: bool,
    /// When it was made.
    pub created_at: UnixSeconds,
    /// When it got the appsecret that it has.
    pub secret_at: UnixSeconds,
    /// What was signed in with before this number changed is over.
    pub epoch: u32,
    secret_hash: [u8; 32],
    ver: u64,
}

impl Application {
    /// What it calls itself, as a UUID is written (RFC 9562, section 4).
    #[must_use]
    pub fn client_id(&self) -> String {
        Uuid::from_bytes(self.client).to_string()
    }
}

impl Vault {
    /// Adds an application whose appsecret is `secret`, which is not kept.
    ///
    /// # Errors
    /// Storage failed.
    pub fn create_application(
        &self,
        tx: &mut dyn Transaction,
        new: NewApplication,
        secret: &str,
        by: Actor,
        clock: ClockReading,
    ) -> Result<Application, VaultError> {
        let NewApplication { subscription, name } = new;
        let application = Application {
            number: tx.next_number("application")?,
            subscription,
            client: Builder::from_random_bytes(random_id(self.entropy())).into_uuid().into_bytes(),
            name,
            active: true,
            created_at: clock.now(),
            secret_at: clock.now(),
            epoch: 0,
            secret_hash: self.found_by(HashOf::Appsecret, &[secret.as_bytes()]),
            ver: 1,
        };
        tx.insert_application(&self.application_row(&application))?;
        self.record(tx, &about(EventKind::ApplicationCreated, &application, by, clock))?;
        self.mark_time(tx, clock)?;
        Ok(application)
    }

    /// The application with this number.
    ///
    /// # Errors
    /// The row is damaged; storage failed.
    pub fn application(&self, tx: &mut dyn Transaction, number: u64) -> Result<Option<Application>, VaultError> {
        ApplicationRows::application(tx, number)?.map(|row| self.open_application(row)).transpose()
    }

    /// The application of the subscription with this appsecret, active or not.
    ///
    /// # Errors
    /// The row is damaged; storage failed.
    pub fn application_of(
        &self,
        tx: &mut dyn Transaction,
        subscription: &str,
        secret: &str,
    ) -> Result<Option<Application>, VaultError> {
        // A keyed hash is looked up, so the comparison's timing says nothing about any appsecret.
        let found = tx.application_by_secret(&self.found_by(HashOf::Appsecret, &[secret.as_bytes()]))?;
        let found = found.map(|row| self.open_application(row)).transpose()?;
        Ok(found.filter(|application| application.subscription == subscription))
    }

    /// At most `limit` applications of a subscription with numbers above `after`, by number.
    ///
    /// # Errors
    /// A row is damaged; storage failed.
    pub fn applications(
        &self,
        tx: &mut dyn Transaction,
        subscription: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Application>, VaultError> {
        let rows = ApplicationRows::applications(tx, subscription, after, limit)?;
        rows.into_iter().map(|row| self.open_application(row)).collect()
    }

    /// Gives an application another appsecret. What was signed in with the one before stays good.
    ///
    /// # Errors
    /// Storage failed.
    pub fn renew_appsecret(
        &self,
        tx: &mut dyn Transaction,
        application: &mut Application,
        secret: &str,
        by: Actor,
        clock: ClockReading,
    ) -> Result<(), VaultError> {
        application.secret_hash = self.found_by(HashOf::Appsecret, &[secret.as_bytes()]);
        application.secret_at = clock.now();
        self.update_application(tx, application, EventKind::ApplicationSecretChanged, by, clock)
    }

    /// Stores what was changed of an application.
    ///
    /// # Errors
    /// Storage failed.
    pub fn update_application(
        &self,
        tx: &mut dyn Transaction,
        application: &mut Application,
        kind: EventKind,
        by: Actor,
        clock: ClockReading,
    ) -> Result<(), VaultError> {
        application.ver += 1;
        ApplicationRows::update_application(tx, &self.application_row(application))?;
        self.record(tx, &about(kind, application, by, clock))?;
        self.mark_time(tx, clock)
    }

    /// Removes an application. What was signed in to it is over: its number never comes back.
    ///
    /// # Errors
    /// [`VaultError::Unknown`]; storage failed.
    pub fn delete_application(
        &self,
        tx: &mut dyn Transaction,
        application: &Application,
        by: Actor,
        clock: ClockReading,
    ) -> Result<(), VaultError> {
        if !ApplicationRows::delete_application(tx, application.number)? {
            return Err(VaultError::Unknown("application"));
        }
        self.record(tx, &about(EventKind::ApplicationDeleted, application, by, clock))?;
        self.mark_time(tx, clock)
    }

    fn application_row(&self, application: &Application) -> ApplicationRow {
        let Application { number, subscription, client, name, active, created_at, secret_at, epoch, secret_hash, ver } =
            application;
        let mut content = Encoder::new();
        content.text(name).flag(*active).time(*created_at).time(*secret_at).u32(*epoch);
        let binding: [&[u8]; 4] = [&number.to_le_bytes(), subscription.as_bytes(), client, secret_hash];
        let sealed = self.seal(Table::Application, &binding, *ver, &content);
        ApplicationRow {
            id: *number,
            subscription: subscription.clone(),
            client: *client,
            secret_hash: *secret_hash,
            sealed,
        }
    }

    fn open_application(&self, row: ApplicationRow) -> Result<Application, VaultError> {
        let ApplicationRow { id: number, subscription, client, secret_hash, sealed } = row;
        let binding: [&[u8]; 4] = [&number.to_le_bytes(), subscription.as_bytes(), &client, &secret_hash];
        let content = self.sealer.open(Table::Application, &binding, &sealed)?;
        let mut decoder = Decoder::new(Table::Application, &content);
        let name = parse_key_name(&decoder.text()?).map_err(|_| decoder.damaged())?.to_owned();
        let (active, created_at, secret_at) = (decoder.flag()?, decoder.time()?, decoder.time()?);
        let epoch = decoder.u32()?;
        decoder.end()?;
        let ver = sealed.ver;
        Ok(Application { number, subscription, client, name, active, created_at, secret_at, epoch, secret_hash, ver })
    }
}

/// Something that happened to an application.
fn about(kind: EventKind, application: &Application, by: Actor, clock: ClockReading) -> Event {
    let about = About::Subscription(application.subscription.clone());
    Event::new(kind, about, by, clock.now())
        .with("application", application.number)
        .with("name", application.name.as_str())
}
