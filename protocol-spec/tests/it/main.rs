//! The integration tests of the protocol core, in one binary.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test, like the tests themselves")]

mod crypto_vectors;
mod duress_storage;
mod enroll_negative;
mod enroll_refused;
mod noise_interop;
mod noise_negative;
mod noise_patterns;
mod noise_vectors;
mod pair;
mod pin_rules;
mod ratchet_device;
mod ratchet_events;
mod ratchet_forks;
mod ratchet_resync;
mod ratchet_server;
mod support;
mod vectors;
mod vertical;
mod wire_golden;
mod wire_limits;
mod wire_oracle;
mod wire_text;
mod wycheproof;
