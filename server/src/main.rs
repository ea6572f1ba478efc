//! The Cardea server program.

fn main() {}
