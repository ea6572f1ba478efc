//! Answers that are not successes: RFC 9457, with a word that programs can rely on.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use cardea_sdk::WalletError;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::wire::{EntryView, InVain, NearMiss};
use crate::engine::EngineError;
use crate::exit;
use crate::faults::RuleError;
use crate::suggest::{nearest, or_meant};

/// Why a call was not answered with a success.
#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    /// 400: the call is malformed; the text says what to change.
    #[error("{0}")]
    BadCall(String),
    /// 401: the call has no token, or another one.
    #[error("this API needs the token of the emulator: send Authorization: Bearer, with what is in its token file")]
    NoToken,
    /// 403: a web page of somebody else calls.
    #[error("calls from web pages of others are refused: {0}")]
    Elsewhere(&'static str),
    /// 404: no such path.
    #[error("there is nothing at this path: see /v1/openapi.json")]
    NoPath,
    /// 404: no such session.
    #[error("there is no session called {name:?}: it has ended, or never was{}", or_meant(.meant.as_deref()))]
    NoSession {
        /// Which was asked for.
        name: String,
        /// One with a similar name.
        meant: Option<String>,
    },
    /// 400: the configuration of the emulator has no such profile.
    #[error(
        "no profile is called {name:?}: say profiles.{name} in the configuration of the emulator{}",
        or_meant(.meant.as_deref())
    )]
    NoProfile {
        /// Which was asked for.
        name: String,
        /// One with a similar name.
        meant: Option<String>,
    },
    /// 500: WebDriver's word for a session that cannot be as it is wanted.
    #[error("{0}")]
    NotCreated(String),
    /// 405: not by this method.
    #[error("use another method for this path, see the Allow header")]
    Method,
    /// 409: there is one already.
    #[error("there is a session called {0:?} already")]
    SessionExists(String),
    /// 409: the session of the program itself.
    #[error("the session default ends with the program: remove its devices, or make another session")]
    Default,
    /// 410: the session has ended while something was waited for in it.
    #[error("the session {0:?} has ended meanwhile")]
    Ended(String),
    /// 408: the body did not arrive.
    #[error("the body did not arrive in time")]
    TooSlow,
    /// 408: what was waited for did not become true. The details go beside the text.
    #[error("it did not become true in time: {predicate}")]
    NotYet {
        /// What was waited for.
        predicate: String,
        /// What there is to know about it.
        details: Box<InVain>,
    },
    /// 429: there are as many sessions as there may be.
    #[error("there are too many sessions: end those that are not needed any more, or give them leases")]
    TooMany,
    /// 503: others hold as much as may be held of bodies.
    #[error("other calls send so much that there is no room for this one: try again when they are answered")]
    NoRoom,
    /// 413: the body is too long.
    #[error("the body is too long: it has at most 6 MiB, and 64 MiB where there is a trace in it")]
    TooLong,
    /// What a device says.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// 400, 403, 404 or 409: a rule for faults that cannot be.
    #[error(transparent)]
    Rule(RuleError),
    /// 404: no such prompt.
    #[error(transparent)]
    NoPrompt(#[from] crate::engine::NoSuchPrompt),
}

