//! How each token stood when its server last said so, whether that can be reached, and what follows from the time alone:
//! that an opening ends soon, and that it has ended. A task runs only while an opening is known.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cardea_protocol::Code;
use cardea_protocol::token::DeviceStatus;
use cardea_protocol::wire::Reply;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use super::{EventKind, Source};
use crate::env::Env;
use crate::store::TokenKey;
use crate::table as tokens;
use crate::task::spawn;

/// How long before its end an opening is told to end soon.
const SOON: Duration = Duration::from_secs(10);
/// How often it is looked whether an opening has ended while the machine slept, when its timers stand still.
const LOOK: Duration = Duration::from_secs(5);

/// The generation of a token that has left the wallet: newer than that of any session.
const GONE: u64 = u64::MAX;

/// What is known of the tokens of a wallet.
#[derive(Debug)]
pub(crate) struct Standings {
    shared: Arc<Shared>,
    runtime: Handle,
}

#[derive(Debug)]
struct Shared {
    source: Source,
    env: Env,
    table: Mutex<Table>,
    changed: Notify,
    /// An operation could not reach the server of some token.
    unreached: Notify,
    /// The wallet is gone.
    over: AtomicBool,
}

#[derive(Debug, Default)]
struct Table {
    tokens: tokens::Table<Standing>,
    /// A task counts down.
    counting: bool,
}

/// What is known of one token.
#[derive(Debug, Default)]
struct Standing {
    /// The newest generation of the ratchet that this wallet has stored. What older sessions say is not news.
    generation: u64,
    /// What was told last: the event, and until when it holds by the server's clock.
    told: Option<(EventKind, u32)>,
    opening: Option<Opening>,
    /// Listeners were told that the server cannot be reached, and not yet that it can.
    is_offline: bool,
}

/// An opening that has not ended yet.
#[derive(Debug, Clone, Copy)]
struct Opening {
    /// The latest moment at which it ends. The server's answer took some time to come, so it may have ended a little before.
    ends: Instant,
    /// The same by the clock that goes on while the machine sleeps. It shows whole seconds, so this is up to one later.
    wall: u64,
    /// Nobody was told yet that it ends soon.
    untold: bool,
}

impl Opening {
    /// How long it lasts at most, by the clock that says less.
    fn left(&self, now: Instant, wall: u64) -> Duration {
        self.ends.saturating_duration_since(now).min(Duration::from_secs(self.wall.saturating_sub(wall)))
    }
}

impl Standings {
    pub(crate) fn new(source: Source, env: Env, runtime: Handle) -> Self {
        let (table, changed, unreached, over) = Default::default();
        Self { shared: Arc::new(Shared { source, env, table, changed, unreached, over }), runtime }
    }

    /// An operation's own reply: listeners are told, also what they know already. Called before the operation gives its
    /// lease back, so that nothing later was told before.
    pub(crate) fn answered(&self, key: TokenKey, reply: &Reply) {
        self.told(key, None, reply);
    }

    /// What a session that began at `generation` was told unasked: listeners are told what is new to them, unless an
    /// operation of this wallet has been answered since.
    pub(crate) fn pushed(&self, key: TokenKey, generation: u64, reply: &Reply) {
        self.told(key, Some(generation), reply);
    }

    /// The server could not be reached, or a session with it was lost.
    pub(crate) fn unreached(&self, key: TokenKey) {
        let mut table = self.shared.table();
        table.tokens.or_default(key).is_offline = true;
        self.shared.source.emit(key, EventKind::Offline);
        self.shared.unreached.notify_waiters();
    }

    /// The server has answered, whatever it said: told once after it could not be reached.
    pub(crate) fn reached(&self, key: TokenKey) {
        let mut table = self.shared.table();
        if table.tokens.get_mut(&key).is_some_and(|standing| std::mem::take(&mut standing.is_offline)) {
            self.shared.source.emit(key, EventKind::Online);
        }
    }

    /// Waits until listeners were told that the server cannot be reached, and not yet that it can. Cancel safe.
    pub(crate) async fn offline(&self, key: TokenKey) {
        loop {
            // Made before looking, so that nothing between the two is missed.
            let unreached = self.shared.unreached.notified();
            if self.shared.table().tokens.get(&key).is_some_and(|standing| standing.is_offline) {
                return;
            }
            unreached.await;
        }
    }

