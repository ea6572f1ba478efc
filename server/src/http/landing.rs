//! `/e`: where an enrollment link leads when no app has taken it.
//!
//! What follows the `#` of the link is the secret; the browser keeps it, this server never sees it.

use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::response::IntoResponse;

const PAGE: &str = include_str!("landing.html");

/// `GET /e`.
pub(super) async fn page() -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, PAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_neither_runs_scripts_nor_loads_anything_nor_contains_the_digit_one() {
        for forbidden in ["<script", "src=", "href=", "1"] {
            assert!(!PAGE.contains(forbidden), "{forbidden}");
        }
    }
}
