//! Devices, their slots and their attempts.

use super::Sealed;
use crate::storage::transaction::{insert_one, query_all, query_one, update_one};
use crate::storage::{Row, StorageError, Transaction, Value};

/// Which device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeviceKey {
    /// Its token.
    pub token: [u8; 16],
    /// Its id within the token.
    pub number: [u8; 4],
}

impl DeviceKey {
    const fn values(&self) -> [Value<'_>; 2] {
        [Value::Bytes(&self.token), Value::Bytes(&self.number)]
    }
}

/// The rolling hints by which a device is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HintColumns {
    /// Of the current generation.
    pub cur: [u8; 8],
    /// Of the one before.
    pub prev: Option<[u8; 8]>,
    /// Of the branch that was given up for an honest fork.
    pub alt: Option<[u8; 8]>,
}

/// A device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceRow {
    /// Which one.
    pub key: DeviceKey,
    /// Where its first messages find it.
    pub hints: HintColumns,
    /// Its X25519 key, where a resync finds it.
    pub static_key: [u8; 32],
    /// Its record.
    pub sealed: Sealed,
}

/// Devices, their slots and their attempts.
pub trait DeviceRows {
    /// The device with this key.
    ///
    /// # Errors
    /// Storage failed.
    fn device(&mut self, key: &DeviceKey) -> Result<Option<DeviceRow>, StorageError>;

    /// The devices that have `hint` in one of their three columns: one, but for a collision of two 64-bit values.
    ///
    /// # Errors
    /// Storage failed.
    fn devices_by_hint(&mut self, hint: &[u8; 8]) -> Result<Vec<DeviceRow>, StorageError>;

    /// The devices with this X25519 key.
    ///
    /// # Errors
    /// Storage failed.
    fn devices_by_static(&mut self, static_key: &[u8; 32]) -> Result<Vec<DeviceRow>, StorageError>;

    /// All devices of a token, revoked ones included.
    ///
    /// # Errors
    /// Storage failed.
    fn devices_of(&mut self, token: &[u8; 16]) -> Result<Vec<DeviceRow>, StorageError>;

    /// The keys of all devices.
    ///
    /// # Errors
    /// Storage failed.
    fn device_keys(&mut self) -> Result<Vec<DeviceKey>, StorageError>;

    /// At most `limit` devices whose tokens are gone, of tokens after `after`, by token.
    ///
    /// # Errors
    /// Storage failed.
    fn tombstones(&mut self, after: &[u8; 16], limit: u32) -> Result<Vec<DeviceKey>, StorageError>;

    /// Removes a device with everything that belongs to it.
    ///
    /// # Errors
    /// Storage failed.
    fn delete_device(&mut self, key: &DeviceKey) -> Result<(), StorageError>;

    /// Adds a device.
    ///
    /// # Errors
    /// [`StorageError::Exists`] when its key or one of its hints is there already; storage failed.
    fn insert_device(&mut self, row: &DeviceRow) -> Result<(), StorageError>;

    /// Changes a device; `row.sealed.ver` is one more than the stored one. This is the compare-and-swap of the ratchet.
    ///
    /// # Errors
    /// [`StorageError::Conflict`]; storage failed.
    fn update_device(&mut self, row: &DeviceRow) -> Result<(), StorageError>;

    /// A device's slots.
    ///
    /// # Errors
    /// Storage failed.
    fn slots(&mut self, key: &DeviceKey) -> Result<Option<Sealed>, StorageError>;

    /// Stores a device's slots; version 1 is the first, any other one more than the stored one.
    ///
    /// # Errors
    /// [`StorageError::Conflict`]; [`StorageError::Exists`]; storage failed.
    fn put_slots(&mut self, key: &DeviceKey, sealed: &Sealed) -> Result<(), StorageError>;

    /// A device's counter of wrong PINs.
    ///
    /// # Errors
    /// Storage failed.
    fn attempt(&mut self, key: &DeviceKey) -> Result<Option<Sealed>, StorageError>;

    /// Stores a device's counter; version 1 is the first, any other one more than the stored one.
    ///
    /// # Errors
    /// [`StorageError::Conflict`]; [`StorageError::Exists`]; storage failed.
    fn put_attempt(&mut self, key: &DeviceKey, sealed: &Sealed) -> Result<(), StorageError>;

    /// Removes a device's slots and counter, when nothing is left that they could protect.
    ///
    /// # Errors
    /// Storage failed.
    fn erase_slots(&mut self, key: &DeviceKey) -> Result<(), StorageError>;
}

macro_rules! select {
    ($($tail:literal)?) => {
        concat!(
            "SELECT token, number, ver, sealed, hint_cur, hint_prev, hint_alt, static_key FROM device ",
            $($tail)?
        )
    };
}

pub(super) fn device(row: &dyn Row) -> Result<DeviceRow, StorageError> {
    let hint = |column| {
        let bytes = row.optional_bytes(column)?;
        let length = |_| StorageError::Corrupt("a hint has another length".to_owned());
        bytes.map(|bytes| bytes.try_into().map_err(length)).transpose()
    };
    Ok(DeviceRow {
        key: DeviceKey { token: row.array(0)?, number: row.array(1)? },
        sealed: Sealed { ver: row.unsigned(2)?, bytes: row.bytes(3)? },
        hints: HintColumns { cur: row.array(4)?, prev: hint(5)?, alt: hint(6)? },
        static_key: row.array(7)?,
    })
}

