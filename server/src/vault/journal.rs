//! The journal: everything that happened, in the order of the commits, each row a leaf of the audit log's tree.
//!
//! A row that a device can cause has one size, whatever it says: one that tells of duress looks like any other. The
//! head of the tree is kept sealed and written in the same transaction, so that who edits the database cannot make a
//! log that fits it.

mod body;
mod checkpoints;
mod event;
mod kind;

pub use body::Reader;
pub use event::{About, Event, Signed};
pub use kind::EventKind;

use super::seal::Table;
use super::{Decoder, Encoder, Vault, VaultError, random_id};
use crate::audit::leaf::{Leaf, SALT_LEN, commitment};
use crate::audit::tree::Frontier;
use crate::storage::rows::{JournalFilter, JournalRow, JournalRows, MetaRows};
use crate::storage::{Sealed, StorageError, Transaction};

/// The head of the tree.
const HEAD: &str = "journal";
/// Name of the mark up to which retention has erased.
const ERASED: &str = "cursor erased";

/// A row of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The row as it goes into the tree.
    pub leaf: Leaf,
    /// What happened; `None` once retention has erased it.
    pub content: Option<Content>,
}

/// What a row says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// What was hashed with the bytes.
    pub salt: [u8; SALT_LEN],
    /// The bytes that the leaf commits to.
    pub bytes: Vec<u8>,
    /// The same, understood.
    pub event: Event,
}

impl Entry {
    /// The row's number.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.leaf.seq
    }

    /// What happened, unless retention has erased it.
    #[must_use]
    pub fn event(&self) -> Option<&Event> {
        self.content.as_ref().map(|content| &content.event)
    }
}

impl Vault {
    /// Adds a row to the journal and a leaf to its tree; returns the row's number.
    ///
    /// # Errors
    /// [`VaultError::Misuse`]: the event does not fit its row. The head is damaged or does not fit the rows; storage
    /// failed.
    pub fn record(&self, tx: &mut dyn Transaction, event: &Event) -> Result<u64, VaultError> {
        let (ver, mut tree) = self.journal_head(tx)?;
        let body = event.encode()?;
        let salt = random_id(&*self.entropy);
        let leaf = Leaf { seq: tree.size() + 1, at: event.at, commitment: commitment(&salt, body.bytes()) };
        let mut content = Encoder::new();
        content.put(&salt).put(body.bytes());
        let (subscription, service, token) = columns(event);
        let mut row = JournalRow {
            seq: leaf.seq,
            at: leaf.at,
            subscription: subscription.to_owned(),
            service,
            token,
            hash: leaf.commitment,
            sealed: None,
        };
        row.sealed = Some(self.seal(Table::Journal, &binding(&row, &numbers(&row)), 1, &content).bytes);
        tx.insert_journal(&row).map_err(|error| match error {
            // The head says that there is no such row yet.
            StorageError::Exists => VaultError::Damaged(Table::Journal.name()),
            error => error.into(),
        })?;
        tree.push(leaf.hash());
        self.put_journal_head(tx, ver, &tree)?;
        Ok(leaf.seq)
    }

    /// The tree over all rows.
    ///
    /// # Errors
    /// The head is damaged; storage failed.
    pub fn journal_tree(&self, tx: &mut dyn Transaction) -> Result<Frontier, VaultError> {
        self.journal_head(tx).map(|(_, tree)| tree)
    }

    fn journal_head(&self, tx: &mut dyn Transaction) -> Result<(u64, Frontier), VaultError> {
        let Some(sealed) = tx.meta(HEAD)? else {
            // It is made before the identity: where that is and the head is not, somebody took it away.
            return match self.has_identity(tx)? {
                true => Err(VaultError::Damaged(Table::Journal.name())),
                false => Ok((0, Frontier::default())),
            };
        };
        let content = self.sealer.open(Table::Meta, &[HEAD.as_bytes()], &sealed)?;
        let mut decoder = Decoder::new(Table::Meta, &content);
        let size = decoder.u64()?;
        let roots = (0..size.count_ones()).map(|_| decoder.array()).collect::<Result<_, _>>()?;
        let damaged = decoder.damaged();
        decoder.end()?;
        Ok((sealed.ver, Frontier::from_parts(size, roots).ok_or(damaged)?))
    }

    /// Stores the head of a log that has no rows yet; does nothing where there is a head.
    pub(super) fn begin_journal(&self, tx: &mut dyn Transaction) -> Result<(), VaultError> {
        match self.journal_head(tx)? {
            (0, tree) => self.put_journal_head(tx, 0, &tree),
            _ => Ok(()),
        }
    }

    fn put_journal_head(&self, tx: &mut dyn Transaction, ver: u64, tree: &Frontier) -> Result<(), VaultError> {
        let mut content = Encoder::new();
        content.u64(tree.size());
        for root in tree.roots() {
            content.put(root);
        }
        let sealed = self.seal(Table::Meta, &[HEAD.as_bytes()], ver + 1, &content);
        Ok(tx.put_meta(HEAD, &sealed)?)
    }

