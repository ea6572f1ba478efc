//! The command line: says to the control API what the arguments say, and prints what comes back.
//!
//! | what | where |
//! |---|---|
//! | what can be said | `args` |
//! | who does it: a running emulator, or this process | `client` |
//! | the commands | `verbs` |
//! | what is printed | `output`, `say`, `paint` |
//! | help, the manual page, the reference | `help`, `manual`, `reference` |
//! | PINs, and whether somebody is sure | `pins`, `ask` |
//! | what options are where they are not given | `config` |

pub(crate) mod args;
mod ask;
pub(crate) mod client;
mod config;
mod daemon;
mod doctor;
mod error;
mod help;
mod manual;
mod output;
mod paint;
mod pins;
mod reference;
mod say;
mod scenario;
mod stub;
#[cfg(feature = "terminal")]
mod terminal;
mod verbs;

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{FromArgMatches as _, ValueEnum as _};
use serde_json::json;
use tokio::runtime::Builder;

use crate::log::Log;
use args::{Arguments, Command};
pub use config::ConfigError;
use config::{Config, ConfigVerb};
pub use error::CliError;
use output::Output;
use paint::{Paint, When};
use scenario::ScenarioCommand;

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    let given: Vec<OsString> = std::env::args_os().collect();
    let named = config::early("config", Some("-c"), &given).map(PathBuf::from);
    let (config, broken) = match Config::load(named.as_deref()) {
        Ok(config) => (config, None),
        // To be told in the form that is asked for.
        Err(error) => (Config::default(), Some(CliError::from(error))),
    };
    let color = config::early("color", None, &given).and_then(|when| When::from_str(when.to_str()?, true).ok());
    let is_json = given.iter().skip(1).take_while(|it| *it != "--").any(|it| it == "--json");
    let misused = |error| misused(&error, is_json);
    let program = config.command().color(color.unwrap_or_default().into());
    let matches = match program.clone().try_get_matches_from(&given) {
        Ok(matches) => matches,
        Err(error) => return misused(help::with_meant(error, program, &given)),
    };
    let Arguments { common, command } = match Arguments::from_arg_matches(&matches) {
        Ok(arguments) => arguments.settled(),
        Err(error) => return misused(error),
    };
    let meta = json!({ "instance": common.instance, "session": common.session, "device": common.device });
    let (log, broken) = match common.talk.log() {
        Ok(log) => (log, broken),
        Err(error) => (Log::default(), broken.or(Some(error))),
    };
    for unheard in config::unheard() {
        log.note(&unheard);
    }
    let output = Output::new(common.json, meta, Paint::new(common.talk.color), log);
    let result = match (command, broken) {
        (Command::Config(verb), None) => done(config::run(&verb, &config, named.as_deref(), &matches, &output)),
        // What is wrong is what they are for.
        (Command::Config(verb @ (ConfigVerb::Path | ConfigVerb::Check { .. } | ConfigVerb::Schema)), Some(_)) => {
            done(config::run(&verb, &config, named.as_deref(), &matches, &output))
        }
        (command @ (Command::Openapi | Command::Completions(_) | Command::Man | Command::Reference), _) => {
            done(describe(&command))
        }
        (_, Some(broken)) => Err(broken),
        (command, None) => run(Arguments { common, command }, &config, &output),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        // It was printed.
        Err(error) if error.is_told() => ExitCode::from(error.exit()),
        // Whoever reads has read enough.
        Err(CliError::Output(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            output.failed(&error);
            ExitCode::from(error.exit())
        }
    }
}

/// Tells how the program is used, or what it was asked about itself.
fn misused(error: &clap::Error, is_json: bool) -> ExitCode {
    if !is_json || !error.use_stderr() {
        error.exit();
    }
    let text = error.to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let error = CliError::Usage(text.split("\n\nFor more information").next().unwrap_or(text).trim_end().to_owned());
    Output::new(true, json!({}), Paint::new(When::Never), Log::default()).failed(&error);
    ExitCode::from(error.exit())
}

/// Does what one command says.
fn run(arguments: Arguments, config: &Config, output: &Output) -> Result<u8, CliError> {
    let Arguments { common, command } = arguments;
    match command {
        Command::Run(how) => {
            let running = daemon::run(common, how, config.profiles(), output.log().clone());
            run_on(&mut Builder::new_multi_thread(), running).map(|ended| ended.exit())
        }
        #[cfg(feature = "window")]
        Command::Window(how) => {
            let how = crate::face::How::said(common, how.gate(), config.profiles(), output.log().clone());
            how.and_then(crate::window::open)
        }
        #[cfg(feature = "terminal")]
        Command::Terminal(how) => terminal::run(common, how, config.profiles(), output.log().clone()),
        Command::Stub(how) => done(run_on(&mut Builder::new_multi_thread(), stub::run(&how, output))),
        Command::Doctor(how) => done(run_on(&mut Builder::new_multi_thread(), doctor::run(&common, &how, output))),
        Command::Scenario(what) if !matches!(what, ScenarioCommand::Record(_)) => {
            done(run_on(&mut Builder::new_multi_thread(), scenario::run(&what, output)))
        }
        command => {
            let arguments = Arguments { common, command };
            done(run_on(&mut Builder::new_current_thread(), verbs::run(arguments, output)))
        }
    }
}

/// Prints what the program can do, for other programs.
fn describe(command: &Command) -> Result<(), CliError> {
    match command {
        Command::Completions(which) => output::line(manual::completions(which.shell).trim_end()),
        Command::Man => output::line(manual::page()?.trim_end()),
        Command::Reference => output::line(reference::page()?.trim_end()),
        _ => output::line(&crate::control::description()),
    }
}

fn done(result: Result<(), CliError>) -> Result<u8, CliError> {
    result.map(|()| crate::exit::DONE)
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
    help::command().try_get_matches_from(words).is_ok()
}
