//! OAuth access, as it is given: the one way to it, whichever page or command it is given on.

use sql::{DbError, Tx, params};

use super::account_store::hold_roles;
use super::{Role, store};
use crate::audit::Record;
use crate::ids::UserId;
use crate::mail::{Letter, Mail, enqueue};

sql::statements! {
    /// The account may register apps.
    GRANT_OAUTH = "UPDATE users SET oauth_granted_at = $2 WHERE id = $1 AND oauth_granted_at IS NULL AND deleted_at IS NULL";
    /// A request that waits is granted with it.
    GRANT_REQUEST = "UPDATE oauth_access_requests SET decided_at = $2, decided_by = $3, decision = 'granted'
        WHERE user_id = $1 AND decided_at IS NULL";
}

/// Lets an account register apps: it is a developer's from now on, a request that waits is answered, and the person is
/// told. Whoever has access already keeps it as it is. `by` is an admin's id, or `operator`.
///
/// # Errors
/// When the database refuses.
pub fn grant_oauth(tx: &mut Tx<'_>, user: &UserId, by: &str, record: &Record) -> Result<(), DbError> {
    hold_roles(tx)?;
    tx.execute(&GRANT_REQUEST, params![user, record.at(), by])?;
    if tx.execute(&GRANT_OAUTH, params![user, record.at()])? == 0 {
        return Ok(());
    }
    let Some(account) = store::find(tx, user)? else { return Ok(()) };
    store::set_roles(tx, user, account.roles.with(Role::Developer))?;
    if account.email_verified_at.is_some() && by != user.as_str() {
        enqueue(tx, &Mail::about(record, &account.email, Letter::OauthGranted))?;
    }
    Ok(())
}
