//! One handshake, from one side (Noise specification, sections 5.3 and 9).

use core::fmt;
use core::marker::PhantomData;

use zeroize::Zeroize;

use super::symmetric::Symmetric;
use super::{KEY_LEN, KeyPair, Keys, MAX_MESSAGE_LEN, NoiseError, Pattern, Role, Token};
use crate::Secret;
use crate::crypto::{Provider, TAG_LEN};

/// What a finished handshake leaves: a key for each direction, and the hash that binds the session to it.
#[derive(Debug, PartialEq, Eq)]
pub struct Split {
    /// Key of everything that the initiator sends from here on.
    pub initiator_to_responder: Secret<32>,
    /// Key of everything that the responder sends from here on. Unused after a one-way pattern.
    pub responder_to_initiator: Secret<32>,
    /// The handshake hash: equal on both sides, different for every handshake. Not secret.
    pub hash: [u8; 32],
}

/// The public keys of the other side, as far as they are known.
#[derive(Clone, Copy)]
struct Peer {
    s: Option<[u8; KEY_LEN]>,
    e: Option<[u8; KEY_LEN]>,
}

/// A handshake in progress. About 400 bytes, wiped when dropped.
///
/// Every step is all or nothing: if it fails, the handshake is as it was before the call, and the next message is tried
/// against that state.
pub struct Handshake<P> {
    pattern: &'static Pattern,
    role: Role,
    /// Index of the next message.
    next: usize,
    state: Symmetric<P>,
    s: Option<KeyPair>,
    e: Option<KeyPair>,
    peer: Peer,
    psk: Option<Secret<KEY_LEN>>,
    provider: PhantomData<fn() -> P>,
}

impl<P: Provider> Handshake<P> {
    /// Starts a handshake. `prologue` is the concatenation of its at most
    /// [`MAX_PROLOGUE_PARTS`](super::MAX_PROLOGUE_PARTS) parts; both sides must give the same bytes.
    ///
    /// # Errors
    /// [`NoiseError::ApiMisuse`] if the keys do not fit the pattern and the role, or the prologue has too many parts.
    pub fn new(pattern: &'static Pattern, role: Role, prologue: &[&[u8]], keys: Keys) -> Result<Self, NoiseError> {
        let Keys { s, e, rs, psk } = keys;
        if s.is_none() && (pattern.is_pre(role) || pattern.sends(role, Token::S)) {
            return Err(NoiseError::ApiMisuse("the pattern needs the own static key"));
        }
        if rs.is_some() != pattern.is_pre(role.peer()) {
            return Err(NoiseError::ApiMisuse("the peer's static key is given exactly if the pattern knows it before"));
        }
        if psk.is_some() && !pattern.has_psk() {
            return Err(NoiseError::ApiMisuse("the pattern has no place for the pre-shared key"));
        }
        let mut state = Symmetric::new(pattern.name, prologue)?;
        for side in [Role::Initiator, Role::Responder] {
            if pattern.is_pre(side) {
                let public = if side == role { s.as_ref().map(KeyPair::public) } else { rs.as_ref() };
                state.mix_hash(public.ok_or(NoiseError::ApiMisuse("the pattern needs a static key"))?);
            }
        }
        Ok(Self { pattern, role, next: 0, state, s, e, peer: Peer { s: rs, e: None }, psk, provider: PhantomData })
    }

    /// Brings the pre-shared key after the start: the responder of `XKpsk3` can look it up before message 3. It is
    /// forgotten as soon as a message has used it.
    pub fn set_psk(&mut self, psk: Secret<KEY_LEN>) {
        self.psk = Some(psk);
    }

    /// Brings the ephemeral key after the start, so that a responder makes one only for a message that authenticated.
    ///
    /// # Errors
    /// [`NoiseError::ApiMisuse`] if there is one already.
    pub fn set_ephemeral(&mut self, e: KeyPair) -> Result<(), NoiseError> {
        if self.e.is_some() {
            return Err(NoiseError::ApiMisuse("a handshake has one ephemeral key"));
        }
        self.e = Some(e);
        Ok(())
    }

