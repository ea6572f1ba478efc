//! Limits on calls: wrong authkeys of one address, calls with one authkey, checks of one token. Per minute; the share of
//! a minute may be used at once.
//!
//! The tables are bounded. Whoever fills them makes the server forget counts, and with them gains another minute's share
//! at most; nobody is locked out by it.

mod sign_in;

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

pub(super) use sign_in::{Share, SignInLimits, Trying};

use super::Problem;
use crate::admin::status_cache::Known;
use crate::admin::{Actor, Credential};
use crate::clock::{Clock, UnixSeconds};
use crate::config::LimitsConfig;
use crate::domain::minute::Minute;
use crate::network::{Network, counted_as};

/// Tables are split into so many parts, so that threads rarely wait for each other.
const SHARDS: usize = 1 << SHARD_BITS;
const SHARD_BITS: u32 = 4;
/// Most entries in a part.
const SHARD_MOST: usize = 4096;

/// Counts by key.
struct Minutes<K> {
    shards: [Mutex<HashMap<K, Arc<Minute>>>; SHARDS],
    hasher: RandomState,
    entries: AtomicUsize,
}

impl<K: Hash + Eq> Minutes<K> {
    fn new() -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::new(),
            entries: AtomicUsize::new(0),
        }
    }

    /// What stands for a key that is longer than a number.
    fn hash(&self, key: impl Hash) -> u64 {
        self.hasher.hash_one(key)
    }

    fn shard(&self, key: &K) -> MutexGuard<'_, HashMap<K, Arc<Minute>>> {
        let number = usize::try_from(self.hasher.hash_one(key) >> (u64::BITS - SHARD_BITS)).unwrap_or(0);
        self.shards[number].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The count of `key`, if there is one.
    fn find(&self, key: &K) -> Option<Arc<Minute>> {
        // Almost always nobody has done anything wrong.
        if self.entries.load(Ordering::Relaxed) == 0 {
            return None;
        }
        self.shard(key).get(key).cloned()
    }

    /// The count of `key`.
    fn of(&self, key: K, now: UnixSeconds) -> Arc<Minute> {
        let mut shard = self.shard(&key);
        if let Some(minute) = shard.get(&key) {
            return Arc::clone(minute);
        }
        if shard.len() >= SHARD_MOST {
            let before = shard.len();
            shard.retain(|_, minute| !minute.is_over(now));
            if shard.len() >= SHARD_MOST {
                shard.clear();
            }
            self.entries.fetch_sub(before - shard.len(), Ordering::Relaxed);
        }
        self.entries.fetch_add(1, Ordering::Relaxed);
        Arc::clone(shard.entry(key).or_default())
    }
}

/// Wrong authkeys by address; IPv6 addresses of one network of 64 bits are one.
pub(super) struct Addresses {
    failures: Minutes<IpAddr>,
    most: u32,
    exempt: Vec<Network>,
}

impl Addresses {
    /// The limit of `config`.
    pub(super) fn new(config: &LimitsConfig) -> Self {
        Self { failures: Minutes::new(), most: config.wrong_authkeys, exempt: config.exempt.clone() }
    }

    /// Whether calls from `address` are heard.
    ///
    /// # Errors
    /// [`Problem::TooMany`].
    pub(super) fn admit(&self, address: IpAddr, now: UnixSeconds) -> Result<(), Problem> {
        let Some(minute) = self.failures.find(&counted_as(address)) else { return Ok(()) };
        match minute.is_full(now, self.most) {
            Some(retry_after) if !self.is_exempt(address) => Err(Problem::TooMany { retry_after }),
            _ => Ok(()),
        }
    }

    /// Counts a wrong authkey; returns whether it was the last that is heard for now.
    pub(super) fn failed(&self, address: IpAddr, now: UnixSeconds) -> bool {
        if self.most == 0 || self.is_exempt(address) {
            return false;
        }
        let minute = self.failures.of(counted_as(address), now);
        minute.take(now, self.most).is_ok() && minute.is_full(now, self.most).is_some()
    }

