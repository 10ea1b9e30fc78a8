//! SQL of how accounts begin, change their address and password by mail, and end.

use sql::{DbError, Tx, params};

use super::Email;
use crate::ids::UserId;
use crate::jobs;
use crate::time::Timestamp;

sql::statements! {
    /// A sign-up that was never confirmed gives way to a newer one for the same address.
    REPLACE_SIGN_UP = "UPDATE users SET name = $2, lname = $3, password_hash = $4, password_changed_at = $5, created_at = $5
        WHERE id = $1 AND email_verified_at IS NULL AND deleted_at IS NULL";
    /// The address is confirmed.
    CONFIRM_ADDRESS = "UPDATE users SET email_verified_at = COALESCE(email_verified_at, $3)
        WHERE id = $1 AND email = $2 AND deleted_at IS NULL";
    /// A new password, for whoever has shown that the mailbox is theirs.
    RESET_PASSWORD = "UPDATE users SET password_hash = $3, password_changed_at = $4, email_verified_at = COALESCE(email_verified_at, $4)
        WHERE id = $1 AND email = $2 AND locked_at IS NULL AND deleted_at IS NULL";
    /// Another address, unless somebody has it by now.
    CHANGE_ADDRESS = "UPDATE users SET email = $2, email_verified_at = $3 WHERE id = $1 AND locked_at IS NULL AND deleted_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM users o WHERE o.email = $2)";
    /// The account is gone but for its id; its address is free again.
    DELETE_USER = "UPDATE users SET deleted_at = $2, epoch = CASE WHEN epoch > $3 THEN epoch ELSE $3 END, email = $4, name = 'Deleted', lname = 'account', password_hash = ''
        WHERE id = $1 AND deleted_at IS NULL
            AND NOT EXISTS (SELECT 1 FROM apps a WHERE a.owner_id = $1 AND a.deleted_at IS NULL)";
    DELETE_ROLES_OF = "DELETE FROM user_roles WHERE user_id = $1";
    DELETE_ACCESS_REQUEST = "DELETE FROM oauth_access_requests WHERE user_id = $1";
    DELETE_COLLABORATIONS = "DELETE FROM collaborators WHERE user_id = $1";
    DELETE_TESTER = "DELETE FROM testers WHERE user_id = $1";
    DELETE_CONSENTS = "DELETE FROM consents WHERE user_id = $1";
    /// Holds still the question who is an admin, until the unit ends.
    HOLD_ADMINS = "UPDATE user_roles SET role = 'admin' WHERE role = 'admin' AND user_id IN
        (SELECT user_id FROM user_roles WHERE role = 'admin' AND role <> 'user' ORDER BY user_id", locked, ")";
    /// Another admin who can sign in.
    FIND_OTHER_ADMIN = "SELECT u.id FROM user_roles r JOIN users u ON u.id = r.user_id
        WHERE r.role = 'admin' AND r.role <> 'user' AND r.user_id <> $1
            AND u.locked_at IS NULL AND u.deleted_at IS NULL AND u.email_verified_at IS NOT NULL LIMIT 1";
    /// Sign-ups that nobody confirmed.
    SWEEP_UNCONFIRMED = "users", sweep, "email_verified_at IS NULL AND created_at <= $1
        AND NOT EXISTS (SELECT 1 FROM apps a WHERE a.owner_id = users.id) ORDER BY created_at";
}

/// How long a sign-up waits to be confirmed.
const UNCONFIRMED_FOR: std::time::Duration = std::time::Duration::from_secs(7 * 86_400);

/// Lets a newer sign-up take the place of one that was never confirmed.
pub fn replace_sign_up(
    tx: &mut Tx<'_>,
    id: &UserId,
    name: &str,
    lname: &str,
    password_hash: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(&REPLACE_SIGN_UP, params![id, name, lname, password_hash, now]).map(drop)
}

/// Confirms the address, if the account still has it.
pub fn confirm_address(tx: &mut Tx<'_>, id: &UserId, email: &Email, now: Timestamp) -> Result<bool, DbError> {
    Ok(tx.execute(&CONFIRM_ADDRESS, params![id, email, now])? == 1)
}

/// Sets a new password whatever the old one was, if the account still has this address; confirms the address too.
pub fn reset_password(
    tx: &mut Tx<'_>,
    id: &UserId,
    email: &Email,
    hash: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    Ok(tx.execute(&RESET_PASSWORD, params![id, email, hash, now])? == 1)
}

/// Moves the account to another address, unless somebody has it by now.
pub fn change_address(tx: &mut Tx<'_>, id: &UserId, email: &Email, now: Timestamp) -> Result<bool, DbError> {
    Ok(tx.execute(&CHANGE_ADDRESS, params![id, email, now])? == 1)
}

/// Deletes the account and what hangs on it, unless it owns apps; whether it did.
pub fn claim_deletion(tx: &mut Tx<'_>, id: &UserId, now: Timestamp) -> Result<bool, DbError> {
    let nobody = format!("deleted-{id}@invalid");
    let epoch = super::store::epoch_of(tx, id, now)?;
    if tx.execute(&DELETE_USER, params![id, now, epoch, nobody])? == 0 {
        return Ok(false);
    }
    for statement in [
        &super::store::DELETE_SESSIONS_OF_USER,
        &DELETE_ROLES_OF,
        &DELETE_ACCESS_REQUEST,
        &DELETE_COLLABORATIONS,
        &DELETE_TESTER,
        &DELETE_CONSENTS,
    ] {
        tx.execute(statement, params![id])?;
    }
    // There may be many meetings: they go a batch at a time.
    jobs::schedule(tx, jobs::Kind::MeetingsOfAccount, id.as_str(), now)?;
    Ok(true)
}

/// Changes of anybody's roles come one after the other: until the unit ends no other is made. First thing in a unit that
/// changes some, before it takes an account's row, so that no two wait for each other.
pub fn hold_roles(tx: &mut Tx<'_>) -> Result<(), DbError> {
    tx.execute(&HOLD_ADMINS, params![]).map(drop)
}

/// Whether nobody but this account can be an admin. Until the unit ends nobody else can change who is.
pub fn is_only_admin(tx: &mut Tx<'_>, id: &UserId) -> Result<bool, DbError> {
    hold_roles(tx)?;
    tx.find(&FIND_OTHER_ADMIN, params![id], |_| Ok(())).map(|other| other.is_none())
}

/// Removes sign-ups that nobody confirmed, at most `limit`; how many went.
pub fn sweep_unconfirmed(tx: &mut Tx<'_>, now: Timestamp, limit: i64) -> Result<u64, DbError> {
    tx.execute(&SWEEP_UNCONFIRMED, params![now.minus(UNCONFIRMED_FOR), limit])
}
