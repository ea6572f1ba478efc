//! Datagrams from anybody.

use std::net::{IpAddr, SocketAddr, UdpSocket};

use cardea_tests::harness::{Site, until};

use super::{Before, PIN, others_are_served};

/// Datagrams of each flood.
const FLOOD: u32 = 3_000;

/// A datagram of a cold operation as its length and first byte have it; the rest is nobody's.
fn stranger(number: u32) -> Vec<u8> {
    let mut bytes = vec![0x11];
    bytes.extend((0..127_u32).map(|at| number.wrapping_mul(2_654_435_761).rotate_left(at % 32).to_le_bytes()[1]));
    bytes
}

#[test]
fn datagrams_of_nobody_are_met_with_silence_and_leave_nothing_behind() {
    let site = Site::dev();
    let device = site.enrolled("joe");
    device.run(&["--transport", "udp", "open"], &[PIN]).ended(0);
    device.close().ended(0);
    let before = Before::of(&site);
    // Different senders, as a forger would write them.
    let sockets: Vec<UdpSocket> = (1..=20_u8)
        .map(|last| {
            let from: IpAddr = [127, 0, 3, last].into();
            let socket = UdpSocket::bind(SocketAddr::new(from, 0)).expect("an address of this machine");
            socket.set_nonblocking(true).expect("it is ours");
            socket
        })
        .collect();
    for number in 0..FLOOD {
        let socket = &sockets[number as usize % sockets.len()];
        let length = match number % 5 {
            // Too short, too long, and much too long.
            0 => 127,
            1 => 129,
            2 => 1_400,
            _ => 128,
        };
        let mut bytes = stranger(number);
        bytes.resize(length, 0x11);
        // A full socket loses it, as networks do.
        let _ = socket.send_to(&bytes, site.channel());
        if number % 1_000 == 0 {
            others_are_served(&site, &device, "joe");
        }
    }
    before.holds(0);
    others_are_served(&site, &device, "joe");
    // Datagrams of devices are answered again, at the latest when the second is over that was used up.
    until("an answer by datagram", || {
        let ran = device.run(&["--transport", "udp", "open"], &[PIN]);
        (ran.code == 0).then_some(())
    });
    assert_eq!(site.status("joe"), 1);
    for socket in &sockets {
        let heard = socket.recv_from(&mut [0; 2048]);
        assert!(heard.is_err(), "somebody was answered: {heard:?}");
    }
    before.returns();
}
