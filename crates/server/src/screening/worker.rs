//! The work in the background: one piece for each submission, claimed from the database, so that it survives a restart
//! and is done once however many nodes there are.

use std::time::Duration;

use ::screening::evidence::Evidence;
use ::screening::{Check, Field, Finding, Severity};
use sql::DbError;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;
use tracing::{info, warn};

use super::{lists, run, store};
use crate::app::SharedApp;
use crate::ids::RevisionId;
use crate::jobs::{self, Claim, Kind, MAX_ATTEMPTS};

/// How often a node looks for work.
const INTERVAL: Duration = Duration::from_secs(2);

/// How long a node may take; after that another one begins anew. Well above the deadline of a screening.
const HOLD: Duration = Duration::from_secs(90);

/// Screenings of one node at once.
const AT_ONCE: usize = 4;

/// How often the set of approved apps is looked at.
const KNOWN_APPS_INTERVAL: Duration = Duration::from_secs(300);

/// The running worker.
#[derive(Debug)]
pub struct Worker {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Worker {
    /// Ends it. A screening that runs is begun anew by another node, or at the next start.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        if let Err(error) = self.task.await {
            warn!(%error, "the screening ended badly");
        }
    }
}

/// Starts it in the background: reads the lists, then works.
pub fn start(app: SharedApp) -> Worker {
    let (stop, mut stopped) = watch::channel(false);
    let task = tokio::spawn(async move {
        tokio::select! {
            () = work(app) => {}
            _ = stopped.wait_for(|stopped| *stopped) => {}
        }
    });
    Worker { stop, task }
}

async fn work(app: SharedApp) {
    let mut lists_due = Instant::now();
    let mut apps_due = Instant::now();
    let mut running = JoinSet::new();
    loop {
        if lists_due <= Instant::now() {
            lists_due = Instant::now() + app.screening.settings.blocklist_refresh.get();
            lists::refresh_blocklists(&app).await;
        }
        if apps_due <= Instant::now() {
            apps_due = Instant::now() + KNOWN_APPS_INTERVAL;
            if let Err(error) = lists::refresh_known_apps(&app).await {
                warn!(%error, "the approved apps could not be read; look-alikes are judged by those read before");
            }
        }
        while running.try_join_next().is_some() {}
        while running.len() < AT_ONCE {
            match claim(&app).await {
                Ok(Some(claim)) => {
                    let app = app.clone();
                    running.spawn(async move { screen(&app, claim).await });
                }
                Ok(None) => break,
                Err(error) => {
                    warn!(%error, "no work could be claimed; the screening tries again");
                    break;
                }
            }
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

async fn claim(app: &SharedApp) -> Result<Option<Claim>, DbError> {
    let now = app.clock.now();
    if !app.db.read(move |tx| jobs::is_due(tx, Kind::Screening, now)).await? {
        return Ok(None);
    }
    app.db.write(move |tx| jobs::claim(tx, Kind::Screening, now, HOLD)).await
}

async fn screen(app: &SharedApp, claim: Claim) {
    let revision = RevisionId::from_text(&claim.subject);
    if let Err(error) = screen_claimed(app, &claim, &revision).await {
        warn!(%error, %revision, attempt = claim.attempt, "a screening failed; it is tried again later");
        let (now, why) = (app.clock.now(), error.to_string());
        // Should this fail as well, the claim runs out by itself.
        let _ = app.db.write(move |tx| jobs::postpone(tx, &claim, &why, now)).await;
    }
}

async fn screen_claimed(app: &SharedApp, claim: &Claim, revision: &RevisionId) -> Result<(), DbError> {
    if claim.attempt > MAX_ATTEMPTS {
        return give_up(app, claim, revision).await;
    }
    let report = run::look(app, revision).await?;
    let worst = report.as_ref().map(|report| report.worst().to_string());
    let (claim, id) = (claim.clone(), revision.clone());
    let kept = app
        .db
        .write(move |tx| {
            let holds = jobs::finish(tx, &claim)?;
            if let (true, Some(report)) = (holds, &report) {
                run::keep(tx, &id, report)?;
            }
            Ok(holds)
        })
        .await?;
    info!(%revision, worst, kept, "screened a revision");
    Ok(())
}

/// It has failed too often: that is written down as 'not checked', so that nobody takes silence for a pass.
async fn give_up(app: &SharedApp, claim: &Claim, revision: &RevisionId) -> Result<(), DbError> {
    let (claim, id, now) = (claim.clone(), revision.clone(), app.clock.now());
    let finding = Finding {
        field: Field::AllUrls,
        check: Check::Reachable,
        subject: String::new(),
        severity: Severity::NotChecked,
        sentence: "The screening could not be finished: this server failed several times.".to_owned(),
        mend: Some("Run the checks again from the app's page; if they fail again, tell the operator.".to_owned()),
        evidence: Evidence::None,
    };
    app.db
        .write(move |tx| {
            if jobs::finish(tx, &claim)? {
                store::replace_findings(tx, &id, std::slice::from_ref(&finding), now)?;
            }
            Ok(())
        })
        .await
}

/// Does all work that is due, one piece after the other, and says how much it was: for tests and the command line.
///
/// # Errors
/// When the database refuses.
pub async fn run_due(app: &SharedApp) -> Result<usize, DbError> {
    lists::refresh_blocklists(app).await;
    lists::refresh_known_apps(app).await?;
    let mut done = 0;
    while let Some(claim) = claim(app).await? {
        screen(app, claim).await;
        done += 1;
    }
    Ok(done)
}
