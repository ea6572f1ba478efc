//! `cargo xtask bench`: benchmarks that fail when a required ratio is missed.

mod fixtures;
mod languages;
mod size;

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
    /// Write the measured sizes of the library to `ffi/code_size.json`, to be compared with later
    #[arg(long)]
    record: bool,
    /// How often `languages` opens and closes a token in each language
    #[arg(long, value_name = "COUNT", default_value_t = 100_000)]
    cycles: u32,
}

#[derive(Clone, Copy, ValueEnum)]
enum Subject {
    /// Handshake and cells against the primitives they are made of and against an independent peer
    Protocol,
    /// A server under load: durable openings, status checks beside them, how soon an opening is visible; also over
    /// PostgreSQL
    Server,
    /// What an idle encrypted connection of a device takes
    Channel,
    /// The SDK: how large it is in its bindings library, a cold opening, how soon a token can be used after the start of its
    /// process, and what an idle wallet takes
    Sdk,
    /// The SDK in every language: what a call costs beside the same from Rust, and whether anything stays behind of tokens
    /// that are opened and closed again and again
    Languages,
    /// The emulator: how soon it is ready, an opening over its control API, what waits cost that are parked, and what each of
    /// ten thousand devices takes
    Emulator,
    /// The emulator's window: its frames with a thousand devices and a hundred thousand rows, and what it takes at rest
    Window,
    /// What a test of a login with an emulated token costs in pytest, alone and beside 199 others
    Fixtures,
    /// Reply times, sizes and order of normal against duress operations, as the network sees them
    Duress,
}

/// A part of a benchmark: its name, and what cargo is told.
type Part = (&'static str, &'static [&'static str]);

impl Subject {
    const fn parts(self) -> &'static [Part] {
        match self {
            Self::Protocol => &[("protocol", &["bench", "-q", "-p", "cardea-protocol", "--bench", "protocol"])],
            Self::Server => &[
                ("status", &["run", "-q", "--release", "-p", "cardea-tests", "--bin", "load", "status"]),
                ("openings", &["run", "-q", "--release", "-p", "cardea-tests", "--bin", "load", "openings"]),
                ("visible", &["run", "-q", "--release", "-p", "cardea-tests", "--bin", "load", "visible"]),
                ("scale", &["run", "-q", "--release", "-p", "cardea-tests", "--bin", "load", "scale"]),
                ("postgres", &["run", "-q", "--release", "-p", "cardea-tests", "--bin", "load", "postgres"]),
            ],
            Self::Channel => &[("idle", &["run", "-q", "--release", "-p", "cardea-tests", "--bin", "load", "idle"])],
            Self::Sdk => &[
                ("app", &["build", "-q", "--release", "-p", "cardea-tests", "--bin", "app"]),
                ("opening", &["bench", "-q", "-p", "cardea-sdk", "--bench", "cold"]),
                ("cold", &["run", "-q", "--release", "-p", "cardea-tests", "--bin", "load", "cold"]),
                ("idle", &["run", "-q", "--release", "-p", "cardea-tests", "--bin", "load", "app"]),
            ],
            Self::Emulator => &[
                ("programs", &["build", "-q", "--locked", "--release", "-p", "cardea-server", "-p", "cardea-emulator"]),
                ("calls", &["run", "-q", "--release", "-p", "cardea-tests", "--bin", "load", "emulator"]),
                ("devices", &["run", "-q", "--release", "-p", "cardea-tests", "--bin", "load", "devices"]),
            ],
            Self::Window => &[
                ("programs", &["build", "-q", "--locked", "--release", "-p", "cardea-server", "-p", "cardea-emulator"]),
                ("frames", &["bench", "-q", "-p", "cardea-emulator", "--bench", "window"]),
                ("rest", &["run", "-q", "--release", "-p", "cardea-tests", "--bin", "load", "window"]),
            ],
            Self::Languages | Self::Fixtures => &[],
            Self::Duress => &[("duress", &["run", "-q", "--release", "-p", "cardea-tests", "--bin", "timing"])],
        }
    }
}

/// Runs the benchmark with its tables on the terminal.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let mut report = Report::new();
    if matches!(options.subject, Subject::Sdk) {
        size::measure(&workspace, &mut report, options.record)?;
    }
    if matches!(options.subject, Subject::Languages) {
        languages::measure(&workspace, &mut report, options.cycles);
    }
    if matches!(options.subject, Subject::Fixtures) {
        fixtures::measure(&workspace, &mut report);
    }
    for (name, arguments) in options.subject.parts() {
        report.printing_part(name, || {
            process::shown_to_the_end(process::cargo(&workspace.root).args(*arguments))?;
            Outcome::passed(*name)
        });
    }
    Ok(report.finish())
}
