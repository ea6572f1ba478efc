//! The generated code of the Swift package, each file in the target that it belongs to.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::Language;
use crate::workspace::Workspace;

/// The part of the package that only a library with all features has.
pub(crate) const FULL: &str = "Sources/CardeaFull";

/// Generates the code from `library` into `made`, and copies it into a package's `sources`.
pub(crate) fn generate(workspace: &Workspace, library: &Path, made: &Path, sources: &Path) -> Result<()> {
    super::generate_from(workspace, library, Language::Swift, made)?;
    for (file, target) in
        [("CardeaGenerated.swift", "CardeaGenerated/CardeaGenerated.swift"), ("CardeaFFI.h", "CardeaFFI/CardeaFFI.h")]
    {
        copy(&made.join(file), &sources.join(target))?;
    }
    let map = "module CardeaFFI {\n    header \"CardeaFFI.h\"\n    link \"cardea_ffi\"\n    export *\n}\n";
    fs::write(sources.join("CardeaFFI/module.modulemap"), map).context("cannot write the module map")
}

/// Copies a file, or a folder with everything in it but what starts with a dot.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    if !from.is_dir() {
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        return fs::copy(from, to).map(drop).with_context(|| format!("cannot copy {}", from.display()));
    }
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let name = entry?.file_name();
        if !name.to_string_lossy().starts_with('.') {
            copy(&from.join(&name), &to.join(&name))?;
        }
    }
    Ok(())
}
