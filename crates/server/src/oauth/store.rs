//! SQL of `authorization_codes`, `grants` and `revocations`: what is written.
//!
//! Each thing that may happen once is one conditional `UPDATE` (or unique `INSERT`) that tells whether we won. What the
//! token endpoint reads first, in one look-up, stands in [`super::views`].

use protocol::secret::Sha256Digest;
use sql::{DbError, Tx, params};

use super::codes::NewCode;
use super::grant::{EndReason, Family, Generation, Grant};
use crate::ids::{AppId, GrantId, UserId};
use crate::time::Timestamp;

sql::statements! {
    /// A new code, unless its request was answered already.
    INSERT_CODE = "INSERT INTO authorization_codes (code_hash, request_id, app_id, user_id, session_id, redirect_uri,
            scopes, code_challenge, nonce, authenticated_at, created_at, expires_at, targets,
            dpop_jkt)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT (request_id) DO NOTHING";
    /// The code is spent, for the grant that is named or for nothing.
    CLAIM_CODE = "UPDATE authorization_codes SET redeemed_at = $2, grant_id = $3
        WHERE code_hash = $1 AND redeemed_at IS NULL";
    /// Codes that a person's removal of an app finds still waiting.
    SPEND_WAITING_CODES = "UPDATE authorization_codes SET redeemed_at = $3
        WHERE user_id = $1 AND app_id = $2 AND redeemed_at IS NULL AND grant_id IS NULL";
    /// A new grant.
    INSERT_GRANT = "INSERT INTO grants (id, code_hash, app_id, user_id, session_id, scopes, authenticated_at, created_at,
            generation, secret_hash, rotated_at, key_number, access_until, refresh_expires_at, last_used_at, targets,
            dpop_jkt)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $11, $15, $16)";
    /// The current refresh token turns into its successor.
    ROTATE_GRANT = "UPDATE grants SET previous_generation = generation, previous_secret_hash = secret_hash,
            previous_rotated_at = rotated_at, generation = $3, secret_hash = $4, rotated_at = $5, key_number = $6,
            successor_used_at = NULL, access_until = CASE WHEN access_until > $7 THEN access_until ELSE $7 END,
            refresh_expires_at = $8, last_used_at = $5
        WHERE id = $1 AND generation = $2 AND ended_at IS NULL";
    /// An unused successor is withdrawn for another; the previous token stays what it is.
    RECOVER_GRANT = "UPDATE grants SET generation = $3, secret_hash = $4, rotated_at = $5, key_number = $6,
            access_until = CASE WHEN access_until > $7 THEN access_until ELSE $7 END,
            refresh_expires_at = $8, last_used_at = $5
        WHERE id = $1 AND generation = $2 AND successor_used_at IS NULL AND ended_at IS NULL";
    /// An access token of the current generation was seen.
    MARK_USED = "UPDATE grants SET successor_used_at = $3
        WHERE id = $1 AND generation = $2 AND successor_used_at IS NULL AND ended_at IS NULL";
    /// The grant ends; a trigger revokes its access tokens.
    END_GRANT = "UPDATE grants SET ended_at = $2, end_reason = $3 WHERE id = $1 AND ended_at IS NULL";
    /// Every grant that a person gave an app ends.
    END_GRANTS_OF_USER = "UPDATE grants SET ended_at = $3, end_reason = $4
        WHERE user_id = $1 AND app_id = $2 AND ended_at IS NULL";
    /// The oldest living grants beyond the number that a person may hold for an app.
    LIST_SURPLUS_GRANTS = "SELECT id FROM grants WHERE user_id = $1 AND app_id = $2 AND ended_at IS NULL
            AND refresh_expires_at > $3
        ORDER BY created_at DESC, id DESC LIMIT 100 OFFSET $4";
    /// Access tokens that die before their time.
    INSERT_REVOCATION = "INSERT INTO revocations (grant_id, generation, revoked_at, until_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (grant_id, generation) DO NOTHING";
    /// What a person ticked for an app is forgotten.
    DELETE_CONSENT = "DELETE FROM consents WHERE user_id = $1 AND app_id = $2";
    /// A grant was last used then; should it be turned or ended this very moment, that says so too.
    TOUCH_GRANT = "UPDATE grants SET last_used_at = $2
        WHERE id = (SELECT id FROM grants WHERE id = $1 AND last_used_at < $2", skip_locked, ")";
    /// Codes that never became a grant.
    SWEEP_CODES = "authorization_codes", sweep, "grant_id IS NULL AND expires_at < $1 ORDER BY expires_at";
    /// Grants of which no token lives, and the codes that they came from.
    LIST_SWEPT_GRANTS = "SELECT id, code_hash FROM grants WHERE refresh_expires_at < $1 AND access_until < $1
        ORDER BY refresh_expires_at LIMIT $2", skip_locked, "";
    /// One of them.
    DELETE_GRANT = "DELETE FROM grants WHERE id = $1";
    /// The code of one of them.
    DELETE_CODE = "DELETE FROM authorization_codes WHERE code_hash = $1";
    /// Revocations of tokens that have expired by now.
    SWEEP_REVOCATIONS = "revocations", sweep, "until_at < $1 ORDER BY until_at";
    /// An id is used, for once: by the request that is named, which may ask twice.
    CLAIM_ONE_TIME_ID = "INSERT INTO one_time_ids (id_hash, claimed_by, expires_at) VALUES ($1, $2, $3)
        ON CONFLICT (id_hash) DO UPDATE SET claimed_by = one_time_ids.claimed_by WHERE one_time_ids.claimed_by = $2";
    /// One-time ids that nobody can present any more.
    SWEEP_ONE_TIME_IDS = "one_time_ids", sweep, "expires_at < $1 ORDER BY expires_at";
}

