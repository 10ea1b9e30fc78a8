//! SQL of `server_keys` and `signing_keys`.

use sql::{DbError, Row, Tx, params};

use super::wrapping::Wrapped;
use crate::time::Timestamp;

sql::statements! {
    /// Every root key that may still be needed.
    LIST_SERVER_KEYS = "SELECT number, secret, wrapped_by, active_at FROM server_keys WHERE retired_at IS NULL ORDER BY number";
    /// A new root key, unless another node made that number first.
    INSERT_SERVER_KEY = "INSERT INTO server_keys (number, secret, wrapped_by, created_at, active_at)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (number) DO NOTHING";
    /// Every signing key that is still published.
    LIST_SIGNING_KEYS = "SELECT kid, algorithm, private_key, wrapped_by, created_at, active_at, retired_at
        FROM signing_keys WHERE gone_at IS NULL ORDER BY created_at, kid";
    /// A new signing key.
    INSERT_SIGNING_KEY = "INSERT INTO signing_keys (kid, algorithm, private_key, wrapped_by, created_at, active_at)
        VALUES ($1, $2, $3, $4, $5, $6)";
    /// Older keys sign no more once their successor is active.
    RETIRE_SIGNING_KEYS = "UPDATE signing_keys SET retired_at = $1 WHERE retired_at IS NULL AND gone_at IS NULL AND kid <> $2";
}

/// A root key's row.
pub struct ServerKeyRow {
    pub number: i64,
    pub secret: Wrapped,
    pub active_at: Timestamp,
}

/// A signing key's row.
pub struct SigningKeyRow {
    /// The `kid` in token headers and the key set.
    pub kid: String,
    /// `RS256`, `ES256` or `EdDSA`.
    pub algorithm: String,
    pub(super) private_key: Wrapped,
    /// When it was made and first published.
    pub created_at: Timestamp,
    /// When it may begin to sign.
    pub active_at: Timestamp,
    /// When it stops signing.
    pub retired_at: Option<Timestamp>,
}

impl SigningKeyRow {
    /// The phase as `key list` shows it.
    pub fn phase(&self, now: Timestamp) -> &'static str {
        if self.active_at > now {
            "published"
        } else if self.retired_at.is_none_or(|at| at > now) {
            "active"
        } else {
            "retired"
        }
    }
}

pub fn list_server_keys(tx: &mut Tx<'_>) -> Result<Vec<ServerKeyRow>, DbError> {
    tx.list(&LIST_SERVER_KEYS, params![], |row| {
        Ok(ServerKeyRow {
            number: row.get(0)?,
            secret: Wrapped { bytes: row.get(1)?, wrapped_by: row.get(2)? },
            active_at: row.get(3)?,
        })
    })
}

pub fn insert_server_key(
    tx: &mut Tx<'_>,
    number: i64,
    secret: &Wrapped,
    now: Timestamp,
    active_at: Timestamp,
) -> Result<(), DbError> {
    tx.execute(&INSERT_SERVER_KEY, params![number, secret.bytes, secret.wrapped_by, now, active_at]).map(drop)
}

/// Every signing key that is still published, oldest first.
pub fn list_signing_keys(tx: &mut Tx<'_>) -> Result<Vec<SigningKeyRow>, DbError> {
    tx.list(&LIST_SIGNING_KEYS, params![], |row: &Row<'_>| {
        Ok(SigningKeyRow {
            kid: row.get(0)?,
            algorithm: row.get(1)?,
            private_key: Wrapped { bytes: row.get(2)?, wrapped_by: row.get(3)? },
            created_at: row.get(4)?,
            active_at: row.get(5)?,
            retired_at: row.get(6)?,
        })
    })
}

pub fn insert_signing_key(
    tx: &mut Tx<'_>,
    kid: &str,
    algorithm: &str,
    private_key: &Wrapped,
    now: Timestamp,
    active_at: Timestamp,
) -> Result<(), DbError> {
    let wrapped_by = &private_key.wrapped_by;
    tx.execute(&INSERT_SIGNING_KEY, params![kid, algorithm, private_key.bytes, wrapped_by, now, active_at]).map(drop)
}

pub fn retire_signing_keys(tx: &mut Tx<'_>, at: Timestamp, but: &str) -> Result<u64, DbError> {
    tx.execute(&RETIRE_SIGNING_KEYS, params![at, but])
}
