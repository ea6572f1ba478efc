//! One session, from the answer to its SUBSCRIBE to its end.

use std::time::Duration;

use cardea_protocol::Code;
use cardea_protocol::crypto::Dalek;
use cardea_protocol::device::{Delivered, Intent};
use cardea_protocol::limits::{IDLE_SECONDS, SESSION_SECONDS};
use cardea_protocol::wire::{KeyRecord, Push, is_showable};
use tokio::time::{Instant, sleep_until, timeout};

use super::backoff::between;
use super::now;
use super::session::Token;
use crate::env::Env;
use crate::error::WalletError;
use crate::event::EventKind;
use crate::log::Named;
use crate::operation::{Held, REPLY_LIMIT, Warm};
use crate::transport::TransportError;

/// Texts that can wait at one time, and some: the list is the server's.
const TOLD: usize = 8;
/// How long the lease may be somebody else's when there is a key to store. A key that is not stored is told again by
/// the plain error that the old one leads to.
const KEY_LIMIT: Duration = Duration::from_secs(30);

/// How long after a question because of a failed operation the next such question may be asked, and twice as long each time: the
/// app may ask again whenever it hears that the server is there.
const DOUBT_PAUSE: Duration = Duration::from_secs(10);

/// Why a session is over.
pub(super) enum Heard {
    /// Somebody wants to know how things are now.
    Woken,
    /// It is as old as sessions get.
    Over,
    /// The server ended it, or something on the way did, which is named.
    Ended(Option<String>),
}

/// A session that has subscribed.
pub(super) struct Session {
    warm: Warm,
    generation: u64,
    keepalive: u8,
    /// The ids of the texts of this session, in which the server begins with all that wait.
    listed: Vec<[u8; 8]>,
    /// The list is complete.
    is_listed: bool,
}

impl Session {
    pub(super) const fn new(warm: Warm, generation: u64, keepalive: u8) -> Self {
        Self { warm, generation, keepalive, listed: Vec::new(), is_listed: false }
    }

    /// Of the record when it began.
    pub(super) const fn generation(&self) -> u64 {
        self.generation
    }

    /// Listens until the session is over. Cancel safe: what was not heard is told again by the next session.
    pub(super) async fn attend(mut self, token: &mut Token) -> Heard {
        // Never at the very end, where both ends would act at once; and not all devices at one time.
        let life = Duration::from_secs(SESSION_SECONDS.into());
        let over = now() + between(&token.inner.env, life * 5 / 6, life * 11 / 12);
        let mut silent = now() + self.silence(&token.inner.env);
        let mut asked = false;
        // Operations may fail as often as they like without the server hearing of it each time.
        let (mut doubt_from, mut doubt_pause) = (now(), DOUBT_PAUSE);
        loop {
            let heard = tokio::select! {
                biased;
                received = self.warm.connection.receive() => received,
                () = sleep_until(over) => return Heard::Over,
                is_doubt = in_doubt(token, silent, (!asked).then_some(doubt_from)) => {
                    if asked {
                        return Heard::Ended(Some(TransportError::TimedOut.to_string()));
                    }
                    if is_doubt {
                        doubt_from = now() + doubt_pause;
                        doubt_pause *= 2;
                    }
                    asked = true;
                    silent = now() + REPLY_LIMIT;
                    match self.ping(token).await {
                        Ok(()) => continue,
                        Err(error) => return Heard::Ended(Some(error.to_string())),
                    }
                }
            };
            let frame = match heard {
                Ok(frame) => frame,
                Err(error) => return Heard::Ended(Some(error.to_string())),
            };
            asked = false;
            silent = now() + self.silence(&token.inner.env);
            match self.warm.session.receive(&frame) {
                Ok(Delivered::Push(Push::Revoked(_))) => return Heard::Ended(None),
                Ok(Delivered::Push(push)) => self.hear(token, push).await,
                // The answer to a PING. Blocked or revoked: the server closes after it, and asking tells.
                Ok(Delivered::Reply(reply)) if matches!(reply.code, Code::Blocked | Code::NotEnrolled) => {
                    return Heard::Ended(None);
                }
                Ok(Delivered::Reply(reply)) => token.inner.standings.pushed(token.key, self.generation, &reply),
                Ok(Delivered::Large(_)) => return Heard::Ended(Some("the server answered what nobody asked".into())),
                Err(error) => return Heard::Ended(Some(error.to_string())),
            }
        }
    }

