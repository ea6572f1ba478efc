//! Where a PostgreSQL database is, and how the way there is protected.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use zeroize::Zeroizing;

/// Time to reach the database and to log in.
const CONNECT: Duration = Duration::from_secs(3);
/// Silence on a connection after which the network is asked whether the other end is still there.
const KEEPALIVE: Duration = Duration::from_secs(10);
/// How long sent bytes may stay unacknowledged.
const UNACKNOWLEDGED: Duration = Duration::from_secs(10);
/// Longest password file that is looked at, in bytes.
const PASSWORD_MAX: usize = 4096;

/// Where a PostgreSQL database is. `Debug` shows no password.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    pub(super) config: Box<Config>,
    pub(super) security: Security,
}

/// How the way to the database is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Security {
    /// Not at all: a socket of this machine, or the operator said so.
    None,
    /// TLS, with the server's name proved by these authorities; `None`: those that browsers trust.
    Tls {
        /// A PEM file.
        roots: Option<PathBuf>,
    },
}

/// What keeps others from reading and changing what is sent to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// TLS, and the server's certificate is checked.
    Tls,
    /// It does not leave this machine.
    SameMachine,
    /// Nothing.
    Nothing,
}

/// A `database.url` or password file that cannot be used. The operator has to change it. Never says what is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PostgresUrlError {
    /// Not of this form.
    #[error("must be postgresql://USER@HOST:PORT/DATABASE")]
    Form,
    /// An `sslmode` that does not say whether the connection is protected.
    #[error("may have sslmode=disable or sslmode=verify-full, not one that is protected only by luck")]
    SslMode,
    /// The password file cannot be used.
    #[error("the password file {} {problem}", path.display())]
    PasswordFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

impl PostgresUrl {
    /// Reads `postgresql://USER@HOST:PORT/DATABASE?sslmode=verify-full&sslrootcert=FILE`.
    ///
    /// Without `sslmode`, TLS is used to everything but sockets of this machine and loopback addresses.
    ///
    /// # Errors
    /// [`PostgresUrlError::Form`], [`PostgresUrlError::SslMode`].
    pub fn parse(url: &str) -> Result<Self, PostgresUrlError> {
        let rest = url.strip_prefix("postgresql://").or_else(|| url.strip_prefix("postgres://"));
        let rest = rest.ok_or(PostgresUrlError::Form)?;
        let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let (mut mode, mut roots, mut others) = (None, None, Vec::new());
        for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
            match parameter.split_once('=') {
                Some(("sslmode", value)) => mode = Some(value),
                Some(("sslrootcert", value)) => roots = Some(PathBuf::from(unescape(value)?)),
                _ => others.push(parameter),
            }
        }
        let plain = Zeroizing::new(format!("postgresql://{place}?{}", others.join("&")));
        let config: Config = plain.parse().map_err(|_| PostgresUrlError::Form)?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(PostgresUrlError::Form);
        }
        let mut url = Self { config: Box::new(config), security: Security::None };
        url.security = match mode {
            None if url.is_local() && roots.is_none() => Security::None,
            Some("disable") => Security::None,
            None | Some("require" | "verify-ca" | "verify-full") => Security::Tls { roots },
            Some(_) => return Err(PostgresUrlError::SslMode),
        };
        let mode = if url.security == Security::None { SslMode::Disable } else { SslMode::Require };
        url.config
            .ssl_mode(mode)
            .target_session_attrs(TargetSessionAttrs::ReadWrite)
            .connect_timeout(CONNECT)
            .keepalives(true)
            .keepalives_idle(KEEPALIVE)
            .keepalives_interval(KEEPALIVE)
            .keepalives_retries(3)
            .tcp_user_timeout(UNACKNOWLEDGED);
        Ok(url)
    }

    /// Takes the password from the first line of a file that only its owner may read.
    ///
    /// # Errors
    /// [`PostgresUrlError::PasswordFile`].
    pub fn with_password_file(mut self, path: &Path) -> Result<Self, PostgresUrlError> {
        let failed = |problem: String| PostgresUrlError::PasswordFile { path: path.to_owned(), problem };
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let metadata = std::fs::metadata(path).map_err(|error| failed(format!("cannot be read: {error}")))?;
            if !crate::private_file::is_private(path, metadata.permissions().mode()) {
                return Err(failed("may be read by others: run `chmod 600` on it and change the password".to_owned()));
            }
        }
        let text = std::fs::read(path).map_err(|error| failed(format!("cannot be read: {error}")))?;
        let text = Zeroizing::new(text);
        let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() || line.len() > PASSWORD_MAX {
            return Err(failed("has no password in its first line".to_owned()));
        }
        self.config.password(line);
        Ok(self)
    }

    /// Whether the text has a password in it, so that it must not stand where others can read it.
    #[must_use]
    pub fn has_password(&self) -> bool {
        self.config.get_password().is_some()
    }

    /// How the way there is protected.
    #[must_use]
    pub fn protection(&self) -> Protection {
        match self.security {
            Security::Tls { .. } => Protection::Tls,
            Security::None if self.is_local() => Protection::SameMachine,
            Security::None => Protection::Nothing,
        }
    }

    fn is_local(&self) -> bool {
        let names = self.config.get_hosts().iter().all(is_local);
        names && self.config.get_hostaddrs().iter().all(|address| address.is_loopback())
    }

    /// What to call it in messages: the database and where it is.
    #[must_use]
    pub fn name(&self) -> String {
        let hosts: Vec<_> = self.config.get_hosts().iter().map(host_name).collect();
        let user = self.config.get_user().unwrap_or_default();
        let database = self.config.get_dbname().unwrap_or(user);
        format!("the database {database} on {}", hosts.join(","))
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresUrl").field("name", &self.name()).field("security", &self.security).finish()
    }
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

