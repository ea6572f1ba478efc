//! One cold request until it is answered: the identical bytes again, on datagrams a few times and then on new
//! connections, for as long as it takes.

use std::time::Duration;

use bytes::Bytes;
use cardea_protocol::Code;
use cardea_protocol::device::{Answer, Attempt, Pending, Received};
use cardea_protocol::limits::{HANDSHAKE_SECONDS, RETRY_SECONDS};
use cardea_protocol::wire::{KeyRecord, Reply};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::resync::Resynced;
use super::{Operation, Work, work};
use crate::Crypto;
use crate::error::WalletError;
use crate::log::Named;
use crate::transport::{BoxFuture, Connection, Endpoint, Repetition, TransportError};
use crate::wallet::Inner;

const CONNECT_LIMIT: Duration = Duration::from_secs(HANDSHAKE_SECONDS as u64);
/// How long an answer may take on one connection. The server waits for its disk before it answers.
pub(crate) const REPLY_LIMIT: Duration = Duration::from_secs(8);
/// Plain answers of one kind, each on its own connection, before they are believed enough to act on.
const BELIEVED: u8 = 2;
/// Connections in a row that were refused after the datagrams were: a restart takes longer than one, and a message that
/// was forged is rarely there for each.
const REFUSALS: u8 = 3;

/// What became of a request.
pub(super) enum Exchanged {
    /// Answered; the new record is stored.
    Answered(Answer<Crypto>, Box<dyn Connection>),
    /// Blocked or not enrolled; nothing was stored.
    Refused(Reply),
    /// The server has a newer key, which is stored; the request is pending.
    Renewed,
    /// Resynced; what was pending is lost.
    Resynced,
}

/// How datagrams ended.
enum Datagrams {
    /// Something authentic came.
    Exchanged(Exchanged),
    /// Nothing came in time.
    Silence,
    /// The system says that nobody is there.
    Refused,
}

/// Whether it is still worth waiting for a server. Nothing but the waiting depends on it: what was sent may have arrived
/// however often somebody says that it did not, so it stays pending and the holder hears "not confirmed".
#[derive(Debug, Default)]
struct Gone {
    datagrams: bool,
    connections: u8,
}

impl Gone {
    /// A connection that was not made. Returns whether all is said: the datagrams, and as many in a row, were refused.
    fn is_certain_after(&mut self, error: &TransportError) -> bool {
        self.connections = if error.is_refusal() { self.connections.saturating_add(1) } else { 0 };
        self.datagrams && self.connections >= REFUSALS
    }

    /// Somebody is there.
    fn connected(&mut self) {
        *self = Self::default();
    }
}

/// When the next copy of a request leaves.
#[derive(Debug, Default)]
struct Schedule(usize);

impl Schedule {
    /// 1, 2, 4, and then every 4 seconds.
    fn next(&mut self) -> Duration {
        let last = RETRY_SECONDS.len() - 1;
        let seconds = RETRY_SECONDS[self.0.min(last)];
        self.0 += 1;
        Duration::from_secs(seconds.into())
    }
}

/// One plain answer is anybody's. Counts how often one came.
#[derive(Debug, Default)]
struct Plain {
    unknown_hint: u8,
    /// How often it was believed.
    strangers: u8,
    version: u8,
    overloaded: u8,
    /// A copy of the request got no such answer, and none that is authentic: it may have arrived.
    silence: bool,
}

/// Connects to a server, for at most five seconds.
pub(crate) fn connect<'a>(
    inner: &'a Inner,
    server: &'a Endpoint,
) -> BoxFuture<'a, Result<Box<dyn Connection>, TransportError>> {
    Box::pin(async move {
        timeout(CONNECT_LIMIT, inner.connector.connect(server)).await.map_err(|_| TransportError::TimedOut)?
    })
}

/// Sends a frame and waits for the next one.
pub(crate) fn ask<'a>(
    connection: &'a mut dyn Connection,
    frame: &'a [u8],
) -> BoxFuture<'a, Result<Bytes, TransportError>> {
    Box::pin(async move {
        let exchange = async {
            connection.send(frame).await?;
            connection.receive().await
        };
        timeout(REPLY_LIMIT, exchange).await.map_err(|_| TransportError::TimedOut)?
    })
}

#[expect(clippy::disallowed_methods, reason = "monotonic time for delays, as tokio's own timers take it")]
fn now() -> Instant {
    Instant::now()
}

