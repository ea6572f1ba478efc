//! Frames: on a stream two bytes of length, big-endian, then the frame (specification, chapter 2).
//!
//! Thousands of sessions wait for a frame at any time, so that waiting keeps no memory: bytes are read into the stack of
//! whoever polls, and what is kept of them is kept only until the frame is complete.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use cardea_protocol::limits::{CONNECTION_BYTES_PER_SECOND, FRAME_MAX};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::Instant;

use super::counts::Carrier;
use super::grid::now;

/// Bytes of the length before a frame.
const PREFIX: usize = 2;
/// What a connection keeps in memory at most of a frame that is not complete.
const BUFFER: usize = FRAME_MAX + PREFIX;

/// Why no frame came.
#[derive(Debug, thiserror::Error)]
pub(super) enum FrameError {
    /// The peer closed the connection.
    #[error("connection closed")]
    Closed,
    /// Nothing came in time.
    #[error("timed out")]
    TimedOut,
    /// What came is no frame.
    #[error("{0}")]
    Malformed(&'static str),
    /// The connection broke.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// What a peer is told when its connection ends, where the transport can say anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Farewell {
    /// All that was to be said is said, or nothing came for too long.
    Done,
    /// The server stops.
    Stopping,
    /// What came was no frame, or none that may come now.
    Broken,
}

/// Frames in both directions, whatever carries them.
pub(super) trait Transport: Send + Unpin {
    /// What it is counted as.
    const CARRIER: Carrier;

    /// The next frame. Keeps what came in part: whoever stops asking loses nothing.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, FrameError>>;

    /// Sends a frame and waits until the operating system has it. If the future is dropped, the connection is of no
    /// more use.
    fn send(&mut self, frame: &[u8]) -> impl Future<Output = io::Result<()>> + Send;

    /// Says goodbye. A peer that does not listen is no error.
    fn close(&mut self, farewell: Farewell) -> impl Future<Output = ()> + Send;
}

/// Frames over a byte stream.
#[derive(Debug)]
pub(super) struct Stream<S> {
    stream: S,
    /// A frame that came in part. Has no memory while nothing has come.
    received: Vec<u8>,
}

impl<S> Stream<S> {
    pub(super) const fn new(stream: S) -> Self {
        Self { stream, received: Vec::new() }
    }

    /// The first complete frame of what was received.
    fn take(&mut self) -> Result<Option<Bytes>, FrameError> {
        let Some((prefix, rest)) = self.received.split_first_chunk::<PREFIX>() else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes(*prefix));
        if !(1..=FRAME_MAX).contains(&length) {
            return Err(FrameError::Malformed("no frame has this length"));
        }
        if rest.len() < length {
            return Ok(None);
        }
        let more = self.received.split_off(PREFIX + length);
        let frame = std::mem::replace(&mut self.received, more);
        Ok(Some(Bytes::from(frame).slice(PREFIX..)))
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Transport for Stream<S> {
    const CARRIER: Carrier = Carrier::Tcp;

    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, FrameError>> {
        loop {
            if let Some(frame) = self.take()? {
                return Poll::Ready(Ok(frame));
            }
            let mut space = [0; BUFFER];
            // Without a complete frame there is less than one in it, so there is room.
            let mut read = ReadBuf::new(&mut space[self.received.len()..]);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut read))?;
            match (read.filled(), self.received.is_empty()) {
                ([], true) => return Poll::Ready(Err(FrameError::Closed)),
                ([], false) => return Poll::Ready(Err(FrameError::Malformed("the connection ended within a frame"))),
                (bytes, _) => self.received.extend_from_slice(bytes),
            }
        }
    }

    async fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        let length = u16::try_from(frame.len()).map_err(io::Error::other)?;
        // One write, so that it is one segment.
        let mut bytes = Vec::with_capacity(PREFIX + frame.len());
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(frame);
        self.stream.write_all(&bytes).await?;
        self.stream.flush().await
    }

    async fn close(&mut self, _: Farewell) {}
}

/// A connection as a sequence of frames, with its limits.
#[derive(Debug)]
pub(super) struct Frames<T> {
    transport: T,
    /// Bytes that may still be read within the second that began then.
    budget: (Instant, usize),
}

impl<T: Transport> Frames<T> {
    pub(super) fn new(transport: T) -> Self {
        Self { transport, budget: (now(), CONNECTION_BYTES_PER_SECOND) }
    }

    /// The next frame, which is to be paid for with [`Frames::spend`] before it is looked at.
    pub(super) fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, FrameError>> {
        self.transport.poll_receive(cx)
    }

    /// The next frame, if it comes within `patience`.
    ///
    /// Cancel safe up to the limit on bytes per second: a frame that has come in part is kept.
    pub(super) async fn receive(&mut self, patience: Duration) -> Result<Bytes, FrameError> {
        let next = std::future::poll_fn(|cx| self.transport.poll_receive(cx));
        let frame = tokio::time::timeout(patience, next).await.unwrap_or(Err(FrameError::TimedOut))?;
        self.spend(frame.len()).await;
        Ok(frame)
    }

