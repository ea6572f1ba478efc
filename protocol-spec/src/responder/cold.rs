//! Cold message 1, line by line (specification, chapter 7: the table of the server).
//!
//! Lines 1 and 2 (which static key, which row) are the caller's: they need its tables.

use core::fmt;

use crate::crypto::{Provider, Random};
use crate::error::Code;
use crate::noise::{Handshake, KK_PSK0, KeyPair, Keys, Role};
use crate::ratchet::{self, Accepted, AttemptKind, Row};
use crate::secret::Secret;
use crate::statement::{Context, Extension, Statement};
use crate::wire::{
    COLD_REPLY_LEN, ColdRequest, Frame, KeyRecord, Kind, Op, REPLY_LEN, REQUEST_LEN, Reply, Request, prologue,
};

use super::Session;

/// Why a frame is dropped without any change of state: silence over UDP, a closed connection over TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dropped {
    /// The row has no such hint, or was restored and waits for a resync: treat as an unknown hint.
    UnknownHint,
    /// Declared dead by a RECOVER.
    Dead,
    /// Does not authenticate. Counts for the address, never for the device.
    NotAuthentic,
    /// Authenticates, but is no request of version 1.
    Malformed,
    /// A RECOVER made for an older static key than the one that was accepted.
    Superseded,
}

/// What to do with an authentic message.
#[derive(Debug)]
pub enum Verdict<P> {
    /// Line 4: the very bytes that were accepted last. Send the stored reply; nothing else happens, no session starts.
    Repeat(Frame<COLD_REPLY_LEN>),
    /// Line 7: blocked, suspended or revoked. Nothing is stored and nothing ratchets.
    Refuse(Refusal<P>),
    /// Lines 5, 8, 9 and 11: two holders of one record. Block the token until it is enrolled anew, and raise an alert.
    CloneProved,
    /// Lines 9, 10 and 12: a RECOVER.
    Recover(Recovery<P>),
    /// Line 13: an operation.
    Operation(Operation<P>),
}

/// What both kinds of acceptance need.
struct Base<P> {
    handshake: Handshake<P>,
    request: Request,
    accepted: Accepted,
    fork: bool,
    /// The row that this was decided on.
    seen: [u8; 32],
}

/// A row that may be written, and what may be sent once it is.
#[must_use = "the row must be committed before the reply leaves"]
#[derive(Debug)]
pub struct Committed<P> {
    /// The next row: compare-and-swap it with the one that the verdict came from.
    pub row: Row,
    /// The reply, to be sent after the commit.
    pub reply: Frame<COLD_REPLY_LEN>,
    /// The session that goes on after it; none after a RECOVER.
    pub session: Option<Session<P>>,
}

/// An authenticated operation.
pub struct Operation<P> {
    base: Base<P>,
    statement: Statement,
}

/// An authenticated RECOVER.
pub struct Recovery<P>(Base<P>);

/// An authenticated message that is answered without effect.
pub struct Refusal<P> {
    handshake: Handshake<P>,
    op: Op,
    code: Code,
}

