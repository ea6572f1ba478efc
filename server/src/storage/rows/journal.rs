//! The journal: rows that are only ever added, and whose content retention erases.

use crate::clock::UnixSeconds;
use crate::storage::transaction::{insert_one, query_all, query_one};
use crate::storage::{Row, StorageError, Transaction, Value};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalRow {
    /// Its number in the instance: 1 for the first, one more for each that follows.
    pub seq: u64,
    /// When it was committed.
    pub at: UnixSeconds,
    /// The subscription that it happened in; empty when it was in none.
    pub subscription: String,
    /// The number of the service that it happened in; 0 when it was in none.
    pub service: u64,
    /// The token that it happened to.
    pub token: Option<[u8; 16]>,
    /// What the content was committed to with.
    pub hash: [u8; 32],
    /// The content; `None` once retention has erased it.
    pub sealed: Option<Vec<u8>>,
}

/// A row of the journal without its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeafRow {
    /// Its number.
    pub seq: u64,
    /// When it was committed.
    pub at: UnixSeconds,
    /// What the content was committed to with.
    pub hash: [u8; 32],
}

/// A signed head of the tree over the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointRow {
    /// How many rows it covers.
    pub size: u64,
    /// When it was signed.
    pub at: UnixSeconds,
    /// The signed note.
    pub note: String,
}

/// Which rows of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum JournalFilter {
    /// All of them.
    #[default]
    All,
    /// Those of one subscription, its services and their tokens.
    Subscription {
        /// Its name.
        name: String,
        /// Its first row: those before it are of another subscription that had the name before.
        since: u64,
    },
    /// Those of the service with this number and its tokens.
    Service(u64),
    /// Those of one token.
    Token([u8; 16]),
}

/// The journal.
pub trait JournalRows {
    /// Adds a row.
    ///
    /// # Errors
    /// [`StorageError::Exists`] when its number is taken; storage failed.
    fn insert_journal(&mut self, row: &JournalRow) -> Result<(), StorageError>;

    /// At most `limit` rows with numbers above `after`, oldest first.
    ///
    /// # Errors
    /// Storage failed.
    fn journal(&mut self, filter: &JournalFilter, after: u64, limit: u32) -> Result<Vec<JournalRow>, StorageError>;

    /// At most `limit` rows with numbers below `before`, newest first.
    ///
    /// # Errors
    /// Storage failed.
    fn journal_back(
        &mut self,
        filter: &JournalFilter,
        before: u64,
        limit: u32,
    ) -> Result<Vec<JournalRow>, StorageError>;

    /// At most `limit` rows with numbers above `after`, oldest first, without their contents.
    ///
    /// # Errors
    /// Storage failed.
    fn journal_leaves(&mut self, after: u64, limit: u32) -> Result<Vec<LeafRow>, StorageError>;

    /// Number and token of at most `limit` rows with numbers above `after`, oldest first.
    ///
    /// # Errors
    /// Storage failed.
    #[expect(clippy::type_complexity, reason = "a number and a token")]
    fn journal_tokens(&mut self, after: u64, limit: u32) -> Result<Vec<(u64, Option<[u8; 16]>)>, StorageError>;

    /// How many rows of the service with this number, and its tokens, have numbers above `after` and up to `last`.
    ///
    /// # Errors
    /// Storage failed.
    fn count_journal(&mut self, service: u64, after: u64, last: u64) -> Result<u64, StorageError>;

    /// The number of the newest row; 0 when there is none.
    ///
    /// # Errors
    /// Storage failed.
    fn newest_journal(&mut self) -> Result<u64, StorageError>;

    /// Erases the content of the rows with numbers above `after` and up to `last`; returns how many had any.
    ///
    /// # Errors
    /// Storage failed.
    fn erase_journal(&mut self, after: u64, last: u64) -> Result<usize, StorageError>;

    /// Adds a checkpoint.
    ///
    /// # Errors
    /// [`StorageError::Exists`] when there is one of this size; storage failed.
    fn insert_checkpoint(&mut self, row: &CheckpointRow) -> Result<(), StorageError>;

    /// At most `limit` checkpoints of more than `after` rows, the smallest first.
    ///
    /// # Errors
    /// Storage failed.
    fn checkpoints(&mut self, after: u64, limit: u32) -> Result<Vec<CheckpointRow>, StorageError>;

    /// The checkpoint of the most rows.
    ///
    /// # Errors
    /// Storage failed.
    fn newest_checkpoint(&mut self) -> Result<Option<CheckpointRow>, StorageError>;
}

macro_rules! select {
    ($tail:literal) => {
        concat!("SELECT seq, at, subscription, service, token, hash, sealed FROM journal ", $tail)
    };
}

fn id_length(_: Vec<u8>) -> StorageError {
    StorageError::Corrupt("a token's id has another length".to_owned())
}

fn journal_row(row: &dyn Row) -> Result<JournalRow, StorageError> {
    Ok(JournalRow {
        seq: row.unsigned(0)?,
        at: UnixSeconds::new(row.unsigned(1)?),
        subscription: row.text(2)?,
        service: row.unsigned(3)?,
        token: row.optional_bytes(4)?.map(|id| id.try_into().map_err(id_length)).transpose()?,
        hash: row.array(5)?,
        sealed: row.optional_bytes(6)?,
    })
}

