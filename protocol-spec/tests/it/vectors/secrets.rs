//! Chapters 1, 5 and 6: Noise, PINs, statements.

use serde_json::{Value, json};

use cardea_protocol::Secret;
use cardea_protocol::crypto::{Dalek, Provider, Random};
use cardea_protocol::noise::{CipherState, Handshake, IK, KK_PSK0, Keys, Pattern, Role, XK_PSK3};
use cardea_protocol::pin::{Pin, PinSet};
use cardea_protocol::ratchet;
use cardea_protocol::statement::{Context, Extension, Statement};
use cardea_protocol::token::{Argon2Class, DeviceId, Policy, ShortString, TokenId};
use cardea_protocol::wire::{Op, PinEntry, SetPins};

use super::{Draws, h, hold, secret};
use crate::pair::{NOW, policy};

fn handshake(name: &'static str, pattern: &'static Pattern, clear: &[u8], payloads: &[usize]) -> Value {
    let mut draws = Draws::new(name);
    let (device, server) = (draws.pair(), draws.pair());
    let (device_e, server_e) = (draws.pair(), draws.pair());
    let has_psk = !core::ptr::eq(pattern, &IK);
    let psk: Option<Secret<32>> = has_psk.then(|| draws.secret());
    let mut values = draws.last.iter().map(h).collect::<Vec<_>>().into_iter();
    let mut next = || values.next();
    let known = core::ptr::eq(pattern, &KK_PSK0);
    let prologue: [&[u8]; 2] = [b"cardea1", clear];
    let mut described = json!({
        "name": pattern.name, "prologue": h(prologue.concat()),
        "device_static_secret": next(), "server_static_secret": next(),
        "device_ephemeral_secret": next(), "server_ephemeral_secret": next(), "psk": next(),
        "device_static": h(device.public()), "server_static": h(server.public()),
    });
    let (server_public, device_public) = (*server.public(), *device.public());
    let keys =
        Keys { s: Some(device), e: Some(device_e), rs: Some(server_public), psk: psk.as_ref().map(Secret::duplicate) };
    let mut ours = Handshake::<Dalek>::new(pattern, Role::Initiator, &prologue, keys).unwrap();
    let keys = Keys { s: Some(server), e: Some(server_e), rs: known.then_some(device_public), psk };
    let mut theirs = Handshake::<Dalek>::new(pattern, Role::Responder, &prologue, keys).unwrap();
    let mut messages = Vec::new();
    for (index, length) in (0_u8..).zip(payloads) {
        let payload: Vec<u8> = (0..*length).map(|at| u8::try_from(at % 251).unwrap() ^ index).collect();
        let (mut wire, mut text) = ([0; 600], [0; 600]);
        let (from, to) = if index % 2 == 0 { (&mut ours, &mut theirs) } else { (&mut theirs, &mut ours) };
        let size = from.write_message(&payload, &mut wire).unwrap();
        // Damaged anywhere, it is refused and leaves no trace.
        for at in 0..size {
            let mut changed = wire;
            changed[at] ^= 1;
            assert!(to.read_message(&changed[..size], &mut text).is_err());
        }
        let read = to.read_message(&wire[..size], &mut text).unwrap();
        assert_eq!(text[..read], payload);
        messages.push(json!({ "payload": h(payload), "message": h(&wire[..size]), "hash_after": h(from.hash()) }));
    }
    let split = ours.split().unwrap();
    assert!(split == theirs.split().unwrap());
    let mut transport = Vec::new();
    for (direction, key) in [("to server", &split.initiator_to_responder), ("to device", &split.responder_to_initiator)]
    {
        let mut state = CipherState::<Dalek>::new(key.duplicate());
        for nonce in 0..2_u8 {
            let mut text = [0x30 + nonce; 14];
            let plain = text;
            let tag = state.encrypt(&[], &mut text).unwrap();
            transport.push(json!({
                "direction": direction, "nonce": nonce, "plaintext": h(plain), "message": h([&text[..], &tag].concat()),
            }));
        }
    }
    described["messages"] = messages.into();
    described["device_to_server_key"] = h(split.initiator_to_responder.expose());
    described["server_to_device_key"] = h(split.responder_to_initiator.expose());
    described["handshake_hash"] = h(split.hash);
    described["transport"] = transport.into();
    described
}

