//! Confirmations: texts that a relying party asks the holder to approve or deny.

use std::fmt;
use std::time::Duration;

use cardea_protocol::Code;
use cardea_protocol::device::Intent;
use cardea_protocol::limits::CONFIRMATION_TEXT;
use cardea_protocol::wire::{PushedConfirmation, Text, is_showable};

use super::Token;
use crate::approval::Approval;
use crate::error::WalletError;
use crate::event::EventKind;
use crate::operation::{Operation, Work, work};
use crate::presence::Purpose;
use crate::status::{Status, accepted};

/// A text that waits for an answer. What is in it is what is signed: show it as it is, all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmation {
    id: [u8; 8],
    text: Text<CONFIRMATION_TEXT>,
    expires_at: u32,
}

impl Confirmation {
    /// Its id, as relying parties know it.
    #[must_use]
    pub fn id(&self) -> String {
        self.id.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The text. It is one line and hides nothing; it begins with the name of who asks, if that was given.
    #[must_use]
    pub fn text(&self) -> &str {
        self.text.as_str()
    }

    /// The first second, by the server's clock and in Unix seconds, in which it cannot be answered any more.
    #[must_use]
    pub const fn expires_at(&self) -> u32 {
        self.expires_at
    }

    /// How long it can still be answered, if this device's clock, which shows `now` in Unix seconds, is right.
    #[must_use]
    pub fn remaining(&self, now: u64) -> Duration {
        Duration::from_secs(u64::from(self.expires_at).saturating_sub(now))
    }
}

impl fmt::Display for Confirmation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// Why a holder denies. The relying party may be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum DenyReason {
    /// Nobody's business.
    #[default]
    Unsaid,
    /// The holder has changed his mind.
    Cancelled,
    /// The holder did not start what the text is about.
    NotMe,
}

impl DenyReason {
    const fn number(self) -> u8 {
        match self {
            Self::Unsaid => 0,
            Self::Cancelled => 1,
            Self::NotMe => 2,
        }
    }
}

impl Token {
    /// The texts that wait for an answer, oldest index first. One that could not be shown as it is signed is left out.
    ///
    /// # Errors
    /// [`WalletError`].
    pub async fn confirmations(&self) -> Result<Vec<Confirmation>, WalletError> {
        let found = self.observed(self.operate(Box::new(|operation| fetch(operation.in_session()))).await)?;
        Ok(found.into_iter().map(|(_, confirmation)| confirmation).collect())
    }

    /// Approves a text. A wrong PIN counts at the server.
    ///
    /// # Errors
    /// [`WalletError::ConfirmationGone`], [`WalletError::ConfirmationExpired`]; other [`WalletError`]s.
    pub async fn approve(
        &self,
        confirmation: &Confirmation,
        approval: impl Into<Approval>,
    ) -> Result<Status, WalletError> {
        let purpose = Purpose::Approve { text: confirmation.text().to_owned() };
        let key = self.signing_key(approval.into(), purpose).await?;
        let (id, text) = (&confirmation.id, confirmation.text());
        self.answer(confirmation, &|index| Intent::Confirm { index, id, text, key: &key }).await
    }

    /// Denies a text. Needs no PIN.
    ///
    /// # Errors
    /// [`WalletError::ConfirmationGone`], [`WalletError::ConfirmationExpired`]; other [`WalletError`]s.
    pub async fn deny(&self, confirmation: &Confirmation, reason: DenyReason) -> Result<Status, WalletError> {
        let (id, text, reason) = (&confirmation.id, confirmation.text(), reason.number());
        self.answer(confirmation, &|index| Intent::Deny { index, reason, id, text }).await
    }

    fn answer<'a, 'b: 'a>(
        &'a self,
        confirmation: &'a Confirmation,
        intent: &'a (dyn Fn(u8) -> Intent<'b> + Send + Sync),
    ) -> Work<'a, Status> {
        work(async move {
            let answered = self.operate(Box::new(move |operation| {
                work(async move {
                    // Its index may be another text's by now, and a signature over the wrong text counts as a wrong PIN.
                    let waiting = fetch(operation.in_session()).await?;
                    let found = waiting.into_iter().find(|(_, waiting)| waiting == confirmation);
                    let (index, _) = found.ok_or(WalletError::ConfirmationGone)?;
                    let reply = operation.perform(&intent(index)).await?.reply;
                    Ok(operation.told(reply))
                })
            }));
            let status = accepted(&self.observed(answered.await)?)?;
            self.inner.events.emit(self.key, EventKind::ConfirmationAnswered);
            Ok(status)
        })
    }
}

/// What waits, each with its index.
fn fetch<'a>(operation: &'a mut Operation<'_>) -> Work<'a, Vec<(u8, Confirmation)>> {
    work(async move {
        let pushed = match operation.waiting().await? {
            Ok(pushed) => pushed,
            Err(reply) => return Err(accepted(&reply).err().unwrap_or(WalletError::Refused(Code::Internal))),
        };
        let shown = pushed.into_iter().filter(|push| is_showable(push.text.as_str()) && !push.text.as_str().is_empty());
        Ok(shown
            .map(|PushedConfirmation { id, expires_at, index, text, .. }| {
                (index, Confirmation { id, text, expires_at })
            })
            .collect())
    })
}
