//! For whoever protects something: asks a server whether a token is open, and asks holders for a yes.

use std::sync::Arc;
use std::time::Duration;

use cardea_sdk::relying_party as sdk;
use tokio::sync::Mutex;

use crate::call::run;
use crate::error::Failure;
use crate::{Cancel, CardeaError, end, runtime};

impl From<sdk::RelyingPartyError> for CardeaError {
    fn from(error: sdk::RelyingPartyError) -> Self {
        let wait_seconds = match &error {
            sdk::RelyingPartyError::Throttled { retry_after } | sdk::RelyingPartyError::Unavailable { retry_after } => {
                Some(retry_after.as_secs())
            }
            _ => None,
        };
        Self::RelyingParty { code: error.code(), reason: error.to_string(), wait_seconds }
    }
}

impl From<sdk::RelyingPartyError> for Failure {
    fn from(error: sdk::RelyingPartyError) -> Self {
        Self::new(error.into())
    }
}

/// What a token is, as a server answers it. Only [`TokenStatus::Open`] lets anybody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum TokenStatus {
    /// 0: nobody can open it yet.
    NotEnrolled,
    /// 1: let the person in.
    Open,
    /// 2.
    Closed,
    /// 3: the holder was forced to open it. Deny, and raise the alarm.
    Duress,
    /// 4.
    Blocked,
}

impl From<sdk::TokenStatus> for TokenStatus {
    fn from(status: sdk::TokenStatus) -> Self {
        match status {
            sdk::TokenStatus::NotEnrolled => Self::NotEnrolled,
            sdk::TokenStatus::Open => Self::Open,
            sdk::TokenStatus::Closed => Self::Closed,
            sdk::TokenStatus::Duress => Self::Duress,
            sdk::TokenStatus::Blocked => Self::Blocked,
        }
    }
}

/// What a holder answered. Only [`Answer::Approved`] is a yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Answer {
    /// Nothing yet.
    Pending,
    /// Yes.
    Approved,
    /// No.
    Denied,
    /// No, and the holder says that somebody else is behind this.
    DeniedNotMe,
    /// Forced to say yes: a no, and an alarm. Only authkeys with the permission `history` are told.
    Duress,
    /// Nothing, and it is too late now.
    Expired,
    /// It was taken back.
    Cancelled,
    /// Something that this version has no name for. It is no yes.
    Other,
}

impl From<sdk::Answer> for Answer {
    fn from(answer: sdk::Answer) -> Self {
        match answer {
            sdk::Answer::Pending => Self::Pending,
            sdk::Answer::Approved => Self::Approved,
            sdk::Answer::Denied { not_me: false } => Self::Denied,
            sdk::Answer::Denied { not_me: true } => Self::DeniedNotMe,
            sdk::Answer::Duress => Self::Duress,
            sdk::Answer::Expired => Self::Expired,
            sdk::Answer::Cancelled => Self::Cancelled,
            _ => Self::Other,
        }
    }
}

/// Somebody was asked.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct PendingConfirmation {
    /// What to ask for the answer with.
    pub id: String,
    /// When it ends unanswered, Unix seconds.
    pub expires_at: u64,
}

/// A question and how it stands.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct AskedConfirmation {
    /// Its number.
    pub id: String,
    /// Who was asked.
    pub user: String,
    /// What was shown and signed.
    pub text: String,
    /// The answer.
    pub answer: Answer,
    /// When it was answered, by the server's clock, Unix seconds.
    pub answered_at: Option<u64>,
}

impl From<sdk::Confirmation> for AskedConfirmation {
    fn from(asked: sdk::Confirmation) -> Self {
        Self {
            id: asked.id.to_string(),
            user: asked.user,
            text: asked.text,
            answer: asked.answer.into(),
            answered_at: asked.answered_at,
        }
    }
}

/// Something that has happened in a service.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ServiceEvent {
    /// Its number. Give it to [`RelyingParty::watch`] to go on after it.
    pub id: u64,
    /// What it is, such as `token.opened`. More may come with newer servers.
    pub kind: String,
    /// When, by the server's clock, Unix seconds.
    pub at: u64,
    /// The user, where there is one.
    pub user: Option<String>,
    /// All of it, as the server says it: JSON.
    pub json: String,
}

/// How a server is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, uniffi::Record)]
pub struct RelyingPartyOptions {
    /// The most that a call may take, in milliseconds; ten seconds unless told otherwise.
    #[uniffi(default = None)]
    pub timeout_milliseconds: Option<u64>,
    /// The certificate of an authority of one's own, in PEM, in place of those that browsers trust.
    #[uniffi(default = None)]
    pub root_certificate: Option<String>,
}

/// Who asks a server about the tokens of one service. Whatever goes wrong, no token is open by it.
#[derive(Debug, uniffi::Object)]
pub struct RelyingParty(sdk::RelyingParty);

#[uniffi::export]
impl RelyingParty {
    /// Asks the server at `base_url` (`https://id.example`; `http` for this machine only) about the tokens of `service`, with
    /// an authkey that allows it. Nothing is asked yet.
    ///
    /// # Errors
    /// [`CardeaError::RelyingParty`] with code 160.
    #[uniffi::constructor(default(options))]
    pub fn new(
        base_url: &str,
        service: &str,
        authkey: String,
        options: RelyingPartyOptions,
    ) -> Result<Arc<Self>, CardeaError> {
        let mut builder = sdk::RelyingParty::builder(base_url, service, authkey);
        if let Some(limit) = options.timeout_milliseconds {
            builder = builder.timeout(Duration::from_millis(limit));
        }
        if let Some(pem) = &options.root_certificate {
            builder = builder.root_certificate(pem.as_bytes());
        }
        Ok(Arc::new(Self(builder.build()?)))
    }