/// Inserts a code; false when the request that it answers has a code already.
pub fn insert_code(tx: &mut Tx<'_>, code: &NewCode) -> Result<bool, DbError> {
    let digest = code.code.digest();
    let hash = digest.as_bytes();
    let challenge = code.code_challenge.as_ref().map(ToString::to_string);
    let scopes = code.scopes.text();
    let targets = code.targets.to_column();
    let key = code.dpop_jkt.as_ref().map(ToString::to_string);
    let values = params![
        hash,
        code.request_id,
        code.app_id,
        code.user_id,
        code.session_id,
        code.redirect_uri,
        scopes,
        challenge,
        code.nonce,
        code.authenticated_at,
        code.created_at,
        code.expires_at,
        targets,
        key
    ];
    tx.execute(&INSERT_CODE, values).map(|rows| rows == 1)
}

/// Spends a code for a grant, or for nothing; false when it was spent before.
pub fn claim_code(
    tx: &mut Tx<'_>,
    code: &Sha256Digest,
    grant: Option<GrantId>,
    now: Timestamp,
) -> Result<bool, DbError> {
    let grant = grant.map(|id| id.to_string());
    tx.execute(&CLAIM_CODE, params![code.as_bytes(), now, grant]).map(|rows| rows == 1)
}

/// Inserts the grant that a code became.
pub fn insert_grant(tx: &mut Tx<'_>, grant: &Grant, code: &Sha256Digest) -> Result<(), DbError> {
    let Family { generation, secret_hash, rotated_at, key_number, access_until, refresh_expires_at, .. } =
        &grant.family;
    let id = grant.id.to_string();
    let code = code.as_bytes();
    let secret_hash = secret_hash.as_bytes();
    let scopes = grant.scopes.text();
    let targets = grant.targets.to_column();
    let key = grant.dpop_jkt.as_ref().map(ToString::to_string);
    let values = params![
        id,
        code,
        grant.app_id,
        grant.user_id,
        grant.session_id,
        scopes,
        grant.authenticated_at,
        grant.created_at,
        generation,
        secret_hash,
        rotated_at,
        key_number,
        access_until,
        refresh_expires_at,
        targets,
        key
    ];
    tx.execute(&INSERT_GRANT, values).map(drop)
}

/// A refresh token that takes the place of the current one.
#[derive(Debug, Clone, Copy)]
pub struct Turn {
    /// The grant.
    pub grant: GrantId,
    /// The generation that was current when we looked; the claim fails when it no longer is.
    pub seen: Generation,
    /// The new one.
    pub generation: Generation,
    /// Hash of the new secret.
    pub secret_hash: Sha256Digest,
    /// Number of the server key that made it.
    pub key_number: i64,
    /// Now.
    pub at: Timestamp,
    /// Now, and the grace, and the lifetime of an access token.
    pub access_until: Timestamp,
    /// When the new refresh token expires.
    pub refresh_expires_at: Timestamp,
}

/// Turns the current refresh token into its successor; false when it is current no more.
pub fn claim_rotation(tx: &mut Tx<'_>, turn: &Turn) -> Result<bool, DbError> {
    turn_grant(tx, &ROTATE_GRANT, turn)
}

/// Puts another successor in the place of the unused one and revokes the access tokens of that one; false when it was
/// used or replaced meanwhile.
pub fn claim_recovery(tx: &mut Tx<'_>, turn: &Turn, skipped_until: Timestamp) -> Result<bool, DbError> {
    if !turn_grant(tx, &RECOVER_GRANT, turn)? {
        return Ok(false);
    }
    let id = turn.grant.to_string();
    tx.execute(&INSERT_REVOCATION, params![id, turn.seen, turn.at, skipped_until])?;
    Ok(true)
}

