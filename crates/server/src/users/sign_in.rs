//! Signing in, step by step, and nothing of pages:
//!
//! 1. the attempt is counted (and given back if it succeeds), so that guesses sent at once are all counted;
//! 2. the password is hashed and compared, for an account that does not exist too;
//! 3. a fresh session begins, if the account can be used and its password is still the one that was compared. Whatever
//!    session the browser had ends: nobody can hand a prepared one to somebody else (session fixation).

use std::net::IpAddr;
use std::time::Duration;

use sql::{DbError, Tx};

use super::limit::{Admission, FailureLimit};
use super::session::{MAX_USER_AGENT_CHARACTERS, NewSession};
use super::store::{self, Credentials};
use super::{Email, HashingError, Password, SessionHash};
use crate::app::{App, SharedApp};
use crate::ids::{SessionId, UserId};
use crate::web::{BrowserId, SessionSecret, address_block};

/// Somebody wants to sign in.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The account's address.
    pub email: Email,
    /// What was typed as its password.
    pub password: Password,
    /// Where from.
    pub guesser: Guesser,
    /// What the browser calls itself.
    pub user_agent: String,
    /// The session that the browser has, which ends.
    pub previous: Option<SessionHash>,
}

/// From where passwords are tried.
#[derive(Debug, Clone)]
pub struct Guesser {
    /// The address.
    pub address: IpAddr,
    /// The browser.
    pub browser: BrowserId,
    /// Whether somebody signed in to the account from this browser before.
    pub is_known: bool,
}

/// What came of it.
#[derive(Debug)]
pub enum SignInOutcome {
    /// A session began; the browser gets its secret.
    SignedIn(SessionSecret),
    /// No such account, or not its password.
    Wrong,
    /// It is the password, but the account is locked.
    Locked,
    /// Too many failures; come back after that long.
    Limited(Duration),
    /// Too many sign-ins at once; come back in a moment.
    Busy,
}

/// Why there is no outcome.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
    /// No hash could be computed.
    #[error(transparent)]
    Hashing(HashingError),
}

/// The limits that one attempt is counted by.
///
/// A browser that signed in before is counted by itself, so that neither strangers in the same network nor a flood from
/// everywhere can keep it out. Any other is counted with its neighbourhood, and, far higher and slower, with everyone.
#[derive(Debug, Clone)]
pub struct GuessLimits(Vec<FailureLimit>);

impl GuessLimits {
    /// For guesses at the password of that account.
    pub fn new(app: &App, email: &Email, guesser: &Guesser) -> GuessLimits {
        let limits = &app.config.limits;
        let email = email.as_str().as_bytes();
        let strict = |place: &str, where_from: &[u8]| {
            FailureLimit::new(place, &[email, where_from], limits.sign_in_burst, limits.sign_in_interval)
        };
        if guesser.is_known {
            GuessLimits(vec![strict("password, browser", guesser.browser.digest().as_bytes())])
        } else {
            let anywhere =
                FailureLimit::new("password, anywhere", &[email], limits.account_burst, limits.account_interval);
            GuessLimits(vec![strict("password, block", address_block(guesser.address).as_bytes()), anywhere])
        }
    }

    /// Counts an attempt with each limit, or with none.
    ///
    /// # Errors
    /// The database failed.
    pub fn reserve(&self, tx: &mut Tx<'_>, now: crate::time::Timestamp) -> Result<Admission, DbError> {
        for (index, limit) in self.0.iter().enumerate() {
            if let Admission::Refused(wait) = limit.reserve(tx, now)? {
                for reserved in self.0.iter().take(index) {
                    reserved.refund(tx)?;
                }
                return Ok(Admission::Refused(wait));
            }
        }
        Ok(Admission::Admitted)
    }

    /// Gives the attempt back.
    ///
    /// # Errors
    /// The database failed.
    pub fn refund(&self, tx: &mut Tx<'_>) -> Result<(), DbError> {
        self.0.iter().try_for_each(|limit| limit.refund(tx))
    }
}

