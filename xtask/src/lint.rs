//! `cargo xtask lint`: every check that needs no build, then clippy.
//!
//! A check is a function from the workspace to its [`Findings`]; one file per subject.

mod adr;
mod arrows;
mod commands;
mod files;
mod findings;
mod invariants;
mod licenses;
mod links;
mod manifests;
mod rooms;
mod spdx;
mod words;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

pub(crate) use findings::Findings;

use crate::docs;
use crate::process;
use crate::report::{Outcome, Report};
use crate::vectors;
use crate::workspace::Workspace;

/// How to lint.
#[derive(Args, Clone, Copy)]
pub(crate) struct Options {
    /// Let rustfmt and clippy mend what they can
    #[arg(long)]
    pub(crate) fix: bool,
}

/// A static check.
#[derive(Clone, Copy)]
pub(crate) struct Check {
    /// Its name in the report.
    pub(crate) name: &'static str,
    run: fn(&Workspace, Options) -> Result<Outcome>,
}

impl Check {
    /// Runs the check.
    pub(crate) fn run(&self, workspace: &Workspace, options: Options) -> Result<Outcome> {
        (self.run)(workspace, options)
    }
}

/// All checks, the fastest first.
pub(crate) const CHECKS: [Check; 15] = [
    Check { name: "lint/format", run: format },
    Check { name: "lint/files", run: |workspace, _| files::names_and_lengths(workspace)?.verdict() },
    Check { name: "lint/paths", run: |workspace, _| files::machine_traces(workspace)?.verdict() },
    Check { name: "lint/words", run: |workspace, _| words::forbidden(workspace)?.verdict() },
    Check { name: "lint/arrows", run: |workspace, _| arrows::check(workspace)?.verdict() },
    Check { name: "lint/rooms", run: |workspace, _| rooms::check(workspace)?.verdict() },
    Check { name: "lint/manifests", run: |workspace, _| manifests::check(workspace)?.verdict() },
    Check { name: "lint/adr", run: |workspace, _| adr::check(workspace)?.verdict() },
    Check { name: "lint/links", run: |workspace, _| links::check(workspace)?.verdict() },
    Check { name: "lint/commands", run: |workspace, _| commands::check(workspace)?.verdict() },
    Check { name: "lint/invariants", run: |workspace, _| invariants::check(workspace)?.verdict() },
    Check { name: "lint/licenses", run: |workspace, _| licenses::check(workspace)?.verdict() },
    Check { name: "lint/api", run: |workspace, _| docs::check(workspace)?.verdict() },
    Check { name: "lint/vectors", run: |workspace, _| vectors::check(workspace)?.verdict() },
    Check { name: "lint/clippy", run: clippy },
];

/// Crates outside the workspace, because they are built with other flags.
pub(crate) const OUTSIDE: [&str; 2] = ["protocol-spec/fuzz", "protocol-spec/no-std-check"];

/// Runs all checks.
pub(crate) fn run(options: Options) -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let mut report = Report::new();
    for check in CHECKS {
        report.part(check.name, || check.run(&workspace, options));
    }
    Ok(report.finish())
}

fn format(workspace: &Workspace, options: Options) -> Result<Outcome> {
    for folder in std::iter::once("").chain(OUTSIDE) {
        let mut command = process::cargo(&workspace.root);
        command.args(["fmt", "--all", "--manifest-path"]).arg(Path::new(folder).join("Cargo.toml"));
        if !options.fix {
            command.args(["--", "--check", "--color", "never"]);
        }
        process::logged(&mut command, &workspace.log("format"))?;
    }
    Outcome::passed("")
}

fn clippy(workspace: &Workspace, options: Options) -> Result<Outcome> {
    let mut command = process::cargo(&workspace.root);
    command.arg("clippy");
    if options.fix {
        command.args(["--fix", "--allow-dirty", "--allow-staged"]);
    }
    command.args(["--quiet", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"]);
    process::logged(&mut command, &workspace.log("clippy"))?;
    Outcome::passed("all targets")
}
