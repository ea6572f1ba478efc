//! Single datagrams (specification, chapter 2.1): one cold request, one reply, and silence for everything else.
//!
//! Anybody can write any sender into a datagram. So nothing is ever sent that is longer than what came, what cannot be
//! answered authentically is not answered, and what fails here is counted apart from what fails on connections: a forged
//! sender closes no door but this one, and its owner still comes in by a connection.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use cardea_protocol::wire::{COLD_REQUEST_LEN, FirstFrame};
use tokio::net::UdpSocket;
use tokio::sync::Semaphore;

use super::Shared;
use super::address::{Addresses, Limits};
use super::counts::Carrier;
use super::desk::Answer;
use super::grid::Grid;
use super::rate::Budget;

/// Datagrams per second, from all addresses, that may turn out to be nobody's: each costs a few curve operations.
const FAILURES: u32 = 1_000;
/// After a failed receive, so that a broken socket does not spin.
const PAUSE: Duration = Duration::from_millis(100);

/// What all datagrams share.
struct Datagrams {
    socket: UdpSocket,
    shared: Arc<Shared>,
    addresses: Addresses,
    failures: Budget,
}

/// Answers datagrams until a shutdown is requested. Those that are being answered then are answered still.
pub(super) async fn serve(socket: UdpSocket, shared: Arc<Shared>) {
    let limits = Limits { connections: 0, per_address: 0, failures: shared.addresses.failures() };
    let addresses = Addresses::new(shared.desk.clock(), limits);
    let at_once = Arc::new(Semaphore::new(shared.datagrams));
    let datagrams = Arc::new(Datagrams { socket, addresses, failures: Budget::new(FAILURES), shared });
    // One byte more than a request: a longer datagram is cut off there and so has the wrong length.
    let mut space = [0; COLD_REQUEST_LEN + 1];
    loop {
        let received = tokio::select! {
            biased;
            () = datagrams.shared.shutdown.requested() => return,
            received = datagrams.socket.recv_from(&mut space) => received,
        };
        let (length, sender) = match received {
            Ok(received) => received,
            Err(error) => {
                tracing::debug!(%error, "cannot receive a datagram on the token channel");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let Some(request) = space.get(..length).and_then(|bytes| <[u8; COLD_REQUEST_LEN]>::try_from(bytes).ok()) else {
            continue;
        };
        if !matches!(FirstFrame::parse(&request), Ok(FirstFrame::Cold(_))) {
            continue;
        }
        // Whoever comes when all places are taken comes again, or over a connection.
        let place = if datagrams.lets_in(sender) { Arc::clone(&at_once).try_acquire_owned().ok() } else { None };
        let Some(place) = place else {
            datagrams.shared.desk.counts().turned_away(Carrier::Udp);
            continue;
        };
        let answering = Arc::clone(&datagrams);
        datagrams.shared.tasks.spawn(async move {
            answering.answer(&request, sender).await;
            drop(place);
        });
    }
}

impl Datagrams {
    fn lets_in(&self, sender: SocketAddr) -> bool {
        self.addresses.is_open(sender.ip()) && !self.failures.is_used_up(self.shared.desk.clock().now())
    }

    async fn answer(&self, request: &[u8; COLD_REQUEST_LEN], sender: SocketAddr) {
        let grid = Grid::new();
        let Ok(FirstFrame::Cold(cold)) = FirstFrame::parse(request) else { return };
        // A session that the operation starts ends here: there is no connection that it could live on. Its place has
        // ended older ones, which the new key of the device fences anyway.
        let failed = match self.shared.desk.cold(&cold).await {
            Ok(Answer::Reply { frame, started }) => {
                drop(started);
                grid.wait(self.shared.timing.grid).await;
                if frame.len() <= request.len() {
                    // Where there is no room in the socket the datagram is lost, as datagrams are.
                    let _ = self.socket.try_send_to(&frame, sender);
                }
                return;
            }
            Ok(Answer::Stale { .. }) => true,
            Ok(Answer::Plain { failed, .. } | Answer::Drop { failed }) => failed,
            Err(error) => {
                tracing::error!(%error, "token channel: operation failed");
                false
            }
        };
        if failed {
            self.addresses.failed(sender.ip());
            self.failures.allow(self.shared.desk.clock().now());
        }
    }
}
