//! WebSockets that the HTTP side has accepted (specification, chapter 2.1.2): one frame is one binary message.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use cardea_protocol::limits::FRAME_MAX;
use futures_util::{SinkExt as _, Stream as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::address::Admitted;
use super::counts::Carrier;
use super::framing::{Farewell, FrameError, Transport};
use super::{Channel, connection};

/// Bytes before the content of a WebSocket frame, at most.
const HEADER: usize = 14;
/// Pings and pongs without a frame between them: one a second for as long as a session may be silent.
const CONTROL_MAX: u32 = 1_000;

/// Room for a WebSocket. Dropping it makes room for another.
#[derive(Debug)]
pub struct Visitor(Admitted);

impl Channel {
    /// Room for a WebSocket of `client`, within the same limits as connections over TCP. `None`: there is none, or the
    /// server stops.
    #[must_use]
    pub fn admit(&self, client: IpAddr) -> Option<Visitor> {
        let Self(shared) = self;
        if shared.shutdown.is_requested() {
            return None;
        }
        let admitted = shared.addresses.admit(client);
        if admitted.is_none() {
            shared.desk.counts().turned_away(Carrier::WebSocket);
        }
        admitted.map(Visitor)
    }

    /// Serves the WebSocket whose bytes `upgraded` gives, on the channel's own threads.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn serve_websocket<S>(&self, visitor: Visitor, upgraded: impl Future<Output = Option<S>> + Send + 'static)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (Self(shared), Visitor(admitted)) = (self.clone(), visitor);
        let config = WebSocketConfig::default()
            .read_buffer_size(FRAME_MAX + HEADER)
            .write_buffer_size(0)
            .max_write_buffer_size(2 * (FRAME_MAX + HEADER))
            .max_message_size(Some(FRAME_MAX))
            .max_frame_size(Some(FRAME_MAX));
        let tasks = shared.tasks.clone();
        let threads = shared.threads.get().cloned().unwrap_or_else(tokio::runtime::Handle::current);
        let serving = async move {
            let stream = tokio::select! {
                biased;
                () = shared.shutdown.requested() => return,
                upgraded = tokio::time::timeout(shared.timing.handshake, upgraded) => upgraded,
            };
            let Ok(Some(stream)) = stream else { return admitted.failed() };
            let stream = Box::pin(WebSocketStream::from_raw_socket(stream, Role::Server, Some(config))).await;
            let messages = Messages { stream, refused: None, controls: 0 };
            connection::run(messages, Arc::clone(&shared), admitted).await;
        };
        tasks.spawn_on(serving, &threads);
    }
}

/// Frames as messages of a WebSocket.
struct Messages<S> {
    stream: WebSocketStream<S>,
    /// What the peer is told of what it sent, if that was no frame.
    refused: Option<CloseCode>,
    /// Pings and pongs since the last frame.
    controls: u32,
}

impl<S> Messages<S> {
    fn refuse(&mut self, code: CloseCode, why: &'static str) -> FrameError {
        self.refused = Some(code);
        FrameError::Malformed(why)
    }

    fn failed(&mut self, error: Error) -> FrameError {
        match error {
            Error::ConnectionClosed | Error::AlreadyClosed => FrameError::Closed,
            Error::Capacity(_) => self.refuse(CloseCode::Size, "the message is too long"),
            Error::Io(error) => FrameError::Io(error),
            _ => self.refuse(CloseCode::Protocol, "the peer broke the WebSocket protocol"),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Transport for Messages<S> {
    const CARRIER: Carrier = Carrier::WebSocket;

    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, FrameError>> {
        loop {
            let error = match ready!(Pin::new(&mut self.stream).poll_next(cx)) {
                Some(Ok(Message::Binary(frame))) if !frame.is_empty() => {
                    self.controls = 0;
                    return Poll::Ready(Ok(frame));
                }
                Some(Ok(Message::Binary(_))) => self.refuse(CloseCode::Protocol, "an empty message is no frame"),
                // The library answers pings by itself.
                Some(Ok(Message::Ping(_) | Message::Pong(_))) if self.controls < CONTROL_MAX => {
                    self.controls += 1;
                    continue;
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => self.refuse(CloseCode::Policy, "too many pings"),
                Some(Ok(Message::Text(_) | Message::Frame(_))) => {
                    self.refuse(CloseCode::Unsupported, "a text is no frame")
                }
                Some(Ok(Message::Close(_))) | None => FrameError::Closed,
                Some(Err(error)) => self.failed(error),
            };
            return Poll::Ready(Err(error));
        }
    }

    async fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        let message = Message::Binary(Bytes::copy_from_slice(frame));
        self.stream.send(message).await.map_err(|error| match error {
            Error::Io(error) => error,
            error => io::Error::other(error),
        })
    }

    async fn close(&mut self, farewell: Farewell) {
        let code = self.refused.unwrap_or(match farewell {
            Farewell::Done => CloseCode::Normal,
            Farewell::Stopping => CloseCode::Away,
            Farewell::Broken => CloseCode::Protocol,
        });
        // A peer that is gone already does not need to know.
        let _ = self.stream.close(Some(CloseFrame { code, reason: "".into() })).await;
    }
}