fn select<X: Transaction + ?Sized>(
    tx: &mut X,
    [all, subscription, service, token]: [&'static str; 4],
    filter: &JournalFilter,
    bound: u64,
    limit: u32,
) -> Result<Vec<JournalRow>, StorageError> {
    let (bound, limit) = (Value::unsigned(bound), Value::Int(i64::from(limit)));
    match filter {
        JournalFilter::All => query_all(tx, all, &[bound, limit], journal_row),
        JournalFilter::Subscription { name, since } => {
            query_all(tx, subscription, &[bound, Value::Text(name), Value::unsigned(*since), limit], journal_row)
        }
        JournalFilter::Service(id) => query_all(tx, service, &[bound, Value::unsigned(*id), limit], journal_row),
        JournalFilter::Token(id) => query_all(tx, token, &[bound, Value::Bytes(id), limit], journal_row),
    }
}

impl<X: Transaction + ?Sized> JournalRows for X {
    fn insert_journal(&mut self, row: &JournalRow) -> Result<(), StorageError> {
        insert_one(
            self,
            "INSERT INTO journal (seq, at, subscription, service, token, hash, sealed) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
            &[
                Value::unsigned(row.seq),
                Value::unsigned(row.at.get()),
                Value::Text(&row.subscription),
                Value::unsigned(row.service),
                Value::bytes_or_null(row.token.as_ref().map(<[u8; 16]>::as_slice)),
                Value::Bytes(&row.hash),
                Value::bytes_or_null(row.sealed.as_deref()),
            ],
        )
    }

    fn journal(&mut self, filter: &JournalFilter, after: u64, limit: u32) -> Result<Vec<JournalRow>, StorageError> {
        let statements = [
            select!("WHERE seq > $1 ORDER BY seq LIMIT $2"),
            select!("WHERE seq > $1 AND subscription = $2 AND seq >= $3 ORDER BY seq LIMIT $4"),
            select!("WHERE seq > $1 AND service = $2 ORDER BY seq LIMIT $3"),
            select!("WHERE seq > $1 AND token = $2 ORDER BY seq LIMIT $3"),
        ];
        select(self, statements, filter, after, limit)
    }

    fn journal_back(
        &mut self,
        filter: &JournalFilter,
        before: u64,
        limit: u32,
    ) -> Result<Vec<JournalRow>, StorageError> {
        let statements = [
            select!("WHERE seq < $1 ORDER BY seq DESC LIMIT $2"),
            select!("WHERE seq < $1 AND subscription = $2 AND seq >= $3 ORDER BY seq DESC LIMIT $4"),
            select!("WHERE seq < $1 AND service = $2 ORDER BY seq DESC LIMIT $3"),
            select!("WHERE seq < $1 AND token = $2 ORDER BY seq DESC LIMIT $3"),
        ];
        select(self, statements, filter, before, limit)
    }

    fn journal_leaves(&mut self, after: u64, limit: u32) -> Result<Vec<LeafRow>, StorageError> {
        let sql = "SELECT seq, at, hash FROM journal WHERE seq > $1 ORDER BY seq LIMIT $2";
        query_all(self, sql, &[Value::unsigned(after), Value::Int(i64::from(limit))], |row| {
            Ok(LeafRow { seq: row.unsigned(0)?, at: UnixSeconds::new(row.unsigned(1)?), hash: row.array(2)? })
        })
    }

    fn journal_tokens(&mut self, after: u64, limit: u32) -> Result<Vec<(u64, Option<[u8; 16]>)>, StorageError> {
        let sql = "SELECT seq, token FROM journal WHERE seq > $1 ORDER BY seq LIMIT $2";
        query_all(self, sql, &[Value::unsigned(after), Value::Int(i64::from(limit))], |row| {
            Ok((row.unsigned(0)?, row.optional_bytes(1)?.map(|id| id.try_into().map_err(id_length)).transpose()?))
        })
    }

    fn count_journal(&mut self, service: u64, after: u64, last: u64) -> Result<u64, StorageError> {
        let sql = "SELECT count(*) FROM journal WHERE seq > $1 AND seq <= $2 AND service = $3";
        let values = [Value::unsigned(after), Value::unsigned(last), Value::unsigned(service)];
        Ok(query_one(self, sql, &values, |row| row.unsigned(0))?.unwrap_or(0))
    }

    fn newest_journal(&mut self) -> Result<u64, StorageError> {
        let sql = "SELECT seq FROM journal ORDER BY seq DESC LIMIT 1";
        Ok(query_one(self, sql, &[], |row| row.unsigned(0))?.unwrap_or(0))
    }

    fn erase_journal(&mut self, after: u64, last: u64) -> Result<usize, StorageError> {
        let sql = "UPDATE journal SET sealed = NULL WHERE seq > $1 AND seq <= $2 AND sealed IS NOT NULL";
        self.execute(sql, &[Value::unsigned(after), Value::unsigned(last)])
    }
    fn insert_checkpoint(&mut self, row: &CheckpointRow) -> Result<(), StorageError> {
        let sql = "INSERT INTO checkpoint (size, at, note) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        insert_one(self, sql, &[Value::unsigned(row.size), Value::unsigned(row.at.get()), Value::Text(&row.note)])
    }

    fn checkpoints(&mut self, after: u64, limit: u32) -> Result<Vec<CheckpointRow>, StorageError> {
        let sql = "SELECT size, at, note FROM checkpoint WHERE size > $1 ORDER BY size LIMIT $2";
        query_all(self, sql, &[Value::unsigned(after), Value::Int(i64::from(limit))], checkpoint_row)
    }

    fn newest_checkpoint(&mut self) -> Result<Option<CheckpointRow>, StorageError> {
        query_one(self, "SELECT size, at, note FROM checkpoint ORDER BY size DESC LIMIT 1", &[], checkpoint_row)
    }
}

fn checkpoint_row(row: &dyn Row) -> Result<CheckpointRow, StorageError> {
    Ok(CheckpointRow { size: row.unsigned(0)?, at: UnixSeconds::new(row.unsigned(1)?), note: row.text(2)? })
}