impl DeviceRow {
    fn content(&self) -> [Value<'_>; 6] {
        [
            Value::unsigned(self.sealed.ver),
            Value::Bytes(&self.sealed.bytes),
            Value::Bytes(&self.hints.cur),
            Value::bytes_or_null(self.hints.prev.as_ref().map(<[u8; 8]>::as_slice)),
            Value::bytes_or_null(self.hints.alt.as_ref().map(<[u8; 8]>::as_slice)),
            Value::Bytes(&self.static_key),
        ]
    }
}

fn put<X: Transaction + ?Sized>(
    tx: &mut X,
    [insert, update]: [&'static str; 2],
    key: &DeviceKey,
    sealed: &Sealed,
) -> Result<(), StorageError> {
    let [token, number] = key.values();
    let parameters = [Value::unsigned(sealed.ver), Value::Bytes(&sealed.bytes), token, number];
    if sealed.ver == 1 { insert_one(tx, insert, &parameters) } else { update_one(tx, update, &parameters) }
}

impl<X: Transaction + ?Sized> DeviceRows for X {
    fn device(&mut self, key: &DeviceKey) -> Result<Option<DeviceRow>, StorageError> {
        query_one(self, select!("WHERE token = $1 AND number = $2"), &key.values(), device)
    }

    fn devices_by_hint(&mut self, hint: &[u8; 8]) -> Result<Vec<DeviceRow>, StorageError> {
        let sql = select!("WHERE hint_cur = $1 OR hint_prev = $1 OR hint_alt = $1");
        query_all(self, sql, &[Value::Bytes(hint)], device)
    }

    fn devices_by_static(&mut self, static_key: &[u8; 32]) -> Result<Vec<DeviceRow>, StorageError> {
        query_all(self, select!("WHERE static_key = $1"), &[Value::Bytes(static_key)], device)
    }

    fn devices_of(&mut self, token: &[u8; 16]) -> Result<Vec<DeviceRow>, StorageError> {
        query_all(self, select!("WHERE token = $1 ORDER BY number"), &[Value::Bytes(token)], device)
    }

    fn device_keys(&mut self) -> Result<Vec<DeviceKey>, StorageError> {
        query_all(self, "SELECT token, number FROM device ORDER BY token, number", &[], |row| {
            Ok(DeviceKey { token: row.array(0)?, number: row.array(1)? })
        })
    }

    fn tombstones(&mut self, after: &[u8; 16], limit: u32) -> Result<Vec<DeviceKey>, StorageError> {
        let sql = "SELECT token, number FROM device WHERE token > $1 AND NOT EXISTS \
                   (SELECT 1 FROM token t WHERE t.id = device.token) ORDER BY token, number LIMIT $2";
        query_all(self, sql, &[Value::Bytes(after), Value::Int(i64::from(limit))], |row| {
            Ok(DeviceKey { token: row.array(0)?, number: row.array(1)? })
        })
    }

    fn delete_device(&mut self, key: &DeviceKey) -> Result<(), StorageError> {
        self.execute("DELETE FROM device WHERE token = $1 AND number = $2", &key.values())?;
        Ok(())
    }

    fn insert_device(&mut self, row: &DeviceRow) -> Result<(), StorageError> {
        let [token, number] = row.key.values();
        let [ver, sealed, cur, prev, alt, static_key] = row.content();
        let sql = "INSERT INTO device (token, number, ver, sealed, hint_cur, hint_prev, hint_alt, static_key) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
        insert_one(self, sql, &[token, number, ver, sealed, cur, prev, alt, static_key])
    }

    fn update_device(&mut self, row: &DeviceRow) -> Result<(), StorageError> {
        let [token, number] = row.key.values();
        let [ver, sealed, cur, prev, alt, static_key] = row.content();
        let sql = "UPDATE device SET ver = $1, sealed = $2, hint_cur = $3, hint_prev = $4, hint_alt = $5, \
                   static_key = $6 WHERE token = $7 AND number = $8 AND ver = $1 - 1";
        update_one(self, sql, &[ver, sealed, cur, prev, alt, static_key, token, number])
    }

    fn slots(&mut self, key: &DeviceKey) -> Result<Option<Sealed>, StorageError> {
        let sql = "SELECT ver, sealed FROM slots WHERE token = $1 AND number = $2";
        query_one(self, sql, &key.values(), |row| Ok(Sealed { ver: row.unsigned(0)?, bytes: row.bytes(1)? }))
    }

    fn put_slots(&mut self, key: &DeviceKey, sealed: &Sealed) -> Result<(), StorageError> {
        let insert = "INSERT INTO slots (ver, sealed, token, number) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
        let update = "UPDATE slots SET ver = $1, sealed = $2 WHERE token = $3 AND number = $4 AND ver = $1 - 1";
        put(self, [insert, update], key, sealed)
    }

    fn attempt(&mut self, key: &DeviceKey) -> Result<Option<Sealed>, StorageError> {
        let sql = "SELECT ver, sealed FROM attempt WHERE token = $1 AND number = $2";
        query_one(self, sql, &key.values(), |row| Ok(Sealed { ver: row.unsigned(0)?, bytes: row.bytes(1)? }))
    }

    fn put_attempt(&mut self, key: &DeviceKey, sealed: &Sealed) -> Result<(), StorageError> {
        let insert = "INSERT INTO attempt (ver, sealed, token, number) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
        let update = "UPDATE attempt SET ver = $1, sealed = $2 WHERE token = $3 AND number = $4 AND ver = $1 - 1";
        put(self, [insert, update], key, sealed)
    }

    fn erase_slots(&mut self, key: &DeviceKey) -> Result<(), StorageError> {
        self.execute("DELETE FROM slots WHERE token = $1 AND number = $2", &key.values())?;
        self.execute("DELETE FROM attempt WHERE token = $1 AND number = $2", &key.values())?;
        Ok(())
    }
}
