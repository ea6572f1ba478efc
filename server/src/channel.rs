//! The token channel: what devices talk to.
//!
//! - `listener`: accepts connections within limits (`address`), one task each;
//! - `datagram`: answers single datagrams;
//! - `websocket`: takes connections that the HTTP side has accepted;
//! - `connection`: what may come when on one connection, over frames (`framing`) and a reply grid (`grid`);
//! - `desk`: what a frame means: finds the row, lets the protocol's responder look at it, lets the vault decide, commits,
//!   and only then hands out the reply. One file per kind of exchange;
//! - `live`: one session per device; `counts`: what is counted.
//!
//! Nothing here knows which PIN was typed: the vault answers the same for all that match.

mod address;
mod connection;
mod counts;
mod datagram;
mod desk;
mod framing;
mod grid;
mod listener;
mod live;
mod rate;
mod websocket;

use std::sync::{Arc, OnceLock};

pub use desk::Desk;
pub use listener::{ChannelServer, bind};
pub use live::LiveSessions;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;
pub use websocket::Visitor;

use self::address::{Addresses, Limits};
use self::connection::Timing;
use crate::config::ChannelConfig;
use crate::network::Network;
use crate::shutdown::Shutdown;

/// The token channel of a server, whatever brings it connections. Clones share one state.
#[derive(Debug, Clone)]
pub struct Channel(Arc<Shared>);

/// What all connections share.
#[derive(Debug)]
struct Shared {
    desk: Arc<Desk>,
    addresses: Arc<Addresses>,
    trusted: Vec<Network>,
    timing: Timing,
    datagrams: usize,
    shutdown: Shutdown,
    /// The connections.
    tasks: TaskTracker,
    /// Where they run, whoever brings them; known as soon as the listener runs.
    threads: OnceLock<Handle>,
}

impl Channel {
    /// A channel whose frames `desk` answers, within the limits of `config`, until `shutdown` is requested.
    #[must_use]
    pub fn new(desk: Arc<Desk>, config: &ChannelConfig, shutdown: Shutdown) -> Self {
        let limits = Limits {
            connections: config.max_connections,
            per_address: config.max_connections_per_address,
            failures: config.max_failures_per_minute,
        };
        Self(Arc::new(Shared {
            addresses: Arc::new(Addresses::new(desk.clock(), limits)),
            desk,
            trusted: config.trusted_proxies.clone(),
            timing: Timing { handshake: config.handshake_timeout, idle: config.idle_timeout, grid: config.reply_grid },
            datagrams: config.max_datagrams,
            shutdown,
            tasks: TaskTracker::new(),
            threads: OnceLock::new(),
        }))
    }
}
