//! The command line: says to the control API what the arguments say, and prints what comes back.
//!
//! | what | where |
//! |---|---|
//! | what can be said | `args` |
//! | who does it: a running emulator, or this process | `client` |
//! | the commands | `verbs` |
//! | what is printed | `output`, `say` |
//! | PINs | `pins` |

pub(crate) mod args;
pub(crate) mod client;
mod daemon;
mod error;
mod output;
mod pins;
mod say;
mod scenario;
mod stub;
#[cfg(feature = "terminal")]
mod terminal;
mod verbs;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};
use serde_json::json;
use tokio::runtime::Builder;

use args::{Arguments, Command};
pub use error::CliError;
use output::Output;

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    let Arguments { common, command } = Arguments::parse();
    let meta = json!({ "instance": common.instance, "session": common.session, "device": common.device });
    let output = Output::new(common.json, meta);
    let result = match command {
        Command::Run(how) => {
            run_on(&mut Builder::new_multi_thread(), daemon::run(common, how)).map(|ended| ended.exit())
        }
        #[cfg(feature = "window")]
        Command::Window(how) => done(crate::face::How::said(common, how.gate()).and_then(crate::window::open)),
        Command::Stub(how) => done(run_on(&mut Builder::new_multi_thread(), stub::run(&how, &output))),
        Command::Scenario(what) => done(run_on(&mut Builder::new_multi_thread(), scenario::run(&what, &output))),
        #[cfg(feature = "terminal")]
        Command::Terminal(how) => terminal::run(common, how),
        Command::Openapi => done(output::line(&crate::control::description())),
        Command::Completions(which) => {
            let mut bytes = Vec::new();
            clap_complete::generate(which.shell, &mut Arguments::command(), "cardea-emulator", &mut bytes);
            done(output::line(String::from_utf8_lossy(&bytes).trim_end()))
        }
        Command::Man => done(manual().and_then(|text| output::line(&text))),
        command => {
            let arguments = Arguments { common, command };
            done(run_on(&mut Builder::new_current_thread(), verbs::run(arguments, &output)))
        }
    };
    match result {
        Ok(code) => ExitCode::from(code),
        // How the token stands was printed.
        Err(error @ CliError::NotOpen(_)) => ExitCode::from(error.exit()),
        Err(error) => {
            output.failed(&error);
            ExitCode::from(error.exit())
        }
    }
}

fn done(result: Result<(), CliError>) -> Result<u8, CliError> {
    result.map(|()| crate::exit::DONE)
}

/// The manual page, in the language of `man`.
fn manual() -> Result<String, CliError> {
    let mut bytes = Vec::new();
    clap_mangen::Man::new(Arguments::command()).render(&mut bytes).map_err(CliError::Output)?;
    Ok(String::from_utf8_lossy(&bytes).trim_end().to_owned())
}

fn run_on<T>(runtime: &mut Builder, work: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    let runtime = runtime.enable_all().build().map_err(CliError::Runtime)?;
    let result = runtime.block_on(work);
    // A holder who is thinking about a question does not keep the program.
    runtime.shutdown_background();
    result
}

/// Whether this is a command line that the program takes.
#[cfg(test)]
pub(crate) fn takes(words: &[&str]) -> bool {
    Arguments::try_parse_from(words).is_ok()
}
