//! The faults of one device: what its parts ask whenever something could go wrong.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cardea_sdk::store::Store;
use cardea_sdk::transport::{Connector, Endpoint, TransportError};
use cardea_sdk::{Env, Presence};
use tokio::sync::watch;

use super::armed::{Faults, Hit};
use super::operation::History;
use super::point::{Hook, Point};
use super::{senses, store, wire};
use crate::engine::Human;

/// The faults of one device. Clones are one and the same.
#[derive(Clone)]
pub(crate) struct DeviceFaults(Arc<Shared>);

struct Shared {
    faults: Faults,
    device: Arc<str>,
    /// Servers without any faults between: for what somebody else does.
    world: Arc<dyn Connector>,
    /// How often the app was killed.
    deaths: watch::Sender<u64>,
    doing: Mutex<Doing>,
    replays: Mutex<Vec<Replay>>,
    history: Mutex<History>,
}

/// What the device does.
#[derive(Default)]
struct Doing {
    op: Option<&'static str>,
    /// How many occasions of each kind there were meanwhile.
    counts: HashMap<&'static str, u32>,
    /// Who killed it last.
    killer: Option<Arc<str>>,
}

/// Somebody has heard something, and will say it again.
pub(super) struct Replay {
    pub(super) hit: Hit,
    pub(super) server: Endpoint,
    pub(super) bytes: Vec<u8>,
    /// After so many further answers.
    pub(super) after: usize,
}

impl fmt::Debug for DeviceFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DeviceFaults").field(&self.0.device).finish()
    }
}

impl DeviceFaults {
    /// Of a device that reaches servers by `world` if nothing happens.
    pub(crate) fn new(faults: Faults, device: Arc<str>, world: Arc<dyn Connector>) -> Self {
        let (deaths, doing, replays, history) =
            (watch::Sender::new(0), Mutex::default(), Mutex::default(), Mutex::default());
        Self(Arc::new(Shared { faults, device, world, deaths, doing, replays, history }))
    }

    /// Its way to servers.
    pub(crate) fn connector(&self) -> Arc<dyn Connector> {
        Arc::new(wire::Wired::new(Arc::clone(&self.0.world), self.clone()))
    }

    /// Its store.
    pub(crate) fn store(&self, inner: Arc<dyn Store>) -> Arc<dyn Store> {
        Arc::new(store::Faulty::new(inner, self.clone()))
    }

    /// Its clock and its chance.
    pub(crate) fn env(&self, inner: &Env) -> Env {
        senses::env(inner, self)
    }

    /// Who is asked.
    pub(crate) fn presence(&self, human: &Arc<Human>) -> Arc<dyn Presence> {
        senses::presence(human, self)
    }

    pub(super) fn faults(&self) -> &Faults {
        &self.0.faults
    }

    pub(super) fn name(&self) -> &Arc<str> {
        &self.0.device
    }

    pub(super) fn world(&self) -> &Arc<dyn Connector> {
        &self.0.world
    }

    /// What happens here, if anything does.
    pub(super) fn hit(&self, point: Point<'_>) -> Option<Hit> {
        self.0.faults.hit(&self.0.device, &self.counted(point))
    }

    /// The same for a frame, with what it is to be instead where somebody else's takes its place.
    pub(super) fn crossed(&self, point: Point<'_>, server: &Endpoint, bytes: &[u8]) -> Option<(Hit, Vec<u8>)> {
        self.0.faults.crossed(&self.0.device, &self.counted(point), server, bytes)
    }

    fn counted<'a>(&self, mut point: Point<'a>) -> Point<'a> {
        let mut doing = self.doing();
        point.op = point.op.or(doing.op);
        let kind = match point.hook {
            Hook::Clock => "clock",
            Hook::Awake => "awake",
            _ => return point,
        };
        let count = doing.counts.entry(kind).or_default();
        *count = count.saturating_add(1);
        point.number = *count;
        point
    }

    /// Whether it may talk to this server now.
    ///
    /// # Errors
    /// That it may not, for a person.
    pub(super) fn permits(&self, server: &Endpoint) -> Result<(), TransportError> {
        if self.0.faults.permits(&self.0.device, &server.host) {
            return Ok(());
        }
        let reason = format!(
            "faults are armed for this device, and {} is neither this machine nor on the list of hosts that may see them",
            server.host
        );
        let source = std::io::Error::new(std::io::ErrorKind::PermissionDenied, reason);
        Err(TransportError::Unreachable { server: server.clone(), source })
    }

    /// The device begins to do something.
    pub(super) fn begins(&self, op: &'static str) {
        let mut doing = self.doing();
        doing.op = Some(op);
        doing.counts.clear();
    }

    /// It has done it.
    pub(super) fn ends(&self) {
        self.doing().op = None;
    }

    /// Kills the app: everything that it does ends where it stands.
    pub(super) fn kill(&self, hit: &Hit) {
        self.doing().killer = Some(Arc::clone(&hit.rule));
        self.0.deaths.send_modify(|deaths| *deaths += 1);
    }

    /// Tells of deaths from now on.
    pub(super) fn deaths(&self) -> watch::Receiver<u64> {
        self.0.deaths.subscribe()
    }

    /// Which rule killed it last.
    pub(super) fn killer(&self) -> String {
        self.doing().killer.as_deref().unwrap_or_default().to_owned()
    }

    pub(super) fn note(&self, hit: &Hit, outcome: String) {
        self.0.faults.note(&self.0.device, &hit.rule, outcome);
    }

    /// Has something said again later.
    pub(super) fn replay(&self, replay: Replay) {
        self.0.replays.lock().unwrap_or_else(PoisonError::into_inner).push(replay);
    }

    /// An answer has come: what is to be said again now.
    pub(super) fn answered(&self) -> Vec<Replay> {
        let mut replays = self.0.replays.lock().unwrap_or_else(PoisonError::into_inner);
        let (due, mut later): (Vec<_>, Vec<_>) = replays.drain(..).partition(|replay| replay.after == 0);
        later.iter_mut().for_each(|replay| replay.after -= 1);
        *replays = later;
        due
    }

    pub(super) fn history(&self) -> MutexGuard<'_, History> {
        self.0.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn doing(&self) -> MutexGuard<'_, Doing> {
        self.0.doing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
