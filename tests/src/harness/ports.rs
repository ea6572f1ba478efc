//! Ports for programs that bind them later, or again: of those that the system never hands out by itself. One that was
//! only looked at, or whose server is down for a moment, could otherwise be somebody else's by then.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below it there are ports of programs that everybody knows.
const FIRST: u16 = 10_000;

/// How many ports were looked at.
static LOOKED_AT: AtomicU16 = AtomicU16::new(0);

/// A port on loopback that nobody uses, for TCP and UDP alike, and that no other call in this process returns.
#[must_use]
pub fn free() -> u16 {
    let count = end() - FIRST;
    // Programs that run at the same time have numbers near each other, and begin far from each other.
    let begin = std::process::id().reverse_bits();
    for _ in 0..count {
        let offset = begin.wrapping_add(LOOKED_AT.fetch_add(1, Ordering::Relaxed).into()) % u32::from(count);
        let port = FIRST + u16::try_from(offset).expect("less than the count");
        if is_free(port) {
            return port;
        }
    }
    panic!("all ports from {FIRST} to {} are in use", end());
}

fn is_free(port: u16) -> bool {
    let at = (Ipv4Addr::LOCALHOST, port);
    TcpListener::bind(at).is_ok() && UdpSocket::bind(at).is_ok()
}

/// The first port that the system hands out by itself.
fn end() -> u16 {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let first = range.split_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or(32_768);
    assert!(first > FIRST + 1_000, "the system hands out ports from {first} on, which leaves too few for tests");
    first
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::net::{Ipv4Addr, TcpListener, UdpSocket};

    use super::{FIRST, end, free, is_free};

    #[test]
    fn every_port_is_given_once_and_none_that_the_system_gives() {
        let ports: HashSet<u16> = (0..100).map(|_| free()).collect();
        assert_eq!(ports.len(), 100);
        assert!(ports.iter().all(|port| (FIRST..end()).contains(port)));
    }

    #[test]
    fn a_port_in_use_is_no_free_one() {
        let (one, other) = (free(), free());
        assert!(is_free(one) && is_free(other));
        let _tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, one)).expect("it was free");
        let _udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, other)).expect("it was free");
        assert!(!is_free(one) && !is_free(other));
    }
}
