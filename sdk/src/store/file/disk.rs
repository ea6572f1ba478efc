//! Files and folders: private, replaced atomically, flushed, locked.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process;

use cardea_protocol::Secret;

use crate::store::{StoreError, TokenKey};

pub(super) const KEY_NAME: &str = "store.key";
const ID_NAME: &str = "store.id";
const FOLDER_LOCK: &str = "store.lock";
const TOKEN: &str = "token";
const LOCK: &str = "lock";
const TEMPORARY: &str = "new";
const ID_LEN: usize = 32;

/// A private folder.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    // Once in the library for phones, and not in each way to open a folder.
    #[inline(never)]
    pub(super) fn open(path: PathBuf) -> Result<Self, StoreError> {
        let made = path.ancestors().take_while(|folder| !folder.is_dir()).count();
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path).map_err(|error| StoreError::from_io(&path, error))?;
        private_to_us(&path)?;
        // What is written into a folder is only as durable as the folder's own name. It may have been made right before
        // a crash.
        for parent in path.ancestors().skip(1).take(made.max(1)) {
            match flush(if parent.as_os_str().is_empty() { Path::new(".") } else { parent }) {
                Err(error) if made > 0 && !matches!(error, StoreError::ReadOnly { .. }) => return Err(error),
                // One that may not be read cannot be flushed, and what was there before is somebody else's to keep.
                _ => {}
            }
        }
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn token_path(&self, key: &TokenKey) -> PathBuf {
        self.0.join(format!("{key}.{TOKEN}"))
    }

    fn lock_path(&self, key: &TokenKey) -> PathBuf {
        self.0.join(format!("{key}.{LOCK}"))
    }

    /// All tokens, by the names of their files.
    pub(super) fn tokens(&self) -> Result<Vec<TokenKey>, StoreError> {
        let failed = |error| StoreError::from_io(&self.0, error);
        let mut keys = Vec::new();
        for file in fs::read_dir(&self.0).map_err(failed)? {
            let path = PathBuf::from(file.map_err(failed)?.file_name());
            if path.extension().is_some_and(|extension| extension == TOKEN)
                && let Some(key) = path.file_stem().and_then(|name| name.to_str()?.parse().ok())
            {
                keys.push(key);
            }
        }
        keys.sort_unstable();
        Ok(keys)
    }

    /// The folder's key; made by `fresh` for a folder that has neither key nor tokens.
    pub(super) fn key(&self, fresh: impl FnOnce() -> Secret<32>) -> Result<Secret<32>, StoreError> {
        // Two programs that find an empty folder must not make two keys.
        let _lock = self.lock()?;
        let path = self.0.join(KEY_NAME);
        if let Some(key) = read_key(&path)? {
            return Ok(key);
        }
        // A folder with a name has its key in a secret store.
        if !self.tokens()?.is_empty() || self.id()?.is_some() {
            return Err(StoreError::KeyMissing { path });
        }
        let key = fresh();
        self.replace(&path, key.expose())?;
        Ok(key)
    }

    /// Waits until no other program is about to give the folder a key.
    fn lock(&self) -> Result<Locked, StoreError> {
        let path = self.0.join(FOLDER_LOCK);
        let lock = private(&path, false)?;
        lock.lock().map_err(|error| StoreError::from_io(&path, error))?;
        Ok(Locked::new(lock))
    }

    /// The key in the file beside the tokens, if it is there.
    pub(super) fn key_in_file(&self) -> Result<Option<Secret<32>>, StoreError> {
        read_key(&self.0.join(KEY_NAME))
    }

    /// Removes the key file if it holds `key`, which is kept elsewhere now.
    pub(super) fn remove_key(&self, key: &Secret<32>) -> Result<(), StoreError> {
        let path = self.0.join(KEY_NAME);
        if read_key(&path)?.as_ref() == Some(key) {
            fs::remove_file(&path).map_err(|error| StoreError::from_io(&path, error))?;
            self.flush()?;
        }
        Ok(())
    }

    pub(super) fn id_path(&self) -> PathBuf {
        self.0.join(ID_NAME)
    }

    /// The folder's name: 32 hexadecimal digits, once [`Folder::claim`] gave it one.
    pub(super) fn id(&self) -> Result<Option<String>, StoreError> {
        let path = self.id_path();
        let Some(bytes) = read(&path, ID_LEN)? else { return Ok(None) };
        let is_id = bytes.len() == ID_LEN && bytes.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        String::from_utf8(bytes).ok().filter(|_| is_id).map(Some).ok_or(StoreError::Corrupt { path })
    }

    /// Gives the folder its name, unless it has got one, or another key in a file than `key`, meanwhile.
    pub(super) fn claim(&self, id: &str, key: Option<&Secret<32>>) -> Result<bool, StoreError> {
        let _lock = self.lock()?;
        if self.id()?.is_some() || self.key_in_file()?.as_ref() != key {
            return Ok(false);
        }
        self.replace(&self.id_path(), id.as_bytes())?;
        Ok(true)
    }

    /// Takes the name `id` from a folder without tokens, so that it can get another one. Returns whether it may.
    pub(super) fn give_up_id(&self, id: &str) -> Result<bool, StoreError> {
        let _lock = self.lock()?;
        if !self.tokens()?.is_empty() {
            return Ok(false);
        }
        if self.id()?.as_deref() == Some(id) {
            let path = self.id_path();
            fs::remove_file(&path).map_err(|error| StoreError::from_io(&path, error))?;
        }
        Ok(true)
    }

    /// Replaces `path` by `bytes`: durable and whole when this returns, the old content otherwise.
    pub(super) fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        let failed = |error| StoreError::from_io(path, error);
        // One name per file: it is written under the lease, and what a crash left behind goes. Whatever is there after
        // that, a link too, is somebody else's, and is not written.
        let temporary = path.with_extension(TEMPORARY);
        let _ = fs::remove_file(&temporary);
        let written = private(&temporary, true).and_then(|mut file| {
            file.write_all(bytes).map_err(failed)?;
            file.sync_all().map_err(failed)?;
            fs::rename(&temporary, path).map_err(failed)
        });
        if written.is_err() {
            // The old content stands; what is left of the new one may stay if it cannot be removed.
            let _ = fs::remove_file(&temporary);
        }
        written?;
        self.flush()
    }

    /// Makes names durable.
    fn flush(&self) -> Result<(), StoreError> {
        flush(&self.0)
    }

    /// Removes a token and, where that is safe, its lock file. The caller holds the lease.
    pub(super) fn remove(&self, key: &TokenKey) -> Result<(), StoreError> {
        let path = self.token_path(key);
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(StoreError::from_io(path, error)),
        }
        if cfg!(unix) {
            // Whoever waits for this lock finds out that its name is gone, see `try_lock`.
            let _ = fs::remove_file(self.lock_path(key));
        }
        self.flush()
    }

    /// Locks a token against every other process and thread.
    pub(super) fn try_lock(&self, key: &TokenKey) -> Result<Option<Locked>, StoreError> {
        let path = self.lock_path(key);
        let file = private(&path, false)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(StoreError::from_io(path, error)),
        }
        let locked = Locked::new(file);
        // Between opening and locking, the one before may have removed the name: then this locks nothing.
        Ok(is_still(&path, &locked.file).map_err(|error| StoreError::from_io(path, error))?.then_some(locked))
    }
}

