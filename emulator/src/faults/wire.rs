//! Connections on which frames are lost, changed, added and said again.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cardea_sdk::LogSink;
use cardea_sdk::transport::{BoxFuture, Connection, Connector, Endpoint, Repetition, TransportError};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::armed::Hit;
use super::catalogue::Fault;
use super::device::{DeviceFaults, Replay};
use super::frame::{self, FrameKind, begun_with, flipped, low_order, plain_error, prefixed, replaced, truncated};
use super::point::{Frame, Hook, Point};
use super::raw::{Raw, stream};
use super::rule::Direction;

/// How long somebody waits for an answer who says something again.
const PATIENCE: Duration = Duration::from_secs(8);
/// Length of a small request of a session.
const WARM: usize = 86;
/// Length of a key record.
const KEY_RECORD: usize = 105;
/// What a page of a hotel's network is like, and a proxy's.
const PAGES: [&[u8]; 2] = [
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>Welcome! Please accept our terms.</html>",
    b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n",
];

/// Makes such connections.
pub(super) struct Wired {
    inner: Arc<dyn Connector>,
    device: DeviceFaults,
}

impl fmt::Debug for Wired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Wired").field(&self.inner).finish()
    }
}

impl Wired {
    pub(super) const fn new(inner: Arc<dyn Connector>, device: DeviceFaults) -> Self {
        Self { inner, device }
    }

    async fn way(&self, server: &Endpoint, is_once: bool) -> Result<Box<dyn Connection>, TransportError> {
        self.device.permits(server)?;
        let unreachable = |kind: io::ErrorKind, what: &str| {
            Err(TransportError::Unreachable { server: server.clone(), source: io::Error::new(kind, what) })
        };
        let (mut spare, mut lingers, mut page) = (None, None, None);
        if let Some(hit) = self.device.hit(Point::at(Hook::Connect, &server.host)) {
            match hit.fault {
                Fault::Refuse => return unreachable(io::ErrorKind::ConnectionRefused, "nobody listens there"),
                Fault::DnsFailure => return unreachable(io::ErrorKind::NotFound, "the name is not known"),
                Fault::ConnectTimeout => std::future::pending().await,
                Fault::ConnectSlow => sleep(hit.time()).await,
                Fault::DuplicateConnection => spare = self.inner.connect(server).await.ok(),
                Fault::SlowClose => lingers = Some(hit.time()),
                Fault::CaptivePortal => page = Some(PAGES[0]),
                Fault::Proxy => page = Some(PAGES[1]),
                _ => {}
            }
        }
        let inner: Box<dyn Connection> = if let Some(page) = page {
            Box::new(stream(page.to_vec()))
        } else if let Some(hit) = self.device.hit(Point::at(Hook::Bytes, &server.host)) {
            Box::new(Raw::connect(server, hit).await?)
        } else if is_once {
            self.inner.connect_once(server).await?
        } else {
            self.inner.connect(server).await?
        };
        Ok(Box::new(Wire {
            inner: Some(inner),
            spare,
            lingers,
            server: server.clone(),
            device: self.device.clone(),
            arriving: VecDeque::new(),
            saying: None,
            sent: 0,
            received: 0,
            is_mute: false,
            overtaken: None,
            overtaken_in: None,
        }))
    }
}

impl Connector for Wired {
    fn connect<'a>(&'a self, server: &'a Endpoint) -> BoxFuture<'a, Result<Box<dyn Connection>, TransportError>> {
        Box::pin(self.way(server, false))
    }

    fn connect_once<'a>(&'a self, server: &'a Endpoint) -> BoxFuture<'a, Result<Box<dyn Connection>, TransportError>> {
        Box::pin(self.way(server, true))
    }

    fn log_to(&self, sink: &Arc<dyn LogSink>) {
        self.inner.log_to(sink);
    }
}

/// Something that comes, and when.
type Arriving = (Instant, Result<Bytes, TransportError>);

struct Wire {
    /// Gone only when this is.
    inner: Option<Box<dyn Connection>>,
    spare: Option<Box<dyn Connection>>,
    /// How long it stays after its end.
    lingers: Option<Duration>,
    server: Endpoint,
    device: DeviceFaults,
    arriving: VecDeque<Arriving>,
    /// What is being said again by somebody else, while an answer waits.
    saying: Option<BoxFuture<'static, ()>>,
    sent: u32,
    received: u32,
    /// Everything vanishes.
    is_mute: bool,
    overtaken: Option<Vec<u8>>,
    overtaken_in: Option<Bytes>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Wire").field(&self.inner).finish()
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        // Nobody is left to be kept waiting where there is no runtime.
        if let (Some(time), Some(inner), Ok(runtime)) = (self.lingers, self.inner.take(), Handle::try_current()) {
            let spare = self.spare.take();
            runtime.spawn(async move {
                sleep(time).await;
                drop((inner, spare));
            });
        }
    }
}

