//! Stopping in order: everything that serves holds a [`ShutdownGuard`], hears the request through [`Shutdown`], stops
//! taking new work, finishes what it has, and drops its guard; then the process may end.

use std::sync::Arc;

use tokio::sync::watch;

/// A handle on the request to stop. Clones share one state.
#[derive(Debug, Clone)]
pub struct Shutdown {
    state: Arc<watch::Sender<State>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    requested: bool,
    guards: usize,
}

/// Work that the process waits for. Dropping it says that the work is done.
#[derive(Debug)]
pub struct ShutdownGuard(Shutdown);

impl Shutdown {
    /// A handle on which nobody has asked to stop yet.
    #[must_use]
    pub fn new() -> Self {
        Self { state: Arc::new(watch::Sender::new(State::default())) }
    }

    /// Asks everything to stop. Asking again changes nothing.
    pub fn begin(&self) {
        self.state.send_modify(|state| state.requested = true);
    }

    /// Whether somebody has asked to stop.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.state.borrow().requested
    }

    /// Waits until somebody asks to stop; returns at once when that has happened.
    ///
    /// Cancel safe.
    pub async fn requested(&self) {
        self.reached(|state| state.requested).await;
    }

    /// Registers work that [`Shutdown::drained`] waits for.
    #[must_use]
    pub fn guard(&self) -> ShutdownGuard {
        self.state.send_modify(|state| state.guards += 1);
        ShutdownGuard(self.clone())
    }

    /// Waits until stopping was asked for and no [`ShutdownGuard`] is left.
    ///
    /// Cancel safe.
    pub async fn drained(&self) {
        self.reached(|state| state.requested && state.guards == 0).await;
    }

    async fn reached(&self, goal: impl FnMut(&State) -> bool) {
        // The sender lives in `self`, so the channel cannot close while we wait.
        let _ = self.state.subscribe().wait_for(goal).await;
    }
}

/// Begins `shutdown` at the first SIGTERM or SIGINT. At the second the process ends at once, with status 130:
/// what was acknowledged is on the disk already.
///
/// # Errors
/// The signals cannot be watched.
pub fn on_signals(shutdown: &Shutdown) -> std::io::Result<()> {
    let mut signals = Signals::new()?;
    let shutdown = shutdown.clone();
    tokio::spawn(async move {
        signals.next().await;
        tracing::info!("stopping");
        shutdown.begin();
        signals.next().await;
        tracing::warn!("stopping at once");
        std::process::exit(130);
    });
    Ok(())
}

/// How often to look whether the parent is still there.
#[cfg(unix)]
const LOOK: std::time::Duration = std::time::Duration::from_millis(200);

/// Begins `shutdown` when the process that started this one has ended.
///
/// # Errors
/// This system does not say who that is.
pub fn with_parent(shutdown: &Shutdown) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::process::parent_id;
        let (parent, shutdown) = (parent_id(), shutdown.clone());
        tokio::spawn(async move {
            while parent_id() == parent {
                tokio::time::sleep(LOOK).await;
            }
            tracing::info!("stopping: who started it has ended");
            shutdown.begin();
        });
        Ok(())
    }
    #[cfg(not(unix))]
    {
        let _ = shutdown;
        Err(std::io::ErrorKind::Unsupported.into())
    }
}

/// Makes SIGHUP no reason to end for the rest of the process's life: it asks a service to look at its files again, also
/// one that has none to look at.
///
/// # Errors
/// The signal cannot be watched.
pub fn outlive_hangups() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        // The signal's own effect does not come back when nobody listens any more.
        drop(signal(SignalKind::hangup())?);
    }
    Ok(())
}

#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for ShutdownGuard {
    fn drop(&mut self) {
        self.0.state.send_modify(|state| state.guards -= 1);
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn ready(future: impl Future) -> bool {
        matches!(pin!(future).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(_))
    }

    #[test]
    fn the_request_is_heard_before_and_after_it_is_made() {
        let shutdown = Shutdown::new();
        let listener = shutdown.clone();
        let mut waiting = Box::pin(listener.requested());
        assert!(!ready(waiting.as_mut()));
        shutdown.begin();
        shutdown.begin();
        assert!(shutdown.is_requested());
        assert!(ready(waiting.as_mut()));
        assert!(ready(shutdown.requested()));
    }

    #[test]
    fn draining_waits_for_the_request_and_for_every_guard() {
        let shutdown = Shutdown::new();
        assert!(!ready(shutdown.drained()), "nobody has asked yet");
        let (first, second) = (shutdown.guard(), shutdown.guard());
        shutdown.begin();
        drop(first);
        assert!(!ready(shutdown.drained()));
        drop(second);
        assert!(ready(shutdown.drained()));
    }
}
