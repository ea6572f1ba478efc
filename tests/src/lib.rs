//! Tests of Cardea as a whole: what no single crate can show.
//!
//! * [`simulation`]: devices, network and servers in virtual time, one schedule per seed.

pub mod simulation;
