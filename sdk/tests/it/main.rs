//! The SDK against a server in memory, with everything that can go wrong on the way.

#![expect(clippy::unwrap_used, reason = "helpers outside test functions may panic too: this is a test")]

mod cancel;
mod crash;
mod datagram;
mod enrollment;
mod loss;
mod pins;
mod server;
mod storage;
mod stranger;
mod world;