    /// At most `limit` rows with numbers above `after`, oldest first.
    ///
    /// # Errors
    /// A row is damaged; storage failed.
    pub fn journal(
        &self,
        tx: &mut dyn Transaction,
        filter: &JournalFilter,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Entry>, VaultError> {
        tx.journal(filter, after, limit)?.iter().map(|row| self.open_journal(row)).collect()
    }

    /// At most `limit` rows with numbers below `before`, newest first.
    ///
    /// # Errors
    /// A row is damaged; storage failed.
    pub fn journal_back(
        &self,
        tx: &mut dyn Transaction,
        filter: &JournalFilter,
        before: u64,
        limit: u32,
    ) -> Result<Vec<Entry>, VaultError> {
        tx.journal_back(filter, before, limit)?.iter().map(|row| self.open_journal(row)).collect()
    }

    /// As [`Vault::journal`], with the damaged rows among them by their numbers: one of those must not hold up the
    /// alerts behind it.
    ///
    /// # Errors
    /// Storage failed.
    #[expect(clippy::type_complexity, reason = "a number and what is behind it")]
    pub fn stored_journal(
        &self,
        tx: &mut dyn Transaction,
        filter: &JournalFilter,
        after: u64,
        limit: u32,
    ) -> Result<Vec<(u64, Result<Entry, VaultError>)>, VaultError> {
        Ok(tx.journal(filter, after, limit)?.iter().map(|row| (row.seq, self.open_journal(row))).collect())
    }

    /// Opens a row and checks that its content is what the leaf commits to and what its columns say.
    pub(super) fn open_journal(&self, row: &JournalRow) -> Result<Entry, VaultError> {
        let leaf = Leaf { seq: row.seq, at: row.at, commitment: row.hash };
        let Some(bytes) = &row.sealed else { return Ok(Entry { leaf, content: None }) };
        let sealed = Sealed { ver: 1, bytes: bytes.clone() };
        let content = self.sealer.open(Table::Journal, &binding(row, &numbers(row)), &sealed)?;
        let mut decoder = Decoder::new(Table::Journal, &content);
        let (salt, damaged) = (decoder.array()?, decoder.damaged());
        let bytes = decoder.rest().to_vec();
        if commitment(&salt, &bytes) != leaf.commitment {
            return Err(damaged);
        }
        let event = Event::decode(&bytes, leaf.at)?;
        Ok(Entry { leaf, content: Some(Content { salt, bytes, event }) })
    }

    /// The number of the newest row; 0 when there is none.
    ///
    /// # Errors
    /// Storage failed.
    pub fn newest_journal(&self, tx: &mut dyn Transaction) -> Result<u64, VaultError> {
        Ok(JournalRows::newest_journal(tx)?)
    }

    /// Looks whether a row is what it was when it was written; returns whether it has its content.
    pub(crate) fn check_journal(&self, row: &JournalRow) -> Result<bool, VaultError> {
        let entry = self.open_journal(row)?;
        let Some(event) = entry.event() else { return Ok(false) };
        // What it is found by is sealed with it, and says what the content says.
        let (subscription, service, token) = columns(event);
        let fits = (row.subscription.as_str(), row.service, row.token) == (subscription, service, token);
        if fits { Ok(true) } else { Err(VaultError::Damaged(Table::Journal.name())) }
    }

    /// How far a reader of the journal called `name` has come; 0 before its first row.
    ///
    /// # Errors
    /// The mark is damaged; storage failed.
    pub fn cursor(&self, tx: &mut dyn Transaction, name: &str) -> Result<u64, VaultError> {
        self.read_cursor(tx, name).map(|(_, seq)| seq)
    }

    /// Notes that a reader of the journal called `name` has come to `seq`, unless it is further.
    ///
    /// # Errors
    /// The mark is damaged; storage failed.
    pub fn advance_cursor(&self, tx: &mut dyn Transaction, name: &str, seq: u64) -> Result<(), VaultError> {
        let (ver, before) = self.read_cursor(tx, name)?;
        if seq <= before {
            return Ok(());
        }
        let mut content = Encoder::new();
        content.u64(seq);
        let sealed = self.seal(Table::Meta, &[name.as_bytes()], ver + 1, &content);
        Ok(tx.put_meta(name, &sealed)?)
    }

    fn read_cursor(&self, tx: &mut dyn Transaction, name: &str) -> Result<(u64, u64), VaultError> {
        let Some(sealed) = tx.meta(name)? else { return Ok((0, 0)) };
        let content = self.sealer.open(Table::Meta, &[name.as_bytes()], &sealed)?;
        let mut decoder = Decoder::new(Table::Meta, &content);
        let seq = decoder.u64()?;
        decoder.end()?;
        Ok((sealed.ver, seq))
    }
}

/// What a row is found by.
fn columns(event: &Event) -> (&str, u64, Option<[u8; 16]>) {
    let about = &event.about;
    let service = about.service().map_or(0, |(id, _)| id);
    (about.subscription().unwrap_or_default(), service, about.token().map(|(id, _)| *id.bytes()))
}

type Numbers = [[u8; 8]; 3];

fn numbers(row: &JournalRow) -> Numbers {
    [row.seq, row.at.get(), row.service].map(u64::to_le_bytes)
}

/// What stands beside the content in clear.
fn binding<'a>(row: &'a JournalRow, [seq, at, service]: &'a Numbers) -> [&'a [u8]; 6] {
    let token = row.token.as_ref().map_or(&[][..], <[u8; 16]>::as_slice);
    [seq, at, row.subscription.as_bytes(), service, token, &row.hash]
}
