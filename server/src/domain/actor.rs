//! Who did something.

use cardea_protocol::token::DeviceId;

/// Who caused a change, for the journal and for what may be delegated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A device of the token, with its own signature or over its channel.
    Device(DeviceId),
    /// Whoever called the API with the authkey of this number.
    Authkey(u64),
    /// Whoever signed in to the account of this number.
    Account(u64),
    /// A person at the server's own command line.
    Operator,
    /// The server itself: something expired or was swept.
    System,
}

impl Actor {
    /// Its kind, as events and history name it.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Device(_) => "device",
            Self::Authkey(_) => "authkey",
            Self::Account(_) => "account",
            Self::Operator => "operator",
            Self::System => "system",
        }
    }

    /// The number of the authkey, if it was one.
    #[must_use]
    pub const fn authkey(self) -> Option<u64> {
        match self {
            Self::Authkey(number) => Some(number),
            Self::Device(_) | Self::Account(_) | Self::Operator | Self::System => None,
        }
    }
}
