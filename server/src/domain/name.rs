//! The names in a call: subscription, service, user id, authkey.

use std::fmt;

/// Subscription names that are paths or words of the API and so cannot be tenants.
const RESERVED: [&str; 10] = ["token", "auth", "docs", "e", "v1", "console", "healthz", "readyz", "metrics", "channel"];
const SUBSCRIPTION_MAX: usize = 32;
const SERVICE_MAX: usize = 64;
const USER_MAX: usize = 255;
const LABEL_MAX: usize = 64;
const KEY_NAME_MAX: usize = 100;

/// A name that no call may carry. Says what was wrong, never what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Not a subscription.
    #[error("a subscription is one to {SUBSCRIPTION_MAX} of a-z, 0-9 and `-`, and no reserved word")]
    Subscription,
    /// Not a service.
    #[error("a service is `<subscription>_<service>`, the second part one to {SERVICE_MAX} of a-z, 0-9, `-` and `_`")]
    Service,
    /// Not a label.
    #[error("a label is between one and {LABEL_MAX} bytes of text without control characters")]
    Label,
    /// Not the name of an authkey.
    #[error("the name of an authkey is between one and {KEY_NAME_MAX} bytes of text without control characters")]
    Authkey,
    /// Not a user id.
    #[error("a user id is between one and {USER_MAX} bytes long")]
    User,
}

/// The API name of a service, `<subscription>_<service>`, split at the first underscore.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServiceName {
    full: String,
    split: usize,
}

impl ServiceName {
    /// Parses an API name.
    ///
    /// # Errors
    /// There is no underscore, or one of the parts is empty, too long, reserved or has other characters.
    pub fn parse(name: &str) -> Result<Self, NameError> {
        let (subscription, service) = name.split_once('_').ok_or(NameError::Service)?;
        parse_subscription(subscription)?;
        let fits = (1..=SERVICE_MAX).contains(&service.len());
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
        if !fits || !service.bytes().all(allowed) {
            return Err(NameError::Service);
        }
        Ok(Self { full: name.to_owned(), split: subscription.len() })
    }

    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.full
    }

    /// The part before the first underscore.
    #[must_use]
    pub fn subscription(&self) -> &str {
        &self.full[..self.split]
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.full)
    }
}

/// Checks the name of a subscription.
///
/// # Errors
/// It is empty, too long, reserved, or has other characters than a-z, 0-9 and `-`.
pub fn parse_subscription(name: &str) -> Result<&str, NameError> {
    let fits = (1..=SUBSCRIPTION_MAX).contains(&name.len());
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if fits && name.bytes().all(allowed) && !RESERVED.contains(&name) { Ok(name) } else { Err(NameError::Subscription) }
}

/// Checks the text that people see instead of a service's API name.
///
/// # Errors
/// It is empty, longer than 64 bytes, or has control characters.
pub fn parse_label(label: &str) -> Result<&str, NameError> {
    if is_text(label, LABEL_MAX) { Ok(label) } else { Err(NameError::Label) }
}

/// Checks what people call an authkey.
///
/// # Errors
/// It is empty, longer than 100 bytes, or has control characters.
pub fn parse_key_name(name: &str) -> Result<&str, NameError> {
    if is_text(name, KEY_NAME_MAX) { Ok(name) } else { Err(NameError::Authkey) }
}

fn is_text(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// The client organization's name for a person: any UTF-8 of 1 to 255 bytes, compared byte for byte, never normalized.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(String);

impl UserId {
    /// Wraps `id`.
    ///
    /// # Errors
    /// It is empty or longer than 255 bytes.
    pub fn parse(id: impl Into<String>) -> Result<Self, NameError> {
        let id = id.into();
        if (1..=USER_MAX).contains(&id.len()) { Ok(Self(id)) } else { Err(NameError::User) }
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A person's name has no place in a log line that somebody derives.
        f.write_str("UserId(..)")
    }
}

/// Whether `value` has the form of an authkey: 16 to 128 of `[A-Za-z0-9_-]`.
#[must_use]
pub fn is_authkey(value: &str) -> bool {
    (16..=128).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_name_splits_at_its_first_underscore() {
        let name = ServiceName::parse("acme-2_vpn_eu-1").expect("valid");
        assert_eq!((name.subscription(), name.as_str()), ("acme-2", "acme-2_vpn_eu-1"));
    }

    #[test]
    fn names_of_other_shapes_are_refused() {
        let long = format!("default_{}", "a".repeat(65));
        for name in
            ["", "default", "_", "default_", "_demo", "Default_demo", "default_Demo", "default_d m", "dé_demo", &long]
        {
            assert!(ServiceName::parse(name).is_err(), "{name:?}");
        }
        for name in RESERVED {
            assert_eq!(parse_subscription(name), Err(NameError::Subscription));
            assert!(ServiceName::parse(&format!("{name}_demo")).is_err());
        }
        assert!(parse_subscription(&"a".repeat(32)).is_ok());
        assert!(parse_subscription(&"a".repeat(33)).is_err());
    }

    #[test]
    fn user_ids_are_bytes_that_nobody_changes() {
        for id in ["joe", "joe+t@x.com", "José", "Jose\u{301}", " ", "\0", "a&b=c#d", "😀"] {
            assert_eq!(UserId::parse(id).expect("valid").as_str(), id);
        }
        assert_ne!(UserId::parse("José"), UserId::parse("Jose\u{301}"));
        assert!(UserId::parse("").is_err());
        assert!(UserId::parse("é".repeat(127)).is_ok());
        assert!(UserId::parse("é".repeat(128)).is_err());
    }

    #[test]
    fn labels_and_names_of_authkeys_are_short_text() {
        assert_eq!(parse_label("Tür 1 😀"), Ok("Tür 1 😀"));
        assert!(parse_label(&"a".repeat(64)).is_ok() && parse_key_name(&"a".repeat(100)).is_ok());
        for label in ["", "a\nb", "a\u{7f}", "\u{9b}2J", &"a".repeat(65)] {
            assert_eq!(parse_label(label), Err(NameError::Label), "{label:?}");
        }
        for name in ["", "\0", &"é".repeat(51)] {
            assert_eq!(parse_key_name(name), Err(NameError::Authkey), "{name:?}");
        }
    }

    #[test]
    fn authkeys_have_one_form() {
        assert!(is_authkey("ABCdef_-01234567"));
        assert!(is_authkey(&"a".repeat(128)));
        for value in ["", "short", "fifteencharacte", "sixteen characte", "sixteen+characte", &"a".repeat(129)] {
            assert!(!is_authkey(value), "{value:?}");
        }
    }
}
