//! Sessions with `snow`, an independent implementation, in both roles.

use cardea_protocol::Secret;
use cardea_protocol::crypto::{Dalek, TAG_LEN};
use cardea_protocol::noise::{CipherState, Handshake, IK, KK_PSK0, Keys, Pattern, Role, XK_PSK3};

use crate::support::Seeded;

/// Sessions per pattern and role.
const SESSIONS: u64 = 60;
/// Longest payload.
const LONGEST: usize = 600;

/// Where the pre-shared key stands in the pattern's name, if it has one.
fn psk_place(pattern: &Pattern) -> Option<u8> {
    let (_, place) = pattern.name.split_once("psk")?;
    Some(place.split('_').next().expect("a number").parse().expect("a number"))
}

struct Peers {
    ours: Handshake<Dalek>,
    theirs: snow::HandshakeState,
}

fn peers(pattern: &'static Pattern, role: Role, random: &mut Seeded) -> Peers {
    let (ours, theirs, prologue) = (random.pair(), random.pair(), random.bytes(40));
    let (our_e, their_e, psk) = (random.pair(), random.array(), random.array());
    let knows = |pre| if pre { Some(()) } else { None };
    let (we_know, they_know) = match role {
        Role::Initiator => (knows(pattern.responder_pre), knows(pattern.initiator_pre)),
        Role::Responder => (knows(pattern.initiator_pre), knows(pattern.responder_pre)),
    };

    let mut builder = snow::Builder::new(pattern.name.parse().expect("snow knows the protocol"))
        .local_private_key(theirs.secret().expose())
        .and_then(|builder| builder.prologue(&prologue))
        .expect("snow takes the keys")
        .fixed_ephemeral_key_for_testing_only(&their_e);
    if they_know.is_some() {
        builder = builder.remote_public_key(ours.public()).expect("snow takes the key");
    }
    if let Some(place) = psk_place(pattern) {
        builder = builder.psk(place, &psk).expect("snow takes the key");
    }
    let their_state = match role {
        Role::Initiator => builder.build_responder(),
        Role::Responder => builder.build_initiator(),
    };

    // The prologue in pieces must be the prologue in one.
    let (front, back) = prologue.split_at(prologue.len() / 2);
    let mut our_state = Handshake::new(
        pattern,
        role,
        &[front, back],
        Keys { s: Some(ours.duplicate()), e: None, rs: we_know.map(|()| *theirs.public()), psk: None },
    )
    .expect("the keys fit");
    our_state.set_ephemeral(our_e).expect("the first one");
    if pattern.has_psk() {
        our_state.set_psk(Secret::new(psk));
    }
    Peers { ours: our_state, theirs: their_state.expect("snow starts") }
}

/// One whole session; every message has a random length.
fn session(pattern: &'static Pattern, role: Role, seed: u64) {
    let mut random = Seeded::new(seed);
    let Peers { mut ours, mut theirs } = peers(pattern, role, &mut random);
    let mut we_send = role == Role::Initiator;
    let (mut wire, mut text) = ([0; 1024], [0; 1024]);
    while !ours.is_finished() {
        let payload = random.bytes(LONGEST);
        let length = if we_send {
            let length = ours.write_message(&payload, &mut wire).expect("we write");
            theirs.read_message(&wire[..length], &mut text).expect("snow reads")
        } else {
            let length = theirs.write_message(&payload, &mut wire).expect("snow writes");
            ours.read_message(&wire[..length], &mut text).expect("we read")
        };
        assert_eq!(text[..length], payload);
        assert_eq!(ours.hash(), theirs.get_handshake_hash());
        we_send = !we_send;
    }
    assert!(theirs.is_handshake_finished());

    let mut theirs = theirs.into_transport_mode().expect("finished");
    let split = ours.split().expect("finished");
    let (forth, back) = (
        CipherState::<Dalek>::new(split.initiator_to_responder),
        CipherState::<Dalek>::new(split.responder_to_initiator),
    );
    let (mut sending, mut receiving) = match role {
        Role::Initiator => (forth, back),
        Role::Responder => (back, forth),
    };
    for _ in 0..random.below(12) {
        let payload = random.bytes(LONGEST);
        if random.below(2) == 0 {
            let (body, rest) = wire.split_at_mut(payload.len());
            body.copy_from_slice(&payload);
            let tag = sending.encrypt(&[], body).expect("we encrypt");
            rest[..TAG_LEN].copy_from_slice(&tag);
            let length = theirs.read_message(&wire[..payload.len() + TAG_LEN], &mut text).expect("snow decrypts");
            assert_eq!(text[..length], payload);
        } else {
            let length = theirs.write_message(&payload, &mut wire).expect("snow encrypts");
            let (body, tag) = wire[..length].split_last_chunk_mut::<TAG_LEN>().expect("longer than a tag");
            receiving.decrypt(&[], body, tag).expect("we decrypt");
            assert_eq!(body, payload);
        }
    }
    assert_eq!(sending.nonce(), theirs.receiving_nonce());
    assert_eq!(receiving.nonce(), theirs.sending_nonce());
}

fn both_roles(pattern: &'static Pattern) {
    for seed in 0..SESSIONS {
        session(pattern, Role::Initiator, seed);
        session(pattern, Role::Responder, SESSIONS + seed);
    }
}

#[test]
fn kk_psk0_with_snow_in_both_roles() {
    both_roles(&KK_PSK0);
}

#[test]
fn xk_psk3_with_snow_in_both_roles() {
    both_roles(&XK_PSK3);
}

#[test]
fn ik_with_snow_in_both_roles() {
    both_roles(&IK);
}

#[test]
fn snow_does_not_accept_another_pre_shared_key() {
    let mut random = Seeded::new(9);
    let Peers { mut ours, mut theirs } = peers(&KK_PSK0, Role::Initiator, &mut random);
    ours.set_psk(Secret::new([1; 32]));
    let (mut wire, mut text) = ([0; 256], [0; 256]);
    let length = ours.write_message(b"request", &mut wire).expect("we write");
    assert!(theirs.read_message(&wire[..length], &mut text).is_err());
}
