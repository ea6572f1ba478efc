//! Files that nobody else may read: keys and passwords.

use std::path::{Component, Path};

/// What nobody but the owner may do with a file of one's own.
const OWN: u32 = 0o077;
/// The same for a credential: service managers let the service's group read it, and show an access list for its user
/// as that, too.
const CREDENTIAL: u32 = 0o037;

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
    mode & (if is_credential { CREDENTIAL } else { OWN }) == 0
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
