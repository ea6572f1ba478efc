//! Where a running emulator is found: a socket that only its owner can open, and a file with the token for HTTP.

use std::fs::{self, File, OpenOptions};
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use cardea_sdk::Entropy;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::listed::{self, Entry, Listed};
use super::{DaemonError, Plan};
use crate::files;

/// The socket in a state folder.
const SOCKET: &str = "control.sock";
/// The token in a state folder.
const TOKEN: &str = "control.token";
/// What says where HTTP is answered, in a state folder.
const FOUND: &str = "control.json";

/// How a running emulator is found, as it says itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// Its socket.
    pub socket: Option<PathBuf>,
    /// Where it answers HTTP.
    pub http: Option<String>,
    /// The file with the token for HTTP.
    pub token_file: Option<PathBuf>,
    /// Its process.
    pub pid: u32,
    /// Its version.
    pub version: String,
}

/// How the emulator on a state folder is found; `None` if none says that it runs. It may have been killed since.
#[must_use]
pub fn find(state: &Path) -> Option<Found> {
    serde_json::from_slice(&fs::read(state.join(FOUND)).ok()?).ok()
}

/// What is there for others to find it. Gone when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    found: Found,
    token: Option<Zeroizing<String>>,
    #[cfg(unix)]
    listener: Option<tokio::net::UnixListener>,
    /// What to remove at the end, in this order.
    made: Vec<PathBuf>,
    /// Held while it runs.
    _lock: Option<File>,
    /// In the list while it runs.
    _listed: Option<Entry>,
}

impl Drop for Place {
    fn drop(&mut self) {
        for path in &self.made {
            // Somebody may have removed it.
            let _ = fs::remove_file(path);
        }
    }
}

impl Place {
    /// Takes the place that `plan` says, if nobody has it.
    pub(super) fn take(plan: &Plan, http: Option<SocketAddr>, entropy: &dyn Entropy) -> Result<Self, DaemonError> {
        let in_state = |name: &str| plan.state.as_ref().map(|state| state.join(name));
        let socket = match (plan.socket.clone().or_else(|| in_state(SOCKET)), &plan.list) {
            // Who can be called over HTTP needs none.
            (None, Some(list)) if http.is_none() && cfg!(unix) => {
                private_folder(list)?;
                Some(listed::socket(list))
            }
            (socket, _) => socket.filter(|_| cfg!(unix)),
        };
        if socket.is_none() && http.is_none() {
            return Err(DaemonError::NowhereToCall);
        }
        let found = Found {
            socket: socket.clone(),
            http: http.map(|address| format!("http://{address}")),
            token_file: None,
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let mut place = Self {
            found,
            token: None,
            #[cfg(unix)]
            listener: None,
            made: Vec::new(),
            _lock: None,
            _listed: None,
        };
        if let Some(state) = &plan.state {
            private_folder(state)?;
            place._lock = Some(locked(&state.join("control.lock"), state)?);
        }
        #[cfg(unix)]
        if let Some(path) = socket {
            place.listener = Some(place.socket(&path)?);
        }
        if http.is_some() {
            let path = match plan.token_file.clone().or_else(|| in_state(TOKEN)) {
                Some(path) => path,
                None => match &plan.list {
                    // The next one removes it there, if this one is killed.
                    Some(list) => {
                        private_folder(list)?;
                        listed::token(list)
                    }
                    None => std::env::temp_dir().join(format!("cardea-emulator-{}.token", std::process::id())),
                },
            };
            place.token(&path, entropy)?;
        }
        if let Some(path) = in_state(FOUND) {
            let text = serde_json::to_vec(&place.found).unwrap_or_default();
            place.write(&path, &text)?;
        }
        if let Some(list) = &plan.list {
            let listed = Listed::of(plan.state.as_deref(), &place.found);
            match Entry::make(list, &listed) {
                Ok(entry) => place._listed = Some(entry),
                // Without it everything works but `ps`.
                Err(error) => plan.log.note(&format!("not in the list of those that run: {error}")),
            }
        }
        Ok(place)
    }

    /// How it is found.
    pub(super) const fn found(&self) -> &Found {
        &self.found
    }

    /// The token that callers over HTTP have.
    pub(super) fn http_token(&self) -> Option<&str> {
        self.token.as_ref().map(|token| token.as_str())
    }

    /// The socket, once.
    #[cfg(unix)]
    pub(super) const fn listener(&mut self) -> Option<tokio::net::UnixListener> {
        self.listener.take()
    }

    /// Makes a new token and its file.
    fn token(&mut self, path: &Path, entropy: &dyn Entropy) -> Result<(), DaemonError> {
        if !may_be_replaced(path) {
            return Err(DaemonError::NoToken(path.to_owned()));
        }
        let mut bytes = Zeroizing::new([0; 32]);
        entropy.fill(&mut *bytes);
        let mut token = Zeroizing::new(String::with_capacity(64));
        for byte in &*bytes {
            for digit in [byte >> 4, byte & 15] {
                token.push(char::from_digit(digit.into(), 16).unwrap_or('0'));
            }
        }
        self.write(path, token.as_bytes())?;
        self.found.token_file = Some(path.to_owned());
        self.token = Some(token);
        Ok(())
    }

    /// Writes a file that only its owner can read, and which is gone at the end.
    fn write(&mut self, path: &Path, bytes: &[u8]) -> Result<(), DaemonError> {
        write(path, bytes)?;
        self.made.push(path.to_owned());
        Ok(())
    }

    /// Listens on a socket that only its owner can open, from the beginning.
    #[cfg(unix)]
    fn socket(&mut self, path: &Path) -> Result<tokio::net::UnixListener, DaemonError> {
        use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};

        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        not_for_others(folder)?;
        match fs::symlink_metadata(path) {
            Ok(there) if !there.file_type().is_socket() => return Err(DaemonError::InTheWay(path.to_owned())),
            // Who answers is another one; who does not was killed.
            Ok(_) if std::os::unix::net::UnixStream::connect(path).is_ok() => {
                return Err(DaemonError::Runs(path.to_owned()));
            }
            _ => {}
        }
        // Bound where nobody can open it, and moved when its mode is right.
        let nursery = folder.join(format!(".{}", std::process::id()));
        let draft = nursery.join("s");
        if draft.as_os_str().len() > LONGEST_SOCKET || path.as_os_str().len() > LONGEST_SOCKET {
            return Err(DaemonError::LongPath(path.to_owned()));
        }
        private_folder(&nursery)?;
        let bound = (|| {
            let _ = fs::remove_file(&draft);
            let listener = tokio::net::UnixListener::bind(&draft)?;
            fs::set_permissions(&draft, fs::Permissions::from_mode(0o600))?;
            fs::rename(&draft, path)?;
            Ok(listener)
        })();
        let _ = fs::remove_file(&draft);
        let _ = fs::remove_dir(&nursery);
        let listener = bound.map_err(DaemonError::file(path))?;
        self.made.push(path.to_owned());
        Ok(listener)
    }
}

