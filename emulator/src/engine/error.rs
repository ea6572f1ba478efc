//! Why a device did not do what it was told.

use std::path::PathBuf;

use cardea_sdk::{Pin, WalletError};

use crate::suggest::{nearest, or_meant};

/// Why a device did not do what it was told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The SDK says so.
    #[error(transparent)]
    Wallet(#[from] WalletError),
    /// The file with the authorities for WebSockets cannot be used.
    #[error("{} has no certificates to trust: {source}", path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Neither a link nor a code.
    #[error(
        "that is no invitation: a link begins with https:// or cardea:, and a typed code has ten letters and digits, as in XXXX-XXXXXX"
    )]
    NoInvitation,
    /// A typed code needs to know its server.
    #[error("a typed code needs its server: say its host, too (host, --host)")]
    HostMissing,
    /// What stands where the name of a token does looks like a PIN. It is not repeated.
    #[error(
        "no token is called so, and it looks like a PIN, which is never an argument: others can read those. Leave it out to be asked, or name a file with --pin-file"
    )]
    PinAsName,
    /// No token fits the name.
    #[error("no token of this device is called {name:?}{}", or_meant(.meant.as_deref()))]
    NoSuchToken {
        /// Which was asked for.
        name: String,
        /// One with a similar name.
        meant: Option<String>,
    },
    /// There is no token at all.
    #[error("this device has no token: enroll one first")]
    NoToken,
    /// No text that waits fits the id, or none waits at all.
    #[error("no such text waits to be approved or denied")]
    NoSuchConfirmation,
    /// More than one text waits.
    #[error("several texts wait, say which by its id: {}", .0.join(", "))]
    ManyConfirmations(Vec<String>),
    /// No id of a device.
    #[error("a device's id has eight hexadecimal digits")]
    DeviceId,
    /// More than one token fits.
    #[error("several tokens fit, say which: {}", .0.join(", "))]
    Ambiguous(Vec<String>),
    /// No seed.
    #[error("{0:?} is no seed: it is a whole number from 0 to 18446744073709551615")]
    Seed(String),
    /// A seed for a state folder.
    #[error("a session in a state folder takes no seed: it would draw the same keys each time it is opened")]
    SeedInFolder,
    /// No name for a device, a session, a snapshot or an instance.
    #[error(
        "{name:?} is no name for a {of}: it has 1 to 48 of a-z, A-Z, 0-9, '.', '_' and '-', and begins with neither '.' nor '-'"
    )]
    Name {
        /// For what.
        of: &'static str,
        /// As much of it as anybody wants to read.
        name: String,
    },
    /// The session has such a device already.
    #[error("there is a device called {0:?} already")]
    DeviceExists(String),
    /// The session has no such device.
    #[error("there is no device called {name:?}{}", or_meant(.meant.as_deref()))]
    NoSuchDevice {
        /// Which was asked for.
        name: String,
        /// One with a similar name.
        meant: Option<String>,
    },
    /// The session has such a snapshot already.
    #[error("there is a snapshot called {0:?} already: replace it, or choose another name")]
    SnapshotExists(String),
    /// The session has no such snapshot.
    #[error("there is no snapshot called {name:?}{}", or_meant(.meant.as_deref()))]
    NoSuchSnapshot {
        /// Which was asked for.
        name: String,
        /// One with a similar name.
        meant: Option<String>,
    },
    /// There are as many snapshots as there may be.
    #[error("there are too many snapshots, or devices in them: remove some")]
    TooManySnapshots,
    /// The session has as many devices as it may have.
    #[error("the session has as many devices as it may have: remove those that are not needed any more")]
    TooManyDevices,
    /// A file with a device cannot be used.
    #[error(transparent)]
    Parcel(#[from] super::ParcelError),
    /// A label that nobody could read, or that is too long.
    #[error(
        "a label has at most 64 bytes, and no characters that control the screen or hide or turn round what stands around them"
    )]
    Label,
    /// A fault killed the app in the middle of what it did.
    #[error("the rule {rule:?} killed the app: what it had stored is there, and what it had sent may have arrived")]
    Killed {
        /// The id of the rule.
        rule: String,
    },
    /// A fault had the holder forget it.
    #[error("the rule {rule:?} had the holder forget it: nothing was done")]
    Forgotten {
        /// The id of the rule.
        rule: String,
    },
    /// The program has panicked while the device did something.
    #[error("the device {0:?} is broken by a defect of this program: remove it and make another one; the others go on")]
    Broken(String),
    /// The device was removed, or its session ended, meanwhile.
    #[error("the device {0:?} was removed, or its session has ended")]
    Removed(String),
}

impl EngineError {
    /// No name for a device.
    pub(crate) fn name(name: &str) -> Self {
        Self::name_of("device", name)
    }

    /// No name for something else.
    pub(crate) fn name_of(of: &'static str, name: &str) -> Self {
        Self::Name { of, name: name.chars().take(64).collect() }
    }

    /// No device is called so, but these are.
    pub(crate) fn no_device<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        Self::NoSuchDevice { name: name.to_owned(), meant: nearest(name, known).map(str::to_owned) }
    }

    /// No snapshot is called so, but these are.
    pub(crate) fn no_snapshot<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        Self::NoSuchSnapshot { name: name.to_owned(), meant: nearest(name, known).map(str::to_owned) }
    }

    /// No token is called so, but these are.
    pub(crate) fn no_token<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        if Pin::new(name.as_bytes()).is_ok() {
            return Self::PinAsName;
        }
        Self::NoSuchToken { name: name.to_owned(), meant: nearest(name, known).map(str::to_owned) }
    }

    /// The SDK's number of the error, or 0.
    #[must_use]
    pub const fn code(&self) -> u32 {
        match self {
            Self::Wallet(error) => error.code(),
            _ => 0,
        }
    }
}
