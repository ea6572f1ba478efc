//! The examples of the RFCs, and the refusals of the provider.

use cardea_protocol::Secret;
use cardea_protocol::crypto::{Argon2Cost, CryptoError, Dalek, Provider};

use crate::support::{Seeded, hex, hex_array};

fn secret(text: &str) -> Secret<32> {
    Secret::new(hex_array(text))
}

#[test]
fn x25519_of_rfc_7748() {
    let alice = secret("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
    let bob = secret("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
    let (of_alice, of_bob) = (Dalek::x25519_public(&alice), Dalek::x25519_public(&bob));
    assert_eq!(of_alice, hex_array("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"));
    assert_eq!(of_bob, hex_array("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"));
    let shared = secret("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
    assert_eq!(Dalek::x25519(&alice, &of_bob).as_ref(), Ok(&shared));
    assert_eq!(Dalek::x25519(&bob, &of_alice).as_ref(), Ok(&shared));
}

#[test]
fn x25519_iterated_as_in_rfc_7748() {
    let mut scalar = secret("0900000000000000000000000000000000000000000000000000000000000000");
    let mut point = *scalar.expose();
    for round in 1..=1000 {
        let next = Dalek::x25519(&scalar, &point).expect("never zero");
        point = *scalar.expose();
        scalar = next;
        if round == 1 {
            assert_eq!(scalar, secret("422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"));
        }
    }
    assert_eq!(scalar, secret("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51"));
}

/// Tests 1 to 3 of section 7.1: seed, public key, message, signature.
const RFC_8032: [(&str, &str, &str, &str); 3] = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
];

#[test]
fn ed25519_of_rfc_8032() {
    for (seed, public, message, signature) in RFC_8032 {
        let (seed, public, message) = (secret(seed), hex_array(public), hex(message));
        assert_eq!(Dalek::ed25519_public(&seed), public);
        assert_eq!(Dalek::ed25519_sign(&seed, &message), hex_array(signature));
        assert!(Dalek::ed25519_verify(&public, &message, &hex_array(signature)));
    }
}

#[test]
fn ed25519_refuses_every_flipped_bit() {
    let (_, public, message, signature) = RFC_8032[2];
    let (public, message, signature): ([u8; 32], _, [u8; 64]) = (hex_array(public), hex(message), hex_array(signature));
    for bit in 0..512 {
        let mut changed = signature;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(!Dalek::ed25519_verify(&public, &message, &changed), "bit {bit} of the signature");
    }
    for bit in 0..256 {
        let mut changed = public;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(!Dalek::ed25519_verify(&changed, &message, &signature), "bit {bit} of the key");
    }
    assert!(!Dalek::ed25519_verify(&public, b"", &signature));
}

#[test]
fn ed25519_refuses_keys_of_small_order() {
    // The neutral element as key and as R, with S = 0, satisfies the plain equation for every message.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let mut signature = [0; 64];
    signature[0] = 1;
    assert!(!Dalek::ed25519_verify(&neutral, b"any message", &signature));
    // The same point with y = 2^255 - 18, which is 1 modulo the prime.
    let mut again = [0xff; 32];
    again[0] = 0xee;
    again[31] = 0x7f;
    assert!(!Dalek::ed25519_verify(&again, b"any message", &signature));
}

#[test]
fn sha256_takes_its_input_in_parts() {
    let abc = hex_array("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(Dalek::sha256(&[b"abc"]), abc);
    assert_eq!(Dalek::sha256(&[b"", b"a", b"", b"bc"]), abc);
}

#[test]
fn hmac_of_rfc_4231() {
    assert_eq!(
        Dalek::hmac(&[0x0b; 20], &[b"Hi ", b"There"]),
        secret("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
    );
    assert_eq!(
        Dalek::hmac(b"Jefe", &[b"what do ya want for nothing?"]),
        secret("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    );
    assert_eq!(
        Dalek::hmac(&[0xaa; 131], &[b"Test Using Larger Than Block-Size Key - Hash Key First"]),
        secret("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
    );
}

#[test]
fn derive_is_the_first_block_of_rfc_5869() {
    let range = |range: core::ops::Range<u8>| range.collect::<Vec<u8>>();
    assert_eq!(
        Dalek::derive(&range(0..13), &[&[0x0b; 20], &[0x0b; 2]], &[&range(0xf0..0xf5), &range(0xf5..0xfa)]),
        secret("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf")
    );
    let info: Vec<u8> = (0xb0..=0xff).collect();
    assert_eq!(
        Dalek::derive(&range(0x60..0xb0), &[&range(0..0x50)], &[&info]),
        secret("b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c")
    );
    assert_eq!(
        Dalek::derive(&[], &[&[0x0b; 22]], &[]),
        secret("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d")
    );
}

/// The provider overrides Noise's HKDF for speed: hold it to the definition.
#[test]
fn hkdf_is_the_chain_of_hmacs_that_noise_defines() {
    let mut random = Seeded::new(1);
    // One block of SHA-256 takes up to 55 bytes of message.
    for length in [0, 1, 32, 54, 55, 56, 64, 119, 120, 1000] {
        let (chaining_key, input) = (Secret::new(random.array()), vec![7; length]);
        let prk = Dalek::hmac(chaining_key.expose(), &[&input]);
        let first = Dalek::hmac(prk.expose(), &[&[1]]);
        let second = Dalek::hmac(prk.expose(), &[first.expose(), &[2]]);
        let third = Dalek::hmac(prk.expose(), &[second.expose(), &[3]]);
        assert_eq!(Dalek::hkdf2(&chaining_key, &input), (first.duplicate(), second.duplicate()));
        assert_eq!(Dalek::hkdf3(&chaining_key, &input), (first, second, third));
    }
}

#[test]
fn open_leaves_no_plaintext_when_it_fails() {
    let key = Secret::new([1; 32]);
    let text = *b"a text of thirty-one characters";
    let mut sealed = text;
    let tag = Dalek::seal(&key, 5, b"associated", &mut sealed);
    for (nonce, associated, flip) in [(6, &b"associated"[..], 0), (5, b"Associated", 0), (5, b"associated", 1)] {
        let mut buffer = sealed;
        let mut tag = tag;
        tag[15] ^= flip;
        assert_eq!(Dalek::open(&key, nonce, associated, &mut buffer, &tag), Err(CryptoError));
        assert_eq!(buffer, sealed);
    }
    assert_eq!(Dalek::open(&key, 5, b"associated", &mut sealed, &tag), Ok(()));
    assert_eq!(sealed, text);
}

/// The example of RFC 9106 uses four lanes, a secret and associated data, which this provider cannot express. These
/// values come from the C reference implementation (through argon2-cffi 25.1.0): Argon2id, version 0x13, one lane, salt
/// 00 01 .. 1f, 32 bytes out.
#[test]
fn argon2id_agrees_with_the_reference_implementation() {
    let mut salt = Secret::zero();
    for (byte, value) in salt.expose_mut().iter_mut().zip(0..) {
        *byte = value;
    }
    for (pin, memory_kib, passes, expected) in [
        ("", 8, 1, "335ae2297e76ed3e18a8eb33d91f2f36308cb8be38a691105316f62f7c16a11c"),
        ("123456", 8, 1, "5b1a084df0ed5424212e6d4a142ecf11e850bfc43cf8da23a231bb4834037ec4"),
        ("123456", 64, 3, "70a031f75fee0b64db0595d9721efd2b433886eedd44feb1dfe4d7739d91d8e6"),
        ("999999999999", 4097, 2, "c9c4f61b9426df5e463d49607232cf4e1af5670c93aa46771af69ee66b113880"),
        ("123456", 65536, 3, "481bda6e40e04cd11e4383557a6f442a2cf0e6984000dde853b5f94f1a4b7ad0"),
    ] {
        let cost = Argon2Cost { memory_kib, passes };
        // One block more than needed: it stays untouched, and so does the result.
        let blocks = usize::try_from(memory_kib).expect("fits") + 1;
        let mut memory = vec![<Dalek as Provider>::PinBlock::default(); blocks];
        let output = Dalek::argon2id(pin.as_bytes(), &salt, cost, &mut memory).expect("a valid cost");
        assert_eq!(output, secret(expected), "{memory_kib} KiB, {passes} passes");
        assert!(
            memory.iter().all(|block| AsRef::<[u64]>::as_ref(block).iter().all(|word| *word == 0)),
            "the memory is wiped"
        );
    }
}

#[test]
fn argon2id_refuses_what_it_cannot_do() {
    let mut memory = vec![<Dalek as Provider>::PinBlock::default(); 8];
    let mut run = |memory_kib, passes, blocks| {
        let cost = Argon2Cost { memory_kib, passes };
        Dalek::argon2id(b"123456", &Secret::new([1; 32]), cost, &mut memory[..blocks]).map(|_| ())
    };
    assert_eq!(run(8, 1, 8), Ok(()));
    assert_eq!(run(8, 1, 7), Err(CryptoError), "too little memory");
    assert_eq!(run(9, 1, 8), Err(CryptoError), "too little memory");
    assert_eq!(run(7, 1, 8), Err(CryptoError), "fewer than 8 KiB");
    assert_eq!(run(0, 1, 8), Err(CryptoError), "no memory");
    assert_eq!(run(8, 0, 8), Err(CryptoError), "no pass");
    assert_eq!(run(u32::MAX, 1, 8), Err(CryptoError), "4 TiB");
}
