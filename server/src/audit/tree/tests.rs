//! The tree against the published vectors, and against the recursive definition of RFC 6962 itself.

use data_encoding::HEXLOWER;
use proptest::prelude::*;

use super::*;

/// The inputs of the test vectors that come with the reference implementation of Certificate Transparency.
pub(in crate::audit) const INPUTS: [&[u8]; 8] =
    [b"", b"\0", b"\x10", b" !", b"01", b"@ABC", b"PQRSTUVW", b"`abcdefghijklmno"];
/// The roots over the first one, two, ... of them.
const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

pub(in crate::audit) fn hash(hex: &str) -> Hash {
    HEXLOWER.decode(hex.as_bytes()).expect("hex").try_into().expect("32 bytes")
}

/// MTH of RFC 6962, word for word.
pub(in crate::audit) fn root_of(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let k = leaves.len().next_power_of_two() / 2;
            node_hash(&root_of(&leaves[..k]), &root_of(&leaves[k..]))
        }
    }
}

pub(in crate::audit) fn leaves(count: usize) -> Vec<Hash> {
    (0..count).map(|index| leaf_hash(&index.to_be_bytes())).collect()
}

#[test]
fn the_published_vectors_hold() {
    assert_eq!(empty_root(), hash("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
    let mut tree = Frontier::default();
    assert_eq!(tree.root(), empty_root());
    for (input, root) in INPUTS.iter().zip(ROOTS) {
        tree.push(leaf_hash(input));
        assert_eq!(tree.root(), hash(root), "{}", tree.size());
    }
}

#[test]
fn a_frontier_has_one_root_for_each_set_bit_of_its_size() {
    let mut tree = Frontier::default();
    for size in 1..=300_u64 {
        tree.push(leaf_hash(&size.to_be_bytes()));
        let copy = Frontier::from_parts(size, tree.roots().to_vec());
        assert_eq!(copy.as_ref(), Some(&tree));
        assert_eq!(
            Frontier::from_parts(size + 1, tree.roots().to_vec()).is_some(),
            (size + 1).count_ones() == size.count_ones()
        );
    }
}

proptest! {
    #[test]
    fn growing_leaf_by_leaf_leads_to_the_root_of_the_definition(count in 0_usize..600) {
        let leaves = leaves(count);
        let mut tree = Frontier::default();
        leaves.iter().for_each(|leaf| tree.push(*leaf));
        prop_assert_eq!(tree.root(), root_of(&leaves));
        prop_assert_eq!(tree.size(), count as u64);
    }
}
