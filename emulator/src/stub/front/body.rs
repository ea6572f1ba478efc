//! Bodies that come slowly, or not to their end.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::Sleep;

/// What goes wrong with a body ends its connection.
pub(in crate::stub) type BodyError = io::Error;

/// How long a body is on its way before it breaks off, so that what came before has left.
const MOMENT: Duration = Duration::from_millis(20);

/// A body.
pub(in crate::stub) enum Answered {
    /// As the server sends it.
    Passed(Incoming),
    /// All at once.
    Whole(Option<Bytes>),
    /// Piece by piece.
    Slow(Slow),
    /// The first half, and then the end of the connection.
    Half(Slow),
}

/// Bytes that come one after the other.
pub(in crate::stub) struct Slow {
    rest: Bytes,
    all: u64,
    pause: Duration,
    sleep: Pin<Box<Sleep>>,
}

impl Slow {
    fn new(rest: Bytes, all: usize, pause: Duration) -> Self {
        Self { rest, all: all as u64, pause, sleep: Box::pin(tokio::time::sleep(pause)) }
    }

    /// The next byte, when its time has come.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        ready!(self.sleep.as_mut().poll(context));
        self.sleep = Box::pin(tokio::time::sleep(self.pause));
        Poll::Ready(Some(self.rest.split_to(1)))
    }
}

impl Answered {
    pub(super) fn whole(body: impl Into<Bytes>) -> Self {
        Self::Whole(Some(body.into()))
    }

    /// A body that takes so long.
    pub(super) fn slow(body: Bytes, time: Duration) -> Self {
        let all = body.len();
        let pause = time / u32::try_from(all.max(1)).unwrap_or(u32::MAX);
        Self::Slow(Slow::new(body, all, pause))
    }

    /// A body of which only the first half comes.
    pub(super) fn half(mut body: Bytes) -> Self {
        let all = body.len();
        body.truncate(all / 2);
        Self::Half(Slow::new(body, all, Duration::ZERO))
    }
}

impl Body for Answered {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut *self {
            Self::Passed(body) => Pin::new(body).poll_frame(context).map_err(io::Error::other),
            Self::Whole(body) => Poll::Ready(body.take().map(|body| Ok(Frame::data(body)))),
            Self::Slow(slow) => slow.poll(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece)))),
            Self::Half(slow) => {
                let piece = ready!(slow.poll(context));
                if slow.rest.is_empty() && piece.is_some() {
                    slow.sleep = Box::pin(tokio::time::sleep(MOMENT));
                }
                match piece {
                    Some(piece) => Poll::Ready(Some(Ok(Frame::data(piece)))),
                    None => {
                        ready!(slow.sleep.as_mut().poll(context));
                        Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into())))
                    }
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Passed(body) => body.is_end_stream(),
            Self::Whole(body) => body.is_none(),
            Self::Slow(slow) => slow.rest.is_empty(),
            // Its end never comes.
            Self::Half(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Passed(body) => body.size_hint(),
            Self::Whole(body) => SizeHint::with_exact(body.as_ref().map_or(0, |body| body.len() as u64)),
            Self::Slow(slow) => SizeHint::with_exact(slow.rest.len() as u64),
            Self::Half(slow) => SizeHint::with_exact(slow.all),
        }
    }
}
