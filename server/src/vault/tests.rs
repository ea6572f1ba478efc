//! The vault as the token channel and the token API use it, over real databases.

mod confirmation_rules;
mod confirmations;
mod durability;
mod duress;
mod enrollment;
mod future;
mod indistinguishable;
mod keys;
mod operations;
mod tampering;
mod throttling;
