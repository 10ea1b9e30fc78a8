//! Letters about apps, one call each for the rooms in which it happens: to the developers about a decision, to the
//! reviewers about a submission, to a person about a first grant.

use sql::{DbError, Tx, params};

use super::{Letter, Mail, enqueue};
use crate::audit::Record;
use crate::ids::AppId;
use crate::users::Email;

sql::statements! {
    /// Owner and collaborators of an app.
    LIST_DEVELOPERS = "SELECT u.email FROM apps a JOIN users u ON u.id = a.owner_id
            WHERE a.id = $1 AND u.deleted_at IS NULL AND u.email_verified_at IS NOT NULL
        UNION SELECT u.email FROM collaborators c JOIN users u ON u.id = c.user_id
            WHERE c.app_id = $1 AND u.deleted_at IS NULL AND u.email_verified_at IS NOT NULL
        ORDER BY 1 LIMIT 50";
    /// Every reviewer but those who develop the app.
    LIST_REVIEWERS = "SELECT u.email FROM user_roles r JOIN users u ON u.id = r.user_id
        WHERE r.role = 'reviewer' AND r.role <> 'user' AND u.locked_at IS NULL AND u.deleted_at IS NULL
            AND u.email_verified_at IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM apps a WHERE a.id = $1 AND a.owner_id = u.id)
            AND NOT EXISTS (SELECT 1 FROM collaborators c WHERE c.app_id = $1 AND c.user_id = u.id)
        ORDER BY u.email LIMIT 50";
    /// The name of an app's owner.
    FIND_OWNER_NAME = "SELECT u.name, u.lname FROM apps a JOIN users u ON u.id = a.owner_id WHERE a.id = $1";
}

/// Tells the developers what was decided about their app, with every reason.
///
/// # Errors
/// When the database refuses.
pub fn decided(
    tx: &mut Tx<'_>,
    app: &AppId,
    name: &str,
    decision: &str,
    reasons: &[String],
    record: &Record,
) -> Result<(), DbError> {
    let letter = Letter::Decision {
        app_id: app.to_string(),
        app: name.to_owned(),
        decision: decision.to_owned(),
        reasons: reasons.to_vec(),
    };
    let developers: Vec<Email> = tx.list(&LIST_DEVELOPERS, params![app], |row| row.get(0))?;
    developers.iter().try_for_each(|to| enqueue(tx, &Mail::about(record, to, letter.clone())))
}

/// Tells the reviewers that an app waits for them.
///
/// # Errors
/// When the database refuses.
pub fn submitted(tx: &mut Tx<'_>, app: &AppId, name: &str, record: &Record) -> Result<(), DbError> {
    let owner = tx.find(&FIND_OWNER_NAME, params![app], |row| {
        Ok(format!("{} {}", row.get::<String>(0)?, row.get::<String>(1)?).trim().to_owned())
    })?;
    let developer = owner.unwrap_or_default();
    let letter = Letter::Submitted { app_id: app.to_string(), app: name.to_owned(), developer };
    let reviewers: Vec<Email> = tx.list(&LIST_REVIEWERS, params![app], |row| row.get(0))?;
    reviewers.iter().try_for_each(|to| enqueue(tx, &Mail::about(record, to, letter.clone())))
}

/// Tells a person that an app got access for the first time (lesson of consent phishing: whoever did not mean to can
/// take it back at once). `scopes` are in the words of the consent page.
///
/// # Errors
/// When the database refuses.
pub fn first_grant(
    tx: &mut Tx<'_>,
    to: &Email,
    app: &str,
    developer: &str,
    scopes: Vec<String>,
    record: &Record,
) -> Result<(), DbError> {
    let letter = Letter::FirstGrant { app: app.to_owned(), developer: developer.to_owned(), scopes };
    enqueue(tx, &Mail::about(record, to, letter))
}
