//! Connections: HTTP/1.1, as many as there is room for, and none that only takes its time.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Most connections at one time. More wait until one is closed.
const MOST: usize = 1_024;
/// How long the head of a request may take, and how long a connection may be without one.
const PATIENCE: Duration = Duration::from_secs(30);

/// Answers until this is dropped, which ends its connections.
pub(super) async fn serve<L: Listener>(mut listener: L, router: Router) -> std::io::Result<()>
where
    L::Addr: Debug,
{
    let room = Arc::new(Semaphore::new(MOST));
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return Ok(()) };
        // It rests by itself where the system has no room.
        let (stream, _) = listener.accept().await;
        while connections.try_join_next().is_some() {}
        let service = TowerToHyperService::new(router.clone());
        connections.spawn(async move {
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(PATIENCE).max_headers(64).max_buf_size(32 << 10);
            // A connection that breaks is its client's affair.
            let _ = http.serve_connection(TokioIo::new(stream), service).await;
            drop(place);
        });
    }
}
