//! The section of the database.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use super::{Problem, count, optional, seconds, timeout};
use crate::storage::{Options, PostgresUrl, PostgresUrlError};

/// Section `database`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    /// A PostgreSQL database; `None`: SQLite in the data folder.
    pub url: DatabaseUrl,
    /// A file with the password.
    #[serde(deserialize_with = "optional")]
    pub password_file: Option<String>,
    /// Connections that read.
    pub connections: usize,
    /// How long to wait for others that write.
    #[serde(deserialize_with = "seconds")]
    pub timeout: Duration,
}

/// The text of `database.url`. It may have a password in it, so that nothing shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(Zeroizing<String>);

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "none" } else { "[redacted]" })
    }
}

impl<'de> Deserialize<'de> for DatabaseUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

impl DatabaseConfig {
    pub(super) fn check(&self) -> Result<(), Problem> {
        count(("database.connections", self.connections))?;
        timeout(("database.timeout", self.timeout))?;
        match self.parse() {
            Err(PostgresUrlError::SslMode) => {
                Err(("database.url", "may have sslmode=disable or sslmode=verify-full, not what protects only by luck"))
            }
            Err(_) => Err(("database.url", "must be postgresql://USER@HOST:PORT/DATABASE")),
            Ok(None) if self.password_file.is_some() => Err(("database.password_file", "goes with database.url")),
            Ok(_) => Ok(()),
        }
    }

    fn parse(&self) -> Result<Option<PostgresUrl>, PostgresUrlError> {
        if self.url.0.is_empty() { Ok(None) } else { PostgresUrl::parse(&self.url.0).map(Some) }
    }

    /// The PostgreSQL database, with its password; `None`: SQLite in the data folder.
    ///
    /// # Errors
    /// The password file cannot be used.
    pub fn postgres(&self) -> Result<Option<PostgresUrl>, PostgresUrlError> {
        let Some(url) = self.parse()? else { return Ok(None) };
        match &self.password_file {
            Some(path) => url.with_password_file(&PathBuf::from(path)).map(Some),
            None => Ok(Some(url)),
        }
    }

    /// Whether the password stands in the url, where it is shown more easily than in a file of its own.
    #[must_use]
    pub fn has_password_in_url(&self) -> bool {
        self.parse().is_ok_and(|url| url.is_some_and(|url| url.has_password()))
    }

    /// How the database is used.
    #[must_use]
    pub fn options(&self) -> Options {
        Options { busy_timeout: self.timeout, readers: self.connections, ..Options::default() }
    }
}

/// Whether the value of a key is nothing for the command line, where every user of the machine can read it.
pub(super) fn is_secret(key: &str, value: &str) -> bool {
    key == "database.url" && PostgresUrl::parse(value).is_ok_and(|url| url.has_password())
}
