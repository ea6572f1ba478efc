//! `cargo xtask audit`: known vulnerabilities. Apart from `test`, because the advisory database comes from outside.

use std::process::{Command, ExitCode, Stdio};

use anyhow::{Result, bail};

use crate::process;
use crate::report::{Outcome, Report};
use crate::workspace::Workspace;

/// Runs cargo-deny or cargo-audit, whichever is installed.
pub(crate) fn run() -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let mut report = Report::new();
    report.part("advisories", || {
        for (name, arguments) in [("deny", ["check", "advisories"].as_slice()), ("audit", &[])] {
            if !is_installed(name) {
                continue;
            }
            let mut command = process::cargo(&workspace.root);
            process::logged(command.arg(name).args(arguments), &workspace.log("audit"))?;
            return Outcome::passed(format!("cargo-{name}"));
        }
        bail!("neither cargo-deny nor cargo-audit is here; install one: cargo install --locked cargo-deny")
    });
    Ok(report.finish())
}

fn is_installed(name: &str) -> bool {
    Command::new(format!("cargo-{name}"))
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
