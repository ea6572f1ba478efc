//! Runs many schedules of the simulation, or replays one. `cargo xtask simulate` builds and calls it.

use std::process::ExitCode;
use std::thread;

use cardea_simulation::{CONFIGURATIONS, Config, Totals, configuration, run, simulate};
use clap::Parser;

/// Run the deterministic simulation of devices, network and servers
#[derive(Parser)]
struct Options {
    /// How many schedules to run
    #[arg(long, default_value_t = 1)]
    schedules: u64,
    /// The seed of the first one
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Run every seed in this configuration instead of the one whose turn it is
    #[arg(long)]
    config: Option<String>,
    /// How many threads share the work
    #[arg(long, default_value_t = 2)]
    threads: u64,
    /// Print everything that happens in the first schedule
    #[arg(long)]
    trace: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let only: Option<&'static Config> = match options.config.as_deref().map(configuration) {
        None => None,
        Some(Some(config)) => Some(config),
        Some(None) => {
            let names: Vec<_> = CONFIGURATIONS.iter().map(|config| config.name).collect();
            eprintln!("there is no such configuration: choose one of {}", names.join(", "));
            return ExitCode::from(2);
        }
    };
    if options.trace {
        let turn = usize::try_from(options.seed % CONFIGURATIONS.len() as u64).unwrap_or(0);
        let config = only.unwrap_or(&CONFIGURATIONS[turn]);
        print!("{}", run(config, None, options.seed, true).trace);
    }
    let threads = options.threads.clamp(1, options.schedules.max(1));
    let share = |thread: u64| {
        let from = options.schedules * thread / threads;
        let to = options.schedules * (thread + 1) / threads;
        simulate(to - from, options.seed + from, only)
    };
    let mut totals = Totals::default();
    thread::scope(|scope| {
        let shares: Vec<_> = (0..threads).map(|thread| scope.spawn(move || share(thread))).collect();
        for share in shares {
            match share.join() {
                Ok(part) => totals.add(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    println!("{totals}");
    if totals.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
