//! The section about the master key.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::optional;
use crate::vault::KeyLocation;

/// The name under which a service manager hands the master key over.
const CREDENTIAL: &str = "vault.key";

/// Section `keys`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeysConfig {
    /// The file that somebody else provides the master key in; `None`: `vault.key` in the data folder.
    #[serde(deserialize_with = "optional")]
    pub master_key_file: Option<String>,
}

impl KeysConfig {
    /// Where the master key is, for a server with this data folder.
    #[must_use]
    pub fn master_key(&self, folder: &Path) -> KeyLocation {
        match &self.master_key_file {
            Some(path) => KeyLocation::Provided(PathBuf::from(path)),
            None => KeyLocation::Folder(folder.to_owned()),
        }
    }
}

/// The master key among the credentials of a systemd service, if it is one of them.
pub(super) fn credential(environment: &[(String, String)]) -> Option<String> {
    let (_, folder) =
        environment.iter().find(|(name, folder)| name == "CREDENTIALS_DIRECTORY" && !folder.is_empty())?;
    let path = Path::new(folder).join(CREDENTIAL);
    // One that is there and cannot be looked at is an error later, and no reason to use another key.
    let is_there = !matches!(path.try_exists(), Ok(false));
    is_there.then(|| path.to_str().map(str::to_owned)).flatten()
}