    fn is_exempt(&self, address: IpAddr) -> bool {
        self.exempt.iter().any(|network| network.contains(address))
    }
}

/// Calls by authkey, and checks by token. Both are known by a hash with a key of its own; who shares one shares a limit.
pub(super) struct CallLimits {
    authkeys: Minutes<u64>,
    tokens: Minutes<u64>,
    most_per_authkey: u32,
    most_per_token: u32,
    clock: Arc<dyn Clock>,
}

impl CallLimits {
    /// The limits of `config`.
    pub(super) fn new(config: &LimitsConfig, clock: Arc<dyn Clock>) -> Self {
        Self {
            authkeys: Minutes::new(),
            tokens: Minutes::new(),
            most_per_authkey: config.calls_per_authkey,
            most_per_token: config.checks_per_token,
            clock,
        }
    }

    /// Counts a call of `by`, who may make it with `credential`.
    ///
    /// # Errors
    /// [`Problem::TooMany`].
    pub(super) fn call(&self, by: Actor, credential: &Credential) -> Result<(), Problem> {
        let (most, now) = (self.most_per_authkey, self.clock.now());
        match (by, credential) {
            (Actor::Authkey(_), Credential::Authkey(value) | Credential::Bearer(value)) => {
                count(&self.authkeys, most, value.as_str(), now)
            }
            _ => count(&self.authkeys, most, by, now),
        }
    }

    /// Counts a check of the token of `user` in the service of this number.
    ///
    /// # Errors
    /// [`Problem::TooMany`].
    pub(super) fn check(&self, service: u64, user: &str) -> Result<(), Problem> {
        count(&self.tokens, self.most_per_token, (service, user), self.clock.now())
    }

    /// As [`CallLimits::call`].
    pub(super) fn known_call(&self, known: &Known, authkey: &str) -> Result<(), Problem> {
        count_known(&self.authkeys, self.most_per_authkey, authkey, &known.key.calls, known.now())
    }

    /// As [`CallLimits::check`].
    pub(super) fn known_check(&self, known: &Known, user: &str) -> Result<(), Problem> {
        let key = (known.service.service.id, user);
        count_known(&self.tokens, self.most_per_token, key, &known.token.checks, known.now())
    }
}

fn count(minutes: &Minutes<u64>, most: u32, key: impl Hash, now: UnixSeconds) -> Result<(), Problem> {
    if most == 0 {
        return Ok(());
    }
    take(&minutes.of(minutes.hash(key), now), most, now)
}

/// As [`count`], for who keeps the count of this key at hand.
fn count_known(
    minutes: &Minutes<u64>,
    most: u32,
    key: impl Hash,
    kept: &OnceLock<Arc<Minute>>,
    now: UnixSeconds,
) -> Result<(), Problem> {
    if most == 0 {
        return Ok(());
    }
    take(kept.get_or_init(|| minutes.of(minutes.hash(key), now)), most, now)
}

fn take(minute: &Minute, most: u32, now: UnixSeconds) -> Result<(), Problem> {
    minute.take(now, most).map_err(|retry_after| Problem::TooMany { retry_after })
}

impl fmt::Debug for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Addresses").field("most", &self.most).finish_non_exhaustive()
    }
}

