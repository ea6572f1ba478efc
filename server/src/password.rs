//! Passwords: what may be one, and how one is kept.
//!
//! What may be one follows NIST SP 800-63B-4, 3.1.1.2: long, of any characters, none of the commonest, nothing made of
//! what everybody knows about its owner, and no rules of composition. Kept is Argon2id (RFC 9106) of it.

mod hasher;

use std::fmt;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use cardea_protocol::Secret;
use subtle::ConstantTimeEq;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

pub use hasher::{Hasher, HasherError, Permit};

/// Fewest characters where nothing else is asked of who signs in.
pub const LEAST_ALONE: u16 = 15;
/// Fewest characters where a second factor is.
pub const LEAST_WITH_FACTOR: u16 = 8;
/// Most bytes in UTF-8.
pub const MOST: usize = 256;
/// Guesses, as a power of ten, below which a password is one of the first that are tried.
const GUESSES: f64 = 8.0;

/// A text that may be a password of anybody, in Unicode form NFC: the same whichever keyboard it was typed on.
pub struct Password(Zeroizing<String>);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// Why a text is no password for somebody. Says nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// It has too few characters.
    #[error("a password has at least {0} characters here: a few words do")]
    Short(u16),
    /// It has too few beside words that count for nothing.
    #[error("a password has at least {0} characters here, beside the words that are kept out of passwords")]
    Blocked(u16),
    /// It has too many bytes.
    #[error("a password has at most {MOST} bytes")]
    Long,
    /// It has a character that nobody types.
    #[error("a password has no control characters")]
    Control,
    /// It is among the first that are tried.
    #[error("this password is among the first that are tried: choose one that is less common, and not made of names")]
    Common,
}

impl Password {
    /// The password that somebody has typed to sign in. `None`: nobody has such a one.
    #[must_use]
    pub fn typed(text: &str) -> Option<Self> {
        // Bounded before it is made longer by the normal form, which no text makes more than three times as long.
        if text.is_empty() || text.len() > MOST {
            return None;
        }
        // Room for all of it, so that no copy is left behind by growing.
        let mut normal = Zeroizing::new(String::with_capacity(3 * MOST));
        normal.extend(text.nfc());
        Some(Self(normal))
    }

    /// What stands for a text that nobody has as a password, so that looking at it takes as long.
    #[must_use]
    pub fn nobodys() -> Self {
        Self(Zeroizing::new(String::new()))
    }

    /// A new password of somebody who is known by `names`, of `least` characters.
    ///
    /// # Errors
    /// It is too short or too long, has control characters, or is too easily guessed.
    pub fn new(text: &str, least: u16, names: &[&str]) -> Result<Self, PasswordError> {
        if text.len() > MOST {
            return Err(PasswordError::Long);
        }
        let password = Self::typed(text).ok_or(PasswordError::Short(least))?;
        if password.0.chars().count() < usize::from(least) {
            return Err(PasswordError::Short(least));
        }
        if password.0.chars().any(char::is_control) {
            return Err(PasswordError::Control);
        }
        if zxcvbn::zxcvbn(&password.0, names).guesses_log10() < GUESSES {
            return Err(PasswordError::Common);
        }
        Ok(password)
    }

    /// The same, with `least` characters beside the words `blocked`, in whatever case.
    ///
    /// # Errors
    /// It has fewer.
    pub fn beside(self, blocked: &[String], least: u16) -> Result<Self, PasswordError> {
        let mut rest = Zeroizing::new(self.0.to_lowercase());
        for word in blocked {
            rest = Zeroizing::new(rest.replace(&word.to_lowercase(), ""));
        }
        if rest.chars().count() < usize::from(least) { Err(PasswordError::Blocked(least)) } else { Ok(self) }
    }
}

/// What one hash costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory: u32,
    /// Passes over it.
    pub passes: u32,
}

impl Cost {
    /// What is recommended for servers (OWASP password storage, second of the equal choices).
    pub const STANDARD: Self = Self { memory: 19_456, passes: 2 };
    /// For development and tests: next to nothing.
    pub const TEST: Self = Self { memory: 8, passes: 1 };
    /// The most that a configuration may ask for: 1 GiB.
    pub const MEMORY_MOST: u32 = 1 << 20;
    /// Likewise.
    pub const PASSES_MOST: u32 = 64;

    /// The cost, if it is within what Argon2 and this server take.
    #[must_use]
    pub fn new(memory: u32, passes: u32) -> Option<Self> {
        let fits =
            (Params::MIN_M_COST..=Self::MEMORY_MOST).contains(&memory) && (1..=Self::PASSES_MOST).contains(&passes);
        fits.then_some(Self { memory, passes })
    }

    fn params(self) -> Option<Params> {
        Params::new(self.memory, self.passes, 1, Some(32)).ok()
    }
}

/// What is kept of a password.
pub struct PasswordHash {
    /// What it cost.
    pub cost: Cost,
    /// Random, of its own.
    pub salt: [u8; 16],
    /// Argon2id of password and salt.
    pub hash: Secret<32>,
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordHash").field("cost", &self.cost).finish_non_exhaustive()
    }
}

