//! The emulator that a tester tells what to do from a terminal.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::{Ran, emulator, output};

/// An emulator over a state folder of its own, which runs or rests. Ended when this is dropped.
#[derive(Debug)]
pub struct Instance {
    folder: TempDir,
}

impl Instance {
    /// One that runs in the background, started with `arguments` besides.
    #[must_use]
    pub fn up(arguments: &[&str]) -> Self {
        let instance = Self::resting();
        instance.run(&[&["up"], arguments].concat()).ended(0);
        instance
    }

    /// One that does not run: commands do what they say by themselves.
    #[must_use]
    pub fn resting() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    /// A file of this name in a folder of its own.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command for it, with its answer as JSON.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(emulator());
        command.env("XDG_STATE_HOME", self.folder.path()).env_remove("CARDEA_EMULATOR_STATE");
        command.args(["--instance", "test", "--json", "--allow-test-argon2"]).args(arguments);
        command
    }

    /// Runs a command.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Ran {
        output(&mut self.command(arguments)).into()
    }

    /// What a command that succeeds says.
    #[expect(clippy::must_use_candidate, reason = "most commands are run for what they do")]
    pub fn done(&self, arguments: &[&str]) -> Value {
        self.run(arguments).ended(0).json()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = output(&mut self.command(&["down"]));
    }
}