impl fmt::Debug for CallLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallLimits").field("most_per_authkey", &self.most_per_authkey).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::TestClock;

    const NOW: UnixSeconds = UnixSeconds::new(1_000_000);

    fn config() -> LimitsConfig {
        LimitsConfig {
            connections_per_address: 0,
            wrong_authkeys: 3,
            calls_per_authkey: 2,
            checks_per_token: 2,
            wrong_passwords_per_address: 0,
            wrong_passwords_per_name: 0,
            wrong_passwords_per_application: 0,
            tokens_per_organization: 0,
            cached_statuses: 0,
            exempt: Vec::new(),
        }
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn retry_after(result: Result<(), Problem>) -> u32 {
        match result {
            Err(Problem::TooMany { retry_after }) => retry_after,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_address_is_heard_until_its_wrong_authkeys_are_used_up_and_again_after_a_minute() {
        let addresses = Addresses::new(&config());
        let (here, there) = (address("192.0.2.1"), address("192.0.2.2"));
        assert_eq!([0, 1, 2].map(|_| addresses.failed(here, NOW)), [false, false, true]);
        assert_eq!(retry_after(addresses.admit(here, NOW.plus(20))), 40);
        assert!(!addresses.failed(here, NOW.plus(20)), "said once");
        assert_eq!(addresses.admit(there, NOW), Ok(()));
        assert_eq!(addresses.admit(here, NOW.plus(60)), Ok(()));
        assert!(!addresses.failed(here, NOW.plus(60)));
    }

    #[test]
    fn a_clock_that_went_back_locks_nobody_out() {
        let addresses = Addresses::new(&config());
        let here = address("192.0.2.1");
        (0..3).for_each(|_| _ = addresses.failed(here, NOW));
        assert_eq!(addresses.admit(here, UnixSeconds::new(5)), Ok(()));
    }

    #[test]
    fn neighbors_in_an_ipv6_network_count_together_and_an_address_counts_as_itself_in_other_clothes() {
        let addresses = Addresses::new(&config());
        for text in ["2001:db8::1", "2001:db8::2", "2001:db8::ffff:1"] {
            addresses.failed(address(text), NOW);
        }
        assert!(addresses.admit(address("2001:db8::3"), NOW).is_err());
        assert!(addresses.admit(address("2001:db8:0:1::3"), NOW).is_ok());
        (0..3).for_each(|_| _ = addresses.failed(address("::ffff:192.0.2.1"), NOW));
        assert!(addresses.admit(address("192.0.2.1"), NOW).is_err());
        assert!(addresses.admit(address("::1"), NOW).is_ok());
    }

    #[test]
    fn exempt_networks_and_a_limit_of_zero_know_no_limit() {
        let exempt = Network::parse_list("127.0.0.0/8").expect("a network");
        for config in [LimitsConfig { exempt, ..config() }, LimitsConfig { wrong_authkeys: 0, ..config() }] {
            let addresses = Addresses::new(&config);
            (0..9).for_each(|_| assert!(!addresses.failed(address("127.0.0.1"), NOW)));
            assert!(addresses.admit(address("127.0.0.1"), NOW).is_ok());
        }
        let none = LimitsConfig { calls_per_authkey: 0, checks_per_token: 0, ..config() };
        let calls = CallLimits::new(&none, Arc::new(TestClock::new(NOW)));
        assert!((0..99).all(
            |_| calls.call(Actor::Authkey(7), &Credential::authkey("key")).is_ok() && calls.check(1, "joe").is_ok()
        ));
    }

    #[test]
    fn authkeys_and_tokens_have_their_own_counts() {
        let clock = Arc::new(TestClock::new(NOW));
        let calls = CallLimits::new(&config(), Arc::<TestClock>::clone(&clock));
        let call = |value| calls.call(Actor::Authkey(7), &Credential::authkey(value));
        assert!((0..2).all(|_| call("key").is_ok() && calls.check(1, "joe").is_ok()));
        clock.advance(59);
        assert_eq!((retry_after(call("key")), retry_after(calls.check(1, "joe"))), (1, 1));
        assert!(call("other").is_ok() && calls.check(1, "eve").is_ok() && calls.check(2, "joe").is_ok());
        clock.advance(1);
        assert!(call("key").is_ok() && calls.check(1, "joe").is_ok());
    }

    #[test]
    fn memory_is_bounded_and_full_tables_lock_nobody_out() {
        let addresses = Addresses::new(&LimitsConfig { wrong_authkeys: 1, ..config() });
        for number in 0..150_000_u32 {
            addresses.failed(IpAddr::V4(number.into()), NOW);
        }
        let entries: usize = addresses.failures.shards.iter().map(|shard| shard.lock().expect("whole").len()).sum();
        assert!(entries <= SHARDS * SHARD_MOST, "{entries}");
        assert_eq!(entries, addresses.failures.entries.load(Ordering::Relaxed));
        assert!(addresses.admit(address("192.0.2.1"), NOW).is_ok());
    }
}
