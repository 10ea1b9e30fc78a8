//! The SQL unit of the floor: a look-up, a claim and an insert, durable. What an exchange cannot do without.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiomeet_oauth::migrations::MIGRATIONS;
use jiomeet_oauth::oauth;
use serde::{Deserialize, Serialize};
use sql::{DatabaseUrl, Db, DbError, Migration, Options, Statement, Tx, params};
use tokio::task::JoinSet;

use crate::Fallible;

/// Where codes and grants are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tables {
    /// In the product's own tables, by the product's own statements.
    Product,
    /// In the least that they can be kept in: rows as wide as their facts, a key each, one more index. So it shows what
    /// the product's tables cost.
    Bare,
}

const BARE: &[Migration] = &[Migration::common(
    1,
    "codes",
    "CREATE TABLE codes (hash BYTEA PRIMARY KEY, app TEXT NOT NULL, person TEXT NOT NULL, redirect_uri TEXT NOT NULL,
        scopes TEXT NOT NULL, expires_at BIGINT NOT NULL, redeemed_at BIGINT, became TEXT);
     CREATE TABLE bare_grants (id TEXT PRIMARY KEY, app TEXT NOT NULL, person TEXT NOT NULL, scopes TEXT NOT NULL,
        secret_hash BYTEA NOT NULL, generation BIGINT NOT NULL, created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL);
     CREATE INDEX bare_grants_by_person ON bare_grants (person, app);",
)];

sql::statements! {
    INSERT_BARE_CODE = "INSERT INTO codes (hash, app, person, redirect_uri, scopes, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6)";
    FIND_BARE_CODE = "SELECT app, person, scopes FROM codes WHERE hash = $1";
    CLAIM_BARE_CODE = "UPDATE codes SET redeemed_at = $2, became = $3 WHERE hash = $1 AND redeemed_at IS NULL";
    INSERT_BARE_GRANT = "INSERT INTO bare_grants (id, app, person, scopes, secret_hash, generation, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    FIND_CODE = "SELECT app_id, user_id, scopes FROM authorization_codes WHERE code_hash = $1";
}

const APP: &str = "7c1f4b0e9d2a4c6f8e3b5a7d";
const PERSON: &str = "0197a4c21b7e7d5f8a3c6e9b";
const SESSION: &str = "0197a4c21b7e7d5f8a3c6eaa";
const CALLBACK: &str = "http://localhost:8081/callback";
const SCOPES: &str = "user:read meeting:create meeting:delete meeting:read meeting:update meeting:join";
const NOW: i64 = 1_767_607_200_000;

/// A database with codes to redeem.
#[derive(Clone)]
pub struct Units {
    db: Db,
    tables: Tables,
    own: Own,
    redeemed: Arc<AtomicU64>,
}

/// The product's own statements.
#[derive(Clone, Copy)]
struct Own {
    insert_code: Statement,
    claim_code: Statement,
    insert_grant: Statement,
}

impl Units {
    /// Opens an empty database and puts so many codes into it.
    pub async fn fill(url: &str, tables: Tables, codes: u64) -> Fallible<Units> {
        let url: DatabaseUrl = url.parse()?;
        let db = Db::open(&url, Options::default()).await?;
        db.migrate(if tables == Tables::Product { MIGRATIONS } else { BARE }).await?;
        let own = Own {
            insert_code: own_statement("INSERT_CODE")?,
            claim_code: own_statement("CLAIM_CODE")?,
            insert_grant: own_statement("INSERT_GRANT")?,
        };
        let units = Units { db, tables, own, redeemed: Arc::default() };
        for from in (0..codes).step_by(5_000) {
            let filler = units.clone();
            let fill = move |tx: &mut Tx<'_>| {
                (from..codes.min(from + 5_000)).try_for_each(|number| filler.insert_code(tx, number))
            };
            units.db.write(fill).await?;
        }
        Ok(units)
    }

    /// Redeems so many codes by so many callers at once, each waiting for its own.
    pub async fn redeem(self, count: u64, callers: usize) -> Fallible<()> {
        let until = self.redeemed.load(Ordering::Relaxed) + count;
        let mut tasks = JoinSet::new();
        for _ in 0..callers {
            let units = self.clone();
            tasks.spawn(async move {
                loop {
                    let number = units.redeemed.fetch_add(1, Ordering::Relaxed);
                    if number >= until {
                        return Ok::<_, DbError>(());
                    }
                    let unit = units.clone();
                    units.db.write(move |tx| unit.redeem_one(tx, number)).await?;
                }
            });
        }
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        self.redeemed.store(until, Ordering::Relaxed);
        Ok(())
    }

    fn insert_code(&self, tx: &mut Tx<'_>, number: u64) -> Result<(), DbError> {
        let hash = hash(number);
        let null: Option<&str> = None;
        match self.tables {
            Tables::Bare => tx.execute(&INSERT_BARE_CODE, params![hash, APP, PERSON, CALLBACK, SCOPES, NOW]),
            Tables::Product => {
                // Random, as real ones are.
                let request = format!("{:016x}-4c6f-8e3b-5a7d0e1f2a3b", number.wrapping_mul(0xD1B5_4A32_D192_ED03));
                let values = params![hash, request, APP, PERSON, SESSION, CALLBACK, SCOPES, null, null, NOW, NOW, NOW];
                tx.execute(&self.own.insert_code, values)
            }
        }
        .map(drop)
    }

    fn redeem_one(&self, tx: &mut Tx<'_>, number: u64) -> Result<(), DbError> {
        let hash = hash(number);
        // Grants are made in the order of their ids, near enough.
        let id = format!("0197a4c2-{number:012x}-8a3c6e9b0d1f2a3c");
        let (find, claim) = match self.tables {
            Tables::Bare => (&FIND_BARE_CODE, &CLAIM_BARE_CODE),
            Tables::Product => (&FIND_CODE, &self.own.claim_code),
        };
        let read = |row: &sql::Row<'_>| Ok((row.get::<String>(0)?, row.get::<String>(1)?, row.get::<String>(2)?));
        let (app, person, scopes) = tx.one(find, params![hash], read)?;
        if tx.execute(claim, params![hash, NOW, id])? != 1 {
            return Err(DbError::Broken("a code was spent before".to_owned()));
        }
        match self.tables {
            Tables::Bare => tx.execute(&INSERT_BARE_GRANT, params![id, app, person, scopes, hash, 0_i64, NOW, NOW]),
            Tables::Product => {
                let values =
                    params![id, hash, app, person, SESSION, scopes, NOW, NOW, 0_i64, hash, NOW, 1_i64, NOW, NOW];
                tx.execute(&self.own.insert_grant, values)
            }
        }
        .map(drop)
    }
}

fn own_statement(name: &str) -> Fallible<Statement> {
    let mut all = oauth::STATEMENTS.iter().copied().flatten();
    let found = all.find(|statement| statement.name() == name).copied();
    found.ok_or_else(|| format!("the product has no statement {name} any more: mend bench/src/unit.rs").into())
}

/// Spread over the tree, as real hashes are.
fn hash(number: u64) -> [u8; 32] {
    let mut hash = [7; 32];
    hash[..8].copy_from_slice(&number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
    hash
}
