//! Answers that are not successes.
//!
//! Every error of the HTTP side is a [`Problem`]. It travels as an extension of an empty response and is written out
//! by [`super::finish`] at the very end, so that the answers of the router itself get the same shape.
//!
//! Deployed clients take the character `1` anywhere in a body for an open token, whatever the HTTP status. So no text
//! here contains it, numeric codes included.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::spell::spelled;
use crate::admin::Part;
use crate::domain::name::parse_subscription;

/// Why a call was not answered with a success.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    // The caller has to change the call.
    /// 400: the call is malformed; the text says what to change.
    #[error("{0}")]
    BadCall(String),
    /// 401, of the calls of who signs in: nobody is signed in with what the call carries.
    #[error("{0}")]
    Unauthorized(Challenge),
    /// 403: the authkey is unknown, revoked, or lacks the permission.
    #[error("the authkey does not allow this call")]
    Forbidden,
    /// 403, at the gate: the token is there and is not open.
    #[error("the token is not open")]
    NotOpen,
    /// 403, at the gate: there is no such service or token.
    #[error("there is no token for this user in this service")]
    NoneAtGate,
    /// 404: the service does not exist.
    #[error("there is no such service")]
    UnknownService,
    /// 404: the subscription does not exist.
    #[error("there is no such subscription")]
    UnknownSubscription,
    /// 404: the service has no token for this user.
    #[error("this user has no token in this service")]
    UnknownToken,
    /// 404: the token has no such device.
    #[error("the token has no such device")]
    UnknownDevice,
    /// 404: no such authkey in the service or subscription that the call names.
    #[error("there is no authkey with this number there: see the list")]
    UnknownAuthkey,
    /// 404: no such account in the subscription.
    #[error("there is no such account in this subscription")]
    UnknownAccount,
    /// 404: no such application in the subscription.
    #[error("there is no such application in this subscription")]
    UnknownApplication,
    /// 404: no such confirmation, or none any more.
    #[error("there is no such confirmation in this service")]
    UnknownConfirmation,
    /// 404: no such path.
    #[error("there is nothing at this path")]
    UnknownPath,
    /// 405: the path exists, but not for this method; `allow` is the value of the `Allow` header.
    #[error("use another method for this path, see the Allow header")]
    Method {
        /// The methods that the path has.
        allow: &'static str,
    },
    /// 413: the body is over the limit.
    #[error("the body is too large")]
    TooLarge,

    // The caller has to come back later.
    /// 429: too many calls of this kind.
    #[error("there were too many calls of this kind, try again later")]
    TooMany {
        /// Seconds until there is room.
        retry_after: u32,
    },
    /// 503: too many calls at once, or shutting down.
    #[error("the server is busy, try again soon")]
    Busy,
    /// 503: the server cannot reach its data right now.
    #[error("the server cannot reach its data, try again soon")]
    Unavailable,

    /// 503, of `/readyz`: these parts of the server do not work.
    #[error("not ready: {}", names(.0).join(", "))]
    NotReady(BTreeSet<Part>),

    // The operator has to look at the log.
    /// 500: the server failed; the reason is in its log, never in the answer.
    #[error("the server failed, the operator finds the reason in its log")]
    Internal,
}

/// What a caller who is not signed in is asked for (RFC 9110, section 11.6.1).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Challenge {
    /// The subscription, where the call names one that there is.
    realm: Option<String>,
    lacks: Lacks,
}

/// What was wrong with what a call carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Lacks {
    /// It carries nothing.
    #[default]
    Everything,
    /// Nobody has this name and this password, or may not use them.
    Password,
    /// Nobody is signed in with this token.
    Token,
}

impl Challenge {
    pub(super) const fn new(lacks: Lacks) -> Self {
        Self { realm: None, lacks }
    }

    /// The same, in the subscription with this name.
    pub(super) fn at(self, realm: &str) -> Self {
        Self { realm: parse_subscription(realm).ok().map(str::to_owned), ..self }
    }

