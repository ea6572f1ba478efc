//! How each token stood when its server last said so, and what follows from the time alone: that an opening ends soon,
//! and that it has ended. A task runs only while an opening is known.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use cardea_protocol::Code;
use cardea_protocol::token::DeviceStatus;
use cardea_protocol::wire::Reply;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::{EventKind, Source};
use crate::store::TokenKey;
use crate::table as tokens;
use crate::task::spawn;

/// How long before its end an opening is told to end soon.
const SOON: Duration = Duration::from_secs(10);

/// What is known of the tokens of a wallet.
#[derive(Debug)]
pub(crate) struct Standings {
    shared: Arc<Shared>,
    runtime: Handle,
}

#[derive(Debug)]
struct Shared {
    source: Source,
    table: Mutex<Table>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Table {
    tokens: tokens::Table<Standing>,
    countdown: Option<JoinHandle<()>>,
}

/// What is known of one token.
#[derive(Debug, Default)]
struct Standing {
    /// The newest generation of the ratchet that this wallet has stored. What older sessions say is not news.
    generation: u64,
    /// What was told last: the event, and until when it holds by the server's clock.
    told: Option<(EventKind, u32)>,
    opening: Option<Opening>,
}

/// An opening that has not ended yet.
#[derive(Debug, Clone, Copy)]
struct Opening {
    /// The latest moment at which it ends. The server's answer took some time to come, so it may have ended a little before.
    ends: Instant,
    /// Nobody was told yet that it ends soon.
    untold: bool,
}

impl Opening {
    /// When there is something to tell next.
    fn due(&self) -> Instant {
        if self.untold { self.ends.checked_sub(SOON).unwrap_or(self.ends) } else { self.ends }
    }
}

impl Standings {
    pub(crate) fn new(source: Source, runtime: Handle) -> Self {
        Self { shared: Arc::new(Shared { source, table: Mutex::default(), changed: Notify::new() }), runtime }
    }

    /// An operation's own reply: listeners are told, also what they know already.
    pub(crate) fn answered(&self, key: TokenKey, reply: &Reply) {
        let kind = kind_of(reply);
        self.note(key, reply, kind);
        if let Some(kind) = kind {
            self.shared.source.emit(key, kind);
        }
    }

    /// What a session that began at `generation` was told unasked: listeners are told what is new to them, unless an
    /// operation of this wallet has been answered since.
    pub(crate) fn pushed(&self, key: TokenKey, generation: u64, reply: &Reply) {
        let Some(kind) = kind_of(reply) else { return };
        let is_new = {
            let table = self.shared.table();
            let standing = table.tokens.get(&key);
            if standing.is_some_and(|standing| standing.generation > generation) {
                return;
            }
            standing.is_none_or(|standing| standing.told != Some((kind, reply.until)))
        };
        self.note(key, reply, Some(kind));
        if is_new {
            self.shared.source.emit(key, kind);
        }
    }

    /// A record of this generation was stored.
    pub(crate) fn stored(&self, key: TokenKey, generation: u64) {
        let mut table = self.shared.table();
        let standing = table.tokens.or_default(key);
        standing.generation = standing.generation.max(generation);
    }

    /// The newest generation that this wallet has stored.
    pub(crate) fn generation(&self, key: TokenKey) -> u64 {
        self.shared.table().tokens.get(&key).map_or(0, |standing| standing.generation)
    }

    /// The token has left this wallet.
    pub(crate) fn forget(&self, key: TokenKey) {
        self.shared.table().tokens.remove(&key);
        self.shared.changed.notify_one();
    }

    fn note(&self, key: TokenKey, reply: &Reply, kind: Option<EventKind>) {
        let Some(kind) = kind else { return };
        let mut table = self.shared.table();
        let standing = table.tokens.or_default(key);
        let same = standing.told == Some((kind, reply.until));
        standing.told = Some((kind, reply.until));
        // An opening without an end is none that could end soon.
        if kind != EventKind::Opened || reply.until == 0 {
            standing.opening = None;
            return;
        }
        let ends = now() + Duration::from_secs(reply.until.saturating_sub(reply.server_time).into());
        standing.opening = Some(match standing.opening {
            // Each answer is a bound; the tightest one is the best.
            Some(known) if same => Opening { ends: known.ends.min(ends), ..known },
            _ => Opening { ends, untold: true },
        });
        if table.countdown.is_none() {
            let shared = Arc::downgrade(&self.shared);
            table.countdown = Some(spawn(&self.runtime, count_down(shared)));
        } else {
            self.shared.changed.notify_one();
        }
    }
}

impl Drop for Standings {
    fn drop(&mut self) {
        if let Some(countdown) = self.shared.table().countdown.take() {
            countdown.abort();
        }
    }
}

impl Shared {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is due, and when the next thing is; nothing more when no opening is known.
    fn look(&self) -> (Vec<(TokenKey, EventKind)>, Option<Instant>) {
        let (mut due, now) = (Vec::new(), now());
        let mut table = self.table();
        for (key, standing) in table.tokens.iter_mut() {
            let Some(opening) = &mut standing.opening else { continue };
            if opening.ends <= now {
                due.push((key, EventKind::Closed));
                standing.opening = None;
                standing.told = Some((EventKind::Closed, 0));
            } else if opening.due() <= now {
                opening.untold = false;
                // A part of a second is a second: nobody is to think that it is over.
                let left = opening.ends.duration_since(now).as_millis().div_ceil(1000);
                let remaining_seconds = u32::try_from(left).unwrap_or(u32::MAX);
                due.push((key, EventKind::ClosingSoon { remaining_seconds }));
            }
        }
        let next = table.tokens.values().filter_map(|standing| standing.opening.as_ref().map(Opening::due)).min();
        if next.is_none() {
            table.countdown = None;
        }
        (due, next)
    }
}

/// Tells that openings end soon, and have ended, until none is known.
async fn count_down(shared: Weak<Shared>) {
    while let Some(shared) = shared.upgrade() {
        let (due, next) = shared.look();
        for (key, kind) in due {
            shared.source.emit(key, kind);
        }
        let Some(next) = next else { return };
        tokio::select! {
            () = sleep_until(next) => {}
            () = shared.changed.notified() => {}
        }
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
