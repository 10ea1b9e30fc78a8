//! Signing in, step by step, and nothing of pages:
//!
//! 1. the attempt is counted (and given back if it succeeds), so that guesses sent at once are all counted;
//! 2. the password is hashed and compared, for an account that does not exist too;
//! 3. a fresh session begins, if the account can be used and its password is still the one that was compared. Whatever
//!    session the browser had ends: nobody can hand a prepared one to somebody else (session fixation).

use std::net::IpAddr;
use std::time::Duration;

use protocol::secret::Sha256Digest;
use serde_json::json;
use sql::{DbError, Tx};

use super::account_store::confirm_address;
use super::limit::{Admission, FailureLimit};
use super::session::{MAX_USER_AGENT_CHARACTERS, NewSession};
use super::store::{self, Credentials};
use super::{Email, HashingError, Password, SessionHash};
use crate::app::{App, SharedApp};
use crate::audit::{Actor, Record};
use crate::ids::{SessionId, UserId};
use crate::mail::links::{self, Purpose};
use crate::web::{BrowserId, SessionSecret, address_block};

/// The audit log has one entry in this time about guesses at one account from one address block that reached the limit:
/// a flood of guesses is no flood of entries.
const TOLD_EVERY: Duration = Duration::from_secs(3600);

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
    /// The digest of the link that came by mail, where this sign-in confirms the address of a new account. The password
    /// is asked for with it: whoever owns the mailbox need not be who signed up.
    pub confirms: Option<Sha256Digest>,
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
    /// It is the password, but the address was never confirmed.
    Unconfirmed,
    /// It is the password, but the link that should confirm the address is spent.
    LinkSpent,
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

/// The limits that one attempt is counted by: a password that is tried, a mail that is asked for.
///
/// A browser that signed in before is counted by itself, so that neither strangers in the same network nor a flood from
/// everywhere can keep it out. Any other is counted with its neighbourhood, and, far higher and slower, with everyone.
#[derive(Debug, Clone)]
pub struct AttemptLimits(Vec<FailureLimit>);

impl AttemptLimits {
    /// For guesses at the password of that account.
    pub fn new(app: &App, email: &Email, guesser: &Guesser) -> AttemptLimits {
        let limits = &app.config.limits;
        let email = email.as_str().as_bytes();
        let strict = |place: &str, where_from: &[u8]| {
            FailureLimit::new(place, &[email, where_from], limits.sign_in_burst, limits.sign_in_interval)
        };
        if guesser.is_known {
            AttemptLimits(vec![strict("password, browser", guesser.browser.digest().as_bytes())])
        } else {
            let anywhere =
                FailureLimit::new("password, anywhere", &[email], limits.account_burst, limits.account_interval);
            AttemptLimits(vec![strict("password, block", address_block(guesser.address).as_bytes()), anywhere])
        }
    }

    /// For mails with a link that somebody asks for, to that address.
    pub fn for_mail(app: &App, email: &Email, guesser: &Guesser) -> AttemptLimits {
        let limits = &app.config.limits;
        let (burst, interval) = (limits.mail_burst, limits.mail_interval);
        let email = email.as_str().as_bytes();
        if guesser.is_known {
            let browser = guesser.browser.digest();
            return AttemptLimits(vec![FailureLimit::new(
                "mail, browser",
                &[email, browser.as_bytes()],
                burst,
                interval,
            )]);
        }
        let block = address_block(guesser.address);
        AttemptLimits(vec![
            FailureLimit::new("mail, block", &[email, block.as_bytes()], burst, interval),
            FailureLimit::new("mail, anywhere", &[email], burst.saturating_mul(4), interval),
        ])
    }

    /// For an account that somebody makes.
    pub fn for_sign_up(app: &App, email: &Email, guesser: &Guesser) -> AttemptLimits {
        let mut all = AttemptLimits::for_mail(app, email, guesser);
        let block = address_block(guesser.address);
        let limits = &app.config.limits;
        let (burst, interval) = (limits.sign_up_burst, limits.sign_up_interval);
        all.0.push(FailureLimit::new("sign-up, block", &[block.as_bytes()], burst, interval));
        all
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
    let limits = AttemptLimits::new(app, &attempt.email, &attempt.guesser);
    let credentials = match admit(app, &limits, &attempt).await? {
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
    if !account.confirmed && attempt.confirms.is_none() {
        give_back(app, limits).await?;
        return Ok(SignInOutcome::Unconfirmed);
    }
    let (secret, session) = new_session(app, &attempt);
    match begin(app, limits, &account, session, &attempt).await? {
        Begun::Yes => {}
        Begun::No => return Ok(SignInOutcome::Wrong),
        Begun::LinkSpent => return Ok(SignInOutcome::LinkSpent),
    }
    if verdict.outdated {
        tokio::spawn(renew_hash(app.clone(), account, attempt.password));
    }
    Ok(SignInOutcome::SignedIn(secret))
}

async fn admit(
    app: &SharedApp,
    limits: &AttemptLimits,
    attempt: &Attempt,
) -> Result<Result<Option<Credentials>, Duration>, DbError> {
    let (limits, email, now) = (limits.clone(), attempt.email.clone(), app.clock.now());
    let block = address_block(attempt.guesser.address);
    let told = FailureLimit::once_in(TOLD_EVERY, "password, told", &[email.as_str().as_bytes(), block.as_bytes()]);
    let record = Record::new(&app.random, now, Actor::System, "user.sign_in_limited").address(attempt.guesser.address);
    app.db
        .write(move |tx| match limits.reserve(tx, now)? {
            Admission::Admitted => store::find_credentials(tx, &email).map(Ok),
            Admission::Refused(wait) => {
                // About an account that is there: what anybody can type fills no log.
                if told.reserve(tx, now)? == Admission::Admitted
                    && let Some(account) = store::find_credentials(tx, &email)?
                {
                    record.clone().user(&account.user_id).write(tx)?;
                }
                Ok(Err(wait))
            }
        })
        .await
}

async fn give_back(app: &SharedApp, limits: AttemptLimits) -> Result<(), DbError> {
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

/// Whether the session began.
enum Begun {
    Yes,
    No,
    LinkSpent,
}

async fn begin(
    app: &SharedApp,
    limits: AttemptLimits,
    account: &Credentials,
    session: NewSession,
    attempt: &Attempt,
) -> Result<Begun, DbError> {
    let (user_id, checked): (UserId, String) = (account.user_id.clone(), account.password_hash.clone());
    let (previous, confirms, email) = (attempt.previous, attempt.confirms, attempt.email.clone());
    let record = |action| {
        Record::new(&app.random, session.now, Actor::User(user_id.clone()), action)
            .user(&user_id)
            .address(attempt.guesser.address)
    };
    let confirmed = record("user.address_confirmed");
    let signed_in = record("user.signed_in").detail(json!({"session": session.id.as_str()}));
    app.db
        .write(move |tx| {
            if let Some(digest) = &confirms {
                let link = links::claim(tx, digest, Purpose::Confirm, session.now)?;
                if link.is_none_or(|link| link.user != user_id || link.email != email) {
                    return Ok(Begun::LinkSpent);
                }
                confirm_address(tx, &user_id, &email, session.now)?;
                confirmed.write(tx)?;
            }
            if !store::claim_session(tx, &user_id, &checked, &session)? {
                return Ok(Begun::No);
            }
            if let Some(previous) = &previous {
                store::delete_session(tx, previous)?;
            }
            limits.refund(tx)?;
            signed_in.write(tx)?;
            Ok::<_, DbError>(Begun::Yes)
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
