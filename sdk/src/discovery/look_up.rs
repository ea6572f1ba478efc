//! Asking `https://<host>/.well-known/cardea`.

use std::fmt;
use std::time::Duration;

use cardea_protocol::crypto::Dalek;
use cardea_protocol::wire::{Host, KEY_RECORD_LEN, KeyRecord};
use data_encoding::HEXLOWER_PERMISSIVE;
use serde::Deserialize;

use super::{DiscoveryError, ServerIdentity};
use crate::error::WalletError;
use crate::task::blocking;
use crate::transport::Endpoint;

const PATH: &str = "/.well-known/cardea";
/// Port that a server listens on for HTTP unless told otherwise; used on this machine only.
const LOOPBACK_PORT: u16 = 8420;
const BODY_MAX: u64 = 64 * 1024;
const TIME_LIMIT: Duration = Duration::from_secs(15);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    identity: String,
    key_record: String,
    channel_port: u16,
    channel_host: Option<String>,
}

/// Where to ask.
#[derive(Debug, PartialEq, Eq)]
struct Origin {
    url: String,
    host: String,
}

impl Origin {
    /// `https://host[:port]`, `http://` for this machine, or just `host[:port]`.
    fn parse(text: &str) -> Result<Self, DiscoveryError> {
        let text = text.trim().trim_end_matches('/');
        let (scheme, authority) = match text.split_once("://") {
            Some(("https", rest)) => (Some("https"), rest),
            Some(("http", rest)) => (Some("http"), rest),
            Some(_) => return Err(DiscoveryError::Host),
            None => (None, text),
        };
        let (host, port) = match authority.rsplit_once(':') {
            // The last colon of a bracketed address is not a port's.
            Some((host, port)) if !port.ends_with(']') => {
                (host, Some(port.parse::<u16>().map_err(|_| DiscoveryError::Host)?))
            }
            _ => (authority, None),
        };
        let host = Host::new(&host.to_ascii_lowercase()).map_err(|_| DiscoveryError::Host)?;
        let scheme = match scheme {
            Some("http") if !host.is_loopback() => return Err(DiscoveryError::Insecure),
            Some(scheme) => scheme,
            None if host.is_loopback() => "http",
            None => "https",
        };
        let port = port.or_else(|| (scheme == "http").then_some(LOOPBACK_PORT));
        let port = port.map_or_else(String::new, |port| format!(":{port}"));
        Ok(Self { url: format!("{scheme}://{}{port}{PATH}", host.as_str()), host: host.as_str().to_owned() })
    }
}

/// Asks `server` (`host`, `host:port` or an `https://` address; `http://` for this machine only) for its key.
///
/// Not cancelled by dropping the future: the question goes on for at most 15 seconds, and its answer is dropped.
///
/// # Errors
/// [`WalletError::Discovery`].
pub async fn look_up(server: &str) -> Result<ServerIdentity, WalletError> {
    let origin = Origin::parse(server)?;
    Ok(blocking(move || ask(&origin).and_then(|text| read(&origin.host, &text))).await??)
}

fn ask(origin: &Origin) -> Result<String, DiscoveryError> {
    let unreachable =
        |error: &dyn fmt::Display| DiscoveryError::Unreachable { host: origin.host.clone(), reason: error.to_string() };
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(TIME_LIMIT))
        // Whoever may answer for the host may also redirect; nobody else has a say about its key.
        .max_redirects(0)
        .proxy(None)
        .build()
        .into();
    let mut answer = agent.get(&origin.url).call().map_err(|error| unreachable(&error))?;
    if answer.status() != 200 {
        return Err(DiscoveryError::Answer { host: origin.host.clone() });
    }
    answer.body_mut().with_config().limit(BODY_MAX).read_to_string().map_err(|error| unreachable(&error))
}

