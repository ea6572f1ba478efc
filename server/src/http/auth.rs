//! Signing in: what applications ask of people and programs of a subscription, and the administration of these.
//!
//! `/{instance}/auth/v1` speaks as ZeyOS's Authentication API does, so that its clients work with another base address:
//! JSON for successes, plain text for everything else. `/v1/tokens` speaks as Zenoti's does, in JSON. `/auth/account`, `/auth/application` and `/auth/policy` are calls of the table, as
//! those of the token API are.

mod account;
mod application;
mod fields;
mod policy;
mod session;
mod tokens;

use std::sync::Arc;

use axum::Router;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, CACHE_CONTROL, EXPIRES, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue};

use super::Api;
use super::call::Mounted;
pub(super) use tokens::RATE_HEADERS;

/// The paths of sessions, as logs name them.
const PATHS: [&str; 4] =
    ["/{instance}/auth/v1", "/{instance}/auth/v1/", "/{instance}/auth/v1/login", "/{instance}/auth/v1/logout"];

/// The paths of tokens.
const TOKENS: [&str; 2] = ["/v1/tokens", "/v1/tokens/sessions/revoke"];

/// The calls of administrators.
pub(super) fn calls() -> Vec<Mounted> {
    [account::calls(), application::calls(), policy::calls()].into_iter().flatten().collect()
}

/// The calls of who signs in.
pub(super) fn mount(router: Router<Arc<Api>>) -> Router<Arc<Api>> {
    router
        .route(PATHS[0], session::base())
        .route(PATHS[1], session::base())
        .route(PATHS[2], session::login())
        .route(PATHS[3], session::logout())
        .route(TOKENS[0], tokens::tokens())
        .route(TOKENS[1], tokens::sessions())
}

/// How an application is spoken to that people sign in to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// As ZeyOS does.
    Session,
    /// As Zenoti does.
    Tokens,
}

/// How calls of this path are answered; `None`: nobody signs in there.
pub(super) fn dialect(path: &str) -> Option<Dialect> {
    if path == TOKENS[0] || path.strip_prefix(TOKENS[0]).is_some_and(|rest| rest.starts_with('/')) {
        return Some(Dialect::Tokens);
    }
    session_path(path).map(|_| Dialect::Session)
}

/// The path of a call of somebody who signs in, as logs name it; `None`: it is another call.
pub(super) fn known_path(path: &str) -> Option<&'static str> {
    TOKENS.into_iter().find(|known| *known == path).or_else(|| session_path(path))
}

fn session_path(path: &str) -> Option<&'static str> {
    let (_, rest) = path.strip_prefix('/')?.split_once('/')?;
    if rest != "auth/v1" && !rest.starts_with("auth/v1/") {
        return None;
    }
    Some(PATHS.into_iter().find(|known| known.ends_with(&format!("}}/{rest}"))).unwrap_or("other"))
}

/// The headers of every answer to who signs in. Those that nobody may keep are told so in the words of 1997 as well.
pub(super) fn headers(headers: &mut HeaderMap, is_secure: bool) {
    let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
    set(CACHE_CONTROL, "no-cache, no-store");
    set(EXPIRES, "Fri, 29 Aug 1997 07:14:00 GMT");
    // Who calls is said by a header that no browser adds by itself.
    set(ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    set(ACCESS_CONTROL_EXPOSE_HEADERS, "WWW-Authenticate, Retry-After");
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    // Only over TLS (RFC 6797, section 7.2).
    if is_secure {
        set(STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_who_signs_in_are_known_by_their_end_and_named_without_the_instance() {
        for (path, known) in [
            ("/demo/auth/v1", Some(PATHS[0])),
            ("/demo/auth/v1/", Some(PATHS[1])),
            ("/token/auth/v1/login", Some(PATHS[2])),
            ("/a%2Fb/auth/v1/logout", Some(PATHS[3])),
            ("/demo/auth/v1/secret", Some("other")),
            ("/demo/auth/v10", None),
            ("/auth/v1", None),
            ("//auth/v1", Some(PATHS[0])),
            ("/a/b/auth/v1", None),
            ("/auth/account", None),
            ("/v1/tokens", Some("/v1/tokens")),
            ("/v1/tokens/secret", None),
            ("/token/status", None),
            ("", None),
        ] {
            assert_eq!(known_path(path), known, "{path}");
        }
    }
}
