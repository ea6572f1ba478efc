//! Proofs of RFC 6962, section 2.1: that a leaf is in a tree, and that a tree only grew.
//!
//! A proof is a list of roots of subtrees. Which subtrees those are follows from numbers alone, so making a proof is
//! naming ranges of leaves, and whoever has the leaves fills in their roots.

use std::ops::Range;

use super::tree::{Hash, node_hash};

/// The largest power of two below `size`, which is at least two.
const fn split(size: u64) -> u64 {
    1 << (u64::BITS - 1 - (size - 1).leading_zeros())
}

/// The ranges of leaves whose roots prove that leaf `index` is in the tree of `size` leaves, in the proof's order.
/// `None` if there is no such leaf.
#[must_use]
pub fn inclusion(index: u64, size: u64) -> Option<Vec<Range<u64>>> {
    let mut ranges = Vec::new();
    let mut whole = 0..size;
    if index >= size {
        return None;
    }
    while whole.end - whole.start > 1 {
        let middle = whole.start + split(whole.end - whole.start);
        if index < middle {
            ranges.push(middle..whole.end);
            whole.end = middle;
        } else {
            ranges.push(whole.start..middle);
            whole.start = middle;
        }
    }
    ranges.reverse();
    Some(ranges)
}

/// The ranges of leaves whose roots prove that the tree of `new` leaves begins with the tree of `old` leaves. `None`
/// unless `old` is between 1 and `new`.
#[must_use]
pub fn consistency(old: u64, new: u64) -> Option<Vec<Range<u64>>> {
    if old == 0 || old > new {
        return None;
    }
    let mut ranges = Vec::new();
    let (mut whole, mut is_known) = (0..new, true);
    while whole.end != old {
        let middle = whole.start + split(whole.end - whole.start);
        if old <= middle {
            ranges.push(middle..whole.end);
            whole.end = middle;
        } else {
            ranges.push(whole.start..middle);
            whole.start = middle;
            is_known = false;
        }
    }
    if !is_known {
        ranges.push(whole);
    }
    ranges.reverse();
    Some(ranges)
}

/// Whether `proof` shows that `leaf` is number `index` of the tree of `size` leaves with this root (RFC 9162,
/// section 2.1.3.2).
#[must_use]
pub fn is_included(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut index, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in proof {
        if last == 0 {
            return false;
        }
        if index % 2 == 1 || index == last {
            hash = node_hash(sibling, &hash);
            while index % 2 == 0 && index != 0 {
                (index, last) = (index / 2, last / 2);
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        (index, last) = (index / 2, last / 2);
    }
    last == 0 && hash == *root
}

/// Whether `proof` shows that the tree of `new` leaves begins with the tree of `old` leaves, given their roots (RFC
/// 9162, section 2.1.4.2).
#[must_use]
pub fn is_consistent((old, old_root): (u64, &Hash), (new, new_root): (u64, &Hash), proof: &[Hash]) -> bool {
    if old == new {
        return old > 0 && proof.is_empty() && old_root == new_root;
    }
    if old == 0 || old > new {
        return false;
    }
    // The old tree is itself a subtree of the new one, and its root need not be said again.
    let first = if old.is_power_of_two() { Some(old_root) } else { None };
    let mut nodes = first.into_iter().chain(proof);
    let Some(seed) = nodes.next() else { return false };
    let (mut index, mut last) = (old - 1, new - 1);
    while index % 2 == 1 {
        (index, last) = (index / 2, last / 2);
    }
    let (mut old_hash, mut new_hash) = (*seed, *seed);
    for node in nodes {
        if last == 0 {
            return false;
        }
        if index % 2 == 1 || index == last {
            old_hash = node_hash(node, &old_hash);
            new_hash = node_hash(node, &new_hash);
            while index % 2 == 0 && index != 0 {
                (index, last) = (index / 2, last / 2);
            }
        } else {
            new_hash = node_hash(&new_hash, node);
        }
        (index, last) = (index / 2, last / 2);
    }
    last == 0 && old_hash == *old_root && new_hash == *new_root
}

#[cfg(test)]
mod tests;
