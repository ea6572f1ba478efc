//! Files that only their owner can read: written whole, or not at all.

use std::fs::{File, OpenOptions, remove_file, rename};
use std::io::{self, Write as _};
use std::path::Path;

/// Writes a file that is not there yet.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`], or what else the system says. What was begun is removed.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = private(path)?;
    or_gone(path, file.write_all(bytes).and_then(|()| file.sync_all()))
}

/// Writes a file, in the place of one that may be there.
///
/// # Errors
/// What the system says. What was there is there still.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", std::process::id()));
    let draft = path.with_file_name(name);
    // What is left of one with this number that was killed.
    let _ = remove_file(&draft);
    let mut file = private(&draft)?;
    or_gone(&draft, file.write_all(bytes).and_then(|()| rename(&draft, path)))
}

/// What was begun is of no use.
fn or_gone(path: &Path, written: io::Result<()>) -> io::Result<()> {
    if written.is_err() {
        let _ = remove_file(path);
    }
    written
}

fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_kept_or_replaced_as_a_whole_and_nobody_else_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("said.keylog");
        std::fs::write(&path, "before").unwrap();
        assert_eq!(write_new(&path, b"after").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&path).unwrap(), b"before");
        replace(&path, b"after").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"after");
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::MetadataExt::mode(&path.metadata().unwrap()) & 0o777, 0o600);
        // A folder is in the way.
        remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(replace(&path, b"more").is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
