//! Compiling, unless nothing has changed: the compiler needs tens of seconds even for a small file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};

use super::{Toolchain, class_path};
use crate::process;
use crate::workspace::Workspace;

/// What is compiled in one go.
pub(crate) struct Unit<'a> {
    /// Also the name of the folder with the classes, below `target/jvm`.
    pub(crate) name: &'a str,
    /// Kotlin files.
    pub(crate) sources: Vec<PathBuf>,
    /// Libraries and folders of classes that it uses.
    pub(crate) uses: Vec<PathBuf>,
    /// Of `uses`, those whose internal names it may use, as tests do.
    pub(crate) friends: Vec<PathBuf>,
    /// Further arguments of the compiler.
    pub(crate) arguments: Vec<String>,
}

impl Unit<'_> {
    /// Compiles to a folder of classes, or returns the one of the last time if nothing has changed since.
    ///
    /// # Errors
    ///
    /// The compiler's messages.
    pub(crate) fn compile(&self, workspace: &Workspace, toolchain: &Toolchain) -> Result<PathBuf> {
        let classes = workspace.target().join("jvm").join(self.name);
        let stamp = classes.with_extension("digest");
        let digest = self.digest()?;
        if fs::read_to_string(&stamp).is_ok_and(|done| done == digest) {
            return Ok(classes);
        }
        if classes.exists() {
            fs::remove_dir_all(&classes).with_context(|| format!("cannot empty {}", classes.display()))?;
        }
        let mut command = Command::new("java");
        // The optimizing compiler of the JVM would not pay off within one run.
        command
            .current_dir(&workspace.root)
            .args(["-Xmx1500m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp"])
            .arg(class_path(&toolchain.compiler())?)
            .args(["org.jetbrains.kotlin.cli.jvm.K2JVMCompiler", "-no-stdlib", "-no-reflect"])
            .args(["-jvm-target", "17", "-Xjdk-release=17", "-module-name"])
            .arg(self.name)
            .args(&self.arguments);
        if !self.friends.is_empty() {
            let friends: Vec<String> = self.friends.iter().map(|path| path.display().to_string()).collect();
            command.arg(format!("-Xfriend-paths={}", friends.join(",")));
        }
        command.arg("-cp").arg(class_path(&self.uses)?).arg("-d").arg(&classes).args(&self.sources);
        process::logged(&mut command, &workspace.log(&format!("jvm-{}", self.name)))?;
        fs::write(&stamp, &digest).with_context(|| format!("cannot write {}", stamp.display()))?;
        Ok(classes)
    }

    /// Over everything that the classes depend on.
    fn digest(&self) -> Result<String> {
        let mut hash = Sha256::new();
        let mut text = |text: &str| {
            hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(text);
        };
        for argument in &self.arguments {
            text(argument);
        }
        for path in &self.uses {
            text(&path.display().to_string());
            // A folder that was compiled here says by its own digest what is in it.
            text(&fs::read_to_string(path.with_extension("digest")).unwrap_or_default());
        }
        for path in &self.sources {
            text(&path.display().to_string());
            text(&read(path)?);
        }
        Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_changes_with_every_source_argument_and_used_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("A.kt"), "class A").unwrap();
        fs::write(path("used.digest"), "before").unwrap();
        let digest = |argument: &str| {
            let unit = Unit {
                name: "x",
                sources: vec![path("A.kt")],
                uses: vec![path("used")],
                friends: vec![],
                arguments: vec![argument.to_owned()],
            };
            unit.digest().unwrap()
        };
        let first = digest("-a");
        assert_eq!(first, digest("-a"));
        assert_ne!(first, digest("-b"));
        fs::write(path("used.digest"), "after").unwrap();
        let second = digest("-a");
        assert_ne!(first, second);
        fs::write(path("A.kt"), "class B").unwrap();
        assert_ne!(second, digest("-a"));
    }
}
