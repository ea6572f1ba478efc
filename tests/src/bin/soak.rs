//! Kills servers under load for as many cycles as one likes. `cargo xtask soak` builds and calls it.

use cardea_tests::soak::{Over, Soak};
use clap::{Parser, ValueEnum};

/// Kill servers under load and check what they have acknowledged
#[derive(Parser)]
struct Options {
    /// How many kills
    #[arg(long, default_value_t = 100)]
    cycles: u64,
    /// Where the data is
    #[arg(long)]
    over: Database,
}

#[derive(Clone, Copy, ValueEnum)]
enum Database {
    Sqlite,
    Postgres,
}

fn main() {
    let options = Options::parse();
    let over = match options.over {
        Database::Sqlite => Over::Sqlite,
        Database::Postgres => Over::Postgres,
    };
    let mut soak = Soak::start(over);
    for number in 0..options.cycles {
        soak.cycle(number);
        if number % 10 == 9 {
            soak.interrupt_database(if number % 20 == 9 { "INT" } else { "QUIT" });
            println!("{over:?}: {:?}", soak.totals);
        }
    }
    println!("{over:?}: {:?}", soak.totals);
}
