//! The one question.

use std::fmt::Write as _;
use std::io::Read as _;
use std::time::Duration;

use ureq::Agent;
use ureq::tls::{PemItem, RootCerts, TlsConfig};
use zeroize::Zeroizing;

use crate::config::Config;

/// The only answer that lets in.
const OPEN: &[u8] = br#"{"status":1}"#;

/// Why the answer was no.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("the token is not open")]
    NotOpen,
    #[error("the server refused the call with HTTP status {0}")]
    Status(u16),
    #[error("the server cannot be asked: {0}")]
    Unreachable(Box<ureq::Error>),
    #[error("the certificates in `ca` cannot be used")]
    Certificates,
}

/// Asks whether `user`'s token is open, and returns normally only if it is.
pub(crate) fn open(config: &Config, user: &str) -> Result<(), Refusal> {
    let url = format!("{}/token/status?id={}&service={}", config.url, encoded(user), config.service);
    let authorization = Zeroizing::new(format!("apikey {}", *config.authkey));
    let failed = |error| Refusal::Unreachable(Box::new(error));
    let mut answer = agent(config)?.get(&url).header("Authorization", authorization.as_str()).call().map_err(failed)?;
    let status = answer.status().as_u16();
    if status != 200 {
        return Err(Refusal::Status(status));
    }
    let mut body = Vec::new();
    // One byte more than the answer may have.
    let limit = OPEN.len() as u64 + 1;
    let read = answer.body_mut().as_reader().take(limit).read_to_end(&mut body);
    read.map_err(|error| failed(ureq::Error::Io(error)))?;
    if body == OPEN { Ok(()) } else { Err(Refusal::NotOpen) }
}

fn agent(config: &Config) -> Result<Agent, Refusal> {
    let mut tls = TlsConfig::builder();
    if let Some(path) = &config.ca {
        let pem = std::fs::read(path).map_err(|_| Refusal::Certificates)?;
        let certificates: Vec<_> = ureq::tls::parse_pem(&pem)
            .filter_map(|item| if let Ok(PemItem::Certificate(certificate)) = item { Some(certificate) } else { None })
            .collect();
        if certificates.is_empty() {
            return Err(Refusal::Certificates);
        }
        tls = tls.root_certs(RootCerts::from(certificates));
    }
    let settings = Agent::config_builder()
        .timeout_global(Some(config.timeout.min(Duration::from_secs(10))))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        // Whoever starts the program that asks could set one in its environment.
        .proxy(None)
        .tls_config(tls.build())
        .build();
    Ok(settings.into())
}

/// Everything but letters, digits and `-._~` as `%XX`.
fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_user_name_changes_the_question() {
        assert_eq!(encoded("joe"), "joe");
        assert_eq!(encoded("joe&service=x"), "joe%26service%3Dx");
        assert_eq!(encoded("José +#%"), "Jos%C3%A9%20%2B%23%25");
    }
}
