//! SQL of the review: the queue, decisions, trials.

use std::time::Duration;

use sql::{DbError, Tx, params};

use super::decisions::Verdict;
use super::reasons::Reason;
use super::turn::Waiting;
use crate::ids::{AppId, RevisionId, UserId};
use crate::time::Timestamp;

sql::statements! {
    /// Takes the app's row: whoever changes something about the app waits for the one before.
    LOCK_APP = "UPDATE apps SET id = id WHERE id = $1 AND deleted_at IS NULL";
    /// One decision, with the time at which the revision had been handed in.
    INSERT_DECISION = "INSERT INTO review_decisions (id, app_id, revision_id, decision, reasons, decided_by, decided_at, submitted_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, (SELECT submitted_at FROM app_revisions WHERE id = $3))";
    /// What was decided about an app, latest first.
    LIST_PAST_DECISIONS = "SELECT d.decision, d.reasons, d.decided_at, r.number, u.name, u.lname
        FROM review_decisions d LEFT JOIN app_revisions r ON r.id = d.revision_id LEFT JOIN users u ON u.id = d.decided_by
        WHERE d.app_id = $1 ORDER BY d.decided_at DESC, d.id DESC LIMIT 50";
    /// A page of the queue, who has waited longest first. The first comparison is for the index of SQLite.
    LIST_QUEUE = "SELECT r.id, a.id, r.number, r.name, r.logo_hash, r.submitted_at, r.waited_ms, a.approved_revision_id,
            u.name, u.lname, u.email, a.suspended_at
        FROM app_revisions r JOIN apps a ON a.id = r.app_id JOIN users u ON u.id = a.owner_id
        WHERE r.status = 'in_review' AND (r.submitted_at - r.waited_ms) >= $1
            AND ((r.submitted_at - r.waited_ms), r.id) > ($1, $2) AND a.deleted_at IS NULL
        ORDER BY (r.submitted_at - r.waited_ms), r.id LIMIT $3";
    /// How many wait, counted as far as anybody wants to know.
    COUNT_QUEUE = "SELECT COUNT(*) FROM (SELECT 1 FROM app_revisions WHERE status = 'in_review' LIMIT $1) AS counted";
    /// What a revision says to the reviewer alone, and how long it has waited.
    FIND_FOR_REVIEWER = "SELECT changed_at, submitted_at, waited_ms, test_plan, test_account FROM app_revisions WHERE id = $1";
    /// Lets a reviewer try an app.
    INSERT_TRIAL = "INSERT INTO review_trials (app_id, user_id, until_at) VALUES ($1, $2, $3)
        ON CONFLICT (app_id, user_id) DO UPDATE SET until_at = excluded.until_at";
    /// Until when a reviewer may try an app.
    FIND_TRIAL = "SELECT until_at FROM review_trials WHERE app_id = $1 AND user_id = $2";
    /// Nobody tries the app any more.
    DELETE_TRIALS = "DELETE FROM review_trials WHERE app_id = $1";
    /// Trials whose time is over.
    SWEEP_TRIALS = "review_trials", sweep, "until_at <= $1 ORDER BY until_at";
}

/// Takes the row of an app; false when it is gone.
pub fn lock_app(tx: &mut Tx<'_>, app: &AppId) -> Result<bool, DbError> {
    tx.execute(&LOCK_APP, params![app]).map(|rows| rows == 1)
}

/// Writes a decision into the app's history.
pub fn insert_decision(
    tx: &mut Tx<'_>,
    app: &AppId,
    revision: &RevisionId,
    verdict: &Verdict,
    by: &str,
) -> Result<(), DbError> {
    let reasons: Vec<_> = verdict.reasons.iter().map(Reason::to_json).collect();
    let reasons = serde_json::json!(reasons).to_string();
    let word = verdict.decision.as_str();
    tx.execute(&INSERT_DECISION, params![verdict.id, app, revision, word, reasons, by, verdict.at]).map(drop)
}

/// A decision of the past, or the developer's withdrawal.
#[derive(Debug, Clone)]
pub struct PastDecision {
    /// The word: `approved`, `held`, `withdrawn`, …
    pub decision: String,
    /// Why.
    pub reasons: Vec<Reason>,
    /// When.
    pub at: Timestamp,
    /// About which revision.
    pub number: Option<i64>,
    /// Who, by name.
    pub by: String,
}

/// What was decided about an app, latest first.
pub fn list_past_decisions(tx: &mut Tx<'_>, app: &AppId) -> Result<Vec<PastDecision>, DbError> {
    tx.list(&LIST_PAST_DECISIONS, params![app], |row| {
        let (name, lname): (Option<String>, Option<String>) = (row.get(4)?, row.get(5)?);
        let by = name.map_or_else(|| "the operator".to_owned(), |name| full_name(&name, &lname.unwrap_or_default()));
        Ok(PastDecision {
            decision: row.get(0)?,
            reasons: Reason::list_from_json(&row.get::<String>(1)?),
            at: row.get(2)?,
            number: row.get(3)?,
            by,
        })
    })
}

