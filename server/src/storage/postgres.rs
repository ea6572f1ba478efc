//! The PostgreSQL driver.
//!
//! Several nodes share one database, and one of them writes at a time: whoever commits a batch takes the lock row first.
//! So jobs see what they would see alone, whatever other nodes do, and `READ COMMITTED` is enough. It is a row and not an
//! advisory lock, because every database that speaks like PostgreSQL has rows.
//!
//! A node that hangs loses its lock: the database ends a transaction that says nothing for some seconds. A database that
//! is gone is an error at once, and looked for again a little later.

mod connection;
mod failure;
mod schema;
mod tls;
mod transaction;
mod url;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use data_encoding::HEXLOWER;
pub use url::{PostgresUrl, PostgresUrlError, Protection};

use super::StorageError;
use super::driver::{self, Committer, Reader, Span, Work};
use super::store::Options;
use super::writer::Job;
use crate::clock::DatabaseClock;
use crate::entropy::OsEntropy;
use connection::{Connection, Patience};
use transaction::{Kind, PostgresTransaction};

/// Most jobs in one commit: PostgreSQL remembers as many savepoints of a transaction where everybody can see them at once.
const BATCH: usize = 60;
/// What every connection is called on the server, before what tells this store from others.
const PROGRAM: &str = "cardea-server";
/// Pause after the first failure to connect; doubled with each, up to the most.
const PAUSE: Duration = Duration::from_millis(50);
const PAUSE_MOST: Duration = Duration::from_secs(1);

/// An open database: where connections come from. Clones share what they know of it.
#[derive(Clone)]
pub(super) struct Database(Arc<Shared>);

struct Shared {
    url: PostgresUrl,
    patience: Patience,
    /// What the connections of this store are called on the server.
    application: String,
    clock: Arc<DatabaseClock>,
    road: Mutex<Road>,
}

/// What is known of the way to the database.
#[derive(Default)]
struct Road {
    failures: u32,
    /// Why it failed last, and when to look again.
    blocked: Option<(StorageError, Instant)>,
    /// Somebody is looking.
    is_tried: bool,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.url.fmt(f)
    }
}

impl Database {
    /// Connects, brings the schema to the newest format and returns what commits.
    pub(super) fn open(url: PostgresUrl, options: &Options) -> Result<(Self, PostgresCommitter), StorageError> {
        let database = Self::new(url, options);
        let mut connection = database.connect()?;
        schema::migrate(&mut connection, &database.0.url.name())?;
        if connection.texts("SHOW fsync").is_ok_and(|values| values == ["off"]) {
            tracing::warn!("the database runs with fsync = off: what it acknowledges does not survive a power failure");
        }
        connection.begin("SELECT 0")?;
        Ok((database.clone(), PostgresCommitter { database, connection: Some(connection) }))
    }

    /// Whether there is a database of ours, without making one.
    pub(super) fn is_there(url: PostgresUrl, options: &Options) -> Result<bool, StorageError> {
        let database = Self::new(url, options);
        let found = schema::found(&mut database.connect()?, &database.0.url.name(), false)?;
        Ok(found.is_some())
    }

    fn new(url: PostgresUrl, options: &Options) -> Self {
        Self(Arc::new(Shared {
            url,
            patience: Patience::new(options.busy_timeout),
            application: format!("{PROGRAM} {}", HEXLOWER.encode(&crate::entropy::bytes::<8>(&OsEntropy))),
            clock: Arc::default(),
            road: Mutex::default(),
        }))
    }

    /// The clock that all nodes share.
    pub(super) fn clock(&self) -> Arc<DatabaseClock> {
        Arc::clone(&self.0.clock)
    }

    /// A new connection. While the database is gone, only one caller at a time looks for it, and not all the time; the
    /// others are told at once.
    #[expect(clippy::disallowed_methods, reason = "how long ago something failed, not what time it is")]
    fn connect(&self) -> Result<Connection, StorageError> {
        {
            let mut road = self.road();
            if let Some((error, until)) = &road.blocked {
                if road.is_tried || Instant::now() < *until {
                    return Err(error.clone());
                }
                road.is_tried = true;
            }
        }
        let Shared { url, patience, application, clock, .. } = &*self.0;
        let opened = Connection::open(url, *patience, application, Arc::clone(clock));
        let mut road = self.road();
        road.is_tried = false;
        match &opened {
            Ok(_) => {
                if road.failures > 0 {
                    tracing::info!("the database answers again");
                }
                *road = Road::default();
            }
            Err(error) => {
                if road.failures == 0 {
                    tracing::error!(%error, "the database is gone");
                }
                let pause = PAUSE.saturating_mul(1 << road.failures.min(10)).min(PAUSE_MOST);
                road.failures = road.failures.saturating_add(1);
                road.blocked = Some((error.clone(), Instant::now() + pause));
            }
        }
        opened
    }

