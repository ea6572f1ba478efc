//! What the cache knows of commits: which are going on, and which was the last to touch a token.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{REMEMBERED, StatusCache, TokenCopy, write};
use crate::storage::Touched;

/// What is known of commits, by number, and the copies by token.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) copies: HashMap<[u8; 16], Arc<TokenCopy>>,
    /// Commits that are going on, by token.
    pub(super) going: HashMap<[u8; 16], usize>,
    /// The number of the last one.
    pub(super) touched: HashMap<[u8; 16], u64>,
    /// No less than the number of any that is not in `touched`.
    pub(super) floor: u64,
    /// Commits that touch everything, and are going on.
    pub(super) going_all: usize,
}

/// The number of a commit that has begun.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begun(pub(super) u64);

impl StatusCache {
    /// Called before a commit: no copy of what is touched may be used or made from now on. Returns the tokens' copies
    /// that have become void one by one.
    pub(super) fn begins(&self, touched: &Touched) -> (Begun, Vec<Arc<TokenCopy>>) {
        let number = self.next();
        if touched.access || touched.everything {
            let mut access = write(&self.access);
            access.clear();
            access.going += 1;
            access.touched = access.touched.max(number);
        }
        let (mut ledger, mut void) = (self.ledger(), Vec::new());
        for id in &touched.tokens {
            *ledger.going.entry(*id).or_insert(0) += 1;
            ledger.note(*id, number);
            if let Some(copy) = ledger.copies.remove(id) {
                copy.valid.store(false, Ordering::SeqCst);
                void.push(copy);
            }
        }
        if touched.everything {
            ledger.going_all += 1;
            ledger.floor = ledger.floor.max(number);
            for (_, copy) in ledger.copies.drain() {
                copy.valid.store(false, Ordering::SeqCst);
            }
            self.shards.iter().for_each(|shard| write(shard).clear());
        }
        (Begun(number), void)
    }

    /// Called after the commit that `begun` is the number of, or after it has failed. `fresh` is what the rows of
    /// touched tokens say if it has certainly happened, read in its own transaction.
    pub(super) fn ended(&self, touched: &Touched, begun: Begun, fresh: Vec<TokenCopy>) {
        let number = self.next();
        if touched.access || touched.everything {
            let mut access = write(&self.access);
            access.going = access.going.saturating_sub(1);
            access.touched = access.touched.max(number);
        }
        let mut ledger = self.ledger();
        let fresh: Vec<TokenCopy> = fresh.into_iter().filter(|copy| ledger.last(&copy.id) <= begun.0).collect();
        for id in &touched.tokens {
            ledger.note(*id, number);
            if let Some(count) = ledger.going.get_mut(id) {
                *count -= 1;
                if *count == 0 {
                    ledger.going.remove(id);
                }
            }
        }
        if touched.everything {
            ledger.going_all = ledger.going_all.saturating_sub(1);
            ledger.floor = ledger.floor.max(number);
        }
        for copy in fresh {
            self.insert(&mut ledger, copy);
        }
    }
}

impl Ledger {
    /// No less than the number of the last commit that has touched the token.
    pub(super) fn last(&self, id: &[u8; 16]) -> u64 {
        self.touched.get(id).copied().unwrap_or(0).max(self.floor)
    }

    fn note(&mut self, id: [u8; 16], number: u64) {
        if self.touched.len() >= REMEMBERED && !self.touched.contains_key(&id) {
            self.floor = self.touched.values().copied().max().unwrap_or(0).max(self.floor);
            self.touched.clear();
        }
        let last = self.touched.entry(id).or_insert(number);
        *last = number.max(*last);
    }
}
