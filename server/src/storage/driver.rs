//! What a database has to offer beside [`Transaction`]: a way to read, and a way to commit jobs together.

use std::fmt;

use super::watch::Watch;
use super::writer::Job;
use super::{StorageError, Transaction};

/// What a job does with its transaction, its types forgotten.
pub(super) type Work<'w> = &'w mut dyn FnMut(&mut dyn Transaction);

/// An open database.
pub(super) trait Database: fmt::Debug + Send + Sync {
    /// Whether readers have connections of their own.
    fn has_readers(&self) -> bool;

    /// A connection that cannot write. Blocks.
    ///
    /// # Errors
    /// The database cannot be reached or is not what it was.
    fn reader(&self) -> Result<Box<dyn Reader>, StorageError>;

    /// Fails when another server is connected to a database that several may use. Blocks.
    ///
    /// # Errors
    /// [`StorageError::InUse`]; the database cannot be reached.
    fn check_alone(&self) -> Result<(), StorageError> {
        Ok(())
    }

    /// Where its one watcher is told of commits; `None`: others commit as well, and nobody can be told.
    fn watch(&self) -> Option<&Watch> {
        None
    }

    /// Fails when what was opened is no longer what is there.
    ///
    /// # Errors
    /// [`StorageError::Missing`].
    fn check_in_place(&self) -> Result<(), StorageError>;
}

/// How much of the database a job reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Span {
    /// Any number of statements over one consistent state.
    Snapshot,
    /// One statement: consistent by itself, and one exchange with the database.
    Statement,
}

/// A connection that reads.
pub(super) trait Reader: Send {
    /// Runs `work` over one consistent state. It is not called when the transaction cannot begin. Blocks.
    ///
    /// # Errors
    /// The transaction could not begin or end.
    fn run(&mut self, span: Span, work: Work<'_>) -> Result<(), StorageError>;

    /// Whether the connection can be used again.
    fn is_usable(&self) -> bool;
}

/// The connection of the writing thread.
pub(super) trait Committer: Send {
    /// Most jobs in one commit. Bounds how long the first one waits for the others.
    fn batch(&self) -> usize;

    /// Runs the jobs, each so that it can be undone alone, and commits what those leave that succeeded. After an error
    /// nothing of the batch is to be told as done. Blocks.
    ///
    /// # Errors
    /// Why nothing is committed; [`StorageError::Uncertain`] when that is not known.
    fn commit(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<(), StorageError>;
}
