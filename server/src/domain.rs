//! The decisions of the server, without SQL, sockets, clocks or randomness: time comes in, states come out.
//!
//! * [`world`]: one opening, its window, and the witness without which nobody can say "open";
//! * [`token`]: a token's real and shadow world, duress, blocks, and what each side may be told;
//! * [`throttle`]: wrong PINs, waits and blocking;
//! * [`freshness`]: which signed times are still good;
//! * [`enrollment`]: the life of an offer to enroll;
//! * [`confirmation`]: what may be asked of a holder, and what waits for an answer;
//! * [`rules`]: what a service configures; [`webhook`]: where its events may go;
//! * [`account`]: who signs in, and what they may do;
//! * [`authkey`], [`name`] and [`permission`]: who may ask for what; [`actor`]: who did it.

pub mod account;
pub mod actor;
pub mod authkey;
pub mod confirmation;
pub mod enrollment;
pub mod freshness;
pub mod minute;
pub mod name;
pub mod openness;
pub mod permission;
pub mod policy;
pub mod rules;
pub mod status;
pub mod throttle;
pub mod token;
pub mod webhook;
pub mod world;
