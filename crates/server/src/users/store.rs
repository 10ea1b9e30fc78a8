//! The tables of this room: users and their roles, sessions, failure counters.

use std::time::Duration;

use protocol::secret::Sha256Digest;
use sql::{DbError, Row, Tx, params, statements};

use super::account_store;
use super::session::NewSession;
use super::{Email, Roles, Session, SessionHash, SignedIn, User};
use crate::ids::{SessionId, UserId};
use crate::time::Timestamp;

/// The columns of a user, as `user_of` reads them.
macro_rules! user_columns {
    () => {
        "u.id, u.email, u.name, u.lname, u.created_at, u.email_verified_at, u.password_changed_at, u.oauth_granted_at, u.locked_at, u.deleted_at, u.epoch, \
         (SELECT string_agg(r.role, ' ') FROM user_roles r WHERE r.user_id = u.id)"
    };
}

/// The columns of a session, as `session_of` reads them.
macro_rules! session_columns {
    () => {
        "s.id, s.authenticated_at, s.created_at, s.last_seen_at, s.expires_at, s.address, s.user_agent"
    };
}

const USER_COLUMNS: usize = 12;

statements! {
    FIND_USER = concat!("SELECT ", user_columns!(), " FROM users u WHERE u.id = $1");
    FIND_USER_BY_EMAIL = concat!("SELECT ", user_columns!(), " FROM users u WHERE u.email = $1");
    LIST_USERS = concat!("SELECT ", user_columns!(), " FROM users u WHERE (u.created_at, u.id) > ($1, $2) ORDER BY u.created_at, u.id LIMIT $3");
    LIST_BY_EMAIL = concat!("SELECT ", user_columns!(), " FROM users u WHERE u.email >= $1 AND u.email > $2 AND u.email < $3 AND u.deleted_at IS NULL ORDER BY u.email LIMIT $4");
    FIND_CREDENTIALS = "SELECT id, password_hash, locked_at, email_verified_at FROM users WHERE email = $1 AND deleted_at IS NULL";
    FIND_PASSWORD_HASH = "SELECT password_hash FROM users WHERE id = $1";
    INSERT_USER = "INSERT INTO users (id, email, name, lname, password_hash, created_at, email_verified_at, password_changed_at, oauth_granted_at) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $6, $8) ON CONFLICT (email) DO NOTHING";
    INSERT_ROLE = "INSERT INTO user_roles (user_id, role) VALUES ($1, $2) ON CONFLICT (user_id, role) DO NOTHING";
    TAKE_USER = "UPDATE users SET name = name WHERE id = $1";
    DELETE_ROLES = "DELETE FROM user_roles WHERE user_id = $1";
    UPDATE_NAME = "UPDATE users SET name = $2, lname = $3 WHERE id = $1 AND deleted_at IS NULL";
    LOCK_USER = "UPDATE users SET locked_at = COALESCE(locked_at, $2), epoch = CASE WHEN epoch > $3 THEN epoch ELSE $3 END \
                 WHERE id = $1 AND deleted_at IS NULL";
    UNLOCK_USER = "UPDATE users SET locked_at = NULL WHERE id = $1 AND deleted_at IS NULL";
    RAISE_EPOCH = "UPDATE users SET epoch = CASE WHEN epoch > $2 THEN epoch ELSE $2 END WHERE id = $1";
    FIND_LAST_GIVEN = "SELECT COALESCE(MAX(given_at), 0) FROM \
                       (SELECT MAX(created_at) AS given_at FROM grants WHERE user_id = $1 \
                        UNION ALL \
                        SELECT MAX(created_at) FROM authorization_codes \
                        WHERE user_id = $1 AND redeemed_at IS NULL AND grant_id IS NULL) AS given";
    CLAIM_PASSWORD_CHANGE = "UPDATE users SET password_hash = $3, password_changed_at = $4 \
                             WHERE id = $1 AND password_hash = $2 AND locked_at IS NULL AND deleted_at IS NULL";
    RENEW_HASH = "UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2";

    FIND_SIGNED_IN = concat!("SELECT ", user_columns!(), ", ", session_columns!(), " FROM sessions s JOIN users u ON u.id = s.user_id \
                              WHERE s.id_hash = $1 AND s.expires_at > $2 AND u.locked_at IS NULL AND u.deleted_at IS NULL");
    LIST_SESSIONS = concat!("SELECT ", session_columns!(), " FROM sessions s WHERE s.user_id = $1 AND s.expires_at > $2 ORDER BY s.created_at DESC, s.id LIMIT 100");
    CLAIM_SESSION = "INSERT INTO sessions (id_hash, id, user_id, authenticated_at, created_at, last_seen_at, expires_at, address, user_agent) \
                     SELECT $1, $2, u.id, $5, $5, $5, $6, $7, $8 FROM users u \
                     WHERE u.id = $3 AND u.password_hash = $4 AND u.locked_at IS NULL AND u.deleted_at IS NULL AND u.email_verified_at IS NOT NULL", shared, "";
    UPDATE_LAST_SEEN = "UPDATE sessions SET last_seen_at = $2 WHERE id = $1 AND last_seen_at < $2";
    DELETE_SESSION_BY_HASH = "DELETE FROM sessions WHERE id_hash = $1";
    DELETE_SESSION_OF_USER = "DELETE FROM sessions WHERE id = $1 AND user_id = $2";
    DELETE_SESSIONS_OF_USER = "DELETE FROM sessions WHERE user_id = $1";
    SWEEP_SESSIONS = "sessions", sweep, "expires_at <= $1 ORDER BY expires_at";

    RESERVE_ATTEMPT = "INSERT INTO failure_counters (key_hash, arrival_at) VALUES ($1, $2) ON CONFLICT (key_hash) DO UPDATE \
                       SET arrival_at = CASE WHEN failure_counters.arrival_at > $3 AND failure_counters.arrival_at <= $6 \
                           THEN failure_counters.arrival_at ELSE $3 END + $4 \
                       WHERE failure_counters.arrival_at <= $5 OR failure_counters.arrival_at > $6";
    FIND_ARRIVAL = "SELECT arrival_at FROM failure_counters WHERE key_hash = $1";
    REFUND_ATTEMPT = "UPDATE failure_counters SET arrival_at = arrival_at - $2 WHERE key_hash = $1";
    SWEEP_COUNTERS = "failure_counters", sweep, "arrival_at <= $1 ORDER BY arrival_at";
}

