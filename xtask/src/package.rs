//! `cargo xtask package`: what app developers install.

mod kotlin;
pub(crate) mod python;
mod swift;

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
    /// The Swift package with the generated code, and on macOS the XCFramework that it links. Elsewhere it is tried in a
    /// small Debian, which takes root on a Debian
    Swift,
    /// The JVM jar, tried by a fresh JVM; the Android AAR where Android's toolchain is
    Kotlin,
}

/// Makes a package and tries it.
pub(crate) fn run(package: &Package) -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let mut report = Report::new();
    match package {
        Package::Python => {
            report.part("python", || python::run(&workspace));
        }
        Package::Swift => {
            report.part("swift", || swift::run(&workspace));
        }
        Package::Kotlin => kotlin::run(&workspace, &mut report),
    }
    Ok(report.finish())
}
