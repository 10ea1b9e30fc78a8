//! `db migrate|check|backup|restore|copy`.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;
use sql::{CopiedTable, DatabaseUrl, Db, Options};

use super::{Failure, Tools, Where, refuse};
use crate::app::open_database;
use crate::backup;
use crate::migrations::MIGRATIONS;

/// The database.
#[derive(Debug, Subcommand)]
pub enum Database {
    /// Bring the schema up to date; says which steps were taken.
    Migrate {
        #[command(flatten)]
        at: Where,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Check that the database can be reached, read and written.
    Check {
        #[command(flatten)]
        at: Where,
    },
    /// Write a backup, an embedded database in one file, while servers go on.
    Backup {
        #[command(flatten)]
        at: Where,
        /// The file to make; it must not exist.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// Fill a new, empty database from a backup. Codes, sessions, mailed links and access tokens of before stay dead.
    Restore {
        #[command(flatten)]
        at: Where,
        /// The backup.
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Move to another database, whole and verified; stop the servers first.
    Copy {
        #[command(flatten)]
        at: Where,
        /// The new, empty database: sqlite:FILE or postgres://…
        #[arg(long, value_name = "URL")]
        to: String,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

impl Database {
    pub async fn run(self) -> Result<(), Failure> {
        match self {
            Database::Migrate { at, json } => migrate(&at, json).await,
            Database::Check { at } => {
                let (_, db) = at.open().await?;
                db.probe().await?;
                println!("The database can be read and written.");
                db.close().await;
                Ok(())
            }
            Database::Backup { at, to } => back_up(&at, &to).await,
            Database::Restore { at, from, json } => restore(&at, &from, json).await,
            Database::Copy { at, to, json } => copy(&at, &to, json).await,
        }
    }
}

async fn back_up(at: &Where, to: &Path) -> Result<(), Failure> {
    let config = at.config()?;
    let url = config.database_url().map_err(|fault| Failure(format!("database.url {fault}")))?;
    if let DatabaseUrl::Sqlite(file) = &url
        && !file.exists()
    {
        return refuse(format!("{} is not there: name the database to back up", file.display()));
    }
    let db = open_database(&config).await?;
    backup::back_up(&url, &db, to).await?;
    db.close().await;
    println!("The backup is {}. Keep it as safe as the database: it holds the same.", to.display());
    Ok(())
}

async fn restore(at: &Where, from: &Path, as_json: bool) -> Result<(), Failure> {
    if !from.is_file() {
        return refuse(format!("{} is not there: name a backup", from.display()));
    }
    let tools = Tools::new();
    let db = open_database(&at.config()?).await?;
    let source = Db::open(&DatabaseUrl::Sqlite(from.to_owned()), Options::default()).await?;
    let tables = backup::restore(&source, &db, &tools.random, tools.clock.now()).await?;
    source.close().await;
    db.close().await;
    report(&tables, as_json);
    Ok(())
}

async fn copy(at: &Where, to: &str, as_json: bool) -> Result<(), Failure> {
    let url: DatabaseUrl = to.parse().map_err(|fault| Failure(format!("--to {fault}")))?;
    let config = at.config()?;
    if let Ok(DatabaseUrl::Sqlite(file)) = config.database_url()
        && !file.exists()
    {
        return refuse(format!("{} is not there: name the database to copy", file.display()));
    }
    let source = open_database(&config).await?;
    let target = Db::open(&url, Options::default()).await?;
    let tables = backup::copy_to(&source, &target).await?;
    source.close().await;
    target.close().await;
    report(&tables, as_json);
    Ok(())
}

/// Tables, rows and digests, which were the same on both sides.
fn report(tables: &[CopiedTable], as_json: bool) {
    if as_json {
        let tables: Vec<_> = tables
            .iter()
            .map(|table| json!({"table": table.name, "rows": table.rows, "digest": table.digest}))
            .collect();
        println!("{}", json!(tables));
        return;
    }
    for table in tables {
        println!("{:24} {:>12}  {}", table.name, table.rows, table.digest);
    }
    println!("{} tables were copied, read back and found the same.", tables.len());
}

async fn migrate(at: &Where, as_json: bool) -> Result<(), Failure> {
    let db = open_database(&at.config()?).await?;
    let applied = db.migrate(MIGRATIONS).await?;
    if as_json {
        let steps: Vec<_> = applied.iter().map(|step| json!({"number": step.number, "name": step.name})).collect();
        println!("{}", json!(steps));
    } else if applied.is_empty() {
        println!("The schema is up to date.");
    } else {
        for step in &applied {
            println!("applied {:04} {}", step.number, step.name);
        }
    }
    db.close().await;
    Ok(())
}
