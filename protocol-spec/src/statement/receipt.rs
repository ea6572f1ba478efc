//! Receipts: statements read again, long after they were signed, by anybody who has the public key.

use core::fmt;

use super::{Context, LABEL, STATEMENT_LEN};
use crate::crypto::Provider;
use crate::token::{DeviceId, TokenId};
use crate::wire::{Op, Signer};

/// Why a signed statement proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignedError {
    /// The bytes are not the statement of an operation that is signed.
    Statement,
    /// The signature does not verify under the key.
    Signature,
    /// The text is not the one that was answered.
    Text,
}

impl fmt::Display for SignedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Statement => "the statement is not one of an operation",
            Self::Signature => "the signature is wrong: the statement was changed, or another key has signed it",
            Self::Text => "the text is not the one that was signed",
        })
    }
}

impl core::error::Error for SignedError {}

/// What a statement is about, beside the operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum About<'a> {
    /// OPEN, CLOSE, UNENROLL, RESYNC: the token.
    Token,
    /// CONFIRM, DENY: a text.
    Confirmation {
        /// Id of the confirmation.
        id: &'a [u8; 8],
        /// SHA-256 of its text.
        text: &'a [u8; 32],
    },
    /// SET_PINS: SHA-256 of the new set.
    Pins(&'a [u8; 32]),
    /// ROTATE: the new static key.
    Key(&'a [u8; 32]),
    /// REVOKE_DEVICE: which device.
    Device(DeviceId),
}

/// A statement that was signed, and checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceiptView<'a> {
    /// The operation.
    pub op: Op,
    /// `win` of the cell.
    pub win: u8,
    /// The device's clock, Unix seconds. No proof of time by itself: the holder can set it.
    pub time: u32,
    /// Token, device, and which place in which session.
    pub context: Context,
    /// What else was signed.
    pub about: About<'a>,
}

/// What is said about a receipt beside it, in the words of the API: nobody signed that. What is not said is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Beside<'a> {
    /// The token's id, in hexadecimal digits of lower case.
    pub token: Option<&'a str>,
    /// The id of the device that signed, likewise.
    pub device: Option<&'a str>,
    /// The id of the confirmation that was answered, likewise.
    pub confirmation: Option<&'a str>,
    /// Its text.
    pub text: Option<&'a str>,
}

impl<'a> ReceiptView<'a> {
    /// Reads `statement`, whose `signature` must verify under `key`. Whose key that is, and whether it is that of a PIN
    /// or of the device, is the caller's to know.
    ///
    /// # Errors
    /// [`SignedError::Statement`], [`SignedError::Signature`].
    pub fn verify<P: Provider>(statement: &'a [u8], signature: &[u8; 64], key: &[u8; 32]) -> Result<Self, SignedError> {
        let view = Self::read(statement).ok_or(SignedError::Statement)?;
        if P::ed25519_verify(key, statement, signature) { Ok(view) } else { Err(SignedError::Signature) }
    }

    /// Checks that the answered text is `text`, to the byte.
    ///
    /// # Errors
    /// [`SignedError::Text`]: it is another one, or no text was answered.
    pub fn check_text<P: Provider>(&self, text: &str) -> Result<(), SignedError> {
        match self.about {
            About::Confirmation { text: signed, .. } if *signed == P::sha256(&[text.as_bytes()]) => Ok(()),
            _ => Err(SignedError::Text),
        }
    }

    /// Whether all that is said beside the receipt is what was signed. What is said about a confirmation is not, when
    /// none was answered.
    #[must_use]
    pub fn agrees_with<P: Provider>(&self, beside: &Beside<'_>) -> bool {
        let Context { token, device, .. } = &self.context;
        let is_answered = |said: &str| match self.about {
            About::Confirmation { id, .. } => is_hex(said, id),
            _ => false,
        };
        beside.token.is_none_or(|said| is_hex(said, token.bytes()))
            && beside.device.is_none_or(|said| is_hex(said, device.bytes()))
            && beside.confirmation.is_none_or(is_answered)
            && beside.text.is_none_or(|said| self.check_text::<P>(said).is_ok())
    }

