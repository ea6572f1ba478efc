//! One token: a session, and another one when that is over.

use std::sync::Arc;
use std::time::Duration;

use cardea_protocol::Code;
use cardea_protocol::wire::Reply;
use tokio::sync::watch;
use tokio::time::sleep;

use super::Orders;
use super::attend::{Heard, Session};
use super::backoff::{Backoff, between};
use crate::env::Stopwatch;
use crate::error::WalletError;
use crate::log::Named;
use crate::operation::{Subscribed, connect, subscribe};
use crate::store::{Entry, TokenKey};
use crate::task::blocking;
use crate::transport::Endpoint;
use crate::wallet::Inner;

/// Pushes of the state, of confirmations, and of checks of the closed token.
const MASK: u8 = 7;
/// After an operation of this wallet, so that several in a row are not interrupted: between these.
const AFTER_OPERATION: (Duration, Duration) = (Duration::from_millis(200), Duration::from_millis(400));
/// A session that lasted so long was none of a row of failures.
const LASTED: Duration = Duration::from_secs(30);

/// Why a token has no live session any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The server does not know the device any more.
    Revoked,
    /// It is not in the wallet any more.
    Gone,
}

/// What to do before the next try.
enum Next {
    /// Nothing.
    AtOnce,
    /// Wait a moment: an operation of this wallet ended the session.
    AfterOperation,
    /// Wait, longer each time.
    Pause,
    /// Stop.
    End(End),
}

/// What is kept from one session of a token to the next.
pub(super) struct Token {
    pub(super) inner: Arc<Inner>,
    pub(super) key: TokenKey,
    /// The ids of the texts that were told, of those that wait.
    pub(super) told: Vec<[u8; 8]>,
    woken: watch::Receiver<u64>,
    backoff: Backoff,
    /// Listeners were told by this session's end, or that of one before, that the server cannot be reached.
    has_told: bool,
}

/// Keeps a session for `key` until there is no use in another one.
pub(super) async fn run(inner: Arc<Inner>, orders: Arc<Orders>, key: TokenKey) -> End {
    let woken = orders.looks.subscribe();
    drop(orders);
    let mut token = Token { inner, key, told: Vec::new(), woken, backoff: Backoff::default(), has_told: false };
    loop {
        token.woken.mark_unchanged();
        let next = match Box::pin(token.begin()).await {
            Ok((reply, _, Some(session))) => token.attended(&reply, session).await,
            Ok((reply, generation, None)) => token.without_session(&reply, generation),
            Err(error) => token.failed(&error),
        };
        let pause = match next {
            Next::AtOnce => continue,
            Next::End(end) => return end,
            Next::AfterOperation => between(&token.inner.env, AFTER_OPERATION.0, AFTER_OPERATION.1),
            Next::Pause => token.backoff.next(&token.inner.env),
        };
        token.pause(pause).await;
    }
}

impl Token {
    /// Reaches the server and asks for pushes.
    async fn begin(&mut self) -> Result<(Reply, u64, Option<Session>), WalletError> {
        let entry = self.load().await?;
        let endpoint = Endpoint { host: entry.details().host.clone(), port: entry.details().port };
        let policy = *entry.record.policy();
        drop(entry);
        self.inner.turns.free(self.key).await;
        let connection = tokio::select! {
            biased;
            connected = connect(&self.inner, &endpoint) => connected?,
            // The network may be another one now.
            Ok(()) = self.woken.changed() => connect(&self.inner, &endpoint).await?,
        };
        let Subscribed { reply, warm, generation } = subscribe(&self.inner, self.key, connection, MASK).await?;
        Ok((reply, generation, warm.map(|warm| Session::new(warm, generation, policy.keepalive))))
    }

    pub(super) async fn load(&self) -> Result<Entry, WalletError> {
        let (store, key) = (Arc::clone(&self.inner.store), self.key);
        blocking(move || store.load(&key)).await??.ok_or(WalletError::UnknownToken)
    }

