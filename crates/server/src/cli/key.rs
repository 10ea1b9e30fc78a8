//! `key list|rotate`.

use clap::Subcommand;
use serde_json::json;

use super::{Failure, Tools, Where};
use crate::keys;

/// Signing keys.
#[derive(Debug, Subcommand)]
pub enum Key {
    /// Show the published signing keys and their phase.
    List {
        #[command(flatten)]
        at: Where,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make a new signing key: published at once, signing after `keys.publish_ahead`; running servers notice by themselves.
    Rotate {
        #[command(flatten)]
        at: Where,
    },
}

impl Key {
    pub async fn run(self) -> Result<(), Failure> {
        match self {
            Key::List { at, json } => list(&at, json).await,
            Key::Rotate { at } => {
                let (config, db) = at.open().await?;
                let tools = Tools::new();
                let (kid, active_at) = keys::rotate_signing_key(&db, &config.keys, &tools.clock, &tools.random).await?;
                println!("{kid} is published now and signs from {}.", active_at.to_iso());
                db.close().await;
                Ok(())
            }
        }
    }
}

async fn list(at: &Where, as_json: bool) -> Result<(), Failure> {
    let (_, db) = at.open().await?;
    let now = Tools::new().clock.now();
    let rows = db.read(keys::list_signing_keys).await.map_err(|error: sql::DbError| Failure::from(error))?;
    if as_json {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| {
                json!({
                    "kid": row.kid, "algorithm": row.algorithm, "phase": row.phase(now),
                    "created_at": row.created_at.to_iso(), "active_at": row.active_at.to_iso(),
                    "retired_at": row.retired_at.map(|at| at.to_iso()),
                })
            })
            .collect();
        println!("{}", json!(rows));
    } else {
        for row in &rows {
            println!("{}  {:6}  {:9}  signs from {}", row.kid, row.algorithm, row.phase(now), row.active_at.to_iso());
        }
    }
    db.close().await;
    Ok(())
}
