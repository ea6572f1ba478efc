//! The emulator as a process: what it prints, and how it ends.

#![expect(clippy::unwrap_used, reason = "helpers outside test functions may panic too: this is a test")]

mod configured;
#[cfg(all(feature = "window", target_os = "linux"))]
mod heard;
mod interrupted;
mod named;
#[cfg(all(feature = "window", target_os = "linux"))]
mod picture;
mod process;
mod running;
#[cfg(feature = "embedded-server")]
mod scenario;
#[cfg(all(feature = "window", target_os = "linux"))]
mod screen;
#[cfg(feature = "embedded-server")]
mod stub;
#[cfg(all(feature = "window", target_os = "linux"))]
mod window;
