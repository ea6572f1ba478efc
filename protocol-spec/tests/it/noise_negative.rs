//! What the engine refuses, and that a refusal leaves no trace.

use cardea_protocol::Secret;
use cardea_protocol::crypto::{Dalek, TAG_LEN};
use cardea_protocol::noise::{
    CipherState, Handshake, IK, KK_PSK0, KeyPair, Keys, MAX_MESSAGE_LEN, MAX_PROLOGUE_PARTS, NoiseError, Pattern, Role,
    XK_PSK3,
};

use crate::noise_patterns::pattern;
use crate::support::Seeded;

/// A device's payloads differ in length from message to message, as the protocol's do.
const PAYLOADS: [&[u8]; 3] = [&[7; 70], &[8; 14], &[9; 33]];

fn keys(pattern: &Pattern, role: Role, own: &KeyPair, peer: &KeyPair, random: &mut Seeded) -> Keys {
    let pre = match role {
        Role::Initiator => pattern.responder_pre,
        Role::Responder => pattern.initiator_pre,
    };
    Keys {
        s: Some(own.duplicate()),
        e: Some(random.pair()),
        rs: pre.then(|| *peer.public()),
        psk: pattern.has_psk().then(|| Secret::new([3; 32])),
    }
}

fn start(pattern: &'static Pattern, seed: u64) -> [Handshake<Dalek>; 2] {
    let mut random = Seeded::new(seed);
    let (a, b) = (random.pair(), random.pair());
    let initiator = keys(pattern, Role::Initiator, &a, &b, &mut random);
    let responder = keys(pattern, Role::Responder, &b, &a, &mut random);
    [(Role::Initiator, initiator), (Role::Responder, responder)]
        .map(|(role, keys)| Handshake::new(pattern, role, &[b"prologue"], keys).expect("the keys fit"))
}

fn misuse<T>(result: &Result<T, NoiseError>) -> bool {
    matches!(result, Err(NoiseError::ApiMisuse(_)))
}

/// Offers `bad` and checks that it is refused without a trace.
fn refuses(receiver: &mut Handshake<Dalek>, bad: &[u8], case: &str) -> NoiseError {
    let before = (*receiver.hash(), receiver.remote_static().copied(), receiver.remote_ephemeral().copied());
    let mut text = [0xaa; 200];
    let error = receiver.read_message(bad, &mut text).expect_err(case);
    assert_eq!(text, [0; 200], "{case}: the payload is wiped");
    let after = (*receiver.hash(), receiver.remote_static().copied(), receiver.remote_ephemeral().copied());
    assert_eq!(before, after, "{case}: the state is untouched");
    error
}

/// Every message of `pattern` in turn: damaged in every way first, then genuine.
fn damage(pattern: &'static Pattern) {
    let [mut sender, mut receiver] = start(pattern, 1);
    for (index, payload) in PAYLOADS.iter().take(pattern.messages.len()).enumerate() {
        let (mut wire, mut text) = ([0; 300], [0; 200]);
        let length = sender.write_message(payload, &mut wire).expect("writes");
        let overhead = length - payload.len();
        let wire = &wire[..length];
        for cut in 0..length {
            let error = refuses(&mut receiver, &wire[..cut], &format!("message {index} cut to {cut}"));
            if cut < overhead {
                assert_eq!(error, NoiseError::MessageLength);
            }
        }
        for more in [1, 16] {
            let longer = [wire, &vec![0; more]].concat();
            let error = refuses(&mut receiver, &longer, &format!("message {index} with {more} bytes more"));
            assert_eq!(error, NoiseError::Decrypt);
        }
        let error = refuses(&mut receiver, &vec![0; MAX_MESSAGE_LEN + 1], "longer than any message");
        assert_eq!(error, NoiseError::MessageLength);
        for at in 0..length {
            for bit in [0x01, 0x80] {
                let mut changed = wire.to_vec();
                changed[at] ^= bit;
                // The top bit of a public key does not take part in X25519, but it is hashed.
                refuses(&mut receiver, &changed, &format!("message {index}, byte {at} changed by {bit:#x}"));
            }
        }
        let length = receiver.read_message(wire, &mut text).expect("the genuine message still works");
        assert_eq!(&text[..length], *payload);
        core::mem::swap(&mut sender, &mut receiver);
    }
    assert!(sender.split().expect("finished") == receiver.split().expect("finished"));
}

#[test]
fn damaged_messages_of_kk_psk0_leave_no_trace() {
    damage(&KK_PSK0);
}

#[test]
fn damaged_messages_of_xk_psk3_leave_no_trace() {
    damage(&XK_PSK3);
}

#[test]
fn damaged_messages_of_ik_leave_no_trace() {
    damage(&IK);
}

