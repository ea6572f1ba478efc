//! One connection to the database, used by one thread at a time.
//!
//! Storage is synchronous and the driver is not, so each connection has a small runtime that runs while somebody waits.
//! Nobody waits for ever: what takes too long ends the connection.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Error, Row, SimpleQueryMessage, Statement};

use super::failure::{commit_failure, failure, is_survivable};
use super::tls;
use super::url::PostgresUrl;
use crate::clock::DatabaseClock;
use crate::storage::{StorageError, Value};

/// Time to reach the database, to log in and to settle how the connection is used.
const CONNECT: Duration = Duration::from_secs(4);
/// The time, in microseconds since the Unix epoch.
pub(super) const TIME: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";

/// How long the database may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// To get the lock. A node that holds it and says nothing for as long loses it.
    pub(super) lock: Duration,
    /// For a statement.
    pub(super) statement: Duration,
    /// For an answer, over the network and back.
    pub(super) answer: Duration,
}

impl Patience {
    /// To wait `lock` for other nodes.
    pub(super) fn new(lock: Duration) -> Self {
        let lock = lock.max(Duration::from_millis(1));
        let statement = lock + Duration::from_secs(2);
        Self { lock, statement, answer: statement + Duration::from_secs(1) }
    }
}

/// A connection.
pub(super) struct Connection {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    client: Client,
    clock: Arc<DatabaseClock>,
    statements: HashMap<&'static str, Statement>,
    answer: Duration,
    dead: bool,
}

