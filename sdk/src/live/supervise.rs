//! One task per token; they come and go with the tokens, and all of them end with the guard.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, sleep_until};

use super::pace::Pace;
use super::session::{self, End};
use super::{Orders, now};
use crate::env::Stopwatch;
use crate::store::TokenKey;
use crate::table::Table;
use crate::task::blocking;
use crate::wallet::Inner;

/// How often it is looked whether other programs have changed the wallet, and whether the machine has slept.
const TICK: Duration = Duration::from_secs(20);
/// By how much a tick may be late, by either clock, before the machine is taken to have slept.
const LATE: Duration = Duration::from_secs(30);

/// The tasks by token.
#[derive(Default)]
struct Tasks {
    set: JoinSet<(TokenKey, End)>,
    running: Table<AbortHandle>,
    /// Not enrolled any more: not asked again before somebody wants to know.
    over: Table<()>,
}

/// Runs until it is told to stop, or dropped.
pub(super) async fn run(inner: Arc<Inner>, orders: Arc<Orders>) {
    let mut tasks = Tasks::default();
    let mut woken = orders.wakes.subscribe();
    let (mut pace, mut due) = (Pace::new(now()), None);
    let mut listed = true;
    // Whoever called before this is told by what begins now.
    woken.mark_unchanged();
    loop {
        if listed {
            tasks.follow(&inner, &orders).await;
        }
        let clocks = (Stopwatch::start(), inner.env.clock.now());
        listed = tokio::select! {
            biased;
            () = orders.stop.notified() => break,
            () = inner.lives.tokens.notified() => true,
            // There is a sender as long as there are orders.
            _ = woken.changed(), if due.is_none() => {
                due = Some(pace.next(now()));
                false
            }
            () = sleep_until(due.unwrap_or_else(now)), if due.is_some() => {
                due = None;
                // For all who called up to now.
                woken.mark_unchanged();
                orders.look();
                tasks.over.clear();
                true
            }
            Some(ended) = tasks.set.join_next() => {
                // A task that panicked is gone, and is not begun again: it would panic again.
                if let Ok((key, end)) = ended {
                    tasks.running.remove(&key);
                    if end == End::Revoked {
                        tasks.over.insert(key, ());
                    }
                }
                false
            }
            () = sleep(TICK) => true,
        };
        if has_slept(clocks, inner.env.clock.now()) {
            inner.log.info(|| "live: the machine has slept; looking again".to_owned());
            orders.wake();
        }
    }
    tasks.set.shutdown().await;
}

/// Whether more time has passed since `clocks` than a tick takes. Some monotonic clocks stand still while the machine
/// sleeps, others do not; a wall clock that was set forward costs an exchange per token.
fn has_slept((watch, before): (Stopwatch, u64), now: u64) -> bool {
    let passed = watch.elapsed();
    let by_wall = Duration::from_secs(now.saturating_sub(before));
    passed > TICK + LATE || by_wall > passed + LATE
}

impl Tasks {
    /// Begins what is new and ends what is gone.
    async fn follow(&mut self, inner: &Arc<Inner>, orders: &Arc<Orders>) {
        let store = Arc::clone(&inner.store);
        let keys = match blocking(move || store.list()).await {
            Ok(Ok(keys)) => keys,
            Ok(Err(error)) => return inner.log.warn(|| format!("live: cannot list the tokens: {error}")),
            Err(error) => return inner.log.warn(|| format!("live: cannot list the tokens: {error}")),
        };
        self.over.retain(|key, ()| keys.contains(key));
        self.running.retain(|key, task| {
            let is_there = keys.contains(key);
            if !is_there {
                task.abort();
            }
            is_there
        });
        for key in keys {
            if !self.running.contains(&key) && !self.over.contains(&key) {
                let task = self.set.spawn(session::run(Arc::clone(inner), Arc::clone(orders), key));
                self.running.insert(key, task);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn sleep_is_seen_by_either_clock() {
        let start = || (Stopwatch::start(), 1_000);
        assert!(!has_slept(start(), 1_020));
        assert!(has_slept(start(), 1_031));
        assert!(!has_slept(start(), 0));
        let late = start();
        tokio::time::advance(TICK + LATE).await;
        assert!(!has_slept(late, 1_050));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(has_slept(late, 1_051));
    }
}
