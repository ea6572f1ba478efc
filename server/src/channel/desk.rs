//! What a frame means. The desk finds the device, lets the protocol's responder look at the frame and the vault decide,
//! commits, and hands out the reply: in this order, always.

mod cold;
mod enroll;
mod large;
mod push;
mod resync;
mod warm;

use std::sync::{Arc, PoisonError, RwLock};

use cardea_protocol::Code;
use cardea_protocol::crypto::{Dalek, Random};
use cardea_protocol::responder::Session;
use cardea_protocol::statement::{Extension, Statement};
use cardea_protocol::token::DeviceStatus;
use cardea_protocol::wire::{KEY_RECORD_LEN, Op, PlainFrame, Reply};

pub(super) use push::Subscription;

use super::counts::Counts;
use super::live::{LiveSessions, Place};
use super::rate::{Budget, DeviceRate};
use crate::checks::Checks;
use crate::clock::{Clock, UnixSeconds};
use crate::metrics::Metrics;
use crate::storage::rows::DeviceKey;
use crate::storage::{StorageError, Store};
use crate::vault::{Action, DeviceAnswer, DeviceView, Judgement, Named, ServerKeys, Vault, VaultError};

/// How often a message is looked at again because somebody else changed its row first.
const RETRIES: usize = 8;
/// Resyncs per second, from all addresses: each costs a few curve operations before anything is known of its sender.
const RESYNCS: u32 = 500;
/// How often per second the server's keys are read because somebody named an epoch that is not among them.
const LOOKUPS: u32 = 50;
/// After so many seconds the server's keys are read again: a key that was erased must not live on in memory.
const KEYS_LAST: u64 = 60;

/// The desk that all connections share.
#[derive(Debug)]
pub struct Desk {
    store: Store,
    vault: Arc<Vault>,
    clock: Arc<dyn Clock>,
    live: Arc<LiveSessions>,
    rate: DeviceRate,
    /// Messages that are refused change nothing, so that they can be replayed: they have a share of their own.
    refusals: DeviceRate,
    resyncs: Budget,
    /// Of keys of epochs that this node does not know.
    lookups: Budget,
    keys: RwLock<(UnixSeconds, Arc<ServerKeys>)>,
    counts: Counts,
    checks: Arc<Checks>,
}

/// Why the desk cannot answer. Always the server's own fault: nothing was changed, and the connection is closed.
#[derive(Debug, thiserror::Error)]
pub(super) enum DeskError {
    /// Storage or the vault failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The protocol core refused what it had made itself.
    #[error("the protocol core refused a step of its own")]
    Protocol,
}

impl From<StorageError> for DeskError {
    fn from(error: StorageError) -> Self {
        Self::Vault(error.into())
    }
}

impl From<cardea_protocol::ProtocolError> for DeskError {
    fn from(_: cardea_protocol::ProtocolError) -> Self {
        Self::Protocol
    }
}

/// What to send on a connection that has just begun.
#[derive(Debug)]
pub(super) enum Answer {
    /// A reply, and the session that goes on after it.
    Reply {
        /// The frame.
        frame: Vec<u8>,
        /// The session, after a first-time operation.
        started: Option<Started>,
    },
    /// A STALE_KEY.
    Stale {
        /// The frame.
        frame: Vec<u8>,
        /// The key record that follows it.
        record: Option<[u8; KEY_RECORD_LEN]>,
    },
    /// Another plain error.
    Plain {
        /// The frame.
        frame: Vec<u8>,
        /// Whether it counts as a failed handshake of the address.
        failed: bool,
    },
    /// Nothing: close.
    Drop {
        /// Whether it counts as a failed handshake of the address.
        failed: bool,
    },
}

/// A session that goes on, and its place among the live ones.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) session: Box<Session<Dalek>>,
    pub(super) place: Place,
    /// Which pushes the device has asked for.
    pub(super) subscription: u8,
}

/// What an operation asks, or that somebody else was faster.
enum Decision {
    Act(Action),
    Again,
}

impl Decision {
    const fn skip(code: Code) -> Self {
        Self::Act(Action::Skip { code, until: UnixSeconds::EPOCH })
    }
}

