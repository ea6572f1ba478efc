//! The handle that everybody else holds.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{Semaphore, oneshot};

use super::sqlite::{Database, SqliteTransaction, failure};
use super::writer::{self, Jobs, TypedJob, run_caught};
use super::{StorageError, Transaction};

/// Where a database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// In memory: gone with the [`Store`].
    Memory,
    /// In this file, with its log beside it.
    File(PathBuf),
}

/// How a database is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// How long to wait for another process that is writing.
    pub busy_timeout: Duration,
    /// Most pages (of 4 KiB) that the file may have; `None` is the disk's size.
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

#[derive(Debug)]
struct Inner {
    database: Database,
    jobs: Option<Jobs>,
    thread: Option<JoinHandle<()>>,
    permits: Semaphore,
    idle: Mutex<Vec<Connection>>,
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
        let (database, connection) = Database::open(location, options)?;
        let (jobs, thread) = writer::start(database.clone(), connection)?;
        Ok(Self(Arc::new(Inner {
            database,
            jobs: Some(jobs),
            thread: Some(thread),
            permits: Semaphore::new(readers),
            idle: Mutex::default(),
        })))
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
        if !self.0.database.has_readers() {
            return self.queue(job, false).await;
        }
        let _permit = self.0.permits.acquire().await.map_err(|_| StorageError::Closed)?;
        let inner = Arc::clone(&self.0);
        let run = tokio::task::spawn_blocking(move || {
            inner.database.check_in_place()?;
            let idle = inner.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = idle.map_or_else(|| inner.database.reader(), Ok)?;
            let result = read_once(&connection, job);
            // A connection that could not end its transaction is not used again.
            if connection.is_autocommit() {
                inner.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            }
            result
        });
        run.await.unwrap_or_else(|_| Err(StorageError::Panicked.into()))
    }

    async fn queue<T, E, F>(&self, job: F, writes: bool) -> Result<T, E>
    where
        F: FnOnce(&mut dyn Transaction) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = TypedJob { work: Some(job), result: None, reply, writes };
        let jobs = self.0.jobs.as_ref().ok_or(StorageError::Closed)?;
        jobs.send(Box::new(job)).await.map_err(|_| StorageError::Closed)?;
        answer.await.unwrap_or_else(|_| Err(StorageError::Closed.into()))
    }
}

fn read_once<T, E: From<StorageError>>(
    connection: &Connection,
    job: impl FnOnce(&mut dyn Transaction) -> Result<T, E>,
) -> Result<T, E> {
    let sql = |sql| connection.execute_batch(sql).map_err(|error| failure(&error));
    sql("BEGIN")?;
    let result = run_caught(Some(job), &mut SqliteTransaction::new(connection, false));
    sql("COMMIT")?;
    result
}
