//! What frames say, for tools that show it to people who test. Compiled in with feature `observe` only, which is off by default
//! and which nothing that ships turns on.
//!
//! While somebody observes ([`Observer`]), the primitives note for every message that this process seals or opens how that was
//! done, under the message's tag. Whoever has a frame, because it went through a
//! [`Connection`](crate::transport::Connection) of its own, finds by the tags in it what it said and with which keys. So no step
//! of an operation knows that it is observed, and frames that are not one's own tell nothing.
//!
//! What is in the frames is read with the views of [`wire`], which both ends use.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use cardea_protocol::crypto::{Argon2Cost, CryptoError, Dalek, Provider, TAG_LEN};
use zeroize::Zeroizing;

pub use cardea_protocol::{Code, Secret, limits, token, wire};

/// Notes that are kept. Each is looked up at once, or as soon as the device has looked at what came: this is far more than
/// there are frames on their way at one time.
const KEPT: usize = 16_384;

/// How many observe.
static OBSERVERS: AtomicUsize = AtomicUsize::new(0);
static NOTES: Mutex<Option<Notes>> = Mutex::new(None);

/// A message's tag.
type Tag = [u8; TAG_LEN];

#[derive(Default)]
struct Notes {
    by_tag: HashMap<Tag, Note>,
    order: VecDeque<Tag>,
}

impl Notes {
    /// Adds a note. One that succeeded is not replaced.
    fn add(&mut self, tag: Tag, note: Note) {
        match self.by_tag.get(&tag) {
            Some(known) if known.is_authentic => return,
            Some(_) => {}
            None => {
                if self.order.len() == KEPT
                    && let Some(oldest) = self.order.pop_front()
                {
                    self.by_tag.remove(&oldest);
                }
                self.order.push_back(tag);
            }
        }
        self.by_tag.insert(tag, note);
    }
}

/// How one message was sealed or opened.
pub struct Note {
    key: Secret<32>,
    nonce: u64,
    associated: Vec<u8>,
    is_authentic: bool,
}

impl Note {
    /// The key. It may be that of one message (in handshakes) or of a whole direction of a session.
    #[must_use]
    pub const fn key(&self) -> &Secret<32> {
        &self.key
    }

    /// The number of the message under this key, from 0.
    #[must_use]
    pub const fn nonce(&self) -> u64 {
        self.nonce
    }

    /// What was authenticated beside it: the handshake's hash, or nothing in sessions.
    #[must_use]
    pub fn associated(&self) -> &[u8] {
        &self.associated
    }

    /// Whether the device has sealed it, or has opened it and found it authentic. If not, it has refused it.
    #[must_use]
    pub const fn is_authentic(&self) -> bool {
        self.is_authentic
    }

    /// What `sealed` (without its tag) says; `None` if it is not what was sealed.
    #[must_use]
    pub fn open(&self, sealed: &[u8], tag: &Tag) -> Option<Zeroizing<Vec<u8>>> {
        let mut text = Zeroizing::new(sealed.to_vec());
        Dalek::open(&self.key, self.nonce, &self.associated, &mut text, tag).ok()?;
        Some(text)
    }
}

impl fmt::Debug for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Note").field("nonce", &self.nonce).finish_non_exhaustive()
    }
}

impl Clone for Note {
    fn clone(&self) -> Self {
        Self { key: self.key.duplicate(), associated: self.associated.clone(), ..*self }
    }
}

/// While one of these lives, notes are kept. They are forgotten with the last one.
#[derive(Debug)]
pub struct Observer(());

impl Observer {
    /// Observes from now on.
    #[must_use]
    pub fn begin() -> Self {
        // Under the lock, so that the last one to end forgets what it means to.
        let mut notes = notes();
        notes.get_or_insert_default();
        OBSERVERS.fetch_add(1, Ordering::Relaxed);
        drop(notes);
        Self(())
    }

    /// How the message with this tag was sealed or opened, if that was in this process, not too long ago, and observed. Of
    /// a message that was tried more than once, the try that succeeded.
    #[must_use]
    pub fn look_up(&self, tag: &Tag) -> Option<Note> {
        notes().as_ref()?.by_tag.get(tag).cloned()
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        let mut notes = notes();
        if OBSERVERS.fetch_sub(1, Ordering::Relaxed) == 1 {
            *notes = None;
        }
    }
}

fn notes() -> MutexGuard<'static, Option<Notes>> {
    NOTES.lock().unwrap_or_else(PoisonError::into_inner)
}

fn note(key: &Secret<32>, nonce: u64, associated: &[u8], tag: &Tag, is_authentic: bool) {
    if OBSERVERS.load(Ordering::Relaxed) == 0 {
        return;
    }
    if let Some(notes) = &mut *notes() {
        notes.add(*tag, Note { key: key.duplicate(), nonce, associated: associated.to_vec(), is_authentic });
    }
}

/// The real primitives, observed.
pub(crate) enum Observed {}

impl Provider for Observed {
    type PinBlock = <Dalek as Provider>::PinBlock;