/// An account that is made.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Its id.
    pub id: UserId,
    /// Its address.
    pub email: Email,
    /// First name.
    pub name: String,
    /// Last name; may be empty.
    pub lname: String,
    /// What the person may do here.
    pub roles: Roles,
    /// From [`super::Passwords::hash`].
    pub password_hash: String,
    /// Now.
    pub created_at: Timestamp,
    /// When the address was confirmed; an operator's word is a confirmation.
    pub email_verified_at: Option<Timestamp>,
    /// Since when the person may register apps.
    pub oauth_granted_at: Option<Timestamp>,
}

/// Whether an account was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// It was.
    Created,
    /// There is one with this address.
    EmailTaken,
}

/// What a sign-in needs to know of an account.
pub(super) struct Credentials {
    pub user_id: UserId,
    pub password_hash: String,
    pub locked: bool,
    /// Whether the address was confirmed.
    pub confirmed: bool,
}

/// The user with that id, locked and deleted ones too.
pub fn find(tx: &mut Tx<'_>, id: &UserId) -> Result<Option<User>, DbError> {
    tx.find(&FIND_USER, params![id], user_of)
}

/// The user with that address, locked and deleted ones too.
pub fn find_by_email(tx: &mut Tx<'_>, email: &Email) -> Result<Option<User>, DbError> {
    tx.find(&FIND_USER_BY_EMAIL, params![email], user_of)
}

/// Users from the oldest on, beginning after the given one; at most `limit`.
pub fn list(tx: &mut Tx<'_>, after: Option<&User>, limit: u32) -> Result<Vec<User>, DbError> {
    let first = (Timestamp::from_millis(i64::MIN), "");
    let (created_at, id) = after.map_or(first, |user| (user.created_at, user.id.as_str()));
    tx.list(&LIST_USERS, params![created_at, id, limit], user_of)
}

/// Users whose address begins with `prefix`, by address, beginning after the given address; at most `limit`.
pub fn list_by_email(tx: &mut Tx<'_>, prefix: &str, after: &str, limit: u32) -> Result<Vec<User>, DbError> {
    // Nothing in an address is as great as the last character that there is.
    let end = format!("{prefix}\u{10ffff}");
    tx.list(&LIST_BY_EMAIL, params![prefix, after, end, limit], user_of)
}

/// Makes an account.
pub fn create(tx: &mut Tx<'_>, user: &NewUser) -> Result<Created, DbError> {
    let inserted = tx.execute(
        &INSERT_USER,
        params![
            user.id,
            user.email,
            user.name,
            user.lname,
            user.password_hash,
            user.created_at,
            user.email_verified_at,
            user.oauth_granted_at
        ],
    )?;
    if inserted == 0 {
        return Ok(Created::EmailTaken);
    }
    insert_roles(tx, &user.id, user.roles)?;
    Ok(Created::Created)
}

