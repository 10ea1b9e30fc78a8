//! Signing up, and asking for mail with a link, as far as pages are not concerned.
//!
//! Whoever asks is told the same whether an account has the address or not: what is different goes into the mail. The
//! password is hashed either way, so the time is the same too. An account counts from the moment at which somebody opens
//! the link *and* types the password that was chosen: the owner of a mailbox cannot be led into confirming an account
//! that somebody else prepared with their address.

use std::time::Duration;

use sql::{DbError, Tx};

use super::account_store::replace_sign_up;
use super::limit::Admission;
use super::sign_in::{AttemptLimits, Guesser, SignInError};
use super::store::{self, Created, NewUser};
use super::{Email, HashingError, Password, Role, Roles};
use crate::app::SharedApp;
use crate::audit::{Actor, Record};
use crate::ids::UserId;
use crate::mail::{Letter, Mail, enqueue};

/// Somebody wants an account.
#[derive(Debug)]
pub struct SignUp {
    /// The address.
    pub email: Email,
    /// First name.
    pub name: String,
    /// Last name; may be empty.
    pub lname: String,
    /// The password.
    pub password: Password,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// There is a mail on its way, if there is anything to say.
    Mailed,
    /// Too many were asked for; come back after that long.
    Limited(Duration),
    /// Too many passwords are waiting to be hashed.
    Busy,
}

/// Makes an account that waits for its confirmation, or tells the owner of the address that they have one.
///
/// # Errors
/// See [`SignInError`].
pub async fn sign_up(app: &SharedApp, wanted: SignUp, guesser: &Guesser) -> Result<Asked, SignInError> {
    let limits = AttemptLimits::for_sign_up(app, &wanted.email, guesser);
    let (counted, now) = (limits.clone(), app.clock.now());
    if let Admission::Refused(wait) = app.db.write(move |tx| counted.reserve(tx, now)).await? {
        return Ok(Asked::Limited(wait));
    }
    let password_hash = match app.passwords.hash(wanted.password).await {
        Ok(hash) => hash,
        Err(HashingError::Busy) => {
            app.db.write(move |tx| limits.refund(tx)).await?;
            return Ok(Asked::Busy);
        }
        Err(error) => return Err(SignInError::Hashing(error)),
    };
    let user = NewUser {
        id: UserId::mint(&app.random),
        email: wanted.email,
        name: wanted.name,
        lname: wanted.lname,
        roles: Roles::default().with(Role::User),
        password_hash,
        created_at: now,
        email_verified_at: None,
        oauth_granted_at: None,
    };
    let record = Record::new(&app.random, now, Actor::User(user.id.clone()), "user.signed_up")
        .user(&user.id)
        .address(guesser.address);
    app.db.write(move |tx| write_sign_up(tx, &user, &record)).await?;
    Ok(Asked::Mailed)
}

fn write_sign_up(tx: &mut Tx<'_>, user: &NewUser, record: &Record) -> Result<(), DbError> {
    let confirm = |id: &UserId| Letter::ConfirmSignUp { user: id.to_string() };
    let letter = match store::create(tx, user)? {
        Created::Created => {
            record.write(tx)?;
            confirm(&user.id)
        }
        Created::EmailTaken => match store::find_by_email(tx, &user.email)? {
            Some(waiting) if waiting.email_verified_at.is_none() => {
                let hash = &user.password_hash;
                replace_sign_up(tx, &waiting.id, &user.name, &user.lname, hash, user.created_at)?;
                confirm(&waiting.id)
            }
            _ => Letter::AlreadyRegistered,
        },
    };
    enqueue(tx, &Mail::about(record, &user.email, letter))
}

/// Sends the link that confirms a sign-up once more; whoever has an account already is told so.
///
/// # Errors
/// The database failed.
pub async fn ask_for_confirmation(app: &SharedApp, email: Email, guesser: &Guesser) -> Result<Asked, DbError> {
    ask(app, email, guesser, "user.confirmation_asked", |tx, email| {
        Ok(match store::find_by_email(tx, email)? {
            None => None,
            Some(waiting) if waiting.email_verified_at.is_none() => {
                Some(Letter::ConfirmSignUp { user: waiting.id.to_string() })
            }
            Some(_) => Some(Letter::AlreadyRegistered),
        })
    })
    .await
}

/// Sends a link that sets a new password. Whether there is such an account is looked up when the mail is sent: what is
/// done here is the same for every address.
///
/// # Errors
/// The database failed.
pub async fn ask_for_password_reset(app: &SharedApp, email: Email, guesser: &Guesser) -> Result<Asked, DbError> {
    ask(app, email, guesser, "password.reset_asked", |_, _| Ok(Some(Letter::ResetPassword))).await
}

async fn ask(
    app: &SharedApp,
    email: Email,
    guesser: &Guesser,
    action: &'static str,
    letter: fn(&mut Tx<'_>, &Email) -> Result<Option<Letter>, DbError>,
) -> Result<Asked, DbError> {
    let limits = AttemptLimits::for_mail(app, &email, guesser);
    let now = app.clock.now();
    // Names the mail. Not written: who asks is nobody yet, and the log is not theirs to fill.
    let record = Record::new(&app.random, now, Actor::System, action);
    app.db
        .write(move |tx| {
            if let Admission::Refused(wait) = limits.reserve(tx, now)? {
                return Ok(Asked::Limited(wait));
            }
            if let Some(letter) = letter(tx, &email)? {
                enqueue(tx, &Mail::about(&record, &email, letter))?;
            }
            Ok(Asked::Mailed)
        })
        .await
}