/// Looks at a cold message 1 that was made for `server` and found `row` by its hint. Reads the row, changes nothing.
///
/// # Errors
/// The message is to be dropped: [`Dropped`] says why.
pub fn receive<P: Provider>(row: &Row, request: &ColdRequest<'_>, server: &KeyPair) -> Result<Verdict<P>, Dropped> {
    let hint = request.hint();
    let [current, previous, alternate] = row.hints::<P>();
    let psk = match Some(hint) {
        found if found == current => &row.current,
        found if found == previous => row.previous.as_ref().ok_or(Dropped::UnknownHint)?,
        found if found == alternate => row.alternate.as_ref().ok_or(Dropped::UnknownHint)?,
        _ => return Err(Dropped::UnknownHint),
    };
    // Line 3.
    if row.marker == 1 {
        return Err(Dropped::UnknownHint);
    }
    // Line 4.
    let hash = request.hash::<P>();
    if row.accepted.is_some_and(|accepted| accepted.hash == hash) {
        return Ok(Verdict::Repeat(Frame(row.reply)));
    }
    // Line 6, with the device's old static key while a ROTATE is open.
    let (handshake, cell, device_static) = open(row, request, server, psk)?;
    let cell = Request::decode(&cell).map_err(|_| Dropped::Malformed)?;
    // A cold reply has no room for what these ask.
    if cell.op == Op::Resync || cell.op.has_large_reply() {
        return Err(Dropped::Malformed);
    }
    // Line 5 waits for line 6: a dead attempt is dropped, but a dead RECOVER tells of a copy. No honest device declares
    // a RECOVER. Were it dropped unopened, whoever copied the record while the RECOVER was outstanding could bury it
    // under one of his own, and nobody would ever hear of the device again.
    let ephemeral = request.ephemeral();
    let dead = row.dead == Some(ephemeral);
    if dead && cell.op != Op::Recover {
        return Err(Dropped::Dead);
    }
    // Line 7, and the tombstone of line 2.
    if row.revoked || row.clone_blocked || row.suspended {
        let code = if row.revoked { Code::NotEnrolled } else { Code::Blocked };
        return Ok(Verdict::Refuse(Refusal { handshake, op: cell.op, code }));
    }
    if dead {
        return Ok(Verdict::CloneProved);
    }
    // Line 8.
    if Some(hint) == alternate && Some(hint) != current && Some(hint) != previous {
        return Ok(Verdict::CloneProved);
    }
    let declared = cell.declared();
    let kind = if declared.is_some() { AttemptKind::Recovery } else { AttemptKind::Operation };
    let mut base = Base {
        handshake,
        request: cell,
        accepted: Accepted {
            hash,
            ephemeral,
            kind,
            declared: declared.unwrap_or_default(),
            epoch: request.epoch(),
            outcome: None,
        },
        fork: Some(hint) != current,
        seen: row.fingerprint::<P>(),
    };
    if base.fork {
        let Some(before) = row.accepted else { return Ok(Verdict::CloneProved) };
        let is_recovery = kind == AttemptKind::Recovery;
        if is_recovery && before.ephemeral == ephemeral {
            // Line 9: the honest RECOVER is byte-identical but for the server key that it is made for.
            if KeyRecord::is_newer(before.epoch, request.epoch()) {
                return Err(Dropped::Superseded);
            }
            let same = before.kind == AttemptKind::Recovery && before.declared == base.accepted.declared;
            if !same || !KeyRecord::is_newer(request.epoch(), before.epoch) {
                return Ok(Verdict::CloneProved);
            }
        } else if !(is_recovery && before.kind == AttemptKind::Operation && declared == Some(before.ephemeral)) {
            // Line 11: two attempts of one generation, neither declared by the other.
            return Ok(Verdict::CloneProved);
        }
        // Line 9 or 10.
        base.accepted.outcome = before.outcome;
        return Ok(Verdict::Recover(Recovery(base)));
    }
    if let Some(declared) = declared {
        // Line 12.
        base.accepted.outcome = row.outcome_of(&declared);
        return Ok(Verdict::Recover(Recovery(base)));
    }
    // Line 13.
    let first = [Kind::Operate.byte()];
    let bind = Context::cold_bind::<P>(&prologue(&first, request.clear()), server.public(), &device_static, &ephemeral);
    let context = Context { generation: row.generation, sequence: 0, token: row.token, device: row.device, bind };
    let statement = Statement::new::<P>(cell.op, cell.win, cell.time, &context, Extension::None);
    Ok(Verdict::Operation(Operation { base, statement }))
}

type OpenedCell<P> = (Handshake<P>, [u8; REQUEST_LEN], [u8; 32]);

