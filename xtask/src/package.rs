//! `cargo xtask package`: what app developers install.

pub(crate) mod python;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

use crate::report::Report;
use crate::workspace::Workspace;

/// Which package.
#[derive(Subcommand)]
pub(crate) enum Package {
    /// A wheel, built as it ships, installed into a fresh environment and tried there
    Python,
}

/// Makes a package and tries it.
pub(crate) fn run(package: &Package) -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let mut report = Report::new();
    match package {
        Package::Python => report.part("python", || python::run(&workspace)),
    };
    Ok(report.finish())
}