    /// Writes the next message, carrying `payload`, to the front of `out`, and returns its length:
    /// `payload.len() + self.overhead()`.
    ///
    /// # Errors
    /// [`NoiseError::ApiMisuse`] out of turn, without a key that the message needs, or if `out` is too short;
    /// [`NoiseError::MessageLength`] above [`MAX_MESSAGE_LEN`]; [`NoiseError::Dh`] if the peer's key has small order.
    /// Nothing of the payload is in `out` then.
    pub fn write_message(&mut self, payload: &[u8], out: &mut [u8]) -> Result<usize, NoiseError> {
        let tokens = self.tokens(self.role)?;
        let length = payload.len().saturating_add(self.overhead());
        if length > MAX_MESSAGE_LEN {
            return Err(NoiseError::MessageLength);
        }
        let out = out.get_mut(..length).ok_or(NoiseError::ApiMisuse("the output buffer is too short"))?;
        let mut state = self.state.duplicate();
        self.write(tokens, &mut state, payload, out)?;
        self.commit(tokens, state);
        Ok(length)
    }

    /// Reads the next message and writes its payload to the front of `payload`; returns the payload's length.
    ///
    /// # Errors
    /// [`NoiseError::ApiMisuse`] out of turn or without a key that the message needs; [`NoiseError::MessageLength`],
    /// [`NoiseError::Decrypt`] and [`NoiseError::Dh`] for a message to be dropped. `payload` is wiped then, and the
    /// handshake still waits for the same message.
    pub fn read_message(&mut self, message: &[u8], payload: &mut [u8]) -> Result<usize, NoiseError> {
        let result = self.try_read(message, payload);
        if result.is_err() {
            payload.zeroize();
        }
        result
    }

    /// How many bytes the next message adds to its payload; 0 when the handshake is finished.
    #[must_use]
    pub fn overhead(&self) -> usize {
        let mut keyed = self.state.has_key();
        let mut bytes = 0;
        for token in self.pattern.messages.get(self.next).copied().unwrap_or_default() {
            match token {
                Token::E => {
                    bytes += KEY_LEN;
                    keyed |= self.pattern.has_psk();
                }
                Token::S => bytes += if keyed { KEY_LEN + TAG_LEN } else { KEY_LEN },
                Token::Ee | Token::Es | Token::Se | Token::Ss | Token::Psk => keyed = true,
            }
        }
        if keyed && !self.is_finished() { bytes + TAG_LEN } else { bytes }
    }

    /// The handshake hash so far: equal on both sides after each message.
    #[must_use]
    pub const fn hash(&self) -> &[u8; 32] {
        self.state.hash()
    }

    /// The peer's static key, once it is known. Received keys appear only after their message has authenticated, as far
    /// as the pattern authenticates it.
    #[must_use]
    pub const fn remote_static(&self) -> Option<&[u8; KEY_LEN]> {
        self.peer.s.as_ref()
    }

    /// The peer's ephemeral key, once its message was read.
    #[must_use]
    pub const fn remote_ephemeral(&self) -> Option<&[u8; KEY_LEN]> {
        self.peer.e.as_ref()
    }

    /// Whether all messages have passed.
    #[must_use]
    pub const fn is_finished(&self) -> bool {
        self.next >= self.pattern.messages.len()
    }

    /// Ends the handshake and derives the session's keys.
    ///
    /// # Errors
    /// [`NoiseError::ApiMisuse`] if the handshake is not finished.
    pub fn split(self) -> Result<Split, NoiseError> {
        if !self.is_finished() {
            return Err(NoiseError::ApiMisuse("the handshake is not finished"));
        }
        let (initiator_to_responder, responder_to_initiator) = self.state.split();
        Ok(Split { initiator_to_responder, responder_to_initiator, hash: *self.state.hash() })
    }

