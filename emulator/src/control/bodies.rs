//! How much of long bodies is held at one time, of all calls together.
//!
//! A body has a limit of its own, and there is a limit of connections; both at once would be more than a machine has. What is short
//! is not counted: that of all connections together is less than what is shared.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use hyper::body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::problem::Problem;

/// What is held of bodies at one time, in bytes: the longest one there is, and as much again.
const SHARED: usize = 128 << 20;
/// The beginning of each body is not counted.
const SHORT: usize = 64 << 10;

/// The room that there is. Clones are one and the same.
#[derive(Debug, Clone)]
pub(super) struct Room(Arc<Semaphore>);

impl Default for Room {
    fn default() -> Self {
        Self::of(SHARED)
    }
}

/// What a call holds of it until it is answered.
#[derive(Debug, Default)]
struct Share {
    permits: Option<OwnedSemaphorePermit>,
    /// There was not enough.
    is_refused: bool,
}

impl Room {
    fn of(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes)))
    }

    /// Lets a call go on as long as there is room for what it sends.
    pub(super) async fn answer(self, request: Request, next: Next) -> Response {
        let share: Arc<Mutex<Share>> = Arc::default();
        let counted = Arc::clone(&share);
        let request = request.map(|body| Body::new(Counted { body, room: self, share: counted, length: 0 }));
        let answer = next.run(request).await;
        let is_refused = share.lock().unwrap_or_else(PoisonError::into_inner).is_refused;
        if is_refused { Problem::NoRoom.into_response() } else { answer }
    }
}

/// A body of which the room is taken as it arrives.
#[derive(Debug)]
struct Counted {
    body: Body,
    room: Room,
    share: Arc<Mutex<Share>>,
    length: usize,
}

impl Counted {
    /// Whether there is room for so much more.
    fn has_room(&mut self, more: usize) -> bool {
        let before = self.length.saturating_sub(SHORT);
        self.length = self.length.saturating_add(more);
        let more = self.length.saturating_sub(SHORT) - before;
        let mut share = self.share.lock().unwrap_or_else(PoisonError::into_inner);
        let permits =
            u32::try_from(more).ok().and_then(|more| Arc::clone(&self.room.0).try_acquire_many_owned(more).ok());
        match (permits, share.permits.as_mut()) {
            (None, _) => share.is_refused = true,
            (Some(permits), Some(held)) => held.merge(permits),
            (Some(permits), None) => share.permits = Some(permits),
        }
        !share.is_refused
    }
}

impl hyper::body::Body for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(bytes) = frame.data_ref()
            && !self.has_room(bytes.len())
        {
            return Poll::Ready(Some(Err(axum::Error::new(Problem::NoRoom))));
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::extract::DefaultBodyLimit;
    use axum::http::StatusCode;
    use axum::middleware::from_fn;
    use axum::routing::post;
    use hyper::service::Service as _;
    use hyper_util::service::TowerToHyperService;
    use tokio::sync::Notify;

    use super::*;

    /// A page that reads a body, and answers when it is told to.
    fn page(room: &Room, go: &Arc<Notify>, arrived: &Arc<Notify>) -> Router {
        let (room, go, arrived) = (room.clone(), Arc::clone(go), Arc::clone(arrived));
        let read = async move |body: Bytes| {
            arrived.notify_one();
            go.notified().await;
            body.len().to_string()
        };
        let pages = Router::new().route("/", post(read)).layer(DefaultBodyLimit::disable());
        pages.layer(from_fn(move |request: Request, next: Next| room.clone().answer(request, next)))
    }

    async fn sent(pages: &Router, length: usize) -> StatusCode {
        let request = Request::post("/").body(Body::from(vec![b' '; length])).unwrap();
        TowerToHyperService::new(pages.clone()).call(request).await.unwrap().status()
    }

    #[tokio::test]
    async fn long_bodies_share_what_there_is_and_give_it_back() {
        let (room, go, arrived) = (Room::of(1_000_000), Arc::<Notify>::default(), Arc::<Notify>::default());
        let pages = page(&room, &go, &arrived);
        let first = tokio::spawn({
            let pages = pages.clone();
            async move { sent(&pages, SHORT + 600_000).await }
        });
        arrived.notified().await;
        // While the first one is not answered yet, nothing else of that length is read.
        assert_eq!(sent(&pages, SHORT + 600_000).await, StatusCode::SERVICE_UNAVAILABLE);
        // What was refused holds nothing, and what is short needs nothing.
        assert_eq!(room.0.available_permits(), 400_000);
        go.notify_one();
        assert_eq!(first.await.unwrap(), StatusCode::OK);
        for length in [SHORT, SHORT + 1_000_000] {
            go.notify_one();
            assert_eq!(sent(&pages, length).await, StatusCode::OK, "{length}");
        }
        assert_eq!(sent(&pages, SHORT + 1_000_001).await, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(room.0.available_permits(), 1_000_000);
    }
}
