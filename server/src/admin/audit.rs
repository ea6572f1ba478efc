//! The audit log: verifying it, exporting it, proving things with it.

mod subtrees;
mod verify;

use data_encoding::BASE64URL_NOPAD;

pub use subtrees::Subtrees;
pub use verify::AuditReport;

use super::{Admin, AdminError};
use crate::audit::checkpoint::Log;
use crate::audit::export::{Head, Line};
use crate::audit::proof;
use crate::audit::tree::Hash;
use crate::domain::actor::Actor;
use crate::storage::rows::{JournalFilter, JournalRows};
use crate::vault::{About, Event, EventKind, VaultError};

/// Whose rows are exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditScope {
    /// All of the instance, without proofs: who has all rows can compute the root.
    Instance,
    /// Those of one subscription, each with its proof.
    Subscription(String),
}

impl AuditScope {
    fn filter(&self) -> JournalFilter {
        match self {
            Self::Instance => JournalFilter::All,
            Self::Subscription(name) => JournalFilter::Subscription(name.clone()),
        }
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
    /// [`AdminError::NoSubscription`]: there never was one of this name. [`AdminError::BadCall`]: `from` is no position of
    /// an export. Storage failed, or a row is damaged.
    pub async fn audit_export(
        &self,
        scope: &AuditScope,
        by: Actor,
        from: Option<AuditPosition>,
        limit: u32,
    ) -> Result<AuditPage, AdminError> {
        let (about, filter, named) = (scope.about(), scope.filter(), scope.subscription());
        let note = self
            .write(move |vault, tx| {
                let clock = vault.reading();
                // One that was deleted has left its rows; one that never was has none, and gets none now.
                if let Some(name) = named
                    && !vault.subscriptions(tx)?.iter().any(|known| known.name == name)
                    && vault.stored_journal(tx, &filter, 0, 1)?.is_empty()
                {
                    return Err(VaultError::Unknown("subscription"));
                }
                let after = from.map_or(0, |from| from.after);
                let event = Event::new(EventKind::AuditExported, about, by, clock.now());
                vault.record(tx, &event.with("after", after.to_string()))?;
                match from {
                    None => vault.sign_checkpoint(tx, clock).map(Some),
                    Some(from) => {
                        let before = from.through.saturating_sub(1);
                        Ok(tx.checkpoints(before, 1)?.into_iter().find(|row| row.size == from.through))
                    }
                }
            })
            .await?
            .ok_or_else(|| AdminError::BadCall("this is no position of an export: begin anew".to_owned()))?;
        let (through, after) = (note.size, from.map_or(0, |from| from.after));
        let (filter, subtrees) = (scope.filter(), self.subtrees.clone());
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
        let ranges = proof::consistency(size, note.size);
        let ranges = ranges.ok_or_else(|| AdminError::BadCall("the log has never had this many rows".to_owned()))?;
        let subtrees = self.subtrees.clone();
        let proof = self
            .read(move |_, tx| {
                let mut reading = subtrees.reading();
                ranges.into_iter().map(|range| reading.root(tx, range)).collect::<Result<Vec<_>, VaultError>>()
            })
            .await?;
        Ok(AuditProof { checkpoint: note.note, proof: encoded(&proof) })
    }
}

fn encoded(proof: &[Hash]) -> Vec<String> {
    proof.iter().map(|node| BASE64URL_NOPAD.encode(node)).collect()
}

#[cfg(test)]
mod tests;
