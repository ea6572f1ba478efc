//! Enrolling: from an invitation to a token.

use std::future::Future;
use std::sync::Arc;

use cardea_protocol::device::{EnrollError, Enrollment as Start, Intent, Offered};
use cardea_protocol::token::{DeviceInfo, Policy, ShortString};
use cardea_protocol::{Code, ProtocolError};

use super::{Inner, Wallet};
use crate::Crypto;
use crate::error::WalletError;
use crate::event::EventKind;
use crate::invitation::Invitation;
use crate::operation::{Held, Progress, Work, ask, connect, limited, work};
use crate::pins::{Keys, NewPins, allowed, derive_all};
use crate::status::accepted;
use crate::store::{Details, Entry, TokenKey};
use crate::task::{Blocking, blocking};
use crate::token::Token;
use crate::transport::Connection;

/// A token that was just enrolled.
#[derive(Debug)]
#[non_exhaustive]
pub struct Enrollment {
    /// The token.
    pub token: Token,
    /// Six digits to compare with those on the enrolling page, if the service wants that, and whether it insists. They
    /// are lost with the server's last answer; the token is enrolled all the same.
    pub short_string: Option<(String, bool)>,
    /// Whether the service insists on the comparison, also where the digits were lost: the token stays at status 0 until
    /// it was made. Without digits that takes another enrollment, or the service's word.
    pub short_string_required: bool,
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
    offered: Offered<Crypto>,
}

/// The keys have left.
struct Sent {
    token: Token,
    /// None: it is not known whether they arrived.
    digits: Option<u32>,
    /// What the wallet held of the same token before, and whether it was confirmed.
    older: Vec<(TokenKey, bool)>,
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
    /// No connection is open while the holder chooses and while the PINs are hashed. What follows ends within a minute,
    /// and within another one where the server's last answer was lost.
    ///
    /// An older entry of the same token in this wallet goes when the new one is confirmed.
    ///
    /// Cancel safe: dropped before the keys left, nothing is kept; afterwards the token is in the wallet, unconfirmed,
    /// and the next operation finds out whether the server took it.
    ///
    /// # Errors
    /// [`WalletError`]. After [`WalletError::NotConfirmed`] and [`WalletError::CodeUsed`] an unconfirmed token may be
    /// left in the wallet: what told so could be forged. Code 14: the service asks something else of PINs than before the
    /// holder chose; nothing was sent.
    pub async fn enroll<F, C>(&self, invitation: &Invitation, choose: C) -> Result<Enrollment, WalletError>
    where
        C: FnOnce(Policy) -> F,
        F: Future<Output = Result<NewPins, WalletError>>,
    {
        let offered = self.inner.ask_for_policy(invitation).await?.offered;
        let pins = choose(*offered.policy()).await?;
        self.inner.enroll(invitation, offered, pins).await
    }
}

impl Inner {
    /// E1 and E2. Uses nothing up.
    fn ask_for_policy<'a>(&'a self, invitation: &'a Invitation) -> Work<'a, Waiting> {
        work(async move {
            let mut connection = connect(self, invitation.endpoint()).await?;
            let random = &mut self.env.random();
            let (server_key, epoch) = invitation.server_key();
            let start = Start::<Crypto>::start(&invitation.credential(), server_key, epoch, random)?;
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

    /// What follows the holder's choice under `offered`.
    fn enroll<'a>(
        self: &'a Arc<Self>,
        invitation: &'a Invitation,
        offered: Offered<Crypto>,
        pins: NewPins,
    ) -> Work<'a, Enrollment> {
        work(async move {
            pins.check(offered.policy())?;
            let short_string = offered.policy().short_string;
            // Nobody waits for the hashes: how long they take is not seen, and no server loses its patience.
            let keys = derive_all(offered.pin_derivation(), pins, &self.env).await?;
            let progress = Progress::default();
            let sent = limited(&progress, self.send_keys(invitation, &offered, &keys, &progress)).await;
            let Sent { token, digits, older } = sent?;
            if digits.is_none() {
                token.confirm().await?;
            }
            // The token is enrolled, whatever becomes of this: an old entry that stays is told so by the server.
            let _ = limited(&Progress::default(), self.forget(&older)).await;
            self.events.emit(token.key, EventKind::Enrolled);
            self.lives.tokens_changed();
            let (wanted, required) = (short_string != ShortString::Off, short_string == ShortString::Required);
            let short_string = digits.filter(|_| wanted).map(|digits| (format!("{digits:06}"), required));
            Ok(Enrollment { token, short_string, short_string_required: required })
        })
    }

    /// E1 to E4, with keys that were made for what the server said before.
    fn send_keys<'a>(
        self: &'a Arc<Self>,
        invitation: &'a Invitation,
        chosen: &'a Offered<Crypto>,
        keys: &'a Keys,
        progress: &'a Progress,
    ) -> Work<'a, Sent> {
        work(async move {
            let Waiting { mut connection, mut offered } = self.ask_for_policy(invitation).await?;
            if offered.policy() != chosen.policy() || !offered.resume(&chosen.pin_derivation()) {
                return Err(WalletError::Refused(Code::Internal));
            }
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
            let entry = Entry::new(record, details)?;
            let older = self.same_token(entry.duplicate()).await?;
            let mut held = Held::create(self, entry).await?;
            progress.sent();
            let answer = ask(&mut *connection, awaiting.frame().bytes()).await;
            let digits = match answer.map(|frame| awaiting.receive(held.record(), &frame)) {
                Ok(Ok(step)) => Some(held.keep(step).await?.short_string),
                Ok(Err(EnrollError::Plain(Code::CodeUsed))) => return Err(WalletError::CodeUsed),
                Ok(Err(refused @ EnrollError::Refused(_))) => {
                    // By the server itself: nothing was enrolled. What cannot be removed now is asked about, and unknown.
                    let _ = held.remove().await;
                    return Err(refused.into());
                }
                // Lost or damaged: an ordinary operation tells whether the server has the keys. The digits are gone with it.
                Ok(Err(_)) | Err(_) => None,
            };
            Ok(Sent { token: Token { inner: Arc::clone(self), key: held.key() }, digits, older })
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

    /// What this wallet holds of the token of `new` as other devices, at the same server. A token of another server that
    /// happens to have the same id, by chance or malice, is not the same.
    fn same_token(&self, new: Entry) -> Blocking<Vec<(TokenKey, bool)>> {
        let store = Arc::clone(&self.store);
        blocking(move || {
            let key = new.key();
            let others = store.list().unwrap_or_default().into_iter();
            let others = others.filter(|other| other.token == key.token && other.device != key.device);
            // What cannot be read is no reason not to enroll: enrolling again is what helps.
            let found = others.filter_map(|other| {
                let old = store.load(&other).ok()??.record;
                (old.identity() == new.record.identity()).then_some((other, !old.is_provisional()))
            });
            found.collect()
        })
    }

    /// Removes what was there before. What was confirmed since is of another enrollment, which began before this one and
    /// ended beside it: which of the two devices is good is up to the server.
    fn forget<'a>(self: &'a Arc<Self>, older: &'a [(TokenKey, bool)]) -> Work<'a, ()> {
        work(async move {
            for &(key, was_confirmed) in older {
                let Ok(mut held) = Held::take(self, key).await else { continue };
                if (was_confirmed || held.record().is_provisional()) && held.remove().await.is_ok() {
                    self.events.emit(key, EventKind::Unenrolled);
                }
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
