//! Limits per address: connections at once, failed handshakes per minute, and resyncs per minute, which cost work
//! before anything can be looked up. Otherwise only failures count, so nobody who authenticates is ever slowed down by
//! a neighbor behind the same address more than the neighbor's failures do. Frames for an old key have a generous share
//! of their own: after a long absence a whole fleet behind one address needs the new key, and is to get it at once.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clock::{Clock, UnixSeconds};
use crate::network::counted_as;

/// Most addresses that are remembered; the table forgets the quiet ones first.
const REMEMBERED: usize = 65_536;
/// How long failures and resyncs count, in seconds.
const MINUTE: u64 = 60;

/// How many frames for an old key count as little as none, for each failure that an address may have.
const STALE_SHARE: u32 = 100;

/// The table of addresses.
#[derive(Debug)]
pub(super) struct Addresses {
    table: Mutex<HashMap<IpAddr, Entry>>,
    /// All connections at once.
    connections: AtomicUsize,
    clock: Arc<dyn Clock>,
    limits: Limits,
}

/// How much is let in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Connections at once in all.
    pub(super) connections: usize,
    /// Connections at once from one address.
    pub(super) per_address: usize,
    /// Failures of an address per minute; resyncs have a count of their own.
    pub(super) failures: u32,
}

#[derive(Debug, Default)]
struct Entry {
    connections: usize,
    failures: u32,
    resyncs: u32,
    stale: u32,
    since: UnixSeconds,
}

/// A connection that is let in. Dropping it makes room.
#[derive(Debug)]
pub(super) struct Admitted {
    addresses: Arc<Addresses>,
    /// `None` as long as a proxy has not said whose connection it is.
    address: Option<IpAddr>,
}

impl Addresses {
    pub(super) fn new(clock: Arc<dyn Clock>, limits: Limits) -> Self {
        Self { table: Mutex::default(), connections: AtomicUsize::new(0), clock, limits }
    }

    /// Lets a connection in, or not: too many already in all or from there, or too many failed handshakes within a
    /// minute.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Admitted> {
        let mut admitted = self.admit_proxy()?;
        self.name(&mut admitted, address).then_some(admitted)
    }

    /// Lets the connection of a trusted proxy in, whose client [`Addresses::name`] says when it is known.
    pub(super) fn admit_proxy(self: &Arc<Self>) -> Option<Admitted> {
        let most = self.limits.connections;
        let more = |count: usize| (count < most).then_some(count + 1);
        self.connections.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Admitted { addresses: Arc::clone(self), address: None })
    }

    /// Counts a connection for its address, or says that there are too many from there.
    pub(super) fn name(&self, admitted: &mut Admitted, address: IpAddr) -> bool {
        let address = counted_as(address);
        let now = self.clock.now();
        let mut table = self.table();
        if !make_room(&mut table, &address, now) {
            return false;
        }
        let entry = table.entry(address).or_default();
        if entry.connections >= self.limits.per_address || !entry.is_open(self.limits.failures, now) {
            return false;
        }
        entry.connections += 1;
        admitted.address = Some(address);
        true
    }

    /// Whether an address has failures left in this minute. For what comes without a connection.
    pub(super) fn is_open(&self, address: IpAddr) -> bool {
        let now = self.clock.now();
        self.table().get(&counted_as(address)).is_none_or(|entry| entry.is_open(self.limits.failures, now))
    }

    /// Counts a failure of an address. For what comes without a connection.
    pub(super) fn failed(&self, address: IpAddr) {
        let (address, now) = (counted_as(address), self.clock.now());
        let mut table = self.table();
        if make_room(&mut table, &address, now) {
            table.entry(address).or_default().fail(now);
        }
    }

    /// How many failures an address may have per minute.
    pub(super) const fn failures(&self) -> u32 {
        self.limits.failures
    }

    fn table(&self) -> MutexGuard<'_, HashMap<IpAddr, Entry>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether there is room for `address` in the table, after forgetting others if need be.
