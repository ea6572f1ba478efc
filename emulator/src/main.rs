//! The emulator's program. See `cardea-emulator --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    cardea_emulator::cli::main()
}
