//! Resync: what a device does when the server says that it does not know its hint. The plain frame that says so can
//! be forged, so nothing is decided before the server has answered in `Noise_IK`, and nothing is stored before it has
//! answered a live warm frame.

use core::fmt;

use crate::crypto::{Provider, Random};
use crate::error::{Code, ProtocolError};
use crate::noise::{Handshake, IK, KeyPair, Keys, Role};
use crate::ratchet;
use crate::secret::Secret;
use crate::statement::{Context, Extension, Statement};
use crate::wire::{
    Frame, Kind, Op, PlainFrame, RESYNC1_LEN, RESYNC2_LEN, Reply, Request, ResyncAsked, ResyncSaid, WARM_REQUEST_LEN,
    prologue,
};

use super::{Delivered, Intent, Pending, Record, Session, StoreFirst};

/// The server's verdict, as `aux` of R2.
pub(crate) const ALLOWED: u16 = 1;
pub(crate) const KNOWN: u16 = 2;
pub(crate) const NOT_ALLOWED: u16 = 3;

/// A resync in flight.
pub struct Resync<P> {
    frame: Frame<RESYNC1_LEN>,
    handshake: Option<Handshake<P>>,
}

/// What the server says to a resync.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "no allocation in this crate: nothing can be boxed")]
pub enum ResyncAnswer<P> {
    /// Not from the server: ignore it.
    NotAuthentic,
    /// A plain error, which anybody can forge.
    Plain(Code),
    /// The server knows the hint after all: back to the normal path, nothing is stored.
    Known,
    /// Send the [`Confirm`]: it proves that this device is live.
    Confirm(Confirm<P>),
}

/// The live proof after R2.
pub struct Confirm<P> {
    session: Session<P>,
    frame: Frame<WARM_REQUEST_LEN>,
    candidate: Option<(Secret<32>, u64)>,
}

/// What came of a confirm.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "no allocation in this crate: nothing can be boxed")]
pub enum Confirmed {
    /// Not from the server: ignore it.
    NotAuthentic,
    /// The device continues with a new ratchet key.
    Resynced(StoreFirst<Reply>),
    /// The server did not allow it, and says why in the code: [`Code::Blocked`], suspended until an administrator looks
    /// at it; [`Code::NotEnrolled`], given up or revoked.
    Suspended(Reply),
}

impl Record {
    /// Starts a resync. `time` is the device's clock in Unix seconds. Nothing is stored.
    ///
    /// # Errors
    /// The server's key is a point of small order.
    pub fn resync<P: Provider>(&self, time: u32, random: &mut impl Random) -> Result<Resync<P>, ProtocolError> {
        let e = KeyPair::from_secret::<P>(random.secret());
        let first = [Kind::Resync.byte()];
        let epoch = [self.server.epoch];
        let prologue = prologue(&first, &epoch);
        let bind = Context::cold_bind::<P>(&prologue, &self.server.key, &self.static_public, e.public());
        let context = Context { generation: 0, sequence: 0, token: self.token, device: self.device, bind };
        let statement = Statement::new::<P>(Op::Resync, 0, time, &context, Extension::None);
        let signature = P::ed25519_sign(&self.device_key, statement.bytes());
        let request = Request { op: Op::Resync, win: 0, time, signature };
        let payload = ResyncAsked { hint: self.hint::<P>(), request }.encode();
        let keys = Keys { s: Some(self.static_pair()), e: Some(e), rs: Some(self.server.key), psk: None };
        let mut handshake = Handshake::new(&IK, Role::Initiator, &prologue, keys)?;
        let mut frame = [0; RESYNC1_LEN];
        let (head, noise) = frame.split_at_mut(2);
        head.copy_from_slice(&[first[0], epoch[0]]);
        handshake.write_message(&payload, noise)?;
        Ok(Resync { frame: Frame(frame), handshake: Some(handshake) })
    }
}

impl<P: Provider> Resync<P> {
    /// The bytes to send.
    #[must_use]
    pub const fn frame(&self) -> &Frame<RESYNC1_LEN> {
        &self.frame
    }

    /// Looks at what came back.
    pub fn receive(&mut self, record: &Record, frame: &[u8]) -> ResyncAnswer<P> {
        if let Ok(plain) = PlainFrame::decode(frame) {
            return ResyncAnswer::Plain(plain.code);
        }
        self.reply(record, frame).unwrap_or(ResyncAnswer::NotAuthentic)
    }

    fn reply(&mut self, record: &Record, frame: &[u8]) -> Option<ResyncAnswer<P>> {
        let frame: &[u8; RESYNC2_LEN] = frame.try_into().ok()?;
        let (kind, noise) = frame.split_first()?;
        if *kind != crate::wire::REPLY_TYPE {
            return None;
        }
        let mut payload = [0; ResyncSaid::LEN];
        self.handshake.as_mut()?.read_message(noise, &mut payload).ok()?;
        let split = self.handshake.take()?.split().ok()?;
        let ResyncSaid { reply, generation } =
            ResyncSaid::decode(&payload).ok().filter(|said| said.reply.op == Op::Resync)?;
        let candidate = match reply.aux {
            KNOWN => return Some(ResyncAnswer::Known),
            ALLOWED => Some((ratchet::candidate::<P>(&split), generation)),
            NOT_ALLOWED => None,
            _ => return None,
        };
        let mut session = Session::new(split, generation);
        let frame = session.request(record, &Intent::Ping, 0).ok()?.frame().clone();
        Some(ResyncAnswer::Confirm(Confirm { session, frame, candidate }))
    }
}

impl<P: Provider> Confirm<P> {
    /// The bytes to send.
    #[must_use]
    pub const fn frame(&self) -> &Frame<WARM_REQUEST_LEN> {
        &self.frame
    }

    /// Looks at what came back. Only this answer may change the record: the attempt that was pending is lost with the
    /// old key, and its holder is told "not confirmed".
    pub fn receive(&mut self, record: &Record, frame: &[u8]) -> Confirmed {
        // Pushes may come before it.
        let Ok(Delivered::Reply(reply)) = self.session.receive(frame) else {
            return Confirmed::NotAuthentic;
        };
        if reply.op != Op::Ping {
            return Confirmed::NotAuthentic;
        }
        match self.candidate.take() {
            Some((psk, generation)) if reply.code == Code::Ok => {
                let mut next = record.duplicate();
                next.psk = psk;
                next.generation = generation;
                next.pending = Pending::None;
                next.next_static = None;
                next.provisional = false;
                Confirmed::Resynced(StoreFirst::new(next, reply))
            }
            _ => Confirmed::Suspended(reply),
        }
    }
}

impl<P> fmt::Debug for Resync<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resync")
    }
}

impl<P> fmt::Debug for Confirm<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Confirm")
    }
}
