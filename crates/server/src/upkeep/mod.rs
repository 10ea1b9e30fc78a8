//! What the server does by itself: rotating keys and reading them again, and sweeping away, or forgetting, what has expired.

mod bite;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bite::Bite;
use sql::{DbError, Tx};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::{debug, warn};

use crate::app::SharedApp;
use crate::jobs::{self, Claim, Kind};
use crate::keys::{KeysError, Lives};
use crate::time::Timestamp;
use crate::{apps, keys, mail, meetings, oauth, review, users};

/// How often it looks around.
const INTERVAL: Duration = Duration::from_secs(30);

/// How long a sweeper goes on before the next has its turn; what is left has the next round, which follows at once.
const TURN: Duration = Duration::from_secs(10);

/// A function that deletes, or puts right, at most so many rows and says how many it did.
type Sweeper = fn(&mut Tx<'_>, Timestamp, i64) -> Result<u64, DbError>;

/// Every sweeper, with its name for the log.
const SWEEPERS: &[(&str, &[Sweeper])] = &[
    ("apps", apps::SWEEPERS),
    ("oauth", oauth::SWEEPERS),
    ("users", users::SWEEPERS),
    ("mail", mail::SWEEPERS),
    ("meetings", meetings::SWEEPERS),
    ("review", review::SWEEPERS),
    ("jobs", jobs::SWEEPERS),
];

/// How long a node may take for one batch; after that another one goes on.
const HOLD: Duration = Duration::from_secs(120);

/// The running upkeep.
#[derive(Debug)]
pub struct Upkeep {
    stop: watch::Sender<bool>,
    tasks: [JoinHandle<()>; 2],
}

impl Upkeep {
    /// Ends it after the unit of work that runs now.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        for task in self.tasks {
            if let Err(error) = task.await {
                warn!(%error, "upkeep ended badly");
            }
        }
    }
}

/// Starts it in the background. What a node does for itself never waits for what is swept for all of them.
pub fn start(app: SharedApp) -> Upkeep {
    let (stop, stopped) = watch::channel(false);
    let own = tokio::spawn(own_rounds(Arc::clone(&app), stopped.clone()));
    let shared = tokio::spawn(shared_rounds(app, stopped));
    Upkeep { stop, tasks: [own, shared] }
}

async fn own_rounds(app: SharedApp, mut stopped: watch::Receiver<bool>) {
    loop {
        let round = tokio::time::sleep(INTERVAL);
        tokio::pin!(round);
        loop {
            tokio::select! {
                () = &mut round => break,
                () = app.keys_changed.notified() => read_keys(&app).await,
                _ = stopped.changed() => return,
            }
        }
        tend_own(&app).await;
    }
}

/// Another process has made a key, or this one has not heard for a while whether any did.
async fn read_keys(app: &SharedApp) {
    let read = keys::reload(&app.db, &app.config.keys, app.clock.now(), &app.keys, &app.signer).await;
    if let Err(error) = read {
        warn!(%error, "the keys could not be read again; those in memory stay in use");
    }
}

async fn shared_rounds(app: SharedApp, mut stopped: watch::Receiver<bool>) {
    let mut wait = INTERVAL;
    while goes_on(&mut stopped, wait).await {
        let is_done = sweep_all(&app, &stopped).await;
        wait = if is_done { INTERVAL } else { Duration::ZERO };
    }
}

/// Waits for the next round; false when there is none.
async fn goes_on(stopped: &mut watch::Receiver<bool>, wait: Duration) -> bool {
    tokio::select! {
        biased;
        _ = stopped.changed() => false,
        () = tokio::time::sleep(wait) => true,
    }
}

/// What each node does for itself.
async fn tend_own(app: &SharedApp) {
    if let Err(error) = tend_keys(app).await {
        warn!(%error, "the keys could not be looked after; those in memory stay in use");
    }
    if let Err(error) = oauth::write_last_used(app).await {
        warn!(%error, "some times of last use were not written");
    }
    if let Err(error) = apps::write_refusals(app).await {
        warn!(%error, "some refusals of apps were not counted");
    }
    app.settled.look();
    app.oauth.view.forget_expired();
}

