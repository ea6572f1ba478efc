//! `cargo xtask sizes`: how large the products are.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};

use crate::process;
use crate::report::{Outcome, Report};
use crate::workspace::Workspace;

/// Builds each product the way it ships and prints its size.
pub(crate) fn run() -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let mut report = Report::new();
    let library = format!("{}cardea_ffi{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let programs = ["cardea-server", "cardea-emulator"];
    report.part("bindings library", || {
        // With the crate's other types beside it, cargo would leave the optimization over all crates out.
        let mut command = process::cargo(&workspace.root);
        command.args(["rustc", "--profile", "release-ffi", "-p", "cardea-ffi", "--lib", "--crate-type", "cdylib"]);
        process::logged(&mut command, &workspace.log("sizes"))?;
        size(workspace.target().join("release-ffi").join(library))
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
