//! One SQL text on two engines: embedded SQLite and PostgreSQL.
//!
//! A unit of work is a synchronous closure on a transaction: `db.write(move |tx| …).await`. The
//! closure runs on a thread that owns a connection and may run twice. On SQLite one writer thread
//! takes what waits, gives each unit a savepoint, commits once and then answers all; readers have
//! connections of their own. On PostgreSQL each unit is a transaction on one of a bounded set of
//! connections. What triggers announce is heard by every process that follows ([`Follower`]). This crate knows no table
//! but its own (`schema_migrations`, `database_probe`, and on SQLite `announcements`).

mod backlog;
mod copy;
mod db;
mod error;
mod follow;
mod job;
mod migrate;
mod options;
mod postgres;
mod sqlite;
mod statement;
#[cfg(feature = "testing")]
pub mod testing;
mod tx;
mod url;
mod value;

pub use backlog::{Backlog, Waiting};
pub use copy::{CopiedTable, copy};
pub use db::{Db, Engine};
pub use error::DbError;
pub use follow::{FRESHNESS, Follower};
pub use migrate::{Applied, Migration};
pub use options::{Options, Stats};
pub use sqlite::snapshot;
pub use statement::Statement;
pub use tx::{Row, Tx};
pub use url::{DatabaseUrl, InvalidDatabaseUrl};
pub use value::{Cell, FromValue, ToValue, Value};
