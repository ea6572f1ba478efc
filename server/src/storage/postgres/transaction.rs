//! [`Transaction`] on PostgreSQL.

use tokio_postgres::types::Type;

use super::connection::Connection;
use crate::storage::{Row, StorageError, Transaction, Value};

/// A transaction of PostgreSQL; its borders are its owner's business.
pub(super) struct PostgresTransaction<'c> {
    connection: &'c mut Connection,
    kind: Kind,
    /// What has to run before the first statement, and runs together with it.
    before: Option<&'static str>,
    /// The first error of the database itself. PostgreSQL runs nothing after it in the same transaction.
    failed: Option<StorageError>,
}

/// What a job may do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Writes,
    Reads,
    /// Reads with one statement, which is a transaction by itself.
    Asks,
    /// Has done so.
    Asked,
}

impl<'c> PostgresTransaction<'c> {
    pub(super) const fn new(connection: &'c mut Connection, kind: Kind, before: Option<&'static str>) -> Self {
        Self { connection, kind, before, failed: None }
    }

    /// Whether `before` has run.
    pub(super) const fn has_begun(&self) -> bool {
        self.before.is_none()
    }

    /// The error of the database after which nothing of this can be kept.
    pub(super) fn into_failure(self) -> Option<StorageError> {
        self.failed
    }

    fn check(&self) -> Result<(), StorageError> {
        self.failed.clone().map_or(Ok(()), Err)
    }

    fn note<T>(&mut self, result: Result<T, StorageError>) -> Result<T, StorageError> {
        let result = result.map_err(|error| match error {
            StorageError::ReadOnly if self.kind != Kind::Writes => StorageError::Misuse("a job for reading wrote"),
            error => error,
        });
        if let Err(error) = &result {
            self.failed = Some(error.clone());
        }
        result
    }
}

impl Transaction for PostgresTransaction<'_> {
    fn execute(&mut self, sql: &'static str, parameters: &[Value<'_>]) -> Result<usize, StorageError> {
        self.check()?;
        if self.kind != Kind::Writes {
            return Err(StorageError::Misuse("a job for reading wrote"));
        }
        let before = self.before.take();
        let changed = self.connection.run(before, sql, parameters, async |client, statement, parameters| {
            client.execute(statement, parameters).await
        });
        let changed = self.note(changed)?;
        usize::try_from(changed).map_err(|_| StorageError::Misuse("more rows than there can be"))
    }

    fn query(
        &mut self,
        sql: &'static str,
        parameters: &[Value<'_>],
        each: &mut dyn FnMut(&dyn Row) -> Result<(), StorageError>,
    ) -> Result<(), StorageError> {
        self.check()?;
        let rows = match self.kind {
            Kind::Asked => return Err(StorageError::Misuse("a second statement where one was promised")),
            Kind::Asks => {
                self.kind = Kind::Asked;
                self.connection.ask(sql, parameters)
            }
            Kind::Writes | Kind::Reads => {
                let before = self.before.take();
                self.connection.run(before, sql, parameters, async |client, statement, parameters| {
                    client.query(statement, parameters).await
                })
            }
        };
        for row in self.note(rows)? {
            each(&PostgresRow(&row))?;
        }
        Ok(())
    }
}

struct PostgresRow<'r>(&'r tokio_postgres::Row);

fn other_type<T>() -> Result<T, StorageError> {
    Err(StorageError::Corrupt("a value has another type".to_owned()))
}

impl PostgresRow<'_> {
    fn type_of(&self, column: usize) -> Option<&Type> {
        self.0.columns().get(column).map(tokio_postgres::Column::type_)
    }
}

impl Row for PostgresRow<'_> {
    fn int(&self, column: usize) -> Result<i64, StorageError> {
        let value = match self.type_of(column) {
            Some(&Type::INT8) => self.0.try_get(column),
            Some(&Type::INT4) => self.0.try_get(column).map(|value: Option<i32>| value.map(i64::from)),
            _ => return other_type(),
        };
        value.ok().flatten().map_or_else(other_type, Ok)
    }

    fn text(&self, column: usize) -> Result<String, StorageError> {
        self.0.try_get(column).ok().flatten().map_or_else(other_type, Ok)
    }

    fn optional_bytes(&self, column: usize) -> Result<Option<Vec<u8>>, StorageError> {
        self.0.try_get(column).or_else(|_| other_type())
    }
}
