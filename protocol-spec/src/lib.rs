#![doc = "The Cardea token channel, without I/O: no clock, no socket, no allocation, no panic on any input."]
#![no_std]

pub mod crypto;
pub mod noise;
mod secret;

pub use secret::Secret;