/// What one node does for all: each room's sweeping is a piece of work that comes again and again, and is claimed. False
/// when this node has left something for the next round.
async fn sweep_all(app: &SharedApp, stopped: &watch::Receiver<bool>) -> bool {
    let mut is_done = true;
    for (room, sweepers) in SWEEPERS {
        match sweep_room(app, room, sweepers, stopped).await {
            Ok(Swept { rows: 0, .. }) => {}
            Ok(swept) => {
                debug!(room, rows = swept.rows, "swept");
                is_done &= swept.is_done;
            }
            Err(error) => warn!(room, %error, "sweeping stopped; it goes on at the next round"),
        }
    }
    is_done
}

/// What a room's sweepers did in their turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Swept {
    rows: u64,
    is_done: bool,
}

/// Runs each sweeper until nothing is left, its turn is over, or the server stops. It bites off as much as takes two
/// milliseconds and rests twice as long as the bite took: no request waits for more than one bite, and whoever else writes
/// has two thirds of the database at least.
async fn sweep_room(
    app: &SharedApp,
    room: &'static str,
    sweepers: &[Sweeper],
    stopped: &watch::Receiver<bool>,
) -> Result<Swept, DbError> {
    let now = app.clock.now();
    let claimed = app.db.write(move |tx| jobs::claim_recurring(tx, Kind::Sweeping, room, now, HOLD)).await?;
    let mut done = Swept { rows: 0, is_done: true };
    let Some(mut claim) = claimed else { return Ok(done) };
    for sweeper in sweepers {
        let (begun, mut bite) = (Instant::now(), Bite::FIRST);
        loop {
            if *stopped.borrow() || begun.elapsed() > TURN {
                done.is_done = false;
                break;
            }
            let bitten = Instant::now();
            let (held, rows) = sweep_batch(app, *sweeper, claim, bite.rows()).await?;
            // Held up for so long that another node took it over.
            let Some(held) = held else { return Ok(done) };
            claim = held;
            done.rows += rows;
            if rows < bite.rows().unsigned_abs() {
                break;
            }
            let took = bitten.elapsed();
            bite = bite.after(took);
            tokio::time::sleep(took * 2).await;
        }
    }
    let now = app.clock.now();
    let again = if done.is_done { now.plus(INTERVAL) } else { now };
    app.db.write(move |tx| jobs::rest(tx, &claim, again)).await?;
    Ok(done)
}

/// One batch, if the claim still holds; gives it back, held for longer.
async fn sweep_batch(
    app: &SharedApp,
    sweeper: Sweeper,
    claim: Claim,
    most: i64,
) -> Result<(Option<Claim>, u64), DbError> {
    let (now, settled) = (app.clock.now(), app.settled.now());
    app.db
        .write(move |tx| {
            let mut claim = claim.clone();
            if !jobs::extend(tx, &mut claim, now.plus(HOLD))? {
                return Ok((None, 0));
            }
            Ok((Some(claim), sweeper(tx, settled, most)?))
        })
        .await
}

/// Makes what successors are due, lets go of what has expired, and reads the keys again.
async fn tend_keys(app: &SharedApp) -> Result<(), KeysError> {
    let longest = app.db.read(oauth::find_longest_lives).await.map_err(|error: DbError| error)?;
    let lives = Lives { signed: longest.access, of_roots: longest.refresh.max(users::KNOWN_BROWSER_TTL) };
    let settled = app.settled.now();
    keys::maintain(&app.db, &app.config.keys, lives, (&app.clock, settled), &app.random).await?;
    keys::reload(&app.db, &app.config.keys, app.clock.now(), &app.keys, &app.signer).await
}

/// One round now, for tests.
pub async fn run_once(app: &Arc<crate::app::App>) {
    let (_stop, stopped) = watch::channel(false);
    tend_own(app).await;
    while !sweep_all(app, &stopped).await {}
}
