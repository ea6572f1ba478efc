//! The SQLite driver: opening, settings, errors, and [`Transaction`].

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::driver::{self, Committer, Reader, Span, Work};
use super::schema::{APPLICATION_ID, SchemaError, migrate};
use super::store::Options;
use super::watch::{Touched, Watch};
use super::writer::Job;
use super::{Row, StorageError, Transaction, Value};

/// Most jobs in one commit.
const BATCH: usize = 256;

/// Between two tries of what SQLite does not wait for by itself.
const BUSY_PAUSE: Duration = Duration::from_millis(5);

/// An open database: where connections come from.
#[derive(Debug, Clone)]
pub(super) struct Database {
    /// `None`: in memory.
    file: Option<(PathBuf, FileIdentity)>,
    options: Options,
    watch: Watch,
}

impl Database {
    /// Opens or creates the database, brings it to the newest format and returns its writing connection.
    pub(super) fn open(file: Option<PathBuf>, options: Options) -> Result<(Self, SqliteCommitter), StorageError> {
        let Some(path) = file else {
            let mut connection = Connection::open_in_memory().map_err(|error| failure(&error))?;
            configure(&connection, &options)?;
            migrate(&mut connection).map_err(|error| locate(error, Path::new(":memory:")))?;
            return Ok(Self { file: None, options, watch: Watch::default() }.with(connection));
        };
        create_private(&path)?;
        let mut connection = connect(&path)?;
        configure(&connection, &options).map_err(|error| match error {
            StorageError::Foreign(_) => StorageError::Foreign(path.clone()),
            error => error,
        })?;
        migrate(&mut connection).map_err(|error| locate(error, &path))?;
        let identity = FileIdentity::of(&path)?;
        Ok(Self { file: Some((path, identity)), options, watch: Watch::default() }.with(connection))
    }

    fn with(self, connection: Connection) -> (Self, SqliteCommitter) {
        (self.clone(), SqliteCommitter { database: self, connection })
    }
}

impl driver::Database for Database {
    fn watch(&self) -> Option<&Watch> {
        Some(&self.watch)
    }

    fn has_readers(&self) -> bool {
        self.file.is_some()
    }

    fn reader(&self) -> Result<Box<dyn Reader>, StorageError> {
        let Some((path, _)) = &self.file else {
            return Err(StorageError::Misuse("a database in memory has one connection"));
        };
        self.check_in_place()?;
        let connection = connect(path)?;
        configure(&connection, &self.options)?;
        connection.pragma_update(None, "query_only", true).map_err(|error| failure(&error))?;
        Ok(Box::new(SqliteReader(connection)))
    }

    /// Fails when the file was deleted or replaced under the open connections: whatever is written to them is lost.
    fn check_in_place(&self) -> Result<(), StorageError> {
        match &self.file {
            Some((path, identity)) if FileIdentity::of(path)? != *identity => Err(StorageError::Missing(path.clone())),
            _ => Ok(()),
        }
    }
}

struct SqliteReader(Connection);

impl Reader for SqliteReader {
    fn run(&mut self, _: Span, work: Work<'_>) -> Result<(), StorageError> {
        let sql = |sql| self.0.execute_batch(sql).map_err(|error| failure(&error));
        sql("BEGIN")?;
        work(&mut SqliteTransaction::new(&self.0, false));
        sql("COMMIT")
    }

    fn is_usable(&self) -> bool {
        // A connection that could not end its transaction is not used again.
        self.0.is_autocommit()
    }
}

/// The connection that writes. When it is dropped as the last one, SQLite moves the log into the database file; a
/// failure of that loses nothing, the log stays.
pub(super) struct SqliteCommitter {
    database: Database,
    connection: Connection,
}

impl Committer for SqliteCommitter {
    fn batch(&self) -> usize {
        BATCH
    }

