//! The wallet.

use std::sync::Arc;
use std::time::Duration;

use cardea_sdk::{Invitation, NewPins, Token, Window};

use crate::CardeaError;
use crate::types::{Enrollment, Pins, Preview, Status, TokenInfo, WalletOptions, pin};

/// The tokens of one holder on one device.
#[derive(Debug, uniffi::Object)]
pub struct Wallet(cardea_sdk::Wallet);

/// Opens the wallet in `folder`, making it if it is not there.
///
/// # Errors
/// [`CardeaError`] with a code from 130 to 141.
#[uniffi::export(async_runtime = "tokio")]
pub async fn open_wallet(folder: String, options: WalletOptions) -> Result<Arc<Wallet>, CardeaError> {
    let wallet = cardea_sdk::Wallet::builder()
        .folder(folder)
        .allow_test_argon2(options.allow_test_argon2)
        .emulated(options.emulated)
        .recover_in_background(options.recover_in_background)
        .open()
        .await?;
    Ok(Arc::new(Wallet(wallet)))
}

/// Where an enrollment link, or the text of a QR code, leads. Asks nobody and uses nothing up.
///
/// # Errors
/// [`CardeaError`] with code 111: it is no link.
#[uniffi::export]
pub fn preview(link: &str) -> Result<Preview, CardeaError> {
    let invitation = Invitation::from_link(link)?;
    let endpoint = invitation.endpoint();
    Ok(Preview { host: endpoint.host.clone(), port: endpoint.port })
}

#[uniffi::export(async_runtime = "tokio")]
impl Wallet {
    /// Accepts an enrollment link, or the text of a QR code.
    ///
    /// # Errors
    /// [`CardeaError`].
    pub async fn enroll(&self, link: String, pins: Pins) -> Result<Enrollment, CardeaError> {
        let pins = pins.take()?;
        self.accept(&Invitation::from_link(&link)?, pins).await
    }

    /// Accepts a typed enrollment code; `server` is the host that it is for.
    ///
    /// # Errors
    /// [`CardeaError`].
    pub async fn enroll_code(&self, code: String, server: String, pins: Pins) -> Result<Enrollment, CardeaError> {
        let pins = pins.take()?;
        self.accept(&Invitation::from_code(&code, &server).await?, pins).await
    }

    /// Opens a token, for at most `seconds` if given.
    ///
    /// # Errors
    /// [`CardeaError`].
    #[uniffi::method(default(seconds = None))]
    pub async fn open(&self, token: String, pin: Vec<u8>, seconds: Option<u64>) -> Result<Status, CardeaError> {
        let pin = crate::types::pin(pin)?;
        let window = seconds.map_or(Window::Service, |seconds| Window::AtMost(Duration::from_secs(seconds)));
        Ok(self.token(&token).await?.open(pin, window).await?.into())
    }

    /// Closes a token.
    ///
    /// # Errors
    /// [`CardeaError`].
    pub async fn close(&self, token: String) -> Result<Status, CardeaError> {
        Ok(self.token(&token).await?.close().await?.into())
    }

    /// Asks the server how a token stands.
    ///
    /// # Errors
    /// [`CardeaError`].
    pub async fn status(&self, token: String) -> Result<Status, CardeaError> {
        Ok(self.token(&token).await?.status().await?.into())
    }

    /// Replaces all PINs of a token.
    ///
    /// # Errors
    /// [`CardeaError`].
    pub async fn change_pin(&self, token: String, current: Vec<u8>, new: Pins) -> Result<Status, CardeaError> {
        // Both are wiped, even if one is wrong.
        let (current, new) = (pin(current), new.take());
        let (current, new) = (current?, new?);
        Ok(self.token(&token).await?.change_pin(current, new).await?.into())
    }

    /// Gives a token up.
    ///
    /// # Errors
    /// [`CardeaError`].
    pub async fn unenroll(&self, token: String, pin: Vec<u8>) -> Result<(), CardeaError> {
        let pin = crate::types::pin(pin)?;
        Ok(self.token(&token).await?.unenroll(pin).await?)
    }

    /// All tokens of the wallet. Asks nobody.
    ///
    /// # Errors
    /// [`CardeaError`] with a code from 130 to 141.
    pub async fn list(&self) -> Result<Vec<TokenInfo>, CardeaError> {
        let mut infos = Vec::new();
        for token in self.0.tokens().await? {
            infos.push(token.summary().await?.into());
        }
        Ok(infos)
    }
}

impl Wallet {
    async fn token(&self, name: &str) -> Result<Token, CardeaError> {
        let key = name.parse().map_err(cardea_sdk::WalletError::Store)?;
        Ok(self.0.token(key).await?)
    }

    async fn accept(&self, invitation: &Invitation, pins: NewPins) -> Result<Enrollment, CardeaError> {
        Ok(self.0.enroll(invitation, async |_| Ok(pins)).await?.into())
    }
}
