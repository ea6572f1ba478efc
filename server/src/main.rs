//! The program `cardea-server`.

use std::process::ExitCode;

use cardea_server::cli::Cli;
use clap::Parser;

fn main() -> ExitCode {
    Cli::parse().execute()
}
