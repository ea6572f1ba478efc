//! One task per token; they come and go with the tokens, and all of them end with the guard.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::{sleep, sleep_until};

use super::pace::Pace;
use super::session::{self, End};
use super::{Aborting, Orders, now};
use crate::env::{Env, Since};
use crate::store::TokenKey;
use crate::table::Table;
use crate::task::{blocking, spawn};
use crate::wallet::Inner;

/// How often it is looked whether other programs have changed the wallet, and whether the machine has slept.
const TICK: Duration = Duration::from_secs(20);
/// By how much a tick may be late, by either clock, before the machine is taken to have slept.
const LATE: Duration = Duration::from_secs(30);

/// The tasks by token. They end when this is dropped.
#[derive(Default)]
struct Tasks {
    running: Table<Aborting>,
    ended: Arc<Ended>,
    /// Not enrolled any more: not asked again before somebody wants to know.
    over: Table<()>,
}

/// The tasks that have ended, for whoever has begun them. One that panicked is not here, and is not begun again: it would
/// panic again.
#[derive(Default)]
struct Ended {
    tasks: Mutex<Vec<(tokio::task::Id, TokenKey, End)>>,
    told: Notify,
}

impl Ended {
    fn tell(&self, key: TokenKey, end: End) {
        self.tasks().push((tokio::task::id(), key, end));
        self.told.notify_one();
    }

    fn tasks(&self) -> MutexGuard<'_, Vec<(tokio::task::Id, TokenKey, End)>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
        let since = inner.env.since();
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
                inner.look_sooner();
                tasks.over.clear();
                true
            }
            () = tasks.ended.told.notified() => {
                tasks.take_ended();
                false
            }
            () = sleep(TICK) => true,
        };
        if has_slept(since, &inner.env) {
            inner.log.info(|| "live: the machine has slept; looking again".to_owned());
            orders.wake();
        }
    }
    tasks.end().await;
}

/// Whether more time has passed than a tick takes. Some monotonic clocks stand still while the machine sleeps, others do
/// not; a wall clock that was set forward costs an exchange per token.
fn has_slept(since: Since, env: &Env) -> bool {
    let passed = since.awake();
    passed > TICK + LATE || since.by_wall(env) > passed + LATE
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
        self.running.retain(|key, _| keys.contains(key));
        for key in keys {
            if !self.running.contains(&key) && !self.over.contains(&key) {
                let (inner, orders, ended) = (Arc::clone(inner), Arc::clone(orders), Arc::clone(&self.ended));
                let task = async move { ended.tell(key, session::run(inner, orders, key).await) };
                self.running.insert(key, Aborting(spawn(&Handle::current(), task)));
            }
        }
    }

    /// Forgets what has ended.
    fn take_ended(&mut self) {
        for (id, key, end) in self.ended.tasks().drain(..) {
            // Another one of the same token may run by now.
            if self.running.get(&key).is_some_and(|Aborting(task)| task.id() == id) {
                self.running.remove(&key);
                if end == End::Revoked {
                    self.over.insert(key, ());
                }
            }
        }
    }

    /// Ends all tasks, and waits until they are gone.
    async fn end(self) {
        let tasks = self.running.into_values();
        for Aborting(task) in &tasks {
            task.abort();
        }
        for task in tasks {
            task.ended().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use cardea_protocol::token::{DeviceId, TokenId};

    use super::*;
    use crate::env::Clock;

    #[tokio::test]
    async fn what_ended_is_forgotten_and_not_what_was_begun_in_its_place() {
        let key = TokenKey { token: TokenId::new([1; 16]), device: DeviceId::new([1; 4]) };
        let mut tasks = Tasks::default();
        let begin = |ended: &Arc<Ended>, end| {
            let ended = Arc::clone(ended);
            Aborting(spawn(&Handle::current(), async move { ended.tell(key, end) }))
        };
        begin(&tasks.ended, End::Gone).ended().await;
        tasks.running.insert(key, begin(&Arc::default(), End::Gone));
        tasks.take_ended();
        assert!(tasks.running.contains(&key) && !tasks.over.contains(&key));
        let ends = begin(&tasks.ended, End::Revoked);
        tasks.running.insert(key, ends);
        tasks.ended.told.notified().await;
        while tasks.ended.tasks().is_empty() {
            tokio::task::yield_now().await;
        }
        tasks.take_ended();
        assert!(!tasks.running.contains(&key) && tasks.over.contains(&key));
    }

    /// A clock that shows nothing but how much time has passed.
    #[derive(Debug)]
    struct Wall(AtomicU64);

    impl Clock for Wall {
        fn now(&self) -> u64 {
            panic!("what time it is says nothing about sleep")
        }

        fn awake_or_not(&self) -> u64 {
            self.0.load(Ordering::Relaxed)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn sleep_is_seen_by_either_clock() {
        let wall = Arc::new(Wall(AtomicU64::new(1_000)));
        let env = Env { clock: Arc::clone(&wall) as Arc<dyn Clock>, ..Env::os() };
        let slept = |since, shown| {
            wall.0.store(shown, Ordering::Relaxed);
            let slept = has_slept(since, &env);
            wall.0.store(1_000, Ordering::Relaxed);
            slept
        };
        assert!(!slept(env.since(), 1_020));
        assert!(slept(env.since(), 1_031));
        assert!(!slept(env.since(), 0));
        let late = env.since();
        tokio::time::advance(TICK + LATE).await;
        assert!(!slept(late, 1_050));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(slept(late, 1_051));
    }
}
