//! Devices, their tokens, and who holds them.

use serde::Deserialize;
use serde_json::Value;

/// How a token stands, as its server said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Relying parties are told that it is open.
    Open,
    /// They are told that it is not.
    Closed,
    /// It cannot be opened now.
    Blocked,
    /// The server does not know it, or not any more.
    NotEnrolled,
}

/// A device.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// Its name.
    #[serde(rename = "device")]
    pub name: String,
    /// What is wrong with where its tokens are kept, if they cannot be read.
    #[serde(default)]
    pub damaged: Option<String>,
    /// Its tokens.
    pub tokens: Vec<Token>,
    /// What its holder is asked, the oldest first.
    pub prompts: Vec<Prompt>,
    /// Whether it hears what servers say unasked.
    pub watched: bool,
    /// What its network is like: a name, or `custom`.
    pub network: String,
    /// Its clock.
    pub clock: DeviceClock,
}

impl Device {
    /// The token whose id this is, or the first.
    #[must_use]
    pub fn token(&self, id: Option<&str>) -> Option<&Token> {
        let named = id.and_then(|id| self.tokens.iter().find(|token| token.id == id));
        named.or_else(|| self.tokens.first())
    }
}

/// The clock of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceClock {
    /// What it shows, in Unix seconds.
    pub now: u64,
    /// By how many seconds it is ahead of its session; behind if negative.
    pub skew_seconds: i64,
}

/// A token of a device, and how it stands as far as its server has said.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Token {
    /// Its id.
    #[serde(rename = "token")]
    pub id: String,
    /// The server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// What the service calls itself, or empty.
    pub service: String,
    /// What the holder calls it, or empty.
    pub label: String,
    /// When it was enrolled, in Unix seconds.
    pub added_at: u64,
    /// Whether the server has confirmed the enrollment.
    pub confirmed: bool,
    /// Whether something was sent that was never answered.
    pub pending: bool,
    /// What the server said last.
    pub state: Option<State>,
    /// Seconds until that ends by itself, counted when this was asked.
    pub remaining: Option<u64>,
    /// When the server said so, in Unix seconds of the session.
    pub said_at: Option<u64>,
    /// How many seconds ago that was, counted when this was asked.
    pub age: Option<u64>,
    /// Wrong PINs left before it is blocked.
    pub tries_left: Option<u8>,
    /// How many texts wait to be approved or denied.
    pub confirmations: Option<u8>,
    /// Whether the server was reached when it was last tried.
    pub online: Option<bool>,
}

impl Token {
    /// What a person calls it: its label, its service, or its server.
    #[must_use]
    pub fn title(&self) -> &str {
        [&self.label, &self.service, &self.host].into_iter().find(|name| !name.is_empty()).map_or("", |name| name)
    }

    /// Whether only the server can tell how things stand: something was sent that was never answered, and it has not
    /// said since that there is nothing to be done with this token.
    #[must_use]
    pub const fn is_in_doubt(&self) -> bool {
        self.pending && !matches!(self.state, Some(State::Blocked | State::NotEnrolled))
    }

    /// How many wrong PINs more block the token. `None` when nobody knows, and when it is blocked or gone already.
    #[must_use]
    pub const fn tries(&self) -> Option<u8> {
        match self.state {
            Some(State::Blocked | State::NotEnrolled) => None,
            _ => self.tries_left,
        }
    }

    /// When the state ends by itself, in Unix seconds of the session.
    #[must_use]
    pub fn ends(&self) -> Option<u64> {
        Some(self.said_at?.saturating_add(self.age?).saturating_add(self.remaining?))
    }
}

/// A question that waits for the holder.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Prompt {
    /// Its number on the device.
    #[serde(rename = "prompt")]
    pub number: u64,
    /// The token.
    pub token: String,
    /// What the service calls itself.
    pub service: String,
    /// What for: open, approve, change-pins, unenroll, revoke-device.
    pub purpose: String,
    /// What is to be approved, exactly as it is signed.
    pub text: Option<String>,
    /// Wrong PINs left.
    pub tries_left: Option<u8>,
    /// When it was asked, in Unix seconds of the session.
    pub asked_at: u64,
}

/// What a holder does who is asked, and how long that takes.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
pub struct Habit {
    /// approve, duress, wrong-pin, cancel, ignore, wait or fail.
    pub outcome: String,
    /// As the control API writes it.
    #[serde(default)]
    pub delay: Value,
}