    /// Whether the token of `user` is open: the one question at a door. Never an error: whatever goes wrong, it is not.
    #[uniffi::method(default(cancel = None))]
    pub async fn is_open(&self, user: String, cancel: Option<Arc<Cancel>>) -> bool {
        let party = self.0.clone();
        run(cancel, async move { Ok(party.is_open(&user).await) }).await.unwrap_or(false)
    }

    /// As [`RelyingParty::is_open`], by the call that reverse proxies make.
    #[uniffi::method(default(cancel = None))]
    pub async fn gate(&self, user: String, cancel: Option<Arc<Cancel>>) -> bool {
        let party = self.0.clone();
        run(cancel, async move { Ok(party.gate(&user).await) }).await.unwrap_or(false)
    }

    /// What the token of `user` is. In a service with a window of 0 it may use an opening up.
    ///
    /// # Errors
    /// [`CardeaError::RelyingParty`], which is never an open token.
    #[uniffi::method(default(cancel = None))]
    pub async fn status(&self, user: String, cancel: Option<Arc<Cancel>>) -> Result<TokenStatus, CardeaError> {
        let party = self.0.clone();
        run(cancel, async move { Ok(party.status(&user).await?.into()) }).await
    }

    /// Asks `user` to approve `text` within `seconds` (10 to a day).
    ///
    /// # Errors
    /// [`CardeaError::RelyingParty`].
    #[uniffi::method(default(seconds = 120, cancel = None))]
    pub async fn confirm(
        &self,
        user: String,
        text: String,
        seconds: u64,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<PendingConfirmation, CardeaError> {
        let party = self.0.clone();
        run(cancel, async move {
            let asked = party.confirm(&user, &text, Duration::from_secs(seconds)).await?;
            Ok(PendingConfirmation { id: asked.id.to_string(), expires_at: asked.expires_at })
        })
        .await
    }

    /// How a question stands. What the device signed is checked.
    ///
    /// # Errors
    /// [`CardeaError::RelyingParty`], which is never a yes.
    #[uniffi::method(default(cancel = None))]
    pub async fn confirmation(
        &self,
        id: String,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<AskedConfirmation, CardeaError> {
        let party = self.0.clone();
        run(cancel, async move { Ok(party.confirmation(&id.parse()?).await?.into()) }).await
    }

    /// Takes a question back. An answer that is there already stays; it is what this returns.
    ///
    /// # Errors
    /// [`CardeaError::RelyingParty`].
    #[uniffi::method(default(cancel = None))]
    pub async fn cancel_confirmation(&self, id: String, cancel: Option<Arc<Cancel>>) -> Result<Answer, CardeaError> {
        let party = self.0.clone();
        run(cancel, async move { Ok(party.cancel_confirmation(&id.parse()?).await?.into()) }).await
    }

    /// Waits until the question was answered or has ended, for at most `seconds`. What then still waits is
    /// [`Answer::Pending`].
    ///
    /// # Errors
    /// [`CardeaError::RelyingParty`], which is never a yes.
    #[uniffi::method(default(seconds = 120, cancel = None))]
    pub async fn await_confirmation(
        &self,
        id: String,
        seconds: u64,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<AskedConfirmation, CardeaError> {
        let party = self.0.clone();
        run(
            cancel,
            async move { Ok(party.await_confirmation(&id.parse()?, Duration::from_secs(seconds)).await?.into()) },
        )
        .await
    }

    /// Events of the service as they happen, of the types in `kinds` (all, if there are none): those after the event
    /// number `after`, or from now on. Asks nobody yet.
    #[must_use]
    #[uniffi::method(default(after = None, kinds = []))]
    pub fn watch(&self, after: Option<u64>, kinds: Vec<String>) -> Arc<Watch> {
        let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
        Arc::new(Watch { watch: Mutex::new(self.0.watch(after, &kinds)), end: Cancel::new() })
    }
}

/// The events of a service, one after the other.
#[derive(Debug, uniffi::Object)]
pub struct Watch {
    watch: Mutex<sdk::Watch>,
    end: Arc<Cancel>,
}

#[uniffi::export]
impl Watch {
    /// The next event; none once it has ended. No event is lost if the call is cancelled.
    ///
    /// # Errors
    /// [`CardeaError::RelyingParty`]: until the next event nothing is known of what happens. The next call begins again
    /// behind the last event, unless it was an error that cannot pass.
    pub async fn next(&self) -> Result<Option<ServiceEvent>, CardeaError> {
        let next = runtime::within(async { self.watch.lock().await.next().await }).map_err(|failure| *failure)?;
        let event = end::waited_for(async {
            tokio::select! {
                biased; // nothing may follow once it is cancelled
                () = self.end.cancelled() => None,
                event = next => event,
            }
        });
        Ok(event.await.transpose()?.map(|event| ServiceEvent {
            id: event.id,
            kind: event.kind,
            at: event.at,
            user: event.user,
            json: event.json,
        }))
    }

    /// Ends it: whoever waits for an event gets none, now and later.
    pub fn cancel(&self) {
        self.end.cancel();
    }
}
