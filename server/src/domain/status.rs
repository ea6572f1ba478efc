//! What a relying party is told.

use super::world::Opening;

/// The status of a token as the token API reports it.
///
/// [`TokenStatus::Open`] carries an [`Opening`], and only [`super::world::World::opening`] makes one: no error path, no
/// default and no decoder can come up with status 1. For the same reason this type can be neither copied nor cloned.
#[derive(Debug, PartialEq, Eq)]
pub enum TokenStatus {
    /// 0: enrollment is pending, or the device has unenrolled.
    NotEnrolled,
    /// 1: open.
    Open(Opening),
    /// 2: closed.
    Closed,
    /// 3: under duress. Never reaches a device.
    Duress,
    /// 4: blocked.
    Blocked,
}

impl TokenStatus {
    /// The number that stands in `{"status":N}`.
    #[must_use]
    pub const fn number(&self) -> u8 {
        match self {
            Self::NotEnrolled => 0,
            Self::Open(_) => 1,
            Self::Closed => 2,
            Self::Duress => 3,
            Self::Blocked => 4,
        }
    }
}
