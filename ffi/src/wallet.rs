//! The wallet.

use std::sync::Arc;

use cardea_sdk::WalletError;

use crate::approval::NewPins;
use crate::call::{run, run_after};
use crate::host::log::HostLog;
use crate::host::presence::HostPresence;
use crate::host::secrets::HostSecrets;
use crate::host::{Asked, Host, opening};
use crate::token::{Shared, there};
use crate::{Cancel, CardeaError, Events, Invitation, Live, Policy, Status, Token, WalletOptions};

/// The tokens of one holder on one device. May be used from any thread.
#[derive(Debug, uniffi::Object)]
pub struct Wallet(Arc<Parts>);

/// What a call takes with it: it outlives the handle.
#[derive(Debug)]
struct Parts {
    wallet: cardea_sdk::Wallet,
    shared: Shared,
}

/// A token that was just enrolled.
#[derive(Debug, Clone, uniffi::Record)]
pub struct Enrollment {
    /// The token.
    pub token: Arc<Token>,
    /// Six digits to compare with those on the enrolling page, if the service wants that.
    pub short_string: Option<String>,
    /// Whether the service insists on the comparison.
    pub short_string_required: bool,
}

/// What became of a token when all were closed.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Closed {
    /// Its name in the wallet.
    pub token: String,
    /// How it stands; none if that failed.
    pub status: Option<Status>,
    /// Stable number of what went wrong, if something did.
    pub code: Option<u32>,
    /// Text for a person about what went wrong.
    pub reason: Option<String>,
}

/// Opens a wallet, with what the host program brings.
///
/// # Errors
/// [`CardeaError::Storage`], [`CardeaError::Host`].
#[uniffi::export(default(cancel = None, host))]
pub async fn open_wallet(
    options: WalletOptions,
    host: Host,
    cancel: Option<Arc<Cancel>>,
) -> Result<Arc<Wallet>, CardeaError> {
    run(cancel, async move {
        let (asked, env) = Asked::new(&host);
        asked.before().await?;
        let clock = Arc::clone(&env.clock);
        let mut builder = cardea_sdk::Wallet::builder()
            .connector(options.transport.unwrap_or(crate::Transport::Automatic).connector())
            .env(env)
            .allow_test_argon2(options.allow_test_argon2)
            .emulated(options.emulated)
            .recover_in_background(options.recover_in_background);
        if let Some(log) = host.log {
            builder = builder.log(Arc::new(HostLog::new(log)));
        }
        if let Some(presence) = host.presence {
            builder = builder.presence(Arc::new(HostPresence(presence)));
        }
        builder = match (options.folder, host.secrets) {
            (Some(folder), Some(secrets)) => builder.folder_with_secrets(folder, Arc::new(HostSecrets(secrets))),
            (Some(folder), None) => builder.folder(folder),
            (None, _) => builder,
        };
        let wallet = opening(builder.open()).await?;
        Ok(Arc::new(Wallet(Arc::new(Parts { wallet, shared: Shared { asked: Arc::new(asked), clock } }))))
    })
    .await
}

#[uniffi::export]
impl Wallet {
    /// All tokens, in a stable order. Asks nobody.
    ///
    /// # Errors
    /// [`CardeaError::Storage`].
    #[uniffi::method(default(cancel = None))]
    pub async fn tokens(&self, cancel: Option<Arc<Cancel>>) -> Result<Vec<Arc<Token>>, CardeaError> {
        let me = self.parts();
        run(cancel, async move {
            Ok(me.wallet.tokens().await?.into_iter().map(|token| Token::new(token, &me.shared)).collect())
        })
        .await
    }

    /// The token of this name. Asks nobody.
    ///
    /// # Errors
    /// [`CardeaError::Misuse`] with code 104: there is none. [`CardeaError::Storage`].
    #[uniffi::method(default(cancel = None))]
    pub async fn token(&self, id: String, cancel: Option<Arc<Cancel>>) -> Result<Arc<Token>, CardeaError> {
        let me = self.parts();
        run(cancel, async move {
            let key = id.parse().map_err(WalletError::from)?;
            Ok(Token::new(me.wallet.token(key).await?, &me.shared))
        })
        .await
    }

    /// What the service of an invitation asks of PINs. Asks its server and uses nothing up.
    ///
    /// # Errors
    /// [`CardeaError`].
    #[uniffi::method(default(cancel = None))]
    pub async fn policy(
        &self,
        invitation: Arc<Invitation>,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<Policy, CardeaError> {
        let me = self.parts();
        run_after(me.shared.asked(), cancel, async move { Ok((&me.wallet.policy(invitation.inner()).await?).into()) })
            .await
    }

    /// Accepts an invitation.
    ///
    /// # Errors
    /// [`CardeaError`].
    #[uniffi::method(default(cancel = None))]
    pub async fn enroll(
        &self,
        invitation: Arc<Invitation>,
        pins: NewPins,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<Enrollment, CardeaError> {
        let me = self.parts();
        let (pins, asked) = me.shared.asked_with(pins.take());
        run_after(asked, cancel, async move {
            let pins = there(pins)?;
            let enrolled = me.wallet.enroll(invitation.inner(), async |_| Ok(pins)).await?;
            let (short_string, required) = enrolled.short_string.unzip();
            Ok(Enrollment {
                token: Token::new(enrolled.token, &me.shared),
                short_string,
                short_string_required: required.unwrap_or(false),
            })
        })
        .await
    }

    /// Closes all tokens, several at a time. One that fails keeps no other from being closed.
    ///
    /// # Errors
    /// [`CardeaError::Storage`]: which tokens there are could not be read, and none was closed.
    #[uniffi::method(default(cancel = None))]
    pub async fn close_all(&self, cancel: Option<Arc<Cancel>>) -> Result<Vec<Closed>, CardeaError> {
        let me = self.parts();
        run_after(me.shared.asked(), cancel, async move {
            let closed = me.wallet.close_all().await?.into_iter().map(|(token, result)| {
                let token = token.to_string();
                match result {
                    Ok(status) => Closed { token, status: Some(me.shared.status(&status)), code: None, reason: None },
                    Err(error) => {
                        Closed { token, status: None, code: Some(error.code()), reason: Some(error.to_string()) }
                    }
                }
            });
            Ok(closed.collect())
        })
        .await
    }

    /// Keeps a live session for every token until what this returns is stopped or gone: what happens to a token on another
    /// device or at the server becomes an event. For as long as the holder looks at the app.
    #[must_use]
    pub fn go_live(&self) -> Arc<Live> {
        Live::new(self.0.wallet.go_live())
    }

    /// What happens from now on.
    #[must_use]
    pub fn events(&self) -> Arc<Events> {
        Events::new(self.0.wallet.events())
    }
}

impl Wallet {
    fn parts(&self) -> Arc<Parts> {
        Arc::clone(&self.0)
    }
}