fn make_room(table: &mut HashMap<IpAddr, Entry>, address: &IpAddr, now: UnixSeconds) -> bool {
    if table.len() >= REMEMBERED && !table.contains_key(address) {
        table.retain(|_, entry| entry.connections > 0 || entry.is_counting(now));
        // Whoever has that many addresses cannot be held by a limit per address, and must not close the door for
        // everybody else.
        if table.len() >= REMEMBERED {
            table.retain(|_, entry| entry.connections > 0);
        }
    }
    table.len() < REMEMBERED || table.contains_key(address)
}

impl Entry {
    /// Whether its minute is not over. A clock that jumped back ends it rather than locking everybody out.
    fn is_counting(&self, now: UnixSeconds) -> bool {
        (self.failures > 0 || self.resyncs > 0 || self.stale > 0)
            && now.since(self.since).is_some_and(|age| age < MINUTE)
    }

    /// Begins a new minute if the last one is over.
    fn renew(&mut self, now: UnixSeconds) {
        if !self.is_counting(now) {
            (self.failures, self.resyncs, self.stale, self.since) = (0, 0, 0, now);
        }
    }

    fn is_open(&self, most: u32, now: UnixSeconds) -> bool {
        self.failures < most || !self.is_counting(now)
    }

    fn fail(&mut self, now: UnixSeconds) {
        self.renew(now);
        self.failures = self.failures.saturating_add(1);
    }
}

impl Admitted {
    /// Counts a failed handshake.
    pub(super) fn failed(&self) {
        let now = self.addresses.clock.now();
        self.with_entry(|entry| entry.fail(now));
    }

    /// Counts a frame for an old key: a failure only when there are far too many of them.
    pub(super) fn stale(&self) {
        let (now, most) = (self.addresses.clock.now(), self.addresses.limits.failures.saturating_mul(STALE_SHARE));
        self.with_entry(|entry| {
            entry.renew(now);
            entry.stale = entry.stale.saturating_add(1);
            if entry.stale > most {
                entry.fail(now);
            }
        });
    }

    /// Counts a resync, unless the address has used up its minute.
    pub(super) fn may_resync(&self) -> bool {
        let (now, most) = (self.addresses.clock.now(), self.addresses.limits.failures);
        let counted = self.with_entry(|entry| {
            entry.renew(now);
            let is_left = entry.resyncs < most;
            entry.resyncs += u32::from(is_left);
            is_left
        });
        counted == Some(true)
    }

