//! Checkpoints (C2SP tlog-checkpoint): size and root of the tree, signed with the instance's identity key.

use cardea_protocol::Secret;
use data_encoding::{BASE64, HEXLOWER};

use super::note::{NoteError, Verifier};
use super::tree::{Frontier, Hash, sha256};

/// A head of the tree that somebody has signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// How many leaves the tree has.
    pub size: u64,
    /// Its root.
    pub root: Hash,
}

/// The log of one instance, known by its identity key alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    origin: String,
    verifier: Verifier,
}

impl Log {
    /// The log of the instance with this identity key. Its origin is `cardea.audit/` and 16 hexadecimal digits that
    /// follow from the key.
    ///
    /// # Panics
    /// Never: such an origin is a valid name.
    #[must_use]
    pub fn of(identity: &[u8; 32]) -> Self {
        let hash = sha256(&[b"cardea1 audit log", identity]);
        let origin = format!("cardea.audit/{}", HEXLOWER.encode(&hash[..8]));
        let verifier = Verifier::new(&origin, *identity).expect("letters, digits, a dot and a slash");
        Self { origin, verifier }
    }

    /// The first line of its checkpoints.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The verifier key for programs that know signed notes.
    #[must_use]
    pub fn vkey(&self) -> String {
        self.verifier.vkey()
    }

    /// Signs the head of `tree`.
    pub(crate) fn sign(&self, identity: &Secret<32>, tree: &Frontier) -> String {
        let text = format!("{}\n{}\n{}\n", self.origin, tree.size(), BASE64.encode(&tree.root()));
        self.verifier.sign(identity, &text)
    }

    /// Reads a checkpoint of this log. Further lines and signatures, such as those of witnesses, are let be.
    ///
    /// # Errors
    /// [`NoteError`].
    pub fn open(&self, note: &str) -> Result<Checkpoint, NoteError> {
        let text = self.verifier.open(note)?;
        let mut lines = text.split('\n');
        let (origin, size, root) = (lines.next(), lines.next(), lines.next());
        let size = size.filter(|size| !size.starts_with('0') || *size == "0").ok_or(NoteError::Form)?;
        if origin != Some(&self.origin) || !size.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NoteError::Form);
        }
        let root = root.and_then(|root| BASE64.decode(root.as_bytes()).ok()?.try_into().ok());
        Ok(Checkpoint { size: size.parse().map_err(|_| NoteError::Form)?, root: root.ok_or(NoteError::Form)? })
    }
}

#[cfg(test)]
mod tests {
    use cardea_protocol::crypto::{Dalek, Provider};

    use super::*;
    use crate::audit::tree::leaf_hash;

    fn identity() -> Secret<32> {
        Secret::new([3; 32])
    }

    #[test]
    fn a_checkpoint_is_read_as_it_was_signed_and_by_its_own_log_only() {
        let log = Log::of(&Dalek::ed25519_public(&identity()));
        let mut tree = Frontier::default();
        for size in 0..20_u64 {
            let note = log.sign(&identity(), &tree);
            assert_eq!(log.open(&note), Ok(Checkpoint { size, root: tree.root() }));
            assert!(note.starts_with(&format!("{}\n{size}\n", log.origin())));
            assert_eq!(Log::of(&[1; 32]).open(&note), Err(NoteError::Unsigned));
            tree.push(leaf_hash(&size.to_be_bytes()));
        }
        assert!(log.vkey().starts_with(log.origin()));
    }

    #[test]
    fn texts_that_are_no_checkpoints_are_refused_although_they_are_signed() {
        let log = Log::of(&Dalek::ed25519_public(&identity()));
        let root = BASE64.encode(&[7; 32]);
        let open = |text: &str| log.open(&log.verifier.sign(&identity(), text));
        let origin = log.origin();
        assert!(open(&format!("{origin}\n5\n{root}\n")).is_ok());
        assert!(open(&format!("{origin}\n5\n{root}\nextension\n")).is_ok());
        for text in [
            "\n".to_owned(),
            "one line\n".to_owned(),
            format!("{origin}\n5\n"),
            format!("{origin}\n05\n{root}\n"),
            format!("{origin}\n-5\n{root}\n"),
            format!("{origin}\n+5\n{root}\n"),
            format!("{origin}\n\n{root}\n"),
            format!("{origin}\n99999999999999999999\n{root}\n"),
            format!("{origin}\n5\nAAAA\n"),
            format!("{origin}\n5\n{root}=\n"),
            format!("other\n5\n{root}\n"),
        ] {
            assert!(open(&text).is_err(), "{text:?}");
        }
    }
}
