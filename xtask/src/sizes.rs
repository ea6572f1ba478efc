//! `cargo xtask sizes`: how large the products are.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};

use crate::library;
use crate::process;
use crate::report::{Outcome, Report};
use crate::workspace::Workspace;

/// Builds each product the way it ships and prints its size.
pub(crate) fn run() -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let mut report = Report::new();
    let programs = ["cardea-server", "cardea-emulator"];
    report.part("bindings library for phones", || {
        size(library::build_for_phones(&workspace, "", &workspace.log("sizes"))?)
    });
    report.part("programs", || {
        build(&workspace, "release", &programs)?;
        let sizes: Result<Vec<String>> = programs
            .iter()
            .map(|name| {
                let file = workspace.target().join("release").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
                Ok(format!("{name} {}", bytes(file)?))
            })
            .collect();
        Outcome::passed(sizes?.join(", "))
    });
    Ok(report.finish())
}

fn build(workspace: &Workspace, profile: &str, packages: &[&str]) -> Result<()> {
    let mut command = process::cargo(&workspace.root);
    command.args(["build", "--profile", profile]);
    for package in packages {
        command.args(["-p", package]);
    }
    process::logged(&mut command, &workspace.log("sizes")).map(drop)
}

fn size(file: PathBuf) -> Result<Outcome> {
    Outcome::passed(format!("{} bytes", bytes(file)?))
}

fn bytes(file: PathBuf) -> Result<u64> {
    Ok(fs::metadata(&file).with_context(|| format!("the build left no {}", file.display()))?.len())
}
