//! The command line.

mod args;
mod exit;
mod output;
mod pins;
mod run;
mod stub;

use std::process::ExitCode;

use clap::Parser as _;

pub use exit::exit_code;
pub use run::CliError;

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = args::Arguments::parse();
    let json = arguments.json;
    let result = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(CliError::Runtime)
        .and_then(|runtime| runtime.block_on(run::run(arguments)));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::error(json, &error);
            ExitCode::from(exit_code(&error))
        }
    }
}
