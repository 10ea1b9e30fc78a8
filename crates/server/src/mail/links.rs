//! Links that are sent by mail and used once: who opens one has shown that the mailbox is theirs.
//!
//! A link is made when its mail is sent, and only its digest is kept. Making one withdraws the older ones of the same
//! purpose. Opening it changes nothing, since mail scanners follow links: the page has a button.

use std::time::Duration;

use protocol::secret::{Secret, Sha256Digest, mint};
use sql::{DbError, Row, Tx, params};

use super::Letter;
use crate::app::App;
use crate::ids::UserId;
use crate::time::Timestamp;
use crate::users::Email;

sql::statements! {
    /// The account whose sign-up waits to be confirmed.
    FIND_UNCONFIRMED = "SELECT id FROM users WHERE id = $1 AND email = $2 AND email_verified_at IS NULL AND deleted_at IS NULL";
    /// The account that may set a new password at this address.
    FIND_BY_ADDRESS = "SELECT id FROM users WHERE email = $1 AND locked_at IS NULL AND deleted_at IS NULL";
    /// The account that may move to another address.
    FIND_MOVER = "SELECT id FROM users WHERE id = $1 AND locked_at IS NULL AND deleted_at IS NULL";
    /// A new link.
    INSERT_LINK = "INSERT INTO email_tokens (token_hash, user_id, purpose, email, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)";
    /// A newer one takes the place of the older ones.
    DELETE_LINKS = "DELETE FROM email_tokens WHERE user_id = $1 AND purpose = $2";
    /// Nothing that was sent before counts any more.
    DELETE_ALL_LINKS = "DELETE FROM email_tokens WHERE user_id = $1";
    /// A link that can still be used.
    FIND_LINK = "SELECT user_id, email FROM email_tokens WHERE token_hash = $1 AND purpose = $2 AND expires_at > $3 AND used_at IS NULL";
    /// It is used, once.
    CLAIM_LINK = "UPDATE email_tokens SET used_at = $3 WHERE token_hash = $1 AND purpose = $2 AND expires_at > $3 AND used_at IS NULL";
    /// Expired links go.
    SWEEP_LINKS = "email_tokens", sweep, "expires_at <= $1 ORDER BY expires_at";
}

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Confirms the address of a new account.
    Confirm,
    /// Moves an account to this address.
    Change,
    /// Sets a new password.
    Reset,
}

impl Purpose {
    const fn as_str(self) -> &'static str {
        match self {
            Purpose::Confirm => "confirm",
            Purpose::Change => "change",
            Purpose::Reset => "reset",
        }
    }

    /// The page that it opens.
    pub const fn path(self) -> &'static str {
        match self {
            Purpose::Confirm => "/sign-up/confirm",
            Purpose::Change => "/account/address/confirm",
            Purpose::Reset => "/reset-password",
        }
    }

    /// How long it can be used.
    pub fn ttl(self, app: &App) -> Duration {
        match self {
            Purpose::Confirm | Purpose::Change => app.config.accounts.confirmation_ttl.get(),
            Purpose::Reset => app.config.accounts.password_reset_ttl.get(),
        }
    }
}

/// A link that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Whose account.
    pub user: UserId,
    /// The address that it was sent to.
    pub email: Email,
}

/// A link's digest, from what came in an address or a form.
pub fn digest(token: &str) -> Sha256Digest {
    Sha256Digest::of(token.as_bytes())
}

/// A fresh link's secret.
pub(super) fn mint_secret(app: &App) -> Secret {
    mint("jmml_", &app.random.bytes())
}

/// Makes the link that a letter carries; nothing when the letter has lost its point (no such account, or it moved on).
pub(super) fn issue(
    tx: &mut Tx<'_>,
    letter: &Letter,
    to: &Email,
    purpose: Purpose,
    secret: &Secret,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<Option<UserId>, DbError> {
    let named = letter.user().unwrap_or_else(|| UserId::from_text(""));
    let id = |row: &Row<'_>| row.get::<UserId>(0);
    let user = match purpose {
        Purpose::Confirm => tx.find(&FIND_UNCONFIRMED, params![named, to], id)?,
        Purpose::Reset => tx.find(&FIND_BY_ADDRESS, params![to], id)?,
        Purpose::Change => tx.find(&FIND_MOVER, params![named], id)?,
    };
    let Some(user) = user else { return Ok(None) };
    tx.execute(&DELETE_LINKS, params![user, purpose.as_str()])?;
    tx.execute(&INSERT_LINK, params![secret.digest().as_bytes(), user, purpose.as_str(), to, now, expires_at])?;
    Ok(Some(user))
}

/// The link, if it can be used.
///
/// # Errors
/// When the database refuses.
pub fn find(tx: &mut Tx<'_>, digest: &Sha256Digest, purpose: Purpose, now: Timestamp) -> Result<Option<Link>, DbError> {
    tx.find(&FIND_LINK, params![digest.as_bytes(), purpose.as_str(), now], |row| {
        Ok(Link { user: row.get(0)?, email: row.get(1)? })
    })
}

/// Uses the link; nothing when it cannot be used, or somebody was faster.
///
/// # Errors
/// When the database refuses.
pub fn claim(
    tx: &mut Tx<'_>,
    digest: &Sha256Digest,
    purpose: Purpose,
    now: Timestamp,
) -> Result<Option<Link>, DbError> {
    let Some(link) = find(tx, digest, purpose, now)? else { return Ok(None) };
    let claimed = tx.execute(&CLAIM_LINK, params![digest.as_bytes(), purpose.as_str(), now])? == 1;
    Ok(claimed.then_some(link))
}

/// Withdraws every link of an account.
///
/// # Errors
/// When the database refuses.
pub fn withdraw_all(tx: &mut Tx<'_>, user: &UserId) -> Result<(), DbError> {
    tx.execute(&DELETE_ALL_LINKS, params![user]).map(drop)
}

/// Removes expired links, at most `limit`; how many went.
pub(super) fn sweep(tx: &mut Tx<'_>, now: Timestamp, limit: i64) -> Result<u64, DbError> {
    tx.execute(&SWEEP_LINKS, params![now, limit])
}
