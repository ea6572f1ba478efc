//! The SDK for other languages. Conversions only: whatever decides anything is in `cardea-sdk`.
//!
//! | what | where |
//! |---|---|
//! | opening a wallet | [`open_wallet`], [`WalletOptions`], [`Host`] |
//! | the tokens of a holder, enrolling | [`Wallet`], [`Invitation`], [`NewPins`] |
//! | open, close, status, PINs, texts to approve, devices, history | [`Token`] |
//! | who approves | [`Approval`] |
//! | what happens as it happens | [`Events`], [`Live`] |
//! | giving up | [`Cancel`] |
//! | what the host program may bring | [`Clock`], [`Entropy`], [`LogSink`], [`SecretStore`], [`Presence`] |
//! | asking for tokens of others, and what proves their answers | `RelyingParty`, `verify_receipt` (feature `relying-party`) |
//! | the operating system's own store of secrets | `os_keyring` (feature `keyring`) |
//! | what can go wrong | [`CardeaError`], [`HostError`] |
//!
//! From Rust it looks like this; the bindings have the same names in their own spelling.
//!
//! ```
//! use cardea_ffi::{Host, WalletOptions, open_wallet};
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let wallet = open_wallet(WalletOptions::default(), Host::default(), None).await?;
//! assert!(wallet.tokens(None).await?.is_empty());
//! # Ok::<(), cardea_ffi::CardeaError>(())
//! # }).unwrap();
//! ```
//!
//! Every asynchronous call runs as one task of the library's runtime: the language that called polls once when it starts
//! and once when it is done. Nothing runs, and no thread is there, before the first of them.

#![cfg_attr(not(test), warn(clippy::use_debug))] // in libraries for phones it prints nothing (ffi/phones.toml)

mod about;
mod approval;
mod call;
mod cancel;
mod confirmation;
mod end;
mod error;
mod events;
mod host;
mod invitation;
mod live;
mod options;
mod policy;
#[cfg(feature = "relying-party")]
mod receipt;
#[cfg(feature = "relying-party")]
mod relying;
mod runtime;
mod secret;
mod status;
mod token;
mod wallet;

pub use about::{Deed, DeviceInfo, HistoryItem, Platform, ServiceInfo};
pub use approval::{Approval, NewPins};
pub use cancel::Cancel;
pub use confirmation::{Confirmation, DenyReason};
pub use end::shut_down;
pub use error::CardeaError;
pub use events::{Event, EventKind, Events};
#[cfg(feature = "keyring")]
pub use host::keyring::os_keyring;
pub use host::log::{LogLevel, LogSink};
pub use host::presence::{ApprovalAnswer, Presence, PresenceRequest, Purpose};
pub use host::secrets::SecretStore;
pub use host::{Clock, Entropy, Host, HostError};
pub use invitation::{Invitation, InvitationKind, Preview};
pub use live::Live;
pub use options::{Transport, WalletOptions};
pub use policy::{Policy, ShortString};
#[cfg(feature = "relying-party")]
pub use receipt::{ReceiptExpectation, VerifiedReceipt, verify_receipt};
#[cfg(feature = "relying-party")]
pub use relying::{
    Answer, AskedConfirmation, PendingConfirmation, RelyingParty, RelyingPartyOptions, ServiceEvent, TokenStatus, Watch,
};
pub use secret::SecretBytes;
pub use status::{State, Status, TokenInfo};
pub use token::Token;
pub use wallet::{Closed, Enrollment, Wallet, open_wallet};

/// The version of this library, which is that of the whole of Cardea.
#[uniffi::export]
#[must_use]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

uniffi::setup_scaffolding!();
