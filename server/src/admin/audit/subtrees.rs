//! Roots of ranges of the journal. Those of full blocks never change and are kept in memory, so that a proof over
//! millions of rows reads a few thousand of them.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use crate::audit::leaf::Leaf;
use crate::audit::proof;
use crate::audit::tree::{Frontier, Hash};
use crate::storage::Transaction;
use crate::storage::rows::JournalRows;
use crate::vault::VaultError;

/// A block has `1 << LEVEL` leaves.
const LEVEL: u32 = 10;
const BLOCK: u64 = 1 << LEVEL;

/// The roots of full blocks that have been computed. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Subtrees(Arc<Mutex<HashMap<u64, Hash>>>);

impl Subtrees {
    /// Begins to read; for one transaction.
    pub(super) fn reading(&self) -> Reading {
        Reading { roots: Arc::clone(&self.0), loaded: None }
    }
}

pub(super) struct Reading {
    roots: Arc<Mutex<HashMap<u64, Hash>>>,
    /// The block that was looked at last: its number and its leaves.
    loaded: Option<(u64, Vec<Hash>)>,
}

impl Reading {
    /// The proof that row `seq` is in the tree of `size` rows.
    pub(super) fn inclusion(&mut self, tx: &mut dyn Transaction, seq: u64, size: u64) -> Result<Vec<Hash>, VaultError> {
        let ranges = proof::inclusion(seq.saturating_sub(1), size).ok_or(VaultError::Damaged("journal"))?;
        ranges.into_iter().map(|range| self.root(tx, range)).collect()
    }

    /// The root over a range of leaves as proofs have them: it begins at a multiple of its own length, rounded up to a
    /// power of two.
    pub(super) fn root(&mut self, tx: &mut dyn Transaction, range: Range<u64>) -> Result<Hash, VaultError> {
        let mut tree = Frontier::default();
        let mut at = range.start;
        while at < range.end {
            let block = at / BLOCK;
            let end = range.end.min((block + 1) * BLOCK);
            if at == block * BLOCK && end - at == BLOCK {
                let known = self.roots.lock().unwrap_or_else(PoisonError::into_inner).get(&block).copied();
                let root = match known {
                    Some(root) => root,
                    None => self.block_root(tx, block)?,
                };
                tree.push_full(root, LEVEL);
            } else {
                for leaf in self.leaves(tx, block, at..end)? {
                    tree.push(*leaf);
                }
            }
            at = end;
        }
        Ok(tree.root())
    }

    fn block_root(&mut self, tx: &mut dyn Transaction, block: u64) -> Result<Hash, VaultError> {
        let mut tree = Frontier::default();
        for leaf in self.leaves(tx, block, block * BLOCK..(block + 1) * BLOCK)? {
            tree.push(*leaf);
        }
        let root = tree.root();
        self.roots.lock().unwrap_or_else(PoisonError::into_inner).insert(block, root);
        Ok(root)
    }

    /// The leaves of `range`, all of which are in `block`.
    fn leaves(&mut self, tx: &mut dyn Transaction, block: u64, range: Range<u64>) -> Result<&[Hash], VaultError> {
        let damaged = VaultError::Damaged("journal");
        let (first, last) = (range.start - block * BLOCK, range.end - block * BLOCK);
        let is_loaded = self.loaded.as_ref().is_some_and(|(b, leaves)| *b == block && leaves.len() as u64 >= last);
        if !is_loaded {
            let rows = tx.journal_leaves(block * BLOCK, BLOCK as u32)?;
            let mut leaves = Vec::with_capacity(rows.len());
            for (row, seq) in rows.iter().zip(block * BLOCK + 1..) {
                if row.seq != seq {
                    return Err(damaged);
                }
                leaves.push(Leaf { seq, at: row.at, commitment: row.hash }.hash());
            }
            self.loaded = Some((block, leaves));
        }
        let leaves = self.loaded.as_ref().map(|(_, leaves)| leaves.as_slice()).unwrap_or_default();
        leaves.get(first as usize..last as usize).ok_or(damaged)
    }
}
