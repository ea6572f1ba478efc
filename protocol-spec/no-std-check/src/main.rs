//! Runs the protocol core without std, without an allocator and without a C library.
#![no_std]
#![no_main]

mod checks;
mod conversation;
mod host;

/// Called by the entry point: runs every check, says how it went, and ends the process.
extern "C" fn start() -> ! {
    for (name, check) in checks::ALL {
        if check().is_none() {
            host::print("no_std check failed: ");
            host::print(name);
            host::print("\n");
            host::exit(1);
        }
    }
    host::print("no_std ok\n");
    host::exit(0)
}
