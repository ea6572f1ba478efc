//! The audit log, as far as it is arithmetic: leaves and the tree of hashes over them (RFC 6962).
//!
//! Each row of the journal is a leaf. A leaf commits to the row's number, its time, and a salted hash of its content,
//! so that a list of leaves says nothing of what happened, least of all of duress. Nothing here does I/O.

pub mod leaf;
pub mod tree;
