//! The listeners of the token channel: accept within limits, one task per connection, and stop in order.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::runtime::Handle;

use super::address::Admitted;
use super::counts::Carrier;
use super::datagram;
use super::framing::Stream;
use super::{Channel, Shared, connection};
use crate::accept::Acceptor;
use crate::proxy_protocol;

/// How often sessions are told of changes.
const PUSH_PACE: Duration = Duration::from_secs(1);
/// How often another free port is tried when the first one is free for connections only.
const PORTS: usize = 16;

/// Bound listeners that do not serve yet.
#[derive(Debug)]
pub struct ChannelServer {
    channel: Channel,
    listener: TcpListener,
    datagrams: Option<UdpSocket>,
    grace: Duration,
}

/// Binds `address` for connections and, with `udp`, for datagrams. Port 0 takes one that is free for both.
///
/// # Errors
/// The address is not of this machine, its port is taken, or the system allows neither.
pub async fn bind(address: SocketAddr, udp: bool) -> io::Result<(TcpListener, Option<UdpSocket>)> {
    for _ in 0..PORTS {
        let listener = TcpListener::bind(address).await?;
        if !udp {
            return Ok((listener, None));
        }
        match UdpSocket::bind(listener.local_addr()?).await {
            Ok(socket) => return Ok((listener, Some(socket))),
            Err(error) if address.port() != 0 || error.kind() != io::ErrorKind::AddrInUse => return Err(error),
            Err(_) => {}
        }
    }
    Err(io::ErrorKind::AddrInUse.into())
}

impl ChannelServer {
    /// Will serve `channel` on what [`bind`] bound.
    ///
    /// `grace` is how long sessions may take to end after a shutdown was requested.
    #[must_use]
    pub fn new(channel: Channel, (listener, datagrams): (TcpListener, Option<UdpSocket>), grace: Duration) -> Self {
        Self { channel, listener, datagrams, grace }
    }

    /// Serves until a shutdown is requested, then lets operations in progress finish within the grace period. A
    /// connection over a limit is closed unread.
    pub async fn run(self) {
        let Self { channel: Channel(shared), listener, datagrams, grace } = self;
        let guard = shared.shutdown.guard();
        let _ = shared.threads.set(Handle::current());
        let serving = datagrams.map(|socket| tokio::spawn(datagram::serve(socket, Arc::clone(&shared))));
        shared.tasks.spawn(tell_subscribers(Arc::clone(&shared)));
        let mut acceptor = Acceptor::new(listener, "token channel", drop);
        loop {
            let (stream, peer) = tokio::select! {
                biased;
                () = shared.shutdown.requested() => break,
                accepted = acceptor.accept() => accepted,
            };
            admit(&shared, stream, peer);
        }
        drop(acceptor);
        shared.desk.end_sessions();
        shared.tasks.close();
        let drained = async {
            if let Some(serving) = serving {
                // A task that panicked has ended the process already.
                let _ = serving.await;
            }
            shared.tasks.wait().await;
        };
        if tokio::time::timeout(grace, drained).await.is_err() {
            tracing::warn!("token channel connections were cut off at the end of the grace period");
        }
        drop(guard);
    }
}

/// Has the sessions that asked for it told of changes, at a fixed pace: a change can be this node's or another's.
async fn tell_subscribers(shared: Arc<Shared>) {
    let mut pace = tokio::time::interval(PUSH_PACE);
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut after = None;
    loop {
        tokio::select! {
            biased;
            () = shared.shutdown.requested() => return,
            _ = pace.tick() => {}
        }
        if let Err(error) = shared.desk.wake_subscribers(&mut after).await {
            // What was missed is told once storage is back.
            tracing::warn!(%error, "token channel: devices could not be told of changes");
        }
    }
}

fn admit(shared: &Arc<Shared>, stream: TcpStream, peer: SocketAddr) {
    let is_proxy = shared.trusted.iter().any(|network| network.contains(peer.ip()));
    let admitted = if is_proxy { shared.addresses.admit_proxy() } else { shared.addresses.admit(peer.ip()) };
    let Some(admitted) = admitted else {
        shared.desk.counts().turned_away(Carrier::Tcp);
        tracing::debug!("token channel is full, or an address is over its limit; connection closed unread");
        return;
    };
    // Small frames, each waited for: they must leave at once.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    if is_proxy {
        shared.tasks.spawn(serve_proxied(stream, peer, Arc::clone(shared), admitted));
    } else {
        shared.tasks.spawn(connection::run(Stream::new(stream), Arc::clone(shared), admitted));
    }
}

async fn serve_proxied(mut stream: TcpStream, peer: SocketAddr, shared: Arc<Shared>, mut admitted: Admitted) {
    let client = tokio::select! {
        biased;
        () = shared.shutdown.requested() => return,
        client = proxy_protocol::client(&mut stream, peer, &shared.trusted, shared.timing.handshake) => client,
    };
    match client {
        Ok(client) if shared.addresses.name(&mut admitted, client.ip()) => {
            Box::pin(connection::run(Stream::new(stream), shared, admitted)).await;
        }
        Ok(_) => {
            shared.desk.counts().turned_away(Carrier::Tcp);
            tracing::debug!("address behind a proxy is over its limit; connection closed unread");
        }
        // The proxy is the operator's own: a wrong setting of it should not go unseen.
        Err(error) => tracing::warn!(proxy = %peer.ip(), %error, "token channel: connection closed"),
    }
}
