//! Background work: one row for each piece, inserted in the unit of work that calls for it, and claimed by one node at a
//! time with a conditional `UPDATE`. A node that dies leaves a claim that runs out; the work is then done by another.
//!
//! This room knows no feature: whose work it is stands in [`Kind`], what it is about is the subject's text.

use std::time::Duration;

use sql::{DbError, Tx, params};

use crate::time::Timestamp;

/// Attempts before a piece of work is given up.
pub const MAX_ATTEMPTS: i64 = 5;

/// Wait after the first failed attempt; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_secs(60);

/// How far ahead a claim may end: longer than any is held, by clocks of nodes that differ by minutes. One that ends later was
/// made by a clock that was wrong, and is none.
const FURTHEST_CLAIM: Duration = Duration::from_secs(15 * 60);

/// How far ahead work may be due: longer than any wait. Work that is due later was put off by a clock that was wrong.
const FURTHEST_DUE: Duration = Duration::from_secs(3600);

/// Characters of an error that are kept.
const MAX_ERROR: usize = 500;

sql::statements! {
    /// A piece of work that waits; one that waits already begins anew.
    SCHEDULE_JOB = "INSERT INTO jobs (id, kind, subject, created_at, due_at) VALUES ($1, $2, $3, $4, $4)
        ON CONFLICT (kind, subject) DO UPDATE
        SET created_at = excluded.created_at, due_at = excluded.due_at, attempts = 0, claimed_until = 0, last_error = NULL";
    /// The piece of work that has waited longest.
    FIND_DUE_JOB = "SELECT id, subject, attempts, claimed_until FROM jobs
        WHERE due_at <= $2 AND kind = $1 AND (claimed_until <= $2 OR claimed_until > $3) ORDER BY due_at, id LIMIT 1";
    /// Whether anything is due.
    FIND_ANY_DUE_JOB = "SELECT 1 FROM jobs
        WHERE due_at <= $2 AND kind = $1 AND (claimed_until <= $2 OR claimed_until > $3) LIMIT 1";
    /// Takes it, unless somebody else was faster.
    CLAIM_JOB = "UPDATE jobs SET claimed_until = $2, attempts = attempts + 1
        WHERE id = $1 AND claimed_until = $3 AND attempts = $4";
    /// It is done, if the claim still holds.
    FINISH_JOB = "DELETE FROM jobs WHERE id = $1 AND claimed_until = $2 AND attempts = $3";
    /// It failed, and waits for another attempt.
    POSTPONE_JOB = "UPDATE jobs SET claimed_until = 0, due_at = $4, last_error = $5
        WHERE id = $1 AND claimed_until = $2 AND attempts = $3";
    /// A piece of work that comes again and again, unless it is there.
    ENSURE_JOB = "INSERT INTO jobs (id, kind, subject, created_at, due_at) VALUES ($1, $2, $3, $4, $4)
        ON CONFLICT (kind, subject) DO NOTHING";
    /// One that comes again and again, if it is due and nobody does it.
    FIND_RECURRING_JOB = "SELECT id, attempts, claimed_until FROM jobs
        WHERE kind = $1 AND subject = $2 AND (due_at <= $3 OR due_at > $4)
        AND (claimed_until <= $3 OR claimed_until > $4)";
    /// The claim is held for longer.
    EXTEND_JOB = "UPDATE jobs SET claimed_until = $4 WHERE id = $1 AND claimed_until = $2 AND attempts = $3";
    /// It is done for this time.
    REST_JOB = "UPDATE jobs SET claimed_until = 0, due_at = $4, attempts = 0
        WHERE id = $1 AND claimed_until = $2 AND attempts = $3";
    /// Whether it is still to be done.
    FIND_JOB = "SELECT 1 FROM jobs WHERE kind = $1 AND subject = $2";
    /// What is due later than anything can be is due.
    BRING_JOBS_FORWARD = "UPDATE jobs SET due_at = $1
        WHERE id IN (SELECT id FROM jobs WHERE due_at > $2 ORDER BY due_at, id LIMIT $3", skip_locked, ") AND due_at > $2";
    /// It is called off.
    CANCEL_JOB = "DELETE FROM jobs WHERE kind = $1 AND subject = $2";
}

/// Whose work it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The screening of a revision; the subject is its id.
    Screening,
    /// The end of the meetings of an account that was deleted; the subject is its id.
    MeetingsOfAccount,
    /// The removal of what has expired, which comes again and again; the subject is the room whose it was.
    Sweeping,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Kind::Screening => "screening",
            Kind::MeetingsOfAccount => "meetings_of_account",
            Kind::Sweeping => "sweeping",
        }
    }
}

/// A piece of work that this node holds until its claim runs out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    id: String,
    /// What it is about.
    pub subject: String,
    /// Which attempt this is, from 1.
    pub attempt: i64,
    until: Timestamp,
}

/// Adds a piece of work, due at once. One about the same subject that waits, or that a node works on now, begins anew:
/// that node's result is dropped, because [`finish`] finds its claim gone.
///
/// # Errors
/// When the database refuses.
pub fn schedule(tx: &mut Tx<'_>, kind: Kind, subject: &str, now: Timestamp) -> Result<(), DbError> {
    let id = format!("{}:{subject}", kind.as_str());
    tx.execute(&SCHEDULE_JOB, params![id, kind.as_str(), subject, now]).map(drop)
}

