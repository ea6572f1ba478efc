//! Connections: HTTP/1.1, as many as there is room for, and none that only takes its time.
//!
//! A connection that waits for its next call is closed only where another one needs its place. A client that keeps
//! connections may be sending a call on one in the moment in which it is closed; it learns that the connection broke, not
//! whether the call was heard, and so cannot repeat it by itself.

mod patient;
#[cfg(test)]
mod tests;
mod waiting;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::serve::Listener;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::calls::Held;
use patient::Patient;
use waiting::{Place, Waiting};

/// Most connections at one time. One more takes the place of that which has waited longest for a call; where none does, it
/// waits itself.
const MOST: usize = 1_024;
/// How long a connection may be without a call where nobody needs its place: longer than any client keeps one by itself.
const REST: Duration = Duration::from_secs(3_600);
/// How long a connection may take to close that has no call in hand: the head of one that is under way arrives in it, on the same
/// machine.
const GRACE: Duration = Duration::from_millis(50);

/// Answers until this is dropped, which ends its connections.
pub(super) async fn serve<L: Listener>(listener: L, router: Router) -> std::io::Result<()>
where
    L::Addr: Debug,
{
    serve_so_many(listener, router, MOST).await
}

async fn serve_so_many<L: Listener>(mut listener: L, router: Router, most: usize) -> std::io::Result<()>
where
    L::Addr: Debug,
{
    let room = Arc::new(Semaphore::new(most));
    let waiting = Waiting::default();
    let mut connections = JoinSet::new();
    loop {
        // It rests by itself where the system has no room.
        let (stream, _) = listener.accept().await;
        while connections.try_join_next().is_some() {}
        let Some(permit) = find_room(&room, &waiting).await else { return Ok(()) };
        let place = Arc::new(waiting.enter());
        let stream = Patient::new(stream, Arc::clone(&place));
        connections.spawn(connection(stream, router.clone(), place, permit));
    }
}

/// Room for one more; nothing if there never will be.
async fn find_room(room: &Arc<Semaphore>, waiting: &Waiting) -> Option<OwnedSemaphorePermit> {
    if let Ok(permit) = Arc::clone(room).try_acquire_owned() {
        return Some(permit);
    }
    let freed = Arc::clone(room).acquire_owned();
    tokio::pin!(freed);
    loop {
        let closing = async {
            waiting.close_longest().await;
            sleep(2 * GRACE).await;
        };
        tokio::select! {
            permit = &mut freed => return permit.ok(),
            () = closing => {}
        }
    }
}

async fn connection<S>(stream: Patient<S>, router: Router, place: Arc<Place>, _permit: OwnedSemaphorePermit)
where
    Patient<S>: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let answering = Arc::clone(&place);
    let pages = TowerToHyperService::new(router);
    let answer = service_fn(move |request: Request<Incoming>| {
        let (call, answered) = (answering.call(), pages.call(request));
        async move {
            // Until its end, which of a stream comes later.
            answered.await.map(|answer| answer.map(|body| Body::new(Held::new(body, call))))
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(REST).max_headers(64).max_buf_size(32 << 10);
    let connection = http.serve_connection(TokioIo::new(stream), answer);
    tokio::pin!(connection);
    // A connection that breaks is its client's affair.
    tokio::select! {
        _ = &mut connection => {}
        () = place.told_to_close() => {
            connection.as_mut().graceful_shutdown();
            if place.has_call() {
                let _ = connection.await;
            } else {
                // Who has said half a word does not keep the place with it.
                let _ = timeout(GRACE, connection).await;
            }
        }
    }
}
