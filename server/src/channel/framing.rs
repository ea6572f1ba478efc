//! Frames on a stream: two bytes of length, big-endian, then the frame (specification, chapter 2).
//!
//! The length is checked before anything is allocated for the frame.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use cardea_protocol::limits::{CONNECTION_BYTES_PER_SECOND, FRAME_MAX};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::codec::{Framed, LengthDelimitedCodec};

use futures_util::{SinkExt, StreamExt};

/// What a connection keeps in memory before anybody has authenticated: one frame each way and their prefixes.
const BUFFER: usize = FRAME_MAX + 2;

/// A connection as a sequence of frames.
#[derive(Debug)]
pub(super) struct Frames<S> {
    stream: Framed<S, LengthDelimitedCodec>,
    /// Bytes that may still be read before the next second begins.
    budget: usize,
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
        Self { stream: Framed::with_capacity(stream, codec, BUFFER), budget: CONNECTION_BYTES_PER_SECOND }
    }

    /// The next frame, if it comes within `patience`.
    ///
    /// Cancel safe: a frame that has come in part is kept.
    pub(super) async fn receive(&mut self, patience: Duration) -> Result<BytesMut, FrameError> {
        let frame = match tokio::time::timeout(patience, self.stream.next()).await {
            Err(_) => return Err(FrameError::TimedOut),
            Ok(None) => return Err(FrameError::Closed),
            Ok(Some(frame)) => frame?,
        };
        // Whoever sends more than the budget of a second waits for the next one.
        match self.budget.checked_sub(frame.len() + 2) {
            Some(left) => self.budget = left,
            None => {
                tokio::time::sleep(Duration::from_secs(1)).await;
                self.budget = CONNECTION_BYTES_PER_SECOND;
            }
        }
        Ok(frame)
    }

    /// Sends a frame and waits until the operating system has it.
    ///
    /// Not cancel safe: the connection is to be closed if this is dropped.
    pub(super) async fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        self.stream.send(Bytes::copy_from_slice(frame)).await
    }
}
