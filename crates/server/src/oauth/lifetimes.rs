//! How long tokens live at most: of all that any process was ever configured to make, since those may still be out there.
//!
//! What is remembered about tokens (an account's epoch in the view of revocations, a retired key) is remembered so long. The
//! configuration of today would be too short after a change.

use std::time::Duration;

use sql::{DbError, Tx, params};

use crate::config::Tokens;

sql::statements! {
    /// The longest lives.
    FIND_LONGEST_LIVES = "SELECT longest_access_ms, longest_refresh_ms FROM token_lifetimes WHERE id = 1";
    /// This process makes tokens that live so long.
    RAISE_LONGEST_LIVES = "UPDATE token_lifetimes SET
            longest_access_ms = CASE WHEN longest_access_ms > $1 THEN longest_access_ms ELSE $1 END,
            longest_refresh_ms = CASE WHEN longest_refresh_ms > $2 THEN longest_refresh_ms ELSE $2 END
        WHERE id = 1 AND (longest_access_ms < $1 OR longest_refresh_ms < $2)";
}

/// How long tokens live at most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LongestLives {
    /// An access token.
    pub access: Duration,
    /// A refresh token.
    pub refresh: Duration,
}

/// How long tokens live at most, whichever process made them.
///
/// # Errors
/// When the database refuses.
pub fn find_longest_lives(tx: &mut Tx<'_>) -> Result<LongestLives, DbError> {
    let millis = |millis: i64| Duration::from_millis(millis.unsigned_abs());
    tx.one(&FIND_LONGEST_LIVES, params![], |row| {
        Ok(LongestLives { access: millis(row.get(0)?), refresh: millis(row.get(1)?) })
    })
}

/// Remembers how long tokens of this process live, before it makes one; gives the longest lives then.
///
/// # Errors
/// When the database refuses.
pub fn raise_longest_lives(tx: &mut Tx<'_>, tokens: &Tokens) -> Result<LongestLives, DbError> {
    let millis = |life: Duration| i64::try_from(life.as_millis()).unwrap_or(i64::MAX);
    let (access, refresh) = (millis(tokens.access_token_ttl.get()), millis(tokens.refresh_token_ttl.get()));
    tx.execute(&RAISE_LONGEST_LIVES, params![access, refresh])?;
    find_longest_lives(tx)
}
