//! SQL of `oauth_access_requests`.

use sql::{DbError, Row, Tx, params};

use super::access::AccessRequest;
use super::store::full_name;
use crate::ids::UserId;
use crate::time::Timestamp;

sql::statements! {
    /// A person's last request.
    FIND_REQUEST = "SELECT requested_at, decided_at, decision, note FROM oauth_access_requests WHERE user_id = $1";
    /// A person asks, for the first time or again after a refusal.
    REQUEST_ACCESS = "INSERT INTO oauth_access_requests (user_id, reason, requested_at) VALUES ($1, $2, $3)
        ON CONFLICT (user_id) DO UPDATE SET reason = $2, requested_at = $3, decided_at = NULL, decided_by = NULL,
            decision = NULL, note = NULL
        WHERE oauth_access_requests.decided_at <= $4";
    /// Requests that nobody has answered, oldest first.
    LIST_WAITING = "SELECT q.user_id, u.name, u.lname, u.email, q.reason, q.requested_at
        FROM oauth_access_requests q JOIN users u ON u.id = q.user_id
        WHERE q.decided_at IS NULL AND (q.requested_at, q.user_id) > ($1, $2)
        ORDER BY q.requested_at, q.user_id LIMIT $3";
    /// An admin answers a request, once.
    DECIDE_REQUEST = "UPDATE oauth_access_requests SET decided_at = $2, decided_by = $3, decision = $4, note = $5
        WHERE user_id = $1 AND decided_at IS NULL";
}

/// The person's last request, if it was not granted.
pub fn find_request(tx: &mut Tx<'_>, user: &UserId) -> Result<Option<AccessRequest>, DbError> {
    let found = tx.find(&FIND_REQUEST, params![user], |row| {
        let decision: Option<String> = row.get(2)?;
        let request = AccessRequest {
            requested_at: row.get(0)?,
            declined_at: row.get(1)?,
            note: row.get::<Option<String>>(3)?.unwrap_or_default(),
        };
        Ok((decision.as_deref() != Some("granted")).then_some(request))
    })?;
    Ok(found.flatten())
}

/// Asks; false when a request waits, or was answered after `answered_by`.
pub fn claim_request(
    tx: &mut Tx<'_>,
    user: &UserId,
    reason: &str,
    now: Timestamp,
    answered_by: Timestamp,
) -> Result<bool, DbError> {
    tx.execute(&REQUEST_ACCESS, params![user, reason, now, answered_by]).map(|rows| rows == 1)
}

/// A request as an admin sees it.
#[derive(Debug, Clone)]
pub struct WaitingRequest {
    /// Who asks.
    pub user: UserId,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// What they want to build.
    pub reason: String,
    /// When they asked.
    pub requested_at: Timestamp,
}

/// Requests that nobody has answered, oldest first, after the one named by `(requested_at, user)`.
pub fn list_waiting(tx: &mut Tx<'_>, after: (Timestamp, &str), limit: i64) -> Result<Vec<WaitingRequest>, DbError> {
    tx.list(&LIST_WAITING, params![after.0, after.1, limit], |row: &Row<'_>| {
        Ok(WaitingRequest {
            user: row.get(0)?,
            name: full_name(&row.get::<String>(1)?, &row.get::<String>(2)?),
            email: row.get(3)?,
            reason: row.get(4)?,
            requested_at: row.get(5)?,
        })
    })
}

/// Answers a request; false when it was answered already.
pub fn claim_answer(
    tx: &mut Tx<'_>,
    user: &UserId,
    granted: bool,
    note: &str,
    admin: &UserId,
    now: Timestamp,
) -> Result<bool, DbError> {
    let decision = if granted { "granted" } else { "declined" };
    tx.execute(&DECIDE_REQUEST, params![user, now, admin, decision, note]).map(|rows| rows == 1)
}
