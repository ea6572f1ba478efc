//! The host's log.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;

use super::foreign::Foreign;
use super::{HostError, blocking, inside};

/// Lines that wait for a host that is slow; more are counted and dropped.
const MOST: usize = 256;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum LogLevel {
    /// For whoever looks for a fault.
    Debug,
    /// Something changed.
    Info,
    /// Somebody has to look at it.
    Warn,
}

/// Where lines go that tell what the library does by itself. They never contain secrets, PINs, names of holders, or texts.
///
/// Called on a thread that may block, one line after the other. What it throws is dropped; when it is too slow, lines are.
#[uniffi::export(foreign)]
pub trait LogSink: Send + Sync {
    /// Takes one line.
    ///
    /// # Errors
    /// [`HostError`], which changes nothing.
    fn log(&self, level: LogLevel, text: String) -> Result<(), HostError>;
}

/// A log as the SDK takes it: who writes never waits for the host.
pub(crate) struct HostLog {
    host: Foreign<dyn LogSink>,
    queue: Arc<Mutex<Queue>>,
}

#[derive(Default)]
struct Queue {
    lines: VecDeque<(LogLevel, String)>,
    lost: u64,
    /// Somebody hands lines over.
    busy: bool,
}

impl HostLog {
    pub(crate) fn new(host: Foreign<dyn LogSink>) -> Self {
        Self { host, queue: Arc::default() }
    }

    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).lines.len()
    }
}

impl cardea_sdk::LogSink for HostLog {
    fn log(&self, level: cardea_sdk::LogLevel, text: &str) {
        let level = match level {
            cardea_sdk::LogLevel::Debug => LogLevel::Debug,
            cardea_sdk::LogLevel::Info => LogLevel::Info,
            _ => LogLevel::Warn,
        };
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.lines.len() >= MOST {
            queue.lost += 1;
            return;
        }
        queue.lines.push_back((level, text.to_owned()));
        // Outside the runtime a line waits for the next one inside.
        if !queue.busy && Handle::try_current().is_ok() {
            queue.busy = true;
            let (host, queue) = (self.host.clone(), Arc::clone(&self.queue));
            blocking(move || hand_over(host.get(), &queue));
        }
    }
}

fn hand_over(host: &dyn LogSink, queue: &Mutex<Queue>) {
    loop {
        let (level, text) = {
            let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(line) = queue.lines.pop_front() {
                line
            } else if queue.lost > 0 {
                let lost = std::mem::take(&mut queue.lost);
                (LogLevel::Warn, format!("{lost} lines of the log were dropped: the host takes them too slowly"))
            } else {
                queue.busy = false;
                return;
            }
        };
        // A log that throws or panics loses its line.
        let _ = catch_unwind(AssertUnwindSafe(|| inside(|| host.log(level, text))));
    }
}

impl fmt::Debug for HostLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostLog")
    }
}
