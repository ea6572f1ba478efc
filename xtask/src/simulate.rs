//! `cargo xtask simulate`: the simulation of the tests, for as many schedules as one likes.

use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::Args;

use crate::process;
use crate::report::{Outcome, Report};
use crate::workspace::Workspace;

/// How much to simulate.
#[derive(Args)]
pub(crate) struct Options {
    /// How many schedules to run
    #[arg(long, default_value_t = 1_000_000)]
    schedules: u64,
    /// The seed of the first schedule; a failure names the seed that replays it
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Runs the simulation tests of `cardea-tests` in a release build, with the numbers handed over in the environment.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let mut report = Report::new();
    report.printing_part("simulation", || {
        let test = || {
            let mut command = process::cargo(&workspace.root);
            command.args(["test", "-q", "--release", "-p", "cardea-tests", "--test", "it", "simulation", "--"]);
            command
        };
        let list = process::logged(test().arg("--list"), &workspace.log("simulate-list"))?;
        ensure!(list.lines().any(|line| line.ends_with(": test")), "cardea-tests has no test named simulation");
        let mut command = test();
        command
            .arg("--nocapture")
            .env("CARDEA_SIMULATION_SCHEDULES", options.schedules.to_string())
            .env("CARDEA_SIMULATION_SEED", options.seed.to_string());
        process::shown_to_the_end(&mut command)?;
        Outcome::passed(format!("{} schedules from seed {}", options.schedules, options.seed))
    });
    Ok(report.finish())
}
