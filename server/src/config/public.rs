//! The section of how the world reaches the server, and of the apps that take its links.

use serde::{Deserialize, Deserializer};

use super::{Problem, optional, public_host};

/// Longest name of an app, which is what the stores take.
const NAME_MAX: usize = 255;
/// Most certificates of an Android app: its own, that of the store, and those of test versions.
const CERTIFICATES_MAX: usize = 16;
/// Longest address of an app in a store.
const STORE_MAX: usize = 512;

/// Section `public`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicConfig {
    /// Web address without a path; `None`: the bound address.
    #[serde(deserialize_with = "optional")]
    pub url: Option<String>,
    /// Port of the token channel from outside; 0: the bound one.
    pub channel_port: u16,
    /// The Android app that opens enrollment links.
    #[serde(deserialize_with = "android")]
    pub android_app: Option<AndroidApp>,
    /// The iOS app that opens enrollment links.
    #[serde(deserialize_with = "ios")]
    pub ios_app: Option<IosApp>,
    /// Where people without the Android app get it.
    #[serde(deserialize_with = "store")]
    pub android_store: Option<StoreLink>,
    /// Where people without the iOS app get it.
    #[serde(deserialize_with = "store")]
    pub ios_store: Option<StoreLink>,
}

/// An Android app: what Android compares with an installed one before it gives it a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AndroidApp {
    /// Name of the package, as in `org.example.cardea`.
    pub package: String,
    /// SHA-256 of the certificates that it may be signed with: 32 bytes in upper case hexadecimal with colons between them.
    pub certificates: Vec<String>,
}

/// An iOS app by its application identifier: team and bundle, as in `A0B0C0D0E0.org.example.cardea`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IosApp(String);

/// The address of an app in a store: `https`, printable ASCII, and nothing that could end an attribute in HTML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreLink(String);

impl PublicConfig {
    pub(super) fn check(&self) -> Result<(), Problem> {
        if self.url.as_deref().is_some_and(|url| public_host(url).is_none()) {
            return Err(("public.url", "must be https://HOST or https://HOST:PORT, in lower case and without a path"));
        }
        Ok(())
    }
}

impl AndroidApp {
    /// Reads the package and, after spaces, the digests of its certificates.
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let package = words.next()?;
        let is_part = |part: &str| {
            part.starts_with(|first: char| first.is_ascii_alphabetic())
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        let is_package = package.len() <= NAME_MAX && package.contains('.') && package.split('.').all(is_part);
        let certificates: Vec<String> = words.map(str::to_ascii_uppercase).collect();
        let is_digest = |text: &String| {
            let is_byte = |byte: &str| byte.len() == 2 && byte.bytes().all(|digit| digit.is_ascii_hexdigit());
            text.split(':').count() == 32 && text.split(':').all(is_byte)
        };
        let fits = is_package && (1..=CERTIFICATES_MAX).contains(&certificates.len());
        (fits && certificates.iter().all(is_digest)).then(|| Self { package: package.to_owned(), certificates })
    }
}

impl IosApp {
    fn parse(text: &str) -> Option<Self> {
        let (team, bundle) = text.split_once('.')?;
        let is_team = team.len() == 10 && team.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        let is_part =
            |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        (is_team && bundle.len() <= NAME_MAX && bundle.split('.').all(is_part)).then(|| Self(text.to_owned()))
    }

    /// The application identifier.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl StoreLink {
    fn parse(text: &str) -> Option<Self> {
        let host = text.strip_prefix("https://")?.split(['/', '?']).next().unwrap_or_default();
        let is_host =
            host.contains('.') && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"'<>`\\{}#".contains(&byte));
        (is_host && is_plain && text.len() <= STORE_MAX).then(|| Self(text.to_owned()))
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The empty text is nothing; any other must be understood.
fn parsed<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    parse: impl Fn(&str) -> Option<T>,
    must: &str,
) -> Result<Option<T>, D::Error> {
    let text = optional(deserializer)?;
    text.map(|text| parse(&text).ok_or_else(|| serde::de::Error::custom(must))).transpose()
}

fn android<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<AndroidApp>, D::Error> {
    let must = "must be the name of a package and, after a space, the SHA-256 digest of its certificate as 32 bytes in \
                hexadecimal with colons between them; more digests after more spaces";
    parsed(deserializer, AndroidApp::parse, must)
}

fn ios<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<IosApp>, D::Error> {
    parsed(deserializer, IosApp::parse, "must be TEAM.BUNDLE, with the ten characters of the team in front")
}

fn store<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<StoreLink>, D::Error> {
    parsed(deserializer, StoreLink::parse, "must be an address that begins with https://, without quotes and spaces")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(byte: &str) -> String {
        [byte; 32].join(":")
    }

    #[test]
    fn apps_are_named_as_their_platforms_name_them() {
        let text = format!("org.example.cardea_app {}  {}", digest("a0"), digest("FF"));
        let app = AndroidApp::parse(&text).expect("an app");
        assert_eq!(app.package, "org.example.cardea_app");
        assert_eq!(app.certificates, [digest("A0"), digest("FF")]);
        assert!(IosApp::parse("A0B0C0D0E0.org.example.cardea-app").is_some());
        for good in
            ["https://play.example/store/apps/details?id=org.example.cardea&hl=en", "https://apps.example/x/id12"]
        {
            assert_eq!(StoreLink::parse(good).expect("an address").as_str(), good);
        }
    }

    #[test]
    fn what_no_platform_would_take_is_refused() {
        let (good, many) = (digest("a0"), vec![digest("a0"); CERTIFICATES_MAX + 1].join(" "));
        for bad in [
            "org.example.cardea".to_owned(),
            good.clone(),
            format!("cardea {good}"),
            format!("org..cardea {good}"),
            format!("org.example.cardea. {good}"),
            format!("org.2.cardea {good}"),
            format!("org.example/cardea {good}"),
            format!("org.example.cardea {}", &good[3..]),
            format!("org.example.cardea {}", good.replace(':', "")),
            format!("org.example.cardea {}", good.replace("a0", "g0")),
            format!("org.example.cardea {good},{good}"),
            format!("org.example.cardea {many}"),
            format!("org.{} {good}", "x".repeat(NAME_MAX)),
        ] {
            assert_eq!(AndroidApp::parse(&bad), None, "{bad}");
        }
        for bad in
            ["org.example.cardea", "A0B0C0D0E0", "A0B0C0D0E0.", "a0b0c0d0e0.org.x", "A0B0C0D0E0.org..x", "A0B0C0D0E0.*"]
        {
            assert_eq!(IosApp::parse(bad), None, "{bad}");
        }
        for bad in [
            "http://play.example/x",
            "javascript:alert(1)",
            "https://",
            "https:///x",
            "https://localhost/x",
            "https://joe@play.example/x",
            "https://play.example/\" onclick=\"x",
            "https://play.example/<b>",
            "https://play.example/a b",
            "https://play.example/\u{e9}",
            "https://play.example/{stores}",
        ] {
            assert_eq!(StoreLink::parse(bad), None, "{bad}");
        }
        assert_eq!(StoreLink::parse(&format!("https://play.example/{}", "x".repeat(STORE_MAX))), None);
    }
}
