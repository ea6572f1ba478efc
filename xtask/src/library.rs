//! The bindings library as it ships: the same flags wherever it is built.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::process;
use crate::workspace::Workspace;

pub(crate) const CRATE: &str = "cardea-ffi";
pub(crate) const PROFILE: &str = "release-ffi";
/// What it is built with beside its profile, for `cargo --config`.
pub(crate) const FLAGS: &str = "ffi/release.toml";

/// What has to follow `cargo rustc` (or `cargo ndk ... rustc`) for the shared library without any feature.
///
/// With the crate's other types beside it, cargo would leave the optimization over all crates out.
pub(crate) fn arguments(root: &Path) -> Vec<String> {
    let mut arguments = vec!["--config".to_owned(), root.join(FLAGS).display().to_string()];
    arguments
        .extend(["--locked", "--profile", PROFILE, "-p", CRATE, "--lib", "--crate-type", "cdylib"].map(str::to_owned));
    arguments
}

/// Builds it for this machine, with these features (a list with commas). Returns where it is; it has symbols, which the
/// generator of bindings reads.
///
/// # Errors
/// The build failed, with the end of `log`.
pub(crate) fn build(workspace: &Workspace, features: &str, log: &Path) -> Result<PathBuf> {
    let mut command = process::cargo(&workspace.root);
    command.args(["rustc", "--quiet", "--no-default-features", "--features", features]);
    command.args(arguments(&workspace.root));
    process::logged(&mut command, log)?;
    let name = format!("{}cardea_ffi{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    Ok(workspace.target().join(PROFILE).join(name))
}

/// Writes `built` without symbols and the generator's metadata, which the running library does not need, to `stripped`.
///
/// # Errors
/// There is no `strip`, or it failed.
pub(crate) fn strip(built: &Path, stripped: &Path, log: &Path) -> Result<()> {
    process::logged(Command::new("strip").arg("-o").arg(stripped).arg(built), log).map(drop)
}