impl Connection {
    /// Connects, and settles how the connection is used.
    pub(super) fn open(
        url: &PostgresUrl,
        patience: Patience,
        application: &str,
        clock: Arc<DatabaseClock>,
    ) -> Result<Self, StorageError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| StorageError::Io(error.to_string()))?;
        let mut config = url.config.clone();
        config.application_name(application);
        let client = runtime.block_on(async {
            let connect = tokio::time::timeout(CONNECT, tls::connect(&config, &url.security));
            connect.await.unwrap_or_else(|_| Err(StorageError::Unreachable("no answer in time".to_owned())))
        })?;
        let answer = patience.answer;
        let mut connection =
            Self { runtime: Some(runtime), client, clock, statements: HashMap::new(), answer, dead: false };
        connection.settle(patience)?;
        Ok(connection)
    }

    /// A node that hangs, or whose machine is gone, must not keep its lock and its place.
    fn settle(&mut self, patience: Patience) -> Result<(), StorageError> {
        let (lock, statement) = (patience.lock.as_millis(), patience.statement.as_millis());
        self.batch(&format!(
            "SET statement_timeout = {statement}; SET lock_timeout = {lock}; \
             SET idle_in_transaction_session_timeout = {statement}; SET client_min_messages = warning"
        ))?;
        // What is acknowledged must survive a power loss. Whoever asks for more than `on` gets it.
        if self.texts("SHOW synchronous_commit")?.first().is_some_and(|value| value == "off") {
            self.batch("SET synchronous_commit = on")?;
        }
        // Good to have; engines that only speak like PostgreSQL may not know them. Nothing that is asked often is looked for
        // without an index: a plan that was made while a table was small must not be kept when it has grown.
        for setting in ["jit = off", "enable_seqscan = off", "tcp_keepalives_idle = 30", "tcp_keepalives_interval = 10"]
        {
            match self.batch(&format!("SET {setting}")) {
                Err(error) if error.is_unreachable() => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether the connection cannot be used any more.
    pub(super) fn is_dead(&self) -> bool {
        self.dead || self.client.is_closed()
    }

    /// Waits for an answer, but not for ever.
    fn wait<T>(&mut self, answer: impl AsyncFnOnce(&Client) -> Result<T, Error>) -> Result<T, Option<Error>> {
        let Some(runtime) = self.runtime.as_ref().filter(|_| !self.dead) else { return Err(None) };
        let (client, limit) = (&self.client, self.answer);
        let result = runtime.block_on(async { tokio::time::timeout(limit, answer(client)).await });
        match result {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                self.dead = !is_survivable(&error);
                Err(Some(error))
            }
            Err(_) => {
                self.dead = true;
                Err(None)
            }
        }
    }

    fn told<T>(result: Result<T, Option<Error>>) -> Result<T, StorageError> {
        result.map_err(|error| error.map_or_else(no_answer, |error| failure(&error)))
    }

    /// Runs statements whose rows do not matter.
    pub(super) fn batch(&mut self, sql: &str) -> Result<(), StorageError> {
        Self::told(self.wait(async |client| client.batch_execute(sql).await))
    }

    /// Runs statements and returns the values of all rows as texts, without the NULLs.
    pub(super) fn texts(&mut self, sql: &str) -> Result<Vec<String>, StorageError> {
        let messages = Self::told(self.wait(async |client| client.simple_query(sql).await))?;
        Ok(messages.iter().flat_map(texts).collect())
    }

    /// Begins a transaction with the statements `sql`, and asks what time it is. Returns the values of all rows.
    pub(super) fn begin(&mut self, sql: &str) -> Result<Vec<String>, StorageError> {
        let (asked, sql) = (self.clock.asked(), format!("{sql}; {TIME}"));
        let mut texts = self.texts(&sql)?;
        let time = texts.pop().and_then(|text| text.parse().ok()).ok_or_else(no_time)?;
        self.clock.observe(asked, time);
        Ok(texts)
    }

    /// Commits. `sql` ends the savepoint and the transaction: a transaction that has failed meanwhile refuses the first,
    /// while it would answer a bare COMMIT as if it had committed.
    pub(super) fn commit(&mut self, sql: &str) -> Result<(), StorageError> {
        let committed = self.wait(async |client| client.batch_execute(sql).await);
        committed.map_err(|error| error.map_or(StorageError::Uncertain, |error| commit_failure(&error)))
    }

    /// Undoes the open transaction, if there is one. A connection that cannot is not used again.
    pub(super) fn rollback(&mut self) {
        if !self.is_dead() && self.batch("ROLLBACK").is_err() {
            self.dead = true;
        }
    }

    /// Ends the use of a connection of which one cannot say where it stands.
    pub(super) const fn give_up(&mut self) {
        self.dead = true;
    }

    /// Runs `before`, if there is such, and then a statement, in one exchange. A connection on which `before` failed is
    /// not used again: where its savepoints stand is not known, and what is undone to them could be another's work.
    pub(super) fn run<T>(
        &mut self,
        before: Option<&'static str>,
        sql: &'static str,
        parameters: &[Value<'_>],
        run: impl AsyncFnOnce(&Client, &Statement, &[&(dyn ToSql + Sync)]) -> Result<T, Error>,
    ) -> Result<T, StorageError> {
        let (statement, before) = match self.statements.get(sql) {
            Some(statement) => (statement.clone(), before),
            None => {
                if let Some(before) = before {
                    self.batch(before).inspect_err(|_| self.give_up())?;
                }
                (self.prepare(sql, parameters)?, None)
            }
        };
        let parameters: Vec<&(dyn ToSql + Sync)> = parameters.iter().map(|value| value as _).collect();
        let mut has_begun = true;
        let outcome = self.wait(async |client| {
            let Some(before) = before else { return run(client, &statement, &parameters).await };
            let (before, result) = join(client.batch_execute(before), run(client, &statement, &parameters)).await;
            has_begun = before.is_ok();
            before.and(result)
        });
        if !has_begun {
            self.give_up();
        }
        Self::told(outcome)
    }

    /// Runs a statement that is a transaction by itself, and asks what time it is, in one exchange.
    pub(super) fn ask(&mut self, sql: &'static str, parameters: &[Value<'_>]) -> Result<Vec<Row>, StorageError> {
        let statement = match self.statements.get(sql) {
            Some(statement) => statement.clone(),
            None => self.prepare(sql, parameters)?,
        };
        let asked = self.clock.asked();
        let parameters: Vec<&(dyn ToSql + Sync)> = parameters.iter().map(|value| value as _).collect();
        let (time, rows) = Self::told(self.wait(async |client| {
            let (time, rows) = join(client.simple_query(TIME), client.query(&statement, &parameters)).await;
            Ok((time?, rows?))
        }))?;
        let time = time.iter().flat_map(texts).next().and_then(|text| text.parse().ok()).ok_or_else(no_time)?;
        self.clock.observe(asked, time);
        Ok(rows)
    }

    /// The types are said, because PostgreSQL would take `$1 - 1` for a shorter number than the column has.
    fn prepare(&mut self, sql: &'static str, parameters: &[Value<'_>]) -> Result<Statement, StorageError> {
        let types: Vec<Type> = parameters.iter().map(type_of).collect();
        let statement = Self::told(self.wait(async |client| client.prepare_typed(sql, &types).await))?;
        self.statements.insert(sql, statement.clone());
        Ok(statement)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // It may be dropped where one must not wait. The other end sees that nobody is there any more.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn texts(message: &SimpleQueryMessage) -> Vec<String> {
    match message {
        SimpleQueryMessage::Row(row) => (0..row.len()).filter_map(|at| row.get(at).map(str::to_owned)).collect(),
        _ => Vec::new(),
    }
}

fn no_answer() -> StorageError {
    StorageError::Unreachable("no answer in time".to_owned())
}

fn no_time() -> StorageError {
    StorageError::Io("the database did not say what time it is".to_owned())
}

const fn type_of(value: &Value<'_>) -> Type {
    match value {
        Value::Null => Type::UNKNOWN,
        Value::Int(_) => Type::INT8,
        Value::Text(_) => Type::TEXT,
        Value::Bytes(_) => Type::BYTEA,
    }
}

impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut bytes::BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(number) => number.to_sql(kind, out),
            Self::Text(text) => text.to_sql(kind, out),
            Self::Bytes(bytes) => bytes.to_sql(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        [Type::INT8, Type::TEXT, Type::BYTEA, Type::UNKNOWN].contains(kind)
    }

    to_sql_checked!();
}

impl std::fmt::Debug for Value<'_> {
    /// Rows hold what nobody is to read: only the kind is shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Null => "NULL",
            Self::Int(_) => "integer",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
        })
    }
}
