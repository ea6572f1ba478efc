//! The SDK for other languages. Conversions only: whatever decides anything is in `cardea-sdk`.
//!
//! | what | where |
//! |---|---|
//! | opening a wallet | [`open_wallet`] |
//! | everything that a wallet does | [`Wallet`] |
//! | what goes in and comes out | [`Pins`], [`Status`], [`TokenInfo`], [`Enrollment`], [`Preview`] |
//! | what can go wrong | [`CardeaError`] |
//!
//! From Rust it looks like this; the bindings have the same names in their own spelling.
//!
//! ```
//! use cardea_ffi::{WalletOptions, open_wallet};
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! # let folder = tempfile::tempdir().unwrap();
//! # let folder = folder.path().to_str().unwrap().to_owned();
//! let wallet = open_wallet(folder, WalletOptions::default()).await?;
//! assert!(wallet.list().await?.is_empty());
//! # Ok::<(), cardea_ffi::CardeaError>(())
//! # }).unwrap();
//! ```

mod error;
mod types;
mod wallet;

pub use error::CardeaError;
pub use types::{Enrollment, Pins, Preview, State, Status, TokenInfo, WalletOptions};
pub use wallet::{Wallet, open_wallet, preview};

uniffi::setup_scaffolding!();
