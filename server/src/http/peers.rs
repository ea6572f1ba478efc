//! How many connections each address has. Bounded by the number of connections. IPv6 addresses of one network of 64 bits
//! are one.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::network::counted_as;

/// Connections by address.
#[derive(Debug)]
pub(super) struct Peers {
    table: Mutex<HashMap<IpAddr, usize>>,
    most: usize,
}

/// One connection of an address; gone when dropped.
#[derive(Debug)]
pub(super) struct Place {
    peers: Arc<Peers>,
    address: IpAddr,
}

impl Peers {
    /// At most `most` for each; 0 is no limit.
    pub(super) fn new(most: usize) -> Self {
        Self { table: Mutex::default(), most }
    }

    /// A place for one more connection from `address`, if there is room.
    pub(super) fn enter(this: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let address = counted_as(address);
        let mut table = this.table();
        let count = table.entry(address).or_insert(0);
        if this.most > 0 && *count >= this.most {
            return None;
        }
        *count += 1;
        drop(table);
        Some(Place { peers: Arc::clone(this), address })
    }

    fn table(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Entry::Occupied(mut count) = self.peers.table().entry(self.address) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_places_and_gets_them_back() {
        let peers = Arc::new(Peers::new(2));
        let [here, there] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse().expect("an address"));
        let mapped = "::ffff:192.0.2.1".parse().expect("an address");
        let (first, second) = (Peers::enter(&peers, here), Peers::enter(&peers, mapped));
        assert!(first.is_some() && second.is_some());
        assert!(Peers::enter(&peers, here).is_none());
        assert!(Peers::enter(&peers, there).is_some());
        drop(first);
        assert!(Peers::enter(&peers, here).is_some());
        drop(second);
        assert!(peers.table().is_empty());
    }

    #[test]
    fn one_ipv6_network_is_one_address() {
        let peers = Arc::new(Peers::new(1));
        let [here, neighbor, there] =
            ["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"].map(|text| text.parse().expect("an address"));
        let _first = Peers::enter(&peers, here);
        assert!(Peers::enter(&peers, neighbor).is_none());
        assert!(Peers::enter(&peers, there).is_some());
    }

    #[test]
    fn zero_is_no_limit() {
        let peers = Arc::new(Peers::new(0));
        let here = "192.0.2.1".parse().expect("an address");
        let places: Vec<_> = (0..1_000).filter_map(|_| Peers::enter(&peers, here)).collect();
        assert_eq!(places.len(), 1_000);
    }
}
