//! What the fuzz targets share.
//!
//! - [`reader`]: everything that reads a message of the other side, with genuine keys around it;
//! - [`world`]: device, network and server as state machines, driven by bytes, with their invariants;
//! - [`toy`]: a fast stand-in for the cryptography of [`world`];
//! - [`seeded`]: bytes that depend on a seed alone.

pub mod reader;
pub mod seeded;
pub mod toy;
pub mod world;
