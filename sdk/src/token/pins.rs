//! Changing PINs.

use cardea_protocol::limits::SLOTS;
use cardea_protocol::pin::{Pin, PinKey};

use super::Token;
use crate::error::WalletError;
use crate::operation::{Operation, Progress, limited};
use crate::pins::{NewPins, derive, derive_all};
use crate::status::Status;

/// Who signs a change of PINs.
enum SignerKey {
    /// Another PIN than the new ones.
    Apart(PinKey),
    /// The first of the new set, which stays as it is.
    First,
}

impl Token {
    /// Replaces all PINs. `current` is the PIN that opens now; duress PINs that are not named in `new` are gone.
    ///
    /// # Errors
    /// [`WalletError`]. A wrong `current` counts at the server like any wrong PIN.
    pub async fn change_pin(&self, current: Pin, new: NewPins) -> Result<Status, WalletError> {
        let record = self.load().await?.record;
        new.check(record.policy())?;
        let signer = derive(record.pin_derivation(), current).await?;
        let keys = derive_all(record.pin_derivation(), new, &self.inner.env).await?;
        self.set_pins(&SignerKey::Apart(signer), &keys).await
    }

    /// Sets the duress PINs and keeps the PIN that opens. An empty list removes them.
    ///
    /// # Errors
    /// [`WalletError`]. A wrong `current` counts at the server like any wrong PIN.
    pub async fn set_duress(&self, current: Pin, duress: Vec<Pin>) -> Result<Status, WalletError> {
        let record = self.load().await?.record;
        let pins = NewPins { normal: current, duress };
        pins.check(record.policy())?;
        let keys = derive_all(record.pin_derivation(), pins, &self.inner.env).await?;
        self.set_pins(&SignerKey::First, &keys).await
    }

    async fn set_pins(&self, signer: &SignerKey, keys: &[PinKey; SLOTS]) -> Result<Status, WalletError> {
        let signer = match signer {
            SignerKey::Apart(key) => key,
            SignerKey::First => &keys[0],
        };
        let progress = Progress::default();
        let operation = async {
            let mut operation = Operation::begin(&self.inner, self.key, &progress).await?.for_session();
            Box::pin(operation.signed(&|session, record, time| session.set_pins(record, signer, keys, false, time)))
                .await
        };
        let reply = self.observed(limited(&progress, operation).await)?;
        self.finish(&reply)
    }
}
