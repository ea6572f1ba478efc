//! Enrolling: from an invitation to a token.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use cardea_protocol::crypto::Dalek;
use cardea_protocol::device::{EnrollError, Enrollment as Start, Intent, Offered};
use cardea_protocol::token::{DeviceInfo, Policy, ShortString};
use cardea_protocol::{Code, ProtocolError};
use tokio::time::timeout;

use super::{Inner, Wallet};
use crate::env::Stopwatch;
use crate::error::WalletError;
use crate::event::EventKind;
use crate::invitation::Invitation;
use crate::operation::{Held, Progress, Work, ask, connect, limited, work};
use crate::pins::{Keys, NewPins, allowed, derive_all};
use crate::status::accepted;
use crate::store::{Details, TokenKey};
use crate::task::blocking;
use crate::token::Token;
use crate::transport::Connection;

/// How long the server is kept waiting for the holder to choose PINs. Whoever takes longer starts a second connection:
/// servers close connections that do not finish their handshake.
const QUICK: Duration = Duration::from_secs(1);

/// A token that was just enrolled.
#[derive(Debug)]
#[non_exhaustive]
pub struct Enrollment {
    /// The token.
    pub token: Token,
    /// Six digits to compare with those on the enrolling page, if the service wants that, and whether it insists.
    pub short_string: Option<(String, bool)>,
}

impl From<EnrollError> for WalletError {
    fn from(error: EnrollError) -> Self {
        match error {
            EnrollError::Plain(Code::CodeUsed) => Self::CodeUsed,
            EnrollError::Plain(code) => Self::Refused(code),
            EnrollError::Refused(reply) => match reply.code {
                Code::CodeUsed => Self::CodeUsed,
                code => Self::Refused(code),
            },
            // It says so within the handshake, when it can still speak this version's.
            EnrollError::Protocol(ProtocolError::PeerIncompatible(_)) => Self::Refused(Code::VersionUnsupported),
            EnrollError::Protocol(error) => error.into(),
        }
    }
}

/// E2 has arrived: the server waits for the PIN keys on this connection.
struct Waiting {
    connection: Box<dyn Connection>,
    offered: Offered<Dalek>,
}

impl Wallet {
    /// What the service of an invitation asks of PINs. Asks its server and uses nothing up: the invitation is as good
    /// as before.
    ///
    /// # Errors
    /// [`WalletError`], as [`Wallet::enroll`]. [`WalletError::CodeUsed`]: it is not good any more, or never was.
    pub async fn policy(&self, invitation: &Invitation) -> Result<Policy, WalletError> {
        let progress = Progress::default();
        progress.leased();
        let asked = work(async { Ok(*self.inner.ask_for_policy(invitation).await?.offered.policy()) });
        limited(&progress, asked).await
    }

    /// Accepts an invitation. `choose` is asked for PINs once the service has said what it allows; it may take as long
    /// as the holder needs, and gives up with any error, for example [`WalletError::Cancelled`].
    ///
    /// An older entry of the same token in this wallet goes when the new one is confirmed.
    ///
    /// Cancel safe: dropped before the keys left, nothing is kept; afterwards the token is in the wallet, unconfirmed,
    /// and the next operation finds out whether the server took it.
    ///
    /// # Errors
    /// [`WalletError`]. After [`WalletError::NotConfirmed`] and [`WalletError::CodeUsed`] an unconfirmed token may be
    /// left in the wallet: what told so could be forged.
    pub async fn enroll<F, C>(&self, invitation: &Invitation, choose: C) -> Result<Enrollment, WalletError>
    where
        C: FnOnce(Policy) -> F,
        F: Future<Output = Result<NewPins, WalletError>>,
    {
        let waiting = self.inner.ask_for_policy(invitation).await?;
        let policy = *waiting.offered.policy();
        let watch = Stopwatch::start();
        let mut choice = pin!(choose(policy));
        let (waiting, pins) = match timeout(QUICK, &mut choice).await {
            // A host that blocks the thread while it asks has used up the server's patience all the same.
            Ok(pins) if watch.elapsed() <= QUICK => (waiting, pins?),
            Ok(pins) => {
                drop(waiting);
                let pins = pins?;
                (self.inner.ask_for_policy(invitation).await?, pins)
            }
            Err(_) => {
                drop(waiting);
                let pins = choice.await?;
                (self.inner.ask_for_policy(invitation).await?, pins)
            }
        };
        pins.check(waiting.offered.policy())?;
        let keys = derive_all(waiting.offered.pin_derivation(), pins, &self.inner.env).await??;
        self.inner.enroll(invitation, waiting, &keys).await
    }
}

