//! For whoever protects something: asks a server whether a token is open, and asks holders for a yes.
//!
//! ```no_run
//! use std::time::Duration;
//! use cardea_sdk::relying_party::{Answer, RelyingParty};
//!
//! # async fn example(authkey: String) -> Result<(), cardea_sdk::relying_party::RelyingPartyError> {
//! let gate = RelyingParty::new("https://id.example", "default_door", authkey)?;
//! if gate.is_open("joe").await {
//!     println!("come in");
//! }
//! let asked = gate.confirm("joe", "Pay 420.00 EUR to Ann", Duration::from_secs(120)).await?;
//! let told = gate.await_confirmation(&asked.id, Duration::from_secs(120)).await?;
//! if told.answer == Answer::Approved {
//!     println!("paid");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! **Nothing here is open by mistake.** [`RelyingParty::is_open`] is true for one answer only: a complete one with code
//! 200 and the body `{"status":1}`, to the byte, from the host that was configured, over the scheme that was configured,
//! within the time limit. A redirect, a proxy in the environment, an answer from a cache, an answer that is cut off, too
//! long, encoded, or of another type, an error: all of them are a no. Every call has a connection of its own, so no call
//! gets another's answer.
//!
//! Futures may be dropped at any time; that closes the connection. Nothing runs in the background. Needs a tokio
//! runtime with I/O and time.

mod answer;
mod authkey;
mod base;
mod builder;
mod confirm;
mod error;
mod http;
mod sse;
mod watch;

use std::sync::Arc;

pub use authkey::Authkey;
pub use builder::Builder;
pub use confirm::{Answer, Confirmation, ConfirmationId, PendingConfirmation, Question};
pub use error::{RelyingPartyError, Unknown};
pub use watch::{RelyingEvent, Watch};

use crate::env::Env;
use http::{Ask, Http};

/// Most bytes of an answer about a status. An open one has twelve.
const STATUS_MAX: usize = 16 * 1024;
/// Longest user id in bytes.
const USER_MAX: usize = 255;

/// What a token is, as a server answers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use = "whether the token is open decides whether somebody is let in"]
pub enum TokenStatus {
    /// 0: nobody can open it yet.
    NotEnrolled,
    /// 1: let the person in.
    Open,
    /// 2.
    Closed,
    /// 3: the holder was forced to open it. Deny, and raise the alarm.
    Duress,
    /// 4: by too many wrong PINs, by a copied device, or by an administrator.
    Blocked,
}

impl TokenStatus {
    /// Whether to let the person in.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Open)
    }

    /// The number of the API.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::NotEnrolled => 0,
            Self::Open => 1,
            Self::Closed => 2,
            Self::Duress => 3,
            Self::Blocked => 4,
        }
    }
}

/// Who asks a server about the tokens of one service. Clones share what they are made of; one is enough for a program.
#[derive(Debug, Clone)]
pub struct RelyingParty(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    http: Http,
    service: String,
    env: Env,
}

impl RelyingParty {
    /// Asks the server at `base_url` (`https://id.example`; `http` for this machine only) about the tokens of `service`,
    /// with an authkey that allows it. A call takes at most ten seconds.
    ///
    /// # Errors
    /// [`RelyingPartyError::Setup`]. Nothing is asked yet.
    pub fn new(base_url: &str, service: &str, authkey: impl Into<Authkey>) -> Result<Self, RelyingPartyError> {
        Self::builder(base_url, service, authkey).build()
    }

    /// The same with another time limit, a certificate authority of one's own, or without TLS.
    pub fn builder(base_url: &str, service: &str, authkey: impl Into<Authkey>) -> Builder {
        Builder::new(base_url, service, authkey.into())
    }

    /// Whether the token of `user` is open: the one question at a door. Never an error: whatever goes wrong, it is not.
    ///
    /// Ask at the moment of the decision, once per decision, and keep no answer for later. In a service with a window of 0
    /// the answer uses the opening up. Dropping the future closes the connection; the opening may be used up then.
    #[must_use = "it uses an opening up where the service is for single use"]
    pub async fn is_open(&self, user: &str) -> bool {
        self.status(user).await.is_ok_and(TokenStatus::is_open)
    }

    /// What the token of `user` is. As [`RelyingParty::is_open`] it may use an opening up.
    ///
    /// # Errors
    /// Any but [`RelyingPartyError::Receipt`]. An error is never an open token.
    pub async fn status(&self, user: &str) -> Result<TokenStatus, RelyingPartyError> {
        answer::status(&self.ask_about("/token/status", user).await?)
    }

    /// As [`RelyingParty::is_open`], by the call that reverse proxies make: 204 is open, everything else is not. A service
    /// with a silent alarm answers both alike.
    #[must_use = "it uses an opening up where the service is for single use"]
    pub async fn gate(&self, user: &str) -> bool {
        self.ask_about("/token/gate", user).await.is_ok_and(|reply| answer::gate(&reply))
    }

    /// Events of the service as they happen, of the types in `kinds` (such as `token.duress`; all, if there are none): those
    /// after the event number `after`, or from now on. Needs an authkey with the permission `events`.
    ///
    /// Asks nobody yet; see [`Watch::next`].
    pub fn watch(&self, after: Option<u64>, kinds: &[&str]) -> Watch {
        Watch::new(Arc::clone(&self.0), after, kinds.join(","))
    }

    async fn ask_about(&self, path: &'static str, user: &str) -> Result<http::Reply, RelyingPartyError> {
        check_user(user)?;
        let query = [("id", user), ("service", &self.0.service)];
        self.0.http.call(Ask { path, query: &query, body: None, most: STATUS_MAX }).await
    }
}

fn check_user(user: &str) -> Result<(), RelyingPartyError> {
    if (1..=USER_MAX).contains(&user.len()) {
        return Ok(());
    }
    Err(RelyingPartyError::Call(format!("a user id has between one and {USER_MAX} bytes")))
}

#[cfg(test)]
mod tests;