    /// How long nothing may come before it is asked whether anybody is there: less than the 15 minutes after which a
    /// server ends a session, or as often as the service wants.
    fn silence(&self, env: &Env) -> Duration {
        let idle = Duration::from_secs(IDLE_SECONDS.into());
        match self.keepalive {
            0 => between(env, idle * 4 / 5, idle * 14 / 15),
            _ => between(env, Duration::from_secs(4 * 60), Duration::from_secs(9 * 60)),
        }
    }

    /// Asks whether anybody is there. Changes nothing at either end, so that a lost answer needs no recovery.
    async fn ping(&mut self, token: &Token) -> Result<(), WalletError> {
        let entry = token.load().await?;
        let time = token.inner.env.wire_time();
        let request = self.warm.session.request(&entry.record, &Intent::Ping, time)?;
        let sent = timeout(REPLY_LIMIT, self.warm.connection.send(request.frame().bytes())).await;
        Ok(sent.unwrap_or(Err(TransportError::TimedOut))?)
    }

    async fn hear(&mut self, token: &mut Token, push: Push) {
        token.inner.standings.reached(token.key);
        match push {
            Push::State(reply) => {
                if !std::mem::replace(&mut self.is_listed, true) {
                    // What is not in the list does not wait any more.
                    token.told.retain(|id| self.listed.contains(id));
                }
                token.inner.standings.pushed(token.key, self.generation, &reply);
            }
            Push::Confirmation(asked) => {
                if !self.is_listed && self.listed.len() < TOLD {
                    self.listed.push(asked.id);
                }
                // One that could not be shown as it is signed is not in `Token::confirmations` either.
                let text = asked.text.as_str();
                if text.is_empty() || !is_showable(text) || token.told.contains(&asked.id) {
                    return;
                }
                if token.told.len() == TOLD {
                    token.told.remove(0);
                }
                token.told.push(asked.id);
                token.inner.events.emit(token.key, EventKind::ConfirmationAsked);
            }
            Push::Attempt(checked) => {
                let count = u32::from(checked.count);
                token.inner.events.emit(token.key, EventKind::ClosedTokenChecked { count });
            }
            Push::KeyRecord(record) => {
                if let Err(error) = announce(token, &record).await {
                    token.inner.log.warn(|| format!("{}: the server's new key: {error}", Named(token.key)));
                }
            }
            // Handled where the session ends.
            Push::Revoked(_) => {}
        }
    }
}

/// Waits until it has to be asked whether anybody is there: nothing came until `silent`; or an operation of this wallet has
/// reached nobody, which makes it true and is looked at only `doubt_from` then on.
async fn in_doubt(token: &Token, silent: Instant, doubt_from: Option<Instant>) -> bool {
    let doubt = async {
        let Some(from) = doubt_from else { return std::future::pending().await };
        sleep_until(from).await;
        token.inner.standings.offline(token.key).await;
    };
    tokio::select! {
        () = sleep_until(silent) => false,
        () = doubt => true,
    }
}

/// Stores the server's next key, under the lease and in no hurry: operations of this wallet come first.
async fn announce(token: &Token, record: &KeyRecord) -> Result<(), WalletError> {
    token.inner.turns.free(token.key).await;
    let held = timeout(KEY_LIMIT, Held::take_behind(&token.inner, token.key)).await;
    let mut held = held.unwrap_or(Err(WalletError::Busy))?;
    let step = held.record().announce_server_key::<Dalek>(record)?;
    held.keep(step).await
}
