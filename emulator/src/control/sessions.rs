//! The sessions of a running emulator. One whose owner is gone ends with its lease, so that a suite that was killed leaves
//! nothing behind.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cardea_sdk::{Entropy, Env};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};

use super::problem::Problem;
use crate::engine::{EngineError, Session, Settings};

/// Shortest and longest lease.
const LEASE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(24 * 3_600));
/// The session that is there from the beginning.
const DEFAULT: &str = "default";
/// Most sessions at one time: a suite that forgets to end them finds out.
pub(super) const MOST: usize = 10_000;

/// The sessions, by name. Clones are one and the same.
#[derive(Debug, Clone)]
pub(super) struct Sessions(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    world: Env,
    table: Mutex<Table>,
    /// A lease began, or is another one now.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Table {
    sessions: BTreeMap<Arc<str>, Leased>,
    /// How many have had no name of their own.
    numbered: u64,
}

#[derive(Debug)]
struct Leased {
    session: Session,
    lease: Option<Lease>,
    /// Gone when it ends.
    ended: watch::Sender<()>,
    /// Who uses it holds one of it, too.
    used: Arc<()>,
}

impl Leased {
    fn is_idle(&self) -> bool {
        Arc::strong_count(&self.used) == 1
    }
}

/// A session that a call uses. Its lease begins anew when this is dropped, and does not end before.
#[derive(Debug)]
pub(super) struct InUse {
    name: Arc<str>,
    session: Session,
    sessions: Sessions,
    ended: watch::Receiver<()>,
    used: Option<Arc<()>>,
}

impl InUse {
    /// Whether it has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.has_changed().is_err()
    }

    /// Waits until it ends. Cancel safe.
    pub(super) async fn ended(&self) {
        while self.ended.clone().changed().await.is_ok() {}
    }

    /// What it is called.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

impl Deref for InUse {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        if let Some(used) = self.used.take() {
            self.sessions.used(&self.name, used);
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Lease {
    length: Duration,
    ends: Instant,
}

impl Sessions {
    pub(super) fn new(world: Env) -> Self {
        Self(Arc::new(Shared { world, table: Mutex::default(), changed: Notify::new() }))
    }

    /// Where random bytes come from that no seed has a part in.
    pub(super) fn entropy(&self) -> Arc<dyn Entropy> {
        Arc::clone(&self.0.world.entropy)
    }

    /// The session that is there from the beginning, and as long as the program.
    pub(super) fn keep(&self, session: Session) {
        let leased = Leased { session, lease: None, ended: watch::Sender::default(), used: Arc::default() };
        self.table().sessions.insert(DEFAULT.into(), leased);
    }

    /// Makes a session; without a name it gets the next number.
    pub(super) fn make(
        &self,
        name: Option<String>,
        settings: Settings,
        lease: Option<Duration>,
    ) -> Result<InUse, Problem> {
        if let Some(lease) = lease
            && !(LEASE.0..=LEASE.1).contains(&lease)
        {
            return Err(Problem::BadCall(
                "leaseMs is from 100 to 86400000, or left out for a session without a lease".into(),
            ));
        }
        let session = Session::in_memory(settings, &self.0.world)?;
        let mut table = self.table();
        if table.sessions.len() >= MOST {
            return Err(Problem::TooMany);
        }
        let name: Arc<str> = match name {
            Some(name) if !crate::engine::is_name(&name) => return Err(EngineError::name_of("session", &name).into()),
            Some(name) => name.into(),
            None => loop {
                table.numbered += 1;
                let name = format!("s{}", table.numbered);
                if !table.sessions.contains_key(name.as_str()) {
                    break name.into();
                }
            },
        };
        if table.sessions.contains_key(&name) {
            return Err(Problem::SessionExists(name.to_string()));
        }
        let lease = lease.map(|length| Lease { length, ends: now() + length });
        let (used, sender) = (Arc::default(), watch::Sender::default());
        let ended = sender.subscribe();
        let leased = Leased { session: session.clone(), lease, ended: sender, used: Arc::clone(&used) };
        table.sessions.insert(Arc::clone(&name), leased);
        drop(table);
        Ok(InUse { name, session, sessions: self.clone(), ended, used: Some(used) })
    }

    /// The session of this name, for a call.
    pub(super) fn find(&self, name: &str) -> Result<InUse, Problem> {
        let table = self.table();
        let Some((name, leased)) = table.sessions.get_key_value(name) else {
            return Err(Problem::no_session(name, table.sessions.keys().map(|known| &**known)));
        };
        let (session, used) = (leased.session.clone(), Some(Arc::clone(&leased.used)));
        Ok(InUse { name: Arc::clone(name), session, sessions: self.clone(), ended: leased.ended.subscribe(), used })
    }

    /// A call does not use it any more.
    fn used(&self, name: &str, used: Arc<()>) {
        let mut table = self.table();
        // It may have ended meanwhile, and another one may have its name.
        let leased = table.sessions.get_mut(name).filter(|leased| Arc::ptr_eq(&leased.used, &used));
        drop(used);
        if let Some(lease) = leased.and_then(|leased| leased.lease.as_mut()) {
            lease.ends = now() + lease.length;
            drop(table);
            self.0.changed.notify_one();
        }
    }

    /// The names of all.
    pub(super) fn names(&self) -> Vec<Arc<str>> {
        self.table().sessions.keys().cloned().collect()
    }

    /// Ends a session. The one that was there from the beginning stays.
    pub(super) fn end(&self, name: &str) -> Result<(), Problem> {
        let mut table = self.table();
        if name == DEFAULT {
            return Err(Problem::Default);
        }
        let Some(leased) = table.sessions.remove(name) else {
            return Err(Problem::no_session(name, table.sessions.keys().map(|known| &**known)));
        };
        drop(table);
        leased.session.end();
        Ok(())
    }

    /// Ends all sessions.
    pub(super) fn end_all(&self) {
        let sessions = std::mem::take(&mut self.table().sessions);
        for leased in sessions.into_values() {
            leased.session.end();
        }
    }

    /// Ends sessions whose lease is over, until this is dropped.
    pub(super) async fn watch_leases(&self) {
        loop {
            let changed = self.0.changed.notified();
            let (over, next) = self.take_over(now());
            for session in over {
                session.end();
            }
            match next {
                Some(next) => tokio::select! {
                    () = sleep_until(next) => {}
                    () = changed => {}
                },
                None => changed.await,
            }
        }
    }

    /// Takes out those whose lease is over, and says when the next one is.
    fn take_over(&self, now: Instant) -> (Vec<Session>, Option<Instant>) {
        let mut table = self.table();
        let over = table
            .sessions
            .extract_if(.., |_, leased| leased.is_idle() && leased.lease.is_some_and(|lease| lease.ends <= now));
        let over = over.map(|(_, leased)| leased.session).collect();
        let idle = table.sessions.values().filter(|leased| leased.is_idle());
        let next = idle.filter_map(|leased| Some(leased.lease?.ends)).min();
        (over, next)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(clippy::disallowed_methods, reason = "monotonic time for leases, as tokio's own timers take it")]
fn now() -> Instant {
    Instant::now()
}
