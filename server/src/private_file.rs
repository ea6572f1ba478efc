//! Files that nobody else may read: keys and passwords.

use std::path::{Component, Path};

/// Who made a file, and so who else may read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Maker {
    /// The server or the person who runs it: mode 0600 or less.
    Own,
    /// Somebody who provides it to the server: service managers and containers let the server's group read it, and show
    /// an access list for its user as that, too. Mode 0640 or less.
    Provider,
}

impl Maker {
    /// Whether a file of this maker with these permission bits is nobody else's to read.
    #[must_use]
    pub const fn is_private(self, mode: u32) -> bool {
        let forbidden = match self {
            Self::Own => 0o077,
            Self::Provider => 0o037,
        };
        mode & forbidden == 0
    }
}

/// Whether a file at `path` with these permission bits is nobody else's to read: mode 0600 or less, or a credential
/// that the service manager has put below `$CREDENTIALS_DIRECTORY`.
#[must_use]
pub fn is_private(path: &Path, mode: u32) -> bool {
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY");
    is_private_with(path, mode, credentials.as_deref().map(Path::new))
}

fn is_private_with(path: &Path, mode: u32, credentials: Option<&Path>) -> bool {
    let is_credential = credentials.is_some_and(|folder| folder.is_absolute() && path.starts_with(folder))
        && !path.components().any(|component| component == Component::ParentDir);
    let maker = if is_credential { Maker::Provider } else { Maker::Own };
    maker.is_private(mode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_credentials_may_be_read_by_the_group_and_nothing_by_all() {
        let folder = Path::new("/run/credentials/cardea-server.service");
        let private = |path: &str, mode| is_private_with(Path::new(path), mode, Some(folder));
        let (credential, own) = ("/run/credentials/cardea-server.service/tls.key", "/etc/cardea/tls.key");
        assert!(private(credential, 0o100_440) && private(credential, 0o400));
        assert!(private(own, 0o100_600) && private(own, 0o400));
        for mode in [0o444, 0o460, 0o450, 0o402, 0o401] {
            assert!(!private(credential, mode), "{mode:o}");
        }
        assert!(!private(own, 0o440));
        assert!(!private("/run/credentials/cardea-server.service/../../../etc/cardea/tls.key", 0o440));
        assert!(!private("/run/credentials/cardea-server.service.d/tls.key", 0o440));
        for folder in [None, Some(Path::new("")), Some(Path::new("run/credentials"))] {
            assert!(!is_private_with(Path::new("run/credentials/tls.key"), 0o440, folder), "{folder:?}");
        }
    }
}
