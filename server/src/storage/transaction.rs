//! What a driver has to offer.

use super::StorageError;

/// A parameter of a statement.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    /// SQL NULL.
    Null,
    /// A 64-bit integer.
    Int(i64),
    /// Text.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    /// Bytes, or NULL for `None`.
    #[must_use]
    pub fn bytes_or_null(bytes: Option<&'a [u8]>) -> Self {
        bytes.map_or(Self::Null, Self::Bytes)
    }

    /// An unsigned number. Versions and seconds stay far below the limit.
    #[must_use]
    pub fn unsigned(number: u64) -> Self {
        Self::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

/// One row of an answer. Columns are counted from 0.
pub trait Row {
    /// An integer.
    ///
    /// # Errors
    /// The column has another type.
    fn int(&self, column: usize) -> Result<i64, StorageError>;

    /// Text.
    ///
    /// # Errors
    /// The column has another type or is not UTF-8.
    fn text(&self, column: usize) -> Result<String, StorageError>;

    /// Bytes; `None` is NULL.
    ///
    /// # Errors
    /// The column has another type.
    fn optional_bytes(&self, column: usize) -> Result<Option<Vec<u8>>, StorageError>;
}

impl dyn Row + '_ {
    /// Bytes.
    ///
    /// # Errors
    /// The column has another type or is NULL.
    pub fn bytes(&self, column: usize) -> Result<Vec<u8>, StorageError> {
        self.optional_bytes(column)?.ok_or_else(|| StorageError::Corrupt("a value is missing".to_owned()))
    }

    /// Exactly `N` bytes.
    ///
    /// # Errors
    /// The column has another type, is NULL, or has another length.
    pub fn array<const N: usize>(&self, column: usize) -> Result<[u8; N], StorageError> {
        let bytes = self.bytes(column)?;
        bytes.try_into().map_err(|_| StorageError::Corrupt("a value has another length".to_owned()))
    }

    /// A number that is never negative.
    ///
    /// # Errors
    /// The column has another type or is negative.
    pub fn unsigned(&self, column: usize) -> Result<u64, StorageError> {
        u64::try_from(self.int(column)?).map_err(|_| StorageError::Corrupt("a number is negative".to_owned()))
    }
}

/// An open transaction: the whole interface of a driver.
///
/// Parameters are written `$1`, `$2`, ... and first appear in that order, which both databases read alike.
pub trait Transaction {
    /// Runs a statement that changes rows and returns how many it changed.
    ///
    /// # Errors
    /// The database refused, or the transaction is one for reading.
    fn execute(&mut self, sql: &'static str, parameters: &[Value<'_>]) -> Result<usize, StorageError>;

    /// Runs a statement that returns rows and hands each to `each`.
    ///
    /// # Errors
    /// The database refused, or `each` did.
    fn query(
        &mut self,
        sql: &'static str,
        parameters: &[Value<'_>],
        each: &mut dyn FnMut(&dyn Row) -> Result<(), StorageError>,
    ) -> Result<(), StorageError>;
}

/// Reads at most one row.
pub(super) fn query_one<T, X: Transaction + ?Sized>(
    tx: &mut X,
    sql: &'static str,
    parameters: &[Value<'_>],
    decode: impl Fn(&dyn Row) -> Result<T, StorageError>,
) -> Result<Option<T>, StorageError> {
    let mut found = None;
    tx.query(sql, parameters, &mut |row| {
        found = Some(decode(row)?);
        Ok(())
    })?;
    Ok(found)
}

/// Reads all rows.
pub(super) fn query_all<T, X: Transaction + ?Sized>(
    tx: &mut X,
    sql: &'static str,
    parameters: &[Value<'_>],
    decode: impl Fn(&dyn Row) -> Result<T, StorageError>,
) -> Result<Vec<T>, StorageError> {
    let mut found = Vec::new();
    tx.query(sql, parameters, &mut |row| {
        found.push(decode(row)?);
        Ok(())
    })?;
    Ok(found)
}

/// Adds one row. The statement ends with `ON CONFLICT DO NOTHING`: an error of the database itself would end a
/// transaction of PostgreSQL, and a row that is there already is an answer that a job may go on after.
pub(super) fn insert_one<X: Transaction + ?Sized>(
    tx: &mut X,
    sql: &'static str,
    parameters: &[Value<'_>],
) -> Result<(), StorageError> {
    debug_assert!(sql.ends_with("ON CONFLICT DO NOTHING"), "{sql}");
    if tx.execute(sql, parameters)? == 1 { Ok(()) } else { Err(StorageError::Exists) }
}

/// Changes exactly one row of the version that the caller saw.
pub(super) fn update_one<X: Transaction + ?Sized>(
    tx: &mut X,
    sql: &'static str,
    parameters: &[Value<'_>],
) -> Result<(), StorageError> {
    if tx.execute(sql, parameters)? == 1 { Ok(()) } else { Err(StorageError::Conflict) }
}
