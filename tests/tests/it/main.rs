//! One binary for all tests of Cardea as a whole.

mod conformance;
mod e2e;
mod errors;
mod processes;
mod quickstart;
mod wallet;
