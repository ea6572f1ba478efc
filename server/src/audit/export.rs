//! The file that an export is: one JSON object a line, a head with a signed checkpoint first, then the rows of the
//! journal. It is checked as it is read, with the instance's public key alone.
//!
//! An export of the whole instance has every row, and its root is computed anew. One of a subscription has the rows of
//! that subscription, each with the proof that it is in the tree.

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::checkpoint::{Checkpoint, Log};
use super::leaf::{Leaf, commitment};
use super::note::NoteError;
use super::proof::{is_consistent, is_included};
use super::tree::{Frontier, Hash};
use crate::clock::UnixSeconds;
use crate::vault::{Entry, Event, Reader};

const FORMAT: &str = "cardea audit export 1";

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    format: String,
    /// The subscription whose rows these are; `None` when they are all.
    pub subscription: Option<String>,
    /// The checkpoint that they are in.
    pub checkpoint: String,
    /// Proofs that the tree has only grown since, for who compares a part of the rows with older checkpoints.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grown: Vec<Growth>,
}

/// The proof that a tree begins with the leaves of an older one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Growth {
    /// How many rows the older one had.
    pub rows: u64,
    /// The roots in between, in base64url, in the order of RFC 6962.
    pub proof: Vec<String>,
}

impl Head {
    /// The head of an export.
    #[must_use]
    pub fn new(subscription: Option<String>, checkpoint: String) -> Self {
        Self { format: FORMAT.to_owned(), subscription, checkpoint, grown: Vec::new() }
    }

    /// Whether its tree of `new` agrees with one that is `known`, which not all rows are there to tell.
    fn agrees(&self, new: &Checkpoint, known: &Checkpoint) -> Result<(), ExportError> {
        if known.size > new.size {
            return Err(ExportError::Older { known: known.size, found: new.size });
        }
        if known.size == new.size {
            return if known.root == new.root { Ok(()) } else { Err(ExportError::Root(new.size)) };
        }
        // Every log begins with no rows.
        if known.size == 0 {
            return Ok(());
        }
        let growth = self.grown.iter().find(|growth| growth.rows == known.size);
        let growth = growth.ok_or(ExportError::Unproved(known.size))?;
        let node = |text: &String| BASE64URL_NOPAD.decode(text.as_bytes()).ok()?.try_into().ok();
        let proof: Vec<Hash> = growth.proof.iter().map(node).collect::<Option<_>>().ok_or(ExportError::Head)?;
        let holds = is_consistent((known.size, &known.root), (new.size, &new.root), &proof);
        if holds { Ok(()) } else { Err(ExportError::Root(known.size)) }
    }
}

/// A row of the journal, a line of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Its number.
    pub seq: u64,
    /// When it was committed, in Unix seconds.
    pub at: u64,
    /// What its content is committed to with, in base64url.
    pub commitment: String,
    /// What was hashed with the content, in base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<String>,
    /// The content, in base64url. Missing once retention has erased it, or when it was not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// The same for people: the event's body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<Value>,
    /// The proof that the row is in the tree, in base64url, where not all rows are there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Vec<String>>,
}

impl Line {
    /// The line of a row, with its content or without.
    #[must_use]
    pub fn new(entry: &Entry, opened: bool, proof: Option<&[Hash]>) -> Self {
        let content = entry.content.as_ref().filter(|_| opened);
        Self {
            seq: entry.leaf.seq,
            at: entry.leaf.at.get(),
            commitment: BASE64URL_NOPAD.encode(&entry.leaf.commitment),
            salt: content.map(|content| BASE64URL_NOPAD.encode(&content.salt)),
            content: content.map(|content| BASE64URL_NOPAD.encode(&content.bytes)),
            event: content.map(|content| content.event.body(entry.leaf.seq, Reader::Everything)),
            proof: proof.map(|proof| proof.iter().map(|node| BASE64URL_NOPAD.encode(node)).collect()),
        }
    }
}

/// What is wrong with an export. Whoever handed it over must explain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The first line is not that of an export.
    #[error("the first line is not the head of an audit export")]
    Head,
    /// The checkpoint is not to be believed.
    #[error("the checkpoint of the export: {0}")]
    Checkpoint(NoteError),
    /// A line is no row.
    #[error("line {0} is no row of the journal")]
    Line(u64),
    /// Rows are missing, repeated or out of order.
    #[error("row {expected} is missing: row {found} comes in its place")]
    Order {
        /// The number that should come.
        expected: u64,
        /// The number that comes.
        found: u64,
    },
    /// The content is not what the row commits to.
    #[error("row {0} was changed: its content is not what it commits to")]
    Content(u64),
    /// The row is not in the tree.
    #[error("row {0} is not in the tree that the checkpoint signs")]
    Proof(u64),
    /// The file ends early, or goes on after the checkpoint.
    #[error("the export has {found} rows and its checkpoint {expected}")]
    Size {
        /// Rows of the checkpoint.
        expected: u64,
        /// Rows of the file.
        found: u64,
    },
    /// A checkpoint is newer than the export.
    #[error(
        "the log of the export has {found} rows, but a checkpoint was signed over {known}: the export is older, or the \
         newest rows are gone"
    )]
    Older {
        /// Rows of the checkpoint.
        known: u64,
        /// Rows of the log.
        found: u64,
    },
    /// A checkpoint is older than the export, which does not prove that it agrees.
    #[error(
        "the export has some of the rows only, and no proof that its log begins with the {0} rows of a checkpoint: \
         export it again with `--since {0}`"
    )]
    Unproved(u64),
    /// The rows are not those that were signed.
    #[error("a row up to {0} was changed: the root of the tree is not the one that was signed")]
    Root(u64),
}

