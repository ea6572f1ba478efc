//! A server's key, for a typed code that has no room for it. It is looked up at `https://<host>/.well-known/cardea`
//! (feature `discovery`), or the host program knows it.

#[cfg(feature = "discovery")]
mod look_up;

use cardea_protocol::wire::KeyRecord;

use crate::transport::Endpoint;

#[cfg(feature = "discovery")]
pub use look_up::look_up;

/// A server's identity, and where and with which key its token channel is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerIdentity {
    /// Ed25519 identity key.
    pub identity: [u8; 32],
    /// Its current static key, signed by the identity.
    pub key_record: KeyRecord,
    /// Its token channel.
    pub endpoint: Endpoint,
}

/// Why a server's key could not be looked up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoveryError {
    /// Not a host.
    #[error("this is no server: give a host name, for example id.example")]
    Host,
    /// `http` with a host that is not this machine.
    #[error("http is accepted for this machine only: use https")]
    Insecure,
    /// No answer, or no certificate that this machine trusts.
    #[error("cannot ask {host}: {reason}")]
    Unreachable {
        /// The host.
        host: String,
        /// What the HTTP client says.
        reason: String,
    },
    /// Something answered that is no Cardea server.
    #[error("{host} is no Cardea server, or one of another version")]
    Answer {
        /// The host.
        host: String,
    },
    /// The key is not signed by the identity beside it.
    #[error("{host} gives a key that it did not sign: do not enroll here")]
    Signature {
        /// The host.
        host: String,
    },
}
