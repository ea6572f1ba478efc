//! The bindings library as it ships: the same flags wherever it is built.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::process;
use crate::workspace::Workspace;

pub(crate) const CRATE: &str = "cardea-ffi";
pub(crate) const PROFILE: &str = "release-ffi";
/// What it is built with beside its profile, for `cargo --config`.
pub(crate) const FLAGS: &str = "ffi/release.toml";
/// What phones get is built with this too.
pub(crate) const PHONE_FLAGS: &str = "ffi/phones.toml";
/// Has a stable compiler take what [`PHONE_FLAGS`] asks for.
pub(crate) const BOOTSTRAP: (&str, &str) = ("RUSTC_BOOTSTRAP", "1");
/// How the generator's metadata is named.
const METADATA: &str = "UNIFFI_META_";

/// What has to follow `cargo rustc` for the shared library.
///
/// With the crate's other types beside it, cargo would leave the optimization over all crates out.
fn arguments(root: &Path, flags: &[&str]) -> Vec<String> {
    let mut arguments = Vec::new();
    for flags in flags {
        arguments.extend(["--config".to_owned(), root.join(flags).display().to_string()]);
    }
    arguments
        .extend(["--locked", "--profile", PROFILE, "-p", CRATE, "--lib", "--crate-type", "cdylib"].map(str::to_owned));
    arguments
}

/// What has to follow `cargo rustc` (or `cargo ndk ... rustc`, with [`BOOTSTRAP`] in its environment) for phones; after it
/// may come `--` and what the linker is told.
pub(crate) fn phone_arguments(root: &Path) -> Vec<String> {
    arguments(root, &[FLAGS, PHONE_FLAGS])
}

/// Builds it for this machine, with these features (a list with commas). Returns where it is; it has symbols, which the
/// generator of bindings reads.
///
/// # Errors
/// The build failed, with the end of `log`.
pub(crate) fn build(workspace: &Workspace, features: &str, log: &Path) -> Result<PathBuf> {
    let mut command = cargo(workspace, features);
    command.args(arguments(&workspace.root, &[FLAGS]));
    process::logged(&mut command, log)?;
    Ok(workspace.target().join(PROFILE).join(name()))
}

/// Builds it for this machine as phones get it, and strips it. Returns where it is; no generator can read it.
///
/// # Errors
/// The build failed, with the end of `log`; the source of the standard library is not there.
pub(crate) fn build_for_phones(workspace: &Workspace, features: &str, log: &Path) -> Result<PathBuf> {
    provide_source(workspace, log)?;
    let host = host(workspace)?;
    let link = |hidden: Option<&Path>| {
        let mut command = cargo(workspace, features);
        command.env(BOOTSTRAP.0, BOOTSTRAP.1).args(["--target", &host]).args(phone_arguments(&workspace.root));
        if let Some(hidden) = hidden {
            command.arg("--").args(linked(hidden));
        }
        process::logged(&mut command, log)?;
        Ok::<_, anyhow::Error>(workspace.target().join(&host).join(PROFILE).join(name()))
    };
    let hidden = hide_metadata(workspace, &link(None)?, log)?;
    let built = link(Some(&hidden))?;
    let stripped = workspace.target().join("xtask/phones.stripped");
    strip(&built, &stripped, log)?;
    Ok(stripped)
}

fn cargo(workspace: &Workspace, features: &str) -> Command {
    let mut command = process::cargo(&workspace.root);
    command.args(["rustc", "--quiet", "--no-default-features", "--features", features]);
    command
}

fn name() -> String {
    format!("{}cardea_ffi{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX)
}

/// Writes what has the linker leave the generator's metadata out, of which `library` has some: the texts of all
/// documentation, which nothing reads once the bindings are there.
///
/// # Errors
/// `library` has none; there is no `nm`.
pub(crate) fn hide_metadata(workspace: &Workspace, library: &Path, log: &Path) -> Result<PathBuf> {
    let listed = process::logged(Command::new("nm").arg("--defined-only").arg(library), log)?;
    let script = hiding(&listed);
    ensure!(!script.is_empty(), "{} has no metadata of the generator", library.display());
    let path = workspace.target().join("xtask/hidden.ld");
    fs::write(&path, script).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// For the linker, from what `nm` lists: what is hidden and refers to nothing is kept by nobody.
fn hiding(listed: &str) -> String {
    let names = listed.lines().filter_map(|line| line.split(' ').next_back());
    let names: BTreeSet<&str> = names.filter(|name| name.starts_with(METADATA)).collect();
    names.into_iter().map(|name| format!("HIDDEN({name} = 0);\n")).collect()
}

/// What the compiler is told to link with what [`hide_metadata`] wrote.
pub(crate) fn linked(hidden: &Path) -> [String; 2] {
    ["-C".to_owned(), format!("link-arg={}", hidden.display())]
}

/// Has the source of the standard library ready, which a build for phones takes.
///
/// # Errors
/// It is not there, and rustup could not bring it.
pub(crate) fn provide_source(workspace: &Workspace, log: &Path) -> Result<()> {
    let sysroot = process::output(Command::new("rustc").current_dir(&workspace.root).args(["--print", "sysroot"]))?;
    if Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library/Cargo.lock").exists() {
        return Ok(());
    }
    let mut add = Command::new("rustup");
    add.current_dir(&workspace.root).args(["component", "add", "rust-src"]);
    process::logged(&mut add, log)
        .map(drop)
        .context("a build for phones takes the source of Rust's standard library: rustup component add rust-src")
}

/// The target that this machine is.
///
/// # Errors
/// There is no compiler, or it does not say.
pub(crate) fn host(workspace: &Workspace) -> Result<String> {
    let text = process::output(Command::new("rustc").current_dir(&workspace.root).arg("-vV"))?;
    text.lines().find_map(|line| line.strip_prefix("host: ")).map(str::to_owned).context("rustc does not name its host")
}

/// Writes `built` without symbols to `stripped`.
///
/// # Errors
/// There is no `strip`, or it failed.
pub(crate) fn strip(built: &Path, stripped: &Path, log: &Path) -> Result<()> {
    process::logged(Command::new("strip").arg("-o").arg(stripped).arg(built), log).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_hidden_and_nothing_else() {
        let listed = "\nlibcardea_ffi.rlib:\n0000000000000000 R UNIFFI_META_B\n0000000000000010 T uniffi_fn_b\n\
                      0000000000000000 R UNIFFI_META_A\n0000000000000000 R UNIFFI_META_B\n";
        assert_eq!(hiding(listed), "HIDDEN(UNIFFI_META_A = 0);\nHIDDEN(UNIFFI_META_B = 0);\n");
        assert_eq!(hiding("0000000000000010 T uniffi_fn_b\n"), "");
    }
}
