//! Everything that a status depends on, in one statement: with PostgreSQL, one exchange with the database.

use super::access::{authkey, service};
use super::devices::device;
use super::tokens::token;
use super::{AuthkeyRow, DeviceRow, Sealed, ServiceRow, TokenRow};
use crate::storage::{Row, StorageError, Transaction, Value};

/// What there is to one question for a status.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StatusFacts {
    /// The authkey with the asked hash.
    pub authkey: Option<AuthkeyRow>,
    /// The service with the asked name.
    pub service: Option<ServiceRow>,
    /// The user's token in that service.
    pub token: Option<TokenRow>,
    /// The token's devices, revoked ones included, each with its counter of wrong PINs.
    pub devices: Vec<(DeviceRow, Option<Sealed>)>,
    /// The times that the instance must not forget.
    pub marks: Option<Sealed>,
}

/// Everything that a status depends on.
pub trait StatusRows {
    /// What there is to a question for the status of `user` in the service called `name`, with the authkey of this keyed
    /// hash. `marks` is the name of the instance's times.
    ///
    /// # Errors
    /// Storage failed.
    fn status_facts(
        &mut self,
        hash: &[u8; 32],
        name: &str,
        user: &str,
        marks: &str,
    ) -> Result<StatusFacts, StorageError>;
}

/// Each part is found by an index of its own; the parts that are not there are NULL.
const FACTS: &str = "SELECT k.id, k.hash, k.used_at, k.ver, k.sealed, \
     s.id, s.name, s.subscription, s.ver, s.sealed, \
     t.id, t.service, t.user_id, t.ver, t.sealed, \
     d.token, d.number, d.ver, d.sealed, d.hint_cur, d.hint_prev, d.hint_alt, d.static_key, \
     a.ver, a.sealed, m.ver, m.sealed \
     FROM (SELECT 1 AS one) AS question \
     LEFT JOIN authkey k ON k.hash = $1 \
     LEFT JOIN service s ON s.name = $2 \
     LEFT JOIN token t ON t.service = s.id AND t.user_id = $3 \
     LEFT JOIN device d ON d.token = t.id \
     LEFT JOIN attempt a ON a.token = d.token AND a.number = d.number \
     LEFT JOIN meta m ON m.name = $4 \
     ORDER BY d.number";

/// The columns of a row from one on.
struct From<'r>(&'r dyn Row, usize);

impl Row for From<'_> {
    fn int(&self, column: usize) -> Result<i64, StorageError> {
        self.0.int(self.1 + column)
    }

    fn text(&self, column: usize) -> Result<String, StorageError> {
        self.0.text(self.1 + column)
    }

    fn optional_bytes(&self, column: usize) -> Result<Option<Vec<u8>>, StorageError> {
        self.0.optional_bytes(self.1 + column)
    }
}

/// The part from column `first` on, whose sealed bytes are its column `sealed`.
fn part<T>(
    row: &dyn Row,
    [first, sealed]: [usize; 2],
    decode: impl Fn(&dyn Row) -> Result<T, StorageError>,
) -> Result<Option<T>, StorageError> {
    if row.optional_bytes(first + sealed)?.is_none() {
        return Ok(None);
    }
    decode(&From(row, first)).map(Some)
}

fn sealed(row: &dyn Row) -> Result<Sealed, StorageError> {
    Ok(Sealed { ver: row.unsigned(0)?, bytes: row.bytes(1)? })
}

impl<X: Transaction + ?Sized> StatusRows for X {
    fn status_facts(
        &mut self,
        hash: &[u8; 32],
        name: &str,
        user: &str,
        marks: &str,
    ) -> Result<StatusFacts, StorageError> {
        let parameters = [Value::Bytes(hash), Value::Text(name), Value::Bytes(user.as_bytes()), Value::Text(marks)];
        let mut facts = None;
        self.query(FACTS, &parameters, &mut |row| {
            let facts = facts.get_or_insert_with(StatusFacts::default);
            facts.authkey = part(row, [0, 4], authkey)?;
            facts.service = part(row, [5, 4], service)?;
            facts.token = part(row, [10, 4], token)?;
            if let Some(device) = part(row, [15, 3], device)? {
                facts.devices.push((device, part(row, [23, 1], sealed)?));
            }
            facts.marks = part(row, [25, 1], sealed)?;
            Ok(())
        })?;
        facts.ok_or_else(|| StorageError::Corrupt("a question got no answer".to_owned()))
    }
}