fn read(host: &str, text: &str) -> Result<ServerIdentity, DiscoveryError> {
    let wrong = || DiscoveryError::Answer { host: host.to_owned() };
    let answer: Answer = serde_json::from_str(text).map_err(|_| wrong())?;
    let hex = |text: &str| HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map_err(|_| wrong());
    let identity: [u8; 32] = hex(&answer.identity)?.try_into().map_err(|_| wrong())?;
    let key_record: [u8; KEY_RECORD_LEN] = hex(&answer.key_record)?.try_into().map_err(|_| wrong())?;
    let key_record = KeyRecord::decode(&key_record).map_err(|_| wrong())?;
    if !key_record.verify::<Dalek>(&identity) {
        return Err(DiscoveryError::Signature { host: host.to_owned() });
    }
    let channel = Host::new(answer.channel_host.as_deref().unwrap_or(host)).map_err(|_| wrong())?;
    if answer.channel_port == 0 {
        return Err(wrong());
    }
    let endpoint = Endpoint { host: channel.as_str().to_owned(), port: answer.channel_port };
    Ok(ServerIdentity { identity, key_record, endpoint })
}

#[cfg(test)]
mod tests {
    use cardea_protocol::Secret;
    use cardea_protocol::crypto::Provider as _;
    use data_encoding::HEXLOWER;

    use super::*;

    fn url(text: &str) -> Result<String, DiscoveryError> {
        Origin::parse(text).map(|origin| origin.url)
    }

    #[test]
    fn https_is_the_rule_and_http_is_for_this_machine() {
        assert_eq!(url("id.example").unwrap(), "https://id.example/.well-known/cardea");
        assert_eq!(url(" https://ID.example:444/ ").unwrap(), "https://id.example:444/.well-known/cardea");
        assert_eq!(url("127.0.0.1:9000").unwrap(), "http://127.0.0.1:9000/.well-known/cardea");
        assert_eq!(url("localhost").unwrap(), "http://localhost:8420/.well-known/cardea");
        assert_eq!(url("http://[::1]").unwrap(), "http://[::1]:8420/.well-known/cardea");
        assert_eq!(url("https://localhost").unwrap(), "https://localhost/.well-known/cardea");
        assert!(matches!(url("http://id.example"), Err(DiscoveryError::Insecure)));
        assert!(matches!(url("http://127.0.0.1.example"), Err(DiscoveryError::Insecure)));
        for text in ["", "ftp://id.example", "id.example/path", "a b", "id.example:99999", "user@id.example", "x?y#z"] {
            assert!(matches!(url(text), Err(DiscoveryError::Host)), "{text}");
        }
    }

    fn answer(identity: &[u8; 32], record: &KeyRecord, more: &str) -> String {
        let (identity, record) = (HEXLOWER.encode(identity), HEXLOWER.encode(&record.encode()));
        format!(r#"{{"identity":"{identity}","keyRecord":"{record}","channelPort":8421{more}}}"#)
    }

    #[test]
    fn an_answer_counts_only_if_the_identity_signed_the_key() {
        let secret = Secret::new([7; 32]);
        let identity = Dalek::ed25519_public(&secret);
        let record = KeyRecord::sign::<Dalek>(&secret, 3, [5; 32], 1, 2);
        let found = read("id.example", &answer(&identity, &record, "")).unwrap();
        assert_eq!((found.identity, found.key_record), (identity, record));
        assert_eq!(found.endpoint.to_string(), "id.example:8421");
        let found = read("id.example", &answer(&identity, &record, r#","channelHost":"channel.example""#)).unwrap();
        assert_eq!(found.endpoint.host, "channel.example");

        let other = Dalek::ed25519_public(&Secret::new([8; 32]));
        let refused = read("id.example", &answer(&other, &record, ""));
        assert!(matches!(refused, Err(DiscoveryError::Signature { .. })));
        for text in ["", "{}", "<html>", &answer(&identity, &record, "").replace("8421", "0")] {
            assert!(matches!(read("id.example", text), Err(DiscoveryError::Answer { .. })), "{text}");
        }
    }
}
