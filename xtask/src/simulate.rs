//! `cargo xtask simulate`: the simulation in `tests/simulation`, for as many schedules as one likes.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::process;
use crate::report::{Outcome, Report};
use crate::workspace::Workspace;

/// How much to simulate.
#[derive(Args)]
pub(crate) struct Options {
    /// How many schedules to run [default: 1000000, or 1 with `--config`]
    #[arg(long)]
    schedules: Option<u64>,
    /// The seed of the first schedule; a failure names the seed and the configuration that replay it
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Run this configuration only
    #[arg(long)]
    config: Option<String>,
    /// How many threads share the work
    #[arg(long, default_value_t = 2)]
    threads: u64,
    /// Print everything that happens in the first schedule
    #[arg(long)]
    trace: bool,
}

/// Builds the simulation in release mode and runs it.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let mut report = Report::new();
    report.part("simulation", || {
        let schedules = options.schedules.unwrap_or(if options.config.is_some() { 1 } else { 1_000_000 });
        let mut command = process::cargo(&workspace.root);
        command.args(["run", "-q", "--release", "-p", "cardea-simulation", "--"]);
        command.args(["--schedules", &schedules.to_string(), "--seed", &options.seed.to_string()]);
        command.args(["--threads", &options.threads.to_string()]);
        if let Some(config) = &options.config {
            command.args(["--config", config]);
        }
        if options.trace {
            command.arg("--trace");
        }
        println!();
        process::shown_to_the_end(&mut command)?;
        Outcome::passed(format!("{schedules} schedules from seed {}", options.seed))
    });
    Ok(report.finish())
}