    fn commit(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<(), StorageError> {
        let outcome = self.run_batch(jobs);
        if outcome.is_err() && !self.connection.is_autocommit() {
            // If even this fails, the next BEGIN fails, and with it every job: nothing half-done is ever committed.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        outcome
    }
}

impl SqliteCommitter {
    fn run_batch(&self, jobs: &mut [Box<dyn Job>]) -> Result<(), StorageError> {
        let writes = jobs.iter().any(|job| job.writes());
        let mut touched = Touched::default();
        self.sql(if writes { "BEGIN IMMEDIATE" } else { "BEGIN" })?;
        for job in jobs {
            // A batch is long for a scheduler, and status checks may wait for this core.
            std::thread::yield_now();
            self.sql("SAVEPOINT job")?;
            let mut transaction = SqliteTransaction::new(&self.connection, job.writes());
            let keep = job.run(&mut transaction);
            // After some errors (full disk, failed I/O) SQLite has rolled back everything, other jobs' work included.
            if self.connection.is_autocommit() {
                let lost = || StorageError::Io("the transaction was rolled back".to_owned());
                return Err(transaction.into_failure().unwrap_or_else(lost));
            }
            touched.merge(std::mem::take(&mut transaction.touched));
            self.sql(if keep { "RELEASE job" } else { "ROLLBACK TO job; RELEASE job" })?;
        }
        let commit = self.database.watch.begin(touched, &mut SqliteTransaction::new(&self.connection, false));
        self.sql("COMMIT")?;
        // A commit into a file that was deleted or replaced is not durable.
        driver::Database::check_in_place(&self.database)?;
        if let Some(commit) = commit {
            commit.happened();
        }
        Ok(())
    }

    fn sql(&self, sql: &str) -> Result<(), StorageError> {
        self.connection.execute_batch(sql).map_err(|error| failure(&error))
    }
}

fn connect(path: &Path) -> Result<Connection, StorageError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags).map_err(|error| match error.sqlite_error_code() {
        Some(ErrorCode::CannotOpen) => StorageError::Missing(path.to_owned()),
        _ => failure(&error),
    })
}

/// Creates the file for its owner alone before SQLite would create it for everybody; its log takes over the mode.
fn create_private(path: &Path) -> Result<(), StorageError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) => Err(match error.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => StorageError::Missing(path.to_owned()),
            std::io::ErrorKind::IsADirectory => StorageError::Foreign(path.to_owned()),
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => StorageError::ReadOnly,
            std::io::ErrorKind::StorageFull => StorageError::Full,
            _ => StorageError::Io(error.to_string()),
        }),
    }
}

/// Switches to the write-ahead log. Only the first start changes anything, and for that change SQLite does not always wait
/// by itself: of several first starts at once all but one would be told that the database is busy.
#[expect(clippy::disallowed_methods, reason = "how long it has taken, not what time it is")]
fn switch_to_log(connection: &Connection, patience: Duration) -> rusqlite::Result<()> {
    let began = Instant::now();
    loop {
        match connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(())) {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && began.elapsed() < patience => {
                std::thread::park_timeout(BUSY_PAUSE);
            }
            switched => return switched,
        }
    }
}

fn configure(connection: &Connection, options: &Options) -> Result<(), StorageError> {
    let set = || -> rusqlite::Result<()> {
        connection.busy_timeout(options.busy_timeout)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.pragma_update(None, "cell_size_check", true)?;
        // Freed pages are overwritten: an erased key is gone from the file at the next checkpoint.
        connection.pragma_update(None, "secure_delete", true)?;
        switch_to_log(connection, options.busy_timeout)?;
        // In this mode the commit returns after its flush; "full" means both the write-ahead log and the checkpoint.
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "fullfsync", true)?;
        connection.pragma_update(None, "checkpoint_fullfsync", true)?;
        if let Some(pages) = options.max_pages {
            connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
        }
        connection.set_prepared_statement_cache_capacity(64);
        Ok(())
    };
    set().map_err(|error| match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => StorageError::Foreign(PathBuf::new()),
        _ => failure(&error),
    })
}

fn locate(error: SchemaError, path: &Path) -> StorageError {
    match error {
        SchemaError::Foreign => StorageError::Foreign(path.to_owned()),
        SchemaError::Storage(error) => error,
    }
}

/// Sorts an error of SQLite. Its own texts name tables and columns, never values.
pub(super) fn failure(error: &rusqlite::Error) -> StorageError {
    let detail = || error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StorageError::Busy,
        Some(ErrorCode::DiskFull) => StorageError::Full,
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => StorageError::ReadOnly,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StorageError::Corrupt(detail()),
        Some(ErrorCode::ConstraintViolation) => match error.sqlite_error() {
            Some(raw) if [UNIQUE, PRIMARY_KEY].contains(&raw.extended_code) => StorageError::Exists,
            _ => StorageError::Misuse("a constraint of the schema is broken"),
        },
        _ => StorageError::Io(detail()),
    }
}

const UNIQUE: i32 = rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE;
const PRIMARY_KEY: i32 = rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY;

/// Which file a path means.
#[derive(Debug, Clone, PartialEq, Eq)]
struct FileIdentity(u64, u64);

impl FileIdentity {
    fn of(path: &Path) -> Result<Self, StorageError> {
        let metadata = std::fs::metadata(path).map_err(|_| StorageError::Missing(path.to_owned()))?;
        #[cfg(unix)]
        let identity = {
            use std::os::unix::fs::MetadataExt;
            Self(metadata.dev(), metadata.ino())
        };
        #[cfg(not(unix))]
        let identity = Self(u64::from(metadata.is_file()), 0);
        Ok(identity)
    }
}

