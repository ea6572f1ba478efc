//! The audit log: verifying it, exporting it, proving things with it.

mod subtrees;
mod verify;

use data_encoding::BASE64URL_NOPAD;

pub use subtrees::Subtrees;
pub use verify::AuditReport;

use super::{Admin, AdminError};
use crate::audit::checkpoint::Log;
use crate::audit::export::{Growth, Head, Line};
use crate::audit::proof;
use crate::audit::tree::Hash;
use crate::domain::actor::Actor;
use crate::storage::Transaction;
use crate::storage::rows::{AccessRows, JournalFilter, JournalRows};
use crate::vault::{About, Event, EventKind, Vault, VaultError};

/// Whose rows are exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditScope {
    /// All of the instance, without proofs: who has all rows can compute the root.
    Instance,
    /// Those of one subscription, each with its proof.
    Subscription(String),
}

impl AuditScope {
    /// Which rows are in it. Those of a subscription that is gone are the operator's alone: an authkey is one of the
    /// subscription that has the name now.
    fn filter(&self, vault: &Vault, tx: &mut dyn Transaction, by: Actor) -> Result<JournalFilter, VaultError> {
        let Self::Subscription(name) = self else { return Ok(JournalFilter::All) };
        let filter = vault.subscription_filter(tx, name)?;
        // One that was deleted has left its rows; one that never was has none, and gets none now.
        let is_there = tx.has_subscription(name)?
            || (by.authkey().is_none() && !vault.stored_journal(tx, &filter, 0, 1)?.is_empty());
        if is_there { Ok(filter) } else { Err(VaultError::Unknown("subscription")) }
    }

    fn about(&self) -> About {
        match self {
            Self::Instance => About::Instance,
            Self::Subscription(name) => About::Subscription(name.clone()),
        }
    }

    fn subscription(&self) -> Option<String> {
        match self {
            Self::Instance => None,
            Self::Subscription(name) => Some(name.clone()),
        }
    }
}

/// Where an export goes on: after which row, and in the tree of which size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditPosition {
    /// The size of the tree, of which there is a checkpoint.
    pub through: u64,
    /// The last row that was read.
    pub after: u64,
}

/// A page of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditPage {
    /// The head of the whole export, the same for all of its pages.
    pub head: Head,
    /// The rows.
    pub lines: Vec<Line>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<AuditPosition>,
}

/// A proof: numbers and hashes, in base64url.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditProof {
    /// The checkpoint of the tree that it is about.
    pub checkpoint: String,
    /// The roots, in the order of RFC 6962.
    pub proof: Vec<String>,
}

impl Admin {
    /// The log as those know it who have the public key: its origin and verifier key.
    ///
    /// # Errors
    /// Storage failed, or a row is damaged.
    pub async fn audit_log(&self) -> Result<Log, AdminError> {
        self.read(|vault, tx| vault.audit_log(tx)).await
    }

    /// Signs the head of the log's tree as it is now, in the form of a C2SP checkpoint.
    ///
    /// # Errors
    /// Storage failed, or a row is damaged.
    pub async fn audit_checkpoint(&self) -> Result<String, AdminError> {
        Ok(self.write(|vault, tx| vault.sign_checkpoint(tx, vault.reading())).await?.note)
    }

