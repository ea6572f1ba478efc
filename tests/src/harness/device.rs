//! Emulated devices.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::process::{self, Killer, Output};
use super::programs;

/// An emulator's state folder.
#[derive(Debug, Clone)]
pub struct Device {
    state: PathBuf,
    allow_test: bool,
    secrets: Arc<Mutex<Vec<String>>>,
}

/// What the emulator has left behind.
#[derive(Debug, Clone, PartialEq)]
pub struct Ran {
    /// Its exit code; -1 when a signal ended it.
    pub code: i32,
    /// What it printed.
    pub out: String,
    /// What it printed on standard error.
    pub err: String,
}

impl Ran {
    /// What its one line of JSON says of what it did, or of why it did not.
    #[must_use]
    pub fn json(&self) -> Value {
        let mut said: Value =
            serde_json::from_str(self.out.trim_end()).unwrap_or_else(|error| panic!("{error}: {self:?}"));
        assert_eq!(said["ok"], self.code == 0, "{self:?}");
        said[if self.code == 0 { "data" } else { "error" }].take()
    }

    /// The word of the error that it ended with; `killed` by a signal, and nothing when it did what it was told.
    #[must_use]
    pub fn word(&self) -> String {
        match self.code {
            0 => String::new(),
            -1 => "killed".to_owned(),
            _ => self.json()["code"].as_str().unwrap_or_default().to_owned(),
        }
    }

    /// Panics unless it ended with the error of this word, and the exit code that it says.
    #[track_caller]
    pub fn failed(self, word: &str) -> Self {
        let said = self.json();
        assert_eq!((said["code"].as_str(), said["exit"].as_i64()), (Some(word), Some(self.code.into())), "{self:?}");
        self
    }

    /// Panics unless the exit code is `code`.
    #[track_caller]
    pub fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self { code: output.code.unwrap_or(-1), out: output.out, err: output.err }
    }
}

/// An emulator at work. Dropping it kills it.
#[derive(Debug)]
pub struct Running(Option<Child>);

impl Running {
    /// Ends it from elsewhere.
    #[must_use]
    pub fn killer(&self) -> Killer {
        Killer::of(self.0.as_ref().expect("taken only at its end"))
    }

    /// Waits for its end.
    #[must_use]
    pub fn finish(mut self) -> Ran {
        process::finish(self.0.take().expect("taken only here")).into()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Device {
    pub(super) fn new(state: PathBuf, allow_test: bool, secrets: Arc<Mutex<Vec<String>>>) -> Self {
        Self { state, allow_test, secrets }
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.state
    }

    /// The file of its only token.
    #[must_use]
    pub fn token_file(&self) -> PathBuf {
        let store = self.state.join("devices").join("main");
        let files = fs::read_dir(store).expect("the device has a store").map(|file| file.expect("readable").path());
        let mut tokens: Vec<PathBuf> =
            files.filter(|path| path.extension().is_some_and(|end| end == "token")).collect();
        assert_eq!(tokens.len(), 1, "{tokens:?}");
        tokens.remove(0)
    }

    /// All that is in its folder, as file names and contents.
    #[must_use]
    pub fn content(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut content = Vec::new();
        let mut folders = vec![self.state.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder can be read") {
                let path = entry.expect("a folder can be read").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    content.push((path.clone(), fs::read(path).expect("a file can be read")));
                }
            }
        }
        content.sort();
        content
    }

    /// A copy of its folder, as a thief or a backup makes one.
    #[must_use]
    pub fn copy(&self, name: &str) -> Self {
        let copy = Self { state: self.state.with_file_name(name), ..self.clone() };
        for (path, bytes) in self.content() {
            let target = copy.state.join(path.strip_prefix(&self.state).expect("it is in the folder"));
            fs::create_dir_all(target.parent().expect("it is in the folder")).expect("a folder can be made");
            fs::copy(&path, &target).expect("a file can be copied");
            drop(bytes);
        }
        copy
    }

    /// The emulator on this folder, with `arguments`.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = process::command(programs::emulator());
        command.arg("--state").arg(&self.state).arg("--json");
        if self.allow_test {
            command.arg("--allow-test-argon2");
        }
        command.args(arguments);
        command
    }

    /// Runs a command that asks for `pins`, one after the other.
    pub fn run(&self, arguments: &[&str], pins: &[&str]) -> Ran {
        self.start(arguments, pins).finish()
    }

    /// Starts a command that asks for `pins`.
    pub fn start(&self, arguments: &[&str], pins: &[&str]) -> Running {
        let mut command = self.command(arguments);
        let mut input = String::new();
        if !pins.is_empty() {
            command.args(["--pin-fd", "0"]);
            let mut secrets = self.secrets.lock().expect("no one panics with it");
            for pin in pins {
                input += &format!("{pin}\n");
                secrets.push((*pin).to_owned());
            }
        }
        Running(Some(process::spawn_with(&mut command, &input)))
    }

    /// `open` with a PIN.
    pub fn open(&self, pin: &str) -> Ran {
        self.run(&["open"], &[pin])
    }

    /// `close`.
    pub fn close(&self) -> Ran {
        self.run(&["close"], &[])
    }

    /// `status`.
    pub fn status(&self) -> Ran {
        self.run(&["status"], &[])
    }
}
