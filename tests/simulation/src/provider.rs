//! A fast stand-in for the primitives.
//!
//! Deterministic and free of accidental collisions, **not secure**: public keys are products modulo 2^128, everything
//! else is a 128-bit mixing function. A schedule on it costs a few per cent of one on real primitives, and the core
//! cannot tell the difference. It exists in this crate only, which no product crate depends on.

use cardea_protocol::Secret;
use cardea_protocol::crypto::{Argon2Cost, CryptoError, Provider, TAG_LEN};

/// The stand-in.
#[derive(Debug, Clone, Copy)]
pub struct Toy;

const K1: u64 = 0x9e37_79b9_7f4a_7c15;
const K2: u64 = 0xd6e8_feb8_6659_fd93;
const GENERATOR: u128 = 0x2d35_8dcc_aa6c_78a5_8bb8_4b93_962e_acc9;

/// Mixes a stream of bytes; where the stream was cut into parts does not matter.
struct Mixer {
    a: u64,
    b: u64,
    word: u64,
    length: u64,
}

impl Mixer {
    fn new(domain: u8) -> Self {
        Self { a: K1 ^ u64::from(domain), b: K2, word: 0, length: 0 }
    }

    fn round(&mut self, word: u64) {
        self.a = (self.a ^ word).wrapping_mul(K1);
        self.a ^= self.a >> 29;
        self.b = (self.b.rotate_left(23) ^ word).wrapping_add(self.a).wrapping_mul(K2);
        self.b ^= self.b >> 32;
    }

    fn put(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.length.is_multiple_of(8)
                && let Some((word, rest)) = bytes.split_first_chunk::<8>()
            {
                self.round(u64::from_le_bytes(*word));
                self.length += 8;
                bytes = rest;
                continue;
            }
            let (first, rest) = bytes.split_at(1);
            self.word |= u64::from(first[0]) << (8 * (self.length % 8));
            self.length += 1;
            if self.length.is_multiple_of(8) {
                let word = std::mem::take(&mut self.word);
                self.round(word);
            }
            bytes = rest;
        }
    }

    fn word(&mut self) -> u64 {
        self.round(K2);
        self.a ^ self.b.rotate_left(32)
    }

    fn finish(mut self) -> [u8; 32] {
        self.round(self.word);
        self.round(self.length);
        let mut output = [0; 32];
        for chunk in output.chunks_exact_mut(8) {
            chunk.copy_from_slice(&self.word().to_le_bytes());
        }
        output
    }
}

fn mix(domain: u8, parts: &[&[u8]]) -> [u8; 32] {
    let mut mixer = Mixer::new(domain);
    for part in parts {
        mixer.put(part);
    }
    mixer.finish()
}

/// As [`mix`], but `key` is not continued by what follows it.
fn keyed(domain: u8, key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mixer = Mixer::new(domain);
    mixer.put(key);
    mixer.round(mixer.word);
    mixer.round(mixer.length);
    mixer.word = 0;
    mixer.length = 0;
    for part in parts {
        mixer.put(part);
    }
    mixer.finish()
}

fn number(bytes: &[u8; 32]) -> u128 {
    let mut half = [0; 16];
    half.copy_from_slice(&bytes[..16]);
    u128::from_le_bytes(half)
}

fn scalar(secret: &Secret<32>) -> u128 {
    number(&mix(1, &[secret.expose()])) | 1
}

fn stream(key: &Secret<32>, nonce: u64, buffer: &mut [u8]) {
    let mut mixer = Mixer::new(2);
    mixer.put(key.expose());
    mixer.round(nonce);
    for chunk in buffer.chunks_mut(8) {
        for (byte, with) in chunk.iter_mut().zip(mixer.word().to_le_bytes()) {
            *byte ^= with;
        }
    }
}

fn tag(key: &Secret<32>, nonce: u64, associated: &[u8], text: &[u8]) -> [u8; TAG_LEN] {
    let mut mixer = Mixer::new(3);
    mixer.put(key.expose());
    mixer.round(nonce);
    mixer.put(associated);
    mixer.put(text);
    let mut tag = [0; TAG_LEN];
    tag.copy_from_slice(&mixer.finish()[..TAG_LEN]);
    tag
}

impl Provider for Toy {
    type PinBlock = ();

    fn x25519_public(secret: &Secret<32>) -> [u8; 32] {
        let mut public = [0x55; 32];
        public[..16].copy_from_slice(&scalar(secret).wrapping_mul(GENERATOR).to_le_bytes());
        public
    }

    fn x25519(secret: &Secret<32>, public: &[u8; 32]) -> Result<Secret<32>, CryptoError> {
        let shared = scalar(secret).wrapping_mul(number(public));
        if shared == 0 { Err(CryptoError) } else { Ok(Secret::new(mix(4, &[&shared.to_le_bytes()]))) }
    }

