//! What was recorded, once more: the same frames byte for byte, as somebody would who listened; or the same operations by a
//! new device, to see whether as much comes of them.
//!
//! Neither is harmless, so the session has to be one that may have faults, and its [`Gate`](crate::faults::Gate) says which servers may
//! see it.

mod decisions;
mod resign;
mod verbatim;

use cardea_sdk::transport::{Endpoint, TransportError};

use crate::engine::EngineError;
use crate::faults::RuleError;

pub use resign::{Step, resign};
pub use verbatim::{Reaction, Replayed, verbatim};

/// Why nothing was replayed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The session may have no faults, or the server may see none.
    #[error(transparent)]
    Gate(#[from] RuleError),
    /// No address of a server.
    #[error("{0:?} is no server: write HOST:PORT, of its token channel")]
    Server(String),
    /// There is nothing to send.
    #[error("there is nothing to replay: the trace has no frames of {}", .0.as_deref().unwrap_or("any device"))]
    Nothing(Option<String>),
    /// More devices than one are in the trace.
    #[error("the trace has several devices, say which: {}", .0.join(", "))]
    Several(Vec<String>),
    /// A server that is not there.
    #[error("cannot send it again: {0}")]
    Unreachable(Box<TransportError>),
    /// A device says so.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Reads host and port.
///
/// # Errors
/// [`ReplayError::Server`].
pub fn server(text: &str) -> Result<Endpoint, ReplayError> {
    let wrong = || ReplayError::Server(text.chars().take(64).collect());
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let port: u16 = port.parse().map_err(|_| wrong())?;
    let is_bare = host.contains(':') && !(host.starts_with('[') && host.ends_with(']'));
    let is_host = !host.is_empty() && !is_bare && !host.contains(char::is_whitespace);
    if port == 0 || !is_host {
        return Err(wrong());
    }
    Ok(Endpoint { host: host.to_owned(), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_host_and_a_port() {
        for (text, host, port) in [("localhost:8421", "localhost", 8421), ("[::1]:1", "[::1]", 1)] {
            assert_eq!(server(text).unwrap(), Endpoint { host: host.into(), port }, "{text}");
        }
        for wrong in ["", "localhost", ":1", "localhost:", "localhost:0", "localhost:65536", "::1:2", "a b:1"] {
            assert!(matches!(server(wrong), Err(ReplayError::Server(_))), "{wrong}");
        }
    }
}
