//! A server, as devices and apps see it from here.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cardea_sdk::Env;
use cardea_sdk::WalletError;
use cardea_sdk::discovery::{DiscoveryError, ServerIdentity, look_up};
use cardea_sdk::transport::tcp::TcpConnector;
use cardea_sdk::transport::websocket::WebSocketConnector;
use cardea_sdk::transport::{Connector, Endpoint};
use tokio::net::{UdpSocket, lookup_host};
use tokio::time::timeout;

use super::Findings;
use crate::cli::args::Common;
use crate::exit;

/// How long to wait for a connection, and for an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long to listen for a refusal, which comes at once or not at all.
const REFUSAL: Duration = Duration::from_millis(300);
/// The server believes operations that are as old, in seconds (specification, chapter 5).
const SKEW: u64 = 120;
/// No description of the API is longer.
const DESCRIPTION_MAX: u64 = 8 << 20;

/// Where it is.
#[derive(Debug, PartialEq, Eq)]
struct Address {
    /// `https://host:port`, without a path.
    url: String,
    /// Without brackets.
    host: String,
    port: u16,
}

impl Address {
    /// Reads what people give: the same as where a typed code is enrolled.
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_end_matches('/');
        let (scheme, authority) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, text),
        };
        let (name, port) = match authority.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, Some(port.parse().ok()?)),
            _ => (authority, None),
        };
        let host = name.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(name).to_owned();
        let here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        let scheme = scheme.unwrap_or(if here { "http" } else { "https" });
        let port = port.unwrap_or(if scheme == "http" { 8420 } else { 443 });
        Some(Self { url: format!("{scheme}://{name}:{port}"), host, port })
    }
}

pub(super) async fn look(server: &str, common: &Common, findings: &mut Findings) {
    let Some(address) = Address::parse(server) else {
        let mend = "give a name such as id.example, or an address such as https://id.example:8443";
        return findings.bad(exit::USAGE, "server", format!("{server:?} is no server"), mend);
    };
    if !resolves("dns", &address.host, address.port, findings).await {
        return;
    }
    let Some(identity) = identity(server, findings).await else { return };
    answer(&address, findings).await;
    let Endpoint { host, port } = &identity.endpoint;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if bare != address.host && !resolves("channel dns", bare, *port, findings).await {
        return;
    }
    channel(&identity.endpoint, &address, common, findings).await;
}

async fn resolves(what: &'static str, host: &str, port: u16, findings: &mut Findings) -> bool {
    match lookup_host((host, port)).await {
        Ok(found) => {
            let mut addresses: Vec<String> = found.map(|address| address.ip().to_string()).collect();
            addresses.dedup();
            findings.good(what, format!("{host} is {}", addresses.join(", ")));
            !addresses.is_empty()
        }
        Err(error) => {
            let mend = "look at the spelling, at /etc/hosts, and whether this machine has a network";
            findings.bad(exit::OFFLINE, what, format!("{host} has no address: {error}"), mend);
            false
        }
    }
}

/// What it is, over its web side: that it is there, that its certificate is believed, that its key is signed.
async fn identity(server: &str, findings: &mut Findings) -> Option<ServerIdentity> {
    match look_up(server).await {
        Ok(identity) => {
            findings.good("web", format!("its key is signed; its token channel is at {}", identity.endpoint));
            Some(identity)
        }
        Err(WalletError::Discovery(error)) => {
            let (exit, mend) = match &*error {
                DiscoveryError::Unreachable { reason, .. } if reason.contains("certificate") => (
                    exit::UNTRUSTED,
                    "the certificate has to be for this name, in its time, and of an authority that browsers believe",
                ),
                DiscoveryError::Unreachable { .. } => {
                    (exit::OFFLINE, "look whether the server runs, at the port, and at firewalls on the way")
                }
                DiscoveryError::Signature { .. } => {
                    (exit::UNTRUSTED, "somebody may be in between: ask its administrator")
                }
                DiscoveryError::Answer { .. } => {
                    (exit::UNTRUSTED, "look at the address: something else answers there, such as a proxy")
                }
                _ => (exit::USAGE, "give a name such as id.example, or an https:// address"),
            };
            findings.bad(exit, "web", error.to_string(), mend);
            None
        }
        Err(error) => {
            findings.bad(exit::INTERNAL, "web", error.to_string(), "try again");
            None
        }
    }
}

/// When it says that it is, and which version.
async fn answer(address: &Address, findings: &mut Findings) {
    let url = format!("{}/docs/openapi.json", address.url);
    let asked = tokio::task::spawn_blocking(move || ask(&url)).await;
    let (date, version) = asked.unwrap_or_default();
    match date.and_then(|date| date.duration_since(UNIX_EPOCH).ok()) {
        Some(theirs) => skew(theirs.as_secs(), Env::os().clock.now(), findings),
        None => findings.warning("clock", "the server does not say what time it is", "a proxy may leave `Date` out"),
    }
    match version {
        Some(version) if version == env!("CARGO_PKG_VERSION") => {
            findings.good("version", format!("{version}, as this program"))
        }
        Some(version) => {
            let text = format!("the server is {version}, this program {}", env!("CARGO_PKG_VERSION"));
            findings.warning("version", text, "they agree on the protocol; newer abilities may be missing");
        }
        None => findings.warning("version", "the server does not say which version it is", "ask its administrator"),
    }
}

