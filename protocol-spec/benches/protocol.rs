//! What the protocol costs over the primitives it cannot do without: `cargo bench -p cardea-protocol`.
//!
//! Every row is measured beside its floor in the same run, batch by batch in turn, and only ratios are judged. The exit
//! code is 1 if a required ratio or size is missed.

use core::hint::black_box;
use core::time::Duration;
use std::process::ExitCode;
use std::time::Instant;

use cardea_protocol::Secret;
use cardea_protocol::crypto::{Dalek, Provider, TAG_LEN};
use cardea_protocol::noise::{CipherState, Handshake, KK_PSK0, KeyPair, Keys, Role};
use cardea_protocol::{device, responder};
use chacha20poly1305::{AeadInOut, ChaCha20Poly1305, KeyInit};
use x25519_dalek::{PublicKey, StaticSecret};

/// Rounds of which the median counts.
const ROUNDS: usize = 51;
/// Batches of each row in a round, each about 2 ms; the fastest stands for the round, so that a preempted one does not.
const BATCHES: usize = 12;
/// Payload of a request cell and of a reply cell, in bytes.
const REQUEST: usize = 70;
const REPLY: usize = 14;

fn main() -> ExitCode {
    println!("{:<44}{:>12}{:>10}{:>10}{:>10}{:>10}", "", "time", "ratio", "lowest", "highest", "required");
    let mut missed = false;
    missed |= handshake();
    missed |= warm_cell();
    missed |= sizes();
    if missed {
        println!("\na required figure was missed");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// A row of a table: what is measured, and the greatest ratio to the first row of its table that is accepted.
struct Row<'a> {
    name: &'static str,
    required: Option<f64>,
    step: Box<dyn FnMut() + 'a>,
}

impl<'a> Row<'a> {
    fn new(name: &'static str, required: Option<f64>, step: impl FnMut() + 'a) -> Self {
        Self { name, required, step: Box::new(step) }
    }
}

/// Measures `rows` in turn and prints them; the first is the floor. Returns whether a required ratio was missed.
fn table(repeat: u32, rows: &mut [Row<'_>]) -> bool {
    let mut times = vec![Vec::with_capacity(ROUNDS); rows.len()];
    // The round before the first fills caches and decides CPU features.
    for round in 0..=ROUNDS {
        let mut best = vec![Duration::MAX; rows.len()];
        for _ in 0..BATCHES {
            for (row, best) in rows.iter_mut().zip(&mut best) {
                *best = (*best).min(time(repeat, &mut row.step));
            }
        }
        if round > 0 {
            for (times, best) in times.iter_mut().zip(best) {
                times.push(best.as_secs_f64() / f64::from(repeat));
            }
        }
    }
    let mut missed = false;
    for (row, own) in rows.iter().zip(&times) {
        let floor = times.first().expect("there is a floor");
        let ratios = sorted(own.iter().zip(floor).map(|(own, floor)| own / floor).collect());
        let ratio = median(&ratios);
        let (lowest, highest) = (ratios.first().expect("rounds"), ratios.last().expect("rounds"));
        let required = row.required.map_or_else(String::new, |required| format!("<= {required:.2}"));
        let late = row.required.is_some_and(|required| ratio > required);
        println!(
            "{:<44}{:>9.2} us{ratio:>10.3}{lowest:>10.3}{highest:>10.3}{required:>10}{}",
            row.name,
            median(&sorted(own.clone())) * 1e6,
            if late { "  MISSED" } else { "" }
        );
        missed |= late;
    }
    println!();
    missed
}

#[expect(clippy::disallowed_methods, reason = "a benchmark is about the time that passes")]
fn time(repeat: u32, step: &mut dyn FnMut()) -> Duration {
    // The row before this one has left its code and tables in the caches.
    step();
    let start = Instant::now();
    for _ in 0..repeat {
        step();
    }
    start.elapsed()
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

fn median(sorted: &[f64]) -> f64 {
    sorted.get(sorted.len() / 2).copied().expect("there are rounds")
}

fn pair(byte: u8) -> KeyPair {
    KeyPair::from_secret::<Dalek>(Secret::new([byte; 32]))
}

/// A cold operation, both sides, from the keys to the session: against the arithmetic that its pattern prescribes.
fn handshake() -> bool {
    let (secret, point) = (StaticSecret::from([1; 32]), PublicKey::from(&StaticSecret::from([2; 32])));
    let floor = || {
        for _ in 0..8 {
            black_box(black_box(&secret).diffie_hellman(black_box(&point)));
        }
        for _ in 0..2 {
            black_box(PublicKey::from(black_box(&secret)));
        }
    };

    let (own, peer) = (Secret::new([1; 32]), *pair(2).public());
    let provider = || {
        for _ in 0..8 {
            black_box(Dalek::x25519(black_box(&own), black_box(&peer))).expect("not zero");
        }
        for _ in 0..2 {
            black_box(Dalek::x25519_public(black_box(&own)));
        }
    };

    let (device, server) = (pair(1), pair(2));
    let ours = || {
        let side = |role, own: &KeyPair, peer: &KeyPair, ephemeral| {
            let keys = Keys {
                s: Some(own.duplicate()),
                e: Some(pair(black_box(ephemeral))),
                rs: Some(*peer.public()),
                psk: Some(Secret::new([5; 32])),
            };
            let prologue: [&[u8]; 4] = [b"cardea1", &[0x11], &[0], &[9; 8]];
            Handshake::<Dalek>::new(&KK_PSK0, role, &prologue, keys).expect("the keys fit")
        };
        let mut initiator = side(Role::Initiator, &device, &server, 3);
        let mut responder = side(Role::Responder, &server, &device, 4);
        let (mut wire, mut text) = ([0; 128], [0; REQUEST]);
        let length = initiator.write_message(&[6; REQUEST], &mut wire).expect("writes");
        responder.read_message(&wire[..length], &mut text).expect("reads");
        let length = responder.write_message(&[7; REPLY], &mut wire).expect("writes");
        initiator.read_message(&wire[..length], &mut text).expect("reads");
        black_box((initiator.split().expect("finished"), responder.split().expect("finished")));
    };

    let snow = || {
        let [mut initiator, mut responder] = snow_pair(&device, &server);
        let (mut wire, mut text) = ([0; 128], [0; REQUEST]);
        let length = initiator.write_message(&[6; REQUEST], &mut wire).expect("writes");
        responder.read_message(&wire[..length], &mut text).expect("reads");
        let length = responder.write_message(&[7; REPLY], &mut wire).expect("writes");
        initiator.read_message(&wire[..length], &mut text).expect("reads");
        black_box((
            initiator.into_transport_mode().expect("finished"),
            responder.into_transport_mode().expect("finished"),
        ));
    };

    table(
        4,
        &mut [
            Row::new("8 DH + 2 ephemeral public keys", None, floor),
            Row::new("the same through the provider", None, provider),
            Row::new("KKpsk0, both sides, 70 + 14 bytes", Some(1.05), ours),
            Row::new("peer: snow, the same", None, snow),
        ],
    )
}

fn snow_pair(device: &KeyPair, server: &KeyPair) -> [snow::HandshakeState; 2] {
    let start = |own: &KeyPair, peer: &KeyPair, initiator: bool| {
        let builder = snow::Builder::new(KK_PSK0.name.parse().expect("snow knows the protocol"))
            .local_private_key(own.secret().expose())
            .and_then(|builder| builder.remote_public_key(peer.public()))
            .and_then(|builder| builder.psk(0, &[5; 32]))
            .and_then(|builder| builder.prologue(b"cardea1\x11\x00\x09\x09\x09\x09\x09\x09\x09\x09"))
            .expect("snow takes the keys");
        let state = if initiator { builder.build_initiator() } else { builder.build_responder() };
        state.expect("snow starts")
    };
    [start(device, server, true), start(server, device, false)]
}

/// One warm request: sealed by one side, opened by the other.
fn warm_cell() -> bool {
    let floor = {
        let mut nonce = 0_u64;
        move || {
            let mut bytes = [0; 12];
            bytes[4..].copy_from_slice(&nonce.to_le_bytes());
            let cipher = ChaCha20Poly1305::new(black_box(&[5; 32]).into());
            let mut cell = black_box([6; REQUEST]);
            let tag = cipher.encrypt_inout_detached(&bytes.into(), &[], (&mut cell[..]).into()).expect("seals");
            black_box(&mut cell);
            let cipher = ChaCha20Poly1305::new(black_box(&[5; 32]).into());
            cipher.decrypt_inout_detached(&bytes.into(), &[], (&mut cell[..]).into(), &tag).expect("opens");
            black_box(&cell);
            nonce += 1;
        }
    };

    let mut sender = CipherState::<Dalek>::new(Secret::new([5; 32]));
    let mut receiver = CipherState::<Dalek>::new(Secret::new([5; 32]));
    let ours = || {
        let mut cell = black_box([6; REQUEST]);
        let tag = sender.encrypt(&[], &mut cell).expect("seals");
        black_box(&mut cell);
        receiver.decrypt(&[], &mut cell, &tag).expect("opens");
        black_box(&cell);
    };

    let [mut initiator, mut responder] = snow_pair(&pair(1), &pair(2));
    let (mut wire, mut text) = ([0; REQUEST + TAG_LEN], [0; REQUEST + TAG_LEN]);
    let length = initiator.write_message(&[], &mut wire).expect("writes");
    responder.read_message(&wire[..length], &mut text).expect("reads");
    let length = responder.write_message(&[], &mut wire).expect("writes");
    initiator.read_message(&wire[..length], &mut text).expect("reads");
    let mut initiator = initiator.into_transport_mode().expect("finished");
    let mut responder = responder.into_transport_mode().expect("finished");
    let snow = || {
        let length = initiator.write_message(&black_box([6; REQUEST]), &mut wire).expect("seals");
        responder.read_message(black_box(&wire[..length]), &mut text).expect("opens");
        black_box(&text);
    };

    table(
        500,
        &mut [
            Row::new("ChaCha20-Poly1305, seal + open, 70 bytes", None, floor),
            Row::new("warm cell, seal + open", Some(1.10), ours),
            Row::new("peer: snow, the same (AVX2 back end)", None, snow),
        ],
    )
}

/// Sizes in bytes of what is held for each connection. Returns whether a limit was exceeded.
fn sizes() -> bool {
    let mut missed = false;
    for (name, size, limit) in [
        ("Handshake", size_of::<Handshake<Dalek>>(), None),
        ("device session", size_of::<device::Session<Dalek>>(), Some(256)),
        ("server session", size_of::<responder::Session<Dalek>>(), Some(256)),
        ("device record, as stored", device::RECORD_LEN, Some(512)),
    ] {
        let late = limit.is_some_and(|limit| size > limit);
        let limit = limit.map_or_else(String::new, |limit| format!("<= {limit}"));
        println!("{name:<44}{size:>8} bytes{limit:>37}{}", if late { "  MISSED" } else { "" });
        missed |= late;
    }
    missed
}