impl Operation<'_> {
    pub(super) fn connect(&self) -> Work<'_, Box<dyn Connection>> {
        work(async move { Ok(connect(self.inner, &self.server()).await?) })
    }

    /// The cheapest way for one request, within the same time.
    pub(super) fn connect_once(&self) -> Work<'_, Box<dyn Connection>> {
        work(async move {
            let server = self.server();
            let connected = timeout(CONNECT_LIMIT, self.inner.connector.connect_once(&server)).await;
            Ok(connected.map_err(|_| TransportError::TimedOut)??)
        })
    }

    fn server(&self) -> Endpoint {
        let details = self.held.details();
        Endpoint { host: details.host.clone(), port: details.port }
    }

    /// Sends `attempt`, whose record is stored, until it is answered. Ends only with an answer, with the time limit of the
    /// operation around it, with [`WalletError::NotConfirmed`] when datagrams and connections alike are refused, or with
    /// what enough plain answers say ([`Operation::plainly`]).
    pub(super) fn exchange(
        &mut self,
        connection: Box<dyn Connection>,
        mut attempt: Attempt<Crypto>,
    ) -> Work<'_, Exchanged> {
        work(async move {
            let mut first = Some(connection);
            let mut gone = Gone::default();
            let mut plain = Plain::default();
            if let Some(repetition) = first.as_ref().and_then(|first| first.repetition()) {
                let datagrams = first.take().expect("it is there");
                match self.by_datagrams(datagrams, repetition, &mut attempt).await? {
                    Datagrams::Exchanged(exchanged) => return Ok(exchanged),
                    Datagrams::Silence => {}
                    Datagrams::Refused => gone.datagrams = true,
                }
                plain.silence = true;
                let key = self.held.key();
                self.inner.log.info(|| format!("{}: datagrams were not answered; taking a connection", Named(key)));
            }
            let is_new = first.is_some();
            let mut schedule = Schedule::default();
            let mut tried = false;
            loop {
                let (connection, is_first) = match first.take() {
                    Some(connection) => (Ok(connection), true),
                    None => {
                        // Datagrams have had their own delays.
                        if is_new || tried {
                            let pause = schedule.next();
                            let key = self.held.key();
                            self.inner.log.debug(|| {
                                format!("{}: no answer; the same bytes again in {} s", Named(key), pause.as_secs())
                            });
                            sleep(pause).await;
                        }
                        (self.connect().await, false)
                    }
                };
                tried = true;
                let mut connection = match connection {
                    Ok(connection) => connection,
                    Err(WalletError::Offline(error)) if gone.is_certain_after(&error) => {
                        let key = self.held.key();
                        self.inner.log.info(|| format!("{}: {error}; the server is gone", Named(key)));
                        return Err(WalletError::NotConfirmed);
                    }
                    Err(_) => continue,
                };
                gone.connected();
                self.progress.in_time()?;
                self.progress.sent();
                let frame = if is_first { attempt.frame() } else { attempt.resend() };
                let Ok(bytes) = ask(&mut *connection, frame.bytes()).await else {
                    plain.silence = true;
                    continue;
                };
                self.progress.in_time()?;
                match attempt.receive(self.held.record(), &bytes) {
                    Received::Answered(step) => {
                        self.heard();
                        return Ok(Exchanged::Answered(self.held.keep(step).await?, connection));
                    }
                    Received::Refused(reply) => {
                        self.heard();
                        self.held.refused();
                        return Ok(Exchanged::Refused(reply));
                    }
                    Received::Plain(Code::StaleKey) => {
                        if self.renew(&mut *connection).await? {
                            return Ok(Exchanged::Renewed);
                        }
                    }
                    Received::Plain(Code::UnknownHint) => {
                        plain.unknown_hint += 1;
                        drop(connection);
                        if plain.unknown_hint == BELIEVED {
                            plain.unknown_hint = 0;
                            plain.strangers += 1;
                            let key = self.held.key();
                            self.inner.log.warn(|| format!("{}: its server does not know it; resync", Named(key)));
                            // Keys that were never confirmed may never have arrived: there is nothing to resync.
                            if self.held.record().is_provisional() {
                                return Err(self.plainly(Code::UnknownHint, &plain));
                            }
                            match self.resync().await? {
                                Resynced::Done => return Ok(Exchanged::Resynced),
                                Resynced::Suspended(reply) => {
                                    self.held.refused();
                                    return Ok(Exchanged::Refused(reply));
                                }
                                Resynced::Unanswered if plain.strangers == BELIEVED => {
                                    return Err(self.plainly(Code::UnknownHint, &plain));
                                }
                                Resynced::Known | Resynced::Unanswered => {}
                            }
                        }
                    }
                    Received::Plain(Code::VersionUnsupported) => {
                        plain.version += 1;
                        if plain.version == BELIEVED {
                            return Err(self.plainly(Code::VersionUnsupported, &plain));
                        }
                    }
                    Received::Plain(Code::Overloaded) => {
                        plain.overloaded += 1;
                        if plain.overloaded > 2 * BELIEVED {
                            return Err(self.plainly(Code::Overloaded, &plain));
                        }
                    }
                    // Damaged, forged, or nonsense: the same bytes on a new connection.
                    Received::NotAuthentic | Received::Plain(_) => plain.silence = true,
                }
            }
        })
    }

    /// An authentic answer came, whatever it says.
    fn heard(&self) {
        self.inner.standings.reached(self.held.key());
    }

    /// The end of an attempt that was answered with plain errors only. Whoever answers so may not be who got the copies
    /// that nobody answered: the operation may have been done. A RECOVER does nothing that could have been.
    fn plainly(&self, code: Code, plain: &Plain) -> WalletError {
        if plain.silence && matches!(self.held.record().pending(), Pending::Attempt(_)) {
            let key = self.held.key();
            self.inner.log.info(|| format!("{}: plain code {}, and no answer before it", Named(key), code.number()));
            return WalletError::NotConfirmed;
        }
        WalletError::Refused(code)
    }

    /// Sends `attempt` as datagrams until it is answered, or a connection is to take over. Whatever is not authentic is
    /// anybody's, and waited on past.
    async fn by_datagrams(
        &mut self,
        mut datagrams: Box<dyn Connection>,
        repetition: Repetition,
        attempt: &mut Attempt<Crypto>,
    ) -> Result<Datagrams, WalletError> {
        let failed = |error: &TransportError| if error.is_refusal() { Datagrams::Refused } else { Datagrams::Silence };
        let began = now();
        let mut copies = repetition.again.iter();
        self.progress.in_time()?;
        self.progress.sent();
        if let Err(error) = datagrams.send(attempt.frame().bytes()).await {
            return Ok(failed(&error));
        }
        let mut copy = copies.next();
        loop {
            let until = began + copy.copied().unwrap_or(repetition.patience).min(repetition.patience);
            let received = timeout_at(until, datagrams.receive()).await;
            self.progress.in_time()?;
            match received {
                Ok(Ok(bytes)) => match attempt.receive(self.held.record(), &bytes) {
                    Received::Answered(step) => {
                        self.heard();
                        let answer = self.held.keep(step).await?;
                        return Ok(Datagrams::Exchanged(Exchanged::Answered(answer, datagrams)));
                    }
                    Received::Refused(reply) => {
                        self.heard();
                        self.held.refused();
                        return Ok(Datagrams::Exchanged(Exchanged::Refused(reply)));
                    }
                    // There are no plain errors in datagrams.
                    Received::NotAuthentic | Received::Plain(_) => {}
                },
                // Nobody listens there, or somebody says so: a connection finds out.
                Ok(Err(error)) => return Ok(failed(&error)),
                Err(_) if copy.is_none() => return Ok(Datagrams::Silence),
                Err(_) => {
                    copy = copies.next();
                    if let Err(error) = datagrams.send(attempt.resend().bytes()).await {
                        return Ok(failed(&error));
                    }
                }
            }
        }
    }

    /// Reads the key record that follows STALE_KEY and stores it, if the pinned identity signed it and it is newer.
    async fn renew(&mut self, connection: &mut dyn Connection) -> Result<bool, WalletError> {
        let Ok(Ok(bytes)) = timeout(REPLY_LIMIT, connection.receive()).await else { return Ok(false) };
        let Ok(record) = KeyRecord::decode(&bytes) else { return Ok(false) };
        let Ok(step) = self.held.record().renew_server_key::<Crypto>(&record) else { return Ok(false) };
        self.held.keep(step).await?;
        self.inner.log.info(|| format!("{}: the server has a new key", Named(self.held.key())));
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_leave_after_1_2_and_4_seconds_and_then_every_4() {
        let mut schedule = Schedule::default();
        let seconds: Vec<u64> = (0..6).map(|_| schedule.next().as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 4, 4, 4]);
    }
}
