//! What the program says besides its data: on standard error, and in a file for those who look later.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use cardea_sdk::Clock;

/// How much it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Loudness {
    /// Errors.
    Quiet,
    /// What a person should know, too.
    #[default]
    Normal,
    /// Every call, too.
    Verbose,
}

/// What the program says besides its data. Clones are one and the same.
#[derive(Clone, Default)]
pub struct Log {
    loudness: Loudness,
    file: Option<Arc<Written>>,
}

/// A file, and what says when something was written.
struct Written {
    file: Mutex<File>,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("loudness", &self.loudness).field("file", &self.file.is_some()).finish()
    }
}

impl Log {
    /// One that says so much on standard error, and everything in `file`: behind what is in it, for its owner only.
    ///
    /// # Errors
    /// What the system says about the file.
    pub fn new(loudness: Loudness, file: Option<&Path>, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let open = |path: &Path| {
            let mut options = OpenOptions::new();
            options.create(true).append(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            options.open(path)
        };
        let file = file.map(open).transpose()?.map(|file| Arc::new(Written { file: Mutex::new(file), clock }));
        Ok(Self { loudness, file })
    }

    /// Says what went wrong.
    pub fn error(&self, text: &str) {
        self.say(Loudness::Quiet, || text.to_owned());
    }

    /// Says what a person should know.
    pub fn note(&self, text: &str) {
        self.say(Loudness::Normal, || text.to_owned());
    }

    /// Says what was called, and what came of it.
    pub fn call(&self, text: impl FnOnce() -> String) {
        self.say(Loudness::Verbose, text);
    }

    /// Whether anybody hears of calls.
    #[must_use]
    pub fn hears_calls(&self) -> bool {
        self.loudness == Loudness::Verbose || self.file.is_some()
    }

    fn say(&self, at: Loudness, text: impl FnOnce() -> String) {
        if at > self.loudness && self.file.is_none() {
            return;
        }
        let text = text();
        if at <= self.loudness {
            // Whoever has closed it does not want to hear it.
            let _ = writeln!(io::stderr(), "{text}");
        }
        if let Some(written) = &self.file {
            let Written { file, clock } = &**written;
            let line = format!("{} {}\n", clock.now(), text.replace('\n', " "));
            // A full disk does not keep the program from what it was told.
            let _ = file.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use cardea_sdk::Env;

    use super::*;

    #[test]
    fn the_file_has_everything_however_little_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        std::fs::write(&path, "before\n").unwrap();
        let log = Log::new(Loudness::Quiet, Some(&path), Env::os().clock).unwrap();
        log.note("a note\nin two lines");
        log.call(|| "GET /live: 204".to_owned());
        assert!(log.hears_calls());
        let text = std::fs::read_to_string(&path).unwrap();
        let said: Vec<&str> = text.lines().map(|line| line.split_once(' ').map_or(line, |(_, said)| said)).collect();
        assert_eq!(said, ["before", "a note in two lines", "GET /live: 204"]);
    }

    #[test]
    fn nobody_makes_up_what_nobody_hears() {
        Log::default().call(|| panic!("asked for"));
        assert!(!Log::default().hears_calls());
    }
}