fn full_name(name: &str, lname: &str) -> String {
    format!("{name} {lname}").trim().to_owned()
}

/// Where a page of the queue begins: after this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct After {
    /// When it would have been submitted, had it never been the developer's turn.
    pub since: i64,
    /// The revision.
    pub revision: String,
}

impl After {
    /// The beginning of the queue.
    pub fn beginning() -> After {
        After { since: i64::MIN, revision: String::new() }
    }
}

/// A line of the queue.
#[derive(Debug, Clone)]
pub struct Queued {
    /// The revision that waits.
    pub revision: RevisionId,
    /// Its app.
    pub app: AppId,
    /// Which revision it is.
    pub number: i64,
    /// The app's name.
    pub name: String,
    /// Its verified logo.
    pub logo: Option<[u8; 32]>,
    /// How long it waits.
    pub waiting: Waiting,
    /// Another revision serves everybody.
    pub has_approved: bool,
    /// The app is suspended.
    pub is_suspended: bool,
    /// By name.
    pub developer: String,
    /// By address.
    pub email: String,
}

impl Queued {
    /// Where the next page begins if this is the last line.
    pub fn place(&self) -> After {
        let waited = i64::try_from(self.waiting.waited.as_millis()).unwrap_or(i64::MAX);
        After {
            since: self.waiting.submitted_at.as_millis().saturating_sub(waited),
            revision: self.revision.to_string(),
        }
    }
}

/// A page of the queue, who has waited longest first.
pub fn list_queue(tx: &mut Tx<'_>, after: &After, limit: i64) -> Result<Vec<Queued>, DbError> {
    tx.list(&LIST_QUEUE, params![after.since, after.revision, limit], |row| {
        Ok(Queued {
            revision: row.get(0)?,
            app: row.get(1)?,
            number: row.get(2)?,
            name: row.get(3)?,
            logo: row.get(4)?,
            waiting: Waiting { submitted_at: row.get(5)?, waited: millis(row.get(6)?) },
            has_approved: row.get::<Option<String>>(7)?.is_some(),
            is_suspended: row.get::<Option<i64>>(11)?.is_some(),
            developer: full_name(&row.get::<String>(8)?, &row.get::<String>(9)?),
            email: row.get(10)?,
        })
    })
}

fn millis(number: i64) -> Duration {
    Duration::from_millis(u64::try_from(number).unwrap_or(0))
}

/// How many wait, counted up to `most`.
pub fn count_queue(tx: &mut Tx<'_>, most: i64) -> Result<i64, DbError> {
    tx.one(&COUNT_QUEUE, params![most], |row| row.get(0))
}

/// What a revision says to the reviewer alone, and how long it has waited.
#[derive(Debug, Clone)]
pub struct ForReviewer {
    /// When it last changed.
    pub changed_at: Timestamp,
    /// How long it waits, if it was handed in.
    pub waiting: Option<Waiting>,
    /// How to try the app.
    pub test_plan: String,
    /// An account to try it with.
    pub test_account: String,
}

/// What a revision says to the reviewer alone.
pub fn find_for_reviewer(tx: &mut Tx<'_>, revision: &RevisionId) -> Result<Option<ForReviewer>, DbError> {
    tx.find(&FIND_FOR_REVIEWER, params![revision], |row| {
        let waited = millis(row.get(2)?);
        let submitted_at: Option<Timestamp> = row.get(1)?;
        Ok(ForReviewer {
            changed_at: row.get(0)?,
            waiting: submitted_at.map(|submitted_at| Waiting { submitted_at, waited }),
            test_plan: row.get(3)?,
            test_account: row.get(4)?,
        })
    })
}

/// When a revision last changed.
pub fn find_changed_at(tx: &mut Tx<'_>, revision: &RevisionId) -> Result<Option<Timestamp>, DbError> {
    Ok(find_for_reviewer(tx, revision)?.map(|found| found.changed_at))
}

/// Lets a reviewer try an app until then.
pub fn insert_trial(tx: &mut Tx<'_>, app: &AppId, user: &UserId, until: Timestamp) -> Result<(), DbError> {
    tx.execute(&INSERT_TRIAL, params![app, user, until]).map(drop)
}

/// Until when a reviewer may try an app.
pub fn find_trial(tx: &mut Tx<'_>, app: &AppId, user: &UserId) -> Result<Option<Timestamp>, DbError> {
    tx.find(&FIND_TRIAL, params![app, user], |row| row.get(0))
}

/// Ends all trials of an app: it was decided on.
pub fn end_trials(tx: &mut Tx<'_>, app: &AppId) -> Result<(), DbError> {
    tx.execute(&DELETE_TRIALS, params![app]).map(drop)
}

/// Takes away trials whose time is over.
pub fn sweep_trials(tx: &mut Tx<'_>, now: Timestamp, limit: i64) -> Result<u64, DbError> {
    tx.execute(&SWEEP_TRIALS, params![now, limit])
}
