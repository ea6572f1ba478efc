//! One cold request until it is answered: the identical bytes again on a new connection, for as long as it takes.

use std::time::Duration;

use bytes::Bytes;
use cardea_protocol::Code;
use cardea_protocol::crypto::Dalek;
use cardea_protocol::device::{Answer, Attempt, Received};
use cardea_protocol::limits::{HANDSHAKE_SECONDS, RETRY_SECONDS};
use cardea_protocol::wire::{KeyRecord, Reply};
use tokio::time::{sleep, timeout};

use super::Operation;
use super::resync::Resynced;
use crate::error::WalletError;
use crate::transport::{Connection, Endpoint, TransportError};
use crate::wallet::Inner;

const CONNECT_LIMIT: Duration = Duration::from_secs(HANDSHAKE_SECONDS as u64);
/// How long an answer may take on one connection. The server waits for its disk before it answers.
pub(crate) const REPLY_LIMIT: Duration = Duration::from_secs(8);
/// Plain answers of one kind, each on its own connection, before they are believed enough to act on.
const BELIEVED: u8 = 2;

/// What became of a request.
pub(super) enum Exchanged {
    /// Answered; the new record is stored.
    Answered(Answer<Dalek>, Box<dyn Connection>),
    /// Blocked or not enrolled; nothing was stored.
    Refused(Reply),
    /// The server has a newer key, which is stored; the request is pending.
    Renewed,
    /// Resynced; what was pending is lost.
    Resynced,
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
}

/// Connects to a server, for at most five seconds.
pub(crate) async fn connect(inner: &Inner, server: &Endpoint) -> Result<Box<dyn Connection>, TransportError> {
    timeout(CONNECT_LIMIT, inner.connector.connect(server)).await.map_err(|_| TransportError::TimedOut)?
}

/// Sends a frame and waits for the next one.
pub(crate) async fn ask(connection: &mut dyn Connection, frame: &[u8]) -> Result<Bytes, TransportError> {
    let exchange = async {
        connection.send(frame).await?;
        connection.receive().await
    };
    timeout(REPLY_LIMIT, exchange).await.map_err(|_| TransportError::TimedOut)?
}

impl Operation<'_> {
    pub(super) async fn connect(&self) -> Result<Box<dyn Connection>, WalletError> {
        let details = self.held.details();
        let server = Endpoint { host: details.host.clone(), port: details.port };
        Ok(connect(self.inner, &server).await?)
    }

    /// Sends `attempt`, whose record is stored, until it is answered. Ends only with an answer, or with the time limit
    /// of the operation around it.
    pub(super) async fn exchange(
        &mut self,
        connection: Box<dyn Connection>,
        mut attempt: Attempt<Dalek>,
    ) -> Result<Exchanged, WalletError> {
        let mut first = Some(connection);
        let mut schedule = Schedule::default();
        let mut plain = Plain::default();
        loop {
            let (connection, is_first) = match first.take() {
                Some(connection) => (Ok(connection), true),
                None => {
                    sleep(schedule.next()).await;
                    (self.connect().await, false)
                }
            };
            let Ok(mut connection) = connection else { continue };
            self.progress.sent();
            let frame = if is_first { attempt.frame() } else { attempt.resend() };
            let Ok(bytes) = ask(&mut *connection, frame.bytes()).await else { continue };
            match attempt.receive(self.held.record(), &bytes) {
                Received::Answered(step) => {
                    return Ok(Exchanged::Answered(self.held.keep(step).await?, connection));
                }
                Received::Refused(reply) => return Ok(Exchanged::Refused(reply)),
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
                        // Keys that were never confirmed may never have arrived: there is nothing to resync.
                        if self.held.record().is_provisional() {
                            return Err(WalletError::Refused(Code::UnknownHint));
                        }
                        match self.resync().await? {
                            Resynced::Done => return Ok(Exchanged::Resynced),
                            Resynced::Suspended(reply) => return Ok(Exchanged::Refused(reply)),
                            Resynced::Unanswered if plain.strangers == BELIEVED => {
                                return Err(WalletError::Refused(Code::UnknownHint));
                            }
                            Resynced::Known | Resynced::Unanswered => {}
                        }
                    }
                }
                Received::Plain(Code::VersionUnsupported) => {
                    plain.version += 1;
                    if plain.version == BELIEVED {
                        return Err(WalletError::Refused(Code::VersionUnsupported));
                    }
                }
                Received::Plain(Code::Overloaded) => {
                    plain.overloaded += 1;
                    if plain.overloaded > 2 * BELIEVED {
                        return Err(WalletError::Refused(Code::Overloaded));
                    }
                }
                // Damaged, forged, or nonsense: the same bytes on a new connection.
                Received::NotAuthentic | Received::Plain(_) => {}
            }
        }
    }

    /// Reads the key record that follows STALE_KEY and stores it, if the pinned identity signed it and it is newer.
    async fn renew(&mut self, connection: &mut dyn Connection) -> Result<bool, WalletError> {
        let Ok(Ok(bytes)) = timeout(REPLY_LIMIT, connection.receive()).await else { return Ok(false) };
        let Ok(record) = KeyRecord::decode(&bytes) else { return Ok(false) };
        let Ok(step) = self.held.record().renew_server_key::<Dalek>(&record) else { return Ok(false) };
        self.held.keep(step).await?;
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