    fn x25519_public(secret: &Secret<32>) -> [u8; 32] {
        Dalek::x25519_public(secret)
    }

    fn x25519(secret: &Secret<32>, public: &[u8; 32]) -> Result<Secret<32>, CryptoError> {
        Dalek::x25519(secret, public)
    }

    fn seal(key: &Secret<32>, nonce: u64, associated: &[u8], buffer: &mut [u8]) -> Tag {
        let tag = Dalek::seal(key, nonce, associated, buffer);
        note(key, nonce, associated, &tag, true);
        tag
    }

    fn open(key: &Secret<32>, nonce: u64, associated: &[u8], buffer: &mut [u8], tag: &Tag) -> Result<(), CryptoError> {
        let opened = Dalek::open(key, nonce, associated, buffer, tag);
        note(key, nonce, associated, tag, opened.is_ok());
        opened
    }

    fn sha256(parts: &[&[u8]]) -> [u8; 32] {
        Dalek::sha256(parts)
    }

    fn hmac(key: &[u8], parts: &[&[u8]]) -> Secret<32> {
        Dalek::hmac(key, parts)
    }

    fn hkdf2(chaining_key: &Secret<32>, input: &[u8]) -> (Secret<32>, Secret<32>) {
        Dalek::hkdf2(chaining_key, input)
    }

    fn hkdf3(chaining_key: &Secret<32>, input: &[u8]) -> (Secret<32>, Secret<32>, Secret<32>) {
        Dalek::hkdf3(chaining_key, input)
    }

    fn derive(salt: &[u8], input: &[&[u8]], info: &[&[u8]]) -> Secret<32> {
        Dalek::derive(salt, input, info)
    }

    fn ed25519_public(seed: &Secret<32>) -> [u8; 32] {
        Dalek::ed25519_public(seed)
    }

    fn ed25519_sign(seed: &Secret<32>, message: &[u8]) -> [u8; 64] {
        Dalek::ed25519_sign(seed, message)
    }

    fn ed25519_verify(public: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
        Dalek::ed25519_verify(public, message, signature)
    }

    fn argon2id(
        pin: &[u8],
        salt: &Secret<32>,
        cost: Argon2Cost,
        memory: &mut [Self::PinBlock],
    ) -> Result<Secret<32>, CryptoError> {
        Dalek::argon2id(pin, salt, cost, memory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seals `text` under a key of its own.
    fn seal(key: u8, text: &[u8]) -> (Vec<u8>, Tag) {
        let mut sealed = text.to_vec();
        let tag = Observed::seal(&Secret::new([key; 32]), 3, b"hash", &mut sealed);
        (sealed, tag)
    }

    #[test]
    fn whoever_has_a_message_finds_out_what_it_says_while_somebody_observes() {
        let observer = Observer::begin();
        let (sealed, tag) = seal(1, b"what was said");
        let note = observer.look_up(&tag).unwrap();
        assert_eq!((note.nonce(), note.associated(), note.is_authentic()), (3, &b"hash"[..], true));
        assert_eq!(note.open(&sealed, &tag).unwrap()[..], b"what was said"[..]);
        assert!(note.open(&sealed[1..], &tag).is_none());
        assert!(observer.look_up(&[0; TAG_LEN]).is_none());
        assert!(!format!("{note:?}").contains("key"));
    }

    #[test]
    fn what_is_refused_is_told_as_refused_until_it_is_accepted() {
        let observer = Observer::begin();
        let (sealed, tag) = {
            let mut sealed = b"from elsewhere".to_vec();
            let tag = Dalek::seal(&Secret::new([2; 32]), 0, &[], &mut sealed);
            (sealed, tag)
        };
        assert!(observer.look_up(&tag).is_none());
        assert!(Observed::open(&Secret::new([3; 32]), 0, &[], &mut sealed.clone(), &tag).is_err());
        assert!(!observer.look_up(&tag).unwrap().is_authentic());
        assert!(Observed::open(&Secret::new([2; 32]), 0, &[], &mut sealed.clone(), &tag).is_ok());
        assert!(Observed::open(&Secret::new([3; 32]), 0, &[], &mut sealed.clone(), &tag).is_err());
        let note = observer.look_up(&tag).unwrap();
        assert!(note.is_authentic());
        assert_eq!(note.open(&sealed, &tag).unwrap()[..], b"from elsewhere"[..]);
    }

    #[test]
    fn no_more_is_kept_than_may_be() {
        let mut notes = Notes::default();
        let tag = |number: usize| {
            let mut tag = [0; TAG_LEN];
            tag[..8].copy_from_slice(&number.to_le_bytes());
            tag
        };
        for number in 0..KEPT + 3 {
            notes.add(tag(number), Note { key: Secret::zero(), nonce: 0, associated: Vec::new(), is_authentic: true });
        }
        assert_eq!((notes.by_tag.len(), notes.order.len()), (KEPT, KEPT));
        assert!(!notes.by_tag.contains_key(&tag(2)));
        assert!(notes.by_tag.contains_key(&tag(3)));
    }
}
