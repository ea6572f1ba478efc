//! The SDK against a server in memory, with everything that can go wrong on the way.

mod cancel;
mod crash;
mod enrollment;
mod loss;
mod pins;
mod server;
mod storage;
mod stranger;
mod world;
