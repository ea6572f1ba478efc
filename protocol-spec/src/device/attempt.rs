//! One cold round trip: an operation ("A") or a RECOVER ("R"), per generation of the ratchet.

use core::fmt;

use crate::crypto::{Provider, Random};
use crate::error::{ApiMisuse, Code, ProtocolError};
use crate::noise::{Handshake, KK_PSK0, KeyPair, Keys, Role};
use crate::ratchet;
use crate::secret::Secret;
use crate::statement::Context;
use crate::token::Hint;
use crate::wire::{COLD_REPLY_LEN, COLD_REQUEST_LEN, Frame, Kind, Op, PlainFrame, REPLY_LEN, Reply, Request, prologue};

use super::{Intent, Pending, Record, Session, StoreFirst};

/// A cold request in flight. It lives in memory only, with the ephemeral secret: a crash forgets it and the record's
/// pending mark remains.
pub struct Attempt<P> {
    frame: Frame<COLD_REQUEST_LEN>,
    /// Gone once an authentic reply has used it.
    handshake: Option<Handshake<P>>,
    op: Op,
    /// Of the ratchet key that the request was made with.
    hint: Hint,
    resent: bool,
}

/// What a device makes of bytes that came back.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "no allocation in this crate: nothing can be boxed")]
pub enum Received<P> {
    /// Not from the server, or damaged. Over UDP: ignore it and keep waiting. Over TCP: close, and send the same bytes
    /// on a new connection.
    NotAuthentic,
    /// A plain error. Anybody can forge one: it may make the device try elsewhere, never change what is stored.
    Plain(Code),
    /// Blocked (code 3) or not enrolled (code 4). The server did not ratchet, so nothing is stored.
    Refused(Reply),
    /// The server's answer.
    Answered(StoreFirst<Answer<P>>),
}

/// An authenticated answer.
#[derive(Debug)]
pub enum Answer<P> {
    /// To an operation.
    Operation {
        /// The reply.
        reply: Reply,
        /// A warm session, if the operation was sent once and on one connection only.
        session: Option<Session<P>>,
    },
    /// To a RECOVER: what became of the declared attempt, `None` if it never arrived and never will.
    ///
    /// Provisional: whoever copied the record while the RECOVER was outstanding could have answered in the server's
    /// place. Send a cold STATUS now, and show the holder only the status and the tries of *that* reply.
    Recovered {
        /// Result of the declared attempt.
        outcome: Option<Code>,
    },
}

impl Record {
    /// Starts an operation in a new cold request. `time` is the device's clock in Unix seconds.
    ///
    /// # Errors
    /// [`ApiMisuse::AttemptPending`]: [`Record::recover`] first. [`ApiMisuse::WarmOnly`]: not a cold operation.
    /// [`ApiMisuse::OutOfRange`]: an argument of `intent` is. The server's key may be a point of small order.
    pub fn start<P: Provider>(
        &self,
        intent: &Intent<'_>,
        time: u32,
        random: &mut impl Random,
    ) -> Result<StoreFirst<Attempt<P>>, ProtocolError> {
        if self.pending != Pending::None {
            return Err(ProtocolError::ApiMisuse(ApiMisuse::AttemptPending));
        }
        if intent.op().has_large_reply() {
            return Err(ProtocolError::ApiMisuse(ApiMisuse::WarmOnly));
        }
        intent.check()?;
        let e = KeyPair::from_secret::<P>(random.secret());
        let mut next = self.duplicate();
        next.pending = Pending::Attempt(*e.public());
        let hint = self.hint::<P>();
        let [first, clear @ ..] = clear(self.server.epoch, hint.bytes());
        let first = [first];
        let bind =
            Context::cold_bind::<P>(&prologue(&first, &clear), &self.server.key, &self.static_public, e.public());
        let context =
            Context { generation: self.generation, sequence: 0, token: self.token, device: self.device, bind };
        let request = intent.request::<P>(self, time, &context);
        let attempt = Attempt::new(self, e, &request)?;
        Ok(StoreFirst::new(next, attempt))
    }

    /// Asks what became of the pending attempt. The same record makes the same bytes, however often it is called; only
    /// a newer server key changes them.
    ///
    /// # Errors
    /// [`ApiMisuse::NothingPending`].
    pub fn recover<P: Provider>(&self, random: &mut impl Random) -> Result<StoreFirst<Attempt<P>>, ProtocolError> {
        let (declared, seed) = match &self.pending {
            Pending::None => return Err(ProtocolError::ApiMisuse(ApiMisuse::NothingPending)),
            Pending::Attempt(e) => (*e, random.secret()),
            Pending::Recovery { declared, seed } => (*declared, seed.duplicate()),
        };
        let e = KeyPair::from_secret::<P>(seed.duplicate());
        let mut next = self.duplicate();
        next.pending = Pending::Recovery { declared, seed };
        let attempt = Attempt::new(self, e, &Request::recover(&declared))?;
        Ok(StoreFirst::new(next, attempt))
    }

