//! What is run. Every check returns `None` if something is wrong; add yours to [`ALL`].
#![forbid(unsafe_code)]

use cardea_protocol::Secret;
use cardea_protocol::crypto::{Argon2Cost, Dalek, Provider};
use cardea_protocol::noise::{CipherState, Handshake, KK_PSK0, KeyPair, Keys, NoiseError, Role};

/// A check by name.
pub(crate) type Check = (&'static str, fn() -> Option<()>);

/// All checks, in the order in which they run.
pub(crate) const ALL: [Check; 5] = [
    ("primitives", primitives),
    ("handshake against the published vector", handshake_vector),
    ("session", session),
    ("damaged message", damaged_message),
    ("device and server", crate::conversation::conversation),
];

pub(crate) fn ensure(condition: bool) -> Option<()> {
    condition.then_some(())
}

/// The bytes of a hexadecimal text, at compile time.
const fn hex<const N: usize>(text: &str) -> [u8; N] {
    const fn digit(digit: u8) -> u8 {
        match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => panic!("hexadecimal digits only"),
        }
    }
    let text = text.as_bytes();
    assert!(text.len() == 2 * N, "two digits for each byte");
    let mut bytes = [0; N];
    let mut at = 0;
    while at < N {
        bytes[at] = digit(text[2 * at]) << 4 | digit(text[2 * at + 1]);
        at += 1;
    }
    bytes
}

fn pair(secret: [u8; 32]) -> KeyPair {
    KeyPair::from_secret::<Dalek>(Secret::new(secret))
}

/// Signature, key derivation and Argon2id; the handshake brings the rest.
fn primitives() -> Option<()> {
    // RFC 8032, section 7.1, test 2.
    const SEED: [u8; 32] = hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
    const PUBLIC: [u8; 32] = hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    const SIGNATURE: [u8; 64] = hex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    );
    // The reference implementation: PIN 123456, salt 00 01 .. 1f, 8 KiB, one pass.
    const SALT: [u8; 32] = hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    const PIN_KEY: [u8; 32] = hex("5b1a084df0ed5424212e6d4a142ecf11e850bfc43cf8da23a231bb4834037ec4");

    let seed = Secret::new(SEED);
    ensure(Dalek::ed25519_public(&seed) == PUBLIC)?;
    ensure(Dalek::ed25519_sign(&seed, &[0x72]) == SIGNATURE)?;
    ensure(Dalek::ed25519_verify(&PUBLIC, &[0x72], &SIGNATURE))?;
    ensure(!Dalek::ed25519_verify(&PUBLIC, &[0x73], &SIGNATURE))?;

    let mut memory = [(); 8].map(|()| <Dalek as Provider>::PinBlock::default());
    let cost = Argon2Cost { memory_kib: 8, passes: 1 };
    ensure(Dalek::argon2id(b"123456", &Secret::new(SALT), cost, &mut memory).ok()? == Secret::new(PIN_KEY))?;
    ensure(Dalek::argon2id(b"123456", &Secret::new(SALT), cost, &mut memory[..7]).is_err())
}

/// Both sides of `Noise_KKpsk0` against the vector of cacophony.
fn handshake_vector() -> Option<()> {
    const MESSAGE_1: [u8; 64] = hex(
        "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c794423f19812300a6051f02195db0722909fc920796814cfc886ab3a8083c66a5961",
    );
    const MESSAGE_2: [u8; 63] = hex(
        "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f14480884320acfe866b4ede922f007d89dbf507216d6aa8646c7fba098da374b1784d4b",
    );
    const HASH: [u8; 32] = hex("32afcdbb63cf90f25409090bc11f7546c534dfb03f37c1626a0cf758881e746f");

    let (mut initiator, mut responder) = handshake()?;
    let (mut wire, mut text) = ([0; 64], [0; 16]);
    ensure(initiator.write_message(b"Ludwig von Mises", &mut wire) == Ok(64) && wire == MESSAGE_1)?;
    ensure(responder.read_message(&wire, &mut text) == Ok(16) && &text == b"Ludwig von Mises")?;
    ensure(responder.write_message(b"Murray Rothbard", &mut wire) == Ok(63) && wire[..63] == MESSAGE_2)?;
    ensure(initiator.read_message(&wire[..63], &mut text) == Ok(15) && &text[..15] == b"Murray Rothbard")?;
    let split = initiator.split().ok()?;
    ensure(split == responder.split().ok()? && split.hash == HASH)
}

fn handshake() -> Option<(Handshake<Dalek>, Handshake<Dalek>)> {
    const PSK: [u8; 32] = *b"This is my Austrian perspective!";
    let device = pair(hex("e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1"));
    let server = pair(hex("4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893"));
    let (of_device, of_server) = (*device.public(), *server.public());
    let side = |role, s, e, rs| {
        let keys = Keys { s: Some(s), e: Some(pair(e)), rs: Some(rs), psk: Some(Secret::new(PSK)) };
        Handshake::new(&KK_PSK0, role, &[b"John ", b"Galt"], keys).ok()
    };
    let initiator = side(
        Role::Initiator,
        device,
        hex("893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a"),
        of_server,
    )?;
    let responder = side(
        Role::Responder,
        server,
        hex("bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b"),
        of_device,
    )?;
    Some((initiator, responder))
}

/// A hundred cells each way.
fn session() -> Option<()> {
    let (mut sender, mut receiver) =
        (CipherState::<Dalek>::new(Secret::new([1; 32])), CipherState::<Dalek>::new(Secret::new([1; 32])));
    for round in 0..100 {
        let mut cell = [round; 70];
        let tag = sender.encrypt(&[], &mut cell).ok()?;
        ensure(cell != [round; 70])?;
        receiver.decrypt(&[], &mut cell, &tag).ok()?;
        ensure(cell == [round; 70])?;
    }
    ensure(sender.nonce() == 100 && receiver.nonce() == 100)
}

/// A changed message is refused, and the genuine one still works.
fn damaged_message() -> Option<()> {
    let (mut initiator, mut responder) = handshake()?;
    let (mut wire, mut text) = ([0; 118], [0xaa; 70]);
    ensure(initiator.write_message(&[7; 70], &mut wire) == Ok(118))?;
    for at in [0, 31, 32, 101, 102, 117] {
        let mut changed = wire;
        changed[at] ^= 1;
        ensure(responder.read_message(&changed, &mut text) == Err(NoiseError::Decrypt) && text == [0; 70])?;
    }
    ensure(responder.read_message(&wire[..47], &mut text) == Err(NoiseError::MessageLength))?;
    ensure(responder.read_message(&wire, &mut text) == Ok(70) && text == [7; 70])
}
