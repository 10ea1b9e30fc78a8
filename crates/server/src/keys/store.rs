//! SQL of `server_keys` and `signing_keys`.

use sql::{DbError, Row, Tx, params};

use super::phase::{Phase, Times};
use super::wrapping::Wrapped;
use crate::time::Timestamp;

sql::statements! {
    /// Every root key that may still be needed.
    LIST_SERVER_KEYS = "SELECT number, secret, wrapped_by, created_at, active_at, retired_at FROM server_keys
        ORDER BY number";
    /// A new root key, unless another node made that number first.
    INSERT_SERVER_KEY = "INSERT INTO server_keys (number, secret, wrapped_by, created_at, active_at)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (number) DO NOTHING";
    /// Whoever makes the first signing key beside root keys comes alone.
    HOLD_SERVER_KEYS = "UPDATE server_keys SET number = number";
    /// Older root keys make nothing new once their successor is active.
    RETIRE_SERVER_KEYS = "UPDATE server_keys SET retired_at = $1 WHERE retired_at IS NULL AND number < $2";
    /// What was made with them has expired.
    DELETE_SERVER_KEYS = "DELETE FROM server_keys WHERE retired_at < $1";
    /// Every signing key that is still published.
    LIST_SIGNING_KEYS = "SELECT kid, algorithm, private_key, wrapped_by, created_at, active_at, retired_at
        FROM signing_keys WHERE gone_at IS NULL ORDER BY active_at, created_at, kid";
    /// A new signing key.
    INSERT_SIGNING_KEY = "INSERT INTO signing_keys (kid, algorithm, private_key, wrapped_by, created_at, active_at)
        VALUES ($1, $2, $3, $4, $5, $6)";
    /// The newest signing key gets its successor, once.
    CLAIM_SUCCESSION = "UPDATE signing_keys SET retired_at = $2 WHERE kid = $1 AND retired_at IS NULL";
    /// The last token that they signed has expired: they are published no more, and can sign no more.
    BURY_SIGNING_KEYS = "UPDATE signing_keys SET gone_at = $2, private_key = $3, wrapped_by = NULL
        WHERE gone_at IS NULL AND retired_at < $1";
}

/// A root key's row.
pub struct ServerKeyRow {
    /// Its number.
    pub number: i64,
    pub(super) secret: Wrapped,
    /// Its times.
    pub times: Times,
}

/// A signing key's row.
pub struct SigningKeyRow {
    /// The `kid` in token headers and the key set.
    pub kid: String,
    /// `RS256`, `ES256` or `EdDSA`.
    pub algorithm: String,
    pub(super) private_key: Wrapped,
    /// Its times.
    pub times: Times,
}

/// Of keys in the order of their activation, the one that is to be used now: the newest active one, else the first.
pub fn in_use<K>(keys: &[K], times: impl Fn(&K) -> Times, now: Timestamp) -> Option<&K> {
    keys.iter().rev().find(|key| times(key).phase(now) != Phase::Published).or(keys.first())
}

/// Every root key, oldest first.
pub fn list_server_keys(tx: &mut Tx<'_>) -> Result<Vec<ServerKeyRow>, DbError> {
    tx.list(&LIST_SERVER_KEYS, params![], |row| {
        Ok(ServerKeyRow {
            number: row.get(0)?,
            secret: Wrapped { bytes: row.get(1)?, wrapped_by: row.get(2)? },
            times: times_at(row, 3)?,
        })
    })
}

/// Inserts a root key; false when another node made that number first.
pub fn insert_server_key(tx: &mut Tx<'_>, number: i64, secret: &Wrapped, times: Times) -> Result<bool, DbError> {
    let values = params![number, secret.bytes, secret.wrapped_by, times.created_at, times.active_at];
    tx.execute(&INSERT_SERVER_KEY, values).map(|rows| rows == 1)
}

/// Lets nobody else make the first signing key until the unit is over.
pub fn hold_server_keys(tx: &mut Tx<'_>) -> Result<u64, DbError> {
    tx.execute(&HOLD_SERVER_KEYS, params![])
}

/// Root keys before that one make nothing new from then on.
pub fn retire_server_keys(tx: &mut Tx<'_>, at: Timestamp, successor: i64) -> Result<u64, DbError> {
    tx.execute(&RETIRE_SERVER_KEYS, params![at, successor])
}

/// Removes root keys that retired before then.
pub fn delete_server_keys(tx: &mut Tx<'_>, retired_before: Timestamp) -> Result<u64, DbError> {
    tx.execute(&DELETE_SERVER_KEYS, params![retired_before])
}

/// Every signing key that is still published, in the order in which they take over.
pub fn list_signing_keys(tx: &mut Tx<'_>) -> Result<Vec<SigningKeyRow>, DbError> {
    tx.list(&LIST_SIGNING_KEYS, params![], |row: &Row<'_>| {
        Ok(SigningKeyRow {
            kid: row.get(0)?,
            algorithm: row.get(1)?,
            private_key: Wrapped { bytes: row.get(2)?, wrapped_by: row.get(3)? },
            times: times_at(row, 4)?,
        })
    })
}

/// Inserts a signing key.
pub fn insert_signing_key(
    tx: &mut Tx<'_>,
    kid: &str,
    algorithm: &str,
    private_key: &Wrapped,
    times: Times,
) -> Result<(), DbError> {
    let Wrapped { bytes, wrapped_by } = private_key;
    let values = params![kid, algorithm, bytes, wrapped_by, times.created_at, times.active_at];
    tx.execute(&INSERT_SIGNING_KEY, values).map(drop)
}

/// The newest signing key retires then; false when it has a successor already.
pub fn claim_succession(tx: &mut Tx<'_>, kid: &str, at: Timestamp) -> Result<bool, DbError> {
    tx.execute(&CLAIM_SUCCESSION, params![kid, at]).map(|rows| rows == 1)
}

/// Signing keys that retired before then leave the key set; what could sign is overwritten.
pub fn bury_signing_keys(tx: &mut Tx<'_>, retired_before: Timestamp, now: Timestamp) -> Result<u64, DbError> {
    let nothing: &[u8] = &[];
    tx.execute(&BURY_SIGNING_KEYS, params![retired_before, now, nothing])
}

fn times_at(row: &Row<'_>, first: usize) -> Result<Times, DbError> {
    Ok(Times { created_at: row.get(first)?, active_at: row.get(first + 1)?, retired_at: row.get(first + 2)? })
}