    fn read(statement: &'a [u8]) -> Option<Self> {
        let (head, extension) = statement.split_at_checked(STATEMENT_LEN)?;
        let rest = head.strip_prefix(LABEL)?;
        let ([number, win], rest) = rest.split_first_chunk()?;
        let (time, rest) = rest.split_first_chunk()?;
        let (generation, rest) = rest.split_first_chunk()?;
        let (sequence, rest) = rest.split_first_chunk()?;
        let (token, rest) = rest.split_first_chunk()?;
        let (device, bind) = rest.split_first_chunk()?;
        let op = Op::from_number(*number).filter(|op| op.signer() != Signer::Nobody)?;
        let about = match op {
            Op::Confirm | Op::Deny => {
                let (id, text) = extension.split_first_chunk()?;
                About::Confirmation { id, text: text.try_into().ok()? }
            }
            Op::SetPins => About::Pins(extension.try_into().ok()?),
            Op::Rotate => About::Key(extension.try_into().ok()?),
            Op::RevokeDevice => About::Device(DeviceId::new(extension.try_into().ok()?)),
            _ => About::Token,
        };
        if about == About::Token && !extension.is_empty() {
            return None;
        }
        Some(Self {
            op,
            win: *win,
            time: u32::from_le_bytes(*time),
            context: Context {
                generation: u64::from_le_bytes(*generation),
                sequence: u32::from_le_bytes(*sequence),
                token: TokenId::new(*token),
                device: DeviceId::new(*device),
                bind: bind.try_into().ok()?,
            },
            about,
        })
    }
}

/// Whether `text` is `bytes` in digits of lower case, the only ones that the API writes.
fn is_hex(text: &str, bytes: &[u8]) -> bool {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| DIGITS[usize::from(digit)]);
    digits.eq(text.bytes())
}

#[cfg(all(test, feature = "dalek"))]
mod tests {
    use super::*;
    use crate::crypto::Dalek;
    use crate::secret::Secret;
    use crate::statement::{Extension, Statement};

    const CONTEXT: Context = Context {
        generation: 0x0102_0304_0506_0708,
        sequence: 9,
        token: TokenId::new([0xab; 16]),
        device: DeviceId::new([1, 2, 3, 4]),
        bind: [3; 32],
    };

    fn signed(op: Op, extension: Extension<'_>) -> (Statement, [u8; 64], [u8; 32]) {
        let seed = Secret::new([9; 32]);
        let statement = Statement::new::<Dalek>(op, 7, 1_800_000_000, &CONTEXT, extension);
        let signature = Dalek::ed25519_sign(&seed, statement.bytes());
        (statement, signature, Dalek::ed25519_public(&seed))
    }

    #[test]
    fn every_signed_operation_is_read_as_it_was_written() {
        let text = "Pay \u{20ac} 30 to Eva";
        let hash = Dalek::sha256(&[text.as_bytes()]);
        let confirmation = Extension::Confirmation { id: &[7; 8], text };
        for (op, extension, about) in [
            (Op::Open, Extension::None, About::Token),
            (Op::Close, Extension::None, About::Token),
            (Op::Unenroll, Extension::None, About::Token),
            (Op::Resync, Extension::None, About::Token),
            (Op::Confirm, confirmation, About::Confirmation { id: &[7; 8], text: &hash }),
            (Op::Deny, confirmation, About::Confirmation { id: &[7; 8], text: &hash }),
            (Op::Rotate, Extension::Key(&[5; 32]), About::Key(&[5; 32])),
            (Op::RevokeDevice, Extension::Device(&CONTEXT.device), About::Device(CONTEXT.device)),
        ] {
            let (statement, signature, key) = signed(op, extension);
            let view = ReceiptView::verify::<Dalek>(statement.bytes(), &signature, &key);
            let expected = ReceiptView { op, win: 7, time: 1_800_000_000, context: CONTEXT, about };
            assert_eq!(view, Ok(expected));
            let is_about = matches!(op, Op::Confirm | Op::Deny);
            assert_eq!(view.unwrap().check_text::<Dalek>(text).is_ok(), is_about, "{op:?}");
            assert_eq!(view.unwrap().check_text::<Dalek>("Pay \u{20ac} 31 to Eva"), Err(SignedError::Text));
        }
    }