    /// The value of `WWW-Authenticate` (RFC 6750, section 3). A realm is the name of a subscription, which needs no
    /// escaping.
    pub(super) fn header(&self) -> String {
        let realm = self.realm.as_deref().unwrap_or("cardea");
        match self.lacks {
            Lacks::Token => format!("Bearer realm=\"{realm}\", error=\"invalid_token\""),
            Lacks::Everything | Lacks::Password => format!("Bearer realm=\"{realm}\""),
        }
    }
}

impl std::fmt::Display for Challenge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.lacks {
            Lacks::Everything => "Missing credentials",
            Lacks::Password => "Invalid credentials",
            Lacks::Token => "Invalid token for bearer authentication",
        })
    }
}

/// Seconds in `Retry-After`.
pub(super) const RETRY_AFTER: &str = "2";

impl Problem {
    /// A bad call with the text `message`.
    pub(super) fn bad_call(message: impl Into<String>) -> Self {
        Self::BadCall(message.into())
    }

    /// What a bare `status` without a `Problem` stands for: answers that the router made by itself.
    pub(super) fn from_status(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED => Self::Unauthorized(Challenge::default()),
            StatusCode::NOT_FOUND => Self::UnknownPath,
            StatusCode::METHOD_NOT_ALLOWED => Self::Method { allow: "GET, POST" },
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge,
            StatusCode::TOO_MANY_REQUESTS => Self::TooMany { retry_after: 60 },
            StatusCode::SERVICE_UNAVAILABLE => Self::Busy,
            status if status.is_client_error() => Self::bad_call("the call is malformed"),
            _ => Self::Internal,
        }
    }

    /// What a reverse proxy is told that knows only "let in" and "refused".
    pub(super) fn at_gate(self) -> Self {
        match self {
            Self::UnknownService | Self::UnknownToken => Self::NoneAtGate,
            problem => problem,
        }
    }

    /// The HTTP status.
    pub(super) const fn status(&self) -> StatusCode {
        match self {
            Self::BadCall(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::NotOpen | Self::NoneAtGate => StatusCode::FORBIDDEN,
            Self::UnknownService
            | Self::UnknownSubscription
            | Self::UnknownToken
            | Self::UnknownDevice
            | Self::UnknownAuthkey
            | Self::UnknownAccount
            | Self::UnknownApplication
            | Self::UnknownConfirmation
            | Self::UnknownPath => StatusCode::NOT_FOUND,
            Self::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy | Self::Unavailable | Self::NotReady(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The stable name of the error, for programs.
    pub(super) const fn slug(&self) -> &'static str {
        match self {
            Self::BadCall(_) => "bad-call",
            Self::Unauthorized(_) => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotOpen => "not-open",
            Self::NoneAtGate => "unknown-token",
            Self::UnknownService => "unknown-service",
            Self::UnknownSubscription => "unknown-subscription",
            Self::UnknownToken => "unknown-token",
            Self::UnknownDevice => "unknown-device",
            Self::UnknownAuthkey => "unknown-authkey",
            Self::UnknownAccount => "unknown-account",
            Self::UnknownApplication => "unknown-application",
            Self::UnknownConfirmation => "unknown-confirmation",
            Self::UnknownPath => "unknown-path",
            Self::Method { .. } => "bad-method",
            Self::TooLarge => "too-large",
            Self::TooMany { .. } => "too-many",
            Self::Busy => "busy",
            Self::Unavailable => "unavailable",
            Self::NotReady(_) => "not-ready",
            Self::Internal => "internal",
        }
    }

    /// The stable number of the error. The digit one does not occur, and none is below 256, where the numbers of the
    /// token channel are.
    pub(super) const fn code(&self) -> u16 {
        match self {
            Self::BadCall(_) => 4000,
            Self::Unauthorized(_) => 4020,
            Self::Forbidden => 4030,
            Self::NotOpen => 4032,
            Self::UnknownService => 4042,
            Self::UnknownSubscription => 4048,
            Self::UnknownToken | Self::NoneAtGate => 4040,
            Self::UnknownDevice => 4046,
            Self::UnknownAuthkey => 4049,
            Self::UnknownAccount => 4052,
            Self::UnknownApplication => 4053,
            Self::UnknownConfirmation => 4047,
            Self::UnknownPath => 4044,
            Self::Method { .. } => 4050,
            Self::TooLarge => 4300,
            Self::TooMany { .. } => 4290,
            Self::Busy => 5030,
            Self::Unavailable => 5032,
            Self::NotReady(_) => 5034,
            Self::Internal => 5000,
        }
    }

    /// The JSON body; with the numeric code except where `with_code` is false (under `/token/status`).
    pub(super) fn body(&self, with_code: bool) -> String {
        let mut body = self.to_json();
        if !with_code && let Some(members) = body.as_object_mut() {
            members.remove("code");
        }
        body.to_string()
    }

    /// The body in plain text, for the calls of sign-ins: what the status is called, and why.
    pub(super) fn text(&self) -> String {
        let status = self.status();
        format!("{}: {}", status.canonical_reason().unwrap_or("Error"), spelled(&self.to_string()))
    }

    /// The JSON body for the calls for tokens: the status and why.
    pub(super) fn envelope(&self) -> String {
        let error = serde_json::json!({ "code": self.status().as_u16(), "message": self.to_string() });
        serde_json::json!({ "error": error }).to_string()
    }

    /// Name, text and number.
    pub(super) fn to_json(&self) -> serde_json::Value {
        // A text from below may name a number.
        let message = spelled(&self.to_string());
        let mut body = serde_json::json!({ "error": self.slug(), "message": message, "code": self.code() });
        if let Self::NotReady(parts) = self {
            body["parts"] = names(parts).into();
        }
        body
    }
}

fn names(parts: &BTreeSet<Part>) -> Vec<&'static str> {
    parts.iter().map(|part| part.name()).collect()
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status();
        response.extensions_mut().insert(self);
        response
    }
}