/// The date of an answer, and the version of the API that it describes.
fn ask(url: &str) -> (Option<SystemTime>, Option<String>) {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .build()
        .into();
    let Ok(mut answer) = agent.get(url).call() else { return (None, None) };
    let date = answer.headers().get("date").and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
    let body = answer.body_mut().with_config().limit(DESCRIPTION_MAX).read_to_string().unwrap_or_default();
    let described: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
    (date, described["info"]["version"].as_str().map(str::to_owned))
}

fn skew(theirs: u64, ours: u64, findings: &mut Findings) {
    let away = theirs.abs_diff(ours);
    let word = if ours > theirs { "ahead of" } else { "behind" };
    match away {
        0..=2 => findings.good("clock", "the same as the server's"),
        3..SKEW => findings.good("clock", format!("{away} seconds {word} the server's")),
        _ => findings.warning(
            "clock",
            format!("{away} seconds {word} the server's: the first operation is done twice, to correct it"),
            "set the clock of this machine (timedatectl set-ntp true)",
        ),
    }
}

/// Its token channel, each way.
async fn channel(endpoint: &Endpoint, address: &Address, common: &Common, findings: &mut Findings) {
    connects("tcp", &TcpConnector, endpoint, "open the port in firewalls, or use --transport websocket", findings)
        .await;
    refused(endpoint, findings).await;
    let mut websocket = WebSocketConnector::new().port(common.web_port.unwrap_or(address.port));
    if let Some(path) = &common.web_ca {
        match std::fs::read(path).and_then(|pem| websocket.clone().authorities(&pem)) {
            Ok(trusting) => websocket = trusting,
            Err(error) => {
                let text = format!("{} has no certificates to trust: {error}", path.display());
                return findings.bad(exit::USAGE, "websocket", text, "give another --web-ca");
            }
        }
    }
    let mend = "look at --web-port and --web-ca, and whether a proxy lets WebSockets to /channel pass";
    connects("websocket", &websocket, endpoint, mend, findings).await;
}

async fn connects(
    what: &'static str,
    connector: &dyn Connector,
    endpoint: &Endpoint,
    mend: &str,
    findings: &mut Findings,
) {
    match timeout(PATIENCE, connector.connect(endpoint)).await {
        Ok(Ok(_)) => findings.good(what, format!("{endpoint} answers")),
        Ok(Err(error)) => findings.bad(exit::OFFLINE, what, error.to_string(), mend),
        Err(_) => findings.bad(exit::OFFLINE, what, format!("{endpoint} does not answer in {PATIENCE:?}"), mend),
    }
}

/// Whether datagrams are refused. Servers are silent to whom they do not know, so that more is known only with a token.
async fn refused(endpoint: &Endpoint, findings: &mut Findings) {
    let sent = async {
        let host = endpoint.host.trim_start_matches('[').trim_end_matches(']');
        let to = lookup_host((host, endpoint.port)).await?.next();
        let to = to.ok_or(std::io::ErrorKind::AddrNotAvailable)?;
        let from = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let socket = UdpSocket::bind(from).await?;
        socket.connect(to).await?;
        socket.send(&[0]).await?;
        let mut buffer = [0; 1];
        match timeout(REFUSAL, socket.recv(&mut buffer)).await {
            Ok(heard) => heard.map(|_| ()),
            Err(_) => Ok(()),
        }
    };
    match sent.await {
        Ok(()) => findings.good("udp", "nobody refuses datagrams; `status --transport udp` proves more, with a token"),
        Err(error) => {
            findings.warning("udp", format!("datagrams to {endpoint}: {error}"), "TCP is used in their place")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_meant_as_where_a_code_is_typed() {
        let parsed = |text: &str| Address::parse(text).map(|address| (address.url, address.host, address.port));
        for (text, url, host, port) in [
            ("id.example", "https://id.example:443", "id.example", 443),
            ("https://id.example:8443/", "https://id.example:8443", "id.example", 8443),
            ("127.0.0.1", "http://127.0.0.1:8420", "127.0.0.1", 8420),
            ("http://[::1]:9", "http://[::1]:9", "::1", 9),
        ] {
            assert_eq!(parsed(text), Some((url.to_owned(), host.to_owned(), port)), "{text}");
        }
        assert_eq!(parsed("id.example:99999"), None);
    }

    #[test]
    fn a_clock_that_is_wrong_by_minutes_is_told() {
        let verdict = |theirs, ours| {
            let mut findings = Findings::default();
            skew(theirs, ours, &mut findings);
            let found = &findings.0[0];
            (found.verdict.word(), found.text.split(':').next().unwrap_or_default().to_owned())
        };
        assert_eq!(verdict(1_000, 1_001), ("ok", "the same as the server's".to_owned()));
        assert_eq!(verdict(1_000, 1_060), ("ok", "60 seconds ahead of the server's".to_owned()));
        assert_eq!(verdict(1_000, 400), ("warning", "600 seconds behind the server's".to_owned()));
    }
}
