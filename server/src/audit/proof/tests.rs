//! Proofs against the published vectors, and that nothing but the right proof is taken.

use proptest::prelude::*;

use super::*;
use crate::audit::tree::leaf_hash;
use crate::audit::tree::tests::{INPUTS, hash, leaves, root_of};

fn fill(leaves: &[Hash], ranges: Vec<Range<u64>>) -> Vec<Hash> {
    ranges.into_iter().map(|range| root_of(&leaves[range.start as usize..range.end as usize])).collect()
}

/// The paths and proofs that come with the reference implementation of Certificate Transparency.
const A: &str = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7";
const B: &str = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e";
const C: &str = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4";
const D: &str = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b";
const E: &str = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0";
const F: &str = "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7";
const G: &str = "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125";
const H: &str = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
const I: &str = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a";

#[test]
fn the_published_vectors_hold() {
    let leaves: Vec<Hash> = INPUTS.iter().map(|input| leaf_hash(input)).collect();
    for (index, size, path) in
        [(0, 1, &[][..]), (0, 8, &[A, B, C]), (5, 8, &[D, E, F]), (2, 3, &[G]), (1, 5, &[H, B, D])]
    {
        let path: Vec<Hash> = path.iter().map(|node| hash(node)).collect();
        assert_eq!(fill(&leaves, inclusion(index, size).expect("in range")), path);
        let root = root_of(&leaves[..size as usize]);
        assert!(is_included(&leaves[index as usize], index, size, &path, &root));
    }
    for (old, new, proof) in [(1, 1, &[][..]), (1, 8, &[A, B, C]), (6, 8, &[I, E, F]), (2, 5, &[B, D])] {
        let proof: Vec<Hash> = proof.iter().map(|node| hash(node)).collect();
        assert_eq!(fill(&leaves, consistency(old, new).expect("in range")), proof);
        let (old_root, new_root) = (root_of(&leaves[..old as usize]), root_of(&leaves[..new as usize]));
        assert!(is_consistent((old, &old_root), (new, &new_root), &proof));
    }
}

#[test]
fn every_leaf_and_every_pair_of_sizes_has_its_proof_and_no_other_is_taken() {
    let leaves = leaves(40);
    let root = |size: u64| root_of(&leaves[..size as usize]);
    for size in 1..=40 {
        for index in 0..size {
            let proof = fill(&leaves, inclusion(index, size).expect("in range"));
            let (leaf, whole) = (&leaves[index as usize], root(size));
            assert!(is_included(leaf, index, size, &proof, &whole));
            for other in 0..size {
                let is_other = other != index;
                assert!(!(is_other && is_included(leaf, other, size, &proof, &whole)));
                assert!(!(is_other && is_included(&leaves[other as usize], index, size, &proof, &whole)));
            }
            let mut longer = proof.clone();
            longer.push([0; 32]);
            assert!(!is_included(leaf, index, size, &longer, &whole));
            assert!(proof.is_empty() || !is_included(leaf, index, size, &proof[1..], &whole));
            assert!(!is_included(leaf, index, size, &proof, &[0; 32]));
        }
        for old in 1..=size {
            let proof = fill(&leaves, consistency(old, size).expect("in range"));
            assert!(is_consistent((old, &root(old)), (size, &root(size)), &proof));
            for place in 0..proof.len() {
                let mut changed = proof.clone();
                changed[place][7] ^= 1;
                assert!(!is_consistent((old, &root(old)), (size, &root(size)), &changed));
            }
            let mut longer = proof.clone();
            longer.push([0; 32]);
            assert!(!is_consistent((old, &root(old)), (size, &root(size)), &longer));
            assert!(!is_consistent((old, &[0; 32]), (size, &root(size)), &proof));
            assert!(!is_consistent((old, &root(old)), (size, &[0; 32]), &proof));
        }
    }
}

#[test]
fn there_is_no_proof_of_what_is_not_there() {
    assert_eq!((inclusion(0, 0), inclusion(5, 5)), (None, None));
    assert_eq!((consistency(0, 5), consistency(6, 5)), (None, None));
    assert!(!is_included(&[0; 32], 0, 0, &[], &[0; 32]));
    assert!(!is_consistent((0, &[0; 32]), (5, &[0; 32]), &[]));
    assert!(!is_consistent((6, &[0; 32]), (5, &[0; 32]), &[]));
    assert!(!is_consistent((3, &[0; 32]), (5, &[0; 32]), &[]));
    assert!(!is_consistent((0, &[0; 32]), (0, &[0; 32]), &[]));
}

proptest! {
    #[test]
    fn a_tree_that_was_changed_is_consistent_with_no_old_one(size in 2_u64..500, old in 1_u64..500, at in 0_u64..500) {
        let (old, at) = (old.min(size), at % old.min(size));
        let before = leaves(size as usize);
        let mut after = before.clone();
        after[at as usize] = [0xaa; 32];
        let old_root = root_of(&before[..old as usize]);
        let proof = fill(&after, consistency(old, size).expect("in range"));
        prop_assert!(!is_consistent((old, &old_root), (size, &root_of(&after)), &proof));
    }

    #[test]
    fn numbers_from_anywhere_are_refused_and_do_no_harm(index: u64, size: u64, count in 0_usize..80) {
        let nodes = leaves(count);
        prop_assert!(!is_included(&[1; 32], index, size, &nodes, &[2; 32]));
        prop_assert!(!is_consistent((index, &[1; 32]), (size, &[2; 32]), &nodes));
        let _ = (inclusion(index, size), consistency(index, size));
    }
}