/// Flushes a folder, so that a file created in it survives a power loss.
pub(crate) fn sync_folder(folder: &Path) -> std::io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Copies the database at `from` into the new file `to`, while others use it: one consistent state, without what was
/// erased before. Blocks.
pub(crate) fn backup(from: &Path, to: &Path) -> Result<(), StorageError> {
    let failed = |error: std::io::Error| StorageError::Unwritable { path: to.to_owned(), reason: error.to_string() };
    let connection = connect(from)?;
    connection.busy_timeout(Options::default().busy_timeout).map_err(|error| failure(&error))?;
    let ours = connection.query_row("PRAGMA application_id", [], |row| row.get::<_, i64>(0));
    if ours.map_err(|error| failure(&error))? != APPLICATION_ID {
        return Err(StorageError::Foreign(from.to_owned()));
    }
    // Only into a file that was not there, and that nobody else can read.
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(to).map_err(failed)?;
    let name = to.to_str().ok_or(StorageError::Misuse("the name of the file is not UTF-8"))?;
    let copied = connection.execute("VACUUM INTO ?1", [name]).map_err(|error| failure(&error));
    let synced = copied.and_then(|_| file.sync_all().map_err(failed));
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let outcome = synced.and_then(|()| sync_folder(folder).map_err(failed));
    if outcome.is_err() {
        // Half a backup is none.
        let _ = std::fs::remove_file(to);
    }
    outcome
}

/// A transaction of SQLite; its borders are its owner's business.
pub(super) struct SqliteTransaction<'c> {
    connection: &'c Connection,
    writable: bool,
    failed: Option<StorageError>,
    touched: Touched,
}

impl<'c> SqliteTransaction<'c> {
    pub(super) fn new(connection: &'c Connection, writable: bool) -> Self {
        Self { connection, writable, failed: None, touched: Touched::default() }
    }

    /// The last error of the database itself, for who must explain why SQLite gave up on the whole transaction.
    pub(super) fn into_failure(self) -> Option<StorageError> {
        self.failed
    }

    fn note(&mut self, error: &rusqlite::Error) -> StorageError {
        let error = failure(error);
        self.failed = Some(error.clone());
        error
    }
}

impl Transaction for SqliteTransaction<'_> {
    fn execute(&mut self, sql: &'static str, parameters: &[Value<'_>]) -> Result<usize, StorageError> {
        if !self.writable {
            return Err(StorageError::Misuse("a job for reading wrote"));
        }
        self.touched.note(sql, parameters);
        let run = || self.connection.prepare_cached(sql)?.execute(rusqlite::params_from_iter(parameters.iter()));
        run().map_err(|error| self.note(&error))
    }

    fn query(
        &mut self,
        sql: &'static str,
        parameters: &[Value<'_>],
        each: &mut dyn FnMut(&dyn Row) -> Result<(), StorageError>,
    ) -> Result<(), StorageError> {
        let connection = self.connection;
        let mut statement = connection.prepare_cached(sql).map_err(|error| self.note(&error))?;
        if !statement.readonly() {
            if !self.writable {
                return Err(StorageError::Misuse("a job for reading wrote"));
            }
            self.touched.note(sql, parameters);
        }
        let mut fail = |error| self.note(&error);
        let mut rows = statement.query(rusqlite::params_from_iter(parameters.iter())).map_err(&mut fail)?;
        while let Some(row) = rows.next().map_err(&mut fail)? {
            each(&SqliteRow(row))?;
        }
        Ok(())
    }
}

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        Ok(rusqlite::types::ToSqlOutput::Borrowed(match *self {
            Self::Null => ValueRef::Null,
            Self::Int(number) => ValueRef::Integer(number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

struct SqliteRow<'a, 's>(&'a rusqlite::Row<'s>);

impl SqliteRow<'_, '_> {
    fn value(&self, column: usize) -> Result<ValueRef<'_>, StorageError> {
        self.0.get_ref(column).map_err(|error| failure(&error))
    }
}

fn other_type<T>() -> Result<T, StorageError> {
    Err(StorageError::Corrupt("a value has another type".to_owned()))
}

impl Row for SqliteRow<'_, '_> {
    fn int(&self, column: usize) -> Result<i64, StorageError> {
        let ValueRef::Integer(number) = self.value(column)? else { return other_type() };
        Ok(number)
    }

    fn text(&self, column: usize) -> Result<String, StorageError> {
        let ValueRef::Text(text) = self.value(column)? else { return other_type() };
        String::from_utf8(text.to_owned()).or_else(|_| other_type())
    }

    fn optional_bytes(&self, column: usize) -> Result<Option<Vec<u8>>, StorageError> {
        match self.value(column)? {
            ValueRef::Null => Ok(None),
            ValueRef::Blob(bytes) => Ok(Some(bytes.to_owned())),
            _ => other_type(),
        }
    }
}
