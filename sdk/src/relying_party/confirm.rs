//! Asking a holder for a yes.

use std::fmt;
use std::pin::pin;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use data_encoding::HEXLOWER;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::http::Ask;
use super::{RelyingParty, RelyingPartyError, answer, check_user};
use crate::receipt::{Expected, Receipt};

const PATH: &str = "/token/confirmation";
/// Most bytes of an answer.
const ANSWER_MAX: usize = 64 * 1024;
/// How soon, and how seldom at most, it is asked again whether somebody answered.
const POLL_FIRST: Duration = Duration::from_millis(500);
const POLL_LAST: Duration = Duration::from_secs(3);

/// The number of a confirmation: sixteen hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConfirmationId([u8; 8]);

impl ConfirmationId {
    /// Its bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

impl fmt::Display for ConfirmationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl FromStr for ConfirmationId {
    type Err = RelyingPartyError;

    /// # Errors
    /// [`RelyingPartyError::Call`].
    fn from_str(text: &str) -> Result<Self, RelyingPartyError> {
        let bytes = HEXLOWER.decode(text.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| {
            RelyingPartyError::Call("the number of a confirmation has sixteen hexadecimal digits".to_owned())
        })
    }
}

/// What to ask a holder.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Whom.
    pub user: &'a str,
    /// What will happen, with amounts and names: all that the holder sees. At most 200 bytes, in one line.
    pub text: &'a str,
    /// Until when it waits for an answer: 10 seconds to a day.
    pub lifetime: Duration,
    /// Who asks, shown and signed before the text: at most 32 bytes.
    pub relying_party: Option<&'a str>,
    /// 1 to 64 of `A-Z`, `a-z`, `0-9`, `-` and `_`, other for each question: asked again with the same one within a day,
    /// nobody is asked twice.
    pub idempotency_key: Option<&'a str>,
}

/// Somebody was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "only the answer to it is a yes"]
#[non_exhaustive]
pub struct PendingConfirmation {
    /// What to ask for the answer with.
    pub id: ConfirmationId,
    /// When it ends unanswered, Unix seconds.
    pub expires_at: u64,
}

/// What a holder answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use = "only `Approved` is a yes"]
#[non_exhaustive]
pub enum Answer {
    /// Nothing yet.
    Pending,
    /// Yes, with the PIN. There is no other yes.
    Approved,
    /// No.
    Denied {
        /// The holder says that somebody else is behind this.
        not_me: bool,
    },
    /// Forced to say yes: a no, and an alarm. Only authkeys with the permission `history` are told; to all others it
    /// is [`Answer::Denied`].
    Duress,
    /// Nothing, and it is too late now.
    Expired,
    /// It was taken back.
    Cancelled,
}

impl Answer {
    /// Whether it is a yes.
    #[must_use]
    pub const fn is_yes(self) -> bool {
        matches!(self, Self::Approved)
    }
}

/// A question and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "only `Answer::Approved` is a yes"]
#[non_exhaustive]
pub struct Confirmation {
    /// Its number.
    pub id: ConfirmationId,
    /// Who was asked.
    pub user: String,
    /// What was shown and signed, with the relying party before it, to the byte.
    pub text: String,
    /// The answer.
    pub answer: Answer,
    /// When it was answered, by the server's clock, Unix seconds.
    pub answered_at: Option<u64>,
    /// What the device signed. It was checked, against the text too: it is what an approval can be proved with later.
    pub receipt: Option<Receipt>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    confirmation: String,
    state: String,
    expires_at: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    confirmation: String,
    id: String,
    text: String,
    state: String,
    reason: Option<String>,
    answered_at: Option<u64>,
    receipt: Option<Value>,
}

#[derive(Deserialize)]
struct Ended {
    confirmation: String,
    state: String,
}

impl RelyingParty {
    /// Asks `user` to approve `text` within `lifetime` (10 seconds to a day). Needs an authkey with the permission
    /// `confirm`, as everything about confirmations.
    ///
    /// If the answer to this call is lost, it is not known whether the holder was asked; [`RelyingParty::ask`] can be
    /// repeated.
    ///
    /// # Errors
    /// Any but [`RelyingPartyError::Receipt`].
    pub async fn confirm(
        &self,
        user: &str,
        text: &str,
        lifetime: Duration,
    ) -> Result<PendingConfirmation, RelyingPartyError> {
        self.ask(Question { user, text, lifetime, relying_party: None, idempotency_key: None }).await
    }

