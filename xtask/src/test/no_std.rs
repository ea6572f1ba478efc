//! The protocol core links and runs without std, without an allocator and without a C library.

use anyhow::{Result, bail};

use crate::process;
use crate::report::Outcome;
use crate::workspace::Workspace;

/// What the program prints last when its self-test held.
const SAID: &str = "no_std ok";

/// Builds and runs `protocol-spec/no-std-check`.
pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let mut command = process::cargo(&workspace.root);
    command
        .args(["run", "--locked", "--release", "--manifest-path"])
        .arg(workspace.root.join("protocol-spec/no-std-check/Cargo.toml"))
        .arg("--target-dir")
        .arg(workspace.target().join("no-std-check"));
    let text = process::logged(&mut command, &workspace.log("no-std"))?;
    if !text.lines().any(|line| line.trim() == SAID) {
        bail!("the program ended well but did not say \"{SAID}\"");
    }
    Outcome::passed("linked without std or an allocator, and ran")
}
