//! The command line.

mod args;
mod daemon;
mod exit;
mod output;
mod pins;
mod run;
mod stub;

use std::process::ExitCode;

use clap::Parser as _;
use tokio::runtime::Builder;

pub use exit::exit_code;
pub use run::CliError;

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    let mut arguments = args::Arguments::parse();
    let json = arguments.json;
    let result = match arguments.command {
        args::Command::Run(how) => {
            arguments.command = args::Command::List;
            run_on(&mut Builder::new_multi_thread(), daemon::run(arguments, how)).map(|ended| ended.exit())
        }
        _ => run_on(&mut Builder::new_current_thread(), run::run(arguments)).map(|()| crate::exit::DONE),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            output::error(json, &error);
            ExitCode::from(exit_code(&error))
        }
    }
}

fn run_on<T>(runtime: &mut Builder, work: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    let runtime = runtime.enable_all().build().map_err(CliError::Runtime)?;
    let result = runtime.block_on(work);
    // A holder who is thinking about a question does not keep the program.
    runtime.shutdown_background();
    result
}
