//! Backups, their return, and the move from one database to another.
//!
//! A backup is an embedded database in one file, whichever engine serves: `serve` can be pointed at it, and so can every
//! verb. On SQLite it is a copy of the pages, on PostgreSQL of the rows, both as they were at one moment.

use std::path::Path;

use sql::{CopiedTable, DatabaseUrl, Db, DbError, Options};

use crate::audit::{Actor, Record};
use crate::migrations::MIGRATIONS;
use crate::random::Random;
use crate::time::Timestamp;

/// What a backup is not asked for. It knows nothing of what happened after it: a code that was redeemed, a link that was
/// used, a session that was ended would work once more, and so would access tokens of grants that were ended. Without
/// the keys that signed those, nobody accepts them; the server makes new ones when it starts. What people and apps hold
/// on to, passwords, consents and refresh tokens, goes on.
const NOT_RESTORED: &[&str] = &["authorization_codes", "email_tokens", "sessions", "signing_keys"];

/// Writes a backup to a new file; servers go on meanwhile.
///
/// # Errors
/// When the database can't be read, the file exists or can't be made, or the copy is damaged. No file is left then.
pub async fn back_up(url: &DatabaseUrl, db: &Db, to: &Path) -> Result<(), DbError> {
    let DatabaseUrl::Sqlite(from) = url else {
        return copy_to_file(db, to).await;
    };
    let (from, to) = (from.clone(), to.to_owned());
    tokio::task::spawn_blocking(move || sql::snapshot(&from, &to)).await.unwrap_or(Err(DbError::Panicked))
}

async fn copy_to_file(from: &Db, to: &Path) -> Result<(), DbError> {
    if to.exists() {
        return Err(exists(to));
    }
    let mut rows = to.as_os_str().to_owned();
    rows.push(".rows");
    let rows = Path::new(&rows);
    if rows.exists() {
        return Err(exists(rows));
    }
    let copied = async {
        let target = Db::open(&DatabaseUrl::Sqlite(rows.to_owned()), Options::default()).await?;
        let copied = sql::copy(from, &target, MIGRATIONS, &[]).await;
        target.close().await;
        copied?;
        // Its pages, in one file and on the disk.
        let (rows, to) = (rows.to_owned(), to.to_owned());
        tokio::task::spawn_blocking(move || sql::snapshot(&rows, &to)).await.unwrap_or(Err(DbError::Panicked))
    }
    .await;
    for ending in ["", "-wal", "-shm"] {
        let mut name = rows.as_os_str().to_owned();
        name.push(ending);
        let _ = std::fs::remove_file(name);
    }
    copied
}

fn exists(file: &Path) -> DbError {
    DbError::Unavailable { reason: format!("{} exists: name a file that does not", file.display()), away: false }
}

/// Copies a database to a new one, whole and verified. Servers that still write to the old one write in vain: stop them.
///
/// # Errors
/// As [`sql::copy`].
pub async fn copy_to(from: &Db, to: &Db) -> Result<Vec<CopiedTable>, DbError> {
    sql::copy(from, to, MIGRATIONS, &[]).await
}

/// Fills a new database from a backup, without what must not come back, and says so in the audit log.
///
/// # Errors
/// As [`sql::copy`].
pub async fn restore(backup: &Db, to: &Db, random: &Random, now: Timestamp) -> Result<Vec<CopiedTable>, DbError> {
    let copied = sql::copy(backup, to, MIGRATIONS, NOT_RESTORED).await?;
    let record = Record::new(random, now, Actor::Operator, "database.restored");
    to.write(move |tx| record.write(tx)).await?;
    Ok(copied)
}