impl Inner {
    /// E1 and E2. Uses nothing up.
    fn ask_for_policy<'a>(&'a self, invitation: &'a Invitation) -> Work<'a, Waiting> {
        work(async move {
            let mut connection = connect(self, invitation.endpoint()).await?;
            let random = &mut self.env.random();
            let (server_key, epoch) = invitation.server_key();
            let start = Start::<Dalek>::start(&invitation.credential(), server_key, epoch, random)?;
            // A server that knows no such code says so. One that hangs up has said nothing: the code is as good as before.
            let answer = ask(&mut *connection, start.frame().bytes()).await?;
            let offered = start.receive(&answer, random)?;
            if invitation.identity().is_some_and(|identity| identity != offered.identity()) {
                return Err(WalletError::IdentityMismatch);
            }
            allowed(offered.policy().argon2, self.options.allow_test_argon2)?;
            Ok(Waiting { connection, offered })
        })
    }

    /// E3 and E4.
    fn enroll<'a>(
        self: &'a Arc<Self>,
        invitation: &'a Invitation,
        waiting: Waiting,
        keys: &'a Keys,
    ) -> Work<'a, Enrollment> {
        work(async move {
            let Waiting { mut connection, offered } = waiting;
            let short_string = offered.policy().short_string;
            let endpoint = invitation.endpoint();
            let details = Details {
                host: endpoint.host.clone(),
                port: endpoint.port,
                service: String::new(),
                label: String::new(),
                added_at: self.env.clock.now(),
            };
            // From here on the record is in the store, marked as not confirmed: the keys may have arrived.
            let (record, awaiting) = offered.accept(&keys.slots, &self.device_info(keys.biometric))?.stored();
            let mut held = Held::create(self, record, details).await?;
            let token = Token { inner: Arc::clone(self), key: held.key() };
            let answer = match ask(&mut *connection, awaiting.frame().bytes()).await {
                Ok(frame) => Some(awaiting.receive(held.record(), &frame)),
                Err(_) => None,
            };
            let digits = match answer {
                Some(Ok(step)) => Some(held.keep(step).await?.short_string),
                Some(Err(EnrollError::Plain(Code::CodeUsed))) => return Err(WalletError::CodeUsed),
                // Lost or damaged: an ordinary operation tells whether the server has the keys. The digits are gone with it.
                Some(Err(_)) | None => {
                    drop(held);
                    token.confirm().await?;
                    None
                }
            };
            // The token is enrolled, whatever becomes of this: an old entry that stays is told so by the server.
            let _ = self.forget_older(&token).await;
            self.events.emit(token.key, EventKind::Enrolled);
            self.lives.tokens_changed();
            let wanted = short_string != ShortString::Off;
            let short_string =
                digits.filter(|_| wanted).map(|digits| (format!("{digits:06}"), short_string == ShortString::Required));
            Ok(Enrollment { token, short_string })
        })
    }

    fn device_info(&self, biometric: bool) -> DeviceInfo {
        let part = |text: &str| text.parse().unwrap_or(0);
        DeviceInfo {
            platform: match std::env::consts::OS {
                "android" => 1,
                "ios" => 2,
                "linux" => 3,
                "macos" => 4,
                "windows" => 5,
                _ => 0,
            },
            sdk_version: [
                part(env!("CARGO_PKG_VERSION_MAJOR")),
                part(env!("CARGO_PKG_VERSION_MINOR")),
                part(env!("CARGO_PKG_VERSION_PATCH")),
            ],
            emulated: self.options.emulated,
            biometric,
        }
    }

    /// Removes what this wallet held of the same token before, at the same server. A token of another server that
    /// happens to have the same id, by chance or malice, stays.
    fn forget_older<'a>(self: &'a Arc<Self>, token: &'a Token) -> Work<'a, ()> {
        work(async move {
            let store = Arc::clone(&self.store);
            let key = token.key;
            let older = blocking(move || {
                let Some(new) = store.load(&key)? else { return Ok(Vec::new()) };
                let same_token = |other: &TokenKey| other.token == key.token && other.device != key.device;
                let mut older = Vec::new();
                for other in store.list()?.into_iter().filter(same_token) {
                    if store.load(&other)?.is_some_and(|old| old.record.identity() == new.record.identity()) {
                        older.push(other);
                    }
                }
                Ok::<_, WalletError>(older)
            })
            .await??;
            for key in older {
                Token { inner: Arc::clone(self), key }.forget().await?;
            }
            Ok(())
        })
    }
}

impl Token {
    /// Has the server confirm an enrollment whose receipt was lost.
    async fn confirm(&self) -> Result<(), WalletError> {
        match self.perform(&Intent::Ping, false).await {
            Ok(reply) => accepted(&reply).map(drop),
            // The keys were sent before, whatever became of the question.
            Err(WalletError::Offline(_) | WalletError::Refused(Code::UnknownHint)) => {
                self.observed(Err(WalletError::NotConfirmed))
            }
            Err(error) => Err(error),
        }
    }
}
