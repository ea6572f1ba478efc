//! Sealing rows: XChaCha20-Poly1305 with a random nonce, one key per table.

use cardea_protocol::Secret;
use cardea_protocol::crypto::{Dalek, Provider};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{Repeater, VaultError};
use crate::entropy::Entropy;
use crate::storage::Sealed;

const NONCE: usize = 24;

/// What a row is. Each has a key of its own, so that no row can stand in for one of another kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Meta,
    Subscription,
    Service,
    Webhook,
    Delivery,
    Authkey,
    Token,
    Device,
    Slots,
    Attempt,
    Enrollment,
    Confirmation,
    Journal,
    KeyEpoch,
    Answer,
    Account,
    Application,
    Session,
    Grant,
    GrantToken,
    Policy,
    /// No table: what callers carry from one page of a list to the next.
    Cursor,
}

impl Table {
    const ALL: [Self; 22] = [
        Self::Meta,
        Self::Subscription,
        Self::Service,
        Self::Webhook,
        Self::Delivery,
        Self::Authkey,
        Self::Token,
        Self::Device,
        Self::Slots,
        Self::Attempt,
        Self::Enrollment,
        Self::Confirmation,
        Self::Journal,
        Self::KeyEpoch,
        Self::Answer,
        Self::Account,
        Self::Application,
        Self::Session,
        Self::Grant,
        Self::GrantToken,
        Self::Policy,
        Self::Cursor,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Subscription => "subscription",
            Self::Service => "service",
            Self::Webhook => "webhook",
            Self::Delivery => "delivery",
            Self::Authkey => "authkey",
            Self::Token => "token",
            Self::Device => "device",
            Self::Slots => "slots",
            Self::Attempt => "attempt",
            Self::Enrollment => "enrollment",
            Self::Confirmation => "confirmation",
            Self::Journal => "journal",
            Self::KeyEpoch => "key_epoch",
            Self::Answer => "answer",
            Self::Account => "account",
            Self::Application => "application",
            Self::Session => "session",
            Self::Grant => "token_grant",
            Self::GrantToken => "grant_token",
            Self::Policy => "sign_in_policy",
            Self::Cursor => "cursor",
        }
    }
}

/// The keys of all tables, and those of hashes.
pub(super) struct Sealer {
    tables: [Secret<32>; Table::ALL.len()],
    /// HMAC with its key taken in already: it is asked for at every call.
    authkeys: Hmac<Sha256>,
    answers: Secret<32>,
    /// Likewise.
    people: Hmac<Sha256>,
}

impl Sealer {
    pub(super) fn new(master: &Secret<32>) -> Self {
        let derive = |purpose: &str| {
            Dalek::derive(b"cardea1 vault", &[master.expose()], &[b"cardea1 vault ", purpose.as_bytes()])
        };
        Self {
            tables: Table::ALL.map(|table| derive(table.name())),
            authkeys: Hmac::new_from_slice(derive("authkey hash").expose()).expect("any length is a key"),
            answers: derive("answer hash"),
            people: Hmac::new_from_slice(derive("people hash").expose()).expect("any length is a key"),
        }
    }

    /// Seals `content` into the row of `table` that `binding` identifies, as its version `ver`.
    ///
    /// `binding` is everything that stands beside the content in clear: key and indexed columns.
    pub(super) fn seal(
        &self,
        table: Table,
        binding: &[&[u8]],
        ver: u64,
        content: &[u8],
        entropy: &dyn Entropy,
    ) -> Sealed {
        let mut bytes = vec![0; NONCE];
        entropy.fill(&mut bytes);
        let nonce = nonce_of(&bytes);
        let aad = associated(table, binding, ver);
        let sealed = self
            .cipher(table)
            .encrypt(&nonce, Payload { msg: content, aad: &aad })
            .expect("a row is far below the 256 GiB that the cipher takes");
        bytes.extend_from_slice(&sealed);
        Sealed { ver, bytes }
    }

    /// Opens what [`Sealer::seal`] made for the same table, binding and version.
    pub(super) fn open(
        &self,
        table: Table,
        binding: &[&[u8]],
        sealed: &Sealed,
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let damaged = VaultError::Damaged(table.name());
        let (nonce, text) = sealed.bytes.split_at_checked(NONCE).ok_or(damaged.clone())?;
        let aad = associated(table, binding, sealed.ver);
        let content = self.cipher(table).decrypt(&nonce_of(nonce), Payload { msg: text, aad: &aad });
        content.map(Zeroizing::new).map_err(|_| damaged)
    }

    /// The keyed hash of `parts`, as something `of` this kind is found by.
    pub(super) fn people_hash(&self, of: &str, parts: &[&[u8]]) -> [u8; 32] {
        let hash = parts.iter().fold(self.people.clone().chain_update(of), |hash, part| {
            // Each with its length: no parts read like others.
            hash.chain_update((part.len() as u64).to_le_bytes()).chain_update(part)
        });
        hash.finalize().into_bytes().into()
    }

