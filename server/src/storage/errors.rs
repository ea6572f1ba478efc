//! Failures of the database itself, counted by kind. That a row was changed by somebody else, or is there already, is an
//! answer and no failure.

use std::sync::Arc;

use super::{Row, StorageError, Transaction, Value};
use crate::metrics::{Counter, Metrics};

const NAME: &str = "cardea_storage_errors_total";
const HELP: &str = "Statements, commits and connections to the database that failed.";

/// Every kind, in the order of [`place`].
const KINDS: [&str; 7] = ["busy", "unreachable", "uncertain", "missing", "full", "read_only", "other"];

/// How often the database has failed. Clones count together.
#[derive(Debug, Clone, Default)]
pub(super) struct Errors(Arc<[Counter; KINDS.len()]>);

impl Errors {
    /// One of these has come.
    pub(super) fn note(&self, error: &StorageError) {
        if let Some(counter) = place(error).and_then(|place| self.0.get(place)) {
            counter.add();
        }
    }

    /// Shows them in `metrics`.
    pub(super) fn show(&self, metrics: &Metrics) {
        for (kind, counter) in KINDS.into_iter().zip(&*self.0) {
            metrics.show(NAME, HELP, &[("kind", kind)], counter);
        }
    }
}

const fn place(error: &StorageError) -> Option<usize> {
    Some(match error {
        StorageError::Conflict | StorageError::Exists | StorageError::Closed => return None,
        StorageError::Busy | StorageError::InUse(_) => 0,
        StorageError::Unreachable(_) | StorageError::Refused(_) | StorageError::Unsafe(_) => 1,
        StorageError::Uncertain => 2,
        StorageError::Missing(_) => 3,
        StorageError::Full => 4,
        StorageError::ReadOnly => 5,
        StorageError::Misuse(_)
        | StorageError::Foreign(_)
        | StorageError::Newer { .. }
        | StorageError::Corrupt(_)
        | StorageError::Io(_)
        | StorageError::Unwritable { .. }
        | StorageError::Panicked => 6,
    })
}

/// A transaction whose failures are counted.
pub(super) struct Counted<'t> {
    pub(super) tx: &'t mut dyn Transaction,
    pub(super) errors: &'t Errors,
}

impl Transaction for Counted<'_> {
    fn execute(&mut self, sql: &'static str, parameters: &[Value<'_>]) -> Result<usize, StorageError> {
        self.tx.execute(sql, parameters).inspect_err(|error| self.errors.note(error))
    }

    fn query(
        &mut self,
        sql: &'static str,
        parameters: &[Value<'_>],
        each: &mut dyn FnMut(&dyn Row) -> Result<(), StorageError>,
    ) -> Result<(), StorageError> {
        self.tx.query(sql, parameters, each).inspect_err(|error| self.errors.note(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::testing::{block_on, options};
    use crate::storage::{Location, Store};

    fn count(store: &Store, kind: &str) -> u64 {
        let metrics = Metrics::new();
        store.count_in(&metrics);
        let (text, start) = (metrics.render(), format!("{NAME}{{kind=\"{kind}\"}} "));
        let line = text.lines().find_map(|line| line.strip_prefix(&start));
        line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{kind}: {text}"))
    }

    #[test]
    fn a_database_that_is_gone_and_a_statement_that_fails_are_counted_and_answers_are_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("cardea.db");
        let store = Store::open(Location::File(place.clone()), options()).expect("opens");
        let read = || block_on(store.read(|tx| tx.query("SELECT 1", &[], &mut |_| Ok(()))));
        let write = |job: fn(&mut dyn Transaction) -> Result<(), StorageError>| block_on(store.write(job));
        assert_eq!(read(), Ok(()));
        assert_eq!(write(|_| Err(StorageError::Conflict)), Err(StorageError::Conflict));
        assert_eq!((count(&store, "missing"), count(&store, "other")), (0, 0));

        let nonsense = write(|tx| tx.execute("UPDATE nothing SET x = 1", &[]).map(drop));
        assert!(matches!(nonsense, Err(StorageError::Io(_))), "{nonsense:?}");
        assert_eq!(count(&store, "other"), 1);

        let away = folder.path().join("away.db");
        std::fs::rename(&place, &away).expect("renamed");
        assert_eq!(read(), Err(StorageError::Missing(place.clone())));
        assert_eq!(count(&store, "missing"), 1);
        assert_eq!(write(|_| Ok(())), Err(StorageError::Missing(place.clone())));
        assert_eq!(count(&store, "missing"), 2);
        std::fs::rename(&away, &place).expect("renamed");
        assert_eq!((read(), count(&store, "missing")), (Ok(()), 2));
    }
}