impl PasswordHash {
    /// Whether it is of `password`. Takes as long as [`Cost`] says, and uses `memory`, which grows to what is needed.
    #[must_use]
    pub fn is_of(&self, password: &Password, memory: &mut Vec<Block>) -> bool {
        derive(password, &self.salt, self.cost, memory)
            .is_some_and(|hash| bool::from(hash.expose().ct_eq(self.hash.expose())))
    }

    /// What is kept of `password`.
    #[must_use]
    pub fn make(password: &Password, salt: [u8; 16], cost: Cost, memory: &mut Vec<Block>) -> Option<Self> {
        Some(Self { cost, salt, hash: derive(password, &salt, cost, memory)? })
    }
}

fn derive(password: &Password, salt: &[u8; 16], cost: Cost, memory: &mut Vec<Block>) -> Option<Secret<32>> {
    let params = cost.params()?;
    let blocks = params.block_count();
    if memory.len() < blocks {
        memory.resize(blocks, Block::default());
    }
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut hash = Zeroizing::new([0; 32]);
    argon.hash_password_into_with_memory(password.0.as_bytes(), salt, &mut *hash, &mut memory[..blocks]).ok()?;
    Secret::from_slice(&*hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str, names: &[&str]) -> Option<PasswordError> {
        Password::new(text, LEAST_ALONE, names).err()
    }

    #[test]
    fn long_uncommon_texts_of_any_characters_are_passwords() {
        for text in [
            "correct horse battery staple",
            "a lamp, seven geese & rain",
            "пятнадцать букв и ещё",
            "🦆 quacks at 5:45 am sharp",
        ] {
            assert_eq!(refusal(text, &[]), None, "{text}");
        }
        assert_eq!(refusal(&"many words of no use ".repeat(12), &[]), None);
    }

    #[test]
    fn short_long_common_and_own_ones_are_refused() {
        assert_eq!(refusal("", &[]), Some(PasswordError::Short(15)));
        assert_eq!(refusal("ouhf81z3_kqBvm", &[]), Some(PasswordError::Short(15)));
        assert_eq!(refusal(&"a-b".repeat(86), &[]), Some(PasswordError::Long));
        assert_eq!(refusal("words with a tab\tin them", &[]), Some(PasswordError::Control));
        for common in ["passwordpassword", "aaaaaaaaaaaaaaaaaaaa", "123456789012345678", "qwertyuiopasdfghjkl"] {
            assert_eq!(refusal(common, &[]), Some(PasswordError::Common), "{common}");
        }
        let names = ["maximilian.powerman", "maximilian.powerman@company.example"];
        assert_eq!(refusal("maximilian.powerman", &names), Some(PasswordError::Common));
        assert_eq!(Password::new("MySecr3tPwd", LEAST_WITH_FACTOR, &[]).err(), None);
    }

    #[test]
    fn one_password_is_the_same_from_every_keyboard() {
        let hash = |text: &str| {
            let password = Password::typed(text).unwrap();
            PasswordHash::make(&password, [7; 16], Cost::TEST, &mut Vec::new()).unwrap()
        };
        let (composed, decomposed) = ("caf\u{e9} au lait, s'il vous plait", "cafe\u{301} au lait, s'il vous plait");
        assert!(hash(composed).is_of(&Password::typed(decomposed).unwrap(), &mut Vec::new()));
        assert!(!hash(composed).is_of(&Password::typed("cafe au lait, s'il vous plait").unwrap(), &mut Vec::new()));
    }

    #[test]
    fn what_is_longer_than_any_password_is_nobodys() {
        assert!(Password::typed(&"a".repeat(MOST + 1)).is_none());
        assert!(Password::typed("").is_none());
        // The longest normal form has room.
        let long: String = "\u{fb2c}".repeat(MOST / 3);
        assert!(Password::typed(&long).unwrap().0.len() <= 3 * MOST);
    }

    #[test]
    fn nothing_of_a_password_is_printed() {
        let password = Password::typed("a lamp, seven geese & rain").unwrap();
        let hash = PasswordHash::make(&password, [7; 16], Cost::TEST, &mut Vec::new()).unwrap();
        assert_eq!(format!("{password:?}"), "Password(..)");
        assert!(!format!("{hash:?}").contains('7'));
    }

    #[test]
    fn costs_have_limits() {
        assert_eq!(Cost::new(19_456, 2), Some(Cost::STANDARD));
        for (memory, passes) in [(7, 1), (8, 0), (8, 65), ((1 << 20) + 1, 1)] {
            assert_eq!(Cost::new(memory, passes), None);
        }
    }

    #[test]
    fn a_hash_is_what_the_reference_makes_of_the_same() {
        // echo -n "a lamp, seven geese & rain" | argon2 somesaltsomesalt -id -t 2 -k 19456 -p 1 -l 32 -r
        let reference = "5127f2d6458e43e8fb425976e0e52d2dc6e4997777663fe5e46cece3dd601ccf";
        let password = Password::typed("a lamp, seven geese & rain").unwrap();
        let hash = PasswordHash::make(&password, *b"somesaltsomesalt", Cost::STANDARD, &mut Vec::new()).unwrap();
        assert_eq!(data_encoding::HEXLOWER.encode(hash.hash.expose()), reference);
    }
}