/// Takes the piece of work that has waited longest, for that long.
///
/// # Errors
/// When the database refuses.
pub fn claim(tx: &mut Tx<'_>, kind: Kind, now: Timestamp, hold: Duration) -> Result<Option<Claim>, DbError> {
    loop {
        let found = tx.find(&FIND_DUE_JOB, params![kind.as_str(), now, now.plus(FURTHEST_CLAIM)], |row| {
            Ok((row.get::<String>(0)?, row.get::<String>(1)?, row.get::<i64>(2)?, row.get::<Timestamp>(3)?))
        })?;
        let Some((id, subject, attempts, held_until)) = found else { return Ok(None) };
        let until = now.plus(hold);
        if tx.execute(&CLAIM_JOB, params![id, until, held_until, attempts])? == 1 {
            return Ok(Some(Claim { id, subject, attempt: attempts + 1, until }));
        }
    }
}

/// Takes the work about one subject that comes again and again, for that long: nothing while it is not due yet, or another
/// node does it.
///
/// # Errors
/// When the database refuses.
pub fn claim_recurring(
    tx: &mut Tx<'_>,
    kind: Kind,
    subject: &str,
    now: Timestamp,
    hold: Duration,
) -> Result<Option<Claim>, DbError> {
    let found =
        tx.find(&FIND_RECURRING_JOB, params![kind.as_str(), subject, now, now.plus(FURTHEST_CLAIM)], |row| {
            Ok((row.get::<String>(0)?, row.get::<i64>(1)?, row.get::<Timestamp>(2)?))
        })?;
    let Some((id, attempts, held_until)) = found else {
        // The first time ever, it is made; whoever made it takes it next time, or somebody else does.
        let id = format!("{}:{subject}", kind.as_str());
        if tx.execute(&ENSURE_JOB, params![id, kind.as_str(), subject, now])? == 0 {
            return Ok(None);
        }
        return claim_recurring(tx, kind, subject, now, hold);
    };
    let until = now.plus(hold);
    let claimed = tx.execute(&CLAIM_JOB, params![id, until, held_until, attempts])? == 1;
    Ok(claimed.then(|| Claim { id, subject: subject.to_owned(), attempt: attempts + 1, until }))
}

/// Holds a claim for longer; false when it was lost meanwhile.
///
/// # Errors
/// When the database refuses.
pub fn extend(tx: &mut Tx<'_>, claim: &mut Claim, until: Timestamp) -> Result<bool, DbError> {
    let held = tx.execute(&EXTEND_JOB, params![claim.id, claim.until, claim.attempt, until])? == 1;
    if held {
        claim.until = until;
    }
    Ok(held)
}

/// The work is done for this time, and due again then.
///
/// # Errors
/// When the database refuses.
pub fn rest(tx: &mut Tx<'_>, claim: &Claim, until: Timestamp) -> Result<(), DbError> {
    tx.execute(&REST_JOB, params![claim.id, claim.until, claim.attempt, until]).map(drop)
}

/// Whether any work is due: a read, for a node that looks often.
///
/// # Errors
/// When the database refuses.
pub fn is_due(tx: &mut Tx<'_>, kind: Kind, now: Timestamp) -> Result<bool, DbError> {
    let found = tx.find(&FIND_ANY_DUE_JOB, params![kind.as_str(), now, now.plus(FURTHEST_CLAIM)], |_| Ok(()));
    found.map(|found| found.is_some())
}

/// The work is done; false when the claim was lost meanwhile, and nothing that came of it may be kept.
///
/// # Errors
/// When the database refuses.
pub fn finish(tx: &mut Tx<'_>, claim: &Claim) -> Result<bool, DbError> {
    tx.execute(&FINISH_JOB, params![claim.id, claim.until, claim.attempt]).map(|rows| rows == 1)
}

/// The attempt failed; the next comes later, each time twice as late.
///
/// # Errors
/// When the database refuses.
pub fn postpone(tx: &mut Tx<'_>, claim: &Claim, why: &str, now: Timestamp) -> Result<(), DbError> {
    let doublings = u32::try_from(claim.attempt.clamp(1, MAX_ATTEMPTS) - 1).unwrap_or(0);
    let due = now.plus(FIRST_WAIT.saturating_mul(2_u32.saturating_pow(doublings)));
    let why: String = why.chars().filter(|c| *c != '\0').take(MAX_ERROR).collect();
    tx.execute(&POSTPONE_JOB, params![claim.id, claim.until, claim.attempt, due, why]).map(drop)
}

/// Whether the work is still to be done, or being done.
///
/// # Errors
/// When the database refuses.
pub fn is_pending(tx: &mut Tx<'_>, kind: Kind, subject: &str) -> Result<bool, DbError> {
    tx.find(&FIND_JOB, params![kind.as_str(), subject], |_| Ok(())).map(|found| found.is_some())
}

/// What removes, or here puts right, this room's rows, a batch at a time.
pub const SWEEPERS: &[fn(&mut Tx<'_>, Timestamp, i64) -> Result<u64, DbError>] = &[bring_forward];

/// Makes due what a clock that was ahead has put off for longer than anything is, at most `limit`; how many.
fn bring_forward(tx: &mut Tx<'_>, now: Timestamp, limit: i64) -> Result<u64, DbError> {
    // Before the clock has settled nothing is known to be far ahead.
    if now.as_millis() == 0 {
        return Ok(0);
    }
    tx.execute(&BRING_JOBS_FORWARD, params![now, now.plus(FURTHEST_DUE), limit])
}

/// The work is not wanted any more.
///
/// # Errors
/// When the database refuses.
pub fn cancel(tx: &mut Tx<'_>, kind: Kind, subject: &str) -> Result<(), DbError> {
    tx.execute(&CANCEL_JOB, params![kind.as_str(), subject]).map(drop)
}
