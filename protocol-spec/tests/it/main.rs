//! The integration tests of the protocol core, in one binary.