fn open<P: Provider>(
    row: &Row,
    request: &ColdRequest<'_>,
    server: &KeyPair,
    psk: &Secret<32>,
) -> Result<OpenedCell<P>, Dropped> {
    let first = [Kind::Operate.byte()];
    let prologue = prologue(&first, request.clear());
    for device_static in [Some(row.device_static), row.device_static_old].into_iter().flatten() {
        let keys = Keys { s: Some(server.duplicate()), e: None, rs: Some(device_static), psk: Some(psk.duplicate()) };
        let mut cell = [0; REQUEST_LEN];
        let opened = Handshake::new(&KK_PSK0, Role::Responder, &prologue, keys)
            .and_then(|mut handshake| handshake.read_message(request.noise(), &mut cell).map(|_| handshake));
        if let Ok(handshake) = opened {
            return Ok((handshake, cell, device_static));
        }
    }
    Err(Dropped::NotAuthentic)
}

/// Writes message 2. Returns the frame and, split, the keys.
fn answer<P: Provider>(
    mut handshake: Handshake<P>,
    reply: &Reply,
    random: &mut impl Random,
) -> Option<(Frame<COLD_REPLY_LEN>, crate::noise::Split)> {
    handshake.set_ephemeral(KeyPair::from_secret::<P>(random.secret())).ok()?;
    let mut frame = [crate::wire::REPLY_TYPE; COLD_REPLY_LEN];
    let cell: [u8; REPLY_LEN] = reply.encode();
    handshake.write_message(&cell, frame.get_mut(1..)?).ok()?;
    Some((Frame(frame), handshake.split().ok()?))
}

/// A device does not ratchet on these.
const fn is_refusal(code: Code) -> bool {
    matches!(code, Code::Blocked | Code::NotEnrolled)
}

impl<P: Provider> Base<P> {
    fn refuse(self) -> Refusal<P> {
        Refusal { handshake: self.handshake, op: self.request.op, code: Code::Blocked }
    }

    fn commit(
        mut self,
        row: &Row,
        reply: &Reply,
        outcome: Option<Code>,
        random: &mut impl Random,
    ) -> Option<(Row, Frame<COLD_REPLY_LEN>, crate::noise::Split)> {
        // Whoever lost the race starts again at line 1. And what is refused is not stored (line 7).
        if row.fingerprint::<P>() != self.seen || is_refusal(reply.code) {
            return None;
        }
        let device_static = *self.handshake.remote_static()?;
        let (frame, split) = answer(self.handshake, reply, random)?;
        let mut next = row.duplicate();
        let base = if self.fork { row.previous.as_ref()? } else { &row.current };
        let child = ratchet::next::<P>(base, &split);
        let left_behind = core::mem::replace(&mut next.current, child);
        if self.fork {
            next.alternate = Some(left_behind);
        } else {
            next.previous = Some(left_behind);
            next.alternate = None;
            next.generation = row.generation.wrapping_add(1);
        }
        self.accepted.outcome = outcome;
        next.dead = match self.accepted.kind {
            AttemptKind::Operation => None,
            AttemptKind::Recovery => Some(self.accepted.declared),
        };
        next.accepted = Some(self.accepted);
        next.reply = *frame.bytes();
        if next.marker == 2 {
            next.marker = 0;
        }
        // The first message under the new static key closes a ROTATE.
        if device_static == next.device_static {
            next.device_static_old = None;
        }
        Some((next, frame, split))
    }
}

impl<P: Provider> Operation<P> {
    /// The request.
    #[must_use]
    pub const fn request(&self) -> &Request {
        &self.base.request
    }

    /// What the device signed, for operations that are signed.
    #[must_use]
    pub const fn statement(&self) -> &Statement {
        &self.statement
    }

