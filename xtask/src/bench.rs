//! `cargo xtask bench`: benchmarks that fail when a required ratio is missed.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::process;
use crate::report::{Outcome, Report};
use crate::workspace::Workspace;

/// Which benchmark to run.
#[derive(Args)]
pub(crate) struct Options {
    /// The benchmark
    #[arg(value_enum, default_value_t = Subject::Protocol)]
    subject: Subject,
}

#[derive(Clone, Copy, ValueEnum)]
enum Subject {
    /// Handshake and cells against the primitives they are made of and against an independent peer
    Protocol,
}

/// Runs the benchmark with its table on the terminal.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let (package, bench) = match options.subject {
        Subject::Protocol => ("cardea-protocol", "protocol"),
    };
    let mut report = Report::new();
    report.printing_part("bench", || {
        process::shown_to_the_end(
            process::cargo(&workspace.root).args(["bench", "-q", "-p", package, "--bench", bench]),
        )?;
        Outcome::passed(bench)
    });
    Ok(report.finish())
}
