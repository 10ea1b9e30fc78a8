//! `key list|rotate`.

use clap::Subcommand;
use serde_json::{Value as Json, json};
use sql::DbError;

use super::{Failure, Tools, Where, refuse};
use crate::keys::{self, Times};
use crate::time::Timestamp;

/// Signing keys and root keys.
#[derive(Debug, Subcommand)]
pub enum Key {
    /// Show every key that is not gone, and its phase: published, active or retired.
    List {
        #[command(flatten)]
        at: Where,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make a new signing key: published at once, signing after `keys.publish_ahead`; running servers notice by themselves,
    /// and do the same by schedule.
    Rotate {
        #[command(flatten)]
        at: Where,
        /// A new root key instead: of refresh tokens, forms and what is sealed.
        #[arg(long)]
        root: bool,
    },
}

impl Key {
    pub async fn run(self) -> Result<(), Failure> {
        match self {
            Key::List { at, json } => list(&at, json).await,
            Key::Rotate { at, root } => rotate(&at, root).await,
        }
    }
}

async fn rotate(at: &Where, root: bool) -> Result<(), Failure> {
    let (config, db) = at.open().await?;
    let (Tools { clock, random }, keys) = (Tools::new(), &config.keys);
    let made = match root {
        true => keys::rotate_root_key(&db, keys, &clock, &random)
            .await?
            .map(|(number, from)| format!("Root key {number} is known now and used from {}.", from.to_iso())),
        false => keys::rotate_signing_key(&db, keys, &clock, &random)
            .await?
            .map(|(kid, from)| format!("{kid} is published now and signs from {}.", from.to_iso())),
    };
    db.close().await;
    match made {
        Some(made) => println!("{made}"),
        None => return refuse("another process has just made a new key; `key list` shows it"),
    }
    Ok(())
}

/// A key of either kind, as it is shown.
struct Shown {
    purpose: &'static str,
    name: String,
    algorithm: Option<String>,
    times: Times,
}

async fn list(at: &Where, as_json: bool) -> Result<(), Failure> {
    let (_, db) = at.open().await?;
    let now = Tools::new().clock.now();
    let read = db.read(|tx| Ok::<_, DbError>((keys::list_signing_keys(tx)?, keys::list_server_keys(tx)?)));
    let (signing, roots) = read.await?;
    db.close().await;
    let signing = signing.into_iter().map(|row| Shown {
        purpose: "signing",
        name: row.kid,
        algorithm: Some(row.algorithm),
        times: row.times,
    });
    let roots = roots.into_iter().map(|row| Shown {
        purpose: "root",
        name: row.number.to_string(),
        algorithm: None,
        times: row.times,
    });
    let all = signing.chain(roots);
    if as_json {
        println!("{}", Json::from(all.map(|key| key.to_json(now)).collect::<Vec<_>>()));
    } else {
        all.for_each(|key| println!("{}", key.to_line(now)));
    }
    Ok(())
}

impl Shown {
    fn to_json(&self, now: Timestamp) -> Json {
        let Times { created_at, active_at, retired_at } = self.times;
        let mut json = json!({
            "purpose": self.purpose, "phase": self.times.phase(now).as_str(),
            "created_at": created_at.to_iso(), "active_at": active_at.to_iso(),
            "retired_at": retired_at.map(Timestamp::to_iso),
        });
        match &self.algorithm {
            Some(algorithm) => {
                json["kid"] = json!(self.name);
                json["algorithm"] = json!(algorithm);
            }
            None => json["number"] = json!(self.name),
        }
        json
    }

    fn to_line(&self, now: Timestamp) -> String {
        let Shown { purpose, name, algorithm, times } = self;
        let algorithm = algorithm.as_deref().unwrap_or("-");
        let phase = times.phase(now).as_str();
        let until = times.retired_at.map(|at| format!(" to {}", at.to_iso())).unwrap_or_default();
        format!("{purpose:7}  {name:43}  {algorithm:6}  {phase:9}  used from {}{until}", times.active_at.to_iso())
    }
}
