//! `db migrate|check`.

use clap::Subcommand;
use serde_json::json;

use super::{Failure, Where};
use crate::app::open_database;
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
        }
    }
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
