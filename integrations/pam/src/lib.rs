//! `pam_cardea.so`: lets people in whose Cardea token is open, and nobody else.
//!
//! In a service file, after what checks the password:
//!
//! ```text
//! auth required pam_cardea.so config=/etc/security/cardea.conf
//! ```
//!
//! `account` in place of `auth` asks the same, also of those who come in without a password.
//!
//! Everything that is not the one answer of an open token is a no: no configuration, one that others than root could
//! have written or read, a server that is down, slow or not the right one, a redirect, an error, a user name that is not
//! text, and a defect in here.

mod ask;
mod config;
#[cfg(not(test))]
mod entry;

use ask::Refusal;
use config::{Config, ConfigError};

/// What PAM is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// The token is open.
    Open,
    /// The user is on the list of those who need no token: other modules decide.
    Exempt,
    /// Nobody gets in.
    Denied,
}

/// Why nobody got in, for the system's log. No secret is in it.
#[derive(Debug, thiserror::Error)]
enum Reason {
    #[error("no `config=FILE` among the arguments of the module")]
    NoConfig,
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("the user name is not UTF-8")]
    Name,
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// Decides about `user`, by the module's `arguments`.
fn decide(user: &[u8], arguments: &[String]) -> (Verdict, Option<Reason>) {
    match try_decide(user, arguments) {
        Ok(verdict) => (verdict, None),
        Err(reason) => (Verdict::Denied, Some(reason)),
    }
}

fn try_decide(user: &[u8], arguments: &[String]) -> Result<Verdict, Reason> {
    let [file] = arguments else { return Err(Reason::NoConfig) };
    let config = Config::read(file.strip_prefix("config=").ok_or(Reason::NoConfig)?.as_ref())?;
    let user = std::str::from_utf8(user).map_err(|_| Reason::Name)?;
    if config.exempt.iter().any(|name| name == user) {
        return Ok(Verdict::Exempt);
    }
    ask::open(&config, user)?;
    Ok(Verdict::Open)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_usable_configuration_nobody_gets_in() {
        for arguments in [&[][..], &["config=/nonexistent/cardea.conf"], &["/etc/passwd"], &["config=a", "config=b"]] {
            let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
            let (verdict, reason) = decide(b"joe", &arguments);
            assert_eq!(verdict, Verdict::Denied, "{arguments:?}");
            assert!(reason.is_some());
        }
    }
}
