//! A small system with the Swift of a newer Debian than checks may run on, made below `target/` once.
//!
//! What runs there does so in namespaces of its own: what it mounts and starts is gone when it ends.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::process;
use crate::workspace::Workspace;

/// The release whose Swift is used, and what is installed there. Whoever changes these gets a new system.
const RELEASE: &str = "trixie";
const PACKAGES: &str = "swiftlang,libc6-dev,libstdc++-14-dev";
/// Where the project's files are in that system.
pub(crate) const PLACE: &str = "cardea";

/// The system.
pub(crate) struct System {
    folder: PathBuf,
}

impl System {
    /// Finds the system, or makes it. Without the right to do so, says what is missing.
    ///
    /// # Errors
    ///
    /// The messages of what makes it.
    pub(crate) fn provide(workspace: &Workspace) -> Result<std::result::Result<Self, String>> {
        if cfg!(not(target_os = "linux")) || process::output(Command::new("id").arg("-u"))?.trim() != "0" {
            return Ok(Err(format!(
                "the Swift of Debian {RELEASE} runs in a system of its own, which only root can make"
            )));
        }
        let parent = workspace.target().join("swift");
        let (folder, mark) = (parent.join("system"), parent.join("system.made"));
        let wanted = format!("{RELEASE} {PACKAGES}\n");
        if fs::read_to_string(&mark).is_ok_and(|made| made == wanted) {
            return Ok(Ok(Self { folder }));
        }
        if folder.exists() {
            // Nothing is mounted there: mounts end with the namespace that they were made in.
            fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
        }
        fs::create_dir_all(&parent).with_context(|| format!("cannot make {}", parent.display()))?;
        let mut make = Command::new("debootstrap");
        make.args(["--variant=minbase", &format!("--include={PACKAGES}"), RELEASE]).arg(&folder);
        process::logged(&mut make, &workspace.log("swift-system"))?;
        // What was downloaded is installed now.
        fs::remove_dir_all(folder.join("var/cache/apt/archives")).context("cannot remove the downloaded packages")?;
        fs::write(&mark, wanted).with_context(|| format!("cannot write {}", mark.display()))?;
        Ok(Ok(Self { folder }))
    }

    /// The folder of the project's files, as it is called outside.
    pub(crate) fn place(&self) -> PathBuf {
        self.folder.join(PLACE)
    }

    /// Copies a package to `to`, below [`Self::place`], in place of what was there. What Swift has built there stays.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or written.
    pub(crate) fn put(&self, from: &Path, to: &str) -> Result<PathBuf> {
        let to = self.place().join(to);
        for entry in fs::read_dir(&to).into_iter().flatten().filter_map(Result::ok) {
            if entry.file_name() != ".build" {
                let path = entry.path();
                if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) }
                    .with_context(|| format!("cannot remove {}", path.display()))?;
            }
        }
        crate::bindings::swift::copy(from, &to)?;
        Ok(to)
    }

    /// A program there, with these settings in its environment and no others.
    pub(crate) fn command(&self, settings: &[(&str, &str)], arguments: &[&str]) -> Command {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-c"]);
        // The first argument is the system, the others are what it runs.
        command.arg("system=$0; mount -t proc proc \"$system/proc\" && exec chroot \"$system\" /usr/bin/env -i \"$@\"");
        command.arg(&self.folder);
        command.args(["HOME=/root", "LANG=C.UTF-8", "PATH=/usr/local/bin:/usr/bin:/bin"]);
        command.args(settings.iter().map(|(name, value)| format!("{name}={value}")));
        command.args(arguments);
        command
    }
}
