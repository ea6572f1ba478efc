//! One binary for all tests of Cardea as a whole.

mod e2e;
mod simulation;
mod wallet;
