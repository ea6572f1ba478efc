//! Copies of what statuses depend on, so that asking for one needs no database.
//!
//! A copy is what rows said, never an answer: windows, expiries and limits are computed at every call from the clock, by
//! the same code as without a copy. Single-use openings, and whatever else would have to be written, are left to the
//! database.
//!
//! # Why no copy is ever older than what was acknowledged
//!
//! [`StatusCache::begins`] comes before a commit and [`StatusCache::ended`] after it, and only then is anybody told that
//! it has happened. `begins` makes the copies of what is touched void and marks it: until `ended`, none can be made. Both
//! take the next number of one sequence and note it with what is touched. Whoever wants to make a copy takes the
//! sequence's number *before* it reads from the database, and its copy is refused if what it read was touched by a later
//! one: then its reading may be older than the commit. A call that took a copy just before it became void began before
//! the commit was told, and may be answered from before it.
//!
//! # Who asked before will ask again
//!
//! Where a commit makes a copy void, its transaction reads what the rows will say ([`Refiller`]), and `ended` makes the
//! new copy: so the first call after an acknowledgement finds one. It does so only when the commit has certainly
//! happened and nothing else has touched the token since `begins`.
//!
//! Other processes commit without telling us. They have to hold the [`CacheLock`](crate::storage::CacheLock), and
//! then this cache is off.

mod commits;
mod refill;

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use commits::Ledger;
pub(super) use refill::Refiller;
use siphasher::sip128::SipHasher24;

use crate::clock::UnixSeconds;
use crate::domain::authkey::Scope;
use crate::domain::minute::Minute;
use crate::domain::permission::Permission;
use crate::domain::world::ClockReading;
use crate::storage::Touched;
use crate::vault::{Authkey, Facts, Service};

const SHARD_BITS: u32 = 6;
/// Parts of the table, so that threads rarely wait for each other.
const SHARDS: usize = 1 << SHARD_BITS;
/// Authkeys and services are few; more of them start anew.
const ACCESS_MOST: usize = 65_536;
/// Touched tokens whose numbers are remembered; older ones share the highest of theirs.
const REMEMBERED: usize = 4096;

/// A token's copy.
pub(crate) struct TokenCopy {
    pub(super) id: [u8; 16],
    service: u64,
    user: Box<str>,
    pub(super) facts: Facts,
    valid: AtomicBool,
    /// Whoever counts checks keeps its count here.
    pub(crate) checks: OnceLock<Arc<Minute>>,
}

/// An authkey's copy.
pub(crate) struct KeyCopy {
    pub(super) authkey: Authkey,
    /// The second of its last use that was noted.
    pub(super) noted: AtomicU64,
    /// Whoever counts calls keeps its count here.
    pub(crate) calls: OnceLock<Arc<Minute>>,
}

/// A service's copy.
pub(crate) struct ServiceCopy {
    pub(crate) service: Service,
    scope: Scope,
}

/// The key is a hash already.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // Not used for `u64` keys; any hash is as good for others.
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write_u128(&mut self, hash: u128) {
        #[expect(clippy::cast_possible_truncation, reason = "one half of a hash is a hash")]
        self.write_u64(hash as u64);
    }
}

type Tokens = HashMap<u64, Arc<TokenCopy>, BuildHasherDefault<Hashed>>;

#[derive(Default)]
struct Access {
    /// By fingerprint.
    keys: HashMap<u128, Arc<KeyCopy>, BuildHasherDefault<Hashed>>,
    services: HashMap<String, Arc<ServiceCopy>>,
    going: usize,
    touched: u64,
}

/// The copies. See the module.
pub(crate) struct StatusCache {
    is_on: AtomicBool,
    sequence: AtomicU64,
    shards: [RwLock<Tokens>; SHARDS],
    ledger: Mutex<Ledger>,
    access: RwLock<Access>,
    hasher: RandomState,
    /// Makes the fingerprints of authkeys: `SipHash-2-4` of 128 bits, a message authentication code for short texts,
    /// with a key that nobody learns. Half as dear as the keyed hash that the database has.
    fingerprints: SipHasher24,
    /// Most tokens in one shard.
    most: usize,
    /// About as many tokens as there is room for.
    all: usize,
}

/// The number of the sequence before something was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Before(u64);

/// What a call is about, all of it known.
pub(crate) struct Known {
    pub(crate) key: Arc<KeyCopy>,
    pub(crate) service: Arc<ServiceCopy>,
    pub(crate) token: Arc<TokenCopy>,
    pub(super) clock: ClockReading,
}

impl Known {
    /// When the call is answered.
    pub(crate) const fn now(&self) -> UnixSeconds {
        self.clock.now()
    }
}

impl StatusCache {
    /// An empty cache for `most` tokens, that is off. `key` is random and used for nothing else.
    pub(super) fn new(most: usize, key: &[u8; 16]) -> Self {
        Self {
            is_on: AtomicBool::new(false),
            sequence: AtomicU64::new(0),
            shards: std::array::from_fn(|_| RwLock::default()),
            ledger: Mutex::default(),
            access: RwLock::default(),
            hasher: RandomState::new(),
            fingerprints: SipHasher24::new_with_key(key),
            // The parts do not fill evenly.
            most: (most * 17 / 16 / SHARDS).max(1),
            all: most,
        }
    }

    /// Switches it on or off. It is empty afterwards, and no copy is made of what was read before.
    pub(super) fn switch(&self, on: bool) {
        self.is_on.store(false, Ordering::SeqCst);
        let everything = Touched { everything: true, ..Touched::default() };
        let (begun, _) = self.begins(&everything);
        self.ended(&everything, begun, Vec::new());
        self.is_on.store(on, Ordering::SeqCst);
    }

