//! A transport that looks on.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use bytes::Bytes;
use cardea_sdk::transport::tcp::TcpConnector;
use cardea_sdk::transport::{BoxFuture, Connection, Connector, Endpoint, TransportError};

/// Frames of one operation: sizes in bytes, positive from the device, negative to it.
pub(super) type Frames = Vec<i32>;

/// What the tap has seen of one operation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) frames: Frames,
    /// Nanoseconds from each frame that was handed over to the next answer.
    pub(super) times: Vec<u64>,
}

/// Connects over TCP and notes what passes.
#[derive(Debug, Clone, Default)]
pub(super) struct Tap(Arc<Mutex<Seen>>);

impl Tap {
    /// What has passed since the last call.
    pub(super) fn take(&self) -> Seen {
        std::mem::take(&mut self.0.lock().expect("nobody panics with it"))
    }
}

impl Connector for Tap {
    fn connect<'a>(&'a self, server: &'a Endpoint) -> BoxFuture<'a, Result<Box<dyn Connection>, TransportError>> {
        Box::pin(async move {
            let inner = TcpConnector.connect(server).await?;
            Ok(Box::new(Tapped { inner, seen: Arc::clone(&self.0), sent: None }) as Box<dyn Connection>)
        })
    }
}

#[derive(Debug)]
struct Tapped {
    inner: Box<dyn Connection>,
    seen: Arc<Mutex<Seen>>,
    sent: Option<Instant>,
}

fn size(frame: &[u8]) -> i32 {
    i32::try_from(frame.len()).expect("a frame is small")
}

#[expect(clippy::disallowed_methods, reason = "the time that passes is what is measured")]
fn now() -> Instant {
    Instant::now()
}

impl Connection for Tapped {
    fn send<'a>(&'a mut self, frame: &'a [u8]) -> BoxFuture<'a, Result<(), TransportError>> {
        self.seen.lock().expect("nobody panics with it").frames.push(size(frame));
        self.sent = Some(now());
        self.inner.send(frame)
    }

    fn receive(&mut self) -> BoxFuture<'_, Result<Bytes, TransportError>> {
        Box::pin(async move {
            let frame = self.inner.receive().await?;
            let passed = self.sent.take().map(|sent| sent.elapsed());
            let mut seen = self.seen.lock().expect("nobody panics with it");
            seen.frames.push(-size(&frame));
            seen.times.extend(passed.map(|passed| u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX)));
            Ok(frame)
        })
    }
}
