//! Tokens as administrators read them: nothing here ends an opening.

use cardea_protocol::token::{DeviceId, DeviceInfo, TokenId};

use super::{Device, Progress, Service, Token, Vault, VaultError};
use crate::clock::UnixSeconds;
use crate::domain::name::UserId;
use crate::domain::openness::Blocks;
use crate::domain::rules::ServiceRules;
use crate::domain::status::TokenStatus;
use crate::domain::world::ClockReading;
use crate::storage::Transaction;
use crate::storage::rows::TokenRows;

/// A token in a list.
#[derive(Debug, PartialEq, Eq)]
pub struct TokenEntry {
    /// Whose it is.
    pub user: UserId,
    /// Its id on the wire.
    pub token: TokenId,
    /// What a relying party would be told, except that a single-use opening that nobody has checked yet is closed
    /// here: reading a list must let nobody in.
    pub status: TokenStatus,
    /// There is such an opening.
    pub unused: bool,
    /// The first second that is closed again.
    pub until: Option<UnixSeconds>,
    /// When it was made.
    pub created_at: UnixSeconds,
}

/// What a device is to its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceState {
    /// Usable.
    Enrolled,
    /// Waits for its short authentication string to be compared.
    Comparing,
    /// Blocked because its state is not the one that the server knows, or because it was copied.
    Suspended,
    /// It gave itself up, or was revoked by another device, under duress: gone for whoever holds a device of the token.
    GivenUp,
}

/// A device in a list.
#[derive(Debug, PartialEq, Eq)]
pub struct DeviceEntry {
    /// Which one.
    pub device: DeviceId,
    /// What it is to the token.
    pub state: DeviceState,
    /// When it enrolled.
    pub enrolled_at: UnixSeconds,
    /// What it said of itself.
    pub info: DeviceInfo,
    /// Wrong PINs in a row.
    pub failures: u8,
    /// Whether they have blocked it.
    pub blocked: bool,
    /// When that ends by itself.
    pub blocked_until: Option<UnixSeconds>,
}

/// All there is to know of a token.
#[derive(Debug, PartialEq, Eq)]
pub struct Detail {
    /// As in a list.
    pub entry: TokenEntry,
    /// Its devices, without those that were revoked.
    pub devices: Vec<DeviceEntry>,
    /// How far the enrollment of the next one is.
    pub enrollment: Progress,
    /// What blocks the whole token.
    pub blocks: Blocks,
    /// Since when it is under duress.
    pub duress: Option<UnixSeconds>,
}

impl Vault {
    /// At most `limit` tokens of `service` whose user ids follow `after`, in the order of the bytes of their user ids.
    ///
    /// # Errors
    /// A row is damaged; storage failed.
    pub fn tokens(
        &self,
        tx: &mut dyn Transaction,
        service: &Service,
        after: &[u8],
        limit: u32,
        clock: ClockReading,
    ) -> Result<Vec<TokenEntry>, VaultError> {
        let rows = tx.tokens_after(service.id, after, limit)?;
        rows.into_iter()
            .map(|row| self.open_token(row).and_then(|token| self.entry(tx, service, &token, clock)))
            .collect()
    }

    /// All there is to know of a user's token.
    ///
    /// # Errors
    /// [`VaultError::Unknown`]; a row is damaged; storage failed.
    pub fn detail(
        &self,
        tx: &mut dyn Transaction,
        service: &Service,
        user: &UserId,
        clock: ClockReading,
    ) -> Result<Detail, VaultError> {
        let token = self.existing_token(tx, service, user)?;
        let mut devices = Vec::new();
        for device in self.devices_of(tx, token.id.bytes())? {
            if !device.row.revoked || device.given_up_under_duress {
                devices.push(self.device_entry(tx, &device, &service.rules, clock)?);
            }
        }
        Ok(Detail {
            entry: self.entry(tx, service, &token, clock)?,
            devices,
            enrollment: self.progress_of(tx, &token, clock)?,
            blocks: token.state.openness().blocks,
            duress: token.state.openness().duress,
        })
    }

    fn entry(
        &self,
        tx: &mut dyn Transaction,
        service: &Service,
        token: &Token,
        clock: ClockReading,
    ) -> Result<TokenEntry, VaultError> {
        let damaged = VaultError::Damaged(super::Table::Token.name());
        let user =
            String::from_utf8(token.user.clone()).ok().and_then(|user| UserId::parse(user).ok()).ok_or(damaged)?;
        let (status, unused, until) = match self.peek(tx, service, token, clock)?.status {
            TokenStatus::Open(opening) if opening.is_single_use() => (TokenStatus::Closed, true, Some(opening.until())),
            TokenStatus::Open(opening) => {
                let until = opening.until();
                (TokenStatus::Open(opening), false, Some(until))
            }
            status => (status, false, None),
        };
        Ok(TokenEntry { user, token: token.id, status, unused, until, created_at: token.created_at })
    }

    fn device_entry(
        &self,
        tx: &mut dyn Transaction,
        device: &Device,
        rules: &ServiceRules,
        clock: ClockReading,
    ) -> Result<DeviceEntry, VaultError> {
        let state = if device.given_up_under_duress {
            DeviceState::GivenUp
        } else if !device.confirmed {
            DeviceState::Comparing
        } else if device.row.suspended || device.row.clone_blocked {
            DeviceState::Suspended
        } else {
            DeviceState::Enrolled
        };
        let (attempts, now) = (self.throttle(tx, &device.key)?.state, clock.now());
        Ok(DeviceEntry {
            device: DeviceId::new(device.key.number),
            state,
            enrolled_at: device.enrolled_at,
            info: device.info,
            failures: rules.limits.tries.saturating_sub(attempts.tries_left(now, rules.limits)),
            blocked: attempts.is_blocked(now, rules.limits),
            blocked_until: attempts.blocked_until(now, rules.limits),
        })
    }
}
