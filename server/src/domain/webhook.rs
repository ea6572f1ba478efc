//! Where events may be delivered.

use url::Url;

/// Longest address of a webhook in bytes.
const URL_MAX: usize = 512;

/// An address that events cannot be delivered to. Says what was wrong, never what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// It is no address, or not of this kind.
    #[error("a webhook is an `https` address of at most {URL_MAX} bytes, without spaces")]
    Form,
    /// It would travel in clear.
    #[error("a webhook must be an `https` address: plain HTTP shows every event to the network")]
    Plain,
    /// It has a password in it.
    #[error("a webhook has no user or password in its address: deliveries are signed instead")]
    Credentials,
    /// It has a fragment, which is never sent.
    #[error("a webhook has no `#` part: it would not be sent")]
    Fragment,
}

/// Checks the address of a webhook and writes it the one way that it will be called. Which hosts are reached is
/// decided when something is delivered, since names can come to mean other addresses.
///
/// # Errors
/// It is not an address to deliver to; `http` is one only if `plain` says so.
pub fn parse_webhook(text: &str, plain: bool) -> Result<String, WebhookError> {
    // The parser drops some of these where they stand; then another address would be called than was shown.
    let is_clean = (1..=URL_MAX).contains(&text.len()) && !text.chars().any(|c| c.is_control() || c.is_whitespace());
    let url = Url::parse(text).ok().filter(|_| is_clean).ok_or(WebhookError::Form)?;
    match url.scheme() {
        "https" => {}
        "http" if plain => {}
        "http" => return Err(WebhookError::Plain),
        _ => return Err(WebhookError::Form),
    }
    // `https:host` and `https:///host` are read as if they were right.
    if !text.get(url.scheme().len()..).is_some_and(|rest| rest.starts_with("://") && !rest.starts_with(":///")) {
        return Err(WebhookError::Form);
    }
    if !url.username().is_empty() || url.password().is_some() || authority(text).contains('@') {
        return Err(WebhookError::Credentials);
    }
    if url.fragment().is_some() {
        return Err(WebhookError::Fragment);
    }
    let written = String::from(url);
    if written.len() > URL_MAX { Err(WebhookError::Form) } else { Ok(written) }
}

/// What stands between the scheme and the path.
fn authority(text: &str) -> &str {
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    rest.split(['/', '?', '#', '\\']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_one_way() {
        for (text, written) in [
            ("https://door.example/cardea", "https://door.example/cardea"),
            ("https://door.example", "https://door.example/"),
            ("HTTPS://Door.Example:443/a?b=c", "https://door.example/a?b=c"),
            ("https://tür.example/é", "https://xn--tr-xka.example/%C3%A9"),
            ("https://[2001:db8::1]:8443/x", "https://[2001:db8::1]:8443/x"),
        ] {
            assert_eq!(parse_webhook(text, false).as_deref(), Ok(written));
        }
        assert_eq!(parse_webhook("http://127.0.0.1:9/x", true).as_deref(), Ok("http://127.0.0.1:9/x"));
    }

    #[test]
    fn what_events_must_not_go_to_is_refused() {
        let long = format!("https://door.example/{}", "a".repeat(500));
        let grows = format!("https://door.example/{}", "é".repeat(200));
        for (text, error) in [
            ("http://door.example/", WebhookError::Plain),
            ("https://user@door.example/", WebhookError::Credentials),
            ("https://user:secret@door.example/", WebhookError::Credentials),
            ("https://@door.example/", WebhookError::Credentials),
            ("https://door.example/#x", WebhookError::Fragment),
            ("https://door.example/#", WebhookError::Fragment),
            ("", WebhookError::Form),
            ("door.example", WebhookError::Form),
            ("/cardea", WebhookError::Form),
            ("https:", WebhookError::Form),
            ("https://", WebhookError::Form),
            ("https:door.example", WebhookError::Form),
            ("https:///door.example", WebhookError::Form),
            ("ftp://door.example/", WebhookError::Form),
            ("file:///etc/passwd", WebhookError::Form),
            ("javascript:alert()", WebhookError::Form),
            ("https://door.example/a b", WebhookError::Form),
            ("https://door.exa\tmple/", WebhookError::Form),
            ("https://door.example/\n", WebhookError::Form),
            ("https://door.example:99999/", WebhookError::Form),
            (&long, WebhookError::Form),
            (&grows, WebhookError::Form),
        ] {
            assert_eq!(parse_webhook(text, false), Err(error), "{text:?}");
        }
    }
}