    /// The tokens of the next message, if it is `sender`'s.
    fn tokens(&self, sender: Role) -> Result<&'static [Token], NoiseError> {
        let tokens = self.pattern.messages.get(self.next).ok_or(NoiseError::ApiMisuse("the handshake is finished"))?;
        if Role::sender(self.next) != sender {
            return Err(NoiseError::ApiMisuse("it is the other side's turn"));
        }
        Ok(tokens)
    }

    fn commit(&mut self, tokens: &[Token], state: Symmetric<P>) {
        self.state = state;
        self.next += 1;
        if tokens.contains(&Token::Psk) {
            self.psk = None;
        }
    }

    /// Fills `out`, which has the exact length of the message. The payload comes last: if something fails, it was
    /// neither written nor encrypted.
    fn write(
        &self,
        tokens: &[Token],
        state: &mut Symmetric<P>,
        payload: &[u8],
        mut out: &mut [u8],
    ) -> Result<(), NoiseError> {
        for token in tokens {
            match token {
                Token::E => {
                    let e = self.e.as_ref().ok_or(NoiseError::ApiMisuse("the message needs an ephemeral key"))?;
                    let field = out.split_off_mut(..KEY_LEN).ok_or(NoiseError::MessageLength)?;
                    field.copy_from_slice(e.public());
                    self.mix_ephemeral(state, e.public());
                }
                Token::S => {
                    let s = self.s.as_ref().ok_or(NoiseError::ApiMisuse("the message needs the static key"))?;
                    let length = if state.has_key() { KEY_LEN + TAG_LEN } else { KEY_LEN };
                    let field = out.split_off_mut(..length).ok_or(NoiseError::MessageLength)?;
                    field.get_mut(..KEY_LEN).ok_or(NoiseError::MessageLength)?.copy_from_slice(s.public());
                    state.encrypt_and_hash(field)?;
                }
                Token::Ee | Token::Es | Token::Se | Token::Ss | Token::Psk => self.mix(*token, state, &self.peer)?,
            }
        }
        out.get_mut(..payload.len()).ok_or(NoiseError::MessageLength)?.copy_from_slice(payload);
        state.encrypt_and_hash(out)
    }

    fn try_read(&mut self, mut message: &[u8], payload: &mut [u8]) -> Result<usize, NoiseError> {
        let tokens = self.tokens(self.role.peer())?;
        if message.len() > MAX_MESSAGE_LEN {
            return Err(NoiseError::MessageLength);
        }
        let length = message.len().checked_sub(self.overhead()).ok_or(NoiseError::MessageLength)?;
        let payload = payload.get_mut(..length).ok_or(NoiseError::MessageLength)?;
        let mut state = self.state.duplicate();
        let mut peer = self.peer;
        for token in tokens {
            match token {
                Token::E => {
                    let e =
                        *message.split_off(..KEY_LEN).and_then(<[u8]>::first_chunk).ok_or(NoiseError::MessageLength)?;
                    self.mix_ephemeral(&mut state, &e);
                    peer.e = Some(e);
                }
                Token::S => {
                    let length = if state.has_key() { KEY_LEN + TAG_LEN } else { KEY_LEN };
                    let field = message.split_off(..length).ok_or(NoiseError::MessageLength)?;
                    let mut s = [0; KEY_LEN];
                    state.decrypt_and_hash(field, &mut s)?;
                    peer.s = Some(s);
                }
                Token::Ee | Token::Es | Token::Se | Token::Ss | Token::Psk => self.mix(*token, &mut state, &peer)?,
            }
        }
        state.decrypt_and_hash(message, payload)?;
        self.peer = peer;
        self.commit(tokens, state);
        Ok(length)
    }

    /// An ephemeral public key goes into the hash and, in a handshake with a pre-shared key, into the key as well: it
    /// makes up for the nonce that a reused pre-shared key would repeat (Noise specification, section 9.2).
    fn mix_ephemeral(&self, state: &mut Symmetric<P>, public: &[u8; KEY_LEN]) {
        state.mix_hash(public);
        if self.pattern.has_psk() {
            state.mix_key(public);
        }
    }

    /// Mixes in the secret that `token` stands for.
    fn mix(&self, token: Token, state: &mut Symmetric<P>, peer: &Peer) -> Result<(), NoiseError> {
        let (own, remote) = match (token, self.role) {
            (Token::Ee, _) => (&self.e, &peer.e),
            (Token::Ss, _) => (&self.s, &peer.s),
            (Token::Es, Role::Initiator) | (Token::Se, Role::Responder) => (&self.e, &peer.s),
            (Token::Es, Role::Responder) | (Token::Se, Role::Initiator) => (&self.s, &peer.e),
            (Token::Psk | Token::E | Token::S, _) => {
                let psk = self.psk.as_ref().ok_or(NoiseError::ApiMisuse("the message needs the pre-shared key"))?;
                state.mix_key_and_hash(psk.expose());
                return Ok(());
            }
        };
        let (Some(own), Some(remote)) = (own, remote) else {
            return Err(NoiseError::ApiMisuse("the message needs a key that is not there"));
        };
        let shared = P::x25519(own.secret(), remote).map_err(|_| NoiseError::Dh)?;
        state.mix_key(shared.expose());
        Ok(())
    }
}

impl<P> fmt::Debug for Handshake<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake")
            .field("pattern", &self.pattern.name)
            .field("role", &self.role)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}
