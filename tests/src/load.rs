//! How fast a real server is, against what the same machine can do in the same run.
//!
//! Peers run beside the server or right after it, so that a busy machine slows both. Required ratios are checked by the
//! program `load`; `cargo xtask bench server` builds and runs it. Devices that make load run in a process of their own
//! at the lowest priority: what is measured is the server, not the wait for a core that its clients hold.

mod app;
mod caller;
mod cold;
mod cpu;
mod devices;
mod emulator;
mod fleet;
mod floor;
mod getter;
mod idle;
mod language;
mod map;
mod openings;
mod place;
mod postgres;
mod program;
mod report;
mod scale;
mod status;
mod visible;
mod window;

pub use app::app;
pub use cold::cold;
pub use devices::devices;
pub use emulator::emulator;
pub use fleet::run_fleet;
pub use floor::run_floor;
pub use idle::{idle, run_waiter};
pub use language::language;
pub use map::run_map;
pub use openings::openings;
pub use postgres::postgres;
pub use report::Line;
pub use scale::scale;
pub use status::status;
pub use visible::visible;
pub use window::window;
