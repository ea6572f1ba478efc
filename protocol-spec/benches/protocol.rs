//! Benchmarks of the protocol core.
fn main() {}
