//! The Cardea emulator: a token without a phone, on the same core as every other device.
//!
//! | what | where |
//! |---|---|
//! | devices and what they do | [`engine`] |
//! | the command line | [`cli`] |
//! | what test suites drive devices with | [`control`] |
//! | a server of one's own, in this process (feature `embedded-server`) | `stub` |
//! | what a person sees and does, whatever draws it | [`face`] |
//! | the same in a terminal (feature `terminal`) | `terminal` |
//! | what goes wrong on purpose | [`faults`] |
//! | files that say what happens and what is expected (the same feature) | `scenario` |
//! | what the program says besides its data | [`log`] |
//! | what relying parties are told | `relying` |
//! | what was recorded, once more | [`replay`] |
//! | devices in tests written in Rust | [`testing`] |
//! | what devices and servers said, frame by frame | [`trace`] |
//! | the desktop window (feature `window`) | `window` |
//!
//! ```
//! use cardea_emulator::engine::{Seed, Session, Settings};
//! use cardea_sdk::Env;
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let settings = Settings { seed: Some(Seed::new(1)), ..Settings::default() };
//! let session = Session::in_memory(settings, &Env::os())?;
//! let alice = session.add("alice").await?;
//! assert!(alice.list().await?.is_empty());
//! # Ok::<(), cardea_emulator::engine::EngineError>(())
//! # }).unwrap();
//! ```

pub mod cli;
pub mod control;
pub mod daemon;
#[cfg(feature = "embedded-server")]
pub mod document;
pub mod engine;
pub mod exit;
pub mod face;
pub mod faults;
mod files;
#[cfg(all(test, feature = "embedded-server"))]
mod fits;
pub mod hidden;
mod json;
pub mod log;
mod relying;
pub mod replay;
#[cfg(feature = "embedded-server")]
pub mod scenario;
#[cfg(feature = "embedded-server")]
pub mod stub;
mod suggest;
#[cfg(feature = "terminal")]
mod terminal;
pub mod testing;
pub mod trace;
#[cfg(feature = "window")]
pub mod window;
