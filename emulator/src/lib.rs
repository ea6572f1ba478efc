//! The Cardea emulator: a token without a phone, on the same core as every other device.
//!
//! | what | where |
//! |---|---|
//! | devices and what they do | [`engine`] |
//! | the command line | [`cli`] |
//!
//! ```
//! use cardea_emulator::engine::{Device, Options};
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! # let folder = std::env::temp_dir().join(format!("cardea-emulator-doc-{}", std::process::id()));
//! let device = Device::open(&folder, Options::default()).await?;
//! assert!(device.list().await?.is_empty());
//! # std::fs::remove_dir_all(&folder).unwrap();
//! # Ok::<(), cardea_emulator::engine::EngineError>(())
//! # }).unwrap();
//! ```

pub mod cli;
pub mod engine;
