//! Signed notes (C2SP signed-note): text that carries its signatures, with Ed25519 only.

use cardea_protocol::Secret;
use cardea_protocol::crypto::{Dalek, Provider};
use data_encoding::{BASE64, HEXLOWER};

use super::tree::sha256;

/// Ed25519, in the numbering of signed notes.
const ED25519: u8 = 1;
/// Longest note that is looked at.
const NOTE_MAX: usize = 64 * 1024;
/// Most signatures that are looked at.
const SIGNATURES_MAX: usize = 100;

/// Why a note cannot be believed. Whoever sent it must act, or whoever named the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    /// It is not of the form of a signed note.
    #[error("this is no signed note")]
    Form,
    /// Nobody with the expected name and key has signed it.
    #[error("the note is not signed with the expected key")]
    Unsigned,
    /// The signature is wrong.
    #[error("the signature of the note is wrong: its text was changed")]
    Signature,
}

/// A name and the key that goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    key: [u8; 32],
}

impl Verifier {
    /// The verifier with this name and key; `None` if a name with spaces, `+` or control characters was given.
    #[must_use]
    pub fn new(name: &str, key: [u8; 32]) -> Option<Self> {
        let fits = !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+');
        fits.then(|| Self { name: name.to_owned(), key })
    }

    /// The form in which other programs take it: `name+hash+key`.
    #[must_use]
    pub fn vkey(&self) -> String {
        let key: Vec<u8> = [ED25519].iter().chain(&self.key).copied().collect();
        format!("{}+{}+{}", self.name, HEXLOWER.encode(&self.id()), BASE64.encode(&key))
    }

    fn id(&self) -> [u8; 4] {
        let [a, b, c, d, ..] = sha256(&[self.name.as_bytes(), b"\n", &[ED25519], &self.key]);
        [a, b, c, d]
    }

    /// Signs `text`, which ends with a line feed, under this name.
    pub(crate) fn sign(&self, identity: &Secret<32>, text: &str) -> String {
        let mut blob = self.id().to_vec();
        blob.extend_from_slice(&Dalek::ed25519_sign(identity, text.as_bytes()));
        format!("{text}\n\u{2014} {} {}\n", self.name, BASE64.encode(&blob))
    }

    /// The text of a note that this name and key have signed, among others perhaps.
    ///
    /// # Errors
    /// [`NoteError`].
    pub fn open<'a>(&self, note: &'a str) -> Result<&'a str, NoteError> {
        if note.len() > NOTE_MAX || note.chars().any(|c| c.is_control() && c != '\n') {
            return Err(NoteError::Form);
        }
        let end = note.rfind("\n\n").ok_or(NoteError::Form)?;
        let (text, signatures) = (&note[..=end], &note[end + 2..]);
        let signatures = signatures.strip_suffix('\n').ok_or(NoteError::Form)?;
        if signatures.is_empty() || signatures.split('\n').count() > SIGNATURES_MAX {
            return Err(NoteError::Form);
        }
        for line in signatures.split('\n') {
            let line = line.strip_prefix("\u{2014} ").ok_or(NoteError::Form)?;
            let (name, blob) = line.split_once(' ').ok_or(NoteError::Form)?;
            let blob = BASE64.decode(blob.as_bytes()).map_err(|_| NoteError::Form)?;
            let (id, signature) = blob.split_at_checked(4).ok_or(NoteError::Form)?;
            if name != self.name || id != self.id() {
                continue;
            }
            let signature = signature.try_into().map_err(|_| NoteError::Form)?;
            let good = Dalek::ed25519_verify(&self.key, text.as_bytes(), signature);
            return if good { Ok(text) } else { Err(NoteError::Signature) };
        }
        Err(NoteError::Unsigned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Go's `golang.org/x/mod/sumdb/note`.
    const NOTE: &str = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\
        \n\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    const VKEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const SEED: &str = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";

    fn decode(text: &str) -> [u8; 32] {
        BASE64.decode(text.as_bytes()).expect("base64")[1..].try_into().expect("32 bytes")
    }

    fn peter() -> Verifier {
        Verifier::new("PeterNeumann", decode(&VKEY[22..])).expect("valid")
    }

    #[test]
    fn the_published_example_opens_and_is_signed_alike() {
        assert_eq!(peter().vkey(), VKEY);
        let text = peter().open(NOTE).expect("signed");
        assert!(text.ends_with("is.\n"));
        assert_eq!(peter().sign(&Secret::new(decode(SEED)), text), NOTE);
        // The example of the specification of signed notes.
        let key = decode("AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k");
        let foo = Verifier::new("example.com/foo", key).expect("valid");
        assert_eq!(foo.vkey(), "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k");
    }

    #[test]
    fn a_note_that_was_changed_anywhere_is_not_believed() {
        let (characters, mut refused) = (NOTE.chars().count(), 0);
        for place in 0..characters {
            let changed: String = NOTE
                .chars()
                .enumerate()
                .map(|(n, c)| if n == place { if c == 'x' { 'y' } else { 'x' } } else { c })
                .collect();
            assert!(peter().open(&changed).is_err(), "{place}");
            refused += 1;
        }
        assert_eq!(refused, characters);
        for length in (0..NOTE.len()).filter(|length| NOTE.is_char_boundary(*length)) {
            assert!(peter().open(&NOTE[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn others_may_sign_too_and_are_no_substitute() {
        let other = Verifier::new("other", Dalek::ed25519_public(&Secret::new([1; 32]))).expect("valid");
        let text = peter().open(NOTE).expect("signed");
        let both =
            format!("{}{}", other.sign(&Secret::new([1; 32]), text), &NOTE[NOTE.rfind('\u{2014}').expect("one")..]);
        assert_eq!((peter().open(&both), other.open(&both)), (Ok(text), Ok(text)));
        assert_eq!(other.open(NOTE), Err(NoteError::Unsigned));
        assert_eq!(Verifier::new("PeterNeumann", [1; 32]).expect("valid").open(NOTE), Err(NoteError::Unsigned));
        for name in ["", "a b", "a+b", "a\nb"] {
            assert_eq!(Verifier::new(name, [1; 32]), None);
        }
    }
}