impl Wire {
    fn inner(&mut self) -> &mut dyn Connection {
        &mut **self.inner.as_mut().expect("it is there until this is dropped")
    }

    fn is_datagram(&self) -> bool {
        self.inner.as_ref().is_some_and(|inner| inner.repetition().is_some())
    }

    fn point(&self, hook: Hook, frame: &[u8]) -> Point<'static> {
        let (dir, number) =
            if hook == Hook::Out { (Direction::Out, self.sent) } else { (Direction::In, self.received) };
        let (kind, length) = (FrameKind::of(frame, dir), frame.len());
        Point { frame: Some(Frame { kind, number, length, is_datagram: self.is_datagram() }), ..Point::new(hook) }
    }

    async fn put(&mut self, frame: &[u8]) -> Result<(), TransportError> {
        self.device.permits(&self.server)?;
        self.sent += 1;
        if self.is_mute {
            return Ok(());
        }
        let point = self.point(Hook::Out, frame);
        let struck = self.device.crossed(Point { host: Some(&self.server.host), ..point }, &self.server, frame);
        let sent = match struck {
            None => self.inner().send(frame).await,
            Some((hit, told)) => self.put_struck(frame, &hit, told).await,
        };
        // Whoever was overtaken comes after it.
        if sent.is_ok()
            && let Some(late) = self.overtaken.take_if(|late| late != frame || self.sent > 1)
        {
            return self.inner().send(&late).await;
        }
        sent
    }

    async fn put_struck(&mut self, frame: &[u8], hit: &Hit, told: Vec<u8>) -> Result<(), TransportError> {
        let changed = match hit.fault {
            Fault::Lost | Fault::Mtu => return Ok(()),
            Fault::HalfOpen => {
                // What leaves now arrives, and nothing comes back.
                self.is_mute = true;
                frame.to_vec()
            }
            Fault::EarlyClose => return Err(TransportError::Closed),
            Fault::Reorder if self.overtaken.is_none() && self.sent == 1 => {
                self.overtaken = Some(frame.to_vec());
                return Ok(());
            }
            Fault::Late => {
                sleep(hit.time()).await;
                frame.to_vec()
            }
            Fault::Duplicate => {
                for _ in 0..hit.count("copies") {
                    self.inner().send(frame).await?;
                }
                frame.to_vec()
            }
            Fault::WrongState => {
                self.inner().send(&hit.random(WARM)).await?;
                frame.to_vec()
            }
            Fault::Flood => {
                for _ in 0..hit.count("frames") {
                    self.inner().send(&hit.random(frame.len())).await?;
                }
                frame.to_vec()
            }
            Fault::Replay => {
                let (server, bytes, after) = (self.server.clone(), frame.to_vec(), hit.count("after"));
                self.device.replay(Replay { hit: hit.clone(), server, bytes, after });
                frame.to_vec()
            }
            Fault::ReplayCrossToken | Fault::ReplayCrossServer => told,
            Fault::KillBeforeSend => {
                self.device.kill(hit);
                return std::future::pending().await;
            }
            Fault::KillAfterSend => {
                self.inner().send(frame).await?;
                self.device.kill(hit);
                return std::future::pending().await;
            }
            Fault::UnknownVersion => {
                let version = u8::try_from(hit.param("version")).unwrap_or(15);
                begun_with(frame, |byte| version << 4 | byte & 15)
            }
            Fault::Downgrade => begun_with(frame, |byte| byte & 15),
            Fault::UnknownKind => begun_with(frame, |byte| byte | 15),
            Fault::WrongHint => replaced(frame, 2..10, &*hit.chance),
            Fault::WrongEpoch => replaced(frame, 1..2, &*hit.chance),
            _ => mangled(frame, hit, Direction::Out),
        };
        self.inner().send(&changed).await
    }

    async fn get(&mut self) -> Result<Bytes, TransportError> {
        loop {
            if let Some(saying) = &mut self.saying {
                saying.await;
                self.saying = None;
            }
            if let Some((due, _)) = self.arriving.front() {
                sleep_until(*due).await;
                if let Some((_, arrived)) = self.arriving.pop_front() {
                    return arrived;
                }
            }
            if self.is_mute {
                std::future::pending::<()>().await;
            }
            let received = self.inner().receive().await;
            // Nothing waits until the next turn: what has come is not lost if the caller gives up.
            match received {
                Ok(frame) => self.arrived(frame),
                Err(error) => self.arrives(Err(error)),
            }
        }
    }

    fn arrives(&mut self, what: Result<Bytes, TransportError>) {
        self.arriving.push_back((crate::engine::tokio_now(), what));
    }

    fn arrived(&mut self, frame: Bytes) {
        self.received += 1;
        let point = self.point(Hook::In, &frame);
        let struck = self.device.crossed(Point { host: Some(&self.server.host), ..point }, &self.server, &frame);
        match struck {
            None => self.arrives(Ok(frame)),
            Some((hit, told)) => self.arrived_struck(&frame, &hit, told),
        }
        if let Some(late) = self.overtaken_in.take_if(|_| !self.arriving.is_empty()) {
            self.arrives(Ok(late));
        }
        let due = self.device.answered();
        if !due.is_empty() {
            self.saying = Some(say_again(self.device.clone(), due));
        }
    }

    fn arrived_struck(&mut self, frame: &Bytes, hit: &Hit, told: Vec<u8>) {
        let changed = match hit.fault {
            Fault::Lost => return,
            Fault::HalfOpen => {
                self.is_mute = true;
                return;
            }
            Fault::AckLost => {
                if !self.is_datagram() {
                    self.arrives(Err(TransportError::Closed));
                }
                return;
            }
            Fault::KillBeforeStore => {
                self.device.kill(hit);
                self.is_mute = true;
                return;
            }
            Fault::Reorder if self.overtaken_in.is_none() => {
                self.overtaken_in = Some(frame.clone());
                return;
            }
            Fault::Late => {
                self.arriving.push_back((crate::engine::tokio_now() + hit.time(), Ok(frame.clone())));
                return;
            }
            Fault::AckDuplicated => {
                (0..hit.count("copies")).for_each(|_| self.arrives(Ok(frame.clone())));
                frame.to_vec()
            }
            Fault::Flood => {
                (0..hit.count("frames")).for_each(|_| self.arrives(Ok(hit.random(frame.len()).into())));
                frame.to_vec()
            }
            Fault::Oversize | Fault::ZeroLength => {
                // Read as the SDK reads streams; what would come after it does not matter any more.
                let length = if hit.fault == Fault::Oversize { hit.count("bytes") } else { 0 };
                let inner = stream(prefixed(length, if length == 0 { &[] } else { frame }));
                self.inner = Some(Box::new(inner));
                return;
            }
            Fault::PlainError => plain_error(u8::try_from(hit.param("code")).unwrap_or(9), &*hit.chance),
            Fault::StaleKey => {
                self.arrives(Ok(plain_error(5, &*hit.chance).into()));
                hit.random(KEY_RECORD)
            }
            Fault::Impostor => begun_with(&hit.random(frame.len()), |_| frame.first().copied().unwrap_or(0)),
            Fault::AckForOtherToken => told,
            _ => mangled(frame, hit, Direction::In),
        };
        self.arrives(Ok(changed.into()));
    }
}

