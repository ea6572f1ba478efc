//! What can be asked of storage: one role trait per kind of row, each written once for every driver.
//!
//! Bring the traits you need into scope and call them on a [`Transaction`](super::Transaction).

mod access;
mod accounts;
mod answers;
mod applications;
mod confirmations;
mod deliveries;
mod devices;
mod enrollments;
mod grants;
mod journal;
mod keys;
mod meta;
mod policies;
mod sessions;
mod status;
mod tokens;

pub use access::{AccessRows, AuthkeyRow, ServiceRow, SubscriptionRow};
pub use accounts::{AccountRow, AccountRows};
pub use answers::{AnswerRow, AnswerRows};
pub use applications::{ApplicationRow, ApplicationRows};
pub use confirmations::{ConfirmationRow, ConfirmationRows};
pub use deliveries::DeliveryRows;
pub use devices::{DeviceKey, DeviceRow, DeviceRows, HintColumns};
pub use enrollments::{EnrollmentRow, EnrollmentRows};
pub use grants::{GrantRow, GrantRows, GrantTokenRow};
pub use journal::{CheckpointRow, JournalFilter, JournalRow, JournalRows, LeafRow};
pub use keys::{EpochRow, KeyRows};
pub use meta::MetaRows;
pub use policies::{PolicyRow, PolicyRows};
pub use sessions::{SessionRow, SessionRows};
pub use status::{StatusFacts, StatusRows};
pub use tokens::{TokenRow, TokenRows};

/// Sealed bytes and the version of the row that they are bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The row's version: 1 when it is made, one more with each change.
    pub ver: u64,
    /// What the vault made of its content.
    pub bytes: Vec<u8>,
}
