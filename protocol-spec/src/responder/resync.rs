//! The server's end of a resync (specification, chapter 7: other events). R1 never changes state: only a live confirm
//! does.

use core::fmt;

use crate::crypto::{Provider, Random};
use crate::device::{ALLOWED, KNOWN, NOT_ALLOWED};
use crate::error::{Code, PeerMisbehaved, ProtocolError};
use crate::noise::{Handshake, IK, KeyPair, Keys, Role};
use crate::ratchet::{self, Row};
use crate::secret::Secret;
use crate::statement::{Context, Extension, Statement};
use crate::token::Hint;
use crate::wire::{
    COLD_REPLY_LEN, Frame, Kind, Op, RESYNC2_LEN, Reply, Request, ResyncAsked, ResyncRequest, ResyncSaid,
    WARM_REPLY_LEN, prologue,
};

use super::{Opened, Session};

/// An R1 that authenticates as coming from the holder of a device static key.
pub struct OpenedResync<P> {
    handshake: Handshake<P>,
    hint: Hint,
    request: Request,
    bind: [u8; 32],
    device_static: [u8; 32],
}

/// What the server tells a device that resyncs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResyncVerdict {
    /// An operator declared that data was lost.
    Allowed,
    /// The hint is known after all.
    Known,
    /// Neither: a live confirm will suspend the device.
    NotAllowed,
}

/// R2 was made; the confirm is awaited.
pub struct AwaitConfirm<P> {
    verdict: ResyncVerdict,
    candidate: Secret<32>,
    generation: u64,
    /// The static key that the device holds, whatever became of a ROTATE.
    device_static: [u8; 32],
    refusal: Code,
    session: Session<P>,
}

/// Opens R1 that was made for `server`.
///
/// # Errors
/// Does not authenticate, or is no resync of version 1: drop it.
pub fn open_resync<P: Provider>(frame: &ResyncRequest<'_>, server: &KeyPair) -> Result<OpenedResync<P>, ProtocolError> {
    let first = [Kind::Resync.byte()];
    let prologue = prologue(&first, frame.clear());
    let keys = Keys { s: Some(server.duplicate()), e: None, rs: None, psk: None };
    let mut handshake = Handshake::new(&IK, Role::Responder, &prologue, keys)?;
    let mut payload = [0; ResyncAsked::LEN];
    handshake.read_message(frame.noise(), &mut payload)?;
    let ResyncAsked { hint, request } = ResyncAsked::decode(&payload)?;
    let mismatch = ProtocolError::PeerMisbehaved(PeerMisbehaved::Mismatch);
    if request.op != Op::Resync {
        return Err(mismatch);
    }
    let device_static = *handshake.remote_static().ok_or(mismatch)?;
    let bind = Context::cold_bind::<P>(&prologue, server.public(), &device_static, &frame.ephemeral());
    Ok(OpenedResync { handshake, hint, request, bind, device_static })
}

impl<P: Provider> OpenedResync<P> {
    /// The device static key by which the row is found.
    #[must_use]
    pub const fn device_static(&self) -> &[u8; 32] {
        &self.device_static
    }