/// Replaces the roles, whoever else does so at the same time.
pub fn set_roles(tx: &mut Tx<'_>, id: &UserId, roles: Roles) -> Result<(), DbError> {
    account_store::hold_roles(tx)?;
    // Where nobody is an admin yet, nothing was held.
    tx.execute(&TAKE_USER, params![id])?;
    tx.execute(&DELETE_ROLES, params![id])?;
    insert_roles(tx, id, roles)
}

fn insert_roles(tx: &mut Tx<'_>, id: &UserId, roles: Roles) -> Result<(), DbError> {
    for role in roles.iter() {
        tx.execute(&INSERT_ROLE, params![id, role.as_str()])?;
    }
    Ok(())
}

/// Changes the name.
pub fn set_name(tx: &mut Tx<'_>, id: &UserId, name: &str, lname: &str) -> Result<(), DbError> {
    tx.execute(&UPDATE_NAME, params![id, name, lname]).map(drop)
}

/// Locks the account: its sessions end, and everything that apps hold of it is dead from now on.
pub fn lock(tx: &mut Tx<'_>, id: &UserId, now: Timestamp) -> Result<(), DbError> {
    let epoch = epoch_of(tx, id, now)?;
    tx.execute(&LOCK_USER, params![id, now, epoch])?;
    tx.execute(&DELETE_SESSIONS_OF_USER, params![id]).map(drop)
}

/// Unlocks the account. What ended with the lock stays ended.
pub fn unlock(tx: &mut Tx<'_>, id: &UserId) -> Result<(), DbError> {
    tx.execute(&UNLOCK_USER, params![id]).map(drop)
}

/// Makes everything dead that apps got of this account before `now`.
pub fn raise_epoch(tx: &mut Tx<'_>, id: &UserId, now: Timestamp) -> Result<(), DbError> {
    let epoch = epoch_of(tx, id, now)?;
    tx.execute(&RAISE_EPOCH, params![id, epoch]).map(drop)
}

/// An epoch that is after all that was given, whatever the clocks said meanwhile; what was made in this very millisecond
/// dies too.
pub(super) fn epoch_of(tx: &mut Tx<'_>, id: &UserId, now: Timestamp) -> Result<i64, DbError> {
    let last: i64 = tx.one(&FIND_LAST_GIVEN, params![id], |row| row.get(0))?;
    Ok(now.as_millis().max(last).saturating_add(1))
}

/// What a sign-in needs to know of the account with that address; nothing of a deleted one.
pub(super) fn find_credentials(tx: &mut Tx<'_>, email: &Email) -> Result<Option<Credentials>, DbError> {
    tx.find(&FIND_CREDENTIALS, params![email], |row| {
        Ok(Credentials {
            user_id: row.get(0)?,
            password_hash: row.get(1)?,
            locked: row.get::<Option<Timestamp>>(2)?.is_some(),
            confirmed: row.get::<Option<Timestamp>>(3)?.is_some(),
        })
    })
}

/// The stored hash.
pub(super) fn find_password_hash(tx: &mut Tx<'_>, id: &UserId) -> Result<Option<String>, DbError> {
    tx.find(&FIND_PASSWORD_HASH, params![id], |row| row.get(0))
}

/// Stores another password's hash, whatever the old one was: the demo's people get the passwords of its seed file.
pub fn replace_password_hash(tx: &mut Tx<'_>, id: &UserId, new: &str) -> Result<(), DbError> {
    match find_password_hash(tx, id)? {
        Some(old) => renew_hash(tx, id, &old, new),
        None => Ok(()),
    }
}

/// Changes the password, if it is still the one that was checked.
pub(super) fn claim_password_change(
    tx: &mut Tx<'_>,
    id: &UserId,
    checked: &str,
    new: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    Ok(tx.execute(&CLAIM_PASSWORD_CHANGE, params![id, checked, new, now])? == 1)
}

/// Stores the same password's hash with today's parameters, if it is still the one that was checked.
pub(super) fn renew_hash(tx: &mut Tx<'_>, id: &UserId, checked: &str, new: &str) -> Result<(), DbError> {
    tx.execute(&RENEW_HASH, params![id, checked, new]).map(drop)
}

/// Who is signed in with that cookie, if the session lives and the account can be used.
pub fn find_signed_in(tx: &mut Tx<'_>, hash: &SessionHash, now: Timestamp) -> Result<Option<SignedIn>, DbError> {
    tx.find(&FIND_SIGNED_IN, params![hash.as_bytes(), now], |row| {
        Ok(SignedIn { user: user_of(row)?, session: session_of(row, USER_COLUMNS)? })
    })
}

/// The living sessions, latest first; at most 100.
pub(super) fn list_sessions(tx: &mut Tx<'_>, user: &UserId, now: Timestamp) -> Result<Vec<Session>, DbError> {
    tx.list(&LIST_SESSIONS, params![user, now], |row| session_of(row, 0))
}

