//! The authkey, from where it comes in to where it leaves.

use std::fmt;

use bytes::Bytes;
use hyper::header::HeaderValue;
use zeroize::Zeroizing;

use super::RelyingPartyError;

/// Longest authkey in bytes.
const LENGTH_MAX: usize = 512;

/// What a relying party shows the server. Erased from memory when nobody needs it any more, and in no log, `Debug` or
/// error.
#[derive(Clone)]
pub struct Authkey(Zeroizing<String>);

impl Authkey {
    /// The value of the header `Authorization`. It keeps the only copy, and erases it.
    pub(super) fn header(&self) -> Result<HeaderValue, RelyingPartyError> {
        let wrong = RelyingPartyError::Setup;
        let key = self.0.as_str();
        if key.is_empty() || key.len() > LENGTH_MAX {
            return Err(wrong("the authkey is empty or too long"));
        }
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(wrong("the authkey has a character that none has: look for a line break at its end"));
        }
        let mut value = Vec::with_capacity(7 + key.len());
        value.extend_from_slice(b"apikey ");
        value.extend_from_slice(key.as_bytes());
        let shared = Bytes::from_owner(Zeroizing::new(value));
        let mut header = HeaderValue::from_maybe_shared(shared).map_err(|_| wrong("the authkey cannot be sent"))?;
        header.set_sensitive(true);
        Ok(header)
    }
}

impl From<String> for Authkey {
    fn from(key: String) -> Self {
        Self(Zeroizing::new(key))
    }
}

impl From<Zeroizing<String>> for Authkey {
    fn from(key: Zeroizing<String>) -> Self {
        Self(key)
    }
}

impl From<&str> for Authkey {
    fn from(key: &str) -> Self {
        Self(Zeroizing::new(key.to_owned()))
    }
}

impl fmt::Debug for Authkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authkey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_an_authkey_gets_into_a_header_and_nothing_shows_it() {
        let key = Authkey::from("0123456789abcdef");
        let header = key.header().expect("an authkey");
        assert_eq!(header.as_bytes(), b"apikey 0123456789abcdef");
        assert!(!format!("{key:?}{header:?}").contains("0123"));
        for wrong in ["", "a b", "a\n", "a\r\nx: y", "é", "\0", &"a".repeat(513)] {
            let error = Authkey::from(wrong).header().unwrap_err();
            assert_eq!(error.code(), 160, "{wrong:?}");
        }
    }
}
