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
    /// Reply times, sizes and order of normal against duress operations, as the network sees them
    Duress,
}

/// Runs the benchmark with its table on the terminal.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let mut report = Report::new();
    report.printing_part("bench", || {
        let mut command = process::cargo(&workspace.root);
        let name = match options.subject {
            Subject::Protocol => {
                command.args(["bench", "-q", "-p", "cardea-protocol", "--bench", "protocol"]);
                "protocol"
            }
            Subject::Duress => {
                command.args(["run", "-q", "--release", "-p", "cardea-tests", "--bin", "timing"]);
                "duress"
            }
        };
        process::shown_to_the_end(&mut command)?;
        Outcome::passed(name)
    });
    Ok(report.finish())
}
