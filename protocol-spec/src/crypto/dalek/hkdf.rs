//! Noise's HKDF for inputs that fit one block, straight on the compression function of SHA-256.
//!
//! A handshake runs HKDF eight times on each side, always with 32-byte keys and inputs of 32 bytes or none. The general
//! HMAC spends a third of its time on buffering that this case has no use for.

use core::slice;

use sha2::block_api::compress256;
use zeroize::optimization_barrier;

use crate::Secret;

const BLOCK: usize = 64;

/// Longest input in bytes: SHA-256 pads with at least a byte and its 8-byte length, and all must fit one block.
const LONGEST_INPUT: usize = BLOCK - 9;

/// The initial state of SHA-256 (FIPS 180-4, section 5.3.3).
const INITIAL: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// `HKDF(chaining_key, input, 2)`, or `None` if `input` is longer than [`LONGEST_INPUT`].
pub(super) fn hkdf2(chaining_key: &Secret<32>, input: &[u8]) -> Option<(Secret<32>, Secret<32>)> {
    let mut hmac = Hmac::extract(chaining_key, input)?;
    let first = hmac.mac(&[], &[1])?;
    let second = hmac.mac(first.expose(), &[2])?;
    Some((first, second))
}

/// `HKDF(chaining_key, input, 3)`, or `None` if `input` is longer than [`LONGEST_INPUT`].
pub(super) fn hkdf3(chaining_key: &Secret<32>, input: &[u8]) -> Option<(Secret<32>, Secret<32>, Secret<32>)> {
    let mut hmac = Hmac::extract(chaining_key, input)?;
    let first = hmac.mac(&[], &[1])?;
    let second = hmac.mac(first.expose(), &[2])?;
    let third = hmac.mac(second.expose(), &[3])?;
    Some((first, second, third))
}

/// HMAC-SHA256 (RFC 2104) under one 32-byte key, with all that it works on in one place: wiping is a cost to pay once.
struct Hmac {
    /// The state of SHA-256 after the key's inner pad block.
    inner: [u32; 8],
    /// The state of SHA-256 after the key's outer pad block.
    outer: [u32; 8],
    state: [u32; 8],
    block: [u8; BLOCK],
}

impl Hmac {
    /// The key is HMAC of `input` under `chaining_key`.
    fn extract(chaining_key: &Secret<32>, input: &[u8]) -> Option<Self> {
        let mut hmac = Self { inner: INITIAL, outer: INITIAL, state: INITIAL, block: [0; BLOCK] };
        hmac.set_key(chaining_key);
        let key = hmac.mac(input, &[])?;
        hmac.set_key(&key);
        Some(hmac)
    }

    fn set_key(&mut self, key: &Secret<32>) {
        self.block = [0x36; BLOCK];
        for (pad, key) in self.block.iter_mut().zip(key.expose()) {
            *pad ^= key;
        }
        self.inner = INITIAL;
        compress256(&mut self.inner, slice::from_ref(&self.block));
        for pad in &mut self.block {
            *pad ^= 0x36 ^ 0x5c;
        }
        self.outer = INITIAL;
        compress256(&mut self.outer, slice::from_ref(&self.block));
    }

    /// HMAC of `message` and `suffix` together.
    fn mac(&mut self, message: &[u8], suffix: &[u8]) -> Option<Secret<32>> {
        let mut output = Secret::zero();
        self.state = self.inner;
        self.last_block(message, suffix)?;
        self.take_hash(&mut output);
        self.state = self.outer;
        self.last_block(output.expose(), &[])?;
        self.take_hash(&mut output);
        Some(output)
    }

    /// Ends the hash in `state`, which has taken one block so far, with a message that fits the second.
    fn last_block(&mut self, message: &[u8], suffix: &[u8]) -> Option<()> {
        let length = message.len().checked_add(suffix.len()).filter(|length| *length <= LONGEST_INPUT)?;
        let bits = u64::try_from(8 * (BLOCK + length)).ok()?;
        self.block = [0; BLOCK];
        let (head, tail) = self.block.split_at_mut_checked(message.len())?;
        head.copy_from_slice(message);
        let (head, tail) = tail.split_at_mut_checked(suffix.len())?;
        head.copy_from_slice(suffix);
        *tail.first_mut()? = 0x80;
        *tail.last_chunk_mut()? = bits.to_be_bytes();
        compress256(&mut self.state, slice::from_ref(&self.block));
        Some(())
    }

    fn take_hash(&self, output: &mut Secret<32>) {
        for (bytes, word) in output.expose_mut().as_chunks_mut().0.iter_mut().zip(&self.state) {
            *bytes = word.to_be_bytes();
        }
    }
}

impl Drop for Hmac {
    fn drop(&mut self) {
        (self.inner, self.outer, self.state, self.block) = ([0; 8], [0; 8], [0; 8], [0; BLOCK]);
        optimization_barrier(self);
    }
}
