//! The PROXY protocol, versions 1 and 2: a proxy in front of a listener says, before anything else, whose connection it
//! carries. Source: "The PROXY protocol, versions 1 & 2", haproxy.org, 2020/03/05.
//!
//! Whoever may send such a header chooses its address freely, so it is read from listed networks only; and from those it
//! is required, because a connection without one cannot be told from one whose first bytes look like it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::network::Network;

/// How version 2 begins: bytes that no text protocol starts with.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Longest header of version 1, with its line end.
const LINE_MAX: usize = 107;
/// Longest body of version 2 that is read: the addresses and a generous share of extensions, which are skipped.
const BODY_MAX: usize = 2048;

/// A header that cannot be used: the connection is to be closed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// What came is no header of version 1 or 2.
    #[error("the proxy sent no valid PROXY header")]
    Malformed,
    /// The header did not come in time.
    #[error("the proxy sent no PROXY header in time")]
    TimedOut,
    /// The connection broke, or ended within the header.
    #[error("cannot read the PROXY header: {0}")]
    Io(#[from] io::Error),
}

/// Whose connection it is, for limits per address and logs: `peer` itself, or, if `peer` is in one of the `trusted`
/// networks, whom its header names. The header is taken from the stream, and not a byte more.
///
/// A header that names nobody (`LOCAL` and `UNKNOWN`: the proxy's own checks) leaves it at `peer`.
///
/// Not cancel safe: a header that was read in part is lost; close the connection then.
///
/// # Errors
/// `peer` is trusted, and its header is malformed, late, or cut off.
pub async fn client<S: AsyncRead + Unpin>(
    stream: &mut S,
    peer: SocketAddr,
    trusted: &[Network],
    patience: Duration,
) -> Result<SocketAddr, ProxyError> {
    if !trusted.iter().any(|network| network.contains(peer.ip())) {
        return Ok(peer);
    }
    // Boxed: it is over in a moment, while the task that waits for it lives as long as the connection.
    let header = Box::pin(tokio::time::timeout(patience, read(stream))).await;
    Ok(header.unwrap_or(Err(ProxyError::TimedOut))?.unwrap_or(peer))
}

/// Reads one header. `None`: it names nobody.
async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> Result<Option<SocketAddr>, ProxyError> {
    let mut line = [0; LINE_MAX];
    let (start, _) = line.split_at_mut(SIGNATURE.len());
    // The shortest header of version 1 is longer than the signature of version 2.
    stream.read_exact(start).await?;
    if *start == SIGNATURE {
        return read_binary(stream).await;
    }
    if !start.starts_with(b"PROXY ") {
        return Err(ProxyError::Malformed);
    }
    // Byte by byte, because what comes after the line belongs to somebody else.
    for end in SIGNATURE.len()..LINE_MAX {
        line[end] = stream.read_u8().await?;
        if line[end] == b'\n' {
            let text = line[..end].strip_suffix(b"\r").ok_or(ProxyError::Malformed)?;
            return parse_line(std::str::from_utf8(text).map_err(|_| ProxyError::Malformed)?);
        }
    }
    Err(ProxyError::Malformed)
}

/// Version 1 without its line end.
fn parse_line(line: &str) -> Result<Option<SocketAddr>, ProxyError> {
    let rest = line.strip_prefix("PROXY ").ok_or(ProxyError::Malformed)?;
    // Whatever else stands after UNKNOWN is to be ignored.
    if rest == "UNKNOWN" || rest.starts_with("UNKNOWN ") {
        return Ok(None);
    }
    let words: Vec<&str> = rest.split(' ').collect();
    let [family, source, destination, source_port, destination_port] = words[..] else {
        return Err(ProxyError::Malformed);
    };
    let address = |text: &str| -> Option<IpAddr> {
        match family {
            "TCP4" => text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
            "TCP6" => text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
            _ => None,
        }
    };
    // Decimal without sign or leading zeros.
    let port = |text: &str| text.parse::<u16>().ok().filter(|port| port.to_string() == text);
    match (address(source), address(destination), port(source_port), port(destination_port)) {
        (Some(source), Some(_), Some(port), Some(_)) => Ok(Some(SocketAddr::new(source, port))),
        _ => Err(ProxyError::Malformed),
    }
}

/// Version 2 after its signature.
async fn read_binary<S: AsyncRead + Unpin>(stream: &mut S) -> Result<Option<SocketAddr>, ProxyError> {
    let [command, family, high, low] = {
        let mut head = [0; 4];
        stream.read_exact(&mut head).await?;
        head
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    let is_local = match command {
        0x20 => true,
        0x21 => false,
        _ => return Err(ProxyError::Malformed),
    };
    if length > BODY_MAX {
        return Err(ProxyError::Malformed);
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    if is_local {
        return Ok(None);
    }
    // Addresses of both ends, ports of both ends, extensions.
    match family {
        // TCP and UDP over IPv4.
        0x11 | 0x12 => {
            let ([a, b, c, d, _, _, _, _, high, low, _, _], _) =
                body.split_first_chunk::<12>().ok_or(ProxyError::Malformed)?;
            Ok(Some(SocketAddr::from(([*a, *b, *c, *d], u16::from_be_bytes([*high, *low])))))
        }
        // The same over IPv6.
        0x21 | 0x22 => {
            let (addresses, _) = body.split_first_chunk::<36>().ok_or(ProxyError::Malformed)?;
            let (source, rest) = addresses.split_first_chunk::<16>().ok_or(ProxyError::Malformed)?;
            let port = u16::from_be_bytes([rest[16], rest[17]]);
            Ok(Some(SocketAddr::from((*source, port))))
        }
        // Unspecified, and Unix sockets, which have no address to limit.
        0x00 | 0x31 | 0x32 => Ok(None),
        _ => Err(ProxyError::Malformed),
    }
}

#[cfg(test)]
mod tests;
