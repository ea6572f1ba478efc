//! What devices and servers said, frame by frame: recorded, shown, kept in files, opened in Wireshark.
//!
//! A [`Trace`] belongs to a session ([`Session::trace`](crate::engine::Session::trace)). While it is on, it records the frames of
//! all devices of the session on connections that are made from then on: the bytes on the wire, what they say, and what became
//! of them. What a frame says comes from the same views and keys that the device used; nothing is decoded a second time in
//! another way.
//!
//! ```no_run
//! use cardea_emulator::engine::Session;
//! use cardea_emulator::trace::Secrets;
//!
//! # async fn example(session: &Session) -> Result<(), Box<dyn std::error::Error>> {
//! session.trace().start();
//! session.device("alice")?.open(None, None).await?;
//! session.trace().stop();
//! let file = session.trace().file(Secrets::Hidden);
//! std::fs::write("open.jsonl", file.to_string())?;
//! std::fs::write("open.pcapng", file.packets())?;
//! std::fs::write("open.keylog", session.trace().file(Secrets::Shown).key_log())?;
//! # Ok(())
//! # }
//! ```

mod conversation;
mod decode;
mod diff;
mod file;
mod frame;
mod keylog;
mod packets;
mod pcapng;
mod recording;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cardea_sdk::observe::Observer;
use cardea_sdk::transport::Connector;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::engine::Time;
use recording::Recorder;

pub use diff::{COMPARED, Difference, TooLong, differences};
pub use file::{File, Header, Key, Line, ReadError, SCHEMA, Secrets};
pub use frame::{Direction, Field, Frame, Hidden, Label, Name, Value, Verdict};

/// Frames that a trace keeps at most, unless told otherwise: the newest.
pub const KEPT: usize = 10_000;

/// The trace of a session. Clones are one and the same.
#[derive(Debug, Clone)]
pub struct Trace(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    time: Time,
    kept: Mutex<Kept>,
    /// The number of the newest frame.
    newest: watch::Sender<u64>,
}

#[derive(Debug)]
struct Kept {
    /// While it is on.
    observer: Option<Arc<Observer>>,
    limit: usize,
    began: Instant,
    began_at: u64,
    connections: u64,
    /// The number of the last frame before it began.
    before: u64,
    frames: VecDeque<Arc<Frame>>,
}

/// Frames that were asked for.
#[derive(Debug, Clone)]
pub struct Since {
    /// So many of this recording were not kept long enough.
    pub lost: u64,
    /// In order, the oldest first.
    pub frames: Vec<Arc<Frame>>,
}

#[expect(clippy::disallowed_methods, reason = "monotonic time for pauses between frames, which nothing depends on")]
fn now() -> Instant {
    Instant::now()
}

impl Trace {
    pub(crate) fn new(time: Time) -> Self {
        let kept = Kept {
            observer: None,
            limit: KEPT,
            began: now(),
            began_at: time.now(),
            connections: 0,
            before: 0,
            frames: VecDeque::new(),
        };
        Self(Arc::new(Shared { time, kept: Mutex::new(kept), newest: watch::Sender::new(0) }))
    }

    /// Records from now on, what begins from now on; what was recorded before is forgotten. The newest [`KEPT`] frames are
    /// kept, which takes some 20 MB at most. Numbers go on.
    pub fn start(&self) {
        self.start_keeping(KEPT);
    }

    /// The same, with another number of frames that are kept: at least one.
    pub fn start_keeping(&self, frames: usize) {
        let mut kept = self.kept();
        kept.observer.get_or_insert_with(|| Arc::new(Observer::begin()));
        kept.limit = frames.max(1);
        (kept.began, kept.began_at) = (now(), self.0.time.now());
        kept.before = *self.0.newest.borrow();
        kept.frames.clear();
    }

    /// Records nothing more. What was recorded stays.
    pub fn stop(&self) {
        let observer = self.kept().observer.take();
        drop(observer);
    }

    /// Whether it records.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.kept().observer.is_some()
    }

    /// The number of the newest frame; 0 if there was none.
    #[must_use]
    pub fn newest(&self) -> u64 {
        *self.0.newest.borrow()
    }

    /// Every frame after the one of this number that is still kept; 0 for all.
    #[must_use]
    pub fn since(&self, number: u64) -> Since {
        let kept = self.kept();
        let next = number.max(kept.before).saturating_add(1);
        let lost = kept.frames.front().map_or(0, |first| first.number.saturating_sub(next));
        let newer = kept.frames.iter().filter(|frame| frame.number > number);
        Since { lost, frames: newer.cloned().collect() }
    }

    /// Waits until there is a frame after the one of this number. Cancel safe.
    pub async fn after(&self, number: u64) {
        // The sender lives as long as this does.
        let _ = self.0.newest.subscribe().wait_for(|newest| *newest > number).await;
    }

    /// All that is kept, as a file.
    #[must_use]
    pub fn file(&self, secrets: Secrets) -> File {
        self.file_since(0, secrets)
    }

    /// The frames after the one of this number, as a file.
    #[must_use]
    pub fn file_since(&self, number: u64, secrets: Secrets) -> File {
        let began = self.kept().began_at;
        File::of(began, &self.since(number), secrets)
    }

    /// What `inner` connects to, recorded as that of `device`.
    pub(crate) fn around(&self, device: &Arc<str>, inner: Arc<dyn Connector>) -> Arc<dyn Connector> {
        Arc::new(Recorder { trace: self.clone(), device: Arc::clone(device), inner })
    }

    /// What a new connection needs to be recorded; nothing while it is off.
    fn connection(&self) -> Option<(Arc<Observer>, u64)> {
        let mut kept = self.kept();
        let observer = Arc::clone(kept.observer.as_ref()?);
        kept.connections += 1;
        Some((observer, kept.connections))
    }

    /// The session's time, and how long the trace is.
    fn clock(&self) -> (u64, Duration) {
        (self.0.time.now(), self.kept().began.elapsed())
    }

    /// Adds a frame, if the trace is still on.
    fn add(&self, mut frame: Frame) {
        let mut kept = self.kept();
        if kept.observer.is_none() {
            return;
        }
        frame.number = *self.0.newest.borrow() + 1;
        let number = frame.number;
        while kept.frames.len() >= kept.limit {
            kept.frames.pop_front();
        }
        kept.frames.push_back(Arc::new(frame));
        // Under the lock, so that whoever is woken finds it, and numbers go up.
        self.0.newest.send_replace(number);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