/// Begins a session, if the account can be used and its password is still the one that was checked.
pub(super) fn claim_session(
    tx: &mut Tx<'_>,
    user: &UserId,
    checked_hash: &str,
    session: &NewSession,
) -> Result<bool, DbError> {
    let inserted = tx.execute(
        &CLAIM_SESSION,
        params![
            session.hash.as_bytes(),
            session.id,
            user,
            checked_hash,
            session.now,
            session.expires_at,
            session.address,
            session.user_agent
        ],
    )?;
    Ok(inserted == 1)
}

/// Notes that a session was used.
pub(super) fn update_last_seen(tx: &mut Tx<'_>, id: &SessionId, now: Timestamp) -> Result<(), DbError> {
    tx.execute(&UPDATE_LAST_SEEN, params![id, now]).map(drop)
}

/// Ends the session with that cookie.
pub(super) fn delete_session(tx: &mut Tx<'_>, hash: &SessionHash) -> Result<(), DbError> {
    tx.execute(&DELETE_SESSION_BY_HASH, params![hash.as_bytes()]).map(drop)
}

/// Ends one of a person's own sessions.
pub(super) fn delete_session_of(tx: &mut Tx<'_>, user: &UserId, id: &SessionId) -> Result<(), DbError> {
    tx.execute(&DELETE_SESSION_OF_USER, params![id, user]).map(drop)
}

/// Ends all of a person's sessions.
pub fn delete_sessions_of(tx: &mut Tx<'_>, user: &UserId) -> Result<(), DbError> {
    tx.execute(&DELETE_SESSIONS_OF_USER, params![user]).map(drop)
}

/// Counts an attempt, if the counter is not beyond `latest_admitted`; whether it was counted. One that is beyond
/// `latest_possible` was counted by a clock that has been set back since, and begins anew.
pub(super) fn reserve_attempt(
    tx: &mut Tx<'_>,
    key: &Sha256Digest,
    now: Timestamp,
    interval: Duration,
    [latest_admitted, latest_possible]: [Timestamp; 2],
) -> Result<bool, DbError> {
    let (first_arrival, interval) = (now.plus(interval), millis(interval));
    let key = key.as_bytes();
    let counted =
        tx.execute(&RESERVE_ATTEMPT, params![key, first_arrival, now, interval, latest_admitted, latest_possible])?;
    Ok(counted == 1)
}

/// A counter's theoretical arrival time.
pub(super) fn find_arrival(tx: &mut Tx<'_>, key: &Sha256Digest) -> Result<Option<Timestamp>, DbError> {
    tx.find(&FIND_ARRIVAL, params![key.as_bytes()], |row| row.get(0))
}

/// Takes one attempt off a counter.
pub(super) fn refund_attempt(tx: &mut Tx<'_>, key: &Sha256Digest, interval: Duration) -> Result<(), DbError> {
    tx.execute(&REFUND_ATTEMPT, params![key.as_bytes(), millis(interval)]).map(drop)
}

/// Removes expired sessions, at most `limit`; how many went.
pub(super) fn sweep_sessions(tx: &mut Tx<'_>, now: Timestamp, limit: i64) -> Result<u64, DbError> {
    tx.execute(&SWEEP_SESSIONS, params![now, limit])
}

/// Removes counters that count nothing any more, at most `limit`; how many went.
pub(super) fn sweep_counters(tx: &mut Tx<'_>, now: Timestamp, limit: i64) -> Result<u64, DbError> {
    tx.execute(&SWEEP_COUNTERS, params![now, limit])
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn user_of(row: &Row<'_>) -> Result<User, DbError> {
    Ok(User {
        id: row.get(0)?,
        email: row.get(1)?,
        name: row.get(2)?,
        lname: row.get(3)?,
        created_at: row.get(4)?,
        email_verified_at: row.get(5)?,
        password_changed_at: row.get(6)?,
        oauth_granted_at: row.get(7)?,
        locked_at: row.get(8)?,
        deleted_at: row.get(9)?,
        epoch: row.get(10)?,
        roles: Roles::from_names(&row.get::<Option<String>>(11)?.unwrap_or_default()),
    })
}

fn session_of(row: &Row<'_>, first: usize) -> Result<Session, DbError> {
    Ok(Session {
        id: row.get(first)?,
        authenticated_at: row.get(first + 1)?,
        created_at: row.get(first + 2)?,
        last_seen_at: row.get(first + 3)?,
        expires_at: row.get(first + 4)?,
        address: row.get(first + 5)?,
        user_agent: row.get(first + 6)?,
    })
}