    /// As [`RelyingParty::confirm`], with who asks, and with a key under which it can be asked again.
    ///
    /// # Errors
    /// As [`RelyingParty::confirm`].
    pub async fn ask(&self, question: Question<'_>) -> Result<PendingConfirmation, RelyingPartyError> {
        let Question { user, text, lifetime, relying_party, idempotency_key } = question;
        check_user(user)?;
        let mut body = json!({ "id": user, "service": self.0.service, "text": text, "expiresIn": lifetime.as_secs() });
        if let Some(party) = relying_party {
            body["relyingParty"] = party.into();
        }
        if let Some(key) = idempotency_key {
            body["idempotencyKey"] = key.into();
        }
        let asked: Asked = answer::read(&self.post(PATH, &body).await?)?;
        if asked.state != "pending" {
            return Err(RelyingPartyError::Answer("it is not what was asked for, or of another version"));
        }
        Ok(PendingConfirmation { id: number(&asked.confirmation)?, expires_at: asked.expires_at })
    }

    /// How a question stands. The receipt of an answer is checked against number and text.
    ///
    /// # Errors
    /// Any; an error is never a yes.
    pub async fn confirmation(&self, id: &ConfirmationId) -> Result<Confirmation, RelyingPartyError> {
        let text = id.to_string();
        let query = [("service", self.0.service.as_str()), ("confirmation", text.as_str())];
        let ask = Ask { path: PATH, query: &query, body: None, most: ANSWER_MAX };
        let told: Told = answer::read(&self.0.http.call(ask).await?)?;
        if number(&told.confirmation)? != *id {
            return Err(RelyingPartyError::Answer("it is about another confirmation"));
        }
        let answer = named(&told.state, told.reason.as_deref())?;
        let receipt = told.receipt.map(|receipt| Receipt::from_value(&receipt)).transpose()?;
        if let Some(receipt) = &receipt {
            let expected = if answer == Answer::Approved {
                Expected::approval(&told.text)
            } else {
                Expected::any().text(&told.text)
            };
            let _proved = receipt.verify(&expected.confirmation(*id.bytes()))?;
        }
        let Told { id: user, text, answered_at, .. } = told;
        Ok(Confirmation { id: *id, user, text, answer, answered_at, receipt })
    }

    /// Takes a question back. An answer that is there already stays; it is what this returns.
    ///
    /// # Errors
    /// Any but [`RelyingPartyError::Receipt`].
    pub async fn cancel_confirmation(&self, id: &ConfirmationId) -> Result<Answer, RelyingPartyError> {
        let body = json!({ "service": self.0.service, "confirmation": id.to_string() });
        let ended: Ended = answer::read(&self.post("/token/confirmation/cancel", &body).await?)?;
        if number(&ended.confirmation)? != *id {
            return Err(RelyingPartyError::Answer("it is about another confirmation"));
        }
        named(&ended.state, None)
    }

    /// Waits until the question was answered or has ended, for at most `patience`, and asks at least once, however little
    /// that is: a server that does not answer may take the limit of one call. What then still waits is [`Answer::Pending`]: take it back, or wait on. Failures that may pass are waited
    /// out; one that lasts is the error.
    ///
    /// Dropping the future asks no more; the question goes on.
    ///
    /// # Errors
    /// Any; an error is never a yes.
    pub async fn await_confirmation(
        &self,
        id: &ConfirmationId,
        patience: Duration,
    ) -> Result<Confirmation, RelyingPartyError> {
        let mut patience = pin!(sleep(patience));
        let mut pause = POLL_FIRST;
        let mut told = self.confirmation(id).await;
        loop {
            let wait = match &told {
                Ok(told) if told.answer == Answer::Pending => Duration::ZERO,
                Err(error) if error.may_pass() => error.wait(),
                _ => return told,
            };
            let again = async {
                sleep(pause.max(wait)).await;
                self.confirmation(id).await
            };
            tokio::select! {
                biased;
                () = &mut patience => return told,
                new = again => told = new,
            }
            pause = (pause * 3 / 2).min(POLL_LAST);
        }
    }

    async fn post(&self, path: &'static str, body: &Value) -> Result<super::http::Reply, RelyingPartyError> {
        let body = Some(Bytes::from(body.to_string()));
        self.0.http.call(Ask { path, query: &[], body, most: ANSWER_MAX }).await
    }
}

fn number(text: &str) -> Result<ConfirmationId, RelyingPartyError> {
    text.parse().map_err(|_| RelyingPartyError::Answer("it is about no confirmation"))
}

fn named(state: &str, reason: Option<&str>) -> Result<Answer, RelyingPartyError> {
    Ok(match state {
        "pending" => Answer::Pending,
        "approved" => Answer::Approved,
        "denied" => Answer::Denied { not_me: reason == Some("not-me") },
        "duress" => Answer::Duress,
        "expired" => Answer::Expired,
        "cancelled" => Answer::Cancelled,
        _ => return Err(RelyingPartyError::Answer("it has an answer that there is not")),
    })
}