/// One of each kind.
#[cfg(test)]
pub(super) fn all() -> Vec<Problem> {
    vec![
        Problem::bad_call("parameter `id` is missing"),
        Problem::Unauthorized(Challenge::default()),
        Problem::Forbidden,
        Problem::NotOpen,
        Problem::UnknownService,
        Problem::UnknownToken,
        Problem::UnknownDevice,
        Problem::UnknownAuthkey,
        Problem::UnknownAccount,
        Problem::UnknownApplication,
        Problem::UnknownConfirmation,
        Problem::UnknownSubscription,
        Problem::UnknownPath,
        Problem::Method { allow: "GET" },
        Problem::TooLarge,
        Problem::TooMany { retry_after: 11 },
        Problem::Busy,
        Problem::Unavailable,
        Problem::NotReady([Part::Database, Part::Writer, Part::Lock, Part::Listener, Part::Disk].into()),
        Problem::Internal,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_body_contains_the_digit_one_and_no_two_problems_share_a_number_or_a_name() {
        let mut codes: Vec<u16> = all().iter().map(Problem::code).collect();
        let mut slugs: Vec<&str> = all().iter().map(Problem::slug).collect();
        for problem in all() {
            assert!(!problem.body(true).contains('1'), "{problem:?}");
            assert!(problem.code() > 255);
        }
        for list in [codes.len(), slugs.len()] {
            assert_eq!(list, all().len());
        }
        codes.sort_unstable();
        codes.dedup();
        slugs.sort_unstable();
        slugs.dedup();
        assert_eq!((codes.len(), slugs.len()), (all().len(), all().len()));
    }

    #[test]
    fn a_text_that_names_the_digit_one_says_it_in_words() {
        let body = Problem::bad_call("expected 1 to 255 bytes").body(true);
        assert!(!body.contains('1'), "{body}");
        assert!(body.contains("bad-call") && body.contains("expected one to 255 bytes"), "{body}");
    }

    #[test]
    fn the_number_is_left_out_on_request() {
        assert_eq!(
            Problem::UnknownToken.body(false),
            r#"{"error":"unknown-token","message":"this user has no token in this service"}"#
        );
    }
}
