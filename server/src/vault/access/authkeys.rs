//! Authkeys. Their values are nowhere: a row has a keyed hash of one.

use ipnet::IpNet;

use crate::clock::UnixSeconds;
use crate::domain::actor::Actor;
use crate::domain::authkey::{NETWORKS_MAX, Networks, OVERLAP_MAX, Rights, Scope, network_of};
use crate::domain::name::{ServiceName, parse_subscription};
use crate::domain::permission::Permissions;
use crate::domain::world::ClockReading;
use crate::storage::rows::{AccessRows, AuthkeyRow, MetaRows};
use crate::storage::{StorageError, Transaction};
use crate::vault::seal::Table;
use crate::vault::{About, Decoder, Encoder, Event, EventKind, Vault, VaultError};

/// An authkey to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAuthkey {
    /// What people call it.
    pub name: String,
    /// What it is good for.
    pub rights: Rights,
}

/// An authkey as it can be listed. The key itself is stored nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authkey {
    /// Its number, which no other authkey ever has.
    pub number: u64,
    /// What people call it.
    pub name: String,
    /// What it is good for.
    pub rights: Rights,
    /// When it was made.
    pub created_at: UnixSeconds,
    /// When it was used last, to the minute; `None` for never.
    pub last_used_at: Option<UnixSeconds>,
    /// When it was revoked.
    pub revoked_at: Option<UnixSeconds>,
    /// The number of the authkey that took its place.
    pub replaced_by: Option<u64>,
    hash: [u8; 32],
    ver: u64,
}

impl Authkey {
    /// Whether it is neither revoked nor expired.
    #[must_use]
    pub fn is_good(&self, clock: ClockReading) -> bool {
        self.revoked_at.is_none() && !self.rights.is_expired(clock)
    }
}

impl Vault {
    /// Adds an authkey. `value` is not kept.
    ///
    /// # Errors
    /// [`StorageError::Exists`] when there is or was one with the same value;
    /// storage failed.
    pub fn create_authkey(
        &self,
        tx: &mut dyn Transaction,
        new: NewAuthkey,
        value: &str,
        by: Actor,
        clock: ClockReading,
    ) -> Result<Authkey, VaultError> {
        let about = self.about_scope(tx, &new.rights.scope)?;
        let key = self.insert_authkey(tx, new, value, clock.now())?;
        let event = Event::new(EventKind::AuthkeyCreated, about, by, clock.now());
        self.record(tx, &named(event, &key).with("permissions", key.rights.permissions.names().collect::<Vec<_>>()))?;
        self.mark_time(tx, clock)?;
        Ok(key)
    }

    /// What an event about an authkey is about: the place where it is good.
    fn about_scope(&self, tx: &mut dyn Transaction, scope: &Scope) -> Result<About, VaultError> {
        Ok(match scope {
            Scope::Instance => About::Instance,
            Scope::Subscription(name) => About::Subscription(name.clone()),
            // A service that is gone leaves its authkeys behind, revoked.
            Scope::Service(name) => match tx.service_by_name(name.as_str())? {
                Some(row) => About::Service { id: row.id, name: name.clone() },
                None => About::Subscription(name.subscription().to_owned()),
            },
        })
    }

    fn insert_authkey(
        &self,
        tx: &mut dyn Transaction,
        new: NewAuthkey,
        value: &str,
        now: UnixSeconds,
    ) -> Result<Authkey, VaultError> {
        let NewAuthkey { name, rights } = new;
        if tx.was_authkey(&self.sealer.authkey_hash(value))? {
            return Err(StorageError::Exists.into());
        }
        let key = Authkey {
            number: tx.next_number("authkey")?,
            name,
            rights,
            created_at: now,
            last_used_at: None,
            revoked_at: None,
            replaced_by: None,
            hash: self.sealer.authkey_hash(value),
            ver: 1,
        };
        let sealed = self.seal_authkey(&key);
        tx.insert_authkey(&AuthkeyRow { id: key.number, hash: key.hash, used_at: UnixSeconds::EPOCH, sealed })?;
        Ok(key)
    }

