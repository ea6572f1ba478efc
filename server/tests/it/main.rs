//! The server from outside, as a process.

mod audit;
mod channel_checks;
mod channel_confirmations;
mod channel_datagram;
mod channel_duress;
mod channel_enrollment;
mod channel_faults;
mod channel_hostile;
mod channel_indistinguishable;
mod channel_nodes;
mod channel_operations;
mod channel_proxy;
mod channel_ratchet;
mod channel_resync;
mod channel_support;
mod channel_throttle;
mod channel_websocket;
mod doctor;
mod idempotency;
mod metrics;
mod people;
#[path = "../support/postgres.rs"]
#[expect(dead_code, unreachable_pub, reason = "other tests use other parts")]
mod postgres;
mod process;
mod sign_in;
mod tls;
mod tools;
mod webhooks;
