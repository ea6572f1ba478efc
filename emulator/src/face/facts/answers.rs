//! What servers have answered about a token.

use serde::Deserialize;

/// What a server was asked about a token and has answered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answers {
    /// What the service calls itself and the holder.
    pub about: Option<About>,
    /// The devices of the token.
    pub siblings: Option<Vec<Sibling>>,
    /// What was done with it, newest first.
    pub history: Option<Vec<Deed>>,
    /// What waits to be approved or denied.
    pub confirmations: Option<Vec<Confirmation>>,
}

/// What a service calls itself and the holder.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct About {
    /// Itself.
    pub service: String,
    /// The holder.
    pub user: String,
}

/// A device of a token, as its server knows it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sibling {
    /// Its id.
    pub device: String,
    /// 0 unknown, 1 Android, 2 iOS, 3 Linux, 4 macOS, 5 Windows, 6 bare metal.
    pub platform: u8,
    /// Whether it is an emulator.
    pub emulated: bool,
    /// Whether it is this device.
    pub this: bool,
    /// In Unix seconds, by the server's clock.
    pub enrolled_at: u64,
    /// In Unix seconds, by the server's clock.
    pub last_seen: u64,
}

/// What was done with a token.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Deed {
    /// In Unix seconds, by the server's clock.
    pub time: u64,
    /// What.
    pub what: String,
    /// By which device; by an administrator without one.
    pub device: Option<String>,
}

/// A text that waits to be approved or denied.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Confirmation {
    /// Its id.
    pub id: String,
    /// Exactly what is signed.
    pub text: String,
    /// In Unix seconds, by the server's clock.
    pub expires_at: u64,
}
