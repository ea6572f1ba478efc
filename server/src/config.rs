//! The configuration: defaults, file, environment, flags; see `config.default.toml` for every key.

mod database;
mod http;
mod keys;
mod layers;
mod password;
mod public;
mod retention;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use cardea_protocol::wire::Host;
pub use database::{DatabaseConfig, DatabaseUrl};
pub use http::{ForwardedBy, HttpConfig, LimitsConfig, MetricsConfig, TlsConfig};
pub use keys::KeysConfig;
pub use layers::{ConfigError, DEFAULTS, Sources};
pub use password::PasswordConfig;
pub use public::{AndroidApp, IosApp, PublicConfig, StoreLink};
pub use retention::{AuditConfig, RetentionConfig};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::network::Network;

/// Everything that can be configured. Made by [`Sources::load`] only, so it is always complete and checked.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the data is.
    pub data: DataConfig,
    /// The master key, where it is not in the data folder.
    pub keys: KeysConfig,
    /// The database, where it is not in the data folder.
    pub database: DatabaseConfig,
    /// How the world reaches the server.
    pub public: PublicConfig,
    /// The HTTP side.
    pub http: HttpConfig,
    /// Certificate and key of the HTTP side.
    pub tls: TlsConfig,
    /// What passwords cost.
    pub password: PasswordConfig,
    /// How often one may call.
    pub limits: LimitsConfig,
    /// What is counted, for others to read.
    pub metrics: MetricsConfig,
    /// The token channel.
    pub channel: ChannelConfig,
    /// Deliveries to services.
    pub webhook: WebhookConfig,
    /// The audit log.
    pub audit: AuditConfig,
    /// How long things are kept.
    pub retention: RetentionConfig,
    /// Stopping.
    pub shutdown: ShutdownConfig,
    /// Logs.
    pub log: LogConfig,
}

/// Section `data`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// Folder of master key and, unless it is on PostgreSQL, database.
    pub dir: PathBuf,
}

/// Section `channel`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelConfig {
    /// Address to bind.
    pub listen: SocketAddr,
    /// Whether datagrams are answered at the same address.
    pub udp: bool,
    /// Whether the HTTP side takes WebSockets for it at `/channel`.
    pub websocket: bool,
    /// Proxies in front of it, each of which says with a PROXY header whose connection it carries.
    #[serde(deserialize_with = "networks")]
    pub trusted_proxies: Vec<Network>,
    /// Connections at once.
    pub max_connections: usize,
    /// Datagrams that are looked at, at once.
    pub max_datagrams: usize,
    /// Connections at once from one address.
    pub max_connections_per_address: usize,
    /// First-time handshakes of one device per minute.
    pub max_handshakes_per_minute: u32,
    /// Failed handshakes of one address per minute, and as many resyncs.
    pub max_failures_per_minute: u32,
    /// Time for a complete handshake.
    #[serde(deserialize_with = "seconds")]
    pub handshake_timeout: Duration,
    /// Idle time of a session.
    #[serde(deserialize_with = "seconds")]
    pub idle_timeout: Duration,
    /// Grid on which answers leave; zero: at once.
    #[serde(rename = "reply_grid_ms", deserialize_with = "milliseconds")]
    pub reply_grid: Duration,
}

/// Section `webhook`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// Whether services may have webhooks that are called by plain HTTP.
    pub allow_http: bool,
    /// Whether they may lead into the server's own network.
    pub allow_private: bool,
    /// More certificate authorities that receivers may have their certificates from.
    #[serde(deserialize_with = "optional")]
    pub ca_file: Option<String>,
}

/// Section `shutdown`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShutdownConfig {
    /// How long calls and sessions may take to end.
    #[serde(deserialize_with = "seconds")]
    pub grace: Duration,
}

/// Section `log`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    /// A filter in the syntax of `tracing_subscriber::EnvFilter`.
    pub level: String,
    /// How a line looks.
    pub format: LogFormat,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Config {
    fn check(&self) -> Result<(), Problem> {
        let positive = [
            ("channel.max_connections", self.channel.max_connections),
            ("channel.max_datagrams", self.channel.max_datagrams),
            ("channel.max_connections_per_address", self.channel.max_connections_per_address),
        ];
        let timeouts = [
            ("channel.handshake_timeout", self.channel.handshake_timeout),
            ("channel.idle_timeout", self.channel.idle_timeout),
        ];
        self.database.check()?;
        self.public.check()?;
        self.http.check()?;
        self.tls.check()?;
        self.password.check()?;
        self.audit.check()?;
        self.retention.check()?;
        if self.channel.max_handshakes_per_minute == 0 {
            return Err(("channel.max_handshakes_per_minute", "must be at least one"));
        }
        if self.channel.max_failures_per_minute == 0 {
            return Err(("channel.max_failures_per_minute", "must be at least one"));
        }
        positive.into_iter().try_for_each(count)?;
        timeouts.into_iter().try_for_each(timeout)?;
        if self.channel.reply_grid > Duration::from_secs(1) {
            return Err(("channel.reply_grid_ms", "must be at most 1000 milliseconds"));
        }
        if self.data.dir.as_os_str().is_empty() {
            return Err(("data.dir", "must name a folder"));
        }
        tracing_subscriber::EnvFilter::try_new(&self.log.level)
            .map_err(|_| ("log.level", "must be a level or a filter such as info,cardea_server=debug"))?;
        Ok(())
    }
}

/// The host in a public web address: what devices connect to. `None` when the address cannot be used.
#[must_use]
pub fn public_host(url: &str) -> Option<Host> {
    let (authority, secure) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(authority), _) => (authority, true),
        (_, Some(authority)) => (authority, false),
        _ => return None,
    };
    // A colon inside brackets belongs to an IPv6 address.
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            port.parse::<u16>().ok().filter(|port| *port != 0)?;
            host
        }
        _ => authority,
    };
    let bracketed = host.starts_with('[') && host.ends_with(']');
    let host = Host::new(host).ok().filter(|host| bracketed || !host.as_str().contains([':', '[', ']']))?;
    (secure || host.is_loopback()).then_some(host)
}

/// What is wrong with a value: its key, and what it must be.
type Problem = (&'static str, &'static str);

fn count((key, value): (&'static str, usize)) -> Result<(), Problem> {
    // The upper bound is far from what a semaphore holds, and from any sense.
    let fits = (1..=1 << 24).contains(&value);
    if fits { Ok(()) } else { Err((key, "must be at least one and at most 16777216")) }
}

fn timeout((key, value): (&'static str, Duration)) -> Result<(), Problem> {
    let fits = !value.is_zero() && value <= Duration::from_secs(30 * 86_400);
    if fits { Ok(()) } else { Err((key, "must be at least one second and at most 30 days")) }
}

fn optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Some(String::deserialize(deserializer)?).filter(|text| !text.is_empty()))
}

fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Network>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Network::parse_list(&text).map_err(|(text, error)| D::Error::custom(format!("`{text}` is no network: {error}")))
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_secs)
}

fn milliseconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_millis)
}

#[cfg(test)]
mod tests;