    /// A session is there: listens to it until it is over.
    async fn attended(&mut self, reply: &Reply, session: Session) -> Next {
        let generation = session.generation();
        if reply.code != Code::Ok {
            return self.without_session(reply, generation);
        }
        self.has_told = false;
        self.inner.log.info(|| format!("{}: live", Named(self.key)));
        self.inner.standings.pushed(self.key, generation, reply);
        let (watch, mut woken) = (Stopwatch::start(), self.woken.clone());
        let (inner, key) = (Arc::clone(&self.inner), self.key);
        let heard = tokio::select! {
            biased;
            Ok(()) = woken.changed() => Heard::Woken,
            () = overtaken(&inner, key, generation) => Heard::Ended(None),
            heard = Box::pin(session.attend(self)) => heard,
        };
        if watch.elapsed() >= LASTED || matches!(heard, Heard::Woken) {
            self.backoff.reset();
        }
        match heard {
            Heard::Woken | Heard::Over => Next::AtOnce,
            Heard::Ended(why) => self.ended(generation, why).await,
        }
    }

    /// The session ended, and `why` is what the connection says; nothing if the server said that it is over.
    async fn ended(&mut self, generation: u64, why: Option<String>) -> Next {
        let name = Named(self.key);
        let was_wanted = self.inner.turns.free(self.key).await;
        if was_wanted || self.inner.standings.generation(self.key) > generation {
            self.inner.log.debug(|| format!("{name}: an operation ended the live session"));
            return Next::AfterOperation;
        }
        match self.load().await {
            Ok(entry) if entry.record.generation() != generation => {
                self.inner.log.info(|| format!("{name}: another program with the same tokens has taken over"));
                return Next::Pause;
            }
            Ok(_) => {}
            Err(error) => return self.failed(&error),
        }
        match why {
            // Revoked, blocked, or somebody has a copy of the record. Asking tells.
            None if self.backoff.is_fresh() => {
                self.backoff.next(&self.inner.env);
                Next::AtOnce
            }
            None => {
                self.inner.log.warn(|| format!("{name}: the server ends one live session after the other"));
                Next::Pause
            }
            Some(why) => self.offline(&why),
        }
    }

    /// The server answered, and there is no session.
    fn without_session(&mut self, reply: &Reply, generation: u64) -> Next {
        self.has_told = false;
        self.inner.standings.pushed(self.key, generation, reply);
        match reply.code {
            Code::NotEnrolled => {
                self.inner.log.warn(|| format!("{}: not enrolled any more", Named(self.key)));
                return Next::End(End::Revoked);
            }
            // The first bytes were lost, so that an answer was all that there was to get.
            Code::Ok => {}
            code => {
                self.inner.log.info(|| format!("{}: no live session: code {}", Named(self.key), code.number()));
            }
        }
        Next::Pause
    }

    fn failed(&mut self, error: &WalletError) -> Next {
        match error {
            WalletError::UnknownToken => Next::End(End::Gone),
            WalletError::Busy if self.inner.turns.is_wanted(self.key) => Next::AfterOperation,
            WalletError::Busy => Next::Pause,
            WalletError::Store(_) | WalletError::TestArgon2 | WalletError::ShuttingDown => {
                self.inner.log.warn(|| format!("{}: no live session: {error}", Named(self.key)));
                Next::Pause
            }
            error => self.offline(&error.to_string()),
        }
    }

    fn offline(&mut self, why: &str) -> Next {
        self.inner.log.info(|| format!("{}: offline: {why}", Named(self.key)));
        if !std::mem::replace(&mut self.has_told, true) {
            self.inner.standings.unreached(self.key);
        }
        Next::Pause
    }

    /// Waits, unless somebody wants to know now.
    async fn pause(&mut self, pause: Duration) {
        self.inner.log.debug(|| format!("{}: next live session in {} ms", Named(self.key), pause.as_millis()));
        tokio::select! {
            biased;
            Ok(()) = self.woken.changed() => self.backoff.reset(),
            () = sleep(pause) => {}
        }
    }
}

/// Waits until an operation of this wallet has moved the ratchet on. The server ends the session then; if it is on another
/// node than the operation was, only when it has something to say.
async fn overtaken(inner: &Inner, key: TokenKey, generation: u64) {
    loop {
        inner.turns.wanted(key).await;
        inner.turns.free(key).await;
        if inner.standings.generation(key) > generation {
            return;
        }
    }
}
