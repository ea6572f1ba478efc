//! PIN suite 1 (specification, chapter 5): `Ed25519(HKDF(Argon2id(PIN, salt)))`. Nothing derived from a PIN is ever
//! stored on a device.

use core::fmt;

use crate::crypto::{Provider, Random};
use crate::error::{ApiMisuse, ProtocolError};
use crate::limits::{PIN_DISTANCE, PIN_MAX, PIN_MIN, SLOTS};
use crate::secret::Secret;
use crate::token::{Argon2Class, DeviceId, Policy, TokenId};

/// PINs that are too common to protect anything, whatever their length: one digit repeated, runs, and these.
const COMMON: [&[u8]; 12] = [
    b"121212",
    b"123123",
    b"112233",
    b"123321",
    b"654123",
    b"159753",
    b"147258",
    b"101010",
    b"131313",
    b"232323",
    b"12341234",
    b"11223344",
];

/// Why a PIN, or a set of PINs, is refused. Says nothing of the digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PinError {
    /// Something that is not an ASCII digit.
    NotDigits,
    /// Too short or too long.
    Length {
        /// Fewest digits.
        min: u8,
        /// Most digits.
        max: u8,
    },
    /// Among the first that anyone would try.
    TooCommon,
    /// All PINs of a device have the same length.
    LengthsDiffer,
    /// Two PINs of a device are less than two edits apart.
    TooClose,
    /// The service does not allow duress PINs.
    DuressNotAllowed,
    /// The service does not allow biometric keys.
    BiometricNotAllowed,
    /// More PINs than slots.
    TooMany,
}

impl fmt::Display for PinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotDigits => "a PIN has digits only",
            Self::Length { min, max } if min == max => return write!(f, "the PIN must have {min} digits"),
            Self::Length { min, max } => return write!(f, "the PIN must have {min} to {max} digits"),
            Self::TooCommon => "this PIN is too easy to guess: choose another",
            Self::LengthsDiffer => "all PINs of a device must have the same length",
            Self::TooClose => "the PINs are too much alike: at least two digits must differ",
            Self::DuressNotAllowed => "this service does not allow duress PINs",
            Self::BiometricNotAllowed => "this service does not allow biometric keys",
            Self::TooMany => "a device has at most three duress PINs, and two beside a biometric key",
        })
    }
}

impl core::error::Error for PinError {}

/// 6 to 12 ASCII digits.
pub struct Pin {
    digits: Secret<PIN_MAX>,
    length: u8,
}

impl Pin {
    /// Checks and copies what the holder typed. The caller wipes its own copy.
    ///
    /// # Errors
    /// It is no PIN of any device. Whether a new PIN is a good one is up to [`PinSet::check`].
    pub fn new(text: &[u8]) -> Result<Self, PinError> {
        if !text.iter().all(u8::is_ascii_digit) {
            return Err(PinError::NotDigits);
        }
        let length_error = PinError::Length { min: 6, max: 12 };
        if !(PIN_MIN..=PIN_MAX).contains(&text.len()) {
            return Err(length_error);
        }
        let mut digits = Secret::zero();
        for (to, from) in digits.expose_mut().iter_mut().zip(text) {
            *to = *from;
        }
        Ok(Self { digits, length: u8::try_from(text.len()).map_err(|_| length_error)? })
    }

    fn digits(&self) -> &[u8] {
        self.digits.expose().get(..usize::from(self.length)).unwrap_or(self.digits.expose())
    }

    fn is_common(&self) -> bool {
        let digits = self.digits();
        let step = |by: u8| digits.windows(2).all(|pair| matches!(pair, [a, b] if (b + 10 - a) % 10 == by));
        // Repeated digits, and runs up or down (with 0 after 9).
        step(0) || step(1) || step(9) || COMMON.contains(&digits)
    }

    /// Levenshtein distance.
    fn distance(&self, other: &Self) -> usize {
        let mut row = [0; PIN_MAX + 1];
        for (index, cell) in row.iter_mut().enumerate() {
            *cell = index;
        }
        for (above, digit) in (1..).zip(self.digits()) {
            let mut diagonal = row[0];
            row[0] = above;
            let mut left = above;
            for (cell, theirs) in row.iter_mut().skip(1).zip(other.digits()) {
                let substitute = diagonal + usize::from(digit != theirs);
                diagonal = *cell;
                *cell = substitute.min(diagonal + 1).min(left + 1);
                left = *cell;
            }
        }
        row.get(usize::from(other.length)).copied().unwrap_or(0)
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin([redacted])")
    }
}

