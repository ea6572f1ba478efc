//! Whether reply times, sizes or order betray a duress PIN.
//!
//! A real server runs with its reply grid off. Two tokens that differ in nothing are opened in pairs, one with the normal
//! PIN and one with a duress PIN, in an order that a coin decides and with the roles changing. Whoever watches the
//! network sees the frames and the time between them: both are recorded where the device hands them over. The sizes and
//! the order have to be the same in every operation; the times have to pass the two-sample Kolmogorov-Smirnov test.
//!
//! `cargo xtask bench duress` runs it.

mod kolmogorov;
mod pairs;
mod tap;

pub use kolmogorov::{Comparison, compare};
pub use pairs::{Settings, Shape, Times, measure};
