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
    /// The latest answer takes the place of the one before.
    SAVE_CONSENT = "INSERT INTO consents (user_id, app_id, granted_scopes, declined_scopes, consent_version,
            first_granted_at, answered_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (user_id, app_id) DO UPDATE SET granted_scopes = excluded.granted_scopes,
            declined_scopes = excluded.declined_scopes, consent_version = excluded.consent_version,
            answered_at = excluded.answered_at";
    /// The code that answered a request.
    FIND_ANSWER = "SELECT created_at FROM authorization_codes WHERE request_id = $1";
}

/// What this person has answered about this app.
///
/// # Errors
/// When the database refuses.
pub fn find_consent(tx: &mut Tx<'_>, user: &UserId, app: &AppId) -> Result<Option<Consent>, DbError> {
    tx.find(&FIND_CONSENT, params![user, app], |row| {
        Ok(Consent {
            granted: scopes(row, 0)?,
            declined: scopes(row, 1)?,
            version: row.get(2)?,
            first_granted_at: row.get(3)?,
        })
    })
}

/// Remembers an answer.
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
    let values = params![user, app, granted, declined, consent.version, consent.first_granted_at, now];
    tx.execute(&SAVE_CONSENT, values).map(drop)
}

/// Whether this request was answered with a code.
///
/// # Errors
/// When the database refuses.
pub fn is_answered(tx: &mut Tx<'_>, request: &AuthorizationId) -> Result<bool, DbError> {
    tx.find(&FIND_ANSWER, params![request], |_| Ok(())).map(|found| found.is_some())
}

fn scopes(row: &Row<'_>, index: usize) -> Result<ScopeSet, DbError> {
    let text: String = row.get(index)?;
    ScopeSet::parse(&text).map_err(|_| DbError::Broken(format!("not scopes: {text}")))
}
