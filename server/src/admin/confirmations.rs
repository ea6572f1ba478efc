//! Confirmations: texts that holders approve or deny.

use super::{Admin, AdminError, Ask, Confirmation, ConfirmationState, Service};
use crate::domain::actor::Actor;
use crate::domain::name::UserId;
use crate::storage::rows::JournalFilter;
use crate::storage::{StorageError, Transaction};
use crate::vault::{Repeatable, Signed, Vault};

/// Most confirmations whose end is written down in one transaction.
const SWEEP: u32 = 200;
/// Most confirmations that are looked at for one page of a list that is narrowed to a state.
const LOOKED_AT: u32 = 10_000;

/// A page of confirmations, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfirmationList {
    /// The confirmations.
    pub items: Vec<Confirmation>,
    /// What to ask for the next page with; `None` after the last one.
    pub next: Option<u64>,
}

impl Admin {
    /// Asks the holder of the user's token to confirm a text. Devices are told the number of the authkey that asks.
    ///
    /// # Errors
    /// [`AdminError::NoToken`]; [`AdminError::BadCall`]: the token has no device, or three wait already. Storage failed,
    /// or a row is damaged.
    pub async fn ask_confirmation(
        &self,
        service: &Service,
        user: &UserId,
        ask: Ask,
        by: Actor,
    ) -> Result<Confirmation, AdminError> {
        let (service, user) = (service.clone(), user.clone());
        let asked = self
            .write(move |vault, tx| vault.ask_confirmation(tx, &service, &user, &ask, (by, vault.reading())))
            .await?;
        Ok(asked)
    }

    /// As [`Admin::ask_confirmation`], for a caller who may ask again: answers what `said` makes of the new confirmation,
    /// every time.
    ///
    /// # Errors
    /// As [`Admin::ask_confirmation`]; [`AdminError::BadCall`]: something else was asked under the same key.
    pub async fn ask_confirmation_once(
        &self,
        service: &Service,
        user: &UserId,
        ask: Ask,
        by: Actor,
        once: Option<Repeatable>,
        said: fn(&Confirmation) -> String,
    ) -> Result<String, AdminError> {
        let (service, user) = (service.clone(), user.clone());
        let ask = move |vault: &Vault, tx: &mut dyn Transaction| {
            vault.ask_confirmation(tx, &service, &user, &ask, (by, vault.reading())).map(|asked| said(&asked))
        };
        self.write_once(once, ask).await
    }

    /// How a confirmation stands. An approval under duress is none: it reads as a denial unless `sees_duress`.
    ///
    /// That nobody answered in time is durable before this says so.
    ///
    /// # Errors
    /// [`AdminError::NoConfirmation`]; storage failed, or a row is damaged.
    pub async fn confirmation(
        &self,
        service: &Service,
        id: [u8; 8],
        sees_duress: bool,
    ) -> Result<Confirmation, AdminError> {
        let of = service.clone();
        let found = self.read(move |vault, tx| vault.confirmation(tx, &of, &id, vault.reading())).await?;
        Ok(self.settled(service, found).await?.told(sees_duress))
    }

    /// What the device signed when it answered: proof for whoever is shown it. `None` if nobody answered, if retention
    /// has erased it, or if the caller may not know: a statement tells whether it was a denial.
    ///
    /// # Errors
    /// Storage failed, or a row is damaged.
    pub async fn confirmation_receipt(&self, confirmation: &Confirmation) -> Result<Option<Signed>, AdminError> {
        let Some(seq) = confirmation.receipt else { return Ok(None) };
        let rows = self.read(move |vault, tx| vault.journal(tx, &JournalFilter::All, seq - 1, 1)).await?;
        let row = rows.into_iter().find(|row| row.seq() == seq);
        Ok(row.and_then(|row| row.content).and_then(|content| content.event.signed))
    }

    /// Takes a confirmation back. One that has ended stays as it is: look at its state.
    ///
    /// # Errors
    /// [`AdminError::NoConfirmation`]; storage failed, or a row is damaged.
    pub async fn cancel_confirmation(
        &self,
        service: &Service,
        id: [u8; 8],
        (by, sees_duress): (Actor, bool),
    ) -> Result<Confirmation, AdminError> {
        let service = service.clone();
        let ended =
            self.write(move |vault, tx| vault.cancel_confirmation(tx, &service, &id, (by, vault.reading()))).await?;
        Ok(ended.told(sees_duress))
    }

    /// A page of at most `limit` confirmations (1 to 1000), newest first: of `user` or of the whole service, in `state`
    /// or in any. `after` is [`ConfirmationList::next`] of the page before. A page may be empty although there is a
    /// next one.
    ///
    /// # Errors
    /// [`AdminError::NoToken`]; storage failed, or a row is damaged.
    pub async fn confirmations(
        &self,
        service: &Service,
        user: Option<&UserId>,
        state: Option<&'static str>,
        (after, limit): (Option<u64>, u32),
        sees_duress: bool,
    ) -> Result<ConfirmationList, AdminError> {
        let limit = limit.clamp(1, 1_000);
        let (mut below, mut items, mut looked) = (after.unwrap_or(u64::MAX), Vec::new(), 0);
        loop {
            let (of, whom) = (service.clone(), user.cloned());
            let page = self
                .read(move |vault, tx| vault.confirmations(tx, &of, whom.as_ref(), (below, limit), vault.reading()))
                .await?;
            let is_last = page.len() < limit as usize;
            for found in page {
                below = found.seq;
                looked += 1;
                let found = self.settled(service, found).await?.told(sees_duress);
                if state.is_none_or(|state| state == found.state.name()) {
                    items.push(found);
                }
                if items.len() == limit as usize {
                    return Ok(ConfirmationList { items, next: Some(below) });
                }
            }
            if is_last {
                return Ok(ConfirmationList { items, next: None });
            }
            if looked >= LOOKED_AT {
                return Ok(ConfirmationList { items, next: Some(below) });
            }
        }
    }

    /// Writes down the end of confirmations that nobody answered in time; returns how many ended. [`Admin::keep_house`]
    /// does so by itself.
    ///
    /// # Errors
    /// Storage failed, or a row is damaged.
    pub async fn end_confirmations(&self) -> Result<usize, AdminError> {
        let due = self.read(|vault, tx| vault.has_confirmations_due(tx, vault.reading())).await?;
        if !due {
            return Ok(0);
        }
        self.write(|vault, tx| vault.sweep_confirmations(tx, SWEEP, vault.reading())).await
    }

    /// Makes it durable that the time of a confirmation is over.
    async fn settled(&self, service: &Service, found: Confirmation) -> Result<Confirmation, AdminError> {
        if !found.is_overdue {
            return Ok(found);
        }
        let (of, id) = (service.clone(), found.id);
        match self.write(move |vault, tx| vault.settle_confirmation(tx, &of, &id, vault.reading())).await {
            // Somebody else has written it down.
            Err(AdminError::Failed(crate::vault::VaultError::Storage(StorageError::Conflict))) => Ok(found),
            settled => settled,
        }
    }
}

impl Confirmation {
    /// As it is told to who may or may not know of duress.
    fn told(mut self, sees_duress: bool) -> Self {
        self.state = self.state.told(sees_duress);
        // A device that has denied and one that was made to approve look alike.
        if !sees_duress && matches!(self.state, ConfirmationState::Denied { .. }) {
            self.device = None;
            self.receipt = None;
        }
        self
    }
}
