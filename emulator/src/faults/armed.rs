//! The rules of a session, and when they hit.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cardea_sdk::Entropy;
use cardea_sdk::transport::Endpoint;
use serde::Serialize;
use utoipa::ToSchema;

use super::catalogue::Fault;
use super::frame;
use super::gate::Gate;
use super::point::{Hook, Point};
use super::rule::{Resolved, Rule, RuleError};
use crate::engine::{Journal, Kind, Seed, Stream, Transport};

/// How many rules a session has at most.
pub const MOST: usize = 256;

/// The faults of a session: rules in order, of which the first that hits wins. Clones are one and the same.
#[derive(Clone)]
pub struct Faults(Arc<Shared>);

struct Shared {
    gate: Gate,
    seed: Seed,
    transport: Transport,
    journal: Journal,
    /// Whether there are any: most occasions ask nothing more.
    any: AtomicBool,
    state: Mutex<State>,
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Faults").field(&self.list()).finish()
    }
}

#[derive(Default)]
struct State {
    rules: Vec<Loaded>,
    /// Counts rules that had no name.
    unnamed: u64,
}

impl State {
    fn no_rule(&self, id: &str) -> RuleError {
        RuleError::no_rule(id, self.rules.iter().map(|loaded| &*loaded.id))
    }
}

/// A rule, and what became of it.
struct Loaded {
    id: Arc<str>,
    rule: Rule,
    what: Resolved,
    seen: u64,
    hits: u64,
    /// Chance, apart for each device, so that the order in which devices come changes nothing.
    chances: HashMap<Arc<str>, Arc<Stream>>,
    /// What a clock stands still at.
    held: HashMap<Arc<str>, u64>,
    captured: Option<Captured>,
}

/// What was heard of one device, to be told by another one.
struct Captured {
    device: Arc<str>,
    server: Endpoint,
    bytes: Vec<u8>,
}

/// A rule that is armed, and how often it happened.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = FaultArmed)]
pub struct Armed {
    /// The rule, with its id.
    pub rule: Rule,
    /// How many occasions there were.
    pub seen: u64,
    /// At how many it happened.
    pub hits: u64,
    /// It has happened as often as it may.
    pub spent: bool,
}

/// A fault that happens now.
#[derive(Debug, Clone)]
pub(super) struct Hit {
    pub(super) rule: Arc<str>,
    pub(super) fault: Fault,
    params: Vec<(&'static str, i64)>,
    pub(super) chance: Arc<Stream>,
}

impl Hit {
    /// A parameter; 0 if the fault has none of this name.
    pub(super) fn param(&self, name: &str) -> i64 {
        self.params.iter().find(|(known, _)| *known == name).map_or(0, |(_, value)| *value)
    }

    /// The same where it counts something.
    pub(super) fn count(&self, name: &str) -> usize {
        usize::try_from(self.param(name)).unwrap_or(0)
    }

    /// The same in milliseconds.
    pub(super) fn time(&self) -> std::time::Duration {
        std::time::Duration::from_millis(u64::try_from(self.param("ms")).unwrap_or(0))
    }

    pub(super) fn random(&self, length: usize) -> Vec<u8> {
        frame::random(length, &*self.chance)
    }
}

impl Faults {
    pub(crate) fn new(gate: Gate, seed: Seed, transport: Transport, journal: Journal) -> Self {
        let (any, state) = (AtomicBool::new(false), Mutex::default());
        Self(Arc::new(Shared { gate, seed, transport, journal, any, state }))
    }

    /// Whether there may be any, and who may see them.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        &self.0.gate
    }

    /// Arms a rule behind those that there are, and returns its id.
    ///
    /// # Errors
    /// [`RuleError`]. Nothing has changed then.
    pub fn arm(&self, rule: Rule) -> Result<String, RuleError> {
        let mut state = self.state();
        let mut rules = Rules { shared: &self.0, have: std::mem::take(&mut state.rules), unnamed: state.unnamed };
        let added = rules.add(rule);
        (state.rules, state.unnamed) = (rules.have, rules.unnamed);
        self.0.any.store(!state.rules.is_empty(), Ordering::Relaxed);
        added
    }

    /// Arms these in place of all that there are, or none of them, and returns their ids.
    ///
    /// # Errors
    /// [`RuleError`] of the first that cannot be. Nothing has changed then.
    pub fn replace(&self, new: Vec<Rule>) -> Result<Vec<String>, RuleError> {
        let mut state = self.state();
        let mut rules = Rules { shared: &self.0, have: Vec::new(), unnamed: state.unnamed };
        let ids = new.into_iter().map(|rule| rules.add(rule)).collect::<Result<_, _>>()?;
        (state.rules, state.unnamed) = (rules.have, rules.unnamed);
        self.0.any.store(!state.rules.is_empty(), Ordering::Relaxed);
        Ok(ids)
    }

