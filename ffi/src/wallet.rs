//! The wallet.

use std::sync::Arc;

use cardea_sdk::WalletError;

use crate::approval::NewPins;
use crate::cancel::{Cancel, run};
use crate::host::{Asked, Host};
use crate::token::Shared;
use crate::{CardeaError, Events, Invitation, Token, WalletOptions};

/// The tokens of one holder on one device. May be used from any thread.
#[derive(Debug, uniffi::Object)]
pub struct Wallet {
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

/// Opens a wallet, with what the host program brings.
///
/// # Errors
/// [`CardeaError::Storage`], [`CardeaError::Host`].
#[uniffi::export(async_runtime = "tokio", default(cancel = None, host))]
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
        if let Some(folder) = options.folder {
            builder = builder.folder(folder);
        }
        let wallet = builder.open().await?;
        Ok(Arc::new(Wallet { wallet, shared: Shared { asked, clock } }))
    })
    .await
}

#[uniffi::export(async_runtime = "tokio")]
impl Wallet {
    /// All tokens, in a stable order. Asks nobody.
    ///
    /// # Errors
    /// [`CardeaError::Storage`].
    #[uniffi::method(default(cancel = None))]
    pub async fn tokens(&self, cancel: Option<Arc<Cancel>>) -> Result<Vec<Arc<Token>>, CardeaError> {
        let (wallet, shared) = self.parts();
        run(
            cancel,
            async move { Ok(wallet.tokens().await?.into_iter().map(|token| Token::new(token, &shared)).collect()) },
        )
        .await
    }

    /// The token of this name. Asks nobody.
    ///
    /// # Errors
    /// [`CardeaError::Misuse`] with code 104: there is none. [`CardeaError::Storage`].
    #[uniffi::method(default(cancel = None))]
    pub async fn token(&self, id: String, cancel: Option<Arc<Cancel>>) -> Result<Arc<Token>, CardeaError> {
        let (wallet, shared) = self.parts();
        run(cancel, async move {
            let key = id.parse().map_err(WalletError::Store)?;
            Ok(Token::new(wallet.token(key).await?, &shared))
        })
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
        let (wallet, shared) = self.parts();
        run(cancel, async move {
            let pins = pins.take()?;
            shared.asked.before().await?;
            let enrolled = wallet.enroll(invitation.inner(), async |_| Ok(pins)).await?;
            let (short_string, required) = enrolled.short_string.unzip();
            Ok(Enrollment {
                token: Token::new(enrolled.token, &shared),
                short_string,
                short_string_required: required.unwrap_or(false),
            })
        })
        .await
    }

    /// What happens from now on.
    #[must_use]
    pub fn events(&self) -> Arc<Events> {
        Events::new(self.wallet.events())
    }
}

impl Wallet {
    /// What a call takes with it: it outlives this handle.
    fn parts(&self) -> (cardea_sdk::Wallet, Shared) {
        (self.wallet.clone(), self.shared.clone())
    }
}
