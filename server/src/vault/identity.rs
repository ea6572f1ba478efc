//! The server's identity key and its static keys by epoch.
//!
//! A key lives a week. The next one is made and published a week ahead, the last one is kept a week for late devices
//! and then erased, so that a stolen database and master key do not open what was recorded before.

use cardea_protocol::Secret;
use cardea_protocol::crypto::{Dalek, Provider};
use cardea_protocol::noise::KeyPair;
use cardea_protocol::wire::KeyRecord;

use super::seal::Table;
use super::{Decoder, Encoder, Vault, VaultError, random_secret};
use crate::clock::UnixSeconds;
use crate::domain::world::ClockReading;
use crate::storage::Transaction;
use crate::storage::rows::{EpochRow, KeyRows, MetaRows};

/// Seconds that a key is current.
const LIFE: u64 = 7 * 24 * 3600;
/// Seconds that it is kept afterwards.
const KEPT: u64 = LIFE;
/// Numbers that are left out after a restore: half a year of keys that the lost server may have published, well below
/// the 128 from which on a newer number looks like an older one.
const LOST: usize = 32;
/// The latest second in which a key can begin; that key has none after it.
const LAST: u32 = u32::MAX - 1;
const IDENTITY: &str = "identity";

/// A static key of the server.
pub struct EpochKey {
    /// Counts keys for ever, from 1.
    pub serial: u64,
    /// The key.
    pub pair: KeyPair,
    /// Its signed record.
    pub record: KeyRecord,
}

/// All keys that the server answers with.
pub struct ServerKeys {
    identity: Secret<32>,
    identity_public: [u8; 32],
    epochs: Vec<EpochKey>,
}

impl std::fmt::Debug for EpochKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EpochKey").field("record", &self.record).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for ServerKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerKeys").field("epochs", &self.epochs).finish_non_exhaustive()
    }
}

impl ServerKeys {
    /// The Ed25519 seed that signs records and receipts.
    #[must_use]
    pub const fn identity(&self) -> &Secret<32> {
        &self.identity
    }

    /// The key that devices pin.
    #[must_use]
    pub const fn identity_public(&self) -> &[u8; 32] {
        &self.identity_public
    }

    /// All keys that are not erased, oldest first; those that are only published ahead included.
    #[must_use]
    pub fn epochs(&self) -> &[EpochKey] {
        &self.epochs
    }

    /// The key for a message that was made for `epoch`. A published key is good before its time, too.
    #[must_use]
    pub fn by_epoch(&self, epoch: u8) -> Option<&EpochKey> {
        self.epochs.iter().rev().find(|key| key.record.epoch == epoch)
    }

    /// The key that new links and records name: the newest whose time has come.
    #[must_use]
    pub fn current(&self, now: UnixSeconds) -> Option<&EpochKey> {
        let begun = |key: &&EpochKey| UnixSeconds::from(key.record.not_before) <= now;
        self.epochs.iter().rev().find(begun).or(self.epochs.first())
    }

    /// The key that comes after the current one.
    #[must_use]
    pub fn next(&self, now: UnixSeconds) -> Option<&EpochKey> {
        let current = self.current(now)?.serial;
        self.epochs.iter().find(|key| key.serial > current)
    }
}

impl Vault {
    /// Makes the keys that are missing and erases those whose time is over. To be called at every start and then
    /// every hour or so.
    ///
    /// # Errors
    /// A row is damaged; storage failed.
    pub fn maintain_keys(&self, tx: &mut dyn Transaction, clock: ClockReading) -> Result<(), VaultError> {
        let identity = match self.identity(tx)? {
            Some(identity) => identity,
            None => self.create_identity(tx)?,
        };
        let now = clock.now();
        let mut epochs = self.epoch_keys(tx)?;
        let is_due = |begins: u32| begins < LAST && UnixSeconds::from(begins) <= now;
        while epochs.last().is_none_or(|last| is_due(last.record.not_before)) {
            let begins = epochs.last().map_or(now, |last| now.max(UnixSeconds::from(last.record.not_after)));
            epochs.push(self.create_epoch(tx, &identity, begins)?);
        }
        let over = |key: &&EpochKey| UnixSeconds::from(key.record.not_after).plus(KEPT) <= now;
        if let Some(last_over) = epochs.iter().take_while(over).last() {
            tx.erase_epochs_before(last_over.serial + 1)?;
        }
        self.mark_time(tx, clock)
    }

    /// Makes a new key that is current from now on, ahead of time; returns its epoch.
    ///
    /// # Errors
    /// A row is damaged; storage failed.
    pub fn rotate_keys(&self, tx: &mut dyn Transaction, clock: ClockReading) -> Result<u8, VaultError> {
        self.maintain_keys(tx, clock)?;
        let identity = self.identity(tx)?.ok_or(VaultError::Misuse("the server has no identity yet"))?;
        // The key that was published ahead keeps its time, but `current` prefers the newer serial from now on.
        let key = self.create_epoch(tx, &identity, clock.now())?;
        self.maintain_keys(tx, clock)?;
        Ok(key.record.epoch)
    }