    pub(super) fn is_on(&self) -> bool {
        self.is_on.load(Ordering::SeqCst)
    }

    /// How many tokens it has copies of.
    pub(super) fn len(&self) -> usize {
        self.ledger().copies.len()
    }

    /// Whether there is no room for more tokens without giving up others.
    pub(super) fn is_full(&self) -> bool {
        self.len() >= self.all
    }

    /// To be called before reading what may be copied.
    pub(super) fn before(&self) -> Before {
        Before(self.sequence.load(Ordering::SeqCst))
    }

    /// Keeps a token's copy, unless it may be older than a commit.
    pub(super) fn keep_token(&self, before: Before, id: [u8; 16], service: u64, user: &str, facts: Facts) {
        let copy = TokenCopy { id, service, user: user.into(), facts, valid: true.into(), checks: OnceLock::new() };
        let mut ledger = self.ledger();
        if ledger.last(&id) <= before.0 {
            self.insert(&mut ledger, copy);
        }
    }

    /// Keeps a copy of what the token's rows say now; no commit has touched them since they were read.
    fn insert(&self, ledger: &mut Ledger, copy: TokenCopy) {
        let (id, hash, copy) = (copy.id, self.hash(copy.service, &copy.user), Arc::new(copy));
        let is_going = ledger.going_all > 0 || ledger.going.contains_key(&id);
        if is_going || !self.is_on.load(Ordering::SeqCst) {
            return;
        }
        if let Some(older) = ledger.copies.insert(id, Arc::clone(&copy)) {
            older.valid.store(false, Ordering::SeqCst);
        }
        let mut shard = write(self.shard(hash));
        if shard.len() >= self.most && !shard.contains_key(&hash) {
            // Whichever come first: the table is in no order that anybody could know.
            let away: Vec<u64> = shard.keys().copied().take(self.most.div_ceil(8)).collect();
            for hash in away {
                if let Some(copy) = shard.remove(&hash) {
                    forget(ledger, &copy);
                }
            }
        }
        if let Some(older) = shard.insert(hash, copy).filter(|older| older.id != id) {
            forget(ledger, &older);
        }
    }

    /// Keeps the copies of an authkey and of a service, unless they may be older than a commit.
    pub(super) fn keep_access(&self, before: Before, value: &str, authkey: Authkey, service: Service) {
        let mut access = write(&self.access);
        if access.going > 0 || access.touched > before.0 || !self.is_on.load(Ordering::SeqCst) {
            return;
        }
        if access.keys.len() >= ACCESS_MOST || access.services.len() >= ACCESS_MOST {
            access.clear();
        }
        let key = KeyCopy { authkey, noted: AtomicU64::new(0), calls: OnceLock::new() };
        access.keys.entry(self.fingerprint(value)).or_insert_with(|| Arc::new(key));
        let (name, scope) = (service.name.as_str().to_owned(), Scope::Service(service.name.clone()));
        access.services.entry(name).or_insert_with(|| Arc::new(ServiceCopy { service, scope }));
    }

    /// Everything about a call for a status, if all of it is known and the authkey allows the call.
    pub(super) fn find(
        &self,
        authkey: &str,
        service: &str,
        user: &str,
        from: Option<IpAddr>,
        clock: impl FnOnce() -> ClockReading,
    ) -> Option<Known> {
        if !self.is_on.load(Ordering::SeqCst) {
            return None;
        }
        let (fingerprint, access) = (self.fingerprint(authkey), read(&self.access));
        let (key, service) = (Arc::clone(access.keys.get(&fingerprint)?), Arc::clone(access.services.get(service)?));
        drop(access);
        let clock = clock();
        let rights = &key.authkey.rights;
        let is_allowed = key.authkey.is_good(clock)
            && rights.scope.covers(&service.scope)
            && rights.permissions.allows(Permission::Status)
            && rights.networks.admit(from);
        if !is_allowed {
            return None;
        }
        let hash = self.hash(service.service.id, user);
        let token = Arc::clone(read(self.shard(hash)).get(&hash)?);
        let is_it = token.service == service.service.id && &*token.user == user;
        (is_it && token.valid.load(Ordering::SeqCst)).then_some(Known { key, service, token, clock })
    }

    fn fingerprint(&self, authkey: &str) -> u128 {
        self.fingerprints.hash(authkey.as_bytes()).as_u128()
    }

    fn hash(&self, service: u64, user: &str) -> u64 {
        self.hasher.hash_one((service, user))
    }

    fn shard(&self, hash: u64) -> &RwLock<Tokens> {
        // The lower bits find the place within a shard.
        &self.shards[usize::try_from(hash >> (u64::BITS - SHARD_BITS)).unwrap_or(0)]
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> u64 {
        self.sequence.fetch_add(1, Ordering::SeqCst) + 1
    }
}

impl Access {
    fn clear(&mut self) {
        self.keys.clear();
        self.services.clear();
    }
}

/// A copy that is in no shard any more.
fn forget(ledger: &mut Ledger, copy: &Arc<TokenCopy>) {
    if ledger.copies.get(&copy.id).is_some_and(|known| Arc::ptr_eq(known, copy)) {
        ledger.copies.remove(&copy.id);
    }
    copy.valid.store(false, Ordering::SeqCst);
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for StatusCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatusCache").field("is_on", &self.is_on).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
