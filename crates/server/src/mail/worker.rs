//! The worker that empties the outbox. One on each node; a claim decides who sends what.

use std::time::Duration;

use serde_json::json;
use sql::DbError;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tracing::{debug, info, warn};

use super::render::{LinkWords, Rendered, render};
use super::retry::{Failure, Next, next};
use super::smtp::NotSent;
use super::store::{self, Claimed};
use super::{Letter, Outlet, links};
use crate::app::SharedApp;
use crate::audit::{Actor, Record};

/// How often it looks for something due.
const INTERVAL: Duration = Duration::from_secs(2);

/// How long it waits at most before it asks a mail server again that cannot be reached.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// How many mails are handed over side by side.
const BATCH: i64 = 8;

/// How long a claimed mail is nobody else's, beyond the mail server's own time.
const LEASE: Duration = Duration::from_secs(120);

/// How long the end of the program waits for mail that is being handed over.
const LAST_WAIT: Duration = Duration::from_secs(10);

/// The running worker.
#[derive(Debug)]
pub struct Postman {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Postman {
    /// Ends it. A mail that hangs is left: its claim runs out, and some node tries again.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let abort = self.task.abort_handle();
        if tokio::time::timeout(LAST_WAIT, self.task).await.is_err() {
            abort.abort();
        }
    }
}

/// Starts it in the background.
pub fn start(app: SharedApp) -> Postman {
    if matches!(app.outlet, Outlet::Off) {
        warn!("no mail is sent: mail.smtp is not set, so nobody can sign up or set a forgotten password anew");
    }
    let (stop, mut stopped) = watch::channel(false);
    let task = tokio::spawn(async move {
        let mut pause = INTERVAL;
        loop {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = stopped.changed() => return,
            }
            pause = match round(&app, &stopped).await {
                Ok(Round::Done) => INTERVAL,
                Ok(Round::ServerAway) => (pause * 2).min(LONGEST_PAUSE),
                Err(error) => {
                    warn!(%error, "the outbox could not be read");
                    INTERVAL
                }
            };
        }
    });
    Postman { stop, task }
}

/// Everything that is due now, for tests and the demo's page.
///
/// # Errors
/// When the database refuses.
pub async fn run_once(app: &SharedApp) -> Result<(), DbError> {
    let (_stop, stopped) = watch::channel(false);
    round(app, &stopped).await.map(drop)
}

/// How a round ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Round {
    /// Nothing is due any more.
    Done,
    /// The mail server takes nothing: the rest would fail as well, and waits.
    ServerAway,
}

async fn round(app: &SharedApp, stopped: &watch::Receiver<bool>) -> Result<Round, DbError> {
    while !*stopped.borrow() {
        let now = app.clock.now();
        if !app.db.read(move |tx| store::is_due(tx, now)).await? {
            break;
        }
        if matches!(app.outlet, Outlet::Off) {
            const WHY: &str = "not sent: mail.smtp is not set";
            app.db.write(move |tx| store::withdraw_due(tx, now, WHY, 500)).await?;
            continue;
        }
        let lease = now.plus(app.config.mail.timeout.get() + LEASE);
        let batch = app.db.write(move |tx| store::claim_due(tx, now, lease, BATCH)).await?;
        if batch.is_empty() {
            // Other nodes were faster.
            break;
        }
        let mut running: JoinSet<Result<bool, DbError>> = JoinSet::new();
        for mail in batch {
            let app = app.clone();
            running.spawn(async move { deliver(&app, mail).await });
        }
        let mut is_away = false;
        while let Some(ended) = running.join_next().await {
            is_away |= ended.unwrap_or(Ok(false))?;
        }
        if is_away {
            return Ok(Round::ServerAway);
        }
    }
    Ok(Round::Done)
}

/// One mail, from the claim to its end; whether the mail server was found away.
async fn deliver(app: &SharedApp, mail: Claimed) -> Result<bool, DbError> {
    let letter = match store::read_letter(&mail.letter) {
        Ok(letter) => letter,
        Err(text) => return failed(app, mail, NotSent { failure: Failure::Refused, text }).await,
    };
    let Some(link) = link_for(app, &letter, &mail).await? else {
        app.db.write(move |tx| store::finish(tx, &mail, None, Some("it had lost its point"))).await?;
        return Ok(false);
    };
    let rendered = render(&letter, &app.issuer, &link, mail.created_at).map(|(subject, body)| Rendered {
        id: mail.id.clone(),
        to: mail.to.clone(),
        subject,
        body,
        created_at: mail.created_at,
    });
    let sent = match (rendered, &app.outlet) {
        (Err(text), _) => Err(NotSent { failure: Failure::Refused, text }),
        (Ok(rendered), Outlet::Smtp(smtp)) => smtp.send(&rendered).await,
        (Ok(rendered), Outlet::Demo(outbox)) => {
            outbox.keep(rendered);
            Ok(())
        }
        (Ok(_), Outlet::Off) => Ok(()),
    };
    match sent {
        Ok(()) => {
            debug!(mail = mail.id, attempts = mail.attempts, "mail sent");
            let now = app.clock.now();
            app.db.write(move |tx| store::finish(tx, &mail, Some(now), None)).await?;
            Ok(false)
        }
        Err(not_sent) => failed(app, mail, not_sent).await,
    }
}

/// The link that the letter carries, made now; nothing when the letter has lost its point.
async fn link_for(app: &SharedApp, letter: &Letter, mail: &Claimed) -> Result<Option<LinkWords>, DbError> {
    let Some(purpose) = letter.link() else { return Ok(Some(LinkWords::default())) };
    let secret = links::mint_secret(app);
    let now = app.clock.now();
    let expires_at = now.plus(purpose.ttl(app));
    let words = LinkWords {
        url: app.issuer.url(&format!("{}?token={}", purpose.path(), secret.expose())),
        until: expires_at.to_words(),
    };
    let (letter, to) = (letter.clone(), mail.to.clone());
    let issued = app.db.write(move |tx| links::issue(tx, &letter, &to, purpose, &secret, now, expires_at)).await?;
    Ok(issued.map(|_| words))
}

async fn failed(app: &SharedApp, mail: Claimed, not_sent: NotSent) -> Result<bool, DbError> {
    let NotSent { failure, text } = not_sent;
    let now = app.clock.now();
    match next(failure, mail.attempts, now, mail.give_up_at) {
        Next::TryAt(due_at) => {
            info!(mail = mail.id, attempts = mail.attempts, error = text, "mail was not taken; it is tried again");
            app.db.write(move |tx| store::postpone(tx, &mail, due_at, &text)).await?;
        }
        Next::GiveUp => {
            warn!(mail = mail.id, attempts = mail.attempts, error = text, "mail was given up");
            let detail = json!({"to": mail.to.as_str(), "attempts": mail.attempts, "error": text});
            let record = Record::new(&app.random, now, Actor::System, "mail.given_up").detail(detail);
            app.db
                .write(move |tx| {
                    if store::finish(tx, &mail, None, Some(&text))? {
                        record.write(tx)?;
                    }
                    Ok::<_, DbError>(())
                })
                .await?;
        }
    }
    Ok(failure == Failure::Server)
}
