#![doc = "The Cardea token channel, without I/O: no clock, no socket, no allocation, no panic on any input."]
#![no_std]

pub mod crypto;
pub mod device;
mod error;
pub mod limits;
pub mod noise;
pub mod pin;
pub mod ratchet;
pub mod responder;
mod secret;
pub mod statement;
pub mod token;
pub mod wire;

pub use error::{ApiMisuse, Code, PeerIncompatible, PeerMisbehaved, ProtocolError};
pub use secret::Secret;
