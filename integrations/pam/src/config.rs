//! The configuration: lines `key = value`, `#` begins a comment.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

/// More than any configuration needs.
const SIZE_MAX: u64 = 64 * 1024;

/// What the module is told.
#[derive(Debug)]
pub(crate) struct Config {
    /// `https://host[:port]`, without a path; `http` for this machine only.
    pub(crate) url: String,
    pub(crate) service: String,
    pub(crate) authkey: Zeroizing<String>,
    /// For everything together.
    pub(crate) timeout: Duration,
    /// Certificates to trust in place of the public ones: a PEM file.
    pub(crate) ca: Option<PathBuf>,
    /// Who needs no token.
    pub(crate) exempt: Vec<String>,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("cannot read the configuration file: {0}")]
    Read(#[from] io::Error),
    #[error("the configuration file must be a plain file of root with mode 0600: it has the authkey")]
    Exposed,
    #[error("line {0} of the configuration file is not `key = value` with a known key that is not repeated")]
    Line(usize),
    #[error("`{0}` is missing in the configuration file")]
    Missing(&'static str),
    #[error("`{0}` in the configuration file cannot be used")]
    Value(&'static str),
}

impl Config {
    /// Reads `path`, if nobody but root can have written or read it.
    pub(crate) fn read(path: &Path) -> Result<Self, ConfigError> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() || metadata.uid() != 0 || metadata.mode() & 0o077 != 0 {
            return Err(ConfigError::Exposed);
        }
        let mut text = Zeroizing::new(String::new());
        file.take(SIZE_MAX).read_to_string(&mut text)?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> Result<Self, ConfigError> {
        let mut values = [const { None::<&str> }; KEYS.len()];
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = || ConfigError::Line(number + 1);
            let (key, value) = line.split_once('=').ok_or_else(wrong)?;
            let at = KEYS.iter().position(|known| *known == key.trim()).ok_or_else(wrong)?;
            if values[at].replace(value.trim()).is_some() {
                return Err(wrong());
            }
        }
        let [url, service, authkey, timeout, ca, exempt] = values;
        let needed = |value: Option<&str>, key| match value {
            Some(value) if !value.is_empty() => Ok(value.to_owned()),
            _ => Err(ConfigError::Missing(key)),
        };
        let url = needed(url, "url")?;
        let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://").filter(|host| is_here(host)));
        if host.is_none_or(|host| host.is_empty() || host.contains(['/', '?', '#', '@', ' '])) {
            return Err(ConfigError::Value("url"));
        }
        let is_name = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        let (service, authkey) = (needed(service, "service")?, Zeroizing::new(needed(authkey, "authkey")?));
        if !is_name(&service) {
            return Err(ConfigError::Value("service"));
        }
        if !is_name(&authkey) {
            return Err(ConfigError::Value("authkey"));
        }
        let seconds = timeout.map_or(Ok(10), str::parse).unwrap_or(0);
        if !(1..=10).contains(&seconds) {
            return Err(ConfigError::Value("timeout"));
        }
        let exempt = exempt.unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty());
        Ok(Self {
            url,
            service,
            authkey,
            timeout: Duration::from_secs(seconds),
            ca: ca.map(PathBuf::from),
            exempt: exempt.map(str::to_owned).collect(),
        })
    }
}

const KEYS: [&str; 6] = ["url", "service", "authkey", "timeout", "ca", "exempt"];

/// Whether the host, with or without a port, is this machine.
fn is_here(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    ["127.0.0.1", "localhost", "[::1]"].contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "# a comment\nurl = https://cardea.example\nservice=default_login\nauthkey = abcdefghijklmnop\n";

    #[test]
    fn a_configuration_is_read_with_its_defaults() {
        let config = Config::parse(GOOD).expect("valid");
        assert_eq!((config.url.as_str(), config.service.as_str()), ("https://cardea.example", "default_login"));
        assert_eq!((config.timeout, config.exempt.len()), (Duration::from_secs(10), 0));
        let config = Config::parse(&format!("{GOOD}exempt = root, backup\ntimeout = 3\n")).expect("valid");
        assert_eq!(
            (config.timeout, config.exempt),
            (Duration::from_secs(3), vec!["root".to_owned(), "backup".to_owned()])
        );
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for (line, other) in [
            ("url = https://cardea.example", ""),
            ("url = https://cardea.example", "url = http://cardea.example"),
            ("url = https://cardea.example", "url = https://cardea.example/token"),
            ("url = https://cardea.example", "url = http://127.0.0.1.evil.example:80"),
            ("service=default_login", "service=default_login&id=eve"),
            ("authkey = abcdefghijklmnop", "authkey ="),
            ("# a comment", "timeout = 11"),
            ("# a comment", "timeout = 0"),
            ("# a comment", "timeout = soon"),
            ("# a comment", "exemption = root"),
            ("# a comment", "service = default_other"),
            ("# a comment", "nonsense"),
        ] {
            assert!(Config::parse(&GOOD.replace(line, other)).is_err(), "{other}");
        }
    }
}
