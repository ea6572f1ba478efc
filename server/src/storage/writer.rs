//! The writing thread and its group commit.
//!
//! One flush makes one commit durable however many rows it has, so the thread takes every job that waits, runs each in
//! a savepoint of its own, commits once, and only then answers all of them. A job that fails goes back to its savepoint
//! and leaves the others alone; a commit that fails fails them all.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::sqlite::{Database, SqliteTransaction, failure};
use super::{StorageError, Transaction};

/// Most jobs in one commit. Bounds how long the first one waits for the others.
const BATCH: usize = 256;
/// Most jobs that wait; the next caller waits for room.
pub(super) const QUEUE: usize = 1024;

/// Where jobs are handed in.
pub(super) type Jobs = mpsc::Sender<Box<dyn Job>>;

/// A job in the queue, its types forgotten.
pub(super) trait Job: Send {
    /// Does the work and keeps the result; returns whether it is to be kept.
    fn run(&mut self, tx: &mut dyn Transaction) -> bool;

    /// Whether the work has to be committed.
    fn writes(&self) -> bool;

    /// Answers, with what `commit` came to.
    fn answer(self: Box<Self>, commit: Result<(), StorageError>);
}

/// A closure, its result and where that goes.
pub(super) struct TypedJob<F, T, E> {
    pub(super) work: Option<F>,
    pub(super) result: Option<Result<T, E>>,
    pub(super) reply: oneshot::Sender<Result<T, E>>,
    pub(super) writes: bool,
}

impl<F, T, E> Job for TypedJob<F, T, E>
where
    F: FnOnce(&mut dyn Transaction) -> Result<T, E> + Send,
    T: Send,
    E: From<StorageError> + Send,
{
    fn run(&mut self, tx: &mut dyn Transaction) -> bool {
        let result = run_caught(self.work.take(), tx);
        let keep = result.is_ok();
        self.result = Some(result);
        keep
    }

    fn writes(&self) -> bool {
        self.writes
    }

    fn answer(self: Box<Self>, commit: Result<(), StorageError>) {
        let result = match (self.result, commit) {
            (_, Err(error)) => Err(error.into()),
            (Some(result), Ok(())) => result,
            (None, Ok(())) => Err(StorageError::Misuse("a job was answered before it ran").into()),
        };
        // The caller may have gone; what it asked for has happened all the same.
        let _ = self.reply.send(result);
    }
}

/// Runs a job and turns its panic into an error: the connection, and everybody else's work, must survive it.
pub(super) fn run_caught<T, E: From<StorageError>>(
    work: Option<impl FnOnce(&mut dyn Transaction) -> Result<T, E>>,
    tx: &mut dyn Transaction,
) -> Result<T, E> {
    let Some(work) = work else { return Err(StorageError::Misuse("a job ran twice").into()) };
    catch_unwind(AssertUnwindSafe(|| work(tx))).unwrap_or_else(|_| Err(StorageError::Panicked.into()))
}

/// Starts the thread. It ends when every sender is gone and the queue is empty.
pub(super) fn start(database: Database, connection: Connection) -> Result<(Jobs, JoinHandle<()>), StorageError> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let writer = Writer { database, connection, receiver };
    let thread = std::thread::Builder::new().name("storage-writer".to_owned()).spawn(|| writer.run());
    Ok((sender, thread.map_err(|error| StorageError::Io(error.to_string()))?))
}

struct Writer {
    database: Database,
    connection: Connection,
    receiver: mpsc::Receiver<Box<dyn Job>>,
}

impl Writer {
    fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        while self.receiver.blocking_recv_many(&mut batch, BATCH) > 0 {
            self.commit_together(&mut batch);
        }
        // Last connection: SQLite moves the log into the database file. A failure loses nothing, the log stays.
        let _ = self.connection.close();
    }

    fn commit_together(&mut self, batch: &mut Vec<Box<dyn Job>>) {
        let outcome = self.run_batch(batch);
        if outcome.is_err() && !self.connection.is_autocommit() {
            // If even this fails, the next BEGIN fails, and with it every job: nothing half-done is ever committed.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        for job in batch.drain(..) {
            job.answer(outcome.clone());
        }
    }

    fn run_batch(&mut self, batch: &mut [Box<dyn Job>]) -> Result<(), StorageError> {
        let writes = batch.iter().any(|job| job.writes());
        self.sql(if writes { "BEGIN IMMEDIATE" } else { "BEGIN" })?;
        for job in batch {
            self.sql("SAVEPOINT job")?;
            let mut transaction = SqliteTransaction::new(&self.connection, job.writes());
            let keep = job.run(&mut transaction);
            // After some errors (full disk, failed I/O) SQLite has rolled back everything, other jobs' work included.
            if self.connection.is_autocommit() {
                let lost = || StorageError::Io("the transaction was rolled back".to_owned());
                return Err(transaction.into_failure().unwrap_or_else(lost));
            }
            self.sql(if keep { "RELEASE job" } else { "ROLLBACK TO job; RELEASE job" })?;
        }
        self.sql("COMMIT")?;
        // A commit into a file that was deleted or replaced is not durable.
        self.database.check_in_place()
    }

    fn sql(&self, sql: &str) -> Result<(), StorageError> {
        self.connection.execute_batch(sql).map_err(|error| failure(&error))
    }
}
