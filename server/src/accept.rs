//! Accepting connections when the process has no file descriptor left.
//!
//! Then `accept` fails while the connections stay in the queue: their peers believe to be connected, and wait. An
//! [`Acceptor`] keeps one descriptor in reserve. When there is no other, it gives that one up, accepts, turns the
//! connection away, and takes the descriptor back: every peer learns at once that there is no room.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

/// How long the acceptor rests when not even turning away works: the system has nothing left for anybody.
const PAUSE: Duration = Duration::from_millis(100);

/// A listener that never leaves a connection in the queue.
#[derive(Debug)]
pub struct Acceptor {
    listener: TcpListener,
    reserve: Option<File>,
    turn_away: fn(TcpStream),
    name: &'static str,
    is_short: bool,
}

impl Acceptor {
    /// Will accept on `listener`, which the log calls `name`. Connections for which there is no descriptor are handed
    /// to `turn_away`, which must not wait and must drop the stream.
    #[must_use]
    pub fn new(listener: TcpListener, name: &'static str, turn_away: fn(TcpStream)) -> Self {
        Self { listener, reserve: reserve(), turn_away, name, is_short: false }
    }

    /// The next connection and its peer.
    ///
    /// Cancel safe: no connection is accepted and lost.
    pub async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    if self.reserve.is_none() {
                        self.reserve = reserve();
                    }
                    if self.reserve.is_some() {
                        self.is_short = false;
                        return (stream, peer);
                    }
                    // Without a reserve the next peer would wait for ever: this one gives its descriptor.
                    (self.turn_away)(stream);
                    self.reserve = reserve();
                }
                // The peer left while it waited: its own affair.
                Err(error) if is_of_the_peer(&error) => {}
                Err(error) => {
                    if !self.is_short {
                        self.is_short = true;
                        tracing::warn!(listener = self.name, %error, "cannot accept connections: turning them away");
                    }
                    if !self.shed() {
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            }
        }
    }

    /// Turns away whoever waits first; whether that worked.
    fn shed(&mut self) -> bool {
        let had_reserve = self.reserve.take().is_some();
        // The queue is not empty, so that one look is enough.
        let accepted = match self.listener.poll_accept(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
            std::task::Poll::Ready(Ok((stream, _))) => {
                (self.turn_away)(stream);
                true
            }
            // The next `accept` registers a waker of its own.
            std::task::Poll::Ready(Err(_)) | std::task::Poll::Pending => false,
        };
        self.reserve = reserve();
        had_reserve && accepted
    }
}

/// Anything that occupies a descriptor. `None` when there is none left; the next connection brings another chance.
fn reserve() -> Option<File> {
    let path = if cfg!(windows) { "NUL" } else { "/dev/null" };
    File::open(path).ok()
}

/// Whether the process can have another descriptor, as the next connection needs.
#[must_use]
pub fn has_room() -> bool {
    reserve().is_some()
}

fn is_of_the_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, TimedOut};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted | TimedOut)
}