/// What the statement of an operation covers beside its fields.
fn extension(named: Option<&Named>) -> Extension<'_> {
    match named {
        Some(Named::Waiting(id, text)) => Extension::Confirmation { id, text },
        _ => Extension::None,
    }
}

/// What is asked of the vault for an operation that a device may send as a small request and nobody's PIN signs, or why
/// nothing is. `None` for what a PIN signs.
fn plain_action(
    view: &DeviceView,
    (op, win): (Op, u8),
    named: Option<Named>,
    statement: &Statement,
    signature: &[u8; 64],
) -> Option<Action> {
    let skip = |code| Action::Skip { code, until: UnixSeconds::EPOCH };
    Some(match (op, named) {
        (Op::Ping | Op::Status | Op::KeyRecords | Op::Info, _) => Action::Observe,
        // Who has photographed a link is told nothing before the short string was compared.
        (Op::Devices | Op::History | Op::Subscribe, _) if view.device.confirmed => Action::Observe,
        (Op::Confirm | Op::Deny, Some(Named::Expired)) => skip(Code::ConfirmationExpired),
        (Op::Confirm | Op::Deny, Some(Named::Unknown)) => skip(Code::ConfirmationUnknown),
        (Op::Close, _) => view.device.verify(statement, signature).map_or(skip(Code::Policy), Action::Close),
        (Op::Deny, Some(Named::Waiting(id, _))) => match view.device.verify(statement, signature) {
            Some(signed) => Action::Deny { signed, id, reason: win >> 4 },
            None => skip(Code::Policy),
        },
        (Op::Open | Op::Unenroll, _) | (Op::Confirm, Some(Named::Waiting(..))) => return None,
        // Receipts hold signatures by PIN keys, which must not come back to where the salt is.
        _ => skip(Code::Policy),
    })
}

/// The reply to `op`.
fn reply_of(answer: &DeviceAnswer, op: Op, win: u8) -> Reply {
    let reply = answer.reply(op);
    match (op, answer.code) {
        (Op::Subscribe, Code::Ok) => {
            let granted = push::granted(win, answer.tells_checks);
            Reply { aux: Reply::with_waiting(granted.into(), reply.waiting()), ..reply }
        }
        (Op::Subscribe, _) => Reply { aux: 0, ..reply },
        _ => reply,
    }
}

impl Answer {
    fn reply(frame: &[u8]) -> Self {
        Self::Reply { frame: frame.to_vec(), started: None }
    }
}

/// What to send in a session.
#[derive(Debug)]
pub(super) enum WarmAnswer {
    /// A reply.
    Reply(Vec<u8>),
    /// A reply to a SUBSCRIBE, and the mask that is granted.
    Subscribed(Vec<u8>, u8),
    /// A reply after which the session ends.
    Last(Vec<u8>),
    /// Another handshake of the device was accepted since: close.
    Fenced,
    /// Does not authenticate, or is no request: close.
    Broken,
}

impl Desk {
    /// A desk over `store`. `handshakes` is how many first-time handshakes a device may make per minute.
    ///
    /// # Errors
    /// The server has no keys yet, or they cannot be read.
    pub async fn open(
        store: Store,
        vault: Arc<Vault>,
        clock: Arc<dyn Clock>,
        live: Arc<LiveSessions>,
        handshakes: u32,
    ) -> Result<Self, VaultError> {
        let keys = RwLock::new((clock.now(), Arc::new(read_keys(&store, &vault).await?)));
        let (rate, refusals) = (DeviceRate::new(handshakes), DeviceRate::new(handshakes));
        Ok(Self {
            store,
            vault,
            clock,
            live,
            rate,
            refusals,
            resyncs: Budget::new(RESYNCS),
            lookups: Budget::new(LOOKUPS),
            keys,
            counts: Counts::default(),
            checks: Arc::default(),
        })
    }

    /// Tells devices of what is counted in `checks`.
    #[must_use]
    pub fn with_checks(self, checks: Arc<Checks>) -> Self {
        Self { checks, ..self }
    }

    /// Will count in `metrics` what the whole channel does.
    #[must_use]
    pub fn with_metrics(self, metrics: &Metrics) -> Self {
        Self { counts: Counts::new(metrics), ..self }
    }

    pub(super) const fn counts(&self) -> &Counts {
        &self.counts
    }