/// The PINs of a device, typed together.
#[derive(Debug, Clone, Copy)]
pub struct PinSet<'a> {
    /// The PIN that opens.
    pub normal: &'a Pin,
    /// Up to three PINs that seem to; up to two beside a biometric key.
    pub duress: &'a [Pin],
    /// A biometric key takes the place of a duress PIN.
    pub biometric: bool,
}

impl PinSet<'_> {
    /// Whether the set may be used under `policy`.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(&self, policy: &Policy) -> Result<(), PinError> {
        if !self.duress.is_empty() && !policy.duress {
            return Err(PinError::DuressNotAllowed);
        }
        if self.biometric && !policy.biometric {
            return Err(PinError::BiometricNotAllowed);
        }
        if self.duress.len() + usize::from(self.biometric) >= SLOTS {
            return Err(PinError::TooMany);
        }
        if !(policy.pin_min..=policy.pin_max).contains(&self.normal.length) {
            return Err(PinError::Length { min: policy.pin_min, max: policy.pin_max });
        }
        let all = || core::iter::once(self.normal).chain(self.duress);
        for (index, pin) in all().enumerate() {
            if pin.is_common() {
                return Err(PinError::TooCommon);
            }
            if pin.length != self.normal.length {
                return Err(PinError::LengthsDiffer);
            }
            if all().skip(index + 1).any(|other| pin.distance(other) < PIN_DISTANCE) {
                return Err(PinError::TooClose);
            }
        }
        Ok(())
    }
}

/// A signing key that exists only while a PIN is being used.
pub struct PinKey(Secret<32>);

impl PinKey {
    /// Its verification key.
    #[must_use]
    pub fn public<P: Provider>(&self) -> [u8; 32] {
        P::ed25519_public(&self.0)
    }

    pub(crate) fn sign<P: Provider>(&self, message: &[u8]) -> [u8; 64] {
        P::ed25519_sign(&self.0, message)
    }

    /// A key for a slot that no PIN fills. Forgotten at once: only its verification key is used.
    pub fn random(random: &mut impl Random) -> Self {
        Self(random.secret())
    }
}

impl fmt::Debug for PinKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PinKey([redacted])")
    }
}

/// Everything but the PIN that goes into a PIN key. Holding one says nothing about any PIN.
pub struct PinDerivation {
    pub(crate) salt: Secret<32>,
    pub(crate) class: Argon2Class,
    pub(crate) token: TokenId,
    pub(crate) device: DeviceId,
}

impl PinDerivation {
    /// How many blocks of memory [`PinDerivation::derive`] needs.
    #[must_use]
    pub fn blocks(&self) -> usize {
        usize::try_from(self.class.cost().memory_kib).unwrap_or(usize::MAX)
    }

    /// Its cost class.
    #[must_use]
    pub const fn class(&self) -> Argon2Class {
        self.class
    }

    /// Derives the signing key of `pin`: slow on purpose.
    ///
    /// # Errors
    /// [`ApiMisuse::PinMemory`]: `memory` has fewer than [`PinDerivation::blocks`] blocks.
    pub fn derive<P: Provider>(&self, pin: &Pin, memory: &mut [P::PinBlock]) -> Result<PinKey, ProtocolError> {
        let hash = P::argon2id(pin.digits(), &self.salt, self.class.cost(), memory)
            .map_err(|_| ProtocolError::ApiMisuse(ApiMisuse::PinMemory))?;
        Ok(PinKey(P::derive(&[], &[hash.expose()], &[b"cardea1 pin", self.token.bytes(), self.device.bytes()])))
    }

    /// Derives the signing key of a biometric slot from 32 random bytes that the platform gives out after it has seen
    /// the holder. Not slow: there is nothing to guess. Another token gets another key from the same bytes.
    #[must_use]
    pub fn biometric<P: Provider>(&self, secret: &Secret<32>) -> PinKey {
        PinKey(P::derive(&[], &[secret.expose()], &[b"cardea1 biometric", self.token.bytes(), self.device.bytes()]))
    }
}

impl fmt::Debug for PinDerivation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PinDerivation").field("class", &self.class).finish_non_exhaustive()
    }
}
