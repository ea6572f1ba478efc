//! Frames on a stream: two bytes of length, big-endian, then the frame (specification, chapter 2).
//!
//! The length is checked before anything is allocated for the frame.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use cardea_protocol::limits::{CONNECTION_BYTES_PER_SECOND, FRAME_MAX};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_util::codec::{Framed, LengthDelimitedCodec};

use futures_util::{SinkExt, StreamExt};

use super::grid::now;

/// What a connection keeps in memory before anybody has authenticated: one frame each way and their prefixes.
const BUFFER: usize = FRAME_MAX + 2;

/// A connection as a sequence of frames.
#[derive(Debug)]
pub(super) struct Frames<S> {
    stream: Framed<S, LengthDelimitedCodec>,
    /// Bytes that may still be read within the second that began then.
    budget: (Instant, usize),
}

/// Why no frame came.
#[derive(Debug, thiserror::Error)]
pub(super) enum FrameError {
    /// The peer closed the connection.
    #[error("connection closed")]
    Closed,
    /// Nothing came in time.
    #[error("timed out")]
    TimedOut,
    /// A length that no frame has, or the connection broke.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl<S: AsyncRead + AsyncWrite + Unpin> Frames<S> {
    pub(super) fn new(stream: S) -> Self {
        let codec = LengthDelimitedCodec::builder().length_field_type::<u16>().max_frame_length(FRAME_MAX).new_codec();
        Self { stream: Framed::with_capacity(stream, codec, BUFFER), budget: (now(), CONNECTION_BYTES_PER_SECOND) }
    }

    /// The next frame, if it comes within `patience`.
    ///
    /// Cancel safe up to the limit on bytes per second: a frame that has come in part is kept.
    pub(super) async fn receive(&mut self, patience: Duration) -> Result<BytesMut, FrameError> {
        let frame = match tokio::time::timeout(patience, self.stream.next()).await {
            Err(_) => return Err(FrameError::TimedOut),
            Ok(None) => return Err(FrameError::Closed),
            Ok(Some(frame)) => frame?,
        };
        self.spend(frame.len() + 2).await;
        Ok(frame)
    }

    /// Whoever sends more than the budget of a second waits for the next one.
    async fn spend(&mut self, bytes: usize) {
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
        let sent = tokio::time::timeout(patience, self.stream.send(Bytes::copy_from_slice(frame))).await;
        sent.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    fn pair(buffer: usize) -> (DuplexStream, Frames<DuplexStream>) {
        let (peer, ours) = tokio::io::duplex(buffer);
        (peer, Frames::new(ours))
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
        for length in [561_u16, 562, 0x1234, u16::MAX] {
            let (mut peer, mut frames) = pair(64);
            peer.write_all(&length.to_be_bytes()).await.expect("written");
            assert!(matches!(frames.receive(PATIENCE).await, Err(FrameError::Io(_))));
            assert!(frames.stream.read_buffer().capacity() <= BUFFER);
        }
        let (mut peer, mut frames) = pair(64);
        peer.write_all(&[0, 0]).await.expect("written");
        assert!(frames.receive(PATIENCE).await.expect("an empty frame").is_empty());
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
        assert!(matches!(frames.receive(PATIENCE).await, Err(FrameError::Io(_))));
    }
}