    pub(super) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// The server's keys as they were read last, unless that was too long ago.
    fn keys(&self) -> Option<Arc<ServerKeys>> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let age = self.clock.now().since(keys.0);
        age.is_some_and(|age| age < KEYS_LAST).then(|| Arc::clone(&keys.1))
    }

    /// The server's keys as they are now: this node or another one may have renewed them.
    async fn fresh_keys(&self) -> Result<Arc<ServerKeys>, DeskError> {
        let now = self.clock.now();
        let keys = Arc::new(read_keys(&self.store, &self.vault).await?);
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = (now, Arc::clone(&keys));
        Ok(keys)
    }

    /// The keys among which `epoch` is to be found, if it is anywhere. Anybody can name epochs that are nowhere, so how
    /// often they are looked for is limited.
    async fn keys_for(&self, epoch: u8) -> Result<Arc<ServerKeys>, DeskError> {
        match self.keys() {
            Some(keys) if keys.by_epoch(epoch).is_some() || !self.lookups.allow(self.clock.now()) => Ok(keys),
            _ => self.fresh_keys().await,
        }
    }

    /// Ends all sessions: the server stops.
    pub(super) fn end_sessions(&self) {
        self.live.end_all();
    }

    /// Whether the server as a whole may work on another resync in this second.
    pub(super) fn may_resync(&self) -> bool {
        self.resyncs.allow(self.clock.now())
    }

    /// The last frame of a session that another one replaces, or whose token is gone.
    pub(super) fn revoked(&self, session: &mut Session<Dalek>) -> Result<Vec<u8>, DeskError> {
        let reply = Reply {
            op: Op::PushRevoked,
            status: DeviceStatus::Closed,
            code: Code::Ok,
            tries: 0,
            server_time: self.clock.now().wire(),
            until: 0,
            aux: 0,
        };
        Ok(session.reply(&reply)?.bytes().to_vec())
    }

    /// A plain error that is nobody's fault.
    pub(super) fn plain(&self, code: Code) -> Answer {
        self.plain_frame(code, false)
    }

    /// A plain error that counts as a failed handshake.
    fn plain_failed(&self, code: Code) -> Answer {
        self.plain_frame(code, true)
    }

    fn plain_frame(&self, code: Code, failed: bool) -> Answer {
        Answer::Plain { frame: self.plain_bytes(code), failed }
    }

    fn plain_bytes(&self, code: Code) -> Vec<u8> {
        let mut random = [0; 62];
        self.vault.random().fill(&mut random);
        PlainFrame { code, random }.encode().bytes().to_vec()
    }

    /// The frame was made for a key that is gone, or not there yet: says so, and sends the current record.
    fn stale_key(&self, keys: &ServerKeys) -> Answer {
        let record = keys.current(self.clock.now()).map(|key| key.record.encode());
        Answer::Stale { frame: self.plain_bytes(Code::StaleKey), record }
    }

    /// What a CONFIRM or DENY with this `win` is about; `None` for every other operation.
    async fn named(&self, key: DeviceKey, op: Op, win: u8) -> Result<Option<Named>, DeskError> {
        if !matches!(op, Op::Confirm | Op::Deny) {
            return Ok(None);
        }
        let (vault, index) = (Arc::clone(&self.vault), win & 0x0f);
        let found = self.store.read(move |tx| vault.named_confirmation(tx, &key, index, vault.reading())).await;
        match found {
            Ok(named) => Ok(Some(named)),
            Err(VaultError::Unknown(_)) => Ok(Some(Named::Unknown)),
            Err(error) => Err(error.into()),
        }
    }

    /// Line 15: gives a good signature its count back after somebody else came first.
    async fn settle(&self, key: DeviceKey, lost: Option<Arc<Judgement>>) -> Result<(), DeskError> {
        let Some(judgement) = lost else { return Ok(()) };
        let vault = self.vault.clone();
        Ok(self.store.write(move |tx| vault.settle_lost(tx, &key, &judgement)).await?)
    }
}

async fn read_keys(store: &Store, vault: &Arc<Vault>) -> Result<ServerKeys, VaultError> {
    let vault = Arc::clone(vault);
    store.read(move |tx| vault.server_keys(tx)).await
}

const fn is_conflict(error: &VaultError) -> bool {
    matches!(error, VaultError::Storage(StorageError::Conflict))
}