    /// Checks the device key's signature and decides. `reply` carries status, tries and `until`; operation, code and
    /// `aux` are filled in here. Nothing is stored.
    ///
    /// # Errors
    /// The signature is wrong: drop it.
    pub fn answer(
        mut self,
        row: &Row,
        reply: &Reply,
        random: &mut impl Random,
    ) -> Result<(Frame<RESYNC2_LEN>, AwaitConfirm<P>), ProtocolError> {
        let context = Context { generation: 0, sequence: 0, token: row.token, device: row.device, bind: self.bind };
        let statement = Statement::new::<P>(Op::Resync, 0, self.request.time, &context, Extension::None);
        if !P::ed25519_verify(&row.device_key, statement.bytes(), &self.request.signature) {
            return Err(ProtocolError::PeerMisbehaved(PeerMisbehaved::BadSignature));
        }
        let [current, previous, _] = row.hints::<P>();
        let verdict = if row.revoked || row.clone_blocked {
            ResyncVerdict::NotAllowed
        } else if row.marker == 1 {
            ResyncVerdict::Allowed
        } else if [current, previous].contains(&Some(self.hint)) {
            ResyncVerdict::Known
        } else if row.marker == 2 {
            ResyncVerdict::Allowed
        } else {
            ResyncVerdict::NotAllowed
        };
        let refusal = if row.revoked { Code::NotEnrolled } else { Code::Blocked };
        let (aux, code) = match verdict {
            ResyncVerdict::Allowed => (ALLOWED, Code::Ok),
            ResyncVerdict::Known => (KNOWN, Code::Ok),
            ResyncVerdict::NotAllowed => (NOT_ALLOWED, refusal),
        };
        let generation = row.generation.wrapping_add(1);
        let payload = ResyncSaid { reply: Reply { op: Op::Resync, code, aux, ..*reply }, generation }.encode();
        self.handshake.set_ephemeral(KeyPair::from_secret::<P>(random.secret()))?;
        let mut frame = [crate::wire::REPLY_TYPE; RESYNC2_LEN];
        let (_, noise) = frame.split_at_mut(1);
        self.handshake.write_message(&payload, noise)?;
        let split = self.handshake.split()?;
        let candidate = ratchet::candidate::<P>(&split);
        let session = Session::new(row, split);
        let device_static = self.device_static;
        Ok((Frame(frame), AwaitConfirm { verdict, candidate, generation, device_static, refusal, session }))
    }
}

impl<P: Provider> AwaitConfirm<P> {
    /// What R2 said.
    #[must_use]
    pub const fn verdict(&self) -> ResyncVerdict {
        self.verdict
    }

    /// Reads the live confirm and makes the next row: resynced if it was and still is allowed, suspended otherwise.
    /// `row` is read afresh; write the result by compare-and-swap, then send [`AwaitConfirm::reply`].
    ///
    /// # Errors
    /// Not authentic: close the connection, nothing changes. A "known" device needs no confirm: the same.
    pub fn confirm(&mut self, row: &Row, frame: &[u8]) -> Result<Row, ProtocolError> {
        let opened = self.session.open(frame)?;
        let is_ping = matches!(opened.request, Opened::Small(request) if request.op == Op::Ping);
        if !is_ping || self.verdict == ResyncVerdict::Known {
            return Err(ProtocolError::PeerMisbehaved(PeerMisbehaved::Mismatch));
        }
        let mut next = row.duplicate();
        if row.revoked || row.clone_blocked {
            self.verdict = ResyncVerdict::NotAllowed;
            self.refusal = if row.revoked { Code::NotEnrolled } else { Code::Blocked };
            return Ok(next);
        }
        if self.verdict == ResyncVerdict::Allowed && row.marker != 0 {
            next.current = self.candidate.duplicate();
            next.generation = self.generation;
            next.previous = None;
            next.accepted = None;
            next.reply = [0; COLD_REPLY_LEN];
            next.dead = None;
            next.alternate = None;
            next.last = None;
            next.suspended = false;
            next.marker = 2;
            // A ROTATE that was open is settled: the device goes on with the key that it has just used.
            next.device_static = self.device_static;
            next.device_static_old = None;
        } else {
            self.verdict = ResyncVerdict::NotAllowed;
            next.suspended = true;
        }
        Ok(next)
    }

    /// The answer to the confirm, after the row was committed. `reply` carries status, tries and `until`.
    ///
    /// # Errors
    /// None in practice: the session is new.
    pub fn reply(&mut self, reply: &Reply) -> Result<Frame<WARM_REPLY_LEN>, ProtocolError> {
        let code = if self.verdict == ResyncVerdict::Allowed { Code::Ok } else { self.refusal };
        self.session.reply(&Reply { op: Op::Ping, code, ..*reply })
    }
}

impl<P> fmt::Debug for OpenedResync<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenedResync").field("hint", &self.hint).finish_non_exhaustive()
    }
}

impl<P> fmt::Debug for AwaitConfirm<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwaitConfirm").field("verdict", &self.verdict).finish_non_exhaustive()
    }
}
