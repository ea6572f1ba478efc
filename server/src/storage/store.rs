//! The handle that everybody else holds.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};

use super::driver::{Committer, Database, Reader, Span};
use super::errors::Errors;
use super::watch::Watcher;
use super::writer::{self, Jobs, TypedJob, run_caught};
use super::{PostgresUrl, StorageError, Transaction, postgres, sqlite};
use crate::clock::DatabaseClock;
use crate::metrics::Metrics;

/// Where a database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// In memory: gone with the [`Store`].
    Memory,
    /// In this file, with its log beside it.
    File(PathBuf),
    /// On a PostgreSQL server, together with other nodes perhaps.
    Postgres(PostgresUrl),
}

/// How a database is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// How long to wait for another process, or another node, that is writing.
    pub busy_timeout: Duration,
    /// Most pages (of 4 KiB) that a file may have; `None` is the disk's size.
    pub max_pages: Option<u32>,
    /// Most reads that run side by side.
    pub readers: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { busy_timeout: Duration::from_secs(5), max_pages: None, readers: 4 }
    }
}

/// An open database. Clones share it; it is closed when the last one is dropped, after every accepted job has run.
#[derive(Debug, Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    database: Box<dyn Database>,
    clock: Option<Arc<DatabaseClock>>,
    jobs: Option<Jobs>,
    thread: Option<JoinHandle<()>>,
    permits: Semaphore,
    idle: Mutex<Vec<Box<dyn Reader>>>,
    errors: Errors,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Store").field(&self.database).finish()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.jobs = None;
        self.idle.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
        if let Some(thread) = self.thread.take() {
            // The thread has caught every panic of a job; there is nobody left to tell of another.
            let _ = thread.join();
        }
    }
}

impl Store {
    /// Opens the database at `location`, creating it if its folder exists, and brings it to the newest format.
    ///
    /// Blocks; call it before there is anything to hold up.
    ///
    /// # Errors
    /// [`StorageError::Missing`], [`StorageError::Foreign`], [`StorageError::Newer`], [`StorageError::Busy`],
    /// [`StorageError::Corrupt`], [`StorageError::Full`], [`StorageError::ReadOnly`] or [`StorageError::Io`].
    pub fn open(location: Location, options: Options) -> Result<Self, StorageError> {
        let readers = options.readers.max(1);
        let mut clock = None;
        let (database, committer): (Box<dyn Database>, Box<dyn Committer>) = match location {
            Location::Memory => boxed(sqlite::Database::open(None, options)?),
            Location::File(path) => boxed(sqlite::Database::open(Some(path), options)?),
            Location::Postgres(url) => {
                let (database, committer) = postgres::Database::open(url, &options)?;
                clock = Some(database.clock());
                boxed((database, committer))
            }
        };
        let errors = Errors::default();
        let (jobs, thread) = writer::start(committer, errors.clone())?;
        Ok(Self(Arc::new(Inner {
            database,
            clock,
            jobs: Some(jobs),
            thread: Some(thread),
            permits: Semaphore::new(readers),
            idle: Mutex::default(),
            errors,
        })))
    }

    /// Whether there is a database at `location`. Makes none. Blocks.
    ///
    /// # Errors
    /// It cannot be reached, or is none of ours that this server knows: those of [`Store::open`].
    pub fn is_there(location: Location, options: &Options) -> Result<bool, StorageError> {
        match location {
            Location::Memory => Ok(false),
            Location::File(path) => Ok(path.exists()),
            Location::Postgres(url) => postgres::Database::is_there(url, options),
        }
    }

    /// The clock of the database, where several nodes share one: what time it is for all of them.
    #[must_use]
    pub fn clock(&self) -> Option<Arc<DatabaseClock>> {
        self.0.clock.clone()
    }

