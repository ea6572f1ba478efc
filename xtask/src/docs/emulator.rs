//! What the emulator says about itself: its reference, and the description of its control API. The program prints both.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::lint::Findings;
use crate::process;
use crate::report::Outcome;
use crate::test::build_all;
use crate::workspace::Workspace;

/// The files, and which command prints each.
const FILES: [(&str, &str); 2] =
    [("docs/emulator/reference.md", "reference"), ("docs/emulator/openapi.json", "openapi")];

/// Builds the program and lets it say what belongs in each file.
pub(super) fn generate(workspace: &Workspace) -> Result<Vec<(&'static str, Vec<u8>)>> {
    build_all(workspace, "emulator-docs-build")?;
    let program = workspace.target().join("debug/cardea-emulator");
    let print = |(file, command): (&'static str, &str)| {
        let mut command_line = Command::new(&program);
        // What is set here is not what is meant.
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("CARDEA_")) {
                command_line.env_remove(name);
            }
        }
        let text = process::output(command_line.arg(command))?;
        Ok((file, text.into_bytes()))
    };
    FILES.into_iter().map(print).collect()
}

/// Writes everything anew; says what.
pub(super) fn write(workspace: &Workspace) -> Result<Vec<String>> {
    let mut sizes = Vec::new();
    for (file, bytes) in generate(workspace)? {
        fs::write(workspace.root.join(file), &bytes).with_context(|| format!("cannot write {file}"))?;
        sizes.push(format!("{file} {} KiB", bytes.len() / 1024));
    }
    Ok(sizes)
}

/// What is committed is what the program says.
pub(crate) fn check(workspace: &Workspace) -> Result<Outcome> {
    let mut findings = Findings::of("files");
    for (file, bytes) in generate(workspace)? {
        findings.saw();
        if fs::read(workspace.root.join(file)).ok().as_deref() != Some(&bytes[..]) {
            findings.wrong(format!("{file} is not what the emulator says: run cargo xtask docs and commit"));
        }
    }
    findings.verdict()
}
