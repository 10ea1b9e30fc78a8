//! What the server does by itself: rotating keys and reading them again, and sweeping away, or forgetting, what has expired.

use std::sync::Arc;
use std::time::Duration;

use sql::{DbError, Tx};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::{debug, warn};

use crate::app::SharedApp;
use crate::keys::{KeysError, Lives};
use crate::time::Timestamp;
use crate::{apps, keys, mail, meetings, oauth, review, users};

/// How often it looks around.
const INTERVAL: Duration = Duration::from_secs(30);

/// Rows deleted in one unit of work: few enough that no request waits for them.
const BATCH: i64 = 500;

/// Units a sweeper may take at one time; the rest waits for the next.
const MAX_BATCHES: usize = 200;

/// A function that deletes at most so many expired rows and says how many it deleted.
type Sweeper = fn(&mut Tx<'_>, Timestamp, i64) -> Result<u64, DbError>;

/// Every sweeper, with its name for the log.
const SWEEPERS: &[(&str, &[Sweeper])] = &[
    ("apps", apps::SWEEPERS),
    ("oauth", oauth::SWEEPERS),
    ("users", users::SWEEPERS),
    ("mail", mail::SWEEPERS),
    ("meetings", meetings::SWEEPERS),
    ("review", review::SWEEPERS),
];

/// The running upkeep.
#[derive(Debug)]
pub struct Upkeep {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Upkeep {
    /// Ends it after the unit of work that runs now.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        if let Err(error) = self.task.await {
            warn!(%error, "upkeep ended badly");
        }
    }
}

/// Starts it in the background.
pub fn start(app: SharedApp) -> Upkeep {
    let (stop, mut stopped) = watch::channel(false);
    let task = tokio::spawn(async move {
        loop {
            tokio::select! {
                () = tokio::time::sleep(INTERVAL) => {}
                _ = stopped.changed() => return,
            }
            round(&app, &stopped).await;
        }
    });
    Upkeep { stop, task }
}

async fn round(app: &SharedApp, stopped: &watch::Receiver<bool>) {
    if let Err(error) = tend_keys(app).await {
        warn!(%error, "the keys could not be looked after; those in memory stay in use");
    }
    if let Err(error) = oauth::write_last_used(app).await {
        warn!(%error, "some times of last use were not written");
    }
    if let Err(error) = apps::write_refusals(app).await {
        warn!(%error, "some refusals of apps were not counted");
    }
    app.oauth.view.forget_expired();
    for (name, sweepers) in SWEEPERS {
        for sweeper in *sweepers {
            match sweep(app, *sweeper, stopped).await {
                Ok(0) => {}
                Ok(rows) => debug!(name, rows, "swept"),
                Err(error) => warn!(name, %error, "sweeping stopped; it goes on at the next round"),
            }
        }
    }
}

/// Makes what successors are due, lets go of what has expired, and reads the keys again.
async fn tend_keys(app: &SharedApp) -> Result<(), KeysError> {
    let longest = app.db.read(oauth::find_longest_lives).await.map_err(|error: DbError| error)?;
    let lives = Lives { signed: longest.access, of_roots: longest.refresh.max(users::KNOWN_BROWSER_TTL) };
    keys::maintain(&app.db, &app.config.keys, lives, &app.clock, &app.random).await?;
    keys::reload(&app.db, &app.config.keys, app.clock.now(), &app.keys, &app.signer).await
}

/// Runs one sweeper until nothing is left, or its share of this round is used up.
///
/// # Errors
/// When the database refuses.
pub async fn sweep(app: &SharedApp, sweeper: Sweeper, stopped: &watch::Receiver<bool>) -> Result<u64, DbError> {
    let mut rows = 0;
    for _ in 0..MAX_BATCHES {
        if *stopped.borrow() {
            break;
        }
        let now = app.clock.now();
        let swept = app.db.write(move |tx| sweeper(tx, now, BATCH)).await?;
        rows += swept;
        if swept < BATCH.unsigned_abs() {
            break;
        }
        tokio::task::yield_now().await;
    }
    Ok(rows)
}

/// One round now, for tests.
pub async fn run_once(app: &Arc<crate::app::App>) {
    let (_stop, stopped) = watch::channel(false);
    round(app, &stopped).await;
}
