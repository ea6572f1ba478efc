//! Changing PINs.

use cardea_protocol::pin::{Pin, PinKey};

use super::Token;
use crate::approval::Approval;
use crate::error::WalletError;
use crate::operation::{Progress, Work, work};
use crate::pins::{Keys, NewPins, allowed, derive_all};
use crate::presence::Purpose;
use crate::status::Status;

impl Token {
    /// Replaces all PINs and the biometric key: what is not named in `new` is gone. `current` approves; it may be the
    /// same PIN as the new one.
    ///
    /// # Errors
    /// [`WalletError`]. A wrong `current` counts at the server like any wrong PIN.
    pub async fn change_pin(&self, current: impl Into<Approval>, new: NewPins) -> Result<Status, WalletError> {
        let record = self.load().await?.record;
        allowed(record.policy().argon2, self.inner.options.allow_test_argon2)?;
        // Before the holder is asked for anything more.
        new.check(record.policy())?;
        let signer = self.signing_key(current.into(), Purpose::ChangePins).await?;
        let progress = Progress::prepare(&self.inner.env);
        let keys = derive_all(record.pin_derivation(), new, &self.inner.env).await?;
        progress.in_time()?;
        self.set_pins(Some(&signer), &keys).await
    }

    /// Sets the duress PINs and keeps the PIN that opens. An empty list removes them. A biometric key is removed too:
    /// a device does not know whether it has one. [`Token::change_pin`] to the same PIN keeps it.
    ///
    /// # Errors
    /// [`WalletError`]. A wrong `current` counts at the server like any wrong PIN.
    pub async fn set_duress(&self, current: Pin, duress: Vec<Pin>) -> Result<Status, WalletError> {
        let record = self.load().await?.record;
        allowed(record.policy().argon2, self.inner.options.allow_test_argon2)?;
        let pins = NewPins { normal: current, duress, biometric: None };
        pins.check(record.policy())?;
        let progress = Progress::prepare(&self.inner.env);
        let keys = derive_all(record.pin_derivation(), pins, &self.inner.env).await?;
        progress.in_time()?;
        self.set_pins(None, &keys).await
    }

    /// Without a `signer` the first of the new set signs, which stays as it is then.
    fn set_pins<'a>(&'a self, signer: Option<&'a PinKey>, keys: &'a Keys) -> Work<'a, Status> {
        work(async move {
            let Keys { slots, biometric } = keys;
            let signer = signer.unwrap_or(&slots[0]);
            self.signed(&|session, record, time| session.set_pins(record, signer, slots, *biometric, time)).await
        })
    }
}
