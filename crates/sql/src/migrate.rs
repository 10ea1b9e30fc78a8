//! Migrations: numbered SQL texts, each in a transaction of its own, once.

use crate::{Db, DbError, Engine, Statement, Tx, params};

/// One step of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migration {
    /// Its place in the order; the first is 1.
    pub number: u32,
    /// What it does, as in its file's name.
    pub name: &'static str,
    /// Its text for SQLite.
    pub sqlite: &'static str,
    /// Its text for PostgreSQL.
    pub postgres: &'static str,
}

impl Migration {
    /// A migration whose text is the same on both engines.
    pub const fn common(number: u32, name: &'static str, text: &'static str) -> Self {
        Migration { number, name, sqlite: text, postgres: text }
    }

    /// A migration whose words must differ.
    pub const fn twin(number: u32, name: &'static str, sqlite: &'static str, postgres: &'static str) -> Self {
        Migration { number, name, sqlite, postgres }
    }
}

/// A migration that was run now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// Its number.
    pub number: u32,
    /// Its name.
    pub name: &'static str,
}

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS schema_migrations (
        number BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL);
    CREATE TABLE IF NOT EXISTS database_probe (id BIGINT PRIMARY KEY, probes BIGINT NOT NULL);
    INSERT INTO database_probe (id, probes) VALUES (1, 0) ON CONFLICT DO NOTHING;";

/// How triggers announce. The table never grows: whoever is further behind than its length loads everything anew.
const SQLITE_ANNOUNCEMENTS: &str = "
    CREATE TABLE IF NOT EXISTS announcements (number INTEGER PRIMARY KEY, subject TEXT NOT NULL);
    CREATE TRIGGER IF NOT EXISTS announcements_bounded AFTER INSERT ON announcements BEGIN
        DELETE FROM announcements WHERE number <= NEW.number - 10000;
    END;";

/// The notification is for all who listen; the notice tells the session itself that its unit has announced something.
const POSTGRES_ANNOUNCEMENTS: &str = "
    CREATE OR REPLACE FUNCTION announce(subject TEXT) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_notify('announcements', subject);
        RAISE NOTICE 'announced' USING ERRCODE = 'AN001';
    END $$;";

/// Nodes that start together take turns. SQLite's write transaction is such a lock already.
const TAKE_TURN: &str = "SELECT pg_advisory_xact_lock(7426049021543284053)";

const LIST_APPLIED: Statement =
    Statement::new("LIST_APPLIED", "SELECT number, name FROM schema_migrations ORDER BY number");

const INSERT_APPLIED: Statement = Statement::twin(
    "INSERT_APPLIED",
    "INSERT INTO schema_migrations (number, name, applied_at)
     VALUES ($1, $2, CAST(strftime('%s', 'now') AS INTEGER) * 1000)",
    "INSERT INTO schema_migrations (number, name, applied_at)
     VALUES ($1, $2, CAST(extract(epoch FROM now()) AS BIGINT) * 1000)",
);

impl Db {
    /// Brings the schema up to date and says which migrations it ran: none, when there was nothing
    /// to do. Several processes may call it at once. A migration that fails leaves nothing behind.
    ///
    /// # Errors
    /// [`DbError::Migration`] when the numbers do not rise from 1, when the database knows a
    /// migration that this program does not (it is newer), or when a name differs; any other
    /// [`DbError`] of the migration's SQL, with its name.
    pub async fn migrate(&self, migrations: &[Migration]) -> Result<Vec<Applied>, DbError> {
        if let Some((migration, at)) = migrations.iter().zip(1..).find(|(m, at)| m.number != *at) {
            let Migration { number, name, .. } = migration;
            return Err(DbError::Migration(format!("migration {number} ({name}) stands at place {at}")));
        }
        let known: Vec<Migration> = migrations.to_vec();
        let last = self
            .write(move |tx| {
                take_turn(tx)?;
                tx.batch("schema_migrations", TABLES)?;
                tx.batch("announcements", announcements(tx.engine()))?;
                check_history(tx, &known)
            })
            .await?;
        let mut applied = Vec::new();
        for &migration in migrations.iter().filter(|migration| migration.number > last) {
            let known = migrations.to_vec();
            if self.write(move |tx| apply(tx, &known, migration)).await? {
                tracing::info!(number = migration.number, name = migration.name, "migration applied");
                applied.push(Applied { number: migration.number, name: migration.name });
            }
        }
        Ok(applied)
    }
}

const fn announcements(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => SQLITE_ANNOUNCEMENTS,
        Engine::Postgres => POSTGRES_ANNOUNCEMENTS,
    }
}

fn take_turn(tx: &mut Tx<'_>) -> Result<(), DbError> {
    tx.be_patient()?;
    match tx.engine() {
        Engine::Sqlite => Ok(()),
        Engine::Postgres => tx.batch("TAKE_TURN", TAKE_TURN),
    }
}

fn apply(tx: &mut Tx<'_>, known: &[Migration], migration: Migration) -> Result<bool, DbError> {
    let Migration { number, name, .. } = migration;
    take_turn(tx)?;
    if check_history(tx, known)? >= number {
        return Ok(false);
    }
    match tx.engine() {
        // Its own name for the order of bytes: the same order as ours under PostgreSQL's name, without a call for each
        // comparison.
        Engine::Sqlite => tx.batch(name, &migration.sqlite.replace("COLLATE \"C\"", "COLLATE BINARY"))?,
        Engine::Postgres => tx.batch(name, migration.postgres)?,
    }
    tx.execute(&INSERT_APPLIED, params![number, name])?;
    Ok(true)
}

/// The number of the last migration that was applied; 0 when there is none.
fn check_history(tx: &mut Tx<'_>, known: &[Migration]) -> Result<u32, DbError> {
    let history = tx.list(&LIST_APPLIED, params![], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut last = 0;
    for (number, name) in history {
        let number: u32 = number;
        let name: String = name;
        match known.iter().find(|migration| migration.number == number) {
            Some(migration) if migration.name == name => last = number,
            Some(migration) => {
                return Err(DbError::Migration(format!(
                    "migration {number} is '{name}' in the database and '{}' in this program: \
                     they are not of the same line",
                    migration.name
                )));
            }
            None => {
                return Err(DbError::Migration(format!(
                    "the database has migration {number} ({name}), this program knows {} of them: \
                     use the newer program, or a backup from before its start",
                    known.len()
                )));
            }
        }
    }
    Ok(last)
}