/// Writes a file that only its owner can read, whole or not at all.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), DaemonError> {
    files::replace(path, bytes).map_err(DaemonError::file(path))
}

/// Whether nothing is there but what another emulator left for a token.
fn may_be_replaced(path: &Path) -> bool {
    match fs::symlink_metadata(path) {
        Ok(there) => {
            let mut text = Zeroizing::new(String::new());
            let read = |file: File| file.take(64).read_to_string(&mut text);
            let is_like_one = there.is_file() && there.len() == 64;
            is_like_one && File::open(path).and_then(read).is_ok() && text.bytes().all(|it| it.is_ascii_hexdigit())
        }
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}

/// Longest path of a socket, in bytes, on every Unix.
pub(crate) const LONGEST_SOCKET: usize = 103;

/// Makes a folder, if there is none, that is for its owner only.
pub(super) fn private_folder(path: &Path) -> Result<(), DaemonError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(DaemonError::file(path))
}

/// A folder in which others can put something else in the place of a file.
#[cfg(unix)]
fn not_for_others(folder: &Path) -> Result<(), DaemonError> {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = fs::metadata(folder).map_err(DaemonError::file(folder))?.permissions().mode();
    // Where the sticky bit is set, files are their owners' only.
    if mode & 0o022 != 0 && mode & 0o1000 == 0 { Err(DaemonError::Writable(folder.to_owned())) } else { Ok(()) }
}

/// The lock of a state folder.
fn locked(path: &Path, state: &Path) -> Result<File, DaemonError> {
    let file =
        OpenOptions::new().write(true).create(true).truncate(false).open(path).map_err(DaemonError::file(path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(DaemonError::Runs(state.to_owned())),
        Err(fs::TryLockError::Error(error)) => Err(DaemonError::file(path)(error)),
    }
}