    /// Whoever sends more than the budget of a second waits for the next one.
    pub(super) async fn spend(&mut self, frame: usize) {
        let bytes = frame + PREFIX;
        let (began, left) = &mut self.budget;
        let ends = *began + Duration::from_secs(1);
        if now() >= ends {
            (*began, *left) = (now(), CONNECTION_BYTES_PER_SECOND);
        } else if *left < bytes {
            tokio::time::sleep_until(ends).await;
            (*began, *left) = (ends, CONNECTION_BYTES_PER_SECOND);
        }
        *left = left.saturating_sub(bytes);
    }

    /// Sends a frame and waits until the operating system has it, at most `patience`: a peer that does not read must
    /// not hold the connection.
    ///
    /// Not cancel safe: the connection is to be closed if this is dropped.
    pub(super) async fn send(&mut self, frame: &[u8], patience: Duration) -> io::Result<()> {
        let sent = tokio::time::timeout(patience, self.transport.send(frame)).await;
        sent.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Says goodbye, for at most `patience`.
    pub(super) async fn close(&mut self, farewell: Farewell, patience: Duration) {
        // Whoever does not hear it finds the connection closed.
        let _ = tokio::time::timeout(patience, self.transport.close(farewell)).await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, DuplexStream};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    fn pair(buffer: usize) -> (DuplexStream, Frames<Stream<DuplexStream>>) {
        let (peer, ours) = tokio::io::duplex(buffer);
        (peer, Frames::new(Stream::new(ours)))
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_has_its_bytes_and_an_idle_second_gives_them_back() {
        let (mut peer, mut frames) = pair(1 << 20);
        let began = now();
        let most = CONNECTION_BYTES_PER_SECOND / 88;
        for _ in 0..=most {
            peer.write_all(&[0, 86]).await.expect("written");
            peer.write_all(&[7; 86]).await.expect("written");
        }
        for _ in 0..most {
            frames.receive(PATIENCE).await.expect("a frame");
        }
        assert_eq!(began.elapsed(), Duration::ZERO);
        frames.receive(PATIENCE).await.expect("a frame");
        assert_eq!(began.elapsed(), Duration::from_secs(1));
        // An hour of little traffic is never held up.
        for _ in 0..most * 3 {
            tokio::time::advance(Duration::from_millis(500)).await;
            let before = now();
            peer.write_all(&[0, 86]).await.expect("written");
            peer.write_all(&[7; 86]).await.expect("written");
            frames.receive(PATIENCE).await.expect("a frame");
            assert_eq!(before.elapsed(), Duration::ZERO);
        }
    }

    #[tokio::test]
    async fn lengths_that_no_frame_has_are_refused_unread_and_without_memory_for_them() {
        for length in [0_u16, 561, 562, 0x1234, u16::MAX] {
            let (mut peer, mut frames) = pair(64);
            peer.write_all(&length.to_be_bytes()).await.expect("written");
            assert!(matches!(frames.receive(PATIENCE).await, Err(FrameError::Malformed(_))));
            assert!(frames.transport.received.capacity() <= BUFFER);
        }
    }

    #[tokio::test]
    async fn frames_come_whole_in_pieces_and_together_and_leave_no_memory_behind() {
        let (mut peer, mut frames) = pair(4096);
        let mut bytes = Vec::new();
        for length in [1_u16, 86, 254, 560, 128] {
            bytes.extend(length.to_be_bytes());
            bytes.extend(vec![7; usize::from(length)]);
        }
        peer.write_all(&bytes).await.expect("written");
        for length in [1, 86, 254, 560, 128] {
            assert_eq!(frames.receive(PATIENCE).await.expect("a frame"), vec![7; length]);
        }
        assert_eq!(frames.transport.received.capacity(), 0);
        for byte in [0, 3, 1, 2] {
            peer.write_all(&[byte]).await.expect("written");
            assert!(look(&mut frames).is_none());
        }
        peer.write_all(&[3]).await.expect("written");
        assert_eq!(look(&mut frames).expect("a frame"), [1, 2, 3][..]);
        assert_eq!(frames.transport.received.capacity(), 0);
    }

    /// Looks once.
    fn look<T: Transport>(frames: &mut Frames<T>) -> Option<Bytes> {
        match frames.poll_receive(&mut Context::from_waker(std::task::Waker::noop())) {
            Poll::Ready(frame) => Some(frame.expect("a frame")),
            Poll::Pending => None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_does_not_read_is_given_up() {
        let (mut peer, mut frames) = pair(16);
        let began = now();
        assert_eq!(frames.send(&[1; 63], PATIENCE).await.expect_err("no room").kind(), io::ErrorKind::TimedOut);
        assert_eq!(began.elapsed(), PATIENCE);
        let mut some = [0; 16];
        peer.read_exact(&mut some).await.expect("what fitted");
    }

    #[tokio::test(start_paused = true)]
    async fn a_frame_that_never_ends_times_out() {
        let (mut peer, mut frames) = pair(64);
        peer.write_all(&[0, 128, 0x11]).await.expect("written");
        assert!(matches!(frames.receive(PATIENCE).await, Err(FrameError::TimedOut)));
        drop(peer);
        assert!(matches!(frames.receive(PATIENCE).await, Err(FrameError::Malformed(_))));
    }
}
