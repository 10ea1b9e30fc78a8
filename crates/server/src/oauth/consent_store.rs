//! SQL of `consents`, and whether a request was answered.

use protocol::scope::ScopeSet;
use sql::{DbError, Row, Tx, params};

use super::consent::Consent;
use super::sealed_request::AuthorizationId;
use crate::ids::{AppId, UserId};
use crate::time::Timestamp;

sql::statements! {
    /// What a person has answered about an app.
    FIND_CONSENT = "SELECT granted_scopes, declined_scopes, consent_version, first_granted_at
        FROM consents WHERE user_id = $1 AND app_id = $2";
    /// What a person has answered about an app, held until the unit ends; before the first answer, the place for it.
    HOLD_CONSENT = "INSERT INTO consents (user_id, app_id, granted_scopes, declined_scopes, consent_version,
            first_granted_at, answered_at)
        VALUES ($1, $2, '', '', 0, $3, $3)
        ON CONFLICT (user_id, app_id) DO UPDATE SET user_id = excluded.user_id
        RETURNING granted_scopes, declined_scopes, consent_version, first_granted_at";
    /// The same, where there must be one.
    TAKE_CONSENT = "UPDATE consents SET user_id = user_id WHERE user_id = $1 AND app_id = $2";
    /// The latest answer takes the place of the one before.
    SAVE_CONSENT = "UPDATE consents SET granted_scopes = $3, declined_scopes = $4, consent_version = $5, answered_at = $6
        WHERE user_id = $1 AND app_id = $2";
    /// The code that answered a request.
    FIND_ANSWER = "SELECT created_at FROM authorization_codes WHERE request_id = $1";
}

/// What this person has answered about this app.
///
/// # Errors
/// When the database refuses.
pub fn find_consent(tx: &mut Tx<'_>, user: &UserId, app: &AppId) -> Result<Option<Consent>, DbError> {
    tx.find(&FIND_CONSENT, params![user, app], consent)
}

/// As [`find_consent`], for a unit that answers anew: until it ends, nobody else does. Every answer about an app that is
/// given at the same time, in another tab, at another node, then finds this one. [`save_consent`] must follow.
///
/// # Errors
/// When the database refuses.
pub fn hold_consent(tx: &mut Tx<'_>, user: &UserId, app: &AppId, now: Timestamp) -> Result<Option<Consent>, DbError> {
    let held = tx.one(&HOLD_CONSENT, params![user, app, now], consent)?;
    Ok((held.version > 0).then_some(held))
}

/// Takes what a person has answered about an app, for a unit that looks at all that the app holds of the person: until it
/// ends, no other such unit does. Before codes and grants, always. False when the person has taken the answer back.
///
/// # Errors
/// When the database refuses.
pub fn take_consent(tx: &mut Tx<'_>, user: &UserId, app: &AppId) -> Result<bool, DbError> {
    tx.execute(&TAKE_CONSENT, params![user, app]).map(|rows| rows == 1)
}

/// Remembers an answer, in the place that [`hold_consent`] holds.
///
/// # Errors
/// When the database refuses.
pub fn save_consent(
    tx: &mut Tx<'_>,
    user: &UserId,
    app: &AppId,
    consent: &Consent,
    now: Timestamp,
) -> Result<(), DbError> {
    let (granted, declined) = (consent.granted.to_string(), consent.declined.to_string());
    tx.execute(&SAVE_CONSENT, params![user, app, granted, declined, consent.version, now]).map(drop)
}

/// Whether this request was answered with a code.
///
/// # Errors
/// When the database refuses.
pub fn is_answered(tx: &mut Tx<'_>, request: &AuthorizationId) -> Result<bool, DbError> {
    tx.find(&FIND_ANSWER, params![request], |_| Ok(())).map(|found| found.is_some())
}

fn consent(row: &Row<'_>) -> Result<Consent, DbError> {
    Ok(Consent {
        granted: scopes(row, 0)?,
        declined: scopes(row, 1)?,
        version: row.get(2)?,
        first_granted_at: row.get(3)?,
    })
}

fn scopes(row: &Row<'_>, index: usize) -> Result<ScopeSet, DbError> {
    let text: String = row.get(index)?;
    ScopeSet::parse(&text).map_err(|_| DbError::Broken(format!("not scopes: {text}")))
}