/// The other patterns of the vectors that encrypt their first message.
#[test]
fn damaged_messages_of_other_patterns_leave_no_trace() {
    for name in ["KK", "IKpsk1", "NKpsk0", "NNpsk0", "X"] {
        damage(pattern(&format!("Noise_{name}_25519_ChaChaPoly_SHA256")));
    }
}

#[test]
fn a_message_of_another_handshake_is_refused() {
    for pattern in [&KK_PSK0, &XK_PSK3, &IK] {
        let [mut one, _] = start(pattern, 1);
        let [_, mut other] = start(pattern, 2);
        let mut wire = [0; 200];
        let length = one.write_message(b"payload", &mut wire).expect("writes");
        assert_eq!(refuses(&mut other, &wire[..length], "other keys"), NoiseError::Decrypt);
    }
}

#[test]
fn another_prologue_or_pattern_name_is_refused() {
    static RENAMED: Pattern = Pattern {
        name: "Noise_KKpsk0_25519_ChaChaPoly_SHA257",
        initiator_pre: true,
        responder_pre: true,
        messages: KK_PSK0.messages,
    };
    let mut random = Seeded::new(1);
    let (a, b) = (random.pair(), random.pair());
    for (pattern, prologue) in [(&KK_PSK0, &b"prologuf"[..]), (&KK_PSK0, b""), (&RENAMED, b"prologue")] {
        let [mut initiator, _] = start(&KK_PSK0, 1);
        let keys = keys(&KK_PSK0, Role::Responder, &b, &a, &mut random);
        let mut responder = Handshake::<Dalek>::new(pattern, Role::Responder, &[prologue], keys).expect("fits");
        let mut wire = [0; 200];
        let length = initiator.write_message(b"", &mut wire).expect("writes");
        assert_eq!(refuses(&mut responder, &wire[..length], "changed"), NoiseError::Decrypt);
    }
}

/// Points of small order, as the peer's ephemeral key: every DH with them is zero.
#[test]
fn an_ephemeral_key_of_small_order_is_refused() {
    let mut one = [0; 32];
    one[0] = 1;
    for point in [[0; 32], one] {
        for pattern in [&KK_PSK0, &XK_PSK3, &IK] {
            let [mut initiator, mut responder] = start(pattern, 1);
            let (mut wire, mut text) = ([0; 200], [0; 200]);
            let length = initiator.write_message(b"payload", &mut wire).expect("writes");
            let mut changed = wire;
            changed[..32].copy_from_slice(&point);
            assert_eq!(refuses(&mut responder, &changed[..length], "message 1"), NoiseError::Dh);
            responder.read_message(&wire[..length], &mut text).expect("the genuine message still works");

            let length = responder.write_message(b"reply", &mut wire).expect("writes");
            let mut changed = wire;
            changed[..32].copy_from_slice(&point);
            assert_eq!(refuses(&mut initiator, &changed[..length], "message 2"), NoiseError::Dh);
            initiator.read_message(&wire[..length], &mut text).expect("the genuine message still works");
        }
    }
}

#[test]
fn a_static_key_of_small_order_stops_the_writer() {
    let mut random = Seeded::new(1);
    let keys = Keys { s: Some(random.pair()), e: Some(random.pair()), rs: Some([0; 32]), psk: None };
    let mut initiator = Handshake::<Dalek>::new(&IK, Role::Initiator, &[], keys).expect("fits");
    let before = *initiator.hash();
    let mut wire = [0; 200];
    assert_eq!(initiator.write_message(b"secret payload", &mut wire), Err(NoiseError::Dh));
    assert_eq!(*initiator.hash(), before);
    assert!(!wire.windows(6).any(|window| window == b"secret"));
}

#[test]
fn keys_that_do_not_fit_the_pattern_are_refused() {
    let mut random = Seeded::new(1);
    let mut pair = || random.pair();
    let public = *pair().public();
    let psk = || Some(Secret::new([1; 32]));
    let new = |pattern, role, keys| Handshake::<Dalek>::new(pattern, role, &[], keys).map(|_| ());
    let cases = [
        (&KK_PSK0, Role::Initiator, Keys { s: None, e: Some(pair()), rs: Some(public), psk: psk() }),
        (&KK_PSK0, Role::Initiator, Keys { s: Some(pair()), e: Some(pair()), rs: None, psk: psk() }),
        (&XK_PSK3, Role::Initiator, Keys { s: None, e: Some(pair()), rs: Some(public), psk: psk() }),
        (&XK_PSK3, Role::Responder, Keys { s: Some(pair()), e: Some(pair()), rs: Some(public), psk: psk() }),
        (&XK_PSK3, Role::Responder, Keys { s: None, e: Some(pair()), rs: None, psk: psk() }),
        (&IK, Role::Initiator, Keys { s: Some(pair()), e: Some(pair()), rs: Some(public), psk: psk() }),
    ];
    for (index, (pattern, role, keys)) in cases.into_iter().enumerate() {
        assert!(misuse(&new(pattern, role, keys)), "case {index}");
    }
}