impl Problem {
    /// No session is called so, but these are.
    pub(super) fn no_session<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        Self::NoSession { name: name.to_owned(), meant: nearest(name, known).map(str::to_owned) }
    }

    /// A word for programs. It stays the same; texts may change.
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::BadCall(_) => "bad-call",
            Self::NoToken => "no-token",
            Self::Elsewhere(_) => "elsewhere",
            Self::NoPath => "no-path",
            Self::NoSession { .. } => "no-session",
            Self::NoProfile { .. } => "no-profile",
            Self::NotCreated(_) => "not-created",
            Self::Default => "default-session",
            Self::Ended(_) => "session-ended",
            Self::TooSlow => "too-slow",
            Self::NotYet { .. } => "not-yet",
            Self::Method => "method",
            Self::SessionExists(_) => "session-exists",
            Self::TooMany => "too-many",
            Self::TooLong => "too-long",
            Self::NoRoom => "no-room",
            Self::NoPrompt(_) => "no-prompt",
            Self::Rule(RuleError::NoSuchRule { .. }) => "no-rule",
            Self::Rule(RuleError::NotAllowed) => "faults-not-allowed",
            Self::Rule(_) => "bad-rule",
            Self::Engine(error) => exit::word_of_engine(error),
        }
    }

    /// The exit code of the command line.
    pub(super) const fn exit(&self) -> u8 {
        match self {
            Self::Engine(error) => exit::of_engine(error),
            Self::NotYet { .. } => exit::NOT_YET,
            Self::NoSession { .. } | Self::Ended(_) | Self::NoPrompt(_) | Self::Rule(RuleError::NoSuchRule { .. }) => {
                exit::UNKNOWN
            }
            Self::SessionExists(_) | Self::TooMany | Self::NoRoom => exit::BUSY,
            Self::TooSlow => exit::INTERNAL,
            _ => exit::USAGE,
        }
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::BadCall(_) | Self::NoProfile { .. } => StatusCode::BAD_REQUEST,
            Self::NoToken => StatusCode::UNAUTHORIZED,
            Self::Elsewhere(_) => StatusCode::FORBIDDEN,
            Self::NoPath | Self::NoSession { .. } | Self::NoPrompt(_) => StatusCode::NOT_FOUND,
            Self::Ended(_) => StatusCode::GONE,
            Self::NotCreated(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::TooSlow | Self::NotYet { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::SessionExists(_) | Self::Default => StatusCode::CONFLICT,
            Self::Rule(RuleError::NoSuchRule { .. }) => StatusCode::NOT_FOUND,
            Self::Rule(RuleError::NotAllowed) => StatusCode::FORBIDDEN,
            Self::Rule(_) => StatusCode::BAD_REQUEST,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NoRoom => StatusCode::SERVICE_UNAVAILABLE,
            Self::Engine(error) => match error {
                EngineError::NoSuchDevice { .. }
                | EngineError::NoSuchToken { .. }
                | EngineError::NoSuchConfirmation
                | EngineError::NoSuchSnapshot { .. } => StatusCode::NOT_FOUND,
                EngineError::DeviceExists(_)
                | EngineError::NoToken
                | EngineError::Removed(_)
                | EngineError::SnapshotExists(_) => StatusCode::CONFLICT,
                EngineError::TooManySnapshots | EngineError::TooManyDevices => StatusCode::TOO_MANY_REQUESTS,
                EngineError::Wallet(WalletError::Offline(_)) => StatusCode::BAD_GATEWAY,
                EngineError::Wallet(WalletError::NotConfirmed) => StatusCode::GATEWAY_TIMEOUT,
                EngineError::Wallet(WalletError::Store(_)) | EngineError::Broken(_) => {
                    StatusCode::INTERNAL_SERVER_ERROR
                }
                EngineError::Wallet(_) => StatusCode::UNPROCESSABLE_ENTITY,
                _ => StatusCode::BAD_REQUEST,
            },
        }
    }
}

/// What the body of an answer that is no success says (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProblemBody {
    /// `about:blank`: `code` says what happened.
    r#type: &'static str,
    /// The status in words.
    title: &'static str,
    /// The status.
    status: u16,
    /// What was wrong and what to do, for a person.
    detail: String,
    /// A word for programs, which stays the same.
    code: &'static str,
    /// The SDK's number of the error, or 0.
    number: u32,
    /// The exit code of the command line for it.
    exit: u8,
    /// Whether the same may succeed a little later, though nobody changes anything.
    retryable: bool,
    /// After a wait that was in vain: the device as it was at last, or the devices of the session by their names.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    last_state: Option<Value>,
    /// After a wait that was in vain: what happened meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<Vec<EntryView>>,
    /// After a wait that was in vain: which parts of the predicate were true.
    #[serde(skip_serializing_if = "Option::is_none")]
    near_misses: Option<Vec<NearMiss>>,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, code, of_cli) = (self.status(), self.code(), self.exit());
        let number = match &self {
            Self::Engine(error) => error.code(),
            _ => 0,
        };
        let detail = self.to_string();
        let title = status.canonical_reason().unwrap_or_default();
        let (last_state, events, near_misses) = match self {
            Self::NotYet { details, .. } => {
                let InVain { last_state, events, near_misses } = *details;
                (Some(last_state), Some(events), Some(near_misses))
            }
            _ => (None, None, None),
        };
        let body = ProblemBody {
            r#type: "about:blank",
            title,
            status: status.as_u16(),
            detail,
            code,
            number,
            exit: of_cli,
            retryable: exit::is_retryable(code),
            last_state,
            events,
            near_misses,
        };
        (status, [(CONTENT_TYPE, "application/problem+json")], Json(body)).into_response()
    }
}
