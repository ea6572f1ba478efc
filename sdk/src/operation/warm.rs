//! Operations in a session: large ones, reading, and hearing what waits.

use cardea_protocol::device::{Delivered, Intent, Record, Session, WarmRequest};
use cardea_protocol::wire::{LARGE_FRAME_LEN, LargeReply, Push, PushedConfirmation, Reply};
use cardea_protocol::{Code, ProtocolError};
use tokio::time::timeout;

use super::{Operation, Outcome, REPLY_LIMIT, Warm, Work, after_sending, work};
use crate::Crypto;
use crate::env::Stopwatch;
use crate::error::WalletError;
use crate::transport::{BoxFuture, Connection, TransportError};

/// How often a session is begun again. Those beyond the first are for connections that died at the wrong moment.
const SESSIONS: usize = 3;
/// Pushes of the state, which end a list of confirmations, and of confirmations.
const MASK: u8 = 3;

/// Most confirmations that are listened to.
const PUSHED: usize = 8;

/// A warm operation whose reply did not come, by the name that a RECOVER declares.
struct ReplyLost([u8; 32]);

/// Makes a large request that is signed at a time in Unix seconds.
pub(crate) type MakeSigned<'a> = dyn Fn(&mut Session<Crypto>, &Record, u32) -> Result<WarmRequest<LARGE_FRAME_LEN>, ProtocolError>
    + Send
    + Sync
    + 'a;

impl Operation<'_> {
    /// Sends a large request that a PIN signs; once more if the first never arrived.
    pub(crate) fn signed<'b>(&'b mut self, make: &'b MakeSigned<'_>) -> Work<'b, Reply> {
        work(async move {
            for _ in 0..SESSIONS {
                let done = self.perform(&Intent::Ping).await?;
                if done.reply.code != Code::Ok {
                    return Ok(done.reply);
                }
                // A PING that had to be sent twice leaves no session: ask for another.
                let Some(mut warm) = done.warm else { continue };
                match self.signed_in(&mut *warm.connection, &mut warm.session, make).await? {
                    Ok(reply) => return Ok(reply),
                    Err(ReplyLost(id)) => {
                        drop(warm);
                        let step = self.held.record().recover_warm::<Crypto>(&id, &mut self.inner.env.random())?;
                        // The mark is what counts here; `settle` makes the same RECOVER from it.
                        self.held.keep(step).await?;
                        let settled = self.settle().await.map_err(after_sending)?;
                        let Some(settled) = settled else { return Err(WalletError::NotConfirmed) };
                        match settled.outcome {
                            _ if settled.refused => return Ok(settled.reply),
                            Outcome::Answered(code) => return Ok(Reply { code, ..settled.reply }),
                            Outcome::Never => {}
                            Outcome::Lost => return Err(WalletError::NotConfirmed),
                        }
                    }
                }
            }
            Err(WalletError::NotConfirmed)
        })
    }

    async fn signed_in(
        &self,
        connection: &mut dyn Connection,
        session: &mut Session<Crypto>,
        make: &MakeSigned<'_>,
    ) -> Result<Result<Reply, ReplyLost>, WalletError> {
        let record = self.held.record();
        let watch = Stopwatch::start();
        let mut base = self.inner.env.wire_time();
        let mut signed_again = false;
        loop {
            let time = base.saturating_add(watch.seconds());
            self.progress.in_time()?;
            let request = make(session, record, time)?;
            let answered = answer(connection, session, request.frame().bytes()).await;
            if self.progress.in_time().is_err() {
                return Ok(Err(ReplyLost(*request.id())));
            }
            match answered {
                Ok(large) if large.reply().code == Code::Stale && !signed_again => {
                    signed_again = true;
                    base = large.reply().server_time.saturating_sub(watch.seconds());
                }
                Ok(large) => return Ok(Ok(*large.reply())),
                Err(_) => return Ok(Err(ReplyLost(*request.id()))),
            }
        }
    }

    /// Asks for something that takes a large reply and changes nothing.
    pub(crate) fn read<'b>(&'b mut self, intent: &'b Intent<'_>) -> Work<'b, LargeReply> {
        work(async move {
            let mut lost = TransportError::TimedOut;
            for _ in 0..SESSIONS {
                let done = self.perform(&Intent::Ping).await?;
                if done.reply.code != Code::Ok {
                    return Ok(LargeReply::Plain(done.reply));
                }
                let Some(mut warm) = done.warm else { continue };
                let time = self.inner.env.wire_time();
                let request = warm.session.request(self.held.record(), intent, time)?;
                match answer(&mut *warm.connection, &mut warm.session, request.frame().bytes()).await {
                    Ok(large) => {
                        self.progress.in_time()?;
                        return Ok(large);
                    }
                    Err(error) => lost = error,
                }
            }
            Err(lost.into())
        })
    }

    /// The confirmations that wait, or why the server does not say.
    pub(crate) fn waiting(&mut self) -> Work<'_, Result<Vec<PushedConfirmation>, Reply>> {
        work(async move {
            let mut lost = TransportError::TimedOut;
            for _ in 0..SESSIONS {
                let done = self.perform(&Intent::Subscribe { mask: MASK }).await?;
                if done.reply.code != Code::Ok {
                    return Ok(Err(done.reply));
                }
                if done.reply.waiting() == 0 {
                    return Ok(Ok(Vec::new()));
                }
                let Some(mut warm) = done.warm else { continue };
                match timeout(REPLY_LIMIT, pushed(&mut warm)).await.unwrap_or(Err(TransportError::TimedOut)) {
                    Ok(pushed) => return Ok(Ok(pushed)),
                    Err(error) => lost = error,
                }
            }
            Err(lost.into())
        })
    }
}

/// The confirmations before the first STATE, or the first few: more than may wait are not of this protocol.
async fn pushed(warm: &mut Warm) -> Result<Vec<PushedConfirmation>, TransportError> {
    let mut pushed = Vec::new();
    loop {
        match warm.session.receive(&warm.connection.receive().await?) {
            Ok(Delivered::Push(Push::Confirmation(push))) => {
                pushed.push(push);
                if pushed.len() == PUSHED {
                    return Ok(pushed);
                }
            }
            Ok(Delivered::Push(Push::State(_))) => return Ok(pushed),
            Ok(Delivered::Push(_)) => {}
            Ok(_) | Err(_) => return Err(TransportError::Closed),
        }
    }
}

/// Sends a warm request and waits for its large answer; pushes may come between.
fn answer<'a>(
    connection: &'a mut dyn Connection,
    session: &'a mut Session<Crypto>,
    frame: &'a [u8],
) -> BoxFuture<'a, Result<LargeReply, TransportError>> {
    let exchange = async move {
        connection.send(frame).await?;
        loop {
            match session.receive(&connection.receive().await?) {
                Ok(Delivered::Large(large)) => return Ok(large),
                Ok(Delivered::Push(_)) => {}
                Ok(Delivered::Reply(_)) | Err(_) => return Err(TransportError::Closed),
            }
        }
    };
    Box::pin(async { timeout(REPLY_LIMIT, exchange).await.unwrap_or(Err(TransportError::TimedOut)) })
}
