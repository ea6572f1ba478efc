//! The server from outside, as a process.

mod channel_duress;
mod channel_operations;
mod channel_ratchet;
mod channel_support;
mod channel_throttle;
mod process;