    /// Asks what became of a warm operation whose connection died before the reply. `operation` is its
    /// [`WarmRequest::id`](super::WarmRequest::id). Never send the operation again blindly: it may have been executed.
    ///
    /// Ask at once, before anything else is started: the server remembers the last operation only, and of one that
    /// another has followed it says that it never arrived.
    ///
    /// # Errors
    /// [`ApiMisuse::AttemptPending`]: something else is pending, which cannot be while a session lives.
    pub fn recover_warm<P: Provider>(
        &self,
        operation: &[u8; 32],
        random: &mut impl Random,
    ) -> Result<StoreFirst<Attempt<P>>, ProtocolError> {
        if self.pending != Pending::None {
            return Err(ProtocolError::ApiMisuse(ApiMisuse::AttemptPending));
        }
        let mut pending = self.duplicate();
        pending.pending = Pending::Attempt(*operation);
        pending.recover(random)
    }
}

/// The bytes of a cold request before the Noise message.
fn clear(epoch: u8, hint: &[u8; 8]) -> [u8; 10] {
    let [a, b, c, d, e, f, g, h] = *hint;
    [Kind::Operate.byte(), epoch, a, b, c, d, e, f, g, h]
}

impl<P: Provider> Attempt<P> {
    fn new(record: &Record, e: KeyPair, request: &Request) -> Result<Self, ProtocolError> {
        let mut frame = [0; COLD_REQUEST_LEN];
        let hint = record.hint::<P>();
        let clear = clear(record.server.epoch, hint.bytes());
        let (head, noise) = frame.split_at_mut(clear.len());
        head.copy_from_slice(&clear);
        let [first, clear @ ..] = clear;
        let first = [first];
        let keys = Keys {
            s: Some(record.static_pair()),
            e: Some(e),
            rs: Some(record.server.key),
            psk: Some(record.psk.duplicate()),
        };
        let mut handshake = Handshake::new(&KK_PSK0, Role::Initiator, &prologue(&first, &clear), keys)?;
        // A signature by a PIN key tells whoever has the salt which PIN it was.
        let cell = Secret::new(request.encode());
        handshake.write_message(cell.expose(), noise)?;
        Ok(Self { frame: Frame(frame), handshake: Some(handshake), op: request.op, hint, resent: false })
    }

    /// The bytes to send.
    #[must_use]
    pub const fn frame(&self) -> &Frame<COLD_REQUEST_LEN> {
        &self.frame
    }

    /// The same bytes once more. After this the answer opens no warm session: the node that accepted the first copy
    /// may not be the one that answers.
    pub const fn resend(&mut self) -> &Frame<COLD_REQUEST_LEN> {
        self.resent = true;
        &self.frame
    }

    /// Whether this is a RECOVER.
    #[must_use]
    pub fn is_recovery(&self) -> bool {
        self.op == Op::Recover
    }

    /// Looks at what came back. `record` is the one that was stored before the request left; with a record of another
    /// generation nothing is authentic. If nothing authentic came the attempt goes on waiting.
    pub fn receive(&mut self, record: &Record, frame: &[u8]) -> Received<P> {
        if let Ok(plain) = PlainFrame::decode(frame) {
            return Received::Plain(plain.code);
        }
        self.reply(record, frame).unwrap_or(Received::NotAuthentic)
    }

    fn reply(&mut self, record: &Record, frame: &[u8]) -> Option<Received<P>> {
        let frame: &[u8; COLD_REPLY_LEN] = frame.try_into().ok()?;
        let (kind, noise) = frame.split_first()?;
        if *kind != crate::wire::REPLY_TYPE || record.hint::<P>() != self.hint {
            return None;
        }
        let mut payload = [0; REPLY_LEN];
        self.handshake.as_mut()?.read_message(noise, &mut payload).ok()?;
        let handshake = self.handshake.take()?;
        // An authentic server that answers nonsense is as good as none.
        let reply = Reply::decode(&payload).ok().filter(|reply| reply.op == self.op)?;
        if matches!(reply.code, Code::Blocked | Code::NotEnrolled) {
            return Some(Received::Refused(reply));
        }
        let split = handshake.split().ok()?;
        let mut next = record.duplicate();
        next.psk = ratchet::next::<P>(&record.psk, &split);
        next.generation = record.generation.wrapping_add(1);
        next.pending = Pending::None;
        next.provisional = false;
        next.note_versions(&reply);
        let answer = if self.is_recovery() {
            let outcome = outcome(reply.aux)?;
            if let Some(secret) = next.next_static.take().filter(|_| outcome == Some(Code::Ok)) {
                next.static_public = P::x25519_public(&secret);
                next.static_secret = secret;
            }
            Answer::Recovered { outcome }
        } else {
            let session = Session::new(split, next.generation);
            Answer::Operation { reply, session: if self.resent { None } else { Some(session) } }
        };
        Some(Received::Answered(StoreFirst::new(next, answer)))
    }
}

impl Record {
    /// Remembers the highest version that the server was seen to speak.
    pub(crate) fn note_versions(&mut self, reply: &Reply) {
        if reply.op != Op::Recover && reply.op != Op::Subscribe && reply.op != Op::Resync {
            let [low, _] = reply.aux.to_le_bytes();
            self.highest_version = self.highest_version.max(low >> 4);
        }
    }
}

/// `aux` of a RECOVER reply: 0, or 0x100 plus a code.
fn outcome(aux: u16) -> Option<Option<Code>> {
    match aux.to_le_bytes() {
        [0, 0] => Some(None),
        [code, 1] => Code::from_number(code).map(Some),
        _ => None,
    }
}

impl<P> fmt::Debug for Attempt<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt").field("op", &self.op).finish_non_exhaustive()
    }
}