/// Checks an export line by line.
#[derive(Debug)]
pub struct Checker {
    log: Log,
    known: Vec<Checkpoint>,
    head: Option<(Head, Checkpoint)>,
    tree: Frontier,
    lines: u64,
    last: u64,
    erased: u64,
}

/// What a file that holds has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The checkpoint that signs it.
    pub checkpoint: Checkpoint,
    /// The subscription, unless it is the whole log.
    pub subscription: Option<String>,
    /// How many rows it has.
    pub rows: u64,
    /// How many of them without content.
    pub without_content: u64,
}

impl Checker {
    /// A checker for exports of `log`. `known` are checkpoints from before, which the export has to agree with.
    #[must_use]
    pub fn new(log: Log, mut known: Vec<Checkpoint>) -> Self {
        known.sort_by_key(|checkpoint| checkpoint.size);
        Self { log, known, head: None, tree: Frontier::default(), lines: 0, last: 0, erased: 0 }
    }

    /// Checks the next line.
    ///
    /// # Errors
    /// The first thing that is wrong; the rest of the file says nothing any more.
    pub fn line(&mut self, line: &str) -> Result<(), ExportError> {
        self.lines += 1;
        let Some((head, checkpoint)) = &self.head else {
            let head: Head = serde_json::from_str(line).map_err(|_| ExportError::Head)?;
            if head.format != FORMAT {
                return Err(ExportError::Head);
            }
            let checkpoint = self.log.open(&head.checkpoint).map_err(ExportError::Checkpoint)?;
            // Where the whole tree is there, it is compared as it grows; where it is not, proofs must tell.
            match head.subscription {
                None => agrees(&self.known, &self.tree)?,
                Some(_) => self.known.iter().try_for_each(|known| head.agrees(&checkpoint, known))?,
            }
            self.head = Some((head, checkpoint));
            return Ok(());
        };
        let read = || ExportError::Line(self.lines);
        let line: Line = serde_json::from_str(line).map_err(|_| read())?;
        let bytes = |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| read());
        let hash = |text: &str| -> Result<Hash, _> { bytes(text)?.try_into().map_err(|_| read()) };
        let leaf = Leaf { seq: line.seq, at: UnixSeconds::new(line.at), commitment: hash(&line.commitment)? };
        let content = match (&line.salt, &line.content, &line.event) {
            (None, None, None) => false,
            (Some(salt), Some(content), event) => {
                let salt = bytes(salt)?.try_into().map_err(|_| read())?;
                let content = bytes(content)?;
                let wrong = || ExportError::Content(leaf.seq);
                if commitment(&salt, &content) != leaf.commitment {
                    return Err(wrong());
                }
                let understood = Event::decode(&content, leaf.at).map_err(|_| wrong())?;
                let body = understood.body(leaf.seq, Reader::Everything);
                if event.as_ref().is_some_and(|event| *event != body) {
                    return Err(wrong());
                }
                let foreign =
                    head.subscription.is_some() && head.subscription.as_deref() != understood.about.subscription();
                if foreign {
                    return Err(ExportError::Line(self.lines));
                }
                true
            }
            _ => return Err(read()),
        };
        if head.subscription.is_some() {
            if leaf.seq <= self.last {
                return Err(ExportError::Order { expected: self.last + 1, found: leaf.seq });
            }
            let proof = line.proof.as_deref().unwrap_or_default();
            let proof: Vec<Hash> = proof.iter().map(|node| hash(node)).collect::<Result<_, _>>()?;
            if !is_included(&leaf.hash(), leaf.seq - 1, checkpoint.size, &proof, &checkpoint.root) {
                return Err(ExportError::Proof(leaf.seq));
            }
        } else {
            if leaf.seq != self.last + 1 {
                return Err(ExportError::Order { expected: self.last + 1, found: leaf.seq });
            }
            if leaf.seq > checkpoint.size {
                return Err(ExportError::Size { expected: checkpoint.size, found: leaf.seq });
            }
            self.tree.push(leaf.hash());
            agrees(&self.known, &self.tree)?;
        }
        self.last = leaf.seq;
        self.erased += u64::from(!content);
        Ok(())
    }

    /// Checks that nothing is missing at the end.
    ///
    /// # Errors
    /// Something is, or the tree is another one.
    pub fn finish(self) -> Result<Checked, ExportError> {
        let (head, checkpoint) = self.head.ok_or(ExportError::Head)?;
        if head.subscription.is_none() {
            let found = self.tree.size();
            if found != checkpoint.size {
                return Err(ExportError::Size { expected: checkpoint.size, found });
            }
            if self.tree.root() != checkpoint.root {
                return Err(ExportError::Root(found));
            }
            // A checkpoint of more rows than there are: some are gone.
            if let Some(newer) = self.known.iter().find(|known| known.size > found) {
                return Err(ExportError::Size { expected: newer.size, found });
            }
        }
        Ok(Checked { checkpoint, subscription: head.subscription, rows: self.lines - 1, without_content: self.erased })
    }
}

fn agrees(known: &[Checkpoint], tree: &Frontier) -> Result<(), ExportError> {
    let size = tree.size();
    let differs = known.iter().any(|known| known.size == size && known.root != tree.root());
    if differs { Err(ExportError::Root(size)) } else { Ok(()) }
}