/// A locked file, until it is dropped.
#[derive(Debug)]
pub(super) struct Locked {
    file: File,
    /// Who has locked it.
    process: u32,
}

impl Locked {
    fn new(file: File) -> Self {
        Self { file, process: process::id() }
    }

    /// What `process` has after a `fork`.
    #[cfg(test)]
    pub(super) fn copy(&self, process: u32) -> Self {
        Self { file: self.file.try_clone().expect("there are few open files"), process }
    }
}

impl Drop for Locked {
    /// Closing the file is not enough where a `fork` has made a copy of it, whoever has that; and the copy must not take
    /// the lock from who has it.
    fn drop(&mut self) {
        if self.process == process::id() {
            // It fails where there is nothing to unlock.
            let _ = self.file.unlock();
        }
    }
}

/// Makes the names in a folder durable.
fn flush(folder: &Path) -> Result<(), StoreError> {
    if cfg!(unix) {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| StoreError::from_io(folder, error))
    } else {
        Ok(())
    }
}

/// Refuses a folder in which others could put their own files in the place of ours. A group that has its owner's number
/// is the owner alone, as on Android and where each user has a group.
#[cfg(unix)]
fn private_to_us(folder: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = fs::metadata(folder).map_err(|error| StoreError::from_io(folder, error))?;
    let others = if metadata.uid() == metadata.gid() { 0o002 } else { 0o022 };
    if metadata.mode() & others == 0 { Ok(()) } else { Err(StoreError::KeyExposed { path: folder.to_owned() }) }
}

/// Who may write a folder is no matter of its mode here.
#[cfg(not(unix))]
fn private_to_us(_: &Path) -> Result<(), StoreError> {
    Ok(())
}

/// Whether `path` still names the open `file`.
#[cfg(unix)]
fn is_still(path: &Path, file: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let ours = file.metadata()?;
    match fs::metadata(path) {
        Ok(named) => Ok((named.dev(), named.ino()) == (ours.dev(), ours.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether `path` still names the open `file`: names of open files do not go away here.
#[cfg(not(unix))]
fn is_still(_: &Path, _: &File) -> io::Result<bool> {
    Ok(true)
}

/// Opens a file for writing that only its owner may read, making it if it is not there. A `fresh` one must not be there.
fn private(path: &Path, fresh: bool) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).create_new(fresh).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|error| StoreError::from_io(path, error))
}

/// Reads a file, or `None` if there is none. Stops reading one byte after `limit`: a longer file is wrong anyway.
pub(super) fn read(path: &Path, limit: usize) -> Result<Option<Vec<u8>>, StoreError> {
    let failed = |error| StoreError::from_io(path, error);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mut bytes = Vec::with_capacity(limit + 1);
    file.take(u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    Ok(Some(bytes))
}

fn read_key(path: &Path) -> Result<Option<Secret<32>>, StoreError> {
    let mut bytes = match read(path, 32)? {
        Some(bytes) => zeroize::Zeroizing::new(bytes),
        None => return Ok(None),
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let metadata = fs::metadata(path).map_err(|error| StoreError::from_io(path, error))?;
        if metadata.permissions().mode() & 0o077 != 0 {
            return Err(StoreError::KeyExposed { path: path.to_owned() });
        }
    }
    let found = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let key = Secret::from_slice(&bytes).ok_or(StoreError::Truncated { path: path.to_owned(), found, expected: 32 })?;
    zeroize::Zeroize::zeroize(&mut *bytes);
    Ok(Some(key))
}