#[test]
fn a_prologue_in_too_many_parts_is_refused() {
    let mut random = Seeded::new(1);
    let mut new = |parts: &[&[u8]]| {
        let keys = Keys { s: Some(random.pair()), e: None, rs: Some([9; 32]), psk: None };
        Handshake::<Dalek>::new(&IK, Role::Initiator, parts, keys).map(|handshake| *handshake.hash())
    };
    let whole = new(&[b"abcdefg"]).map(|_| ());
    assert_eq!(whole, Ok(()));
    assert!(new(&[&b"x"[..]; MAX_PROLOGUE_PARTS]).is_ok());
    assert!(misuse(&new(&[&b"x"[..]; MAX_PROLOGUE_PARTS + 1])));
}

#[test]
fn steps_out_of_turn_are_refused() {
    let [mut initiator, mut responder] = start(&KK_PSK0, 1);
    let (mut wire, mut text) = ([0; 200], [0; 200]);
    assert!(misuse(&responder.write_message(b"", &mut wire)), "the initiator is first");
    assert!(misuse(&initiator.read_message(&wire, &mut text)), "the initiator is first");
    let length = initiator.write_message(b"one", &mut wire).expect("writes");
    assert!(misuse(&initiator.write_message(b"again", &mut [0; 200])), "then the responder");
    responder.read_message(&wire[..length], &mut text).expect("reads");
    assert!(misuse(&responder.read_message(&wire[..length], &mut text)), "not a second time");
    let length = responder.write_message(b"two", &mut wire).expect("writes");
    assert_eq!(responder.overhead(), 0);
    assert!(responder.is_finished() && !initiator.is_finished());
    assert!(misuse(&responder.write_message(b"", &mut text)), "nothing follows");
    assert!(misuse(&responder.read_message(&wire[..length], &mut text)), "nothing follows");
    assert!(misuse(&initiator.split()), "too early");
}

#[test]
fn a_buffer_that_is_too_short_costs_nothing() {
    let [mut initiator, mut responder] = start(&KK_PSK0, 1);
    let (mut wire, mut text) = ([0; 200], [0; 200]);
    let length = 5 + initiator.overhead();
    assert_eq!(initiator.overhead(), 48);
    assert!(misuse(&initiator.write_message(b"hello", &mut wire[..length - 1])));
    assert_eq!(initiator.write_message(&[0; MAX_MESSAGE_LEN - 47], &mut wire), Err(NoiseError::MessageLength));
    assert_eq!(initiator.write_message(b"hello", &mut wire[..length]), Ok(length));
    assert_eq!(responder.read_message(&wire[..length], &mut text[..4]), Err(NoiseError::MessageLength));
    assert_eq!(responder.read_message(&wire[..length], &mut text[..5]), Ok(5));
    assert_eq!(&text[..5], b"hello");
}

#[test]
fn the_longest_message_passes() {
    let [mut initiator, mut responder] = start(&KK_PSK0, 1);
    let (mut wire, mut text) = (vec![0; MAX_MESSAGE_LEN], vec![0; MAX_MESSAGE_LEN]);
    let payload = vec![5; MAX_MESSAGE_LEN - 48];
    assert_eq!(initiator.write_message(&payload, &mut wire), Ok(MAX_MESSAGE_LEN));
    assert_eq!(responder.read_message(&wire, &mut text), Ok(payload.len()));
    assert_eq!(text[..payload.len()], payload);
}

