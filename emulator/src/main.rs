//! The emulator's program. See `cardea-emulator --help`.

use std::process::ExitCode;

/// Of thousands of devices, each of which keeps a little of what it needs for a moment, the system's own would leave twice as
/// much resident: see docs/emulator/numbers.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cardea_emulator::cli::main()
}