    /// All rules, in order.
    #[must_use]
    pub fn list(&self) -> Vec<Armed> {
        self.state().rules.iter().map(Loaded::armed).collect()
    }

    /// A rule by its id.
    ///
    /// # Errors
    /// [`RuleError::NoSuchRule`].
    pub fn get(&self, id: &str) -> Result<Armed, RuleError> {
        let state = self.state();
        let found = state.rules.iter().find(|loaded| &*loaded.id == id);
        found.map(Loaded::armed).ok_or_else(|| state.no_rule(id))
    }

    /// Disarms a rule.
    ///
    /// # Errors
    /// [`RuleError::NoSuchRule`].
    pub fn remove(&self, id: &str) -> Result<(), RuleError> {
        let mut state = self.state();
        let place = state.rules.iter().position(|loaded| &*loaded.id == id);
        let place = place.ok_or_else(|| state.no_rule(id))?;
        state.rules.remove(place);
        self.0.any.store(!state.rules.is_empty(), Ordering::Relaxed);
        Ok(())
    }

    /// Disarms all rules.
    pub fn clear(&self) {
        let mut state = self.state();
        state.rules.clear();
        self.0.any.store(false, Ordering::Relaxed);
    }

    /// Whether a device may talk to a server at this host now: while a rule is about the device, servers that may see no
    /// faults see nothing at all, also when the rule has happened as often as it may.
    pub(super) fn permits(&self, device: &str, host: &str) -> bool {
        !self.0.any.load(Ordering::Relaxed)
            || self.0.gate.permits(host)
            || !self.state().rules.iter().any(|loaded| loaded.is_about(device))
    }

    /// What happens at this point, if anything does. It is counted and in the journal.
    pub(super) fn hit(&self, device: &Arc<str>, point: &Point<'_>) -> Option<Hit> {
        self.hit_with(device, point, |_, _| true)
    }

    /// The same for such faults only.
    pub(super) fn hit_if(&self, device: &Arc<str>, point: &Point<'_>, fits: impl Fn(Fault) -> bool) -> Option<Hit> {
        self.hit_with(device, point, |_, fault| fits(fault))
    }

    /// The same for what one device is told in place of what was meant for it: `bytes` to or from `server`. What another
    /// one was told is remembered and comes back.
    pub(super) fn crossed(
        &self,
        device: &Arc<str>,
        point: &Point<'_>,
        server: &Endpoint,
        bytes: &[u8],
    ) -> Option<(Hit, Vec<u8>)> {
        let mut told = None;
        let hit = self.hit_with(device, point, |loaded, fault| {
            let differs = |captured: &Captured| match fault {
                Fault::ReplayCrossServer => captured.server != *server,
                Fault::ReplayCrossToken | Fault::AckForOtherToken => captured.device != *device,
                _ => false,
            };
            if !matches!(fault, Fault::ReplayCrossServer | Fault::ReplayCrossToken | Fault::AckForOtherToken) {
                return true;
            }
            if let Some(captured) = loaded.captured.as_ref().filter(|captured| differs(captured)) {
                told = Some(captured.bytes.clone());
                return true;
            }
            loaded.captured =
                Some(Captured { device: Arc::clone(device), server: server.clone(), bytes: bytes.to_vec() });
            false
        })?;
        Some((hit, told.unwrap_or_else(|| bytes.to_vec())))
    }

    fn hit_with(
        &self,
        device: &Arc<str>,
        point: &Point<'_>,
        mut applies: impl FnMut(&mut Loaded, Fault) -> bool,
    ) -> Option<Hit> {
        if !self.0.any.load(Ordering::Relaxed) || point.host.is_some_and(|host| !self.0.gate.permits(host)) {
            return None;
        }
        let mut state = self.state();
        let (name, hit) = state.rules.iter_mut().find_map(|loaded| {
            let fault = loaded.what.entry.fault;
            if !loaded.matches(device, point) || loaded.is_spent() || !applies(loaded, fault) {
                return None;
            }
            let hit = loaded.happens(device, self.0.seed)?;
            Some((loaded.what.entry.name, hit))
        })?;
        drop(state);
        self.0.journal.note(device, Kind::Fault { rule: Arc::clone(&hit.rule), fault: name });
        Some(hit)
    }

    /// What a clock shows that stands still since it was read first.
    pub(super) fn held(&self, hit: &Hit, device: &Arc<str>, now: u64) -> u64 {
        let mut state = self.state();
        let loaded = state.rules.iter_mut().find(|loaded| loaded.id == hit.rule);
        loaded.map_or(now, |loaded| *loaded.held.entry(Arc::clone(device)).or_insert(now))
    }

