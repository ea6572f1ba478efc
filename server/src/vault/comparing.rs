//! From an offer to a device in use: comparing the short authentication string, and how far an enrollment is.

use cardea_protocol::token::DeviceId;

use super::administration::Before;
use super::enrollments::Stage;
use super::{Device, Event, EventKind, Service, Token, Vault, VaultError};
use crate::clock::UnixSeconds;
use crate::domain::actor::Actor;
use crate::domain::name::UserId;
use crate::domain::token::Closer;
use crate::domain::world::ClockReading;
use crate::storage::Transaction;
use crate::storage::rows::EnrollmentRows;

/// How far an enrollment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Nothing is offered and no device is enrolled.
    None,
    /// An offer waits for a device.
    Waiting {
        /// The first second in which it is dead.
        expires_at: UnixSeconds,
    },
    /// A device has finished and waits for its short authentication string to be compared.
    Comparing {
        /// The string as a number; six digits.
        short_string: u32,
        /// The first second in which it can no longer be confirmed.
        expires_at: UnixSeconds,
    },
    /// A device is enrolled.
    Enrolled {
        /// The short authentication string of the last one while somebody may still want to compare it, and until when.
        short_string: Option<(u32, UnixSeconds)>,
    },
    /// An offer, or the time to compare, ran out.
    Expired {
        /// When.
        expires_at: UnixSeconds,
    },
}

impl Vault {
    /// How far the enrollment of the user's next device is.
    ///
    /// # Errors
    /// [`VaultError::Unknown`]; a row is damaged; storage failed.
    pub fn progress(
        &self,
        tx: &mut dyn Transaction,
        service: &Service,
        user: &UserId,
        clock: ClockReading,
    ) -> Result<Progress, VaultError> {
        let token = self.existing_token(tx, service, user)?;
        self.progress_of(tx, &token, clock)
    }

    pub(super) fn progress_of(
        &self,
        tx: &mut dyn Transaction,
        token: &Token,
        clock: ClockReading,
    ) -> Result<Progress, VaultError> {
        let devices = self.devices_of(tx, token.id.bytes())?;
        let enrolled = devices.iter().any(Device::is_enrolled_in_truth);
        let Some(offer) = self.offer_of(tx, token.id.bytes())? else {
            return Ok(if enrolled { Progress::Enrolled { short_string: None } } else { Progress::None });
        };
        let expires_at = offer.state.expires_at;
        let is_live = clock.trusted().is_some_and(|now| offer.state.is_live(now));
        let waits = || devices.iter().any(|device| device.key.number == offer.device && device.waits());
        Ok(match offer.stage {
            Stage::Open if is_live => Progress::Waiting { expires_at },
            Stage::Comparing(short_string) if is_live && waits() => Progress::Comparing { short_string, expires_at },
            Stage::Comparing(digits) if is_live && enrolled => {
                Progress::Enrolled { short_string: Some((digits, expires_at)) }
            }
            Stage::Comparing(_) if enrolled && !waits() => Progress::Enrolled { short_string: None },
            _ => Progress::Expired { expires_at },
        })
    }

    /// The short authentication string was compared and is the same: the device that waits may be used. Returns
    /// whether there was one.
    ///
    /// # Errors
    /// [`VaultError::Unknown`]; a row is damaged; storage failed.
    pub fn confirm_enrollment(
        &self,
        tx: &mut dyn Transaction,
        service: &Service,
        user: &UserId,
        by: Actor,
        clock: ClockReading,
    ) -> Result<bool, VaultError> {
        let mut token = self.existing_token(tx, service, user)?;
        let Some(offer) = self.offer_of(tx, token.id.bytes())? else { return Ok(false) };
        // A clock that went back would revive what has expired.
        let is_live = clock.trusted().is_some_and(|now| offer.state.is_live(now));
        if offer.stage == Stage::Open || !is_live {
            return Ok(false);
        }
        let devices = self.devices_of(tx, token.id.bytes())?;
        let device = devices.into_iter().find(|device| device.key.number == offer.device);
        let Some(mut device) = device.filter(|device| !device.row.revoked) else { return Ok(false) };
        if device.waits() {
            device.confirmed = true;
            self.put_device(tx, &mut device)?;
        }
        tx.delete_enrollment_of(token.id.bytes())?;
        self.commit_token(tx, &mut token, service, (EventKind::Confirmed, by), clock)?;
        Ok(true)
    }

    /// Ends an open offer; a device whose short authentication string could still be compared is given up with it.
    /// Returns whether there was one, open or expired.
    ///
    /// # Errors
    /// [`VaultError::Unknown`]; a row is damaged; storage failed.
    pub fn cancel_enrollment(
        &self,
        tx: &mut dyn Transaction,
        service: &Service,
        user: &UserId,
        by: Actor,
        clock: ClockReading,
    ) -> Result<(Token, bool), VaultError> {
        let mut token = self.existing_token(tx, service, user)?;
        let Some(offer) = self.offer_of(tx, token.id.bytes())? else { return Ok((token, false)) };
        if offer.stage != Stage::Open {
            let devices = self.devices_of(tx, token.id.bytes())?;
            let device = devices.into_iter().find(|device| device.key.number == offer.device);
            if let Some(mut device) = device {
                self.give_up(tx, (service, &mut token), &mut device, by, clock)?;
            }
        }
        tx.delete_enrollment_of(token.id.bytes())?;
        self.record(tx, &Event::on_token(EventKind::OfferCancelled, &token, service, by, clock.now())?)?;
        self.mark_time(tx, clock)?;
        Ok((token, true))
    }

    /// Revokes one device of a token for good; the token is closed by that. One that gave itself up may be revoked, too.
    ///
    /// # Errors
    /// [`VaultError::Unknown`]: there is no such token, or no such device that is not revoked for good already. A row
    /// is damaged; storage failed.
    pub fn revoke_device(
        &self,
        tx: &mut dyn Transaction,
        service: &Service,
        user: &UserId,
        device: DeviceId,
        by: Actor,
        clock: ClockReading,
    ) -> Result<Token, VaultError> {
        let mut token = self.existing_token(tx, service, user)?;
        let devices = self.devices_of(tx, token.id.bytes())?;
        let found = devices.into_iter().find(|it| it.key.number == *device.bytes());
        let mut device = found.ok_or(VaultError::Unknown("device"))?;
        if !self.give_up(tx, (service, &mut token), &mut device, by, clock)? {
            return Err(VaultError::Unknown("device"));
        }
        Ok(token)
    }

    /// Revokes a device for good; returns whether that was left to do.
    fn give_up(
        &self,
        tx: &mut dyn Transaction,
        (service, token): (&Service, &mut Token),
        device: &mut Device,
        by: Actor,
        clock: ClockReading,
    ) -> Result<bool, VaultError> {
        if self.retire(tx, (service, &*token), device, by, clock)? == Before::Tombstone {
            return Ok(false);
        }
        // Whatever it has opened is closed with it.
        token.state.close(Closer::Administrator, clock.now());
        self.put_token(tx, token)?;
        self.mark_time(tx, clock)?;
        Ok(true)
    }
}
