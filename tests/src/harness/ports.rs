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
    // Programs that run at the same time begin far from each other.
    let begin = std::process::id().wrapping_mul(7_919);
    for _ in 0..count {
        let offset = begin.wrapping_add(LOOKED_AT.fetch_add(1, Ordering::Relaxed).into()) % u32::from(count);
        let port = FIRST + u16::try_from(offset).expect("less than the count");
        let at = (Ipv4Addr::LOCALHOST, port);
        if TcpListener::bind(at).is_ok() && UdpSocket::bind(at).is_ok() {
            return port;
        }
    }
    panic!("all ports from {FIRST} to {} are in use", end());
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

    use super::{FIRST, end, free};

    #[test]
    fn every_port_is_given_once_and_none_that_the_system_gives() {
        let ports: HashSet<u16> = (0..100).map(|_| free()).collect();
        assert_eq!(ports.len(), 100);
        assert!(ports.iter().all(|port| (FIRST..end()).contains(port)));
    }

    #[test]
    fn a_port_in_use_is_passed_over() {
        let next = free() + 1;
        let _tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, next));
        let _udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, next + 1));
        for _ in 0..10 {
            let port = free();
            assert!(port != next && port != next + 1, "{port}");
        }
    }
}
