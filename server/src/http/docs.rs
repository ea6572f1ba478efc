//! `/docs`: the description of the token API, for people and programs.
//!
//! Everything is in the program: the page works without any other network. `build.rs` packs the files; browsers get
//! them as they are packed, others unpacked.

use std::sync::{LazyLock, OnceLock};

use axum::body::Body;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// Only what comes from this server, and nothing that is written into the page. Images may be in the style sheet.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Files may be kept, but are asked for again, so that a new server is never explained by old files.
const KEEP: &str = "no-cache";

/// Before the packed bytes of a gzip file without a name, and after them.
const GZIP_ENDS: (usize, usize) = (10, 8);

/// One file.
#[derive(Debug)]
pub(super) struct File {
    /// Where it is.
    pub(super) path: &'static str,
    kind: &'static str,
    content: Content,
    tag: OnceLock<String>,
}

#[derive(Debug)]
enum Content {
    Packed { gzip: &'static [u8], plain: OnceLock<Bytes> },
    Page(&'static LazyLock<String>),
    Text(&'static str),
}

macro_rules! packed {
    ($path:literal, $kind:literal, $name:literal) => {
        File {
            path: $path,
            kind: $kind,
            content: Content::Packed {
                gzip: include_bytes!(concat!(env!("OUT_DIR"), "/docs/", $name, ".gz")),
                plain: OnceLock::new(),
            },
            tag: OnceLock::new(),
        }
    };
}

const fn own(path: &'static str, kind: &'static str, content: Content) -> File {
    File { path, kind, content, tag: OnceLock::new() }
}

/// The page, for an address with and without a slash at the end: its links are relative, so that a proxy may put it
/// below another path.
static PAGES: [LazyLock<String>; 2] = [LazyLock::new(|| page("docs/")), LazyLock::new(|| page(""))];

/// Every file.
pub(super) static FILES: [File; 13] = [
    own("/docs", "text/html; charset=utf-8", Content::Page(&PAGES[0])),
    own("/docs/", "text/html; charset=utf-8", Content::Page(&PAGES[1])),
    own("/docs/page.css", "text/css; charset=utf-8", Content::Text(include_str!("docs/page.css"))),
    own("/docs/page.js", "text/javascript; charset=utf-8", Content::Text(include_str!("docs/page.js"))),
    packed!("/docs/openapi.yaml", "application/yaml", "openapi.yaml"),
    packed!("/docs/openapi.json", "application/json", "openapi.json"),
    packed!("/docs/insomnia.json", "application/json", "insomnia.json"),
    packed!("/docs/reference.pdf", "application/pdf", "reference.pdf"),
    packed!("/docs/swagger-ui-bundle.js", "text/javascript; charset=utf-8", "swagger-ui-bundle.js"),
    packed!("/docs/swagger-ui.css", "text/css; charset=utf-8", "swagger-ui.css"),
    packed!("/docs/favicon.png", "image/png", "favicon-32x32.png"),
    packed!("/docs/swagger-ui-license.txt", "text/plain; charset=utf-8", "LICENSE"),
    packed!("/docs/swagger-ui-notice.txt", "text/plain; charset=utf-8", "NOTICE"),
];

fn page(base: &str) -> String {
    include_str!("docs/page.html").replace("BASE/", base)
}

impl File {
    /// The answer to a GET with these headers: the file, or 304 where the caller has it already.
    pub(super) fn answer(&self, headers: &HeaderMap) -> Response {
        let packed = self.packed().filter(|_| accepts_gzip(headers));
        // Two forms of a file are two things to keep.
        let tag = format!("\"{}{}\"", self.tag(), if packed.is_some() { "-gzip" } else { "" });
        let mut response = if is_known(headers, &tag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let body = packed.map_or_else(|| self.plain(), Bytes::from_static);
            let mut response = Response::new(Body::from(body));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(self.kind));
            if packed.is_some() {
                response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
            response
        };
        let headers = response.headers_mut();
        let mut set = |name: HeaderName, value: &'static str| headers.insert(name, HeaderValue::from_static(value));
        set(CACHE_CONTROL, KEEP);
        set(VARY, "accept-encoding");
        set(X_CONTENT_TYPE_OPTIONS, "nosniff");
        set(REFERRER_POLICY, "no-referrer");
        if self.kind.starts_with("text/html") {
            set(CONTENT_SECURITY_POLICY, POLICY);
        }
        if self.kind == "application/pdf" {
            set(CONTENT_DISPOSITION, "inline; filename=\"cardea-token-api.pdf\"");
        }
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            headers.insert(ETAG, tag);
        }
        response
    }

    const fn packed(&self) -> Option<&'static [u8]> {
        match self.content {
            Content::Packed { gzip, .. } => Some(gzip),
            Content::Page(_) | Content::Text(_) => None,
        }
    }

    fn plain(&self) -> Bytes {
        match &self.content {
            Content::Packed { gzip, plain } => plain.get_or_init(|| unpack(gzip).into()).clone(),
            Content::Page(page) => Bytes::from_static(page.as_bytes()),
            Content::Text(text) => Bytes::from_static(text.as_bytes()),
        }
    }

    fn tag(&self) -> &str {
        self.tag.get_or_init(|| {
            let digest = match &self.content {
                Content::Packed { gzip, .. } => Sha256::digest(gzip),
                Content::Page(_) | Content::Text(_) => Sha256::digest(self.plain()),
            };
            HEXLOWER.encode(&digest[..12])
        })
    }
}

/// The content of one of our own gzip files; nothing if it is damaged, which a test would have found.
fn unpack(gzip: &[u8]) -> Vec<u8> {
    let end = gzip.len().saturating_sub(GZIP_ENDS.1);
    let deflated = gzip.get(GZIP_ENDS.0..end).unwrap_or_default();
    miniz_oxide::inflate::decompress_to_vec(deflated).unwrap_or_default()
}

/// Whether the caller takes gzip: it names it, and not with a weight of nothing.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let lists = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|entry| {
        let mut parts = entry.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let weight = parts.find_map(|part| part.strip_prefix("q=")).and_then(|weight| weight.parse::<f32>().ok());
        is_gzip && weight.is_none_or(|weight| weight > 0.0)
    })
}

fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let lists = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    lists
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    async fn get(path: &str, headers: &[(HeaderName, &'static str)]) -> (StatusCode, HeaderMap, Bytes) {
        let file = FILES.iter().find(|file| file.path == path).expect("a file");
        let headers = headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
        let (head, body) = file.answer(&headers).into_parts();
        (head.status, head.headers, to_bytes(body, usize::MAX).await.expect("a body"))
    }

    #[tokio::test]
    async fn every_file_is_the_same_packed_and_unpacked() {
        for file in &FILES {
            let (status, head, plain) = get(file.path, &[]).await;
            assert_eq!((status, head.get(CONTENT_ENCODING)), (StatusCode::OK, None), "{}", file.path);
            assert!(!plain.is_empty(), "{}", file.path);
            let (_, head, packed) = get(file.path, &[(ACCEPT_ENCODING, "br, gzip")]).await;
            if head.get(CONTENT_ENCODING).is_some() {
                assert_eq!(unpack(&packed), plain, "{}", file.path);
                let length = u32::try_from(plain.len()).expect("small").to_le_bytes();
                assert!(packed.ends_with(&length), "{}", file.path);
            } else {
                assert_eq!(packed, plain, "{}", file.path);
            }
        }
    }

    #[tokio::test]
    async fn the_files_are_those_of_the_project() {
        let (_, _, yaml) = get("/docs/openapi.yaml", &[]).await;
        assert_eq!(yaml, include_str!("../../../docs/api/openapi.yaml"));
        let (_, _, json) = get("/docs/openapi.json", &[]).await;
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&json).expect("JSON")["openapi"], "3.0.3");
        let (_, _, pdf) = get("/docs/reference.pdf", &[]).await;
        assert!(pdf.starts_with(b"%PDF-1.") && pdf.ends_with(b"%%EOF"), "{}", pdf.len());
        let (_, _, png) = get("/docs/favicon.png", &[]).await;
        assert!(png.starts_with(b"\x89PNG"));
        let (_, _, script) = get("/docs/swagger-ui-bundle.js", &[]).await;
        assert!(script.len() > 1_000_000, "{}", script.len());
    }

    #[tokio::test]
    async fn who_has_a_file_is_not_sent_it_again() {
        for file in &FILES {
            let (_, head, _) = get(file.path, &[(ACCEPT_ENCODING, "gzip")]).await;
            let tag = head[ETAG].to_str().expect("text").to_owned();
            let headers: HeaderMap = [
                (ACCEPT_ENCODING, HeaderValue::from_static("gzip")),
                (IF_NONE_MATCH, HeaderValue::from_str(&format!("\"other\", W/{tag}")).expect("a value")),
            ]
            .into_iter()
            .collect();
            let (again, body) = file.answer(&headers).into_parts();
            assert_eq!((again.status, &again.headers[ETAG]), (StatusCode::NOT_MODIFIED, &head[ETAG]));
            assert!(to_bytes(body, 1).await.expect("a body").is_empty());
            let (status, ..) = get(file.path, &[(IF_NONE_MATCH, "\"other\"")]).await;
            assert_eq!(status, StatusCode::OK);
        }
    }

    #[test]
    fn gzip_is_sent_to_those_who_want_it() {
        for (value, wanted) in [
            ("gzip", true),
            ("br;q=1.0, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("gzip; q=0.0", false),
            ("deflate", false),
            ("x-gzip", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(value))]);
            assert_eq!(accepts_gzip(&headers), wanted, "{value}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }

    #[tokio::test]
    async fn the_page_loads_only_what_there_is_and_runs_nothing_of_its_own() {
        for (path, base) in [("/docs", "/"), ("/docs/", "/docs/")] {
            let (_, head, body) = get(path, &[]).await;
            assert!(head.contains_key(CONTENT_SECURITY_POLICY));
            let page = std::str::from_utf8(&body).expect("text");
            let links = page.split("href=\"").chain(page.split("src=\"")).skip(1);
            let links = links.filter_map(|rest| rest.split('"').next()).filter(|link| !link.contains('<'));
            for link in links {
                let target = format!("{base}{link}");
                assert!(FILES.iter().any(|file| file.path == target), "{path}: {link}");
            }
            assert!(!page.contains("<script>") && !page.contains("style=") && !page.contains("onclick"));
        }
    }
}
