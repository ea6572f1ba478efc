//! Connections over the network of a device.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cardea_sdk::LogSink;
use cardea_sdk::transport::tcp::Framed;
use cardea_sdk::transport::{BoxFuture, Connection, Connector, Endpoint, Repetition, TransportError};
use tokio::io::{AsyncWriteExt as _, DuplexStream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::{Conditions, Network, Phase, Weather, now};

/// After which time a connection sends a lost frame again; twice that after each further loss.
const AGAIN: Duration = Duration::from_millis(200);
/// So often it does.
const TRIES: u32 = 8;
/// What somebody says who is no server.
const PAGE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>Welcome! Please accept our terms.</html>";

/// Makes connections, as the network of the device lets it.
pub(super) struct Linked {
    inner: Arc<dyn Connector>,
    network: Network,
}

impl fmt::Debug for Linked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Linked").field(&self.inner).finish()
    }
}

impl Linked {
    pub(super) const fn new(inner: Arc<dyn Connector>, network: Network) -> Self {
        Self { inner, network }
    }

    async fn way(&self, server: &Endpoint, is_once: bool) -> Result<Box<dyn Connection>, TransportError> {
        let mut weather = self.network.0.now.subscribe();
        let began = now();
        loop {
            let seen = *weather.borrow_and_update();
            let conditions = seen.conditions;
            let connecting = async {
                if is_once { self.inner.connect_once(server).await } else { self.inner.connect(server).await }
            };
            let connected = match seen.phase(now()) {
                (Phase::Down, _) => return Err(unreachable(server)),
                (Phase::Captive, _) => return Ok(Box::new(portal().await?)),
                (Phase::Mute, until) => {
                    changed(&mut weather, until).await;
                    continue;
                }
                (Phase::Up, until) => tokio::select! {
                    biased;
                    () = changed(&mut weather, until) => continue,
                    connected = connecting => connected?,
                },
            };
            if connected.repetition().is_none() {
                // There and back, once.
                let Some(delay) = self.delay(&conditions, 0, false) else { return Err(TransportError::TimedOut) };
                let made = began + 2 * delay;
                tokio::select! {
                    biased;
                    () = changed(&mut weather, None) => continue,
                    () = sleep_until(made) => {}
                }
            }
            let falls = weather.borrow().falls(now());
            let network = self.network.clone();
            let (up, down) = (now(), now());
            return Ok(Box::new(Link {
                inner: connected,
                network,
                weather,
                falls,
                arriving: VecDeque::new(),
                ended: None,
                carried: 0,
                is_deaf: false,
                up,
                down,
            }));
        }
    }

    fn delay(&self, conditions: &Conditions, length: usize, is_datagram: bool) -> Option<Duration> {
        delay(&self.network, conditions, length, is_datagram)
    }
}

/// What a frame takes one way without its turn in the queue; nothing if it does not arrive.
fn delay(network: &Network, conditions: &Conditions, length: usize, is_datagram: bool) -> Option<Duration> {
    let chance = &network.0.chance;
    let mut delay = Duration::from_millis(conditions.latency_ms.into());
    if conditions.jitter_ms > 0 {
        delay += Duration::from_millis(conditions.jitter_ms.into()).mul_f64(chance.uniform());
    }
    if conditions.loss > 0.0 {
        let mut pause = AGAIN;
        let mut tries = 0;
        while chance.uniform() < conditions.loss {
            tries += 1;
            if is_datagram || tries == TRIES {
                return None;
            }
            delay += pause;
            pause *= 2;
        }
    }
    Some(delay + transmission(conditions, length))
}

/// What sending so many bytes takes.
fn transmission(conditions: &Conditions, length: usize) -> Duration {
    let bytes = u32::try_from(length).unwrap_or(u32::MAX);
    conditions.bandwidth.map_or(Duration::ZERO, |speed| Duration::from_secs(1) * bytes / speed.max(1))
}

fn unreachable(server: &Endpoint) -> TransportError {
    TransportError::Unreachable { server: server.clone(), source: io::ErrorKind::NetworkUnreachable.into() }
}

fn gone() -> TransportError {
    TransportError::Broken(io::ErrorKind::NetworkDown.into())
}

