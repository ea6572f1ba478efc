//! The vault as the token channel and the token API use it, over real databases.

mod durability;
mod duress;
mod enrollment;
mod indistinguishable;
mod keys;
mod operations;
mod tampering;
mod throttling;
