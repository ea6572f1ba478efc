//! From an approval to the key that signs.

use std::sync::Arc;

use cardea_protocol::crypto::Dalek;
use cardea_protocol::device::Intent;
use cardea_protocol::pin::{PinError, PinKey};
use cardea_protocol::token::DeviceStatus;

use super::Token;
use crate::approval::Approval;
use crate::error::WalletError;
use crate::operation::{Progress, Work, work};
use crate::pins::{allowed, derive};
use crate::presence::{self, PresenceRequest, Purpose};
use crate::status::accepted;
use crate::store::Entry;

impl Token {
    /// The signing key of an approval. Made before anything is sent and before the lease is taken: the server waits for
    /// nobody, and nobody waits for the holder.
    pub(crate) fn signing_key(&self, approval: Approval, purpose: Purpose) -> Work<'_, PinKey> {
        work(async move {
            let entry = self.load().await?;
            let derivation = entry.record.pin_derivation();
            allowed(derivation.class(), self.inner.options.allow_test_argon2)?;
            let approval = match approval {
                Approval::Ask => self.ask(&entry, purpose).await?,
                given => given,
            };
            let progress = Progress::prepare(&self.inner.env);
            match approval {
                Approval::Pin(pin) => {
                    let key = derive(derivation, pin).await?;
                    progress.in_time()?;
                    Ok(key)
                }
                // The server would count it as a wrong PIN.
                Approval::Biometric(_) if !entry.record.policy().biometric => Err(PinError::BiometricNotAllowed.into()),
                Approval::Biometric(key) => Ok(derivation.biometric::<Dalek>(key.secret())),
                Approval::Ask => Err(WalletError::NoPresence),
            }
        })
    }

    /// Asks the wallet's presence, unless the server says that no answer is of use.
    async fn ask(&self, entry: &Entry, purpose: Purpose) -> Result<Approval, WalletError> {
        let presence = Arc::clone(self.inner.presence.as_ref().ok_or(WalletError::NoPresence)?);
        let status = accepted(&self.perform(&Intent::Status, false).await?)?;
        if status.state == DeviceStatus::Blocked {
            return Err(WalletError::Blocked { remaining: status.remaining });
        }
        let details = &entry.details;
        let names = [&details.label, &details.service, &details.host];
        let request = PresenceRequest {
            number: presence::number(),
            token: self.key,
            service: names.into_iter().find(|name| !name.is_empty()).cloned().unwrap_or_default(),
            purpose,
            tries_left: Some(status.tries_left),
            policy: *entry.record.policy(),
        };
        presence::ask(presence, request).await
    }
}