    fn with_entry<A>(&self, change: impl FnOnce(&mut Entry) -> A) -> Option<A> {
        self.addresses.table().get_mut(self.address.as_ref()?).map(change)
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.addresses.connections.fetch_sub(1, Ordering::Relaxed);
        let Some(address) = self.address else { return };
        let now = self.addresses.clock.now();
        let mut table = self.addresses.table();
        if let Some(entry) = table.get_mut(&address) {
            entry.connections = entry.connections.saturating_sub(1);
            if entry.connections == 0 && !entry.is_counting(now) {
                table.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::TestClock;

    const FAILURES: u32 = 60;

    fn addresses(most: usize) -> (Arc<Addresses>, Arc<TestClock>) {
        let clock = Arc::new(TestClock::new(UnixSeconds::new(1000)));
        let limits = Limits { connections: 100_000, per_address: most, failures: FAILURES };
        (Arc::new(Addresses::new(Arc::clone(&clock) as Arc<dyn Clock>, limits)), clock)
    }

    #[test]
    fn sixty_failures_in_a_minute_close_the_door_for_that_minute() {
        let (addresses, clock) = addresses(100);
        let home = IpAddr::from([10, 0, 0, 1]);
        for _ in 0..FAILURES {
            addresses.admit(home).expect("let in").failed();
        }
        assert!(addresses.admit(home).is_none());
        assert!(addresses.admit(IpAddr::from([10, 0, 0, 2])).is_some(), "another address is not affected");
        clock.advance(MINUTE);
        assert!(addresses.admit(home).is_some());
    }

    #[test]
    fn a_table_full_of_failing_addresses_still_lets_others_in() {
        let (addresses, _) = addresses(100);
        for number in 0..u32::try_from(REMEMBERED).expect("small") {
            addresses.admit(IpAddr::from(number.to_be_bytes())).expect("let in").failed();
        }
        assert_eq!(addresses.table().len(), REMEMBERED);
        assert!(addresses.admit("2001:db8::1".parse().expect("an address")).is_some());
    }

    #[test]
    fn resyncs_have_a_minute_of_their_own() {
        let (addresses, clock) = addresses(100);
        let home = IpAddr::from([10, 0, 0, 1]);
        for _ in 0..FAILURES {
            assert!(addresses.admit(home).expect("let in").may_resync());
        }
        let admitted = addresses.admit(home).expect("resyncs close no door");
        assert!(!admitted.may_resync());
        clock.advance(MINUTE);
        assert!(admitted.may_resync());
    }

    #[test]
    fn a_fleet_with_old_keys_is_let_in_and_a_flood_of_them_is_not() {
        let (addresses, clock) = addresses(100);
        let home = IpAddr::from([10, 0, 0, 1]);
        for _ in 0..FAILURES * STALE_SHARE + FAILURES - 1 {
            addresses.admit(home).expect("let in").stale();
        }
        addresses.admit(home).expect("still let in").stale();
        assert!(addresses.admit(home).is_none());
        clock.advance(MINUTE);
        assert!(addresses.admit(home).is_some());
    }

    #[test]
    fn what_comes_without_a_connection_counts_too() {
        let (addresses, clock) = addresses(100);
        let home = IpAddr::from([10, 0, 0, 1]);
        for _ in 0..FAILURES {
            assert!(addresses.is_open(home));
            addresses.failed(home);
        }
        assert!(!addresses.is_open(home));
        assert!(addresses.is_open(IpAddr::from([10, 0, 0, 2])));
        clock.advance(MINUTE);
        assert!(addresses.is_open(home));
    }

    #[test]
    fn all_connections_together_have_a_limit_and_those_of_proxies_are_among_them() {
        let clock = Arc::new(TestClock::new(UnixSeconds::new(1000)));
        let limits = Limits { connections: 2, per_address: 1, failures: FAILURES };
        let addresses = Arc::new(Addresses::new(clock, limits));
        let (home, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let first = addresses.admit(home);
        assert!(first.is_some() && addresses.admit(home).is_none());
        let mut proxied = addresses.admit_proxy().expect("room");
        assert!(addresses.admit_proxy().is_none() && addresses.admit(other).is_none());
        assert!(!addresses.name(&mut proxied, home), "the limit of the client holds behind a proxy as well");
        drop(first);
        assert!(addresses.name(&mut proxied, home));
        drop(proxied);
        assert!(addresses.admit(home).is_some() && addresses.table().is_empty());
    }

    #[test]
    fn successes_never_count() {
        let (addresses, _) = addresses(100);
        for _ in 0..1000 {
            assert!(addresses.admit(IpAddr::from([10, 0, 0, 1])).is_some());
        }
    }

    #[test]
    fn an_address_has_so_many_connections_at_once_and_no_more() {
        let (addresses, _) = addresses(2);
        let home = IpAddr::from([10, 0, 0, 1]);
        let (first, second) = (addresses.admit(home), addresses.admit(home));
        assert!(first.is_some() && second.is_some() && addresses.admit(home).is_none());
        drop(first);
        assert!(addresses.admit(home).is_some());
        drop(second);
        assert!(addresses.table().len() <= 1);
    }

    #[test]
    fn one_ipv6_network_is_one_address() {
        let (addresses, _) = addresses(1);
        let _first = addresses.admit("2001:db8::1".parse().expect("an address"));
        assert!(addresses.admit("2001:db8::2".parse().expect("an address")).is_none());
        assert!(addresses.admit("2001:db8:0:1::2".parse().expect("an address")).is_some());
        let _mapped = addresses.admit("::ffff:10.0.0.1".parse().expect("an address"));
        assert!(addresses.admit(IpAddr::from([10, 0, 0, 1])).is_none());
    }
}
