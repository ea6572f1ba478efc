//! Compares normal and duress operations as whoever watches the network sees them. `cargo xtask bench duress` builds and
//! calls it.

use std::process::ExitCode;

use cardea_tests::timing::{Settings, Shape, compare, measure};
use clap::Parser;

/// The probability below which two samples count as different.
const LEAST_P: f64 = 0.01;

/// Compare the reply times, sizes and order of normal and duress operations
#[derive(Parser)]
struct Options {
    /// How many pairs of each kind
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(100..))]
    pairs: u32,
}

fn main() -> ExitCode {
    let Options { pairs } = Options::parse();
    let pairs = usize::try_from(pairs).unwrap_or(usize::MAX);
    let mut passed = true;
    println!("{:<24} {:>7} {:>12} {:>12} {:>8} {:>8}", "", "pairs", "normal p50", "duress p50", "D", "p");
    for (name, shape) in [("alarm raised", Shape::Raising), ("alarm lasting", Shape::Lasting)] {
        let measured = match measure(Settings { shape, pairs }) {
            Ok(measured) => measured,
            Err(difference) => {
                println!("{name}: {difference}");
                return ExitCode::FAILURE;
            }
        };
        for times in measured {
            let verdict = compare(&times.normal, &times.duress);
            passed &= verdict.p > LEAST_P;
            println!(
                "{:<24} {:>7} {:>9.1} us {:>9.1} us {:>8.4} {:>8.4}",
                format!("{name}: {}", times.operation),
                times.normal.len(),
                median(&times.normal),
                median(&times.duress),
                verdict.distance,
                verdict.p,
            );
        }
    }
    println!("sizes and order of frames are the same in every operation; required p above {LEAST_P}");
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// In microseconds.
fn median(times: &[u64]) -> f64 {
    let mut times = times.to_vec();
    times.sort_unstable();
    let middle = times[times.len() / 2];
    f64::from(u32::try_from(middle).unwrap_or(u32::MAX)) / 1_000.0
}
