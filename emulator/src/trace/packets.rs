//! Frames as packets: an exchange that might have carried them, so that programs which know TCP and UDP can show them.
//!
//! What carried a frame is not recorded, and for a WebSocket over TLS it could not be read. So addresses (of the ranges that
//! are kept for documentation and tests), ports of devices, and what belongs to TCP are made up; the server's port is the
//! protocol's. A WebSocket is shown as a connection over TCP, which carries the same frames.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use super::file::{File, Line};
use super::frame::{Direction, Verdict};
use super::pcapng::Capture;

/// The port of the token channel.
const PORT: u16 = 8421;
/// Servers and devices have addresses from here.
const SERVERS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 0);
const DEVICES: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 0);
/// How many addresses there are.
const SERVERS_MOST: u32 = 254;
const DEVICES_MOST: u32 = 0x1_fffe;
/// Ports of devices: from here to the end.
const FIRST_PORT: u64 = 49_152;
const TCP: u8 = 6;
const UDP: u8 = 17;
/// Flags of TCP.
const FIN: u8 = 1;
const SYN: u8 = 2;
const PUSH: u8 = 8;
const ACK: u8 = 16;
const IP_HEADER: usize = 20;
const TCP_HEADER: usize = 20;
const UDP_HEADER: usize = 8;

/// An end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct End {
    address: Ipv4Addr,
    port: u16,
}

/// A connection over TCP: what each side has sent so far, the device first.
#[derive(Debug)]
struct Stream {
    ends: [End; 2],
    sent: [u32; 2],
}

/// Addresses in the order in which somebody needed one.
#[derive(Debug)]
struct Addresses<'a> {
    first: Ipv4Addr,
    most: u32,
    given: HashMap<&'a str, Ipv4Addr>,
}

impl<'a> Addresses<'a> {
    fn new(first: Ipv4Addr, most: u32) -> Self {
        Self { first, most, given: HashMap::new() }
    }

    fn of(&mut self, name: &'a str) -> Ipv4Addr {
        let next = u32::try_from(self.given.len()).unwrap_or(u32::MAX) % self.most + 1;
        let address = Ipv4Addr::from_bits(self.first.to_bits() + next);
        *self.given.entry(name).or_insert(address)
    }
}

/// The packets of a trace.
pub(super) fn capture(file: &File) -> Vec<u8> {
    let mut capture = Capture::new(&file.header.program, "cardea-trace");
    let (mut servers, mut devices) = (Addresses::new(SERVERS, SERVERS_MOST), Addresses::new(DEVICES, DEVICES_MOST));
    let mut streams = HashMap::new();
    // What has not left was on no wire.
    let travelled: Vec<&Line> = file.lines.iter().filter(|line| line.verdict != Verdict::NotSent).collect();
    let mut ends_at: HashMap<u64, u64> = HashMap::new();
    for line in &travelled {
        ends_at.insert(line.connection, line.number);
    }
    for line in travelled {
        // Seconds may be set or stand still, as devices have them; how long it was from frame to frame is what was.
        let time = file.header.began.saturating_mul(1_000_000).saturating_add(line.after_us);
        let port = u16::try_from(FIRST_PORT + line.connection % (1 << 14)).expect("a port");
        let ends =
            [End { address: devices.of(&line.device), port }, End { address: servers.of(&line.peer), port: PORT }];
        let comment = format!("{}: {} by {}, frame {}", line.device, line.frame, line.transport, line.number);
        let from = usize::from(line.direction == Direction::In);
        if line.transport == "udp" {
            capture.add(time, &datagram(ends[from], ends[1 - from], &line.bytes()), &comment);
            continue;
        }
        let stream = streams.entry(line.connection).or_insert_with(|| {
            let mut stream = Stream { ends, sent: [0; 2] };
            for packet in [stream.packet(0, SYN, &[]), stream.packet(1, SYN | ACK, &[]), stream.packet(0, ACK, &[])] {
                capture.add(time, &packet, "");
            }
            stream
        });
        let wire = line.bytes();
        let length = u16::try_from(wire.len()).expect("frames are short").to_be_bytes();
        capture.add(time, &stream.packet(from, PUSH | ACK, &[&length[..], &wire].concat()), &comment);
        if ends_at.get(&line.connection) == Some(&line.number) {
            for (from, flags) in [(0, FIN | ACK), (1, FIN | ACK), (0, ACK)] {
                capture.add(time, &stream.packet(from, flags, &[]), "");
            }
        }
    }
    capture.bytes()
}

