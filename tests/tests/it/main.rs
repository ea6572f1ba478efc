//! One binary for all tests of Cardea as a whole.

mod simulation;