fn turn_grant(tx: &mut Tx<'_>, statement: &sql::Statement, turn: &Turn) -> Result<bool, DbError> {
    let id = turn.grant.to_string();
    let secret_hash = turn.secret_hash.as_bytes();
    let values = params![
        id,
        turn.seen,
        turn.generation,
        secret_hash,
        turn.at,
        turn.key_number,
        turn.access_until,
        turn.refresh_expires_at
    ];
    tx.execute(statement, values).map(|rows| rows == 1)
}

/// Remembers that a token of the grant's current generation was used; false when there was nothing to remember.
pub fn claim_use(tx: &mut Tx<'_>, grant: GrantId, generation: Generation, now: Timestamp) -> Result<bool, DbError> {
    tx.execute(&MARK_USED, params![grant.to_string(), generation, now]).map(|rows| rows == 1)
}

/// Ends a grant and revokes its access tokens; false when it had ended before.
pub fn claim_end(tx: &mut Tx<'_>, grant: GrantId, reason: EndReason, now: Timestamp) -> Result<bool, DbError> {
    tx.execute(&END_GRANT, params![grant.to_string(), now, reason.as_str()]).map(|rows| rows == 1)
}

/// Ends every grant that the person gave the app, and every code that waits to become one. Codes go first: a redemption
/// under way holds its code's row, so either it finds the code spent or we find its grant.
pub fn end_all_between(tx: &mut Tx<'_>, user: &UserId, app: &AppId, now: Timestamp) -> Result<u64, DbError> {
    tx.execute(&SPEND_WAITING_CODES, params![user, app, now])?;
    tx.execute(&END_GRANTS_OF_USER, params![user, app, now, EndReason::RemovedByUser.as_str()])
}

/// Forgets what the person ticked for the app: it asks anew next time.
pub fn delete_consent(tx: &mut Tx<'_>, user: &UserId, app: &AppId) -> Result<(), DbError> {
    tx.execute(&DELETE_CONSENT, params![user, app]).map(drop)
}

/// Grants beyond the `keep` youngest that the person holds for the app.
pub fn list_surplus(
    tx: &mut Tx<'_>,
    user: &UserId,
    app: &AppId,
    keep: u32,
    now: Timestamp,
) -> Result<Vec<GrantId>, DbError> {
    tx.list(&LIST_SURPLUS_GRANTS, params![user, app, now, keep], |row| row.get(0))
}

/// Remembers when a grant was last used.
pub fn touch_grant(tx: &mut Tx<'_>, grant: GrantId, at: Timestamp) -> Result<(), DbError> {
    tx.execute(&TOUCH_GRANT, params![grant.to_string(), at]).map(drop)
}

/// Deletes codes that never became a grant and expired before `before`.
pub fn sweep_codes(tx: &mut Tx<'_>, before: Timestamp, limit: i64) -> Result<u64, DbError> {
    tx.execute(&SWEEP_CODES, params![before, limit])
}

/// Deletes grants all of whose tokens expired before `before`, each with its code.
pub fn sweep_grants(tx: &mut Tx<'_>, before: Timestamp, limit: i64) -> Result<u64, DbError> {
    let swept: Vec<(String, Vec<u8>)> =
        tx.list(&LIST_SWEPT_GRANTS, params![before, limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
    for (id, code) in &swept {
        tx.execute(&DELETE_CODE, params![code])?;
        tx.execute(&DELETE_GRANT, params![id])?;
    }
    Ok(swept.len() as u64)
}

/// Deletes revocations of tokens that expired before `before`.
pub fn sweep_revocations(tx: &mut Tx<'_>, before: Timestamp, limit: i64) -> Result<u64, DbError> {
    tx.execute(&SWEEP_REVOCATIONS, params![before, limit])
}

/// Uses an id that may be used once; false when another request used it before. `claimant` names this request.
pub fn claim_one_time_id(
    tx: &mut Tx<'_>,
    id: &Sha256Digest,
    claimant: &[u8; 16],
    until: Timestamp,
) -> Result<bool, DbError> {
    tx.execute(&CLAIM_ONE_TIME_ID, params![id.as_bytes(), claimant, until]).map(|rows| rows == 1)
}

/// Deletes one-time ids that expired before `before`.
pub fn sweep_one_time_ids(tx: &mut Tx<'_>, before: Timestamp, limit: i64) -> Result<u64, DbError> {
    tx.execute(&SWEEP_ONE_TIME_IDS, params![before, limit])
}
