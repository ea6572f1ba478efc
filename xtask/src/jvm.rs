//! Kotlin on the JVM without Gradle, Maven or an IDE: the compiler comes from npm, JNA and JUnit from Debian, and all of
//! it is unpacked below the target folder.

mod binding;
mod compile;
mod toolchain;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

pub(crate) use binding::{Android, Binding, generate};
pub(crate) use compile::Unit;
pub(crate) use toolchain::{Toolchain, has_debian, provide, unpacked};

/// The folder of the Kotlin binding, relative to the root.
pub(crate) const FOLDER: &str = "ffi/bindings/kotlin";

/// The folder of a jar in which JNA looks for a library of this system.
pub(crate) fn resource_folder() -> Option<&'static str> {
    Some(match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => "linux-x86-64",
        ("linux", "aarch64") => "linux-aarch64",
        ("macos", "x86_64") => "darwin-x86-64",
        ("macos", "aarch64") => "darwin-aarch64",
        ("windows", "x86_64") => "win32-x86-64",
        _ => return None,
    })
}

/// Paths as a class path.
pub(crate) fn class_path(paths: &[PathBuf]) -> Result<OsString> {
    std::env::join_paths(paths).context("a path that cannot stand in a class path")
}

/// Every Kotlin file below `folder`, sorted. None if there is no such folder.
pub(crate) fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = files(folder)?;
    found.retain(|file| file.extension().is_some_and(|extension| extension == "kt"));
    Ok(found)
}

/// Every file below `folder`, sorted. None if there is no such folder.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        if !folder.is_dir() {
            continue;
        }
        let entries = std::fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_found_at_any_depth_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("b/c")).unwrap();
        for name in ["b/c/Two.kt", "One.kt", "b/note.md"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let found = sources(folder.path()).unwrap();
        assert_eq!(found, [folder.path().join("One.kt"), folder.path().join("b/c/Two.kt")]);
        assert!(sources(&folder.path().join("gone")).unwrap().is_empty());
    }
}
