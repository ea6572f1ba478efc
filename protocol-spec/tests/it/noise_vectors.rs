//! The 59 vectors of cacophony for `25519_ChaChaPoly_SHA256`, each run from both sides.

use std::panic::catch_unwind;

use cardea_protocol::Secret;
use cardea_protocol::crypto::{Dalek, TAG_LEN};
use cardea_protocol::noise::{CipherState, Handshake, KeyPair, Keys, Role, Split};
use serde::Deserialize;

use crate::noise_patterns::pattern;
use crate::support::{hex, hex_array, third_party};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    vectors: Vec<Vector>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct Vector {
    protocol_name: String,
    init_prologue: String,
    #[serde(default)]
    init_psks: Vec<String>,
    init_static: Option<String>,
    init_ephemeral: String,
    init_remote_static: Option<String>,
    resp_prologue: String,
    #[serde(default)]
    resp_psks: Vec<String>,
    resp_static: Option<String>,
    resp_ephemeral: Option<String>,
    resp_remote_static: Option<String>,
    handshake_hash: String,
    messages: Vec<Message>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct Message {
    payload: String,
    ciphertext: String,
}

fn vectors() -> Vec<Vector> {
    let file: File = serde_json::from_str(&third_party("noise/cacophony.json")).expect("the file has this form");
    file.vectors
}

fn pair(secret: Option<&String>) -> Option<KeyPair> {
    secret.map(|secret| KeyPair::from_secret::<Dalek>(Secret::new(hex_array(secret))))
}

fn side(vector: &Vector, role: Role) -> Handshake<Dalek> {
    let (prologue, psks, s, e, rs) = match role {
        Role::Initiator => (
            &vector.init_prologue,
            &vector.init_psks,
            &vector.init_static,
            Some(&vector.init_ephemeral),
            &vector.init_remote_static,
        ),
        Role::Responder => (
            &vector.resp_prologue,
            &vector.resp_psks,
            &vector.resp_static,
            vector.resp_ephemeral.as_ref(),
            &vector.resp_remote_static,
        ),
    };
    assert!(psks.len() <= 1, "one pre-shared key at most");
    let keys = Keys {
        s: pair(s.as_ref()),
        e: pair(e),
        rs: rs.as_deref().map(hex_array),
        psk: psks.first().map(|psk| Secret::new(hex_array(psk))),
    };
    Handshake::new(pattern(&vector.protocol_name), role, &[&hex(prologue)], keys).expect("the keys fit the pattern")
}

/// The session of one side: what it sends with and what it receives with.
fn session(split: Split, role: Role) -> [CipherState<Dalek>; 2] {
    let (forth, back) =
        (CipherState::new(split.initiator_to_responder), CipherState::new(split.responder_to_initiator));
    match role {
        Role::Initiator => [forth, back],
        Role::Responder => [back, forth],
    }
}

/// Runs a vector between two engines and holds every byte that either writes or reads against it.
fn run(vector: &Vector) {
    let pattern = pattern(&vector.protocol_name);
    let mut initiator = side(vector, Role::Initiator);
    let mut responder = side(vector, Role::Responder);
    let (handshake, transport) = vector.messages.split_at(pattern.messages.len());
    for (index, message) in handshake.iter().enumerate() {
        let (sender, receiver) =
            if index % 2 == 0 { (&mut initiator, &mut responder) } else { (&mut responder, &mut initiator) };
        let (payload, ciphertext) = (hex(&message.payload), hex(&message.ciphertext));
        let (mut wire, mut text) = ([0; 512], [0; 512]);
        assert_eq!(sender.overhead(), ciphertext.len() - payload.len());
        assert_eq!(receiver.overhead(), sender.overhead());
        let length = sender.write_message(&payload, &mut wire).expect("the message is written");
        assert_eq!(&wire[..length], ciphertext, "message {index} as written");
        let length = receiver.read_message(&ciphertext, &mut text).expect("the message is read");
        assert_eq!(&text[..length], payload, "message {index} as read");
        assert_eq!(sender.hash(), receiver.hash(), "hash after message {index}");
    }
    assert!(initiator.is_finished() && responder.is_finished());
    let public = |secret: &Option<String>| pair(secret.as_ref()).map(|pair| *pair.public());
    if initiator.remote_static().is_some() {
        assert_eq!(initiator.remote_static().copied(), public(&vector.resp_static));
    }
    if responder.remote_static().is_some() {
        assert_eq!(responder.remote_static().copied(), public(&vector.init_static));
    }
    let (of_initiator, of_responder) = (initiator.split().expect("finished"), responder.split().expect("finished"));
    assert_eq!(of_initiator, of_responder);
    assert_eq!(of_initiator.hash.as_slice(), hex(&vector.handshake_hash));

    let mut initiator = session(of_initiator, Role::Initiator);
    let mut responder = session(of_responder, Role::Responder);
    for (index, message) in transport.iter().enumerate() {
        let forth = pattern.is_one_way() || (handshake.len() + index).is_multiple_of(2);
        let [(sender, _), (_, receiver)] = if forth {
            let ([send, rest], [other, receive]) = (&mut initiator, &mut responder);
            [(send, rest), (other, receive)]
        } else {
            let ([other, receive], [send, rest]) = (&mut initiator, &mut responder);
            [(send, rest), (other, receive)]
        };
        let (payload, ciphertext) = (hex(&message.payload), hex(&message.ciphertext));
        let mut buffer = payload.clone();
        let tag = sender.encrypt(&[], &mut buffer).expect("encrypts");
        assert_eq!([&buffer[..], &tag].concat(), ciphertext, "transport message {index} as written");
        let (body, tag) = ciphertext.split_last_chunk::<TAG_LEN>().expect("longer than a tag");
        let mut buffer = body.to_vec();
        receiver.decrypt(&[], &mut buffer, tag).expect("decrypts");
        assert_eq!(buffer, payload, "transport message {index} as read");
    }
}

#[test]
fn all_59_vectors_pass_in_both_roles() {
    let vectors = vectors();
    for vector in &vectors {
        println!("{}", vector.protocol_name);
        run(vector);
    }
    assert_eq!(vectors.len(), 59);
    let mut names: Vec<_> = vectors.iter().map(|vector| &vector.protocol_name).collect();
    names.dedup();
    assert_eq!(names.len(), 59, "every vector is another protocol");
    assert!(vectors.iter().all(|vector| vector.messages.len() == 6));
}

#[test]
fn a_corrupted_vector_fails() {
    let flip = |text: &str, at: usize| {
        let mut bytes = hex(text);
        bytes[at] ^= 1;
        bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let genuine = vectors();
    for name in ["KKpsk0", "XKpsk3", "IK"] {
        let vector = genuine.iter().find(|vector| vector.protocol_name.contains(&format!("_{name}_"))).expect("there");
        run(vector);
        let corrupt = |change: &dyn Fn(&mut Vector)| {
            let mut vector = vector.clone();
            change(&mut vector);
            catch_unwind(|| run(&vector)).is_err()
        };
        assert!(corrupt(&|vector| vector.handshake_hash = flip(&vector.handshake_hash, 31)), "{name}: hash");
        assert!(corrupt(&|vector| vector.resp_prologue = flip(&vector.resp_prologue, 0)), "{name}: prologue");
        for index in 0..6 {
            assert!(
                corrupt(&|vector| {
                    let message = &mut vector.messages[index];
                    message.ciphertext = flip(&message.ciphertext, 3);
                }),
                "{name}: message {index}"
            );
            assert!(
                corrupt(&|vector| {
                    let message = &mut vector.messages[index];
                    message.payload = flip(&message.payload, 0);
                }),
                "{name}: payload {index}"
            );
        }
    }
}
