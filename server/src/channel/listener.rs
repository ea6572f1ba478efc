//! The TCP listener of the token channel: accepts within limits, one task per connection, and stops in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::address::Addresses;
use super::connection::{self, Timing};
use super::desk::Desk;
use crate::config::ChannelConfig;
use crate::shutdown::Shutdown;

/// After a failed accept (out of descriptors, usually) the listener rests this long, so that it does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A bound listener that does not serve yet.
#[derive(Debug)]
pub struct ChannelServer {
    listener: TcpListener,
    desk: Arc<Desk>,
    addresses: Arc<Addresses>,
    connections: Arc<Semaphore>,
    timing: Timing,
    grace: Duration,
    shutdown: Shutdown,
}

impl ChannelServer {
    /// A server on a bound listener.
    ///
    /// `grace` is how long sessions may take to end after a shutdown was requested.
    #[must_use]
    pub fn new(
        listener: TcpListener,
        desk: Arc<Desk>,
        config: &ChannelConfig,
        grace: Duration,
        shutdown: Shutdown,
    ) -> Self {
        let (connections, failures) = (config.max_connections_per_address, config.max_failures_per_minute);
        let addresses = Arc::new(Addresses::new(desk.clock(), connections, failures));
        let connections = Arc::new(Semaphore::new(config.max_connections.min(Semaphore::MAX_PERMITS)));
        let timing = Timing { handshake: config.handshake_timeout, idle: config.idle_timeout, grid: config.reply_grid };
        Self { listener, desk, addresses, connections, timing, grace, shutdown }
    }

    /// Serves until a shutdown is requested, then lets operations in progress finish within the grace period. A
    /// connection over a limit is closed unread.
    pub async fn run(self) {
        let guard = self.shutdown.guard();
        let mut tasks = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                biased;
                () = self.shutdown.requested() => break,
                Some(_) = tasks.join_next(), if !tasks.is_empty() => continue,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => self.admit(&mut tasks, stream, peer),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection on the token channel");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(self.listener);
        let drained = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(self.grace, drained).await.is_err() {
            tracing::warn!("token channel connections were cut off at the end of the grace period");
        }
        drop(guard);
    }

    fn admit(&self, tasks: &mut JoinSet<()>, stream: TcpStream, peer: SocketAddr) {
        let Ok(permit) = Arc::clone(&self.connections).try_acquire_owned() else {
            tracing::debug!("token channel is full; connection closed unread");
            return;
        };
        let Some(admitted) = self.addresses.admit(peer.ip()) else {
            tracing::debug!("address is over its limit; connection closed unread");
            return;
        };
        let (desk, timing, shutdown) = (Arc::clone(&self.desk), self.timing, self.shutdown.clone());
        tasks.spawn(async move {
            // Small frames, each waited for: they must leave at once.
            if stream.set_nodelay(true).is_ok() {
                connection::run(stream, &desk, &admitted, timing, &shutdown).await;
            }
            drop(permit);
        });
    }
}
