//! Confirmations: a text that a relying party asks the holder to approve or deny.
//!
//! A confirmation waits while its row says so, its token has a place for it, and its time is not over. The first answer
//! is final. An approval under duress takes the place and writes the row as any other, and is none.

mod pending;
mod stored;

pub use pending::Named;
pub(super) use stored::StoredConfirmation;

use cardea_protocol::token::DeviceId;

use super::{Event, EventKind, Service, Token, Vault, VaultError, random_id};
use crate::clock::UnixSeconds;
use crate::domain::actor::Actor;
use crate::domain::confirmation::{Ask, AskError, ConfirmationState, Waiting};
use crate::domain::name::UserId;
use crate::domain::world::ClockReading;
use crate::storage::Transaction;
use crate::storage::rows::{ConfirmationRows, MetaRows};

/// A confirmation as it stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmation {
    /// Its id.
    pub id: [u8; 8],
    /// Its number in the instance: who was asked later has the higher one.
    pub seq: u64,
    /// The user who is asked.
    pub user: String,
    /// What the device shows and signs.
    pub text: String,
    /// Who asks, if it was said.
    pub relying_party: Option<String>,
    /// When it was asked.
    pub asked_at: UnixSeconds,
    /// The first second in which it cannot be answered any more.
    pub expires_at: UnixSeconds,
    /// How it stands. [`ConfirmationState::Duress`] is not for everybody: [`ConfirmationState::told`].
    pub state: ConfirmationState,
    /// When it was answered, taken back, or found expired.
    pub ended_at: Option<UnixSeconds>,
    /// Who answered.
    pub device: Option<DeviceId>,
    /// The number of the journal's row that has the signed answer.
    pub receipt: Option<u64>,
    /// Its time is over and nobody has written that down: see [`Vault::settle_confirmation`].
    pub is_overdue: bool,
}

/// What was done to a confirmation, other than answering it.
struct Ending {
    kind: EventKind,
    id: [u8; 8],
    by: Actor,
}

impl Vault {
    /// Asks the holder of a token to confirm a text.
    ///
    /// # Errors
    /// [`VaultError::Unknown`]: there is no such token. [`VaultError::Ask`]: it has no device, or as many wait as may.
    /// A row is damaged; storage failed.
    pub fn ask_confirmation(
        &self,
        tx: &mut dyn Transaction,
        service: &Service,
        user: &UserId,
        ask: &Ask,
        (by, clock): (Actor, ClockReading),
    ) -> Result<Confirmation, VaultError> {
        let mut token = self.existing_token(tx, service, user)?;
        let devices = self.devices_of(tx, token.id.bytes())?;
        if !devices.iter().any(super::Device::is_enrolled_in_truth) {
            return Err(AskError::NoDevice.into());
        }
        // A place that is given away must not turn what expired there into something else.
        for place in token.state.waiting.places.into_iter().flatten() {
            if let Some(mut stored) = self.stored_confirmation(tx, &place.id)? {
                self.expire(tx, &mut stored, &mut token, service, clock)?;
            }
        }
        let now = clock.now();
        let (id, expires_at) = (random_id(&*self.entropy), now.plus(u64::from(ask.expires_in())));
        token.state.waiting.add(Waiting { id, expires_at }, now).ok_or(AskError::TooMany)?;
        let stored = StoredConfirmation {
            id,
            seq: tx.next_number("confirmation")?,
            token: *token.id.bytes(),
            service: service.id,
            expires_at,
            ver: 1,
            asked_at: now,
            asked_by: by.authkey().map_or(0, |number| u32::try_from(number).unwrap_or(u32::MAX)),
            state: ConfirmationState::Pending,
            ended_at: UnixSeconds::EPOCH,
            device: None,
            receipt: 0,
            relying_party: ask.relying_party().unwrap_or_default().to_owned(),
            text: ask.text().to_owned(),
        };
        tx.insert_confirmation(&self.seal_confirmation(&stored)?)?;
        let ending = Ending { kind: EventKind::ConfirmationAsked, id, by };
        self.end_change(tx, &mut token, service, ending, clock)?;
        Ok(opened(stored, &token, now))
    }

    /// The confirmation with this id in `service`.
    ///
    /// # Errors
    /// [`VaultError::Unknown`]: there is none. A row is damaged; storage failed.
    pub fn confirmation(
        &self,
        tx: &mut dyn Transaction,
        service: &Service,
        id: &[u8; 8],
        clock: ClockReading,
    ) -> Result<Confirmation, VaultError> {
        let (stored, token) = self.confirmation_and_token(tx, service, id)?;
        Ok(opened(stored, &token, clock.now()))
    }

    /// Writes down that nobody answered in time, if that is so: what has been told to be over must not come back with a
    /// clock that goes back.
    ///
    /// # Errors
    /// [`VaultError::Unknown`]: there is no such confirmation. A row is damaged; storage failed.
    pub fn settle_confirmation(
        &self,
        tx: &mut dyn Transaction,
        service: &Service,
        id: &[u8; 8],
        clock: ClockReading,
    ) -> Result<Confirmation, VaultError> {
        let (mut stored, mut token) = self.confirmation_and_token(tx, service, id)?;
        self.expire(tx, &mut stored, &mut token, service, clock)?;
        Ok(opened(stored, &token, clock.now()))
    }