    /// Replaces an authkey by one that is good for the same and has another value. The old one stays good for `overlap`
    /// seconds, or until its own time is over.
    ///
    /// # Errors
    /// [`VaultError::Refused`]: it is revoked, expired, or was replaced before.
    /// [`StorageError::Exists`]: there is or was one with the same value. Storage
    /// failed.
    pub fn rotate_authkey(
        &self,
        tx: &mut dyn Transaction,
        old: &mut Authkey,
        (value, overlap): (&str, u32),
        by: Actor,
        clock: ClockReading,
    ) -> Result<Authkey, VaultError> {
        if !old.is_good(clock) {
            return Err(VaultError::Refused("the authkey is revoked or expired: create a new one"));
        }
        if old.replaced_by.is_some() {
            return Err(VaultError::Refused("the authkey has been replaced already: rotate the one in its place"));
        }
        let new = NewAuthkey { name: old.name.clone(), rights: old.rights.clone() };
        let new = self.insert_authkey(tx, new, value, clock.now())?;
        old.replaced_by = Some(new.number);
        if overlap == 0 {
            old.revoked_at = Some(clock.now());
        } else {
            let end = clock.now().plus(u64::from(overlap));
            old.rights.expires_at = Some(old.rights.expires_at.map_or(end, |own| own.min(end)));
        }
        self.put_authkey(tx, old)?;
        let about = self.about_scope(tx, &old.rights.scope)?;
        let event = named(Event::new(EventKind::AuthkeyRotated, about, by, clock.now()), old);
        self.record(tx, &event.with("replacedBy", new.number).with("overlap", overlap))?;
        self.mark_time(tx, clock)?;
        Ok(new)
    }

    /// Revokes an authkey; it stays in the list.
    ///
    /// # Errors
    /// [`VaultError::Refused`]: it is revoked already. Storage failed.
    pub fn revoke_authkey(
        &self,
        tx: &mut dyn Transaction,
        key: &mut Authkey,
        by: Actor,
        clock: ClockReading,
    ) -> Result<(), VaultError> {
        if key.revoked_at.is_some() {
            return Err(VaultError::Refused("the authkey is revoked already"));
        }
        key.revoked_at = Some(clock.now());
        self.put_authkey(tx, key)?;
        let about = self.about_scope(tx, &key.rights.scope)?;
        self.record(tx, &named(Event::new(EventKind::AuthkeyRevoked, about, by, clock.now()), key))?;
        self.mark_time(tx, clock)
    }

    /// Revokes what is good in `scope` only: the place is going.
    pub(super) fn revoke_authkeys_of(
        &self,
        tx: &mut dyn Transaction,
        scope: &Scope,
        by: Actor,
        clock: ClockReading,
    ) -> Result<(), VaultError> {
        for mut key in self.authkeys(tx)? {
            if key.rights.scope == *scope && key.revoked_at.is_none() {
                self.revoke_authkey(tx, &mut key, by, clock)?;
            }
        }
        Ok(())
    }

    /// After the clock was wrong, far in the future: authkeys that were replaced then end in time, and none was made, used
    /// or revoked later than now. An end that somebody named stays.
    pub(in crate::vault) fn forget_future_authkeys(
        &self,
        tx: &mut dyn Transaction,
        clock: ClockReading,
    ) -> Result<(), VaultError> {
        let now = clock.now();
        tx.forget_authkey_uses_after(now)?;
        for mut key in self.authkeys(tx)? {
            let before = key.clone();
            key.created_at = key.created_at.min(now);
            key.revoked_at = key.revoked_at.map(|at| at.min(now));
            if key.replaced_by.is_some() {
                let latest = now.plus(u64::from(OVERLAP_MAX));
                key.rights.expires_at = key.rights.expires_at.map(|end| end.min(latest));
            }
            if key != before {
                self.put_authkey(tx, &mut key)?;
            }
        }
        Ok(())
    }

    fn put_authkey(&self, tx: &mut dyn Transaction, key: &mut Authkey) -> Result<(), VaultError> {
        key.ver += 1;
        Ok(tx.update_authkey(key.number, &self.seal_authkey(key))?)
    }

    /// The authkey with this value, good or not.
    ///
    /// # Errors
    /// The row is damaged; storage failed.
    pub fn authkey(&self, tx: &mut dyn Transaction, value: &str) -> Result<Option<Authkey>, VaultError> {
        // A keyed hash is looked up, so the comparison's timing says nothing about any key.
        let hash = self.sealer.authkey_hash(value);
        tx.authkey_by_hash(&hash)?.map(|row| self.open_authkey(row)).transpose()
    }

    /// The keyed hash under which an authkey is found.
    #[must_use]
    pub fn authkey_hash(&self, value: &str) -> [u8; 32] {
        self.sealer.authkey_hash(value)
    }