    /// The keyed hash under which an authkey is found.
    pub(super) fn authkey_hash(&self, authkey: &str) -> [u8; 32] {
        self.authkeys.clone().chain_update(authkey.as_bytes()).finalize().into_bytes().into()
    }

    /// The keyed hash under which the answer to a call is found that its caller may repeat.
    pub(super) fn answer_hash(&self, caller: Repeater, call: &str, key: &str) -> [u8; 32] {
        // What stands before the number of an account is the number of no authkey.
        let (kind, number) = match caller {
            Repeater::Authkey(number) => (&[][..], number),
            Repeater::Account(number) => (&[0xff; 8][..], number),
        };
        let (number, length) = (number.to_le_bytes(), (call.len() as u64).to_le_bytes());
        *Dalek::hmac(self.answers.expose(), &[kind, &number, &length, call.as_bytes(), key.as_bytes()]).expose()
    }

    fn cipher(&self, table: Table) -> XChaCha20Poly1305 {
        let index = Table::ALL.iter().position(|known| *known == table).expect("all tables are listed");
        XChaCha20Poly1305::new(self.tables[index].expose().into())
    }
}

fn nonce_of(bytes: &[u8]) -> XNonce {
    XNonce::try_from(bytes).expect("the caller cut off as many bytes as a nonce has")
}

/// Every part with its length before it, so that no two bindings read alike.
fn associated(table: Table, binding: &[&[u8]], ver: u64) -> Vec<u8> {
    let mut aad = Vec::with_capacity(128);
    aad.extend_from_slice(b"cardea1 row");
    for part in [table.name().as_bytes()].iter().chain(binding) {
        aad.extend_from_slice(&(part.len() as u64).to_le_bytes());
        aad.extend_from_slice(part);
    }
    aad.extend_from_slice(&ver.to_le_bytes());
    aad
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    fn sealer(master: u8) -> Sealer {
        Sealer::new(&Secret::new([master; 32]))
    }

    #[test]
    fn a_row_opens_where_it_was_sealed_and_nowhere_else() {
        let (sealer, entropy) = (sealer(1), SeededEntropy::new(1));
        let binding: [&[u8]; 2] = [b"token", b"device"];
        let sealed = sealer.seal(Table::Device, &binding, 3, b"content", &entropy);
        assert_eq!(*sealer.open(Table::Device, &binding, &sealed).expect("opens"), b"content");

        let damaged =
            |result: Result<_, VaultError>, table| assert_eq!(result.expect_err("sealed"), VaultError::Damaged(table));
        damaged(sealer.open(Table::Slots, &binding, &sealed), "slots");
        damaged(sealer.open(Table::Device, &[b"token", b"other"], &sealed), "device");
        damaged(sealer.open(Table::Device, &[b"toke", b"ndevice"], &sealed), "device");
        damaged(sealer.open(Table::Device, &[b"token"], &sealed), "device");
        damaged(sealer.open(Table::Device, &binding, &Sealed { ver: 4, ..sealed.clone() }), "device");
        damaged(Sealer::new(&Secret::new([2; 32])).open(Table::Device, &binding, &sealed), "device");
        for byte in 0..sealed.bytes.len() {
            let mut bytes = sealed.bytes.clone();
            bytes[byte] ^= 1;
            damaged(sealer.open(Table::Device, &binding, &Sealed { ver: 3, bytes }), "device");
        }
        for length in 0..sealed.bytes.len() {
            let bytes = sealed.bytes[..length].to_vec();
            damaged(sealer.open(Table::Device, &binding, &Sealed { ver: 3, bytes }), "device");
        }
    }

    #[test]
    fn equal_content_seals_differently_each_time_and_to_equal_lengths() {
        let (sealer, entropy) = (sealer(1), SeededEntropy::new(1));
        let [a, b] = [(); 2].map(|()| sealer.seal(Table::Token, &[b"t"], 1, &[0; 32], &entropy));
        let c = sealer.seal(Table::Token, &[b"t"], 1, &[0xff; 32], &entropy);
        assert_ne!(a, b);
        assert_eq!((a.bytes.len(), b.bytes.len()), (c.bytes.len(), NONCE + 32 + 16));
    }

    #[test]
    fn authkeys_hash_differently_under_another_master_key() {
        assert_eq!(sealer(1).authkey_hash("a"), sealer(1).authkey_hash("a"));
        assert_ne!(sealer(1).authkey_hash("a"), sealer(1).authkey_hash("b"));
        assert_ne!(sealer(1).authkey_hash("a"), sealer(2).authkey_hash("a"));
    }
}