    /// The statement of a CONFIRM or DENY, which covers the text.
    #[must_use]
    pub fn statement_with(
        &self,
        row: &Row,
        request: &ColdRequest<'_>,
        server: &KeyPair,
        extension: Extension<'_>,
    ) -> Statement {
        let first = [Kind::Operate.byte()];
        let prologue = prologue(&first, request.clear());
        let device_static = self.base.handshake.remote_static().copied().unwrap_or(row.device_static);
        let bind = Context::cold_bind::<P>(&prologue, server.public(), &device_static, &self.base.accepted.ephemeral);
        let context = Context { generation: row.generation, sequence: 0, token: row.token, device: row.device, bind };
        let cell = &self.base.request;
        Statement::new::<P>(cell.op, cell.win, cell.time, &context, extension)
    }

    /// How this operation is named if its reply is lost: its ephemeral key.
    #[must_use]
    pub const fn id(&self) -> &[u8; 32] {
        &self.base.accepted.ephemeral
    }

    /// Line 7 for a block that is not in the row: the device was blocked for wrong PINs, or the token by an
    /// administrator. Nothing ratchets.
    #[must_use]
    pub fn refuse(self) -> Refusal<P> {
        self.base.refuse()
    }

    /// Line 14: the row after this operation, with its reply. `row` is the one that the verdict came from. `reply` says
    /// how it went; its operation is filled in here.
    ///
    /// Returns nothing if `row` is another one, however little it differs: look at the frame again. Returns nothing
    /// for [`Code::Blocked`] and [`Code::NotEnrolled`] either, on which no device ratchets: [`Operation::refuse`].
    pub fn commit(self, row: &Row, reply: &Reply, random: &mut impl Random) -> Option<Committed<P>> {
        let id = self.base.accepted.ephemeral;
        let reply = Reply { op: self.base.request.op, ..*reply };
        let (mut row, frame, split) = self.base.commit(row, &reply, Some(reply.code), random)?;
        row.last = Some((id, reply.code));
        let session = Session::new(&row, split);
        Some(Committed { row, reply: frame, session: Some(session) })
    }
}

impl<P: Provider> Recovery<P> {
    /// What became of the attempt that it declares; `None` if that never arrived. It never will: from the commit on it
    /// is dead.
    #[must_use]
    pub const fn outcome(&self) -> Option<Code> {
        self.0.accepted.outcome
    }

    /// As [`Operation::refuse`].
    #[must_use]
    pub fn refuse(self) -> Refusal<P> {
        self.0.refuse()
    }

    /// Lines 9, 10 and 12: the row after this RECOVER, with its reply. `reply` carries status, tries and `until` as
    /// they are now; operation, code and `aux` are filled in here.
    ///
    /// Returns nothing if `row` is not the one that the verdict came from: look at the frame again.
    pub fn commit(self, row: &Row, reply: &Reply, random: &mut impl Random) -> Option<Committed<P>> {
        let outcome = self.outcome();
        let aux = outcome.map_or(0, |code| u16::from_le_bytes([code.number(), 1]));
        let reply = Reply { op: Op::Recover, code: Code::Ok, aux, ..*reply };
        let (row, frame, _) = self.0.commit(row, &reply, outcome, random)?;
        Some(Committed { row, reply: frame, session: None })
    }
}

impl<P: Provider> Refusal<P> {
    /// [`Code::Blocked`] or [`Code::NotEnrolled`].
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The answer: not stored, no ratchet. `reply` carries status, tries and `until`; operation and code are filled in
    /// here.
    pub fn answer(self, reply: &Reply, random: &mut impl Random) -> Option<Frame<COLD_REPLY_LEN>> {
        answer(self.handshake, &Reply { op: self.op, code: self.code, ..*reply }, random).map(|(frame, _)| frame)
    }
}

impl<P> fmt::Debug for Operation<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation").field("op", &self.base.request.op).finish_non_exhaustive()
    }
}

impl<P> fmt::Debug for Recovery<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recovery").field("fork", &self.0.fork).finish_non_exhaustive()
    }
}

impl<P> fmt::Debug for Refusal<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal").field("code", &self.code).finish_non_exhaustive()
    }
}
