//! Where everything durable lives.
//!
//! A [`Store`] runs *jobs*: synchronous closures over a [`Transaction`]. What jobs do is written once, in the role
//! traits under [`rows`], in SQL that SQLite and PostgreSQL both understand; a driver is the few functions of
//! [`Transaction`]. Storage knows keys, versions and sealed bytes. What the bytes mean is the vault's business.
//!
//! * A write returns after its commit is on the disk, and not before. Writes that wait together share one commit.
//! * Every row that is changed has a version; a change names the version that it saw and loses to
//!   [`StorageError::Conflict`] when somebody was faster.
//! * A failed job leaves nothing behind; a failed commit fails every job in it.
//! * With PostgreSQL several nodes share a database. One of them writes at a time, and the time is the database's.

mod driver;
mod error;
mod errors;
mod lock;
mod postgres;
pub mod rows;
mod schema;
mod sqlite;
mod store;
mod transaction;
mod watch;
mod writer;

pub use error::StorageError;
pub(crate) use lock::DOORBELL;
pub use lock::{CacheLock, ServerLock};
pub use postgres::{PostgresUrl, PostgresUrlError, Protection};
pub use rows::Sealed;
pub(crate) use sqlite::{backup, sync_folder};
pub use store::{Location, Options, Store};
pub use transaction::{Row, Transaction, Value};
pub use watch::{Ended, Touched, Watcher};

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