/// What is done to frames either way.
fn mangled(frame: &[u8], hit: &Hit, dir: Direction) -> Vec<u8> {
    match hit.fault {
        Fault::Truncate => truncated(frame, hit.count("bytes")),
        Fault::BitFlip => flipped(frame, hit.count("bit")),
        Fault::Garbage => frame::random(frame.len(), &*hit.chance),
        Fault::LowOrder => low_order(frame, dir),
        _ => frame.to_vec(),
    }
}

/// Says it again, on connections of its own, and notes what is answered.
fn say_again(device: DeviceFaults, what: Vec<Replay>) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        for Replay { hit, server, bytes, .. } in what {
            for _ in 0..hit.count("copies") {
                let answered = timeout(PATIENCE, async {
                    let mut connection = device.world().connect(&server).await?;
                    connection.send(&bytes).await?;
                    connection.receive().await
                });
                let outcome = match answered.await {
                    Ok(Ok(answer)) => match FrameKind::of(&answer, Direction::In) {
                        FrameKind::Plain => format!("plain code {}", answer.first().map_or(0, |first| first & 0x7f)),
                        kind => format!("answered with {kind:?}"),
                    },
                    Ok(Err(error)) => format!("not answered: {error}"),
                    Err(_) => "not answered".to_owned(),
                };
                device.note(&hit, outcome);
            }
        }
    })
}

impl Connection for Wire {
    fn send<'a>(&'a mut self, frame: &'a [u8]) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(self.put(frame))
    }

    fn receive(&mut self) -> BoxFuture<'_, Result<Bytes, TransportError>> {
        Box::pin(self.get())
    }

    fn repetition(&self) -> Option<Repetition> {
        self.inner.as_ref().and_then(|inner| inner.repetition())
    }

    fn way(&self) -> &'static str {
        self.inner.as_ref().map_or("other", |inner| inner.way())
    }
}
