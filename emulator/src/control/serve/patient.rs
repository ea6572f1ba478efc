//! A connection on which a peer has to say a whole head of a call once it has begun with it, and to read: who takes nothing for
//! half a minute is cut off. Who does not read is found out once the system has no more room for what it is to read.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::waiting::Place;

/// How long nothing more may be taken.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// How long the head of a call may take from its first byte.
pub(super) const HEAD: Duration = Duration::from_secs(10);

/// A connection that breaks where its peer does not go on.
#[derive(Debug)]
pub(super) struct Patient<S> {
    stream: S,
    place: Arc<Place>,
    /// While the head of a call is read: of which.
    head: Option<(u64, Pin<Box<Sleep>>)>,
    /// While nothing is taken.
    stuck: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    pub(super) const fn new(stream: S, place: Arc<Place>) -> Self {
        Self { stream, place, head: None, stuck: None }
    }

    /// What came of reading, or that the head of a call has taken too long.
    fn read(&mut self, read: Poll<io::Result<()>>, is_some: bool, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let turn = self.place.turn();
        self.head.take_if(|(of, _)| Some(*of) != turn);
        if let (Some(turn), None, true) = (turn, &self.head, is_some) {
            self.head = Some((turn, Box::pin(sleep(HEAD))));
        }
        let is_late = self.head.as_mut().is_some_and(|(_, late)| late.as_mut().poll(context).is_ready());
        if is_late { Poll::Ready(Err(io::ErrorKind::TimedOut.into())) } else { read }
    }

    /// What came of writing, or that it has taken too long.
    fn written<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stuck = None;
            return written;
        }
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(sleep(PATIENCE)));
        stuck.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let is_some = buffer.filled().len() > before;
        self.read(read, is_some, context)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.written(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.written(flushed, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context);
        self.written(shut, context)
    }
}
