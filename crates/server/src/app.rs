//! The application: the one value that every handler takes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sql::{Db, DbError, Options};
use tokio::sync::Notify;

use crate::apps::Refusals;
use crate::catalogue::Catalogue;
use crate::config::{Config, Issuer};
use crate::hearing::Hearing;
use crate::keys::{self, ServerKeys, Signer};
use crate::mail::Outlet;
use crate::migrations::MIGRATIONS;
use crate::oauth::{self, Memory, RevocationView};
use crate::random::Random;
use crate::screening::Screening;
use crate::time::{Clock, SettledClock};
use crate::users::Passwords;

/// Everything a request may need.
pub struct App {
    /// What was configured.
    pub config: Config,
    /// Where absolute URLs come from.
    pub issuer: Issuer,
    /// Which scopes there are, and whom tokens can be for.
    pub catalogue: Catalogue,
    /// The database.
    pub db: Db,
    /// The time.
    pub clock: Clock,
    /// The time by which what has expired is deleted.
    pub settled: SettledClock,
    /// Randomness.
    pub random: Random,
    /// Keys for MAC, derivation, sealing and CSRF.
    pub keys: ServerKeys,
    /// Keys that sign tokens.
    pub signer: Signer,
    /// Told when another process may have changed the keys: they are to be read again.
    pub keys_changed: Arc<Notify>,
    /// Where passwords are hashed.
    pub passwords: Passwords,
    /// Where mail goes.
    pub outlet: Outlet,
    /// What the server remembers of tokens.
    pub oauth: Memory,
    /// The screening of what developers declare.
    pub screening: Screening,
    /// How often apps were refused, as far as it is not written yet.
    pub refusals: Refusals,
}

/// How handlers hold it.
pub type SharedApp = Arc<App>;

/// Why the server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database cannot be opened or migrated.
    #[error("the database cannot be used: {0}")]
    Database(#[from] sql::DbError),
    /// The keys cannot be read or made.
    #[error(transparent)]
    Keys(#[from] keys::KeysError),
    /// Something in the configuration.
    #[error("{0}")]
    Config(String),
    /// The system refused something.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl App {
    /// Opens the database, brings its schema up to date, and loads or makes the keys.
    ///
    /// # Errors
    /// When one of them cannot be had; the message says what to do.
    pub async fn start(config: Config, issuer: Issuer, clock: Clock, random: Random) -> Result<App, StartError> {
        let catalogue = Catalogue::new(&config, &issuer).map_err(StartError::Config)?;
        let db = wait_for_database(&config).await?;
        db.migrate(MIGRATIONS).await?;
        let tokens = config.tokens.clone();
        db.write(move |tx| oauth::raise_longest_lives(tx, &tokens)).await?;
        let (keys, signer) = keys::open(&db, &config.keys, &clock, &random).await?;

        let settled = SettledClock::new(clock.clone(), config.server.clock_settles_after.get());
        let (view, keys_changed) = (Arc::new(RevocationView::new(settled.clone())), Arc::new(Notify::new()));
        db.follow(Arc::new(Hearing { view: Arc::clone(&view), keys_changed: Arc::clone(&keys_changed) })).await?;
        let oauth = Memory::new(view);
        let accounts = &config.accounts;
        let passwords = Passwords::start(accounts.password_hashers, accounts.password_queue, random.clone())?;
        let outlet = Outlet::new(&config.mail, &issuer).map_err(StartError::Config)?;
        let screening = Screening::new(&config.screening, &issuer).map_err(StartError::Config)?;
        Ok(App {
            config,
            issuer,
            catalogue,
            db,
            clock,
            settled,
            random,
            keys,
            signer,
            keys_changed,
            passwords,
            outlet,
            oauth,
            screening,
            refusals: Refusals::default(),
        })
    }
}

/// How long a start waits for a database that is away.
const START_PATIENCE: Duration = Duration::from_secs(30);

/// As [`open_database`], but waits for one that is away: after a power cut both start at once.
async fn wait_for_database(config: &Config) -> Result<Db, StartError> {
    let begun = Instant::now();
    loop {
        match open_database(config).await {
            Err(StartError::Database(error)) if error.is_away() && begun.elapsed() < START_PATIENCE => {
                tracing::warn!(%error, "waiting for the database");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Err(StartError::Database(error)) if error.is_away() => {
                let waited = format!("{error}; waited {START_PATIENCE:?} for it");
                return Err(StartError::Database(DbError::Unavailable { reason: waited, away: true }));
            }
            opened => return opened,
        }
    }
}

/// Opens the configured database, without touching its schema.
///
/// # Errors
/// When its address is wrong or it cannot be reached.
pub async fn open_database(config: &Config) -> Result<Db, StartError> {
    let url = config.database_url().map_err(|fault| StartError::Config(format!("database.url {fault}")))?;
    let options = Options { connections: config.database.connections, ..Options::default() };
    Ok(Db::open(&url, options).await?)
}
