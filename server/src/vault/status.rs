//! A status in one question to the database.

use cardea_protocol::token::TokenId;

use super::access::{Authkey, Service};
use super::seal::Table;
use super::{Facts, MARKS, Vault, VaultError};
use crate::domain::name::{ServiceName, UserId};
use crate::domain::world::ClockReading;
use crate::storage::Transaction;
use crate::storage::rows::{DeviceRow, Sealed, StatusRows, TokenRow};

/// What the database has answered, opened only as far as the caller may know.
pub struct Question {
    /// The authkey, good or not.
    pub authkey: Option<Authkey>,
    /// The service.
    pub service: Option<Service>,
    /// The time of the answer.
    pub clock: ClockReading,
    token: Option<TokenRow>,
    devices: Vec<(DeviceRow, Option<Sealed>)>,
}

impl std::fmt::Debug for Question {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Question").field("service", &self.service).finish_non_exhaustive()
    }
}

impl Vault {
    /// Asks for everything that the status of `user` in the service called `name` depends on, and for the authkey with
    /// this value. One statement, so that [`Store::ask`](crate::storage::Store::ask) may run it.
    ///
    /// # Errors
    /// The row of the authkey or the service is damaged; storage failed.
    pub fn question(
        &self,
        tx: &mut dyn Transaction,
        name: &ServiceName,
        authkey: &str,
        user: &UserId,
    ) -> Result<Question, VaultError> {
        let hash = self.sealer.authkey_hash(authkey);
        let facts = tx.status_facts(&hash, name.as_str(), user.as_str(), MARKS)?;
        // What another node has seen of time counts here, too.
        self.open_marks(facts.marks)?;
        let clock = self.reading();
        let authkey = facts.authkey.map(|row| self.open_authkey(row)).transpose()?;
        let service = facts.service.map(|row| self.open_service(&row)).transpose()?;
        if service.as_ref().is_some_and(|service| service.name != *name) {
            return Err(VaultError::Damaged(Table::Service.name()));
        }
        // What does not belong to the question is no answer.
        let (of, whom) = (service.as_ref().map(|service| service.id), user.as_str().as_bytes());
        if facts.token.as_ref().is_some_and(|token| Some(token.service) != of || token.user != whom) {
            return Err(VaultError::Damaged(Table::Token.name()));
        }
        Ok(Question { authkey, service, clock, token: facts.token, devices: facts.devices })
    }

    /// As [`Vault::facts`], from the answer, with the id of the token; `None` when the user has no token.
    ///
    /// # Errors
    /// A row is damaged.
    pub fn facts_in(&self, question: Question) -> Result<Option<(TokenId, Facts)>, VaultError> {
        let Some(token) = question.token.map(|row| self.open_token(row)).transpose()? else { return Ok(None) };
        let mut facts = Facts::of(&token);
        for (row, attempts) in question.devices {
            if row.key.token != *token.id.bytes() {
                return Err(VaultError::Damaged(Table::Device.name()));
            }
            self.add_device(&mut facts, &self.open_device(row)?, attempts)?;
        }
        Ok(Some((token.id, facts)))
    }
}
