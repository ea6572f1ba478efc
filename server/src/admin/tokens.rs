//! Tokens.

use cardea_protocol::token::TokenId;

use super::{Actor, Admin, AdminError, Service};
use crate::domain::name::UserId;
use crate::domain::status::TokenStatus;
use crate::domain::world::ClockReading;
use crate::storage::Transaction;
use crate::vault::{Peeked, Token, Vault, VaultError};

impl Admin {
    /// The status of the user's token. A single-use opening ends with the answer 1; that is durable before this
    /// returns.
    ///
    /// Cancel safe in that an opening ends at most once; a caller that stops waiting may have ended it.
    ///
    /// # Errors
    /// [`AdminError::NoToken`]; storage failed, or a row is damaged.
    pub async fn status(&self, service: &Service, user: &UserId, by: Actor) -> Result<TokenStatus, AdminError> {
        let (of, whom) = (service.clone(), user.clone());
        let found = self
            .read(move |vault, tx| {
                let token = vault.existing_token(tx, &of, &whom)?;
                Ok((token.id, vault.peek(tx, &of, &token, vault.reading())?))
            })
            .await?;
        self.conclude(service, user, by, found).await
    }

    /// What comes of a look at a token: the end of a single-use opening, or the note that one is over.
    pub(super) async fn conclude(
        &self,
        service: &Service,
        user: &UserId,
        by: Actor,
        (token, peeked): (TokenId, Peeked),
    ) -> Result<TokenStatus, AdminError> {
        if peeked.consumes {
            let (of, whom) = (service.clone(), user.clone());
            return self.write(move |vault, tx| vault.check(tx, &of, &whom, by, vault.reading())).await;
        }
        if peeked.ended_at.is_some_and(|end| self.vault.is_end_unmarked(end)) || self.vault.is_void_unmarked() {
            // What has been told to be over must not come back with a clock that goes back, nor when that has caught up,
            // not even after a restart. The answer is "closed" whether or not that can be written.
            if let Err(error) = self.record_time().await {
                tracing::warn!(%error, "the end of an opening could not be recorded");
            }
        }
        self.note_check(&token, &peeked);
        Ok(peeked.status)
    }

    /// A check was answered: counts it for the devices that are to be told of it.
    pub(super) fn note_check(&self, token: &TokenId, peeked: &Peeked) {
        if peeked.is_told {
            self.checks.note(token.bytes(), self.vault.reading().now());
        }
    }

    /// The short authentication string was compared: the device that waits for it may be used.
    ///
    /// # Errors
    /// [`AdminError::NoToken`]; [`AdminError::BadCall`]: no device waits.
    pub async fn confirm_enrollment(&self, service: &Service, user: &UserId, by: Actor) -> Result<(), AdminError> {
        let (service, user) = (service.clone(), user.clone());
        let found =
            self.write(move |vault, tx| vault.confirm_enrollment(tx, &service, &user, by, vault.reading())).await?;
        if found { Ok(()) } else { Err(AdminError::BadCall("no enrollment waits for a confirmation".to_owned())) }
    }

    /// Deletes the token; its devices are told when they come back.
    ///
    /// # Errors
    /// [`AdminError::NoToken`]; storage failed, or a row is damaged.
    pub async fn delete(&self, service: &Service, user: &UserId, by: Actor) -> Result<(), AdminError> {
        self.change(service, user, by, Vault::delete).await
    }

    /// Blocks the token: status 4 until [`Admin::unblock`].
    ///
    /// # Errors
    /// [`AdminError::NoToken`]; storage failed, or a row is damaged.
    pub async fn block(&self, service: &Service, user: &UserId, by: Actor) -> Result<(), AdminError> {
        self.change(service, user, by, Vault::block).await
    }

    /// Lifts an administrator's block and gives the devices their tries back. The token is closed afterwards. A proved
    /// clone stays blocked until another device takes its place.
    ///
    /// # Errors
    /// [`AdminError::NoToken`]; storage failed, or a row is damaged.
    pub async fn unblock(&self, service: &Service, user: &UserId, by: Actor) -> Result<(), AdminError> {
        self.change(service, user, by, Vault::unblock).await
    }

    /// Closes the token. Duress stays.
    ///
    /// # Errors
    /// [`AdminError::NoToken`]; storage failed, or a row is damaged.
    pub async fn close(&self, service: &Service, user: &UserId, by: Actor) -> Result<(), AdminError> {
        self.change(service, user, by, Vault::force_close).await
    }

    /// Ends duress; the token is closed afterwards.
    ///
    /// # Errors
    /// [`AdminError::NoToken`]; storage failed, or a row is damaged.
    pub async fn clear_duress(&self, service: &Service, user: &UserId, by: Actor) -> Result<(), AdminError> {
        self.change(service, user, by, Vault::clear_duress).await
    }

    async fn change(&self, service: &Service, user: &UserId, by: Actor, what: Change) -> Result<(), AdminError> {
        let (service, user) = (service.clone(), user.clone());
        let token = self.write(move |vault, tx| what(vault, tx, &service, &user, by, vault.reading())).await?;
        self.changed(token.id);
        Ok(())
    }
}

type Change = fn(&Vault, &mut dyn Transaction, &Service, &UserId, Actor, ClockReading) -> Result<Token, VaultError>;
