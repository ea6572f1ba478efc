//! The Noise protocol framework, revision 34, for the one suite that Cardea uses: X25519, ChaCha20-Poly1305, SHA-256.
//!
//! - [`Pattern`]: what a handshake sends, as a constant table. [`KK_PSK0`] operates, [`XK_PSK3`] enrolls, [`IK`]
//!   resynchronizes; any other pattern of the specification can be written down and runs on the same engine.
//! - [`Handshake`]: one handshake, from either [`Role`]. Reading is transactional: a message that fails leaves no trace.
//! - [`CipherState`]: one direction of the session that follows, keyed from a [`Split`].
//!
//! State has a fixed size, buffers belong to the caller, nothing allocates and nothing panics. Randomness is a parameter:
//! the caller makes the ephemeral key. Chapter 1 of the specification (`spec/01-noise.md`) is the normative text.
//!
//! ```
//! # #[cfg(feature = "dalek")] {
//! use cardea_protocol::Secret;
//! use cardea_protocol::crypto::Dalek;
//! use cardea_protocol::noise::{Handshake, IK, KeyPair, Keys, NoiseError, Role};
//!
//! # fn main() -> Result<(), NoiseError> {
//! // Real keys come from a cryptographically secure source.
//! let pair = |byte| KeyPair::from_secret::<Dalek>(Secret::new([byte; 32]));
//! let (device, server) = (pair(1), pair(2));
//! let known = Some(*server.public());
//!
//! let keys = Keys { s: Some(device), e: Some(pair(3)), rs: known, psk: None };
//! let mut initiator = Handshake::<Dalek>::new(&IK, Role::Initiator, &[b"prologue"], keys)?;
//! let keys = Keys { s: Some(server), e: Some(pair(4)), rs: None, psk: None };
//! let mut responder = Handshake::<Dalek>::new(&IK, Role::Responder, &[b"prologue"], keys)?;
//!
//! let (mut wire, mut text) = ([0; 256], [0; 256]);
//! let length = initiator.write_message(b"ping", &mut wire)?;
//! let length = responder.read_message(&wire[..length], &mut text)?;
//! assert_eq!(&text[..length], b"ping");
//! let length = responder.write_message(b"pong", &mut wire)?;
//! initiator.read_message(&wire[..length], &mut text)?;
//!
//! assert!(initiator.split()? == responder.split()?);
//! # Ok(())
//! # }
//! # main().expect("the example runs");
//! # }
//! ```

mod handshake;
mod keys;
mod pattern;
mod symmetric;
mod transport;

pub use handshake::{Handshake, Split};
pub use keys::{KeyPair, Keys};
pub use pattern::{IK, KK_PSK0, Pattern, Role, Token, XK_PSK3};
pub use transport::CipherState;

use core::fmt;

/// Length in bytes of an X25519 key, secret or public.
pub const KEY_LEN: usize = 32;

/// Longest Noise message in bytes, of a handshake or of a session (Noise specification, section 3).
pub const MAX_MESSAGE_LEN: usize = 65_535;

/// Most parts that the prologue of [`Handshake::new`] may be given in.
pub const MAX_PROLOGUE_PARTS: usize = 7;

/// Why a handshake or a session did not take a step. The state is as it was before the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoiseError {
    /// The caller broke the contract of the function: a key is missing, it is the other side's turn, a buffer is too
    /// short. The text names the rule.
    ApiMisuse(&'static str),
    /// The message is shorter or longer than this step allows.
    MessageLength,
    /// The message does not authenticate: changed on the way, made with other keys, or out of order.
    Decrypt,
    /// A Diffie-Hellman result is all zero: the peer sent, or is known by, a point of small order.
    Dh,
    /// All 2^64 - 1 nonces of this key are used up.
    Exhausted,
}

impl fmt::Display for NoiseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ApiMisuse(rule) => write!(f, "noise engine used against its contract: {rule}"),
            Self::MessageLength => f.write_str("message too short or too long for this step; drop it"),
            Self::Decrypt => f.write_str("message does not authenticate; drop it"),
            Self::Dh => f.write_str("public key of small order; drop the message"),
            Self::Exhausted => f.write_str("session key used up; open a new session"),
        }
    }
}

impl core::error::Error for NoiseError {}
