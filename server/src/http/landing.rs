//! `/e`: where an enrollment link leads when no app has taken it, and the two files by which phones know that an app may
//! take it.
//!
//! What follows the `#` of the link is the secret; the browser keeps it, this server never sees it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::response::IntoResponse;
use serde_json::json;

use super::{Api, Problem};
use crate::config::{PublicConfig, StoreLink};

const PAGE: &str = include_str!("landing.html");
/// Where the page says where to get the app.
const STORES: &str = "<!-- stores -->\n";

/// What people and phones are told about the apps.
#[derive(Debug)]
pub(super) struct Landing {
    page: String,
    android: Option<String>,
    ios: Option<String>,
}

impl Landing {
    /// Without any apps.
    pub(super) fn plain() -> Self {
        Self { page: PAGE.replace(STORES, ""), android: None, ios: None }
    }

    /// With the apps of this configuration.
    pub(super) fn new(config: &PublicConfig) -> Self {
        let android = config.android_app.as_ref().map(|app| {
            let target = json!({
                "namespace": "android_app",
                "package_name": app.package,
                "sha256_cert_fingerprints": app.certificates,
            });
            json!([{ "relation": ["delegate_permission/common.handle_all_urls"], "target": target }]).to_string()
        });
        let ios = config.ios_app.as_ref().map(|app| {
            let links = json!({ "appIDs": [app.as_str()], "components": [{ "/": "/e" }] });
            json!({ "applinks": { "details": [links] } }).to_string()
        });
        let stores = stores(config.android_store.as_ref(), config.ios_store.as_ref());
        Self { page: PAGE.replace(STORES, &stores), android, ios }
    }
}

fn stores(android: Option<&StoreLink>, ios: Option<&StoreLink>) -> String {
    let link = |store: Option<&StoreLink>, name: &str| {
        // Its other characters mean nothing in an attribute.
        let address = store?.as_str().replace('&', "&amp;");
        Some(format!("<a rel=\"noreferrer\" href=\"{address}\">{name}</a>"))
    };
    let links: Vec<String> =
        [link(android, "for Android"), link(ios, "for iPhone and iPad")].into_iter().flatten().collect();
    if links.is_empty() {
        return String::new();
    }
    format!("<p>No app yet? Get it {}, then open this link again.</p>\n", links.join(" or "))
}

/// `GET /e`.
pub(super) async fn page(State(api): State<Arc<Api>>) -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, api.landing.page.clone())
}

/// `GET /.well-known/assetlinks.json`: the Android app that may take `/e`.
pub(super) async fn android(State(api): State<Arc<Api>>) -> Result<impl IntoResponse, Problem> {
    file(api.landing.android.clone())
}

/// `GET /.well-known/apple-app-site-association`: the iOS app that may take `/e`.
pub(super) async fn ios(State(api): State<Arc<Api>>) -> Result<impl IntoResponse, Problem> {
    file(api.landing.ios.clone())
}

fn file(text: Option<String>) -> Result<impl IntoResponse, Problem> {
    Ok(([(CONTENT_TYPE, "application/json")], text.ok_or(Problem::UnknownPath)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    fn landing(keys: &[(&str, &str)]) -> Landing {
        let flag = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned(), "--set".to_owned());
        let sources = Sources { flags: keys.iter().map(flag).collect(), ..Sources::default() };
        Landing::new(&sources.load().expect("valid").public)
    }

    #[test]
    fn the_page_neither_runs_scripts_nor_loads_anything_nor_contains_the_digit_one() {
        for page in [Landing::plain().page, landing(&[]).page] {
            for forbidden in ["<script", "src=", "href=", "1", "<!--"] {
                assert!(!page.contains(forbidden), "{forbidden}");
            }
        }
    }

    #[test]
    fn the_page_leads_to_the_stores_that_there_are() {
        let android = ("public.android_store", "https://play.example/apps?id=org.example.cardea&hl=en");
        let ios = ("public.ios_store", "https://apps.example/cardea");
        let page = landing(&[android]).page;
        assert!(
            page.contains("href=\"https://play.example/apps?id=org.example.cardea&amp;hl=en\">for Android</a>, then")
        );
        assert!(!page.contains("iPhone") && !page.contains("<script"));
        let page = landing(&[android, ios]).page;
        assert!(
            page.contains("for Android</a> or <a rel=\"noreferrer\" href=\"https://apps.example/cardea\">for iPhone")
        );
        assert!(!landing(&[ios]).page.contains("Android"));
    }

    #[test]
    fn phones_are_told_of_the_apps_in_the_form_that_they_ask_for() {
        let digest = ["0a"; 32].join(":");
        let android = format!("org.example.cardea {digest}");
        let landing = landing(&[("public.android_app", &android), ("public.ios_app", "A0B0C0D0E0.org.example.cardea")]);
        let parsed =
            |text: Option<String>| serde_json::from_str::<serde_json::Value>(&text.expect("there")).expect("JSON");
        let statement = &parsed(landing.android)[0];
        assert_eq!(statement["relation"], json!(["delegate_permission/common.handle_all_urls"]));
        assert_eq!(statement["target"]["namespace"], "android_app");
        assert_eq!(statement["target"]["package_name"], "org.example.cardea");
        assert_eq!(statement["target"]["sha256_cert_fingerprints"], json!([digest.to_uppercase()]));
        let details = &parsed(landing.ios)["applinks"]["details"];
        assert_eq!(details, &json!([{ "appIDs": ["A0B0C0D0E0.org.example.cardea"], "components": [{ "/": "/e" }] }]));
    }

    #[test]
    fn what_the_page_for_operators_shows_is_understood() {
        let page = include_str!("../../../docs/server.md");
        let block = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
        let block = block.filter(|block| block.contains("android_app")).collect::<String>();
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), block).expect("written");
        let sources = Sources { file: Some(file.path().to_owned()), ..Sources::default() };
        let landing = Landing::new(&sources.load().expect("valid").public);
        assert!(landing.android.is_some() && landing.ios.is_some());
        assert_eq!(landing.page.matches("<a ").count(), 2);
    }
}
