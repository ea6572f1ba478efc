//! The first way that works: a datagram for a single exchange, else TCP, else a WebSocket.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::{timeout, timeout_at};

use super::tcp::TcpConnector;
use super::udp::{UdpConnector, Unheard, now};
#[cfg(feature = "websocket")]
use super::websocket::WebSocketConnector;
use super::{BoxFuture, Connection, Connector, Endpoint, TransportError};
use crate::log::{LogLevel, LogSink};

/// How long TCP may take before a WebSocket is tried: less than half of what the whole may take.
const TCP_LIMIT: Duration = Duration::from_secs(2);
/// How long a WebSocket may take where it is tried before TCP.
const KNOWN_LIMIT: Duration = Duration::from_millis(2_500);
/// How long all of it may take: a little less than callers wait, so that they hear what became of TCP.
const LIMIT: Duration = Duration::from_millis(4_900);

/// The first way that works of those that this build has: datagrams and TCP, and a WebSocket with feature `websocket`.
#[must_use]
pub fn best() -> UdpConnector {
    #[cfg(feature = "websocket")]
    let best = automatic(WebSocketConnector::new());
    #[cfg(not(feature = "websocket"))]
    let best = UdpConnector::where_it_works(Arc::new(TcpConnector));
    best
}

/// Tries datagrams, then TCP, then a WebSocket, and remembers for ten minutes what did not work.
#[cfg(feature = "websocket")]
#[must_use]
pub fn automatic(websocket: WebSocketConnector) -> UdpConnector {
    automatic_over(Arc::new(TcpConnector), Arc::new(websocket))
}

/// As [`best`], with two ways of the host's own to make connections: `second` is tried where `first` fails.
#[must_use]
pub fn automatic_over(first: Arc<dyn Connector>, second: Arc<dyn Connector>) -> UdpConnector {
    UdpConnector::where_it_works(Arc::new(Fallback { first, second, failed: Unheard::default(), log: OnceLock::new() }))
}

/// The first way, or the second where the first one fails.
#[derive(Debug)]
struct Fallback {
    first: Arc<dyn Connector>,
    second: Arc<dyn Connector>,
    /// Where only the second way worked lately.
    failed: Unheard,
    log: OnceLock<Arc<dyn LogSink>>,
}

impl Connector for Fallback {
    fn connect<'a>(&'a self, server: &'a Endpoint) -> BoxFuture<'a, Result<Box<dyn Connection>, TransportError>> {
        Box::pin(async move {
            let until = now() + LIMIT;
            if self.failed.remembers(server) {
                if let Ok(Ok(connection)) = timeout(KNOWN_LIMIT, self.second.connect(server)).await {
                    return Ok(connection);
                }
                self.failed.forget(server);
            }
            let first = timeout(TCP_LIMIT, self.first.connect(server)).await.unwrap_or(Err(TransportError::TimedOut));
            let failure = match first {
                Ok(connection) => return Ok(connection),
                Err(failure) => failure,
            };
            match timeout_at(until, self.second.connect(server)).await {
                Ok(Ok(connection)) => {
                    self.failed.note(server);
                    if let Some(log) = self.log.get() {
                        let text = format!("{server}: {failure}; taking a WebSocket for ten minutes");
                        log.log(LogLevel::Info, &text);
                    }
                    Ok(connection)
                }
                // What people know is the first way; the second one is a guess at best.
                Ok(Err(_)) | Err(_) => Err(failure),
            }
        })
    }

    fn log_to(&self, sink: &Arc<dyn LogSink>) {
        let _ = self.log.set(Arc::clone(sink));
        self.first.log_to(sink);
        self.second.log_to(sink);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use super::super::memory::{MemoryConnector, MemoryListener, network};
    use super::*;

    /// Counts, and connects only when it may.
    #[derive(Debug)]
    struct Way {
        works: AtomicBool,
        hangs: AtomicBool,
        tries: AtomicUsize,
        memory: MemoryConnector,
    }

    impl Connector for Way {
        fn connect<'a>(&'a self, server: &'a Endpoint) -> BoxFuture<'a, Result<Box<dyn Connection>, TransportError>> {
            self.tries.fetch_add(1, Ordering::Relaxed);
            if self.hangs.load(Ordering::Relaxed) {
                return Box::pin(std::future::pending());
            }
            if self.works.load(Ordering::Relaxed) {
                self.memory.connect(server)
            } else {
                Box::pin(async { Err(TransportError::Closed) })
            }
        }
    }

    fn way(works: bool, hangs: bool) -> (Arc<Way>, MemoryListener) {
        let (memory, listener) = network();
        (Arc::new(Way { works: works.into(), hangs: hangs.into(), tries: AtomicUsize::new(0), memory }), listener)
    }

    fn tries(way: &Way) -> usize {
        way.tries.load(Ordering::Relaxed)
    }

    fn server() -> Endpoint {
        Endpoint { host: "id.example".into(), port: 8421 }
    }

    #[tokio::test(start_paused = true)]
    async fn the_second_way_is_taken_where_the_first_one_fails_or_hangs_and_remembered() {
        for hangs in [false, true] {
            let ((first, _a), (second, _b)) = (way(false, hangs), way(true, false));
            let connector =
                automatic_over(Arc::clone(&first) as Arc<dyn Connector>, Arc::clone(&second) as Arc<dyn Connector>);
            for _ in 0..3 {
                connector.connect(&server()).await.unwrap();
            }
            assert_eq!((tries(&first), tries(&second)), (1, 3));
            tokio::time::advance(Duration::from_secs(601)).await;
            connector.connect(&server()).await.unwrap();
            assert_eq!((tries(&first), tries(&second)), (2, 4));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_second_way_is_left_alone_while_the_first_one_works() {
        let ((first, _a), (second, _b)) = (way(true, false), way(true, false));
        let connector =
            automatic_over(Arc::clone(&first) as Arc<dyn Connector>, Arc::clone(&second) as Arc<dyn Connector>);
        connector.connect(&server()).await.unwrap();
        assert_eq!((tries(&first), tries(&second)), (1, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn if_nothing_works_the_first_ones_error_is_told() {
        for hangs in [false, true] {
            let ((first, _a), (second, _b)) = (way(false, false), way(false, hangs));
            let connector = automatic_over(first, second);
            let told = timeout(Duration::from_secs(5), connector.connect(&server())).await;
            assert!(matches!(told, Ok(Err(TransportError::Closed))), "{hangs}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_way_is_taken_again_when_the_second_one_works_no_more() {
        for hangs in [false, true] {
            let ((first, _a), (second, _b)) = (way(false, false), way(true, false));
            let connector = automatic_over(Arc::clone(&first) as Arc<dyn Connector>, Arc::clone(&second) as _);
            connector.connect(&server()).await.unwrap();
            first.works.store(true, Ordering::Relaxed);
            second.works.store(false, Ordering::Relaxed);
            second.hangs.store(hangs, Ordering::Relaxed);
            for _ in 0..3 {
                timeout(Duration::from_secs(5), connector.connect(&server())).await.unwrap().unwrap();
            }
            assert_eq!((tries(&first), tries(&second)), (4, 2), "{hangs}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn giving_up_in_the_middle_leaves_nothing_behind() {
        let ((first, _a), (second, _b)) = (way(true, true), way(true, false));
        let connector = automatic_over(first, Arc::clone(&second) as Arc<dyn Connector>);
        let given_up = timeout(Duration::from_secs(1), connector.connect(&server())).await;
        assert!(given_up.is_err());
        assert_eq!(tries(&second), 0);
    }
}