/// Public keys with which every Diffie-Hellman result is zero.
fn small_order() -> Vec<Value> {
    let order_8 = "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800";
    let points = [
        h([0; 32]),
        Value::from(format!("01{}", "00".repeat(31))),
        Value::from(order_8),
        Value::from(format!("ec{}7f", "ff".repeat(30))),
        Value::from(format!("ed{}7f", "ff".repeat(30))),
        Value::from(format!("ee{}7f", "ff".repeat(30))),
    ];
    for point in &points {
        let bytes = crate::support::hex_array(point.as_str().unwrap());
        assert!(Dalek::x25519(&secret(1), &bytes).is_err());
    }
    points.to_vec()
}

#[test]
fn chapter_1_noise() {
    let made = json!({
        "handshakes": [
            handshake("operate", &KK_PSK0, &[0x11, 7, 1, 2, 3, 4, 5, 6, 7, 8], &[70, 14]),
            handshake("resync", &IK, &[0x12, 7], &[78, 22]),
            handshake("enroll", &XK_PSK3, &[0x13, 0x80, 1, 2, 3, 4, 5, 6, 7], &[1, 169, 496]),
        ],
        "refused_public_keys": small_order(),
    });
    hold("01-noise.json", &made);
}

#[test]
fn chapter_5_pins() {
    let (token, device) = (TokenId::new([0x70; 16]), DeviceId::new([0xd0; 4]));
    let mut keys = Vec::new();
    for (pin, class) in [
        ("493817", Argon2Class::Test),
        ("271828", Argon2Class::Test),
        ("049381726506", Argon2Class::Test),
        ("493817", Argon2Class::Embedded),
    ] {
        let cost = class.cost();
        let mut memory = vec![<Dalek as Provider>::PinBlock::default(); usize::try_from(cost.memory_kib).unwrap()];
        let salt = secret(0x5a);
        let hash = Dalek::argon2id(pin.as_bytes(), &salt, cost, &mut memory).unwrap();
        let seed = Dalek::derive(&[], &[hash.expose()], &[b"cardea1 pin", token.bytes(), device.bytes()]);
        keys.push(json!({
            "pin": pin, "salt": h(salt.expose()), "memory_kib": cost.memory_kib, "passes": cost.passes, "lanes": 1,
            "token": h(token.bytes()), "device": h(device.bytes()), "argon2id": h(hash.expose()),
            "seed": h(seed.expose()), "key": h(Dalek::ed25519_public(&seed)),
        }));
    }
    let strict = Policy { duress: false, pin_min: 7, short_string: ShortString::Off, ..policy() };
    let sets: &[(&Policy, &[&str])] = &[
        (&policy(), &["493817"]),
        (&policy(), &["493817", "271828", "141421", "161803"]),
        (&policy(), &["493817", "271828", "141421", "161803", "577215"]),
        (&policy(), &["493817", "493818"]),
        (&policy(), &["493817", "493871"]),
        (&policy(), &["493817", "938174"]),
        (&policy(), &["493817", "2718281"]),
        (&policy(), &["493817", "271828", "271829"]),
        (&policy(), &["123456"]),
        (&policy(), &["987654"]),
        (&policy(), &["789012"]),
        (&policy(), &["777777"]),
        (&policy(), &["121212"]),
        (&policy(), &["493817265"]),
        (&strict, &["493817"]),
        (&strict, &["4938172"]),
        (&strict, &["4938172", "2718281"]),
    ];
    let sets: Vec<Value> = sets
        .iter()
        .map(|(policy, pins)| {
            let parsed: Vec<Pin> = pins.iter().map(|pin| Pin::new(pin.as_bytes()).unwrap()).collect();
            let result = PinSet { normal: &parsed[0], duress: &parsed[1..], biometric: false }.check(policy);
            let refused = result.err().map(|error| format!("{error:?}").split(' ').next().unwrap().to_owned());
            json!({
                "pin_min": policy.pin_min, "pin_max": policy.pin_max, "duress": policy.duress, "normal": pins[0],
                "duress_pins": pins[1..], "refused": refused,
            })
        })
        .collect();
    let not_pins = ["", "12345", "1234567890123", "49381a", "493 817", "\u{664}\u{669}\u{663}\u{668}\u{661}\u{667}"];
    assert!(not_pins.iter().all(|text| Pin::new(text.as_bytes()).is_err()));
    hold("05-pin.json", &json!({ "keys": keys, "sets": sets, "not_pins": not_pins }));
}

