//! The one task runner of the project: `cargo xtask help` lists what it does.
//!
//! Every subcommand prints one line per part and ends with `N passed, N failed, N skipped` alone on a line. The exit code
//! is 0 only when no part failed. Where `CI=true` is set a skipped part counts as failed.

mod alignment;
mod audit;
mod bench;
mod bindings;
mod clock;
mod cross_version;
mod demo;
mod docs;
mod fuzz;
mod jvm;
mod library;
mod lint;
mod models;
mod package;
mod process;
mod reference;
mod report;
mod simulate;
mod sizes;
mod soak;
mod swift;
mod test;
mod tools;
mod vectors;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Test, lint, show and measure Cardea.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run every check that a change has to pass; what they need is installed where that may be, or named
    #[command(after_help = test::listed())]
    Test(test::Options),
    /// Run the static checks alone
    Lint(lint::Options),
    /// Show a token enroll, open, answer a status check and close by itself
    Demo(demo::Options),
    /// Run the deterministic simulation of device, network and server for many schedules
    Simulate(simulate::Options),
    /// Kill servers under load, again and again, and check what they acknowledged
    Soak(soak::Options),
    /// Make the modules for other languages, and note what is public in them
    Bindings(bindings::Options),
    /// Play the scenarios of apps of one version against servers of another
    CrossVersion(cross_version::Options),
    /// Write what apps can use, in Kotlin, Python and Swift, with what it is for
    Reference,
    /// Make a package that app developers install, below `target/`, and try it; the last line says where it is
    #[command(subcommand)]
    Package(package::Package),
    /// Run a benchmark; fails when a required ratio is missed
    Bench(bench::Options),
    /// Check that native libraries can be loaded where memory pages have 16 KiB
    Alignment(alignment::Options),
    /// Look dependencies up in the advisory database
    Audit,
    /// Make OpenAPI JSON, PDF reference and Insomnia workspace from the API's description, and the emulator's reference
    Docs,
    /// Check that published test vectors are as they were, or record new ones
    Vectors(vectors::Options),
    /// Fuzz every target, or one, for a while
    Fuzz(fuzz::Options),
    /// Print how large the products are: builds them as they ship, and compares nothing (`bench sdk` does)
    Sizes,
}

/// Whether these words after `cargo xtask` are a command; for the commands in the documents.
fn parse(words: &[String]) -> Result<(), String> {
    match Cli::try_parse_from(std::iter::once("cargo xtask").chain(words.iter().map(String::as_str))) {
        Err(error) if error.use_stderr() => Err(error.kind().to_string()),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn main() -> ExitCode {
    let done = match Cli::parse().task {
        Task::Test(options) => test::run(&options),
        Task::Lint(options) => lint::run(options),
        Task::Demo(options) => demo::run(options),
        Task::Simulate(options) => simulate::run(&options),
        Task::Soak(options) => soak::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Bindings(options) => bindings::run(&options),
        Task::CrossVersion(options) => cross_version::run(&options),
        Task::Reference => reference::run(),
        Task::Package(package) => package::run(&package),
        Task::Alignment(options) => alignment::run(&options),
        Task::Audit => audit::run(),
        Task::Docs => docs::run(),
        Task::Vectors(options) => vectors::run(&options),
        Task::Fuzz(options) => fuzz::run(&options),
        Task::Sizes => sizes::run(),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
