//! The wallet.

mod operation;

use std::sync::Arc;

use self::operation::Operation;
use crate::approval::NewPins;
use crate::call::{Call, run};
use crate::error::Failure;
use crate::host::foreign::Brought;
use crate::host::log::HostLog;
use crate::host::presence::HostPresence;
use crate::host::secrets::HostSecrets;
use crate::host::{Asked, Host, opening};
use crate::token::Shared;
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
/// [`CardeaError::Storage`], [`CardeaError::Host`]. [`CardeaError::Misuse`] with code 117: a store of secrets was given, and
/// no folder whose key it could keep.
#[uniffi::export(default(cancel = None, host))]
pub async fn open_wallet(
    options: WalletOptions,
    host: Host,
    cancel: Option<Arc<Cancel>>,
) -> Result<Arc<Wallet>, CardeaError> {
    let host = Brought::from(host);
    run(cancel, async move {
        if options.folder.is_none() && host.secrets.is_some() {
            return Err(CardeaError::no_folder().into());
        }
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
        self.begin(cancel, Ok(Operation::Tokens)).await
    }

    /// The token of this name. Asks nobody.
    ///
    /// # Errors
    /// [`CardeaError::Misuse`] with code 104: there is none. [`CardeaError::Storage`].
    #[uniffi::method(default(cancel = None))]
    pub async fn token(&self, id: String, cancel: Option<Arc<Cancel>>) -> Result<Arc<Token>, CardeaError> {
        self.begin(cancel, Ok(Operation::Token(id))).await
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
        self.begin(cancel, Ok(Operation::Policy(invitation))).await
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
        self.begin(cancel, pins.take().map(|pins| Operation::Enroll(invitation, pins))).await
    }

    /// Closes all tokens, several at a time. One that fails keeps no other from being closed.
    ///
    /// # Errors
    /// [`CardeaError::Storage`]: which tokens there are could not be read, and none was closed.
    #[uniffi::method(default(cancel = None))]
    pub async fn close_all(&self, cancel: Option<Arc<Cancel>>) -> Result<Vec<Closed>, CardeaError> {
        self.begin(cancel, Ok(Operation::CloseAll)).await
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
    /// Begins an operation whose answer is a `T`: see [`operation`].
    fn begin<T: 'static>(&self, cancel: Option<Arc<Cancel>>, operation: Result<Operation, Failure>) -> Call<T> {
        Call::of(operation::begin(Arc::clone(&self.0), cancel, operation))
    }
}
