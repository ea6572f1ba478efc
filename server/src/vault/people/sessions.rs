//! Sessions: bearer tokens that last, one for each account, application and identifier.

use super::{Account, Application, HELD_MAX, HashOf, accounts};
use crate::clock::UnixSeconds;
use crate::domain::account::{AccountState, parse_identifier};
use crate::domain::actor::Actor;
use crate::domain::world::ClockReading;
use crate::storage::Transaction;
use crate::storage::rows::{SessionRow, SessionRows};
use crate::vault::seal::Table;
use crate::vault::{Decoder, Encoder, EventKind, Vault, VaultError};

/// A session to be added.
#[derive(Debug)]
pub struct NewSession<'a> {
    /// Whose it is.
    pub account: &'a Account,
    /// What it is good for; everything that has no application of its own without one.
    pub application: Option<&'a Application>,
    /// What the device or app calls itself.
    pub identifier: &'a str,
    /// The first second in which it is no longer good.
    pub expires_at: Option<UnixSeconds>,
}

/// A session. Its token is stored nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The number of the account.
    pub account: u64,
    /// The number of the application.
    pub application: Option<u64>,
    /// What the device or app calls itself.
    pub identifier: String,
    /// When it was made.
    pub created_at: UnixSeconds,
    /// The first second in which it is no longer good.
    pub expires_at: Option<UnixSeconds>,
    /// Of account and application when it was made.
    epochs: [u32; 2],
    hash: [u8; 32],
}

impl Session {
    /// Whether it is good, for an account and an application that are what they are now.
    #[must_use]
    pub fn is_good(&self, account: &Account, application: Option<&Application>, clock: ClockReading) -> bool {
        let is_over = self.expires_at.is_some_and(|end| clock.has_reached(end));
        let has_application = match (self.application, application) {
            (None, None) => true,
            (Some(number), Some(application)) => {
                application.number == number && application.active && application.epoch == self.epochs[1]
            }
            _ => false,
        };
        let is_account = account.number == self.account && account.epoch == self.epochs[0];
        !is_over && has_application && is_account && account.state == AccountState::Active
    }
}

impl Vault {
    /// Makes a session whose token is `token`, which is not kept, in the place of the one of the same account,
    /// application and identifier.
    ///
    /// # Errors
    /// Storage failed.
    pub fn begin_session(
        &self,
        tx: &mut dyn Transaction,
        new: &NewSession<'_>,
        token: &str,
        clock: ClockReading,
    ) -> Result<Session, VaultError> {
        let session = Session {
            account: new.account.number,
            application: new.application.map(|application| application.number),
            identifier: new.identifier.to_owned(),
            created_at: clock.now(),
            // Later than a column can say is never.
            expires_at: new.expires_at.filter(|end| *end < SessionRow::NEVER),
            epochs: [new.account.epoch, new.application.map_or(0, |application| application.epoch)],
            hash: self.found_by(HashOf::Bearer, &[token.as_bytes()]),
        };
        tx.put_session(&self.session_row(&session))?;
        tx.trim_sessions(session.account, HELD_MAX)?;
        let by = Actor::Account(session.account);
        let event = accounts::about(EventKind::SignedIn, new.account, by, clock);
        self.record(tx, &event.with("application", session.application).with("identifier", new.identifier))?;
        self.mark_time(tx, clock)?;
        Ok(session)
    }

    /// The session with this token, good or not.
    ///
    /// # Errors
    /// The row is damaged; storage failed.
    pub fn session(&self, tx: &mut dyn Transaction, token: &str) -> Result<Option<Session>, VaultError> {
        // A keyed hash is looked up, so the comparison's timing says nothing about any token.
        let hash = self.found_by(HashOf::Bearer, &[token.as_bytes()]);
        SessionRows::session(tx, &hash)?.map(|row| self.open_session(row)).transpose()
    }

    /// Ends a session.
    ///
    /// # Errors
    /// Storage failed.
    pub fn end_session(
        &self,
        tx: &mut dyn Transaction,
        session: &Session,
        account: &Account,
        clock: ClockReading,
    ) -> Result<(), VaultError> {
        tx.delete_session(&session.hash)?;
        let event = accounts::about(EventKind::SignedOut, account, Actor::Account(account.number), clock);
        let event = event.with("application", session.application).with("identifier", session.identifier.as_str());
        self.record(tx, &event)?;
        self.mark_time(tx, clock)
    }

    /// Removes the sessions that are over.
    ///
    /// # Errors
    /// Storage failed.
    pub fn sweep_sessions(&self, tx: &mut dyn Transaction, clock: ClockReading) -> Result<usize, VaultError> {
        Ok(tx.sweep_sessions(clock.now())?)
    }

    fn session_row(&self, session: &Session) -> SessionRow {
        let Session { account, application, identifier, created_at, expires_at, epochs, hash } = session;
        let numbers = [account.to_le_bytes(), application.unwrap_or_default().to_le_bytes()];
        let slot = self.found_by(HashOf::Slot, &[&numbers[0], &numbers[1], identifier.as_bytes()]);
        let mut content = Encoder::new();
        content.u64(application.unwrap_or_default()).text(identifier).u32(epochs[0]).u32(epochs[1]);
        let expires_at = expires_at.unwrap_or(SessionRow::NEVER);
        let times = [created_at.get().to_le_bytes(), expires_at.get().to_le_bytes()];
        let sealed = self.seal(Table::Session, &[hash, &numbers[0], &slot, &times[0], &times[1]], 1, &content);
        SessionRow { hash: *hash, account: *account, slot, created_at: *created_at, expires_at, sealed }
    }

    fn open_session(&self, row: SessionRow) -> Result<Session, VaultError> {
        let SessionRow { hash, account, slot, created_at, expires_at, sealed } = row;
        let times = [created_at.get().to_le_bytes(), expires_at.get().to_le_bytes()];
        let binding: [&[u8]; 5] = [&hash, &account.to_le_bytes(), &slot, &times[0], &times[1]];
        let content = self.sealer.open(Table::Session, &binding, &sealed)?;
        let mut decoder = Decoder::new(Table::Session, &content);
        let application = Some(decoder.u64()?).filter(|number| *number != 0);
        let identifier = parse_identifier(&decoder.text()?).map_err(|_| decoder.damaged())?.to_owned();
        let expires_at = Some(expires_at).filter(|end| *end != SessionRow::NEVER);
        let epochs = [decoder.u32()?, decoder.u32()?];
        decoder.end()?;
        Ok(Session { account, application, identifier, created_at, expires_at, epochs, hash })
    }
}