#[test]
fn keys_may_come_when_they_are_needed() {
    let mut random = Seeded::new(1);
    let (a, b) = (random.pair(), random.pair());
    let initiator = keys(&XK_PSK3, Role::Initiator, &a, &b, &mut random);
    let mut initiator = Handshake::<Dalek>::new(&XK_PSK3, Role::Initiator, &[], initiator).expect("fits");
    let responder = Keys { s: Some(b), e: None, rs: None, psk: None };
    let mut responder = Handshake::<Dalek>::new(&XK_PSK3, Role::Responder, &[], responder).expect("fits");
    let (mut wire, mut text) = ([0; 200], [0; 200]);
    let length = initiator.write_message(b"one", &mut wire).expect("writes");
    responder.read_message(&wire[..length], &mut text).expect("reads");
    assert!(misuse(&responder.write_message(b"two", &mut wire)), "no ephemeral key yet");
    responder.set_ephemeral(random.pair()).expect("the first one");
    assert!(misuse(&responder.set_ephemeral(random.pair())), "one per handshake");
    let length = responder.write_message(b"two", &mut wire).expect("writes");
    initiator.read_message(&wire[..length], &mut text).expect("reads");
    let length = initiator.write_message(b"three", &mut wire).expect("writes");
    assert!(misuse(&responder.read_message(&wire[..length], &mut text)), "no pre-shared key yet");
    responder.set_psk(Secret::new([4; 32]));
    assert_eq!(refuses(&mut responder, &wire[..length], "another pre-shared key"), NoiseError::Decrypt);
    assert_eq!(responder.remote_static(), None, "not before its message authenticated");
    responder.set_psk(Secret::new([3; 32]));
    responder.read_message(&wire[..length], &mut text).expect("reads");
    assert_eq!(responder.remote_static(), Some(a.public()));
    assert!(initiator.split().expect("finished") == responder.split().expect("finished"));
}

#[test]
fn lost_repeated_and_reordered_session_messages_are_refused() {
    let (mut sender, mut receiver) =
        (CipherState::<Dalek>::new(Secret::new([1; 32])), CipherState::<Dalek>::new(Secret::new([1; 32])));
    let mut seal = |text: &[u8]| {
        let mut buffer = text.to_vec();
        let tag = sender.encrypt(b"ad", &mut buffer).expect("encrypts");
        (buffer, tag)
    };
    let mut open = |(body, tag): &(Vec<u8>, [u8; TAG_LEN]), associated: &[u8]| {
        let mut buffer = body.clone();
        let before = receiver.nonce();
        let result = receiver.decrypt(associated, &mut buffer, tag);
        assert_eq!(receiver.nonce(), before + u64::from(result.is_ok()));
        if result.is_err() {
            assert_eq!(&buffer, body, "nothing is decrypted");
        }
        result.map(|()| buffer)
    };
    let messages = [seal(b"zero"), seal(b"one"), seal(b"two")];
    assert_eq!(open(&messages[1], b"ad"), Err(NoiseError::Decrypt));
    assert_eq!(open(&messages[0], b"da"), Err(NoiseError::Decrypt));
    assert_eq!(open(&messages[0], b"ad"), Ok(b"zero".to_vec()));
    assert_eq!(open(&messages[0], b"ad"), Err(NoiseError::Decrypt));
    assert_eq!(open(&messages[2], b"ad"), Err(NoiseError::Decrypt));
    assert_eq!(open(&messages[1], b"ad"), Ok(b"one".to_vec()));
    for at in 0..3 {
        let mut changed = messages[2].clone();
        changed.0[at] ^= 1;
        assert_eq!(open(&changed, b"ad"), Err(NoiseError::Decrypt));
    }
    for at in 0..TAG_LEN {
        let mut changed = messages[2].clone();
        changed.1[at] ^= 1;
        assert_eq!(open(&changed, b"ad"), Err(NoiseError::Decrypt));
    }
    assert_eq!(open(&messages[2], b"ad"), Ok(b"two".to_vec()));
}

#[test]
fn a_session_message_has_a_greatest_length() {
    let mut state = CipherState::<Dalek>::new(Secret::new([1; 32]));
    assert_eq!(state.encrypt(&[], &mut vec![0; MAX_MESSAGE_LEN - TAG_LEN + 1]), Err(NoiseError::MessageLength));
    assert_eq!(state.nonce(), 0);
    assert!(state.encrypt(&[], &mut vec![0; MAX_MESSAGE_LEN - TAG_LEN]).is_ok());
    assert_eq!(state.nonce(), 1);
}

#[test]
fn nothing_secret_is_printed() {
    let [initiator, _] = start(&KK_PSK0, 1);
    let pair = KeyPair::from_secret::<Dalek>(Secret::new([0x5a; 32]));
    let state = CipherState::<Dalek>::new(Secret::new([0x5a; 32]));
    let keys = Keys { s: Some(pair), e: None, rs: None, psk: Some(Secret::new([0x5a; 32])) };
    let text = format!("{initiator:?} {keys:?} {state:?}");
    assert!(text.contains("Noise_KKpsk0") && text.contains("[redacted]"));
    assert!(!text.contains("90, 90") && !text.contains("5a"));
    for error in [
        NoiseError::ApiMisuse("a rule"),
        NoiseError::MessageLength,
        NoiseError::Decrypt,
        NoiseError::Dh,
        NoiseError::Exhausted,
    ] {
        let text = error.to_string();
        assert!(text.starts_with(char::is_lowercase), "{text}");
        assert!(!text.ends_with('.'), "{text}");
    }
}