    #[test]
    fn every_changed_bit_and_every_other_length_is_noticed() {
        let (statement, signature, key) = signed(Op::Confirm, Extension::Confirmation { id: &[7; 8], text: "yes" });
        let mut bytes = [0; 123];
        bytes[..122].copy_from_slice(statement.bytes());
        for length in (0..=123).filter(|length| *length != 122) {
            let read = ReceiptView::verify::<Dalek>(&bytes[..length], &signature, &key);
            assert_eq!(read, Err(SignedError::Statement), "{length}");
        }
        for bit in 0..122 * 8 {
            let mut changed = [0; 122];
            changed.copy_from_slice(statement.bytes());
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(ReceiptView::verify::<Dalek>(&changed, &signature, &key).is_err(), "{bit}");
        }
        for bit in 0..64 * 8 {
            let mut changed = signature;
            changed[bit / 8] ^= 1 << (bit % 8);
            let read = ReceiptView::verify::<Dalek>(statement.bytes(), &changed, &key);
            assert_eq!(read, Err(SignedError::Signature), "{bit}");
        }
        for bit in 0..32 * 8 {
            let mut changed = key;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(ReceiptView::verify::<Dalek>(statement.bytes(), &signature, &changed).is_err(), "{bit}");
        }
    }

    #[test]
    fn what_is_said_beside_a_receipt_has_to_be_what_was_signed() {
        const TOKEN: &str = "abababababababababababababababab";
        let (statement, signature, key) = signed(Op::Deny, Extension::Confirmation { id: &[0x7f; 8], text: "yes" });
        let answered = ReceiptView::verify::<Dalek>(statement.bytes(), &signature, &key).unwrap();
        let (statement, signature, key) = signed(Op::Open, Extension::None);
        let opened = ReceiptView::verify::<Dalek>(statement.bytes(), &signature, &key).unwrap();
        let nothing = Beside::default();
        let about = Beside { token: Some(TOKEN), device: Some("01020304"), ..nothing };
        let all = Beside { confirmation: Some("7f7f7f7f7f7f7f7f"), text: Some("yes"), ..about };
        for (view, said) in [(opened, nothing), (opened, about), (answered, about), (answered, all)] {
            assert!(view.agrees_with::<Dalek>(&said), "{said:?}");
        }
        for said in ["", "no", "Yes", "yes "] {
            assert!(!answered.agrees_with::<Dalek>(&Beside { text: Some(said), ..all }), "{said}");
        }
        for said in ["", "0102030", "01020305", "0102030405", "1020304", "010203\u{e9}", "0x01020304"] {
            for beside in [
                Beside { token: Some(said), ..all },
                Beside { device: Some(said), ..all },
                Beside { confirmation: Some(said), ..all },
            ] {
                assert!(!answered.agrees_with::<Dalek>(&beside), "{beside:?}");
            }
        }
        let upper = Beside { confirmation: Some("7F7F7F7F7F7F7F7F"), ..nothing };
        assert!(!answered.agrees_with::<Dalek>(&upper), "nobody writes it so");
        for said in [Beside { text: all.text, ..nothing }, Beside { confirmation: all.confirmation, ..nothing }] {
            assert!(!opened.agrees_with::<Dalek>(&said), "no text was answered");
        }
    }

    #[test]
    fn what_nobody_signs_is_no_receipt() {
        for op in Op::ALL.iter().filter(|op| op.signer() == Signer::Nobody) {
            let (statement, signature, key) = signed(*op, Extension::None);
            let read = ReceiptView::verify::<Dalek>(statement.bytes(), &signature, &key);
            assert_eq!(read, Err(SignedError::Statement), "{op:?}");
        }
    }
}