    /// A page of at most `limit` rows with their contents, and what is needed to check them. That somebody reads is
    /// itself recorded, before it happens. An export ends with the tree as it is when the first page is read.
    ///
    /// # Errors
    /// [`AdminError::NoSubscription`]: there never was one of this name, or there is none now and an authkey asks.
    /// [`AdminError::BadCall`]: `from` is no position of an export. Storage failed, or a row is damaged.
    pub async fn audit_export(
        &self,
        scope: &AuditScope,
        by: Actor,
        from: Option<AuditPosition>,
        limit: u32,
    ) -> Result<AuditPage, AdminError> {
        let (about, asked) = (scope.about(), scope.clone());
        let (note, filter) = self
            .write(move |vault, tx| {
                let (clock, filter) = (vault.reading(), asked.filter(vault, tx, by)?);
                let after = from.map_or(0, |from| from.after);
                let event = Event::new(EventKind::AuditExported, about, by, clock.now());
                vault.record(tx, &event.with("after", after.to_string()))?;
                let note = match from {
                    None => Some(vault.sign_checkpoint(tx, clock)?),
                    Some(from) => {
                        let before = from.through.saturating_sub(1);
                        tx.checkpoints(before, 1)?.into_iter().find(|row| row.size == from.through)
                    }
                };
                Ok((note, filter))
            })
            .await?;
        let none = || AdminError::BadCall("this is no position of an export: begin anew".to_owned());
        let note = note.ok_or_else(none)?;
        let (through, after) = (note.size, from.map_or(0, |from| from.after));
        let subtrees = self.subtrees.clone();
        let proves = matches!(scope, AuditScope::Subscription(_));
        let (lines, is_last) = self
            .read(move |vault, tx| {
                let mut entries = vault.journal(tx, &filter, after, limit)?;
                let read = entries.len();
                entries.retain(|entry| entry.seq() <= through);
                let is_last = entries.len() < read || read < limit as usize;
                let mut reading = subtrees.reading();
                let mut lines = Vec::with_capacity(entries.len());
                for entry in &entries {
                    let proof = if proves { Some(reading.inclusion(tx, entry.seq(), through)?) } else { None };
                    lines.push(Line::new(entry, true, proof.as_deref()));
                }
                Ok((lines, is_last))
            })
            .await?;
        let next = lines.last().filter(|_| !is_last).map(|line| AuditPosition { through, after: line.seq });
        Ok(AuditPage { head: Head::new(scope.subscription(), note.note), lines, next })
    }

    /// Proves that row `seq` is in the log's tree as it is now.
    ///
    /// # Errors
    /// [`AdminError::BadCall`]: there is no such row. Storage failed, or a row is damaged.
    pub async fn audit_inclusion(&self, seq: u64) -> Result<AuditProof, AdminError> {
        let note = self.write(|vault, tx| vault.sign_checkpoint(tx, vault.reading())).await?;
        if !(1..=note.size).contains(&seq) {
            return Err(AdminError::BadCall("the log has no row with this number".to_owned()));
        }
        let (subtrees, size) = (self.subtrees.clone(), note.size);
        let proof = self.read(move |_, tx| subtrees.reading().inclusion(tx, seq, size)).await?;
        Ok(AuditProof { checkpoint: note.note, proof: encoded(&proof) })
    }

    /// Proves that the log's tree as it is now begins with its first `size` rows.
    ///
    /// # Errors
    /// [`AdminError::BadCall`]: the log has never had that size. Storage failed, or a row is damaged.
    pub async fn audit_consistency(&self, size: u64) -> Result<AuditProof, AdminError> {
        let note = self.write(|vault, tx| vault.sign_checkpoint(tx, vault.reading())).await?;
        let proof = self.growth(size, note.size).await?;
        Ok(AuditProof { checkpoint: note.note, proof })
    }

    /// The head of an export with the proofs that its log begins with the first rows, as many as `since` says, of each:
    /// an export of a subscription can be compared with older checkpoints by them alone.
    ///
    /// # Errors
    /// [`AdminError::BadCall`]: the log has never had that size, or the head is none of this log. Storage failed, or a
    /// row is damaged.
    pub async fn audit_head(&self, mut head: Head, since: &[u64]) -> Result<Head, AdminError> {
        let checkpoint = self.audit_log().await?.open(&head.checkpoint);
        let checkpoint = checkpoint.map_err(|error| AdminError::BadCall(error.to_string()))?;
        for rows in since {
            head.grown.push(Growth { rows: *rows, proof: self.growth(*rows, checkpoint.size).await? });
        }
        Ok(head)
    }

    async fn growth(&self, old: u64, new: u64) -> Result<Vec<String>, AdminError> {
        let ranges = proof::consistency(old, new);
        let ranges = ranges.ok_or_else(|| AdminError::BadCall("the log has never had this many rows".to_owned()))?;
        let subtrees = self.subtrees.clone();
        let proof = self
            .read(move |_, tx| {
                let mut reading = subtrees.reading();
                ranges.into_iter().map(|range| reading.root(tx, range)).collect::<Result<Vec<_>, VaultError>>()
            })
            .await?;
        Ok(encoded(&proof))
    }
}

fn encoded(proof: &[Hash]) -> Vec<String> {
    proof.iter().map(|node| BASE64URL_NOPAD.encode(node)).collect()
}

#[cfg(test)]
mod tests;
