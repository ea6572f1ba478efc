//! The Cardea server.

pub mod clock;
pub mod entropy;
pub mod shutdown;
