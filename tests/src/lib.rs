//! Tests of Cardea as a whole: what no single crate can show.
//!
//! * [`harness`]: real servers and emulators, each a process of its own.
//! * [`load`]: how fast a server is, against what the machine can do.
//! * [`simulation`]: devices, network and servers in virtual time, one schedule per seed.
//! * [`soak`]: servers that are killed under load, and what they have acknowledged.
//! * [`timing`]: whether reply times betray a duress PIN.

pub mod harness;
pub mod load;
pub mod simulation;
pub mod soak;
pub mod timing;
