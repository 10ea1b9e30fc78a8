//! The SQL unit of the floor, durable: what an exchange cannot do without. In the product's tables these are the three
//! statements of an exchange (the look-up of app, code, person and consent; the claim; the grant), without the rules
//! around them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiomeet_oauth::app::App;
use jiomeet_oauth::config::{Config, Issuer};
use jiomeet_oauth::random::Random;
use jiomeet_oauth::time::Clock;
use jiomeet_oauth::{demo, oauth};
use serde::{Deserialize, Serialize};
use sql::{Db, DbError, Migration, Options, Row, Statement, Tx, params};
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
    GRANTS = "SELECT app_id, user_id, scopes FROM grants";
    CONSENT = "INSERT INTO consents (user_id, app_id, granted_scopes, declined_scopes, consent_version, first_granted_at,
        answered_at) VALUES ($1, $2, $3, '', 1, $4, $4)";
}

/// Where the product's look-up has the code's app, person and scopes.
const FOUND: [usize; 3] = [20, 21, 24];

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
    /// Nothing in the barest tables.
    product: Option<Arc<Product>>,
    redeemed: Arc<AtomicU64>,
}

/// The product's own statements, and an app and a person of its demo.
struct Product {
    insert_code: Statement,
    find_code: Statement,
    claim_code: Statement,
    insert_grant: Statement,
    client_id: String,
    app_id: String,
    user_id: String,
}

impl Units {
    /// Opens an empty database and puts so many codes into it.
    pub async fn fill(url: &str, tables: Tables, codes: u64) -> Fallible<Units> {
        let (db, product) = match tables {
            Tables::Product => open_product(url).await?,
            Tables::Bare => {
                let db = Db::open(&url.parse()?, Options::default()).await?;
                db.migrate(BARE).await?;
                (db, None)
            }
        };
        let units = Units { db, product, redeemed: Arc::default() };
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
        match &self.product {
            None => tx.execute(&INSERT_BARE_CODE, params![hash, APP, PERSON, CALLBACK, SCOPES, NOW]),
            Some(product) => {
                // Random, as real ones are.
                let request = format!("{:016x}-4c6f-8e3b-5a7d0e1f2a3b", number.wrapping_mul(0xD1B5_4A32_D192_ED03));
                let Product { app_id, user_id, .. } = &**product;
                #[rustfmt::skip]
                let values = params![
                    hash, request, app_id, user_id, SESSION, CALLBACK, SCOPES, null, null, NOW, NOW, NOW, null, null
                ];
                tx.execute(&product.insert_code, values)
            }
        }
        .map(drop)
    }

    fn redeem_one(&self, tx: &mut Tx<'_>, number: u64) -> Result<(), DbError> {
        let hash = hash(number);
        // Grants are made in the order of their ids, near enough.
        let id = format!("0197a4c2-{number:012x}-8a3c6e9b0d1f2a3c");
        match &self.product {
            None => {
                let (app, person, scopes) = tx.one(&FIND_BARE_CODE, params![hash], |row| texts(row, [0, 1, 2]))?;
                won(tx.execute(&CLAIM_BARE_CODE, params![hash, NOW, id])?)?;
                tx.execute(&INSERT_BARE_GRANT, params![id, app, person, scopes, hash, 0_i64, NOW, NOW])
            }
            Some(product) => {
                let find = params![product.client_id, hash];
                let (app, person, scopes) = tx.one(&product.find_code, find, |row| texts(row, FOUND))?;
                won(tx.execute(&product.claim_code, params![hash, NOW, id])?)?;
                let null: Option<&str> = None;
                #[rustfmt::skip]
                let values = params![
                    id, hash, app, person, SESSION, scopes, NOW, NOW, 0_i64, hash, NOW, 1_i64, NOW, NOW, null, null
                ];
                tx.execute(&product.insert_grant, values)
            }
        }
        .map(drop)
    }
}

fn texts(row: &Row<'_>, columns: [usize; 3]) -> Result<(String, String, String), DbError> {
    let [app, person, scopes] = columns;
    Ok((row.get(app)?, row.get(person)?, row.get(scopes)?))
}

fn won(rows: u64) -> Result<(), DbError> {
    if rows == 1 { Ok(()) } else { Err(DbError::Broken("a code was spent before".to_owned())) }
}

/// The product's schema with the people and apps of its demo, one of whom has consented.
async fn open_product(url: &str) -> Fallible<(Db, Option<Arc<Product>>)> {
    let settings = format!("database.url = {url:?}\nkeys.signing_algorithm = \"ES256\"\n");
    let config = Config::without_environment(&settings)?;
    let issuer = Issuer::parse("http://127.0.0.1:8080")?;
    let app = App::start(config, issuer, Clock::system(), Random::default()).await?;
    let folder = tempfile::tempdir()?;
    let seeded = demo::seed(&app, folder.path(), "http://localhost:8081").await?;
    let client = &seeded.apps[seeded.sample_client];
    let product = Product {
        insert_code: own_statement("INSERT_CODE")?,
        find_code: own_statement("FIND_CLIENT_AND_CODE")?,
        claim_code: own_statement("CLAIM_CODE")?,
        insert_grant: own_statement("INSERT_GRANT")?,
        client_id: client.client_id.clone(),
        app_id: client.app_id.clone(),
        user_id: seeded.people.first().ok_or("the demo has no people")?.user_id.clone(),
    };
    let (user, app_id) = (product.user_id.clone(), product.app_id.clone());
    app.db.write(move |tx| tx.execute(&CONSENT, params![user, app_id, SCOPES, NOW])).await?;
    Ok((app.db.clone(), Some(Arc::new(product))))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails when the product's statements have other parameters or columns than this file thinks.
    #[tokio::test(flavor = "multi_thread")]
    async fn the_unit_is_made_of_the_products_own_statements() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("unit.db").display());
        let units = Units::fill(&url, Tables::Product, 3).await.unwrap();
        let (app, person) = units.product.as_ref().map(|own| (own.app_id.clone(), own.user_id.clone())).unwrap();
        units.clone().redeem(3, 2).await.unwrap();
        let grants = units.db.read(|tx| tx.list(&GRANTS, params![], |row| texts(row, [0, 1, 2]))).await;
        assert_eq!(grants, Ok(vec![(app, person, SCOPES.to_owned()); 3]));
    }
}
