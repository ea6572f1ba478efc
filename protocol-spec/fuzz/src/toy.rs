//! A stand-in for the cryptography: as commutative, as deterministic and as sensitive to every bit as the real one,
//! a hundred times as fast, and of no security whatever.

use cardea_protocol::Secret;
use cardea_protocol::crypto::{Argon2Cost, CryptoError, Provider, TAG_LEN};

/// The stand-in.
pub struct Toy;

/// A 256-bit digest of labeled parts; the length of each part counts unless `joined`.
fn mix(label: u64, parts: &[&[u8]]) -> [u8; 32] {
    let mut lanes = [label, 0x6a09_e667_f3bc_c908, 0xbb67_ae85_84ca_a73b, 0x3c6e_f372_fe94_f82b];
    let mut count: u64 = 0;
    let mut word = [0; 8];
    let mut at = 0;
    let absorb = |lanes: &mut [u64; 4], word: &[u8; 8]| {
        let value = u64::from_le_bytes(*word);
        lanes[0] = (lanes[0] ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        lanes[1] = (lanes[1] ^ lanes[0]).wrapping_mul(0xbf58_476d_1ce4_e5b9).rotate_left(31);
        lanes[2] = (lanes[2] ^ lanes[1]).wrapping_mul(0x94d0_49bb_1331_11eb).rotate_left(37);
        lanes[3] = (lanes[3] ^ lanes[2]).wrapping_add(lanes[0]).rotate_left(17);
    };
    for part in parts {
        for byte in *part {
            word[at] = *byte;
            at += 1;
            count += 1;
            if at == 8 {
                absorb(&mut lanes, &word);
                (word, at) = ([0; 8], 0);
            }
        }
    }
    absorb(&mut lanes, &word);
    absorb(&mut lanes, &count.to_le_bytes());
    for _ in 0..3 {
        absorb(&mut lanes, &[0x5a; 8]);
    }
    let mut digest = [0; 32];
    for (to, lane) in digest.chunks_mut(8).zip(lanes) {
        to.copy_from_slice(&lane.to_le_bytes());
    }
    digest
}

fn scalar(bytes: &[u8; 32]) -> u128 {
    let mut half = [0; 16];
    half.copy_from_slice(&bytes[..16]);
    u128::from_le_bytes(half) | 1
}

fn point(value: u128) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&value.to_le_bytes());
    bytes
}

const BASE: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;

fn tag(key: &Secret<32>, nonce: u64, associated: &[u8], ciphertext: &[u8]) -> [u8; TAG_LEN] {
    let digest = mix(1, &[key.expose(), &nonce.to_le_bytes(), associated, b"|", ciphertext]);
    let mut tag = [0; TAG_LEN];
    tag.copy_from_slice(&digest[..TAG_LEN]);
    tag
}

fn stream(key: &Secret<32>, nonce: u64, buffer: &mut [u8]) {
    for (block, chunk) in (0_u64..).zip(buffer.chunks_mut(32)) {
        let pad = mix(2, &[key.expose(), &nonce.to_le_bytes(), &block.to_le_bytes()]);
        for (byte, pad) in chunk.iter_mut().zip(pad) {
            *byte ^= pad;
        }
    }
}

impl Provider for Toy {
    type PinBlock = ();

    fn x25519_public(secret: &Secret<32>) -> [u8; 32] {
        point(scalar(secret.expose()).wrapping_mul(BASE))
    }

    fn x25519(secret: &Secret<32>, public: &[u8; 32]) -> Result<Secret<32>, CryptoError> {
        // What is no point fails, as one of small order does.
        if public[0] & 1 == 0 || public[16..] != [0; 16] {
            return Err(CryptoError);
        }
        Ok(Secret::new(point(scalar(secret.expose()).wrapping_mul(scalar(public)))))
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
        given: &[u8; TAG_LEN],
    ) -> Result<(), CryptoError> {
        if &tag(key, nonce, associated, buffer) != given {
            return Err(CryptoError);
        }
        stream(key, nonce, buffer);
        Ok(())
    }

    fn sha256(parts: &[&[u8]]) -> [u8; 32] {
        mix(3, parts)
    }

    fn hmac(key: &[u8], parts: &[&[u8]]) -> Secret<32> {
        Secret::new(mix(4, &[&mix(5, &[key]), &mix(6, parts)]))
    }

    fn derive(salt: &[u8], input: &[&[u8]], info: &[&[u8]]) -> Secret<32> {
        Secret::new(mix(7, &[&mix(8, &[salt]), &mix(9, input), &mix(10, info)]))
    }

    fn ed25519_public(seed: &Secret<32>) -> [u8; 32] {
        mix(11, &[seed.expose()])
    }

    fn ed25519_sign(seed: &Secret<32>, message: &[u8]) -> [u8; 64] {
        let public = Self::ed25519_public(seed);
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&mix(12, &[&public, message]));
        signature[32..].copy_from_slice(&mix(13, &[&public, message]));
        signature
    }

    fn ed25519_verify(public: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
        signature[..32] == mix(12, &[public, message]) && signature[32..] == mix(13, &[public, message])
    }

    fn argon2id(pin: &[u8], salt: &Secret<32>, cost: Argon2Cost, _: &mut [()]) -> Result<Secret<32>, CryptoError> {
        Ok(Secret::new(mix(14, &[pin, salt.expose(), &cost.memory_kib.to_le_bytes()])))
    }
}
