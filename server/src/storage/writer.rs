//! The writing thread and its group commit.
//!
//! One flush makes one commit durable however many rows it has, so the thread takes every job that waits, runs each in
//! a savepoint of its own, commits once, and only then answers all of them. A job that fails goes back to its savepoint
//! and leaves the others alone; a commit that fails fails them all.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};

use super::driver::Committer;
use super::errors::{Counted, Errors};
use super::{StorageError, Transaction};

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

    /// Turns what the work came to into `error`: it went on after the database had refused a statement.
    fn fail(&mut self, error: StorageError);

    /// Answers, with what `commit` came to.
    fn answer(self: Box<Self>, commit: Result<(), StorageError>);
}

/// A closure, its result and where that goes.
pub(super) struct TypedJob<F, T, E> {
    pub(super) work: Option<F>,
    pub(super) result: Option<Result<T, E>>,
    pub(super) reply: oneshot::Sender<Result<T, E>>,
    pub(super) writes: bool,
    pub(super) errors: Errors,
}

impl<F, T, E> Job for TypedJob<F, T, E>
where
    F: FnOnce(&mut dyn Transaction) -> Result<T, E> + Send,
    T: Send,
    E: From<StorageError> + Send,
{
    fn run(&mut self, tx: &mut dyn Transaction) -> bool {
        let result = run_caught(self.work.take(), tx, &self.errors);
        let keep = result.is_ok();
        self.result = Some(result);
        keep
    }

    fn writes(&self) -> bool {
        self.writes
    }

    fn fail(&mut self, error: StorageError) {
        self.result = Some(Err(error.into()));
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
    errors: &Errors,
) -> Result<T, E> {
    let Some(work) = work else { return Err(StorageError::Misuse("a job ran twice").into()) };
    let mut tx = Counted { tx, errors };
    catch_unwind(AssertUnwindSafe(|| work(&mut tx))).unwrap_or_else(|_| {
        errors.note(&StorageError::Panicked);
        Err(StorageError::Panicked.into())
    })
}

/// Starts the thread. It ends when every sender is gone and the queue is empty.
pub(super) fn start(committer: Box<dyn Committer>, errors: Errors) -> Result<(Jobs, JoinHandle<()>), StorageError> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let thread = std::thread::Builder::new().name("storage-writer".to_owned());
    let thread = thread.spawn(move || run(committer, receiver, &errors));
    Ok((sender, thread.map_err(|error| StorageError::Io(error.to_string()))?))
}

fn run(mut committer: Box<dyn Committer>, mut receiver: mpsc::Receiver<Box<dyn Job>>, errors: &Errors) {
    let most = committer.batch();
    let mut batch = Vec::with_capacity(most);
    while receiver.blocking_recv_many(&mut batch, most) > 0 {
        let outcome = committer.commit(&mut batch).inspect_err(|error| errors.note(error));
        for job in batch.drain(..) {
            job.answer(outcome.clone());
        }
    }
}
