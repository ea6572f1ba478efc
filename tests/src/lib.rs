//! Tests of Cardea as a whole: what no single crate can show.
//!
//! * [`harness`]: real servers and emulators, each a process of its own.
//! * [`load`]: how fast a server is, against what the machine can do.
//! * [`soak`]: servers that are killed under load, and what they have acknowledged.
//! * [`timing`]: whether reply times betray a duress PIN.

pub mod harness;
pub mod load;
pub mod soak;
pub mod timing;
