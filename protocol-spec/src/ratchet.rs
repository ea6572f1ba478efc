//! The ratchet (specification, chapter 7): one pre-shared key per generation, replaced by every accepted handshake on
//! both sides, and the server's record of where a device stands.

mod row;

pub use row::{Accepted, AttemptKind, ROW_LEN, Row};

use crate::crypto::Provider;
use crate::noise::Split;
use crate::secret::Secret;
use crate::token::{Hint, TokenId};

/// The hint of a ratchet key: the only name of a device that is ever sent in clear.
#[must_use]
pub fn hint<P: Provider>(psk: &Secret<32>) -> Hint {
    let derived = P::derive(&[], &[psk.expose()], &[b"cardea1 hint"]);
    let mut hint = [0; 8];
    for (to, from) in hint.iter_mut().zip(derived.expose()) {
        *to = *from;
    }
    Hint::new(hint)
}

/// The key of the next generation. The handshake hash is deliberately not in it: it depends on the encrypted
/// signature, so that a stored record would depend on the PIN.
pub(crate) fn next<P: Provider>(psk: &Secret<32>, split: &Split) -> Secret<32> {
    P::derive(
        psk.expose(),
        &[split.initiator_to_responder.expose(), split.responder_to_initiator.expose()],
        &[b"cardea1 ratchet"],
    )
}

/// The key of generation 0, from the enrollment handshake; `offered` is the handshake hash after E2.
pub(crate) fn root<P: Provider>(split: &Split, offered: &[u8; 32], token: &TokenId) -> Secret<32> {
    P::derive(
        &[],
        &[split.initiator_to_responder.expose(), split.responder_to_initiator.expose()],
        &[b"cardea1 root", offered, token.bytes()],
    )
}

/// The key that a resync proposes. The old key is not in it: the server may have lost it.
pub(crate) fn candidate<P: Provider>(split: &Split) -> Secret<32> {
    P::derive(
        &[],
        &[split.initiator_to_responder.expose(), split.responder_to_initiator.expose()],
        &[b"cardea1 resync"],
    )
}

/// How a wholly lost warm operation is declared, in place of an ephemeral key.
#[must_use]
pub fn operation_id<P: Provider>(handshake_hash: &[u8; 32], nonce: u64) -> [u8; 32] {
    P::sha256(&[b"cardea1 op", handshake_hash, &nonce.to_le_bytes()])
}
