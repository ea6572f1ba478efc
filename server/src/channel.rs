//! The token channel: what devices talk to.
//!
//! - `listener`: accepts connections within limits (`address`), one task each;
//! - `connection`: what may come when on one connection, over frames (`framing`) and a reply grid (`grid`);
//! - `desk`: what a frame means: finds the row, lets the protocol's responder look at it, lets the vault decide, commits,
//!   and only then hands out the reply. One file per kind of exchange;
//! - `live`: one session per device.
//!
//! Nothing here knows which PIN was typed: the vault answers the same for all that match.

mod address;
mod connection;
mod desk;
mod framing;
mod grid;
mod listener;
mod live;
mod rate;

pub use desk::Desk;
pub use listener::ChannelServer;
pub use live::LiveSessions;
