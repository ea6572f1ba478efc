//! Where may be called: not into the network that the server itself is in.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::CallError;

/// Most addresses of one name that are tried.
const ADDRESSES: usize = 4;
/// How long each of them may take, unless it is the only one. Together they leave time for the call.
const PATIENCE: Duration = Duration::from_secs(2);

/// Connects to `host`, which is a name or an address. The very address that was looked at is connected to: a name that
/// changes its mind changes nothing. Of a name's addresses the first that answers is taken: many have one of IPv6, and
/// not every server can reach it. Names wait for one of `lookups`.
///
/// Cancel safe: a name is looked up to the end, whoever still waits for it.
pub(super) async fn connect(
    host: &str,
    port: u16,
    allow_private: bool,
    lookups: &Arc<Semaphore>,
) -> Result<TcpStream, CallError> {
    first_of(&resolve(host, port, allow_private, lookups).await?).await
}

async fn first_of(addresses: &[SocketAddr]) -> Result<TcpStream, CallError> {
    if let [only] = addresses {
        return TcpStream::connect(only).await.map_err(|_| CallError::Unreachable);
    }
    for address in addresses.iter().take(ADDRESSES) {
        if let Ok(Ok(stream)) = timeout(PATIENCE, TcpStream::connect(address)).await {
            return Ok(stream);
        }
    }
    Err(CallError::Unreachable)
}

/// The addresses of `host` that may be called.
async fn resolve(
    host: &str,
    port: u16,
    allow_private: bool,
    lookups: &Arc<Semaphore>,
) -> Result<Vec<SocketAddr>, CallError> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let addresses: Vec<SocketAddr> = match bare.parse::<IpAddr>() {
        Ok(address) => vec![SocketAddr::new(address, port)],
        Err(_) => lookup(bare.to_owned(), port, lookups).await?,
    };
    if addresses.is_empty() {
        return Err(CallError::Unreachable);
    }
    let allowed = addresses.into_iter().filter(|address| allow_private || is_public(address.ip()));
    Some(allowed.collect::<Vec<_>>()).filter(|allowed| !allowed.is_empty()).ok_or(CallError::Private)
}

/// Asks the system's resolver, which blocks a thread for as long as the name's servers like. The database needs threads
/// of the same pool, so no more of them wait for names than there are `lookups`, however many callers have given up.
async fn lookup(host: String, port: u16, lookups: &Arc<Semaphore>) -> Result<Vec<SocketAddr>, CallError> {
    let permit = Arc::clone(lookups).acquire_owned().await.map_err(|_| CallError::Unreachable)?;
    let looked_up = tokio::task::spawn_blocking(move || {
        let found = (host.as_str(), port).to_socket_addrs().map(Iterator::collect);
        drop(permit);
        found
    });
    looked_up.await.ok().and_then(Result::ok).ok_or(CallError::Unreachable)
}

/// Whether an address is one of the whole internet: not private, local, shared, reserved or for many, nor one of IPv6
/// that leads to such an address of IPv4.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = match a {
        0 | 10 | 127 | 224.. => true,
        100 => b & 0xc0 == 64,
        169 => b == 254,
        172 => b & 0xf0 == 16,
        192 => b == 168 || (b == 0 && (c == 0 || c == 2)) || (b == 88 && c == 99),
        198 => b & 0xfe == 18 || (b == 51 && c == 100),
        203 => b == 0 && c == 113,
        _ => false,
    };
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        // NAT64 and 6to4 lead to the address of IPv4 in them.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x2002, high, low, ..] => embedded(high, low),
        // Teredo, benchmarks, ORCHID, documentation.
        [0x2001, 0..=0x01ff, ..] | [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => false,
        // Everything that is given out for the internet begins with these three bits.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_internet_may_be_called() {
        for address in [
            "127.0.0.1",
            "127.255.255.254",
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.127.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "fe80::1",
            "fec0::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "64:ff9b::7f00:1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::1",
            "2002:a00:1::1",
            "2001::1",
            "2001:db8::1",
            "100::1",
            "3fff::1",
        ] {
            assert!(!is_public(address.parse().expect("an address")), "{address}");
        }
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.1",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.0.1",
            "172.32.0.1",
            "192.169.0.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "2606:4700::1",
            "2a00:1450::1",
            "64:ff9b::101:101",
            "2002:101:101::1",
            "::ffff:1.1.1.1",
        ] {
            assert!(is_public(address.parse().expect("an address")), "{address}");
        }
    }

    #[tokio::test]
    async fn the_first_address_that_answers_is_taken() {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let nobody = silent.local_addr().expect("an address");
        drop(silent);
        let there = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let somebody = there.local_addr().expect("an address");
        for addresses in
            [&[nobody, somebody][..], &[somebody, nobody], &[nobody, nobody, nobody, somebody], &[somebody]]
        {
            let stream = first_of(addresses).await.expect("one answers");
            assert_eq!(stream.peer_addr().expect("connected"), somebody, "{addresses:?}");
        }
        for addresses in [&[nobody][..], &[nobody, nobody], &[nobody, nobody, nobody, nobody, somebody]] {
            assert_eq!(first_of(addresses).await.map(drop), Err(CallError::Unreachable), "{addresses:?}");
        }
    }

    #[tokio::test]
    async fn names_are_judged_by_what_they_lead_to() {
        let lookups = Arc::new(Semaphore::new(1));
        for host in ["localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"] {
            assert_eq!(resolve(host, 80, false, &lookups).await, Err(CallError::Private), "{host}");
            assert!(resolve(host, 80, true, &lookups).await.is_ok(), "{host}");
        }
        assert_eq!(lookups.available_permits(), 1);
    }

    #[tokio::test]
    async fn no_more_names_are_looked_up_at_once_than_there_is_room_for() {
        let lookups = Arc::new(Semaphore::new(0));
        assert!(resolve("127.0.0.1", 80, true, &lookups).await.is_ok(), "an address needs nobody's help");
        let mut waiting = Box::pin(resolve("localhost", 80, true, &lookups));
        assert!(futures_util::poll!(&mut waiting).is_pending());
        assert!(futures_util::poll!(&mut waiting).is_pending());
        lookups.add_permits(1);
        assert!(waiting.await.is_ok());
        assert_eq!(lookups.available_permits(), 1);
    }
}
