//! Changing PINs: a warm operation, and what to do when its reply is lost.

use cardea_protocol::Code;
use cardea_protocol::crypto::Dalek;
use cardea_protocol::device::{Delivered, Intent, Session};
use cardea_protocol::limits::SLOTS;
use cardea_protocol::pin::{Pin, PinKey};
use cardea_protocol::wire::Reply;
use tokio::time::timeout;

use super::Token;
use crate::env::Stopwatch;
use crate::error::WalletError;
use crate::operation::{Operation, Outcome, Progress, REPLY_LIMIT, limited};
use crate::pins::{NewPins, derive, derive_all};
use crate::status::Status;
use crate::transport::{Connection, TransportError};

/// Who signs a change of PINs.
enum SignerKey {
    /// Another PIN than the new ones.
    Apart(PinKey),
    /// The first of the new set, which stays as it is.
    First,
}

/// A warm operation whose reply did not come, by the name that a RECOVER declares.
struct ReplyLost([u8; 32]);

impl Token {
    /// Replaces all PINs. `current` is the PIN that opens now; duress PINs that are not named in `new` are gone.
    ///
    /// # Errors
    /// [`WalletError`]. A wrong `current` counts at the server like any wrong PIN.
    pub async fn change_pin(&self, current: Pin, new: NewPins) -> Result<Status, WalletError> {
        let record = self.load().await?.record;
        new.check(record.policy())?;
        let signer = derive(record.pin_derivation(), current).await?;
        let keys = derive_all(record.pin_derivation(), new, &self.inner.env).await?;
        self.set_pins(&SignerKey::Apart(signer), &keys).await
    }

    /// Sets the duress PINs and keeps the PIN that opens. An empty list removes them.
    ///
    /// # Errors
    /// [`WalletError`]. A wrong `current` counts at the server like any wrong PIN.
    pub async fn set_duress(&self, current: Pin, duress: Vec<Pin>) -> Result<Status, WalletError> {
        let record = self.load().await?.record;
        let pins = NewPins { normal: current, duress };
        pins.check(record.policy())?;
        let keys = derive_all(record.pin_derivation(), pins, &self.inner.env).await?;
        self.set_pins(&SignerKey::First, &keys).await
    }

    async fn set_pins(&self, signer: &SignerKey, keys: &[PinKey; SLOTS]) -> Result<Status, WalletError> {
        let signer = match signer {
            SignerKey::Apart(key) => key,
            SignerKey::First => &keys[0],
        };
        let progress = Progress::default();
        let operation = async {
            let mut operation = Operation::begin(&self.inner, self.key, &progress).await?.for_session();
            Box::pin(operation.set_pins(signer, keys)).await
        };
        let reply = self.observed(limited(&progress, operation).await)?;
        self.finish(&reply)
    }
}

impl Operation<'_> {
    /// Sends a SET_PINS in a warm session; once more if the first never arrived.
    async fn set_pins(&mut self, signer: &PinKey, keys: &[PinKey; SLOTS]) -> Result<Reply, WalletError> {
        // The attempts beyond the first are for connections that died at the wrong moment.
        for _ in 0..3 {
            let done = self.perform(&Intent::Ping).await?;
            if done.reply.code != Code::Ok {
                return Ok(done.reply);
            }
            // A PING that had to be sent twice leaves no session: ask for another.
            let Some(mut warm) = done.warm else { continue };
            match self.set_pins_in(&mut *warm.connection, &mut warm.session, signer, keys).await? {
                Ok(reply) => return Ok(reply),
                Err(ReplyLost(id)) => {
                    drop(warm);
                    let step = self.held.record().recover_warm::<Dalek>(&id, &mut self.inner.env.random())?;
                    // The mark is what counts here; `settle` makes the same RECOVER from it.
                    self.held.keep(step).await?;
                    let Some(settled) = self.settle().await? else { return Err(WalletError::NotConfirmed) };
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
    }

    async fn set_pins_in(
        &self,
        connection: &mut dyn Connection,
        session: &mut Session<Dalek>,
        signer: &PinKey,
        keys: &[PinKey; SLOTS],
    ) -> Result<Result<Reply, ReplyLost>, WalletError> {
        let record = self.held.record();
        let watch = Stopwatch::start();
        let mut base = self.inner.env.wire_time();
        let mut signed_again = false;
        loop {
            let time = base.saturating_add(watch.seconds());
            let request = session.set_pins(record, signer, keys, false, time)?;
            match answer(connection, session, request.frame().bytes()).await {
                Ok(reply) if reply.code == Code::Stale && !signed_again => {
                    signed_again = true;
                    base = reply.server_time.saturating_sub(watch.seconds());
                }
                Ok(reply) => return Ok(Ok(reply)),
                Err(_) => return Ok(Err(ReplyLost(*request.id()))),
            }
        }
    }
}

/// Sends a warm request and waits for its answer; pushes may come between.
async fn answer(
    connection: &mut dyn Connection,
    session: &mut Session<Dalek>,
    frame: &[u8],
) -> Result<Reply, TransportError> {
    let exchange = async {
        connection.send(frame).await?;
        loop {
            match session.receive(&connection.receive().await?) {
                Ok(Delivered::Large(large)) => return Ok(*large.reply()),
                Ok(Delivered::Reply(reply)) => return Ok(reply),
                Ok(Delivered::Push(_)) => {}
                Err(_) => return Err(TransportError::Closed),
            }
        }
    };
    timeout(REPLY_LIMIT, exchange).await.unwrap_or(Err(TransportError::TimedOut))
}
