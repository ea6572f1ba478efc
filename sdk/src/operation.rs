//! One operation on one token: what the device does, row by row of the device's table (specification, chapter 7).
//!
//! An [`Operation`] holds the lease of its token from beginning to end. Every step that the core hands out as "store
//! first" is stored before anything else happens, so that dropping the future anywhere leaves a record that tells what
//! may have been sent.

mod exchange;
mod held;
mod limit;
mod recover;
mod resync;
mod subscribe;
mod turns;
mod warm;

use std::sync::{Arc, Mutex, PoisonError};

use cardea_protocol::Code;
use cardea_protocol::device::{Answer, Intent, Pending, Session};
use cardea_protocol::wire::Reply;

use crate::Crypto;
use crate::env::Stopwatch;
use crate::error::WalletError;
use crate::pins;
use crate::store::TokenKey;
use crate::transport::{BoxFuture, Connection};
use crate::wallet::Inner;

use exchange::Exchanged;
pub(crate) use exchange::{REPLY_LIMIT, ask, connect};
pub(crate) use held::Held;
pub(crate) use limit::{Progress, limited};
pub(crate) use recover::recover;
pub(crate) use subscribe::{Subscribed, subscribe};
pub(crate) use turns::Turns;
pub(crate) use warm::MakeSigned;

/// What an operation consists of: one type for all that have such a result. Each part of an operation is there once in every
/// library by that, and not once more for each place where it is awaited.
pub(crate) type Work<'a, T> = BoxFuture<'a, Result<T, WalletError>>;

/// Makes some.
pub(crate) fn work<'a, T>(work: impl Future<Output = Result<T, WalletError>> + Send + 'a) -> Work<'a, T> {
    Box::pin(work)
}

/// Rounds of "the server has a newer key" or "resynced" within one operation. Each needs a signed newer key or an
/// operator's marker, so an honest server never gets near it.
const ROUNDS: usize = 4;

/// A token under its lease, and how to reach its server.
pub(crate) struct Operation<'a> {
    pub(crate) inner: &'a Inner,
    pub(crate) held: Held,
    progress: Arc<Progress>,
    /// Whether a session is to go on after the next operation.
    wants_session: bool,
    /// A connection that was made before the lease was taken, for the first exchange. Behind a lock for the compiler
    /// alone: connections cannot be shared between threads, and operations can.
    ready: Mutex<Option<Box<dyn Connection>>>,
}

/// A warm session and the connection that it lives on.
pub(crate) struct Warm {
    pub(crate) connection: Box<dyn Connection>,
    pub(crate) session: Session<Crypto>,
}

/// An answered operation.
pub(crate) struct Done {
    /// Status and tries as the server says now; the code is the operation's own.
    pub(crate) reply: Reply,
    /// What may carry warm operations now.
    pub(crate) warm: Option<Warm>,
}

/// What became of one cold request.
enum Cold {
    Done(Done),
    /// Blocked or not enrolled: authentic, without effect on the record.
    Refused(Reply),
    /// The server has a newer key, which is stored now. The request is pending.
    Renewed,
    /// Resynced: what was pending is lost.
    Resynced,
}

/// What became of the attempt that was pending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The server did it, with this result.
    Answered(Code),
    /// It never arrived and never will.
    Never,
    /// Nobody can know any more.
    Lost,
}

/// What to say where nobody was reached, or somebody who proved nothing answered, after an operation has left.
pub(crate) fn after_sending(error: WalletError) -> WalletError {
    match error {
        WalletError::Offline(_) | WalletError::Refused(_) => WalletError::NotConfirmed,
        error => error,
    }
}

/// A record with nothing pending, and how the token stands now.
pub(crate) struct Settled {
    pub(crate) outcome: Outcome,
    /// Of a cold STATUS after the RECOVER, or of a refusal.
    pub(crate) reply: Reply,
    pub(crate) refused: bool,
}