    /// After a restore: makes a key that is current from now on, with a number that no device can have met on the
    /// server that was lost. Under a number that it has met, a device would take the key for an older one and refuse it,
    /// or speak to another key than the server has.
    ///
    /// # Errors
    /// A row is damaged; storage failed.
    pub(super) fn skip_lost_keys(&self, tx: &mut dyn Transaction, clock: ClockReading) -> Result<(), VaultError> {
        for _ in 0..LOST {
            tx.next_number("key_epoch")?;
        }
        self.rotate_keys(tx, clock).map(drop)
    }

    /// After the clock was wrong, far in the future: keys that were made then would keep the present one in use until
    /// that time has come. They go, all before them too, and a new one is current from now on; devices are told so at
    /// their next contact.
    ///
    /// # Errors
    /// A row is damaged; storage failed.
    pub(super) fn forget_future_keys(&self, tx: &mut dyn Transaction, clock: ClockReading) -> Result<(), VaultError> {
        // A key is published at most one life ahead; what begins within two delays the next one by at most another.
        let far = clock.now().plus(2 * LIFE);
        let epochs = self.epoch_keys(tx)?;
        let Some(last) = epochs.last().filter(|last| UnixSeconds::from(last.record.not_before) > far) else {
            return Ok(());
        };
        tx.erase_epochs_before(last.serial + 1)?;
        self.rotate_keys(tx, clock).map(drop)
    }

    /// All keys.
    ///
    /// # Errors
    /// There are none yet ([`Vault::maintain_keys`] makes them); a row is damaged; storage failed.
    pub fn server_keys(&self, tx: &mut dyn Transaction) -> Result<ServerKeys, VaultError> {
        let identity = self.identity(tx)?.ok_or(VaultError::Misuse("the server has no identity yet"))?;
        let identity_public = Dalek::ed25519_public(&identity);
        Ok(ServerKeys { identity, identity_public, epochs: self.epoch_keys(tx)? })
    }

    pub(super) fn identity(&self, tx: &mut dyn Transaction) -> Result<Option<Secret<32>>, VaultError> {
        let Some(sealed) = tx.meta(IDENTITY)? else { return Ok(None) };
        let content = self.sealer.open(Table::Meta, &[IDENTITY.as_bytes()], &sealed)?;
        let mut decoder = Decoder::new(Table::Meta, &content);
        let identity = decoder.secret()?;
        decoder.end()?;
        Ok(Some(identity))
    }

    /// Whether there is an identity, good or damaged.
    pub(super) fn has_identity(&self, tx: &mut dyn Transaction) -> Result<bool, VaultError> {
        Ok(tx.meta(IDENTITY)?.is_some())
    }

    fn create_identity(&self, tx: &mut dyn Transaction) -> Result<Secret<32>, VaultError> {
        self.begin_journal(tx)?;
        let identity: Secret<32> = random_secret(&*self.entropy);
        let mut content = Encoder::new();
        content.put(identity.expose());
        tx.put_meta(IDENTITY, &self.seal(Table::Meta, &[IDENTITY.as_bytes()], 1, &content))?;
        Ok(identity)
    }

    fn create_epoch(
        &self,
        tx: &mut dyn Transaction,
        identity: &Secret<32>,
        begins: UnixSeconds,
    ) -> Result<EpochKey, VaultError> {
        let serial = tx.next_number("key_epoch")?;
        let [epoch, ..] = serial.to_le_bytes();
        let secret: Secret<32> = random_secret(&*self.entropy);
        let mut content = Encoder::new();
        content.put(secret.expose());
        let pair = KeyPair::from_secret::<Dalek>(secret);
        // A record that ends when it begins is none, not even at the end of the time that fits on the wire.
        let (begins, ends) = (begins.wire().min(LAST), begins.plus(LIFE).wire());
        let record = KeyRecord::sign::<Dalek>(identity, epoch, *pair.public(), begins, ends);
        let encoded = record.encode();
        let sealed = self.seal(Table::KeyEpoch, &[&serial.to_le_bytes(), &encoded], 1, &content);
        tx.insert_epoch(&EpochRow { serial, record: encoded.to_vec(), sealed })?;
        Ok(EpochKey { serial, pair, record })
    }

    fn epoch_keys(&self, tx: &mut dyn Transaction) -> Result<Vec<EpochKey>, VaultError> {
        let open = |row: EpochRow| {
            let binding: [&[u8]; 2] = [&row.serial.to_le_bytes(), &row.record];
            let content = self.sealer.open(Table::KeyEpoch, &binding, &row.sealed)?;
            let mut decoder = Decoder::new(Table::KeyEpoch, &content);
            let secret = decoder.secret()?;
            let record = KeyRecord::decode(&row.record).map_err(|_| decoder.damaged())?;
            decoder.end()?;
            Ok(EpochKey { serial: row.serial, pair: KeyPair::from_secret::<Dalek>(secret), record })
        };
        tx.epochs()?.into_iter().map(open).collect()
    }
}