impl Stream {
    /// The next packet of one side.
    fn packet(&mut self, from: usize, flags: u8, content: &[u8]) -> Vec<u8> {
        let [sequence, seen] = [self.sent[from], self.sent[1 - from]];
        let seen = if flags & ACK == 0 { 0 } else { seen };
        let length = u32::try_from(content.len()).expect("frames are short");
        self.sent[from] = sequence.wrapping_add(length + u32::from(flags & (SYN | FIN) != 0));
        let (source, destination) = (self.ends[from], self.ends[1 - from]);
        let mut segment = Vec::with_capacity(TCP_HEADER + content.len());
        segment.extend(source.port.to_be_bytes());
        segment.extend(destination.port.to_be_bytes());
        segment.extend(sequence.to_be_bytes());
        segment.extend(seen.to_be_bytes());
        // Five words of header; a window of 64 KiB; a checksum that follows; nothing urgent.
        segment.extend([5 << 4, flags, 0xff, 0xff, 0, 0, 0, 0]);
        segment.extend(content);
        checked(&mut segment, 16, TCP, source, destination);
        packet(TCP, source, destination, &segment)
    }
}

fn datagram(source: End, destination: End, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(UDP_HEADER + content.len()).expect("frames are short");
    let mut segment = Vec::with_capacity(length.into());
    for number in [source.port, destination.port, length, 0] {
        segment.extend(number.to_be_bytes());
    }
    segment.extend(content);
    checked(&mut segment, 6, UDP, source, destination);
    packet(UDP, source, destination, &segment)
}

/// Puts in the checksum over a segment and the addresses.
fn checked(segment: &mut [u8], at: usize, protocol: u8, source: End, destination: End) {
    let length = u16::try_from(segment.len()).expect("frames are short").to_be_bytes();
    let around = [&source.address.octets()[..], &destination.address.octets(), &[0, protocol], &length].concat();
    let sum = checksum(&[&around, segment]);
    // Zero would say that there is none, over UDP.
    let sum = if sum == 0 { 0xffff } else { sum };
    segment[at..at + 2].copy_from_slice(&sum.to_be_bytes());
}

/// An IP packet.
fn packet(protocol: u8, source: End, destination: End, segment: &[u8]) -> Vec<u8> {
    let length = u16::try_from(IP_HEADER + segment.len()).expect("frames are short").to_be_bytes();
    let mut packet = Vec::with_capacity(IP_HEADER + segment.len());
    // Version 4, five words; not to be fragmented; 64 hops; a checksum that follows.
    packet.extend([0x45, 0, length[0], length[1], 0, 0, 0x40, 0, 64, protocol, 0, 0]);
    packet.extend(source.address.octets());
    packet.extend(destination.address.octets());
    let sum = checksum(&[&packet]).to_be_bytes();
    packet[10..12].copy_from_slice(&sum);
    packet.extend(segment);
    packet
}

/// The checksum of the Internet, RFC 1071, over parts that all but the last have an even length.
fn checksum(parts: &[&[u8]]) -> u16 {
    let words = parts.iter().flat_map(|part| part.chunks(2));
    let words = words.map(|word| u32::from(word[0]) << 8 | u32::from(word.get(1).copied().unwrap_or(0)));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).expect("folded")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_internet() {
        // The example of RFC 1071, section 3.
        assert_eq!(checksum(&[&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]]), !0xddf2);
        let end = |port| End { address: SERVERS, port };
        let packet = datagram(end(1), end(2), b"odd");
        assert_eq!(checksum(&[&packet[..IP_HEADER]]), 0);
        assert_eq!(packet.len(), 20 + 8 + 3);
    }

    #[test]
    fn what_each_side_has_sent_is_counted() {
        let end = |port| End { address: SERVERS, port };
        let mut stream = Stream { ends: [end(1), end(2)], sent: [0; 2] };
        stream.packet(0, SYN, &[]);
        stream.packet(1, SYN | ACK, &[]);
        let data = stream.packet(0, PUSH | ACK, b"hello");
        assert_eq!(data[24..28], 1_u32.to_be_bytes());
        assert_eq!(data[28..32], 1_u32.to_be_bytes());
        let answer = stream.packet(1, PUSH | ACK, b"!");
        assert_eq!(answer[28..32], 6_u32.to_be_bytes());
    }

    #[test]
    fn everybody_has_an_address_and_keeps_it() {
        let mut addresses = Addresses::new(SERVERS, 2);
        assert_eq!(addresses.of("a"), Ipv4Addr::new(192, 0, 2, 1));
        assert_eq!(addresses.of("b"), Ipv4Addr::new(192, 0, 2, 2));
        assert_eq!(addresses.of("a"), Ipv4Addr::new(192, 0, 2, 1));
        assert_eq!(addresses.of("c"), Ipv4Addr::new(192, 0, 2, 1), "there are no more");
    }
}