    /// The authkey with this number, good or not.
    ///
    /// # Errors
    /// The row is damaged; storage failed.
    pub fn authkey_numbered(&self, tx: &mut dyn Transaction, number: u64) -> Result<Option<Authkey>, VaultError> {
        tx.authkey_by_id(number)?.map(|row| self.open_authkey(row)).transpose()
    }

    /// All authkeys, by number.
    ///
    /// # Errors
    /// A row is damaged; storage failed.
    pub fn authkeys(&self, tx: &mut dyn Transaction) -> Result<Vec<Authkey>, VaultError> {
        tx.authkeys()?.into_iter().map(|row| self.open_authkey(row)).collect()
    }

    fn seal_authkey(&self, key: &Authkey) -> crate::storage::Sealed {
        let Rights { scope, permissions, expires_at, networks } = &key.rights;
        let mut content = Encoder::new();
        content.text(&key.name);
        match scope {
            Scope::Service(name) => content.u8(0).text(name.as_str()),
            Scope::Subscription(name) => content.u8(1).text(name),
            Scope::Instance => content.u8(2).text(""),
        };
        content.u32(permissions.bits()).time(key.created_at);
        for time in [expires_at, &key.revoked_at] {
            content.flag(time.is_some()).time(time.unwrap_or_default());
        }
        content.u64(key.replaced_by.unwrap_or_default());
        content.u8(u8::try_from(networks.iter().len()).unwrap_or(u8::MAX));
        for network in networks.iter() {
            encode_network(&mut content, network);
        }
        self.seal(Table::Authkey, &[&key.number.to_le_bytes(), &key.hash], key.ver, &content)
    }

    pub(in crate::vault) fn open_authkey(&self, row: AuthkeyRow) -> Result<Authkey, VaultError> {
        let AuthkeyRow { id: number, hash, used_at, sealed } = row;
        let content = self.sealer.open(Table::Authkey, &[&number.to_le_bytes(), &hash], &sealed)?;
        let mut decoder = Decoder::new(Table::Authkey, &content);
        let name = decoder.text()?;
        let (tag, target) = (decoder.u8()?, decoder.text()?);
        let scope = match tag {
            0 => Scope::Service(ServiceName::parse(&target).map_err(|_| decoder.damaged())?),
            1 => Scope::Subscription(parse_subscription(&target).map_err(|_| decoder.damaged())?.to_owned()),
            2 => Scope::Instance,
            _ => return Err(decoder.damaged()),
        };
        let permissions = Permissions::from_bits(decoder.u32()?).ok_or(decoder.damaged())?;
        let created_at = decoder.time()?;
        let mut optional_time = || Ok::<_, VaultError>(decoder.flag()?.then_some(decoder.time()?));
        let (expires_at, revoked_at) = (optional_time()?, optional_time()?);
        let replaced_by = Some(decoder.u64()?).filter(|number| *number != 0);
        let count = usize::from(decoder.u8()?);
        if count > NETWORKS_MAX {
            return Err(decoder.damaged());
        }
        let networks = (0..count).map(|_| decode_network(&mut decoder)).collect::<Result<Networks, _>>()?;
        decoder.end()?;
        Ok(Authkey {
            number,
            name,
            rights: Rights { scope, permissions, expires_at, networks },
            created_at,
            last_used_at: Some(used_at).filter(|at| *at != UnixSeconds::EPOCH),
            revoked_at,
            replaced_by,
            hash,
            ver: sealed.ver,
        })
    }
}

/// An event that says which authkey it is about.
fn named(event: Event, key: &Authkey) -> Event {
    event.with("authkey", key.number).with("name", key.name.as_str())
}

fn encode_network(content: &mut Encoder, network: IpNet) {
    let mut address = [0; 16];
    let family = match network {
        IpNet::V4(network) => {
            address[..4].copy_from_slice(&network.addr().octets());
            4
        }
        IpNet::V6(network) => {
            address = network.addr().octets();
            6
        }
    };
    content.u8(family).u8(network.prefix_len()).put(&address);
}

fn decode_network(decoder: &mut Decoder<'_>) -> Result<IpNet, VaultError> {
    let (family, prefix, address) = (decoder.u8()?, decoder.u8()?, decoder.array()?);
    network_of(family, prefix, address).ok_or(decoder.damaged())
}
