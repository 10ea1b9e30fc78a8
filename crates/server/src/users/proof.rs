//! A person who is signed in proves once more that they are themselves, before what cannot be undone: their password is
//! asked for, and counted like a sign-in (lesson of sessions that lie open).

use std::time::Duration;

use sql::DbError;

use super::limit::Admission;
use super::sign_in::{AttemptLimits, Guesser};
use super::{HashingError, Password, User, store};
use crate::app::SharedApp;
use crate::web::PageError;

/// Whether it is their password.
pub enum Proof {
    /// It is. The unit of what they asked for gives the attempt back.
    Right(AttemptLimits),
    /// It is not.
    Wrong,
    /// Too many were wrong; come back after that long.
    Limited(Duration),
    /// Too many passwords are waiting to be hashed.
    Busy,
}

/// Checks the password of somebody who is signed in.
///
/// # Errors
/// The page of a failing database or hasher.
pub async fn prove(app: &SharedApp, user: &User, guesser: &Guesser, password: Password) -> Result<Proof, PageError> {
    if password.is_empty() || password.is_too_long() {
        return Ok(Proof::Wrong);
    }
    let limits = AttemptLimits::new(app, &user.email, guesser);
    let (counted, id, now) = (limits.clone(), user.id.clone(), app.clock.now());
    let admitted = app
        .db
        .write(move |tx| match counted.reserve(tx, now)? {
            Admission::Admitted => store::find_password_hash(tx, &id).map(Ok),
            Admission::Refused(wait) => Ok::<_, DbError>(Err(wait)),
        })
        .await?;
    let stored = match admitted {
        Ok(stored) => stored,
        Err(wait) => return Ok(Proof::Limited(wait)),
    };
    match app.passwords.verify(password, stored).await {
        Ok(verdict) if verdict.matches => Ok(Proof::Right(limits)),
        Ok(_) => Ok(Proof::Wrong),
        Err(HashingError::Busy) => {
            app.db.write(move |tx| limits.refund(tx)).await?;
            Ok(Proof::Busy)
        }
        Err(HashingError::Failed) => Err(PageError::internal("a password could not be verified")),
    }
}