/// Tries to sign in.
///
/// # Errors
/// See [`SignInError`].
pub async fn sign_in(app: &SharedApp, attempt: Attempt) -> Result<SignInOutcome, SignInError> {
    let limits = GuessLimits::new(app, &attempt.email, &attempt.guesser);
    let credentials = match admit(app, &limits, &attempt.email).await? {
        Ok(credentials) => credentials,
        Err(wait) => return Ok(SignInOutcome::Limited(wait)),
    };
    let stored = credentials.as_ref().map(|account| account.password_hash.clone());
    let verdict = match app.passwords.verify(attempt.password.clone(), stored).await {
        Ok(verdict) => verdict,
        Err(HashingError::Busy) => {
            give_back(app, limits).await?;
            return Ok(SignInOutcome::Busy);
        }
        Err(error) => return Err(SignInError::Hashing(error)),
    };
    let (Some(account), true) = (credentials, verdict.matches) else { return Ok(SignInOutcome::Wrong) };
    if account.locked {
        give_back(app, limits).await?;
        return Ok(SignInOutcome::Locked);
    }
    let (secret, session) = new_session(app, &attempt);
    if !begin(app, limits, &account, session, attempt.previous).await? {
        return Ok(SignInOutcome::Wrong);
    }
    if verdict.outdated {
        tokio::spawn(renew_hash(app.clone(), account, attempt.password));
    }
    Ok(SignInOutcome::SignedIn(secret))
}

async fn admit(
    app: &SharedApp,
    limits: &GuessLimits,
    email: &Email,
) -> Result<Result<Option<Credentials>, Duration>, DbError> {
    let (limits, email, now) = (limits.clone(), email.clone(), app.clock.now());
    app.db
        .write(move |tx| match limits.reserve(tx, now)? {
            Admission::Admitted => store::find_credentials(tx, &email).map(Ok),
            Admission::Refused(wait) => Ok(Err(wait)),
        })
        .await
}

async fn give_back(app: &SharedApp, limits: GuessLimits) -> Result<(), DbError> {
    app.db.write(move |tx| limits.refund(tx)).await
}

fn new_session(app: &App, attempt: &Attempt) -> (SessionSecret, NewSession) {
    let secret = SessionSecret::mint(app);
    let now = app.clock.now();
    let session = NewSession {
        hash: secret.digest(),
        id: SessionId::mint(&app.random),
        now,
        expires_at: now.plus(app.config.accounts.session_ttl.get()),
        address: attempt.guesser.address.to_string(),
        user_agent: attempt.user_agent.chars().take(MAX_USER_AGENT_CHARACTERS).collect(),
    };
    (secret, session)
}

async fn begin(
    app: &SharedApp,
    limits: GuessLimits,
    account: &Credentials,
    session: NewSession,
    previous: Option<SessionHash>,
) -> Result<bool, DbError> {
    let (user_id, checked): (UserId, String) = (account.user_id.clone(), account.password_hash.clone());
    app.db
        .write(move |tx| {
            if !store::claim_session(tx, &user_id, &checked, &session)? {
                return Ok(false);
            }
            if let Some(previous) = &previous {
                store::delete_session(tx, previous)?;
            }
            limits.refund(tx)?;
            Ok::<_, DbError>(true)
        })
        .await
}

/// Stores the password with today's parameters; a failure only means that the next sign-in tries again.
async fn renew_hash(app: SharedApp, account: Credentials, password: Password) {
    let Ok(renewed) = app.passwords.hash(password).await else { return };
    let written =
        app.db.write(move |tx| store::renew_hash(tx, &account.user_id, &account.password_hash, &renewed)).await;
    if let Err(error) = written {
        tracing::warn!(%error, "a password's hash could not be renewed");
    }
}
