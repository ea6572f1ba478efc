//! `cargo xtask soak`: servers that are killed under load, for as many cycles as one likes.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::process;
use crate::report::{Outcome, Report};
use crate::tools::{self, CC, POSTGRES};
use crate::workspace::Workspace;

/// How long to go on.
#[derive(Args)]
pub(crate) struct Options {
    /// How many kills, over each database
    #[arg(long, default_value_t = 100)]
    cycles: u64,
}

/// Builds the programs and runs the cycles over SQLite, then over PostgreSQL with two nodes.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let mut report = Report::new();
    let (_, missing) = tools::provide(&[CC, POSTGRES], &workspace.log("needs"))?;
    for over in ["sqlite", "postgres"] {
        report.part(over, || {
            if let Some(tool) = missing.first() {
                return Ok(Outcome::Skipped(tool.missing()));
            }
            let mut command = process::cargo(&workspace.root);
            command.args(["run", "-q", "-p", "cardea-tests", "--bin", "soak", "--", "--over", over]);
            command.args(["--cycles", &options.cycles.to_string()]);
            println!();
            process::shown_to_the_end(&mut command)?;
            Outcome::passed(format!("{} kills", options.cycles))
        });
    }
    Ok(report.finish())
}
