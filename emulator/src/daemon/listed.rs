//! The emulators of a user that run, wherever their state folders are: a file for each in one folder, gone with it.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::DaemonError;
use super::place::{Found, LONGEST_SOCKET, private_folder, write};

/// An emulator that runs, or was killed since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its state folder; nothing if its devices live in memory.
    pub state: Option<PathBuf>,
    /// How it is found.
    pub found: Found,
}

impl Listed {
    /// With paths that whoever reads it finds from where they are.
    pub(super) fn of(state: Option<&Path>, found: &Found) -> Self {
        let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        // A socket that only a short path reaches is reached from where it was made.
        let socket = found.socket.as_deref().map(|socket| {
            let whole = whole(socket);
            if whole.as_os_str().len() > LONGEST_SOCKET { socket.to_owned() } else { whole }
        });
        let found = Found { socket, token_file: found.token_file.as_deref().map(whole), ..found.clone() };
        Self { state: state.map(whole), found }
    }
}

/// A place in the list. Gone when this is dropped.
#[derive(Debug)]
pub(super) struct Entry(PathBuf);

impl Drop for Entry {
    fn drop(&mut self) {
        // Somebody may have removed it.
        let _ = fs::remove_file(&self.0);
    }
}

impl Entry {
    /// Puts one into the list of this folder.
    ///
    /// # Errors
    /// [`DaemonError::File`].
    pub(super) fn make(folder: &Path, listed: &Listed) -> Result<Self, DaemonError> {
        private_folder(folder)?;
        forget_the_dead(folder);
        let path = folder.join(format!("{}.json", listed.found.pid));
        write(&path, &serde_json::to_vec(listed).unwrap_or_default())?;
        Ok(Self(path))
    }
}

/// Where one that has no state folder can have its socket.
pub(super) fn socket(folder: &Path) -> PathBuf {
    folder.join(format!("{}.sock", std::process::id()))
}

/// Where one that has no state folder can have its token.
pub(super) fn token(folder: &Path) -> PathBuf {
    folder.join(format!("{}.token", std::process::id()))
}

/// All that are in the list of this folder, those that were killed since, too.
#[must_use]
pub fn listed(folder: &Path) -> Vec<Listed> {
    files(folder).filter_map(|path| serde_json::from_slice(&fs::read(path).ok()?).ok()).collect()
}

fn files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| path.extension().is_some_and(|ending| ending == "json"))
}

/// Removes what those left that were killed.
fn forget_the_dead(folder: &Path) {
    for path in files(folder) {
        let pid = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
        if pid.is_some_and(|pid| !is_alive(pid)) {
            for left in ["sock", "token"] {
                let _ = fs::remove_file(path.with_extension(left));
            }
            let _ = fs::remove_file(path);
        }
    }
}

/// Whether there is such a process; where nobody can tell, there is.
fn is_alive(pid: i32) -> bool {
    #[cfg(unix)]
    {
        use rustix::process::{Pid, test_kill_process};

        let Some(pid) = Pid::from_raw(pid) else { return false };
        test_kill_process(pid) != Err(rustix::io::Errno::SRCH)
    }
    #[cfg(not(unix))]
    {
        let _ = pid;
        true
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn one(pid: u32) -> Listed {
        let found = Found { socket: None, http: None, token_file: None, pid, version: "1".into() };
        Listed { state: Some("/somewhere".into()), found }
    }

    #[test]
    fn one_that_was_killed_is_forgotten_by_the_next_and_one_that_ends_by_itself() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("running");
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let dead = one(child.id());
        std::mem::forget(Entry::make(&list, &dead).unwrap());
        for left in ["sock", "token"] {
            fs::write(list.join(format!("{}.{left}", child.id())), "").unwrap();
        }
        child.wait().unwrap();
        assert_eq!(listed(&list), [dead]);

        let alive = one(std::process::id());
        let entry = Entry::make(&list, &alive).unwrap();
        assert_eq!(listed(&list), [alive]);
        assert_eq!(fs::read_dir(&list).unwrap().count(), 1);
        fs::write(list.join("other.json"), "garbage").unwrap();
        drop(entry);
        assert_eq!(listed(&list), []);
    }
}