    /// Looks, notes and tells in one go: whoever comes later has the last word.
    fn told(&self, key: TokenKey, session: Option<u64>, reply: &Reply) {
        self.reached(key);
        let Some(kind) = kind_of(reply) else { return };
        let mut table = self.shared.table();
        let standing = table.tokens.or_default(key);
        if session.is_some_and(|session| standing.generation > session) {
            return;
        }
        let same = standing.told == Some((kind, reply.until));
        standing.told = Some((kind, reply.until));
        // An opening without an end is none that could end soon.
        standing.opening = (kind == EventKind::Opened && reply.until != 0).then(|| {
            let left = reply.until.saturating_sub(reply.server_time);
            let ends = now() + Duration::from_secs(left.into());
            let wall = self.shared.env.clock.awake_or_not().saturating_add(u64::from(left) + 1);
            match standing.opening {
                // Each answer is a bound; the tightest one is the best.
                Some(known) if same => Opening { ends: known.ends.min(ends), wall: known.wall.min(wall), ..known },
                _ => Opening { ends, wall, untold: true },
            }
        });
        if !same || session.is_none() {
            self.shared.source.emit(key, kind);
        }
        if standing.opening.is_none() {
            return;
        }
        if std::mem::replace(&mut table.counting, true) {
            self.shared.changed.notify_one();
        } else {
            drop(spawn(&self.runtime, count_down(Arc::clone(&self.shared))));
        }
    }

    /// A record of this generation was stored.
    pub(crate) fn stored(&self, key: TokenKey, generation: u64) {
        let mut table = self.shared.table();
        let standing = table.tokens.or_default(key);
        // One that has left and comes back begins anew.
        let known = if standing.generation == GONE { 0 } else { standing.generation };
        standing.generation = known.max(generation);
    }

    /// The newest generation that this wallet has stored.
    pub(crate) fn generation(&self, key: TokenKey) -> u64 {
        self.shared.table().tokens.get(&key).map_or(0, |standing| standing.generation)
    }

    /// The token has left this wallet: no session of it has news any more.
    pub(crate) fn forget(&self, key: TokenKey) {
        *self.shared.table().tokens.or_default(key) = Standing { generation: GONE, ..Standing::default() };
        self.shared.changed.notify_one();
    }
}

impl Drop for Standings {
    /// Not with the table, which may be held by whoever drops this: telling an event wakes listeners.
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        self.shared.changed.notify_one();
    }
}

impl Shared {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells what is due. Returns how long nothing is; `None` when no opening is known.
    fn look(&self) -> Option<Duration> {
        let mut table = self.table();
        let (now, wall) = (now(), self.env.clock.awake_or_not());
        let mut next = None;
        for (key, standing) in table.tokens.iter_mut() {
            let Some(opening) = &mut standing.opening else { continue };
            let left = opening.left(now, wall);
            if left.is_zero() {
                standing.opening = None;
                standing.told = Some((EventKind::Closed, 0));
                self.source.emit(key, EventKind::Closed);
                continue;
            }
            if opening.untold && left <= SOON {
                opening.untold = false;
                // A part of a second is a second: nobody is to think that it is over.
                let remaining_seconds = u32::try_from(left.as_millis().div_ceil(1000)).unwrap_or(u32::MAX);
                self.source.emit(key, EventKind::ClosingSoon { remaining_seconds });
            }
            let due = if opening.untold { left - SOON } else { left };
            next = Some(next.unwrap_or(LOOK).min(due));
        }
        table.counting = next.is_some();
        next
    }
}

/// Tells that openings end soon, and have ended, until none is known.
async fn count_down(shared: Arc<Shared>) {
    while !shared.over.load(Ordering::Relaxed)
        && let Some(next) = shared.look()
    {
        // Either is a reason to look again.
        let _ = timeout(next, shared.changed.notified()).await;
    }
}

fn kind_of(reply: &Reply) -> Option<EventKind> {
    Some(match (reply.code, reply.status) {
        (Code::NotEnrolled, _) => EventKind::Revoked,
        (Code::Blocked, _) | (_, DeviceStatus::Blocked) => EventKind::Blocked,
        (_, DeviceStatus::Open) => EventKind::Opened,
        (_, DeviceStatus::Closed) => EventKind::Closed,
        // Enrolled, and waiting for its short string.
        (_, DeviceStatus::NotEnrolled) => return None,
    })
}

#[expect(clippy::disallowed_methods, reason = "monotonic time for delays, as tokio's own timers take it")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests;