impl<'a> Operation<'a> {
    /// Takes the lease of `key`, waiting for whoever has it.
    pub(crate) fn begin(inner: &'a Arc<Inner>, key: TokenKey, progress: Arc<Progress>) -> Work<'a, Self> {
        work(async move { Self::with(inner, Held::take(inner, key).await?, progress) })
    }

    fn with(inner: &'a Arc<Inner>, held: Held, progress: Arc<Progress>) -> Result<Self, WalletError> {
        progress.leased();
        pins::allowed(held.record().policy().argon2, inner.options.allow_test_argon2)?;
        Ok(Self { inner, held, progress, wants_session: false, ready: Mutex::default() })
    }

    /// For what goes on in a session: cold requests go over connections only.
    pub(crate) const fn in_session(&mut self) -> &mut Self {
        self.wants_session = true;
        self
    }

    /// Tells listeners how the token stands, while nobody else can ask: what comes later is told later.
    pub(crate) fn told(&self, reply: Reply) -> Reply {
        self.inner.standings.answered(self.held.key(), &reply);
        reply
    }

    /// Does what the holder asks: recovers what is pending, then sends it once (and once more where the table says so).
    pub(crate) fn perform<'b>(&'b mut self, intent: &'b Intent<'_>) -> Work<'b, Done> {
        work(async move {
            if let Some(settled) = self.settle().await?
                && settled.refused
            {
                return Ok(Done { reply: settled.reply, warm: None });
            }
            let watch = Stopwatch::start();
            let mut base = self.inner.env.wire_time();
            let (mut signed_again, mut sent_again) = (false, false);
            loop {
                let time = base.saturating_add(watch.seconds());
                let cold = self.cold(intent, time).await?;
                // Storing the answer takes time, too.
                self.progress.in_time()?;
                match cold {
                    Cold::Done(done) if done.reply.code == Code::Stale && !signed_again => {
                        signed_again = true;
                        // A second later than the server says: a close by somebody else wins over an opening of the same
                        // second, and this one comes after it.
                        base = done.reply.server_time.saturating_add(1).saturating_sub(watch.seconds());
                    }
                    Cold::Done(done) => return Ok(done),
                    Cold::Refused(reply) => return Ok(Done { reply, warm: None }),
                    Cold::Resynced => return Err(WalletError::NotConfirmed),
                    Cold::Renewed => match self.settle().await.map_err(after_sending)? {
                        Some(Settled { reply, refused: true, .. }) => return Ok(Done { reply, warm: None }),
                        Some(Settled { outcome: Outcome::Answered(code), reply, .. }) => {
                            return Ok(Done { reply: Reply { code, op: intent.op(), ..reply }, warm: None });
                        }
                        Some(Settled { outcome: Outcome::Never, .. }) if !sent_again => sent_again = true,
                        _ => return Err(WalletError::NotConfirmed),
                    },
                }
            }
        })
    }

    /// Finds out what became of a pending attempt. `None` if nothing is pending.
    ///
    /// The reply to the RECOVER itself is provisional: only the cold STATUS that follows it is shown to anyone.
    pub(crate) fn settle(&mut self) -> Work<'_, Option<Settled>> {
        work(async move {
            if *self.held.record().pending() == Pending::None {
                return Ok(None);
            }
            let mut outcome = None;
            for _ in 0..ROUNDS {
                if *self.held.record().pending() != Pending::None {
                    let connection = match self.ready() {
                        Some(connection) => connection,
                        None => self.connect_once().await?,
                    };
                    let step = self.held.record().recover(&mut self.inner.env.random())?;
                    let attempt = self.held.keep(step).await?;
                    match self.exchange(connection, attempt).await? {
                        Exchanged::Answered(Answer::Recovered { outcome: found }, _) => {
                            outcome.get_or_insert(found.map_or(Outcome::Never, Outcome::Answered));
                        }
                        Exchanged::Refused(reply) => {
                            let outcome = outcome.unwrap_or(Outcome::Lost);
                            return Ok(Some(Settled { outcome, reply, refused: true }));
                        }
                        Exchanged::Renewed => continue,
                        // A RECOVER is never answered as an operation.
                        Exchanged::Resynced | Exchanged::Answered(Answer::Operation { .. }, _) => {
                            outcome.get_or_insert(Outcome::Lost);
                        }
                    }
                }
                let time = self.inner.env.wire_time();
                let (reply, refused) = match self.cold(&Intent::Status, time).await? {
                    Cold::Done(done) => (done.reply, false),
                    Cold::Refused(reply) => (reply, true),
                    Cold::Renewed | Cold::Resynced => continue,
                };
                return Ok(Some(Settled { outcome: outcome.unwrap_or(Outcome::Lost), reply, refused }));
            }
            Err(WalletError::NotConfirmed)
        })
    }

    fn ready(&mut self) -> Option<Box<dyn Connection>> {
        self.ready.get_mut().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// One cold request with nothing pending before it. `time` is what is signed, in Unix seconds.
    fn cold<'b>(&'b mut self, intent: &'b Intent<'_>, time: u32) -> Work<'b, Cold> {
        work(async move {
            // Without a connection nothing is marked as pending: nothing can have been sent.
            let connection = match self.ready() {
                Some(connection) => connection,
                None if self.wants_session => self.connect().await?,
                None => self.connect_once().await?,
            };
            // Once a week or so: the key that was announced is the one to use now.
            if let Some(step) = self.held.record().use_announced_server_key(self.inner.env.wire_time()) {
                self.held.keep(step).await?;
            }
            self.progress.in_time()?;
            let step = self.held.record().start(intent, time, &mut self.inner.env.random())?;
            let attempt = self.held.keep(step).await?;
            Ok(match self.exchange(connection, attempt).await? {
                Exchanged::Answered(Answer::Operation { reply, session }, connection) => {
                    // No session goes on after a datagram: the server has not kept it either.
                    let session = session.filter(|_| connection.repetition().is_none());
                    let warm = session.map(|session| Warm { connection, session });
                    Cold::Done(Done { reply, warm })
                }
                Exchanged::Refused(reply) => Cold::Refused(reply),
                Exchanged::Renewed => Cold::Renewed,
                // An operation is never answered as a RECOVER.
                Exchanged::Resynced | Exchanged::Answered(Answer::Recovered { .. }, _) => Cold::Resynced,
            })
        })
    }
}
