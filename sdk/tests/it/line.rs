//! A line to the server that can be cut, and that knows how many connections are in use.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use cardea_sdk::transport::memory::MemoryConnector;
use cardea_sdk::transport::{BoxFuture, Connection, Connector, Endpoint, TransportError};
use cardea_sdk::{Builder, Event, EventKind, Events, LogLevel, LogSink, Wallet};
use tokio::time::Instant;

use crate::world::{World, paused_now};

/// The line.
#[derive(Debug)]
pub(crate) struct Line {
    memory: MemoryConnector,
    is_up: AtomicBool,
    /// When connections were tried, whether or not they were made.
    tries: Mutex<Vec<Instant>>,
    in_use: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct Counted {
    connection: Box<dyn Connection>,
    in_use: Arc<AtomicUsize>,
}

impl Line {
    pub(crate) fn to(memory: &MemoryConnector) -> Arc<Self> {
        Arc::new(Self {
            memory: memory.clone(),
            is_up: AtomicBool::new(true),
            tries: Mutex::default(),
            in_use: Arc::default(),
        })
    }

    /// A wallet over the same tokens as the world's, on a line of its own.
    pub(crate) async fn wallet(world: &World) -> (Wallet, Arc<Self>) {
        let line = Self::to(&world.connector);
        (line.builder(world).open().await.unwrap(), line)
    }

    pub(crate) fn builder(self: &Arc<Self>, world: &World) -> Builder {
        Wallet::builder()
            .store(Arc::clone(&world.store))
            .connector(Arc::clone(self) as Arc<dyn Connector>)
            .env(world.env.clone())
            .allow_test_argon2(true)
            .recover_in_background(false)
    }

    /// Whether connections can be made from now on.
    pub(crate) fn set_up(&self, is_up: bool) {
        self.is_up.store(is_up, Ordering::SeqCst);
    }

    /// What becomes of `operation` when the line is cut once `sent` is over.
    pub(crate) async fn cut_after<T>(&self, sent: impl Future<Output = ()>, operation: impl Future<Output = T>) -> T {
        let cut = async {
            sent.await;
            self.set_up(false);
            std::future::pending::<()>().await;
        };
        tokio::select! {
            biased;
            () = cut => unreachable!(),
            outcome = operation => outcome,
        }
    }

    /// Connections that are in use.
    pub(crate) fn in_use(&self) -> usize {
        self.in_use.load(Ordering::SeqCst)
    }

    /// The pauses between tries, in whole seconds; forgets them.
    pub(crate) fn pauses(&self) -> Vec<u64> {
        let tries = std::mem::take(&mut *self.tries.lock().unwrap());
        tries.windows(2).map(|pair| (pair[1] - pair[0]).as_secs()).collect()
    }

    /// How often a connection was tried.
    pub(crate) fn tries(&self) -> usize {
        self.tries.lock().unwrap().len()
    }
}

impl Connector for Line {
    fn connect<'a>(&'a self, server: &'a Endpoint) -> BoxFuture<'a, Result<Box<dyn Connection>, TransportError>> {
        Box::pin(async move {
            self.tries.lock().unwrap().push(paused_now());
            if !self.is_up.load(Ordering::SeqCst) {
                return Err(TransportError::TimedOut);
            }
            let connection = self.memory.connect(server).await?;
            self.in_use.fetch_add(1, Ordering::SeqCst);
            Ok(Box::new(Counted { connection, in_use: Arc::clone(&self.in_use) }) as Box<dyn Connection>)
        })
    }
}

impl Connection for Counted {
    fn send<'a>(&'a mut self, frame: &'a [u8]) -> BoxFuture<'a, Result<(), TransportError>> {
        self.connection.send(frame)
    }

    fn receive(&mut self) -> BoxFuture<'_, Result<Bytes, TransportError>> {
        self.connection.receive()
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.in_use.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Keeps what the SDK logs.
#[derive(Debug, Default)]
pub(crate) struct Lines(pub(crate) Mutex<Vec<(LogLevel, String)>>);

impl LogSink for Lines {
    fn log(&self, level: LogLevel, text: &str) {
        self.0.lock().unwrap().push((level, text.to_owned()));
    }
}

/// The next event of a wallet with one token.
pub(crate) async fn next(events: &mut Events) -> EventKind {
    match events.next().await {
        Some(Event::Token { kind, .. }) => kind,
        other => panic!("{other:?}"),
    }
}

/// Everything that can happen without time passing has happened.
pub(crate) async fn settle() {
    // Where threads for blocking work are busy, paused time stands still: it passes once all of them are done.
    tokio::time::sleep_until(paused_now() + Duration::from_millis(1)).await;
}

/// Lets so many seconds of paused time pass, with everything that is due meanwhile.
pub(crate) async fn pass(seconds: u64) {
    tokio::time::sleep_until(paused_now() + Duration::from_secs(seconds)).await;
}

/// What happened up to now.
pub(crate) async fn so_far(events: &mut Events) -> Vec<EventKind> {
    settle().await;
    let mut kinds = Vec::new();
    while let Ok(Some(event)) = tokio::time::timeout(Duration::ZERO, events.next()).await {
        match event {
            Event::Token { kind, .. } => kinds.push(kind),
            other => panic!("{other:?}"),
        }
    }
    kinds
}
