//! The SDK against a server in memory, with everything that can go wrong on the way.

#![expect(clippy::unwrap_used, reason = "helpers outside test functions may panic too: this is a test")]

mod asleep;
mod biometric;
mod cancel;
mod countdown;
mod crash;
mod datagram;
mod enrollment;
mod gone;
mod idle;
#[cfg(all(feature = "keyring", target_os = "linux"))]
mod keyring;
mod line;
mod live;
mod loss;
mod order;
mod pins;
mod presence;
mod pushing;
mod recovery;
mod server;
mod shared;
mod storage;
mod stranger;
mod versions;
mod world;