    /// Takes a confirmation back. One that has ended stays as it is.
    ///
    /// # Errors
    /// [`VaultError::Unknown`]: there is none. A row is damaged; storage failed.
    pub fn cancel_confirmation(
        &self,
        tx: &mut dyn Transaction,
        service: &Service,
        id: &[u8; 8],
        (by, clock): (Actor, ClockReading),
    ) -> Result<Confirmation, VaultError> {
        let (mut stored, mut token) = self.confirmation_and_token(tx, service, id)?;
        let now = clock.now();
        if !self.expire(tx, &mut stored, &mut token, service, clock)?
            && stored.state(&token, now) == ConfirmationState::Pending
        {
            stored.end(&mut token, ConfirmationState::Cancelled, None, now);
            self.put_confirmation(tx, &mut stored)?;
            let ending = Ending { kind: EventKind::ConfirmationCancelled, id: stored.id, by };
            self.end_change(tx, &mut token, service, ending, clock)?;
        }
        Ok(opened(stored, &token, now))
    }

    /// At most `limit` confirmations with numbers below `below`, newest first: of `user`, or of the whole service.
    ///
    /// # Errors
    /// [`VaultError::Unknown`]: the user has no token. A row is damaged; storage failed.
    pub fn confirmations(
        &self,
        tx: &mut dyn Transaction,
        service: &Service,
        user: Option<&UserId>,
        (below, limit): (u64, u32),
        clock: ClockReading,
    ) -> Result<Vec<Confirmation>, VaultError> {
        let below = below.min(i64::MAX.unsigned_abs());
        let rows = match user {
            Some(user) => {
                let token = self.existing_token(tx, service, user)?;
                tx.confirmations_of(token.id.bytes(), below, limit)?
            }
            None => tx.confirmations_in(service.id, below, limit)?,
        };
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let stored = self.open_confirmation(row)?;
            // They go together, in one transaction.
            let token = self.token_by_id(tx, &stored.token)?.ok_or(VaultError::Unknown("token"))?;
            found.push(opened(stored, &token, clock.now()));
        }
        Ok(found)
    }

    /// Writes down the end of at most `limit` confirmations whose time is over; returns how many there were.
    ///
    /// # Errors
    /// A row is damaged; storage failed.
    pub fn sweep_confirmations(
        &self,
        tx: &mut dyn Transaction,
        limit: u32,
        clock: ClockReading,
    ) -> Result<usize, VaultError> {
        let Some(now) = clock.trusted() else { return Ok(0) };
        let due = tx.confirmations_due(now, limit)?;
        let count = due.len();
        for row in due {
            tx.mark_swept(&row.id)?;
            let mut stored = self.open_confirmation(row)?;
            if let Some(mut token) = self.token_by_id(tx, &stored.token)? {
                let service = self.service_by_id(tx, token.service)?;
                self.expire(tx, &mut stored, &mut token, &service, clock)?;
            }
        }
        Ok(count)
    }

    /// Whether there is anything for [`Vault::sweep_confirmations`].
    ///
    /// # Errors
    /// Storage failed.
    pub fn has_confirmations_due(&self, tx: &mut dyn Transaction, clock: ClockReading) -> Result<bool, VaultError> {
        Ok(!tx.confirmations_due(clock.now(), 1)?.is_empty())
    }

    /// Writes down that the time of a confirmation is over; returns whether it had to be.
    fn expire(
        &self,
        tx: &mut dyn Transaction,
        stored: &mut StoredConfirmation,
        token: &mut Token,
        service: &Service,
        clock: ClockReading,
    ) -> Result<bool, VaultError> {
        let Some(now) = clock.trusted() else { return Ok(false) };
        let is_over =
            stored.state == ConfirmationState::Pending && stored.state(token, now) == ConfirmationState::Expired;
        if is_over {
            stored.end(token, ConfirmationState::Expired, None, now);
            self.put_confirmation(tx, stored)?;
            let ending = Ending { kind: EventKind::ConfirmationExpired, id: stored.id, by: Actor::System };
            self.end_change(tx, token, service, ending, clock)?;
        }
        Ok(is_over)
    }

    fn end_change(
        &self,
        tx: &mut dyn Transaction,
        token: &mut Token,
        service: &Service,
        Ending { kind, id, by }: Ending,
        clock: ClockReading,
    ) -> Result<(), VaultError> {
        self.put_token(tx, token)?;
        let event = Event::on_token(kind, token, service, by, clock.now())?;
        self.record(tx, &Event { confirmation: Some(id), ..event })?;
        self.mark_time(tx, clock)
    }

    fn confirmation_and_token(
        &self,
        tx: &mut dyn Transaction,
        service: &Service,
        id: &[u8; 8],
    ) -> Result<(StoredConfirmation, Token), VaultError> {
        let unknown = VaultError::Unknown("confirmation");
        let stored = self.stored_confirmation(tx, id)?.filter(|stored| stored.service == service.id);
        let stored = stored.ok_or(unknown.clone())?;
        let token = self.token_by_id(tx, &stored.token)?.ok_or(unknown)?;
        Ok((stored, token))
    }
}

fn opened(stored: StoredConfirmation, token: &Token, now: UnixSeconds) -> Confirmation {
    let state = stored.state(token, now);
    let is_final = stored.state != ConfirmationState::Pending;
    Confirmation {
        state,
        is_overdue: !is_final && state == ConfirmationState::Expired,
        ended_at: is_final.then_some(stored.ended_at),
        id: stored.id,
        seq: stored.seq,
        user: String::from_utf8_lossy(&token.user).into_owned(),
        relying_party: (!stored.relying_party.is_empty()).then_some(stored.relying_party),
        text: stored.text,
        asked_at: stored.asked_at,
        expires_at: stored.expires_at,
        device: stored.device,
        receipt: (stored.receipt != 0).then_some(stored.receipt),
    }
}
