//! Accounts, applications and sessions. Passwords, appsecrets and bearer tokens are nowhere: rows have hashes of them.

mod accounts;
mod applications;
mod grants;
mod policies;
mod sessions;

pub use accounts::{Account, NewAccount};
pub use applications::{Application, NewApplication};
pub use grants::{Grant, GrantToken, Issued, IssuedToken, NewGrant, TokenKind};
pub use sessions::{NewSession, Session};

use super::Vault;

/// Most sessions, and most grants, of one account. Whoever signs in with ever new identifiers ends the oldest.
pub(super) const HELD_MAX: u32 = 1_000;

/// What a hash is of: none stands for one of another kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HashOf {
    Name,
    Email,
    Appsecret,
    Bearer,
    Slot,
    Grant,
}

impl HashOf {
    const fn label(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Email => "email",
            Self::Appsecret => "appsecret",
            Self::Bearer => "bearer",
            Self::Slot => "slot",
            Self::Grant => "grant",
        }
    }
}

impl Vault {
    /// The keyed hash of `parts`, under which a row is found.
    fn found_by(&self, of: HashOf, parts: &[&[u8]]) -> [u8; 32] {
        self.sealer.people_hash(of.label(), parts)
    }
}
