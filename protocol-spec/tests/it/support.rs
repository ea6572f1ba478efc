//! What several test modules need: hexadecimal, files with vectors, seeded bytes.

use cardea_protocol::Secret;
use cardea_protocol::crypto::{Dalek, Provider, Random};
use cardea_protocol::noise::KeyPair;

/// The bytes of a hexadecimal text.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "odd number of hexadecimal digits: {text}");
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal")).collect()
}

/// [`hex`] of a text whose length is fixed.
pub(crate) fn hex_array<const N: usize>(text: &str) -> [u8; N] {
    hex(text).try_into().expect("as many bytes as the type has")
}

/// A file under `vectors/third-party/`.
pub(crate) fn third_party(path: &str) -> String {
    let path = format!("{}/vectors/third-party/{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Bytes that depend on a seed alone: SHA-256 in counter mode.
#[derive(Clone)]
pub(crate) struct Seeded {
    seed: u64,
    block: u64,
}

impl Seeded {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { seed, block: 0 }
    }

    /// A number below `end`, near enough to uniform for tests.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        usize::try_from(u64::from_le_bytes(bytes) % u64::try_from(end).expect("fits")).expect("below a usize")
    }

    /// Between 0 and `longest` bytes.
    pub(crate) fn bytes(&mut self, longest: usize) -> Vec<u8> {
        let mut bytes = vec![0; self.below(longest + 1)];
        self.fill(&mut bytes);
        bytes
    }

    pub(crate) fn array(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.fill(&mut bytes);
        bytes
    }

    pub(crate) fn pair(&mut self) -> KeyPair {
        KeyPair::from_secret::<Dalek>(Secret::new(self.array()))
    }
}

impl Random for Seeded {
    fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let block = Dalek::sha256(&[&self.seed.to_le_bytes(), &self.block.to_le_bytes()]);
            chunk.copy_from_slice(&block[..chunk.len()]);
            self.block += 1;
        }
    }
}