#[test]
fn chapter_5_biometric_slots() {
    let mut keys = Vec::new();
    for (bytes, token, device) in [(0xb1, 0x70, 0xd0), (0xb1, 0x71, 0xd0), (0xb1, 0x70, 0xd1), (0xb2, 0x70, 0xd0)] {
        let (secret, token, device) = (secret(bytes), [token; 16], [device; 4]);
        let seed = Dalek::derive(&[], &[secret.expose()], &[b"cardea1 biometric", &token, &device]);
        keys.push(json!({
            "secret": h(secret.expose()), "token": h(token), "device": h(device), "seed": h(seed.expose()),
            "key": h(Dalek::ed25519_public(&seed)),
        }));
    }
    hold("05-biometric.json", &json!({ "keys": keys }));
}

#[test]
fn chapter_6_statements() {
    let context = Context {
        generation: 0x0102_0304_0506_0708,
        sequence: 0x0a0b_0c0d,
        token: TokenId::new([0x70; 16]),
        device: DeviceId::new([0xd0; 4]),
        bind: [0xb1; 32],
    };
    let seed = secret(0x51);
    let entries = [1, 2, 3, 4].map(|byte| PinEntry { biometric: byte == 2, key: [byte; 32] });
    let (id, text) = (&[9; 8], "Pay 20 € to Ada");
    let other = DeviceId::new([0xd9; 4]);
    let confirmation = json!({ "confirmation_id": h(id), "text": text });
    let mut statements = Vec::new();
    for (op, win, extension, of) in [
        (Op::Open, 9, Extension::None, json!({})),
        (Op::Close, 0, Extension::None, json!({})),
        (Op::Unenroll, 0, Extension::None, json!({})),
        (Op::Confirm, 2, Extension::Confirmation { id, text }, confirmation.clone()),
        (Op::Deny, 0x21, Extension::Confirmation { id, text }, confirmation),
        (Op::SetPins, 0, Extension::Pins(&entries), json!({ "entries": h(SetPins::entries_bytes(&entries)) })),
        (Op::Rotate, 0, Extension::Key(&[0x77; 32]), json!({ "key": h([0x77; 32]) })),
        (Op::RevokeDevice, 0, Extension::Device(&other), json!({ "device": h(other.bytes()) })),
        (Op::Resync, 0, Extension::None, json!({})),
    ] {
        let statement = Statement::new::<Dalek>(op, win, NOW, &context, extension);
        let signature = Dalek::ed25519_sign(&seed, statement.bytes());
        statements.push(json!({
            "op": op.number(), "win": win, "time": NOW, "extension": of, "statement": h(statement.bytes()),
            "signature": h(signature), "attempt_key": h(statement.attempt_key::<Dalek>(&signature)),
        }));
    }
    let ids = [0_u64, 1, 65_535].map(|nonce| {
        let id = ratchet::operation_id::<Dalek>(&[0xb1; 32], nonce);
        json!({ "handshake_hash": h([0xb1; 32]), "nonce": nonce, "id": h(id) })
    });
    let made = json!({
        "generation": "0102030405060708", "sequence": "0a0b0c0d", "token": h(context.token.bytes()),
        "device": h(context.device.bytes()), "bind": h(context.bind), "signing_seed": h(seed.expose()),
        "verification_key": h(Dalek::ed25519_public(&seed)), "statements": statements,
        "operation_ids": ids,
    });
    hold("06-statements.json", &made);
}
