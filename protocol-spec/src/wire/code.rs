//! The typed enrollment code (specification, chapter 4): ten Crockford base32 characters, four that look the
//! enrollment up and six that are its secret.

use core::fmt;

use crate::crypto::{Provider, Random};
use crate::secret::Secret;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LOOKUP: usize = 4;
const SECRET: usize = 6;

/// Why a text is no enrollment code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeError {
    /// Not ten characters once hyphens and spaces are left out.
    Length,
    /// A character that is not in Crockford's alphabet.
    Character,
}

impl fmt::Display for CodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "an enrollment code has ten characters, for example 4F7K-2MQ8ZT",
            Self::Character => "an enrollment code has only digits and letters, without I, L, O and U",
        })
    }
}

impl core::error::Error for CodeError {}

/// A typed enrollment code. The lookup part is public, the rest is secret.
pub struct TypedCode {
    lookup: [u8; LOOKUP],
    secret: Secret<SECRET>,
}

impl TypedCode {
    /// A fresh code.
    pub fn generate(random: &mut impl Random) -> Self {
        let bytes: Secret<{ LOOKUP + SECRET }> = random.secret();
        let mut lookup = [0; LOOKUP];
        let mut secret = Secret::zero();
        for (to, from) in lookup.iter_mut().chain(secret.expose_mut()).zip(bytes.expose()) {
            // 256 is a multiple of 32, so the low five bits are uniform.
            *to = ALPHABET[usize::from(from % 32)];
        }
        Self { lookup, secret }
    }

    /// Reads what a person typed: case does not matter, hyphens and spaces are left out, `O` is `0`, `I` and `L` are `1`.
    ///
    /// # Errors
    /// Too few or too many characters, or one that is in no code.
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        let mut characters: Secret<{ LOOKUP + SECRET }> = Secret::zero();
        let mut slots = characters.expose_mut().iter_mut();
        for byte in text.bytes().filter(|byte| !matches!(byte, b' ' | b'-')) {
            let normal = match byte.to_ascii_uppercase() {
                b'O' => b'0',
                b'I' | b'L' => b'1',
                other => other,
            };
            if !ALPHABET.contains(&normal) {
                return Err(CodeError::Character);
            }
            *slots.next().ok_or(CodeError::Length)? = normal;
        }
        if slots.next().is_some() {
            return Err(CodeError::Length);
        }
        let (lookup, secret) = characters.expose().split_at(LOOKUP);
        match (lookup.try_into(), Secret::from_slice(secret)) {
            (Ok(lookup), Some(secret)) => Ok(Self { lookup, secret }),
            _ => Err(CodeError::Length),
        }
    }

    /// The enrollment id that goes on the wire: the lookup part and four zero bytes. Ids of links have the top bit of
    /// their first byte set, so the two never meet.
    #[must_use]
    pub const fn id(&self) -> [u8; 8] {
        let [a, b, c, d] = self.lookup;
        [a, b, c, d, 0, 0, 0, 0]
    }

    /// The pre-shared key of the handshake.
    #[must_use]
    pub fn psk<P: Provider>(&self) -> Secret<32> {
        P::derive(&[], &[self.secret.expose()], &[b"cardea1 code"])
    }

    /// The text to show to the person who will type it, as `XXXX-XXXXXX` in ASCII.
    #[must_use]
    pub fn text(&self) -> Secret<11> {
        let mut text = Secret::new([b'-'; 11]);
        let [head @ .., _, _, _, _, _, _, _] = text.expose_mut();
        head.copy_from_slice(&self.lookup);
        let [_, _, _, _, _, tail @ ..] = text.expose_mut();
        tail.copy_from_slice(self.secret.expose());
        text
    }
}

impl fmt::Debug for TypedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TypedCode([redacted])")
    }
}
