//! SQL of `outbox`.

use std::time::Duration;

use sql::{DbError, Row, Tx, params};

use super::{Letter, Mail};
use crate::time::Timestamp;
use crate::users::Email;

sql::statements! {
    /// A new mail. One letter about one thing to one address, however often it is asked for.
    INSERT_MAIL = "INSERT INTO outbox (id, recipient, letter, created_at, due_at, give_up_at) VALUES ($1, $2, $3, $4, $4, $5)
        ON CONFLICT (id) DO NOTHING";
    /// Whether anything is due.
    FIND_DUE = "SELECT id FROM outbox WHERE due_at <= $1 ORDER BY due_at, id LIMIT 1";
    /// What is due is ours for a while.
    CLAIM_DUE = "UPDATE outbox SET due_at = $2, attempts = attempts + 1
        WHERE id IN (SELECT id FROM outbox WHERE due_at <= $1 ORDER BY due_at, id LIMIT $3", skip_locked, ") AND due_at <= $1
        RETURNING id, recipient, letter, created_at, give_up_at, attempts";
    /// It was sent; or it need not be, and why.
    FINISH_MAIL = "UPDATE outbox SET due_at = NULL, sent_at = $3, last_error = $4 WHERE id = $1 AND attempts = $2 AND due_at IS NOT NULL";
    /// It failed, and is tried again.
    POSTPONE_MAIL = "UPDATE outbox SET due_at = $3, last_error = $4 WHERE id = $1 AND attempts = $2 AND due_at IS NOT NULL";
    /// Nothing is sent from here.
    WITHDRAW_DUE = "UPDATE outbox SET due_at = NULL, last_error = $2
        WHERE id IN (SELECT id FROM outbox WHERE due_at <= $1 ORDER BY due_at, id LIMIT $3", skip_locked, ") AND due_at <= $1";
    /// What is due later than anything can be is due.
    BRING_MAIL_FORWARD = "UPDATE outbox SET due_at = $1
        WHERE id IN (SELECT id FROM outbox WHERE due_at > $2 ORDER BY due_at, id LIMIT $3", skip_locked, ") AND due_at > $2";
    /// What is done goes after a while.
    SWEEP_OUTBOX = "outbox", sweep, "due_at IS NULL AND created_at <= $1 ORDER BY created_at";
}

/// How long a mail is remembered after it is done with.
const KEPT_FOR: Duration = Duration::from_secs(14 * 86_400);

/// How far ahead a mail may be due, or claimed: longer than any wait and any lease, by clocks of nodes that differ by minutes.
const FURTHEST_DUE: Duration = Duration::from_secs(2 * 3600);

/// A mail that this node tries to send now.
#[derive(Debug, Clone)]
pub(super) struct Claimed {
    pub id: String,
    pub to: Email,
    /// JSON.
    pub letter: String,
    pub created_at: Timestamp,
    pub give_up_at: Timestamp,
    /// This one included. What it says when the mail is finished tells whether it is still ours.
    pub attempts: i64,
}

/// Puts a mail into the outbox, in the unit of what it tells of.
///
/// # Errors
/// When the database refuses.
pub fn enqueue(tx: &mut Tx<'_>, mail: &Mail) -> Result<(), DbError> {
    let letter = serde_json::to_string(&mail.letter).map_err(|error| DbError::Broken(error.to_string()))?;
    let give_up_at = mail.at.plus(mail.letter.keeps_for());
    tx.execute(&INSERT_MAIL, params![mail.id, mail.to, letter, mail.at, give_up_at]).map(drop)
}

/// Whether anything is due.
pub(super) fn is_due(tx: &mut Tx<'_>, now: Timestamp) -> Result<bool, DbError> {
    tx.find(&FIND_DUE, params![now], |_| Ok(())).map(|found| found.is_some())
}

/// Claims what is due until `lease`, at most `limit`.
pub(super) fn claim_due(
    tx: &mut Tx<'_>,
    now: Timestamp,
    lease: Timestamp,
    limit: i64,
) -> Result<Vec<Claimed>, DbError> {
    tx.list(&CLAIM_DUE, params![now, lease, limit], claimed)
}

fn claimed(row: &Row<'_>) -> Result<Claimed, DbError> {
    Ok(Claimed {
        id: row.get(0)?,
        to: row.get(1)?,
        letter: row.get(2)?,
        created_at: row.get(3)?,
        give_up_at: row.get(4)?,
        attempts: row.get(5)?,
    })
}

/// The letter of a row.
pub(super) fn read_letter(text: &str) -> Result<Letter, String> {
    serde_json::from_str(text).map_err(|error| format!("this version of the program cannot read it: {error}"))
}

/// Ends the work on a mail, if it is still ours; whether it was.
pub(super) fn finish(
    tx: &mut Tx<'_>,
    mail: &Claimed,
    sent_at: Option<Timestamp>,
    note: Option<&str>,
) -> Result<bool, DbError> {
    let note = note.map(str::to_owned);
    Ok(tx.execute(&FINISH_MAIL, params![mail.id, mail.attempts, sent_at, note])? == 1)
}

/// Leaves a mail for later, if it is still ours.
pub(super) fn postpone(tx: &mut Tx<'_>, mail: &Claimed, due_at: Timestamp, error: &str) -> Result<(), DbError> {
    tx.execute(&POSTPONE_MAIL, params![mail.id, mail.attempts, due_at, error]).map(drop)
}

/// Ends what is due without sending it, at most `limit`; how many.
pub(super) fn withdraw_due(tx: &mut Tx<'_>, now: Timestamp, why: &str, limit: i64) -> Result<u64, DbError> {
    tx.execute(&WITHDRAW_DUE, params![now, why, limit])
}

/// Makes due what a clock that was ahead has put off for longer than anything is, at most `limit`; how many.
pub(super) fn bring_forward(tx: &mut Tx<'_>, now: Timestamp, limit: i64) -> Result<u64, DbError> {
    // Before the clock has settled nothing is known to be far ahead.
    if now.as_millis() == 0 {
        return Ok(0);
    }
    tx.execute(&BRING_MAIL_FORWARD, params![now, now.plus(FURTHEST_DUE), limit])
}

/// Removes mail that was done with long ago, at most `limit`; how many went.
pub(super) fn sweep(tx: &mut Tx<'_>, now: Timestamp, limit: i64) -> Result<u64, DbError> {
    tx.execute(&SWEEP_OUTBOX, params![now.minus(KEPT_FOR), limit])
}
