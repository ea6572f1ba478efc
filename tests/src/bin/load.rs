//! Measures a real server under load. `cargo xtask bench server` builds and calls it.

use std::process::ExitCode;

use cardea_tests::load;
use clap::{Parser, Subcommand};

/// Measure a real server against what the machine can do
#[derive(Parser)]
struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Durable openings by 64 devices at once, and status checks beside them
    Openings {
        /// How long to measure, in seconds
        #[arg(long, default_value_t = 8)]
        seconds: u64,
    },
    /// From an acknowledged opening to the check that sees it
    Visible {
        /// How often
        #[arg(long, default_value_t = 3_000)]
        rounds: usize,
    },
    /// A status check among many enrolled tokens, and what a token takes
    Scale {
        /// How many
        #[arg(long, default_value_t = 1_000_000)]
        tokens: usize,
    },
    /// What an idle encrypted connection takes
    Idle {
        /// How many
        #[arg(long, default_value_t = 5_000)]
        devices: usize,
    },
    /// A status check over PostgreSQL, and from an opening at one node to the check at another one that sees it
    Postgres {
        /// How long to ask, in seconds
        #[arg(long, default_value_t = 8)]
        seconds: u64,
        /// How often to open
        #[arg(long, default_value_t = 1_000)]
        rounds: usize,
    },
    /// A cold opening by datagram, from the call of the SDK to its answer
    Cold {
        /// How often
        #[arg(long, default_value_t = 3_000)]
        rounds: usize,
    },
    /// How soon a token can be used after the start of its process, and what an idle wallet takes
    App {
        /// How often to start
        #[arg(long, default_value_t = 60)]
        rounds: usize,
    },
    /// What calls from a language cost beside those from Rust, and whether cycles leave anything behind
    Language {
        /// How often to open and close
        #[arg(long, default_value_t = 100_000)]
        cycles: u32,
        /// The program to measure, which gets a link after its arguments; the one in Rust if there is none
        #[arg(last = true)]
        command: Vec<String>,
    },
    /// How soon the emulator is ready, what an opening over its control API takes, and what parked waits cost
    Emulator {
        /// How often to start it
        #[arg(long, default_value_t = 30)]
        starts: usize,
        /// How often to open, each way
        #[arg(long, default_value_t = 300)]
        openings: usize,
    },
    /// What an emulated device takes of memory
    Devices {
        /// How many
        #[arg(long, default_value_t = 10_000)]
        count: usize,
    },
    /// What the emulator's window takes where nobody does anything
    Window {
        /// For how long, in seconds
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
    /// CPU time of a status check, kept and new connections
    Status {
        /// How long to measure, in seconds
        #[arg(long, default_value_t = 28)]
        seconds: u64,
    },
    /// The peer of status checks
    #[command(hide = true)]
    Map {
        /// What is open
        target: String,
    },
    /// The devices of another measurement
    #[command(hide = true)]
    Fleet,
    /// The peer of another measurement
    #[command(hide = true)]
    Floor,
    /// Another peer
    #[command(hide = true)]
    Waiter,
}

fn main() -> ExitCode {
    let lines = match Options::parse().what {
        What::Openings { seconds } => load::openings(seconds),
        What::Visible { rounds } => load::visible(rounds),
        What::Scale { tokens } => load::scale(tokens.max(2_000)),
        What::Idle { devices } => load::idle(devices.max(100)),
        What::Postgres { seconds, rounds } => load::postgres(seconds, rounds.max(1)),
        What::Status { seconds } => load::status(seconds),
        What::Cold { rounds } => load::cold(rounds.max(1)),
        What::App { rounds } => load::app(rounds.max(1)),
        What::Emulator { starts, openings } => load::emulator(starts.max(1), openings.max(1)),
        What::Devices { count } => load::devices(count.max(100)),
        What::Window { seconds } => load::window(seconds.max(1)),
        What::Language { cycles, command } => load::language(&command, cycles),
        What::Map { target } => {
            load::run_map(&target);
            return ExitCode::SUCCESS;
        }
        What::Waiter => {
            load::run_waiter();
            return ExitCode::SUCCESS;
        }
        What::Fleet => {
            load::run_fleet();
            return ExitCode::SUCCESS;
        }
        What::Floor => {
            load::run_floor();
            return ExitCode::SUCCESS;
        }
    };
    for line in &lines {
        println!("{line}");
    }
    if lines.iter().any(load::Line::is_missed) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
