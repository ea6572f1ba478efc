//! Limits per address: connections at once, failed handshakes per minute, and resyncs per minute, which cost work
//! before anything can be looked up. Otherwise only failures count, so nobody who authenticates is ever slowed down by
//! a neighbor behind the same address more than the neighbor's failures do.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clock::{Clock, UnixSeconds};

/// Most addresses that are remembered; the table forgets the quiet ones first.
const REMEMBERED: usize = 65_536;
/// How long failures and resyncs count, in seconds.
const MINUTE: u64 = 60;

/// The table of addresses.
#[derive(Debug)]
pub(super) struct Addresses {
    table: Mutex<HashMap<IpAddr, Entry>>,
    clock: Arc<dyn Clock>,
    most_connections: usize,
    /// Per minute; resyncs have a count of their own.
    most_failures: u32,
}

#[derive(Debug, Default)]
struct Entry {
    connections: usize,
    failures: u32,
    resyncs: u32,
    since: UnixSeconds,
}

/// A connection that is let in. Dropping it makes room.
#[derive(Debug)]
pub(super) struct Admitted {
    addresses: Arc<Addresses>,
    address: IpAddr,
}

impl Addresses {
    pub(super) fn new(clock: Arc<dyn Clock>, most_connections: usize, most_failures: u32) -> Self {
        Self { table: Mutex::default(), clock, most_connections, most_failures }
    }

    /// Lets a connection in, or not: too many from there already, or too many failed handshakes within a minute.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Admitted> {
        let address = canonical(address);
        let now = self.clock.now();
        let mut table = self.table();
        if table.len() >= REMEMBERED && !table.contains_key(&address) {
            table.retain(|_, entry| entry.connections > 0 || entry.is_counting(now));
            // Whoever has that many addresses cannot be held by a limit per address, and must not close the door for
            // everybody else.
            if table.len() >= REMEMBERED {
                table.retain(|_, entry| entry.connections > 0);
            }
            if table.len() >= REMEMBERED {
                return None;
            }
        }
        let entry = table.entry(address).or_default();
        if entry.connections >= self.most_connections
            || (entry.is_counting(now) && entry.failures >= self.most_failures)
        {
            return None;
        }
        entry.connections += 1;
        Some(Admitted { addresses: Arc::clone(self), address })
    }

    fn table(&self) -> MutexGuard<'_, HashMap<IpAddr, Entry>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// Whether its minute is not over. A clock that jumped back ends it rather than locking everybody out.
    fn is_counting(&self, now: UnixSeconds) -> bool {
        (self.failures > 0 || self.resyncs > 0) && now.since(self.since).is_some_and(|age| age < MINUTE)
    }

    /// Begins a new minute if the last one is over.
    fn renew(&mut self, now: UnixSeconds) {
        if !self.is_counting(now) {
            (self.failures, self.resyncs, self.since) = (0, 0, now);
        }
    }
}

impl Admitted {
    /// Counts a failed handshake.
    pub(super) fn failed(&self) {
        let now = self.addresses.clock.now();
        if let Some(entry) = self.addresses.table().get_mut(&self.address) {
            entry.renew(now);
            entry.failures = entry.failures.saturating_add(1);
        }
    }

    /// Counts a resync, unless the address has used up its minute.
    pub(super) fn may_resync(&self) -> bool {
        let now = self.addresses.clock.now();
        let mut table = self.addresses.table();
        let Some(entry) = table.get_mut(&self.address) else { return false };
        entry.renew(now);
        if entry.resyncs >= self.addresses.most_failures {
            return false;
        }
        entry.resyncs += 1;
        true
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let now = self.addresses.clock.now();
        let mut table = self.addresses.table();
        if let Some(entry) = table.get_mut(&self.address) {
            entry.connections = entry.connections.saturating_sub(1);
            if entry.connections == 0 && !entry.is_counting(now) {
                table.remove(&self.address);
            }
        }
    }
}

/// One IPv6 customer is a /64; an IPv4 address in IPv6 clothes is an IPv4 address.
fn canonical(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::TestClock;

    const FAILURES: u32 = 60;

    fn addresses(most: usize) -> (Arc<Addresses>, Arc<TestClock>) {
        let clock = Arc::new(TestClock::new(UnixSeconds::new(1000)));
        (Arc::new(Addresses::new(Arc::clone(&clock) as Arc<dyn Clock>, most, FAILURES)), clock)
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
