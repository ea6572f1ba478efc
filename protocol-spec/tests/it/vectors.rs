//! Our own vectors: one file per chapter of the specification, made here from fixed secrets and held to the committed
//! files byte for byte. They are for other implementations: every secret, every random value, every input and output
//! is in them.
//!
//! A file that does not exist yet is written when `CARDEA_WRITE_VECTORS` is set; one that exists is never touched.

mod confirmations;
mod enrollment;
mod forms;
mod ratchet;
mod secrets;

use std::path::PathBuf;

use serde_json::Value;

use cardea_protocol::Secret;
use cardea_protocol::crypto::{Dalek, Provider, Random};
use cardea_protocol::noise::KeyPair;

/// Lowercase hexadecimal.
fn h(bytes: impl AsRef<[u8]>) -> Value {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
}

/// Random bytes that are the SHA-256 of a name and a counter, and that remember what they gave out.
struct Draws {
    name: &'static str,
    count: u32,
    last: Vec<[u8; 32]>,
}

impl Draws {
    const fn new(name: &'static str) -> Self {
        Self { name, count: 0, last: Vec::new() }
    }

    /// Everything drawn since the last call, oldest first.
    fn take<const N: usize>(&mut self) -> [Value; N] {
        let values: Vec<Value> = self.last.drain(..).map(h).collect();
        values.try_into().expect("as many draws as the step makes")
    }

    fn pair(&mut self) -> KeyPair {
        KeyPair::from_secret::<Dalek>(self.secret())
    }
}

impl Random for Draws {
    fn fill(&mut self, bytes: &mut [u8]) {
        assert!(bytes.len() <= 32);
        let block = Dalek::sha256(&[b"cardea1 vectors ", self.name.as_bytes(), &self.count.to_le_bytes()]);
        self.count += 1;
        bytes.copy_from_slice(&block[..bytes.len()]);
        self.last.push(block);
    }
}

fn secret(byte: u8) -> Secret<32> {
    Secret::new([byte; 32])
}

/// Holds the file `name` to what this crate makes.
fn hold(name: &str, made: &Value) {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "vectors", name].iter().collect();
    let mut text = serde_json::to_string_pretty(made).unwrap();
    text.push('\n');
    if !path.exists() && std::env::var_os("CARDEA_WRITE_VECTORS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if committed == text {
        return;
    }
    let line = committed.lines().zip(text.lines()).position(|(one, other)| one != other).map_or(0, |at| at + 1);
    panic!("{name} is not what is made now; first at line {line}");
}
