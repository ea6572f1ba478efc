//! The audit log, as far as it is arithmetic: leaves, the tree of hashes over them (RFC 6962), proofs, checkpoints, and
//! the file that an export is. Nothing here does I/O or needs a secret: this is also what checks an exported log with
//! the public key alone.
//!
//! Each row of the journal is a leaf. A leaf commits to the row's number, its time, and a salted hash of its content,
//! so that a list of leaves says nothing of what happened, least of all of duress.

pub mod checkpoint;
pub mod export;
pub mod leaf;
pub mod note;
pub mod proof;
pub mod receipt;
pub mod tree;
