//! A connection to the file, set up the same way for every use.

use std::{
    cell::Cell,
    fs,
    io::ErrorKind,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use rusqlite::{ErrorCode, OpenFlags, config::DbConfig, ffi};

use super::session::Session;
use crate::{DbError, Options};

/// Statements that a connection keeps prepared; more than the product has.
const PREPARED: usize = 1024;

/// Steps of SQLite's machine between two looks at the clock.
const STEPS: i32 = 100_000;

/// Where the database is and how it is used.
#[derive(Clone)]
pub(super) struct File {
    pub path: PathBuf,
    pub options: Options,
}

impl File {
    /// Opens the file for writing. It must be there: a file that has vanished while we ran is not
    /// replaced by an empty one.
    pub fn open_writer(&self) -> Result<Connection, DbError> {
        let connection = self.open(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        self.pragmas(
            &connection,
            // SQLite walks over the whole cache at most commits, so a large one costs more than it saves: with twice as much
            // an exchange reads no less from the file.
            "PRAGMA synchronous = FULL; PRAGMA cache_size = -4096; PRAGMA wal_autocheckpoint = 0;",
        )?;
        let mode: String = connection
            .raw
            .query_row("PRAGMA journal_mode = WAL", (), |row| row.get(0))
            .map_err(|error| self.refused(&error))?;
        if mode != "wal" {
            return Err(DbError::unavailable(format!(
                "{} cannot have a write-ahead log (it is in '{mode}' mode); put it on a local disk",
                self.path.display()
            )));
        }
        Ok(connection)
    }

    /// Opens the file for reading.
    pub fn open_reader(&self) -> Result<Connection, DbError> {
        let connection = self.open(OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        // A reader forgets its cache whenever somebody else has written: it need not hold much.
        self.pragmas(&connection, "PRAGMA query_only = ON; PRAGMA cache_size = -2048;")?;
        Ok(connection)
    }

    /// Opens the file for the thread that empties the log.
    pub fn open_checkpointer(&self) -> Result<Connection, DbError> {
        let connection = self.open(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        self.pragmas(&connection, "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;")?;
        Ok(connection)
    }

    fn open(&self, flags: OpenFlags) -> Result<Connection, DbError> {
        let raw = rusqlite::Connection::open_with_flags(&self.path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .map_err(|error| self.refused(&error))?;
        let mut connection = Connection::new(raw);
        connection.set_up(&self.options).map_err(|error| self.refused(&error))?;
        Ok(connection)
    }

    fn pragmas(&self, connection: &Connection, sql: &str) -> Result<(), DbError> {
        connection.raw.execute_batch(sql).map_err(|error| self.refused(&error))
    }

    /// Makes the file, for its owner's eyes alone, and says what is wrong with its place.
    pub fn make(&self) -> Result<(), DbError> {
        let path = self.path.display();
        let folder = match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        if !folder.is_dir() {
            let folder = folder.display();
            return Err(DbError::unavailable(format!("the folder {folder} of {path} is not there: make it first")));
        }
        match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.path) {
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => {
                return Err(DbError::unavailable(format!("{path} cannot be made: {error}")));
            }
        }
        match fs::metadata(&self.path) {
            Ok(found) if !found.is_file() => Err(DbError::unavailable(format!("{path} is not a file"))),
            Ok(found) if found.permissions().mode() & 0o077 != 0 => {
                tracing::warn!(%path, "other users of this machine may read the database: chmod 600 it");
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(error) => Err(DbError::unavailable(format!("{path} cannot be opened: {error}"))),
        }
    }

    fn refused(&self, error: &rusqlite::Error) -> DbError {
        let path = self.path.display();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => DbError::Broken(format!("{path} is not an SQLite database")),
            Some(ErrorCode::DatabaseCorrupt) => {
                DbError::Broken(format!("{path} is damaged: restore it from a backup ({error})"))
            }
            _ => DbError::unavailable(format!("{path} cannot be opened: {error}")),
        }
    }
}

/// A connection, the time until which its unit may work, and whether it is still to be trusted.
pub(super) struct Connection {
    pub raw: rusqlite::Connection,
    start: Instant,
    /// Milliseconds after `start` at which a statement is interrupted.
    deadline: Arc<AtomicU64>,
    patience: Duration,
    suspect: Cell<bool>,
    /// Whether the unit may have written something.
    written: Cell<bool>,
}

impl Connection {
    fn new(raw: rusqlite::Connection) -> Self {
        let deadline = Arc::new(AtomicU64::new(u64::MAX));
        Connection {
            raw,
            start: Instant::now(),
            deadline,
            patience: Duration::MAX,
            suspect: Cell::new(false),
            written: Cell::new(false),
        }
    }

    fn set_up(&mut self, options: &Options) -> rusqlite::Result<()> {
        self.patience = options.statement_timeout;
        self.raw.busy_timeout(options.busy_timeout)?;
        self.raw.set_prepared_statement_cache_capacity(PREPARED);
        self.raw.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
        self.raw.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
        self.raw.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        // Without this, SQLite plans a statement again whenever a bound value changes that its plan looked at (an
        // integer beside a key is enough): parsing took half of a unit's time.
        self.raw.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        // PostgreSQL's name for the order of bytes; quoted there, so it must exist here.
        self.raw.create_collation("C", |left: &str, right: &str| left.cmp(right))?;
        self.raw.execute_batch("PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;")?;
        let (start, deadline) = (self.start, self.deadline.clone());
        let late = move || start.elapsed().as_millis() as u64 > deadline.load(Ordering::Relaxed);
        self.raw.progress_handler(STEPS, Some(late))
    }

    /// The session of one unit, its time beginning now.
    pub fn session(&self) -> Session<'_> {
        self.allow(self.patience);
        self.written.set(false);
        Session(self)
    }

    pub fn allow(&self, time: Duration) {
        let until = self.start.elapsed().saturating_add(time).as_millis();
        self.deadline.store(u64::try_from(until).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Runs a statement that begins or ends a transaction; no unit's time bounds it.
    pub fn control(&self, sql: &str) -> Result<(), DbError> {
        self.deadline.store(u64::MAX, Ordering::Relaxed);
        let run = || {
            let mut statement = self.raw.prepare_cached(sql)?;
            statement.raw_query().next().map(drop)
        };
        run().map_err(|error| self.error(error))
    }

    pub fn is_autocommit(&self) -> bool {
        self.raw.is_autocommit()
    }

    /// Whether the last session's unit ran a statement that can write.
    pub fn has_written(&self) -> bool {
        self.written.get()
    }

    pub fn mark_written(&self) {
        self.written.set(true);
    }

    pub fn is_suspect(&self) -> bool {
        self.suspect.get()
    }

    pub fn mark_suspect(&self) {
        self.suspect.set(true);
    }

    /// What an SQLite error means; after one of the disk the connection is opened anew.
    pub fn error(&self, error: rusqlite::Error) -> DbError {
        let Some(code) = error.sqlite_error() else {
            return DbError::Broken(error.to_string());
        };
        if matches!(code.code, ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt | ErrorCode::CannotOpen) {
            self.mark_suspect();
        }
        let text = match &error {
            rusqlite::Error::SqliteFailure(_, Some(text)) => text.clone(),
            rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
            other => other.to_string(),
        };
        match (code.code, code.extended_code) {
            (ErrorCode::DiskFull, _) => DbError::DiskFull,
            (_, ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID) => {
                DbError::Unique { key: unique_key(&text) }
            }
            (_, ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => DbError::ForeignKey(text),
            (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => {
                DbError::Contended("another process writes to the database".into())
            }
            (ErrorCode::OperationInterrupted, _) => DbError::TimedOut("a statement".into()),
            (ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::OutOfMemory, _) => {
                DbError::unavailable(text)
            }
            _ => DbError::Broken(text),
        }
    }
}

/// From `UNIQUE constraint failed: users.email` or `… failed: index 'users_lower_email'`.
fn unique_key(text: &str) -> String {
    let key = text.rsplit_once(": ").map_or(text, |(_, key)| key);
    key.strip_prefix("index '").and_then(|name| name.strip_suffix('\'')).unwrap_or(key).to_owned()
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;

    #[test]
    fn a_statement_is_compiled_once_however_often_it_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let file = File { path: folder.path().join("test.db"), options: Options::default() };
        fs::File::create(&file.path).unwrap();
        let connection = file.open_writer().unwrap();
        connection
            .raw
            .execute_batch("CREATE TABLE things (id TEXT PRIMARY KEY, generation BIGINT, at BIGINT)")
            .unwrap();
        let find = "SELECT a.at FROM things a LEFT JOIN things b ON b.id = $2 WHERE a.generation = $1";
        for use_number in 0..3 {
            let mut statement = connection.raw.prepare_cached(find).unwrap();
            assert!(!statement.exists((use_number, "a")).unwrap());
            assert_eq!(statement.get_status(StatementStatus::RePrepare), 0, "at use {use_number}");
        }
    }
}
