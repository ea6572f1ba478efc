//! The Cardea SDK: a [`Wallet`] of [`Token`]s that their holder opens and closes.
//!
//! ```no_run
//! use cardea_sdk::{Invitation, NewPins, Pin, Wallet, Window};
//!
//! # async fn quickstart(link: &str) -> Result<(), cardea_sdk::WalletError> {
//! let wallet = Wallet::builder().folder("wallet").open().await?;
//! let invitation = Invitation::from_text(link)?;
//! println!("enroll at {invitation}?");
//! let enrolled = wallet.enroll(&invitation, |policy| async move {
//!     println!("choose a PIN of {} to {} digits", policy.pin_min, policy.pin_max);
//!     Ok(NewPins::normal(Pin::new(b"274951")?))
//! }).await?;
//! let status = enrolled.token.open(Pin::new(b"274951")?, Window::Service).await?;
//! println!("open for {:?}", status.remaining);
//! enrolled.token.close().await?;
//! # Ok(())
//! # }
//! ```
//!
//! | what | where |
//! |---|---|
//! | the tokens of a holder, enrolling | [`Wallet`], [`Invitation`] |
//! | open, close, status, PINs, unenroll | [`Token`] |
//! | texts to approve or deny | [`Token::confirmations`], [`Token::approve`], [`Token::deny`] |
//! | names, devices, history | [`Token::info`], [`Token::devices`], [`Token::history`], [`Token::revoke_device`] |
//! | a PIN, a finger, or asking for one of them | [`Approval`], [`BiometricKey`], [`Presence`] |
//! | what happens as it happens | [`Events`] |
//! | while the holder looks: what other devices and the server do | [`Live`] |
//! | what the SDK does by itself, for developers | [`LogSink`] |
//! | where tokens are kept | [`store`] |
//! | how frames travel | [`transport`] |
//! | time and randomness | [`Env`] |
//! | a server's key, for typed codes | [`discovery`] |
//! | whether somebody else's token is open; texts for them to approve | [`relying_party`] |
//! | what a device has signed | [`receipt`] |
//! | what can go wrong | [`WalletError`] |
//!
//! Features, all on by default: `discovery` looks up servers for typed codes, `keyring` keeps the wallet's key where the
//! operating system keeps such things, `qr-image` reads invitations from pictures, `relying-party` asks for tokens, and
//! `websocket` reaches servers where nothing else does. Without any of them everything else is there, over TCP and UDP.
//!
//! One more is off by default, and in nothing that ships: `observe`, for tools that show what frames say and copy tokens.
//!
//! Needs a tokio runtime. Every future may be dropped at any time: what was sent is stored before it is sent, and what
//! became of it is found out by the next operation, or in the background.

#![cfg_attr(not(test), warn(clippy::use_debug))] // in libraries for phones it prints nothing (ffi/phones.toml)

mod approval;
pub mod discovery;
mod env;
mod error;
mod event;
mod hex;
mod invitation;
mod live;
mod log;
#[cfg(feature = "observe")]
pub mod observe;
mod operation;
mod pins;
mod presence;
#[cfg(feature = "qr-image")]
mod qr;
pub mod receipt;
#[cfg(feature = "relying-party")]
pub mod relying_party;
mod status;
pub mod store;
mod table;
mod task;
#[cfg(any(feature = "relying-party", feature = "websocket"))]
mod tls;
mod token;
pub mod transport;
mod wallet;

pub use cardea_protocol::pin::{Pin, PinError};
pub use cardea_protocol::token::{Argon2Class, DeviceId, DeviceStatus, Policy, ShortString, TokenId};
pub use cardea_protocol::wire::{CodeError, LinkError, is_showable};

/// The primitives of what travels.
#[cfg(not(feature = "observe"))]
pub(crate) use cardea_protocol::crypto::Dalek as Crypto;
#[cfg(feature = "observe")]
pub(crate) use observe::Observed as Crypto;

pub use approval::{Approval, BiometricKey};
pub use env::{Clock, Entropy, Env, OsEntropy, SystemClock};
pub use error::WalletError;
pub use event::{Event, EventKind, Events};
pub use invitation::{ImageError, Invitation, InvitationKind, Preview};
pub use live::Live;
pub use log::{LogLevel, LogSink};
pub use pins::NewPins;
pub use presence::{Presence, PresenceError, PresenceRequest, Purpose};
pub use status::Status;
pub use token::{Confirmation, Deed, DenyReason, DeviceInfo, HistoryItem, ServiceInfo, Summary, Token, Window};
pub use wallet::{Builder, Enrollment, Wallet};

/// The examples of the guide.
#[cfg(doctest)]
#[doc = include_str!("../../docs/sdk/guide.md")]
mod guide {}