/// Waits until the network is another one, or its turn is over.
async fn changed(weather: &mut watch::Receiver<Weather>, until: Option<Instant>) {
    let turn = async {
        match until {
            Some(until) => sleep_until(until).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        // A device that is gone changes nothing any more.
        () = async { if weather.changed().await.is_err() { std::future::pending::<()>().await } } => {}
        () = turn => {}
    }
}

impl Connector for Linked {
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

/// Somebody who answers everything with a web page.
#[derive(Debug)]
struct Portal {
    page: Framed<DuplexStream>,
    is_asked: bool,
}

async fn portal() -> Result<Portal, TransportError> {
    let (near, mut far) = tokio::io::duplex(PAGE.len());
    far.write_all(PAGE).await?;
    Ok(Portal { page: Framed::new(near), is_asked: false })
}

impl Connection for Portal {
    fn send<'a>(&'a mut self, _: &'a [u8]) -> BoxFuture<'a, Result<(), TransportError>> {
        self.is_asked = true;
        Box::pin(std::future::ready(Ok(())))
    }

    fn receive(&mut self) -> BoxFuture<'_, Result<Bytes, TransportError>> {
        if self.is_asked { self.page.receive() } else { Box::pin(std::future::pending()) }
    }
}

/// A connection over the network of the device.
#[derive(Debug)]
struct Link {
    inner: Box<dyn Connection>,
    network: Network,
    weather: watch::Receiver<Weather>,
    /// Of the network when the connection was made.
    falls: u64,
    /// What has left the server, and when it is here.
    arriving: VecDeque<(Instant, Bytes)>,
    /// What comes after the last of it.
    ended: Option<TransportError>,
    /// Bytes, both ways.
    carried: u64,
    /// Something has vanished: nothing that comes after it can be read.
    is_deaf: bool,
    /// When the way to the server is free again.
    up: Instant,
    /// The same of the way back.
    down: Instant,
}

impl Link {
    fn is_datagram(&self) -> bool {
        self.inner.repetition().is_some()
    }

    /// What the network does now.
    fn look(&mut self) -> Result<(Weather, Phase, Option<Instant>), TransportError> {
        let weather = *self.weather.borrow_and_update();
        let (phase, until) = weather.phase(now());
        // Datagrams have no connection that could break.
        if phase == Phase::Down || !self.is_datagram() && weather.falls(now()) != self.falls {
            return Err(gone());
        }
        Ok((weather, phase, until))
    }

    /// Counts bytes, up to the limit.
    fn carry(&mut self, conditions: &Conditions, length: usize) -> Result<(), TransportError> {
        self.carried = self.carried.saturating_add(length as u64);
        match conditions.limit_data {
            Some(limit) if self.carried > limit => Err(TransportError::Closed),
            _ => Ok(()),
        }
    }

    async fn put(&mut self, frame: &[u8]) -> Result<(), TransportError> {
        let (weather, phase, until) = self.look()?;
        let is_datagram = self.is_datagram();
        if self.is_deaf || phase != Phase::Up {
            self.is_deaf |= !is_datagram;
            return Ok(());
        }
        self.carry(&weather.conditions, frame.len())?;
        let Some(delay) = delay(&self.network, &weather.conditions, frame.len(), is_datagram) else {
            return if is_datagram { Ok(()) } else { Err(TransportError::TimedOut) };
        };
        if !delay.is_zero() {
            let there = self.up.max(now()) + delay;
            self.up = self.up.max(now()) + transmission(&weather.conditions, frame.len());
            tokio::select! {
                biased;
                () = changed(&mut self.weather, until) => { self.look()?; }
                () = sleep_until(there) => {}
            }
        }
        // Whatever is stored before a frame leaves is stored now.
        self.network.0.journal.changes().note();
        self.inner.send(frame).await
    }

    async fn get(&mut self) -> Result<Bytes, TransportError> {
        loop {
            let (weather, phase, until) = self.look()?;
            if self.is_deaf || phase != Phase::Up {
                changed(&mut self.weather, until).await;
                continue;
            }
            if let Some((due, _)) = self.arriving.front() {
                let due = *due;
                tokio::select! {
                    biased;
                    () = changed(&mut self.weather, until) => continue,
                    () = sleep_until(due) => {}
                }
                if let Some((_, frame)) = self.arriving.pop_front() {
                    return Ok(frame);
                }
            }
            if let Some(error) = self.ended.take() {
                return Err(error);
            }
            let received = tokio::select! {
                biased;
                () = changed(&mut self.weather, until) => continue,
                received = self.inner.receive() => received,
            };
            // From here to the next turn nothing waits: a frame that has come is not lost if the caller gives up.
            let is_datagram = self.is_datagram();
            let frame = match received {
                Ok(frame) => frame,
                Err(error) => {
                    self.ended = Some(error);
                    continue;
                }
            };
            if let Err(error) = self.carry(&weather.conditions, frame.len()) {
                self.ended = Some(error);
                continue;
            }
            match delay(&self.network, &weather.conditions, frame.len(), is_datagram) {
                Some(delay) => {
                    let begin = self.down.max(now());
                    self.down = begin + transmission(&weather.conditions, frame.len());
                    self.arriving.push_back((begin + delay, frame));
                }
                None if is_datagram => {}
                None => self.ended = Some(TransportError::TimedOut),
            }
        }
    }
}

impl Connection for Link {
    fn send<'a>(&'a mut self, frame: &'a [u8]) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(self.put(frame))
    }

    fn receive(&mut self) -> BoxFuture<'_, Result<Bytes, TransportError>> {
        Box::pin(self.get())
    }

    fn repetition(&self) -> Option<Repetition> {
        self.inner.repetition()
    }

    fn way(&self) -> &'static str {
        self.inner.way()
    }
}