    fn road(&self) -> std::sync::MutexGuard<'_, Road> {
        self.0.road.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl driver::Database for Database {
    fn has_readers(&self) -> bool {
        true
    }

    fn reader(&self) -> Result<Box<dyn Reader>, StorageError> {
        Ok(Box::new(PostgresReader { connection: self.connect()?, name: self.0.url.name() }))
    }

    fn check_alone(&self) -> Result<(), StorageError> {
        let mut connection = self.connect()?;
        let ours = &self.0.application;
        let others = connection.texts(&format!(
            "SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE datname = current_database() \
             AND application_name LIKE '{PROGRAM} %' AND application_name <> '{ours}'"
        ))?;
        if others == ["0"] { Ok(()) } else { Err(StorageError::InUse(self.0.url.name().into())) }
    }

    fn check_in_place(&self) -> Result<(), StorageError> {
        Ok(()) // looked at in every transaction
    }
}

struct PostgresReader {
    connection: Connection,
    /// Of the database, for messages.
    name: String,
}

impl Reader for PostgresReader {
    fn run(&mut self, span: Span, work: Work<'_>) -> Result<(), StorageError> {
        if span == Span::Statement {
            // A closed connection is noticed before the job is used up on it; one that is about to close is not.
            if self.connection.is_dead() {
                return Err(StorageError::Unreachable("the connection was closed".to_owned()));
            }
            let mut transaction = PostgresTransaction::new(&mut self.connection, Kind::Asks, None);
            work(&mut transaction);
            if transaction.into_failure().is_some() {
                // Whatever state it is in, the next one is not to begin in it.
                self.connection.rollback();
            }
            return Ok(());
        }
        let begun = self.connection.begin(schema::BEGIN_READING);
        let checked = begun.and_then(|texts| schema::check_format(texts.first(), &self.name));
        match &checked {
            Ok(()) => work(&mut PostgresTransaction::new(&mut self.connection, Kind::Reads, None)),
            Err(error) if error.is_unreachable() => self.connection.give_up(),
            // It may have begun before it failed.
            Err(_) => {}
        }
        // Nothing was written, and what was read is known.
        self.connection.rollback();
        checked
    }

    fn is_usable(&self) -> bool {
        !self.connection.is_dead()
    }
}

/// The connection that writes.
pub(super) struct PostgresCommitter {
    database: Database,
    connection: Option<Connection>,
}

/// Where the savepoint of the last job stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Savepoint {
    None,
    /// There, with work that is to be kept.
    Kept,
    /// There, with work that is to be undone.
    Undone,
}

impl Savepoint {
    /// What makes a savepoint for the next job.
    const fn next(self) -> &'static str {
        match self {
            Self::None => "SAVEPOINT job",
            Self::Kept => "RELEASE SAVEPOINT job; SAVEPOINT job",
            Self::Undone => "ROLLBACK TO SAVEPOINT job",
        }
    }

    /// What ends the transaction.
    const fn commit(self) -> &'static str {
        match self {
            Self::None => "SAVEPOINT job; RELEASE SAVEPOINT job; COMMIT",
            Self::Kept => "RELEASE SAVEPOINT job; COMMIT",
            Self::Undone => "ROLLBACK TO SAVEPOINT job; RELEASE SAVEPOINT job; COMMIT",
        }
    }
}

impl Committer for PostgresCommitter {
    fn batch(&self) -> usize {
        BATCH
    }

    fn commit(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<(), StorageError> {
        let mut connection = self.begin()?;
        let outcome = run_batch(&mut connection, jobs);
        if outcome.is_err() {
            connection.rollback();
        }
        // On a server that has become a copy of another one the next connection goes to that.
        if !connection.is_dead() && outcome != Err(StorageError::ReadOnly) {
            self.connection = Some(connection);
        }
        outcome
    }
}

impl PostgresCommitter {
    /// A transaction with the lock. A connection that turns out to be gone is replaced, since no job has run yet.
    fn begin(&mut self) -> Result<Connection, StorageError> {
        loop {
            let old = self.connection.take();
            let was_old = old.is_some();
            let mut connection = old.map_or_else(|| self.database.connect(), Ok)?;
            let begun = connection
                .begin(schema::BEGIN_WRITING)
                .and_then(|texts| schema::check_format(texts.first(), &self.database.0.url.name()));
            match begun {
                Ok(()) => return Ok(connection),
                Err(error) if was_old && error.is_unreachable() => {}
                Err(error) => {
                    connection.rollback();
                    if !connection.is_dead() && error != StorageError::ReadOnly {
                        self.connection = Some(connection);
                    }
                    return Err(error);
                }
            }
        }
    }
}

fn run_batch(connection: &mut Connection, jobs: &mut [Box<dyn Job>]) -> Result<(), StorageError> {
    let mut savepoint = Savepoint::None;
    for job in jobs {
        let mut transaction = PostgresTransaction::new(connection, Kind::Writes, Some(savepoint.next()));
        let keep = job.run(&mut transaction);
        let has_begun = transaction.has_begun();
        let failed = transaction.into_failure();
        if connection.is_dead() {
            return Err(failed.unwrap_or_else(|| StorageError::Unreachable("the connection was closed".to_owned())));
        }
        if has_begun {
            savepoint = if keep && failed.is_none() { Savepoint::Kept } else { Savepoint::Undone };
        }
        if let Some(error) = failed.filter(|_| keep) {
            job.fail(error);
        }
    }
    connection.commit(savepoint.commit())
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
