//! What a leaf is made of.

use super::tree::{Hash, leaf_hash};
use crate::clock::UnixSeconds;

/// Random bytes that are hashed with the content, so that nobody can guess the content.
pub const SALT_LEN: usize = 16;

/// Names the form of a leaf, and keeps its hash apart from every other use of SHA-256.
const LEAF: &[u8] = b"cardea1 leaf";

/// What a row's content is committed to with: SHA-256 over the salt and the content.
#[must_use]
pub fn commitment(salt: &[u8; SALT_LEN], content: &[u8]) -> Hash {
    super::tree::sha256(&[salt, content])
}

/// A row of the journal as it goes into the tree. Says when something happened, and not what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaf {
    /// The row's number: its index in the tree and 1.
    pub seq: u64,
    /// When it was committed.
    pub at: UnixSeconds,
    /// What its content is committed to with, by [`commitment`].
    pub commitment: Hash,
}

impl Leaf {
    /// The leaf's hash in the tree: RFC 6962 over `"cardea1 leaf" | seq 8 | at 8 | commitment 32`, numbers big-endian.
    #[must_use]
    pub fn hash(&self) -> Hash {
        let mut data = Vec::with_capacity(LEAF.len() + 48);
        data.extend_from_slice(LEAF);
        data.extend_from_slice(&self.seq.to_be_bytes());
        data.extend_from_slice(&self.at.get().to_be_bytes());
        data.extend_from_slice(&self.commitment);
        leaf_hash(&data)
    }
}
