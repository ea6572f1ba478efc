//! Live sessions: while an app is looked at, each token has one session in which its server tells what happens.
//!
//! # How they live with operations
//!
//! A live session is what the protocol leaves after an answered SUBSCRIBE: two keys, two counters and a connection. None
//! of that is in the store, and waiting for pushes needs no lease. So everything else goes on as without it: operations
//! of this program and of others take the lease, make their own exchanges, and move the ratchet on.
//!
//! - The server ends a live session when it accepts something newer from the same device (push REVOKED, or just the
//!   end of the connection). The session is begun anew when the operation is done. Nothing of the old one is used
//!   again: its keys are gone with it.
//! - To begin one is an exchange as every other: under the lease, stored before it is sent. It has its connection before
//!   it takes the lease, holds it for one round trip, gives up after eight seconds, and gives way to operations of this
//!   wallet. What it leaves unanswered is recovered as after any operation.
//! - If the record has moved on and this wallet did not do it, another program with the same store did. The two would
//!   end each other's sessions for ever, so the next one is begun after a pause that grows. If the record has *not* moved
//!   on, the device was revoked, or somebody has a copy: that is found out by asking at once.
//! - A session that is lost loses no news: the next one begins with all texts that wait, and the state.

mod attend;
mod backoff;
mod pace;
mod session;
mod supervise;

use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::task::spawn;
use crate::wallet::Inner;

/// Keeps live sessions for all tokens of a wallet. Dropping the last one leaves no task and no connection behind, as soon
/// as the runtime has looked at them; [`Live::stop`] waits for that.
#[derive(Debug, Clone)]
#[must_use = "the sessions end when the guard is dropped"]
pub struct Live(Arc<Running>);

#[derive(Debug)]
struct Running {
    orders: Arc<Orders>,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// What the tasks are told from outside.
#[derive(Debug)]
struct Orders {
    /// How often [`Live::wake`] was called.
    wakes: watch::Sender<u64>,
    /// How often the sessions were told to look again: not for each of many calls.
    looks: watch::Sender<u64>,
    stop: Notify,
}

impl Live {
    /// Looks again at once: after sleep, after a change of network, or when the platform's push service said that
    /// something happened. Sessions are begun anew, pauses end. Costs one exchange per token.
    ///
    /// It may be called as often as there are reasons: three calls in a row are done at once, and further ones together,
    /// ten seconds after the one before. The last of many is not lost.
    pub fn wake(&self) {
        self.0.orders.wake();
    }

    /// Ends the sessions, unless another guard keeps them, and waits until all tasks and connections are gone.
    ///
    /// Cancel safe: the sessions end all the same.
    pub async fn stop(self) {
        if let Some(running) = Arc::into_inner(self.0) {
            let task = running.task.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(task) = task {
                let task = Aborting(task);
                running.orders.stop.notify_one();
                task.ended().await;
            }
        }
    }
}

/// Ends a task that is not waited for any more.
struct Aborting(JoinHandle<()>);

impl Aborting {
    async fn ended(mut self) {
        // Whether it ended well or badly, it is gone.
        let _ = (&mut self.0).await;
    }
}

impl Drop for Aborting {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(task) = self.task.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            task.abort();
        }
    }
}

impl Orders {
    fn wake(&self) {
        self.wakes.send_modify(|wakes| *wakes = wakes.wrapping_add(1));
    }

    fn look(&self) {
        self.looks.send_modify(|looks| *looks = looks.wrapping_add(1));
    }
}

#[expect(clippy::disallowed_methods, reason = "monotonic time for delays, as tokio's own timers take it")]
fn now() -> Instant {
    Instant::now()
}

/// The live sessions of a wallet, if there are any.
#[derive(Debug)]
pub(crate) struct Lives {
    running: Mutex<Weak<Running>>,
    tokens: Notify,
    runtime: Handle,
}

impl Lives {
    pub(crate) fn new(runtime: Handle) -> Self {
        Self { running: Mutex::default(), tokens: Notify::new(), runtime }
    }

    pub(crate) fn start(&self, inner: &Arc<Inner>) -> Live {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = running.upgrade() {
            return Live(running);
        }
        let orders =
            Arc::new(Orders { wakes: watch::Sender::new(0), looks: watch::Sender::new(0), stop: Notify::new() });
        let task = spawn(&self.runtime, supervise::run(Arc::clone(inner), Arc::clone(&orders)));
        let new = Arc::new(Running { orders, task: Mutex::new(Some(task)) });
        *running = Arc::downgrade(&new);
        Live(new)
    }

    /// A token has come or gone.
    pub(crate) fn tokens_changed(&self) {
        self.tokens.notify_one();
    }
}