    /// Fails when another server, or a tool, is connected to a database that several may use.
    ///
    /// # Errors
    /// [`StorageError::InUse`]; the database cannot be reached.
    pub async fn check_alone(&self) -> Result<(), StorageError> {
        let inner = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || inner.database.check_alone()).await.map_err(|_| StorageError::Panicked)?
    }

    /// Lets `watcher` be told of every commit from now on, before it can be seen; returns whether that is possible. It
    /// is not where other nodes commit, too, or when there is a watcher already.
    ///
    /// # Errors
    /// Storage failed.
    pub async fn watch(&self, watcher: Arc<dyn Watcher>) -> Result<bool, StorageError> {
        if !self.0.database.watch().is_some_and(|watch| watch.set(watcher)) {
            return Ok(false);
        }
        // A commit that was in hand may have missed it. This one is behind it.
        self.write(|_| Ok::<_, StorageError>(())).await?;
        Ok(true)
    }

    /// Whether the database is still the one that was opened.
    ///
    /// # Errors
    /// [`StorageError::Missing`].
    pub fn check_in_place(&self) -> Result<(), StorageError> {
        self.0.database.check_in_place()
    }

    /// Shows in `metrics` how often the database has failed.
    pub fn count_in(&self, metrics: &Metrics) {
        self.0.errors.show(metrics);
    }

    /// How many jobs wait to be written.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.jobs.as_ref().map_or(0, |jobs| jobs.max_capacity() - jobs.capacity())
    }

    /// Runs `job` in a transaction and returns its result after the commit is durable. An error of the job undoes it.
    ///
    /// Cancel safe in that a job either runs whole or not at all; whether it ran is unknown to who stopped waiting.
    ///
    /// # Errors
    /// The job's own, or a [`StorageError`] of the commit.
    pub async fn write<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: FnOnce(&mut dyn Transaction) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        self.queue(job, true).await
    }

    /// Runs `job` over one consistent state of the database, which includes every write that was answered before.
    /// Such a job cannot write.
    ///
    /// Cancel safe.
    ///
    /// # Errors
    /// The job's own, or a [`StorageError`].
    pub async fn read<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: FnOnce(&mut dyn Transaction) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        self.read_over(Span::Snapshot, job).await
    }

    /// As [`Store::read`], for a job of a single statement: with PostgreSQL that is one exchange with the database.
    ///
    /// Cancel safe.
    ///
    /// # Errors
    /// The job's own, or a [`StorageError`]; [`StorageError::Misuse`] for a second statement.
    pub async fn ask<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: FnOnce(&mut dyn Transaction) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        self.read_over(Span::Statement, job).await
    }

    async fn read_over<T, E, F>(&self, span: Span, job: F) -> Result<T, E>
    where
        F: FnOnce(&mut dyn Transaction) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        if !self.0.database.has_readers() {
            return self.queue(job, false).await;
        }
        let _permit = self.0.permits.acquire().await.map_err(|_| StorageError::Closed)?;
        let inner = Arc::clone(&self.0);
        let run = tokio::task::spawn_blocking(move || inner.read(span, job));
        run.await.unwrap_or_else(|_| Err(StorageError::Panicked.into()))
    }

    async fn queue<T, E, F>(&self, job: F, writes: bool) -> Result<T, E>
    where
        F: FnOnce(&mut dyn Transaction) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = TypedJob { work: Some(job), result: None, reply, writes, errors: self.0.errors.clone() };
        let jobs = self.0.jobs.as_ref().ok_or(StorageError::Closed)?;
        jobs.send(Box::new(job)).await.map_err(|_| StorageError::Closed)?;
        answer.await.unwrap_or_else(|_| Err(StorageError::Closed.into()))
    }
}

impl Inner {
    fn read<T, E: From<StorageError>>(
        &self,
        span: Span,
        job: impl FnOnce(&mut dyn Transaction) -> Result<T, E>,
    ) -> Result<T, E> {
        let noted = |error: &StorageError| self.errors.note(error);
        self.database.check_in_place().inspect_err(noted)?;
        let (mut job, mut result) = (Some(job), None);
        loop {
            let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let was_idle = idle.is_some();
            let mut reader = idle.map_or_else(|| self.database.reader(), Ok).inspect_err(noted)?;
            let ran = reader.run(span, &mut |tx| result = Some(run_caught(job.take(), tx, &self.errors)));
            let ran = ran.inspect_err(noted);
            if reader.is_usable() {
                self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(reader);
            }
            match (ran, result.take()) {
                (Ok(()), Some(result)) => return result,
                (Ok(()), None) => return Err(StorageError::Misuse("a job for reading did not run").into()),
                // The database has been away meanwhile; the job has not begun.
                (Err(error), None) if was_idle && error.is_unreachable() => {}
                (Err(error), _) => return Err(error.into()),
            }
        }
    }
}

fn boxed<D: Database + 'static, C: Committer + 'static>(
    (database, committer): (D, C),
) -> (Box<dyn Database>, Box<dyn Committer>) {
    (Box::new(database), Box::new(committer))
}