    fn seal(key: &Secret<32>, nonce: u64, associated: &[u8], buffer: &mut [u8]) -> [u8; TAG_LEN] {
        stream(key, nonce, buffer);
        tag(key, nonce, associated, buffer)
    }

    fn open(
        key: &Secret<32>,
        nonce: u64,
        associated: &[u8],
        buffer: &mut [u8],
        theirs: &[u8; TAG_LEN],
    ) -> Result<(), CryptoError> {
        if tag(key, nonce, associated, buffer) != *theirs {
            return Err(CryptoError);
        }
        stream(key, nonce, buffer);
        Ok(())
    }

    fn sha256(parts: &[&[u8]]) -> [u8; 32] {
        mix(5, parts)
    }

    fn hmac(key: &[u8], parts: &[&[u8]]) -> Secret<32> {
        Secret::new(keyed(6, key, parts))
    }

    fn hkdf3(chaining_key: &Secret<32>, input: &[u8]) -> (Secret<32>, Secret<32>, Secret<32>) {
        let root = keyed(7, chaining_key.expose(), &[input]);
        let output = |index: u8| Secret::new(mix(index, &[&root]));
        (output(8), output(9), output(10))
    }

    fn derive(salt: &[u8], input: &[&[u8]], info: &[&[u8]]) -> Secret<32> {
        Secret::new(keyed(11, &keyed(12, salt, input), info))
    }

    fn ed25519_public(seed: &Secret<32>) -> [u8; 32] {
        mix(13, &[seed.expose()])
    }

    fn ed25519_sign(seed: &Secret<32>, message: &[u8]) -> [u8; 64] {
        let mut signature = [0x66; 64];
        signature[..32].copy_from_slice(&keyed(14, &Self::ed25519_public(seed), &[message]));
        signature
    }

    fn ed25519_verify(public: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
        signature[..32] == keyed(14, public, &[message]) && signature[32..] == [0x66; 32]
    }

    fn argon2id(pin: &[u8], salt: &Secret<32>, _: Argon2Cost, _: &mut [()]) -> Result<Secret<32>, CryptoError> {
        Ok(Secret::new(keyed(15, salt.expose(), &[pin])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(byte: u8) -> Secret<32> {
        Secret::new([byte; 32])
    }

    #[test]
    fn both_sides_of_an_exchange_get_the_same_secret_and_no_other() {
        let shared = |ours: u8, theirs: u8| Toy::x25519(&secret(ours), &Toy::x25519_public(&secret(theirs))).unwrap();
        assert_eq!(shared(1, 2), shared(2, 1));
        assert_ne!(shared(1, 2), shared(1, 3));
        assert_eq!(Toy::x25519(&secret(1), &[0; 32]), Err(CryptoError));
    }

    #[test]
    fn every_bit_of_key_nonce_associated_data_and_text_matters() {
        let mut text = [7; 70];
        let made = Toy::seal(&secret(1), 5, b"ad", &mut text);
        assert_ne!(text, [7; 70]);
        let open = |key: u8, nonce, associated: &[u8], mut text: [u8; 70], tag: [u8; TAG_LEN]| {
            Toy::open(&secret(key), nonce, associated, &mut text, &tag).map(|()| text)
        };
        assert_eq!(open(1, 5, b"ad", text, made), Ok([7; 70]));
        assert!(open(2, 5, b"ad", text, made).is_err());
        assert!(open(1, 6, b"ad", text, made).is_err());
        assert!(open(1, 5, b"ae", text, made).is_err());
        for bit in 0..text.len() * 8 {
            let mut flipped = text;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(open(1, 5, b"ad", flipped, made).is_err());
        }
    }

    #[test]
    fn a_hash_is_of_the_stream_and_not_of_its_parts() {
        let whole = Toy::sha256(&[b"a stream of bytes, longer than a word"]);
        assert_eq!(Toy::sha256(&[b"a str", b"eam of bytes, ", b"", b"longer than a word"]), whole);
        assert_ne!(Toy::sha256(&[b"a stream of bytes, longer than a word\0"]), whole);
        assert_ne!(Toy::sha256(&[b""]), Toy::sha256(&[b"\0"]));
        assert_ne!(Toy::hmac(b"k", &[b"text"]), Toy::hmac(b"kt", &[b"ext"]));
    }

    #[test]
    fn a_signature_is_good_for_one_key_and_one_message() {
        let public = Toy::ed25519_public(&secret(1));
        let signature = Toy::ed25519_sign(&secret(1), b"message");
        assert!(Toy::ed25519_verify(&public, b"message", &signature));
        assert!(!Toy::ed25519_verify(&public, b"massage", &signature));
        assert!(!Toy::ed25519_verify(&Toy::ed25519_public(&secret(2)), b"message", &signature));
        assert!(!Toy::ed25519_verify(&public, b"message", &[0; 64]));
    }
}
