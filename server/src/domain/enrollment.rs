//! The life of an offer to enroll: single use, it expires, and it dies after a few tries.
//!
//! A try is counted before it is looked at, as with PINs: tries that run side by side are all counted, and the typed
//! code, which has only 30 secret bits, cannot be guessed in parallel.

use cardea_protocol::limits::ENROLLMENT_FAILURES;

use crate::clock::UnixSeconds;

/// What the offer does to the devices that the token has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The token had no device.
    First,
    /// The new device takes the place of all others when it has finished.
    Replace,
    /// The new device joins the others.
    Add,
}

/// What the caller of `enroll` allows for a token that has a device already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EnrollOptions {
    /// Revoke the present devices when the new one has finished.
    pub replace_device: bool,
    /// Keep them.
    pub add_device: bool,
}

/// Why no offer is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OfferError {
    /// Both options at once.
    #[error("`replaceDevice` and `addDevice` exclude each other: send one of them")]
    Contradiction,
    /// The token has a device and the call did not say what becomes of it.
    #[error("the token has a device already: send `replaceDevice` or `addDevice`")]
    Enrolled,
    /// No device may be added.
    #[error("the token has as many devices as it may have: send `replaceDevice`")]
    TooManyDevices,
}

/// Decides what an offer for a token with `devices` live devices is for, in a service where tokens have at most `most`.
///
/// # Errors
/// The options contradict each other or do not fit the token.
pub fn purpose(devices: usize, most: u8, options: EnrollOptions) -> Result<Purpose, OfferError> {
    match options {
        EnrollOptions { replace_device: true, add_device: true } => Err(OfferError::Contradiction),
        _ if devices == 0 => Ok(Purpose::First),
        EnrollOptions { replace_device: true, .. } => Ok(Purpose::Replace),
        EnrollOptions { add_device: true, .. } if devices >= usize::from(most) => Err(OfferError::TooManyDevices),
        EnrollOptions { add_device: true, .. } => Ok(Purpose::Add),
        EnrollOptions { .. } => Err(OfferError::Enrolled),
    }
}

/// The state of one offer. A used one is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfferState {
    /// The first second in which it is dead.
    pub expires_at: UnixSeconds,
    /// Tries counted so far.
    pub tries: u8,
}

/// The offer is dead: expired, used, or tried too often. Deliberately says no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the enrollment code is unknown, used or expired: ask for a new one")]
pub struct OfferDead;

impl OfferState {
    /// An offer that lasts until `expires_at`.
    #[must_use]
    pub const fn new(expires_at: UnixSeconds) -> Self {
        Self { expires_at, tries: 0 }
    }

    /// Whether a device may still try.
    #[must_use]
    pub fn is_live(&self, now: UnixSeconds) -> bool {
        now < self.expires_at && self.tries < ENROLLMENT_FAILURES
    }

    /// Counts a try, before anything secret is compared.
    ///
    /// # Errors
    /// The offer is dead.
    pub fn count_try(&mut self, now: UnixSeconds) -> Result<(), OfferDead> {
        if !self.is_live(now) {
            return Err(OfferDead);
        }
        self.tries += 1;
        Ok(())
    }

    /// Whether a counted try that was right may finish. The last one may.
    #[must_use]
    pub fn may_finish(&self, now: UnixSeconds) -> bool {
        now < self.expires_at && self.tries > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: EnrollOptions = EnrollOptions { replace_device: false, add_device: false };
    const REPLACE: EnrollOptions = EnrollOptions { replace_device: true, add_device: false };
    const ADD: EnrollOptions = EnrollOptions { replace_device: false, add_device: true };
    const BOTH: EnrollOptions = EnrollOptions { replace_device: true, add_device: true };

    fn s(seconds: u64) -> UnixSeconds {
        UnixSeconds::new(seconds)
    }

    #[test]
    fn what_becomes_of_the_devices_must_be_said_once_there_are_any() {
        for options in [NONE, REPLACE, ADD] {
            assert_eq!(purpose(0, 1, options), Ok(Purpose::First));
        }
        assert_eq!(purpose(1, 8, NONE), Err(OfferError::Enrolled));
        assert_eq!(purpose(1, 1, REPLACE), Ok(Purpose::Replace));
        assert_eq!(purpose(1, 1, ADD), Err(OfferError::TooManyDevices), "one device unless the service says more");
        assert_eq!(purpose(1, 2, ADD), Ok(Purpose::Add));
        assert_eq!(purpose(7, 8, ADD), Ok(Purpose::Add));
        assert_eq!(purpose(8, 8, ADD), Err(OfferError::TooManyDevices));
        assert_eq!(purpose(8, 8, REPLACE), Ok(Purpose::Replace));
        for devices in [0, 1, 8] {
            assert_eq!(purpose(devices, 8, BOTH), Err(OfferError::Contradiction));
        }
    }

    #[test]
    fn an_offer_expires_in_its_second() {
        let mut offer = OfferState::new(s(600));
        assert!(offer.is_live(s(599)));
        assert!(!offer.is_live(s(600)));
        assert_eq!(offer.count_try(s(600)), Err(OfferDead));
        assert_eq!(offer.count_try(s(599)), Ok(()));
        assert!(offer.may_finish(s(599)));
        assert!(!offer.may_finish(s(600)));
    }

    #[test]
    fn an_offer_dies_with_its_third_try_unless_that_one_is_right() {
        let mut offer = OfferState::new(s(600));
        for _ in 0..3 {
            assert_eq!(offer.count_try(s(1)), Ok(()));
        }
        assert_eq!(offer.count_try(s(1)), Err(OfferDead));
        assert!(!offer.is_live(s(1)));
        assert!(offer.may_finish(s(1)), "the third was right");
    }

    #[test]
    fn only_a_counted_try_may_finish() {
        assert!(!OfferState::new(s(600)).may_finish(s(1)));
    }
}
