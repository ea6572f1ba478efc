//! Where a call comes from.

use std::net::IpAddr;

/// The address of the client, which the listener puts into the extensions of every request: the peer of the connection,
/// or what a trusted proxy says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);