    /// Writes into the journal what came of a fault.
    pub(super) fn note(&self, device: &Arc<str>, rule: &Arc<str>, outcome: String) {
        self.0.journal.note(device, Kind::FaultOutcome { rule: Arc::clone(rule), outcome });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Rules that are being added to.
struct Rules<'a> {
    shared: &'a Shared,
    have: Vec<Loaded>,
    unnamed: u64,
}

impl Rules<'_> {
    fn add(&mut self, mut rule: Rule) -> Result<String, RuleError> {
        if !self.shared.gate.is_open() {
            return Err(RuleError::NotAllowed);
        }
        let what = rule.resolve()?;
        if what.hook == Hook::Bytes && self.shared.transport == Transport::WebSocket {
            return Err(RuleError::NoStream(what.entry.name));
        }
        if let Some(host) = rule.matches.host.as_ref().filter(|host| !self.shared.gate.permits(host)) {
            return Err(RuleError::Host(host.clone()));
        }
        if self.have.len() == MOST {
            return Err(RuleError::Many(MOST));
        }
        let is_taken = |id: &str, have: &[Loaded]| have.iter().any(|loaded| &*loaded.id == id);
        let id = match rule.id.take() {
            Some(id) if is_taken(&id, &self.have) => return Err(RuleError::Exists(id)),
            Some(id) => id,
            None => loop {
                self.unnamed += 1;
                let id = format!("rule-{}", self.unnamed);
                if !is_taken(&id, &self.have) {
                    break id;
                }
            },
        };
        rule.id = Some(id.clone());
        self.have.push(Loaded {
            id: id.as_str().into(),
            rule,
            what,
            seen: 0,
            hits: 0,
            chances: HashMap::new(),
            held: HashMap::new(),
            captured: None,
        });
        Ok(id)
    }
}

impl Loaded {
    fn armed(&self) -> Armed {
        Armed { rule: self.rule.clone(), seen: self.seen, hits: self.hits, spent: self.is_spent() }
    }

    fn is_spent(&self) -> bool {
        self.rule.times.is_some_and(|times| self.hits >= times.into())
    }

    fn is_about(&self, device: &str) -> bool {
        self.rule.matches.device.as_ref().is_none_or(|name| name == device)
    }

    fn matches(&self, device: &str, point: &Point<'_>) -> bool {
        let matches = &self.rule.matches;
        let is_host = |host: &String| point.host.is_some_and(|at| at.eq_ignore_ascii_case(host));
        let is_frame = point.frame.is_none_or(|frame| {
            matches.frame.is_none_or(|kind| kind == frame.kind)
                && matches.message.is_none_or(|number| number == frame.number)
                && (self.what.entry.fault != Fault::Mtu || frame.is_datagram && frame.length > self.limit())
        });
        self.what.hook == point.hook
            && self.is_about(device)
            && is_frame
            && matches.host.as_ref().is_none_or(is_host)
            && matches.op.as_ref().is_none_or(|op| point.op == Some(op))
            && self.what.entry.fault.may_happen(point)
    }

    fn limit(&self) -> usize {
        self.what
            .params
            .iter()
            .find(|(name, _)| *name == "bytes")
            .map_or(0, |(_, most)| usize::try_from(*most).unwrap_or(0))
    }

    /// An occasion: whether it happens.
    fn happens(&mut self, device: &Arc<str>, seed: Seed) -> Option<Hit> {
        self.seen += 1;
        if self.seen <= self.rule.skip.into() {
            return None;
        }
        let seed = self.rule.seed.map_or(seed, Seed::new);
        let chance = self.chances.entry(Arc::clone(device));
        let chance = chance.or_insert_with(|| Arc::new(seed.stream(&format!("fault {} of device {device}", self.id))));
        if self.rule.prob < 1.0 && uniform(&**chance) >= self.rule.prob {
            return None;
        }
        self.hits += 1;
        let (rule, fault, params) = (Arc::clone(&self.id), self.what.entry.fault, self.what.params.clone());
        Some(Hit { rule, fault, params, chance: Arc::clone(chance) })
    }
}

impl Fault {
    /// Whether this is a point for it: those that come in the middle of an operation leave its beginning alone, and those of
    /// one operation all others.
    fn may_happen(self, point: &Point<'_>) -> bool {
        match self {
            Self::ClockJump | Self::Suspend => point.number > 1,
            Self::DoubleTap => point.op == Some("open"),
            Self::Deny => point.op == Some("approve"),
            Self::CodeReuse => point.op == Some("enroll"),
            Self::RevokedButTalking => point.op == Some("unenroll"),
            _ => true,
        }
    }
}

/// From 0 to just below 1.
fn uniform(random: &dyn Entropy) -> f64 {
    let mut bytes = [0; 4];
    random.fill(&mut bytes);
    f64::from(u32::from_be_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests;