fn host_name(host: &Host) -> String {
    match host {
        Host::Tcp(name) => name.clone(),
        #[cfg(unix)]
        Host::Unix(path) => path.display().to_string(),
    }
}

/// Percent-decodes a file name.
fn unescape(text: &str) -> Result<String, PostgresUrlError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first != b'%' {
            bytes.push(*first);
            rest = after;
            continue;
        }
        let digits = after.get(..2).and_then(|digits| data_encoding::HEXUPPER_PERMISSIVE.decode(digits).ok());
        bytes.extend_from_slice(&digits.ok_or(PostgresUrlError::Form)?);
        rest = &after[2..];
    }
    String::from_utf8(bytes).map_err(|_| PostgresUrlError::Form)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> PostgresUrl {
        PostgresUrl::parse(url).expect("a good url")
    }

    #[test]
    fn only_this_machine_is_reached_without_tls_unless_the_operator_says_so() {
        let tls = Security::Tls { roots: None };
        for (url, security) in [
            ("postgresql://joe@db.example/cardea", &tls),
            ("postgresql://joe@db.example/cardea?sslmode=require", &tls),
            ("postgresql://joe@127.0.0.1,db.example/cardea", &tls),
            ("postgresql://joe@localhost/cardea?sslmode=verify-full", &tls),
            ("postgresql://joe@db.example/cardea?sslmode=disable", &Security::None),
            ("postgresql://joe@127.0.0.1/cardea", &Security::None),
            ("postgres://joe@[::1]:5433/cardea", &Security::None),
            ("postgresql:///cardea?host=/run/postgresql&user=joe", &Security::None),
        ] {
            assert_eq!(&parse(url).security, security, "{url}");
        }
        let roots = Some(PathBuf::from("/etc/my ca.pem"));
        let url = "postgresql://joe@127.0.0.1/cardea?sslrootcert=/etc/my%20ca.pem";
        assert_eq!(parse(url).security, Security::Tls { roots });
        for url in ["postgresql://joe@db.example/x?sslmode=prefer", "postgresql://joe@db.example/x?sslmode="] {
            assert_eq!(PostgresUrl::parse(url), Err(PostgresUrlError::SslMode), "{url}");
        }
    }

    #[test]
    fn what_protects_the_way_is_known() {
        for (url, protection) in [
            ("postgresql://joe@db.example/cardea?sslmode=disable", Protection::Nothing),
            ("postgresql://joe@db.example/cardea", Protection::Tls),
            ("postgresql://joe@localhost/cardea?sslmode=verify-full", Protection::Tls),
            ("postgresql://joe@127.0.0.1/cardea?sslmode=disable", Protection::SameMachine),
            ("postgresql:///cardea?host=/run/postgresql&user=joe", Protection::SameMachine),
        ] {
            assert_eq!(parse(url).protection(), protection, "{url}");
        }
    }

    #[test]
    fn what_is_no_url_is_refused_without_being_repeated() {
        for url in
            ["", "host=db user=joe", "mysql://joe@db/x", "postgresql://", "postgresql:///x", "postgresql://h:x/y"]
        {
            assert_eq!(PostgresUrl::parse(url), Err(PostgresUrlError::Form), "{url}");
        }
    }

    #[test]
    fn no_password_is_shown() {
        let url = parse("postgresql://joe:sesame@127.0.0.1/cardea");
        assert!(url.has_password());
        let shown = format!("{url:?} {}", url.name());
        assert!(shown.contains("cardea on 127.0.0.1") && !shown.contains("sesame"), "{shown}");
    }

    #[cfg(unix)]
    #[test]
    fn a_password_file_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("password");
        let read = || parse("postgresql://joe@127.0.0.1/cardea").with_password_file(&path);
        assert!(read().is_err(), "there is none");
        std::fs::write(&path, "sesame\nsecond line\n").expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).expect("set");
        assert!(read().expect_err("others may read it").to_string().contains("chmod 600"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("set");
        assert_eq!(read().expect("read").config.get_password(), Some(b"sesame".as_slice()));
        std::fs::write(&path, "\nsesame\n").expect("written");
        assert!(read().is_err(), "the first line is empty");
    }
}
