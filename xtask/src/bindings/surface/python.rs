//! What is public in a Python package or module. Python reads it itself, with the module `ast`.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::process;

/// The program that reads it.
const PROGRAM: &str = "xtask/src/bindings/surface/python.py";

/// One line for each public thing in the folder of a package, or in the file of a module, that apps import as `name`.
///
/// # Errors
///
/// There is no `python3`, it cannot read the sources, or a name is exported that nothing defines.
pub(super) fn lines(root: &Path, name: &str, path: &Path) -> Result<BTreeSet<String>> {
    let mut python = Command::new("python3");
    python.arg("-B").arg(root.join(PROGRAM)).arg(name).arg(path);
    Ok(process::output(&mut python)?.lines().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests;
