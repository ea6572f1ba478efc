//! The device, without I/O (specification, chapters 7 and 9).
//!
//! A device is a [`Record`]: fixed-size, stored atomically, the only thing that survives a crash. Every step that
//! changes it hands out a [`StoreFirst`]: the new record must be durable before what follows may be used. The steps:
//!
//! - [`Enrollment`]: from a link or typed code to a first record, in two round trips;
//! - [`Record::start`] and [`Record::recover`]: a cold [`Attempt`], one round trip;
//! - [`Session`]: warm operations after an attempt that went well;
//! - [`Record::resync`]: what to do when the server does not know the hint.

mod attempt;
mod enroll;
mod intent;
mod record;
mod resync;
mod session;

pub(crate) use enroll::{SUITE, proof_message, receipt_message, short_string};
pub(crate) use resync::{ALLOWED, KNOWN, NOT_ALLOWED};

pub use attempt::{Answer, Attempt, Received};
pub use enroll::{AwaitReceipt, Credential, EnrollError, Enrolled, Enrollment, Offered};
pub use intent::Intent;
pub use record::{Pending, RECORD_LEN, Record, ServerKey};
pub use resync::{Confirm, Confirmed, Resync, ResyncAnswer};
pub use session::{Delivered, Rotation, Session, WarmRequest};

/// A new record, and what may be done once it is stored.
///
/// "Stored" means durable: written, flushed, and replacing the old record atomically. The compiler cannot see that, so
/// [`StoreFirst::stored`] is the caller's promise.
#[must_use = "the record must be stored before anything else happens"]
#[derive(Debug)]
pub struct StoreFirst<T> {
    record: Record,
    then: T,
}

impl<T> StoreFirst<T> {
    pub(crate) const fn new(record: Record, then: T) -> Self {
        Self { record, then }
    }

    /// The record to store.
    pub const fn record(&self) -> &Record {
        &self.record
    }

    /// What follows, once the record is durable.
    pub fn stored(self) -> (Record, T) {
        (self.record, self.then)
    }
}

impl<T> StoreFirst<T> {
    /// The same record with something else to follow.
    pub fn map<U>(self, map: impl FnOnce(T) -> U) -> StoreFirst<U> {
        StoreFirst { record: self.record, then: map(self.then) }
    }
}
