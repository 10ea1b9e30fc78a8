//! What the endpoints read, each in one look-up by keys: the app that asks with its secrets, and beside it the code or
//! the grant with the account behind it.
//!
//! An app has a secret or two; each comes with a row of its own, the rest of the row repeated.

use protocol::jwt::Thumbprint;
use protocol::pkce::CodeChallenge;
use protocol::redirect_uri::ClientKind;
use protocol::scope::ScopeSet;
use protocol::secret::Sha256Digest;
use sql::{Cell, DbError, FromValue, Row, Statement, Tx, Value, params};

use super::codes::Code;
use super::grant::{Account, Family, Generation, Grant, Previous};
use crate::apps::{SecretHash, TokenApp};
use crate::catalogue::Targets;
use crate::ids::{ClientId, GrantId, SecretId, UserId};
use crate::time::Timestamp;

/// The app `a`: 12 columns.
macro_rules! app_columns {
    () => {
        "a.id, a.client_id, a.kind, a.suspended_at, a.deleted_at, a.epoch, a.serving_scopes, a.approved_revision_id,
        a.pkce_required_at, a.expires_in_as_time_at, a.assertions_only_at,
        a.dpop_required_at"
    };
}
const APP_COLUMNS: usize = 12;

/// A secret `s` of the app: 4 columns.
macro_rules! secret_columns {
    () => {
        "s.id, s.secret_hash, s.expires_at, s.last_used_at"
    };
}
const SECRET_COLUMNS: usize = 4;

/// The account `u`, and whether it may use the app `a`: 4 columns.
macro_rules! account_columns {
    () => {
        "u.locked_at, u.deleted_at, u.epoch, CAST(CASE WHEN a.approved_revision_id IS NOT NULL OR a.owner_id = u.id
        OR EXISTS (SELECT 1 FROM testers t WHERE t.app_id = a.id AND t.user_id = u.id)
        OR EXISTS (SELECT 1 FROM collaborators l WHERE l.app_id = a.id AND l.user_id = u.id)
        OR EXISTS (SELECT 1 FROM review_trials v WHERE v.app_id = a.id AND v.user_id = u.id)
        THEN 1 ELSE 0 END AS BIGINT)"
    };
}
const ACCOUNT_COLUMNS: usize = 4;

/// The grant `g`: 20 columns.
macro_rules! grant_columns {
    () => {
        "g.id, g.app_id, g.user_id, g.scopes, g.authenticated_at, g.created_at, g.generation, g.secret_hash, g.rotated_at,
        g.previous_generation, g.previous_secret_hash, g.previous_rotated_at, g.key_number, g.successor_used_at,
        g.access_until, g.refresh_expires_at, g.ended_at, g.session_id, g.targets, g.dpop_jkt"
    };
}

/// Where a client's look-up has the account, and what comes after it.
const ACCOUNT: usize = APP_COLUMNS + SECRET_COLUMNS;
const BESIDE: usize = ACCOUNT + ACCOUNT_COLUMNS;

sql::statements! {
    /// The app that a client id names.
    FIND_CLIENT = concat!("SELECT ", app_columns!(), ", ", secret_columns!(), "
        FROM apps a LEFT JOIN app_secrets s ON s.app_id = a.id WHERE a.client_id = $1");
    /// The app, and a code with the account and the consent behind it.
    FIND_CLIENT_AND_CODE = concat!("SELECT ", app_columns!(), ", ", secret_columns!(), ", ", account_columns!(), ",
            c.app_id, c.user_id, c.session_id, c.redirect_uri, c.scopes, c.code_challenge, c.authenticated_at,
            c.created_at, c.expires_at, c.redeemed_at, c.grant_id, k.answered_at, c.nonce, c.targets, c.dpop_jkt
        FROM apps a LEFT JOIN app_secrets s ON s.app_id = a.id
        LEFT JOIN authorization_codes c ON c.code_hash = $2
        LEFT JOIN users u ON u.id = c.user_id
        LEFT JOIN consents k ON k.user_id = c.user_id AND k.app_id = c.app_id
        WHERE a.client_id = $1");
    /// The app, and a grant with the account behind it.
    FIND_CLIENT_AND_GRANT = concat!("SELECT ", app_columns!(), ", ", secret_columns!(), ", ", account_columns!(), ", ", grant_columns!(), "
        FROM apps a LEFT JOIN app_secrets s ON s.app_id = a.id
        LEFT JOIN grants g ON g.id = $2
        LEFT JOIN users u ON u.id = g.user_id
        WHERE a.client_id = $1");
    /// Everything that an access token's worth depends on.
    FIND_STANDING = concat!("SELECT ", app_columns!(), ", ", account_columns!(), ",
            g.generation, g.successor_used_at, g.ended_at, g.created_at, g.user_id, r.revoked_at
        FROM grants g JOIN apps a ON a.id = g.app_id JOIN users u ON u.id = g.user_id
        LEFT JOIN revocations r ON r.grant_id = g.id AND r.generation = $2
        WHERE g.id = $1");
}

/// The app that a client id names.
pub fn find_client(tx: &mut Tx<'_>, client_id: &ClientId) -> Result<Option<TokenApp>, DbError> {
    let found = find_app_and(tx, &FIND_CLIENT, params![client_id], |_| Ok(()))?;
    Ok(found.map(|(app, ())| app))
}

/// Something that stands behind a token or code, if it is there, and the account it belongs to, if that exists still.
pub type Beside<T> = Option<(T, Option<Account>)>;

/// The app that a client id names, and the code of that hash.
pub fn find_client_and_code(
    tx: &mut Tx<'_>,
    client_id: &ClientId,
    code: &Sha256Digest,
) -> Result<Option<(TokenApp, Beside<Code>)>, DbError> {
    find_app_and(tx, &FIND_CLIENT_AND_CODE, params![client_id, code.as_bytes()], |row| {
        if is_null(row, BESIDE)? {
            return Ok(None);
        }
        Ok(Some((code_of(row, BESIDE)?, account_of(row, ACCOUNT)?)))
    })
}

/// The app that a client id names, and the grant of that id.
pub fn find_client_and_grant(
    tx: &mut Tx<'_>,
    client_id: &ClientId,
    grant: GrantId,
) -> Result<Option<(TokenApp, Beside<Grant>)>, DbError> {
    find_app_and(tx, &FIND_CLIENT_AND_GRANT, params![client_id, grant.to_string()], |row| {
        if is_null(row, BESIDE)? {
            return Ok(None);
        }
        Ok(Some((grant_of(row, BESIDE)?, account_of(row, ACCOUNT)?)))
    })
}

/// Everything that the worth of an access token depends on, now.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The account behind the grant.
    pub account: Account,
    /// The grant's current generation.
    pub generation: Generation,
    /// Whether a token of that generation was used before.
    pub successor_used: bool,
    /// The grant is over.
    pub ended: bool,
    /// This generation was withdrawn.
    pub withdrawn: bool,
    /// When the person gave the grant.
    pub created_at: Timestamp,
    /// The person.
    pub user_id: UserId,
    /// The app; its secrets were not looked up.
    pub app: TokenApp,
}

/// What an access token of that grant and generation stands on; nothing when the grant is not there.
pub fn find_standing(tx: &mut Tx<'_>, grant: GrantId, generation: Generation) -> Result<Option<Standing>, DbError> {
    tx.find(&FIND_STANDING, params![grant.to_string(), generation], |row| {
        let first = APP_COLUMNS + ACCOUNT_COLUMNS;
        let account = account_of(row, APP_COLUMNS)?.ok_or_else(|| DbError::Broken("a grant without account".into()))?;
        Ok(Standing {
            account,
            generation: row.get(first)?,
            successor_used: !is_null(row, first + 1)?,
            ended: !is_null(row, first + 2)?,
            created_at: row.get(first + 3)?,
            user_id: row.get(first + 4)?,
            withdrawn: !is_null(row, first + 5)?,
            app: app_of(row)?,
        })
    })
}

/// Reads the app from the first row, its secrets from all, and what stands beside it from the first.
fn find_app_and<T>(
    tx: &mut Tx<'_>,
    statement: &Statement,
    params: &[Value<'_>],
    beside: impl Fn(&Row<'_>) -> Result<T, DbError>,
) -> Result<Option<(TokenApp, T)>, DbError> {
    let mut found: Option<(TokenApp, T)> = None;
    let mut secrets = Vec::new();
    tx.list(statement, params, |row| {
        secrets.extend(secret_of(row)?);
        if found.is_none() {
            found = Some((app_of(row)?, beside(row)?));
        }
        Ok(())
    })?;
    Ok(found.map(|(app, beside)| (TokenApp { secrets, ..app }, beside)))
}

fn app_of(row: &Row<'_>) -> Result<TokenApp, DbError> {
    let kind: String = row.get(2)?;
    Ok(TokenApp {
        id: row.get(0)?,
        client_id: row.get(1)?,
        kind: ClientKind::parse(&kind).ok_or_else(|| DbError::Broken(format!("unknown kind of app {kind}")))?,
        serves: is_null(row, 3)? && is_null(row, 4)?,
        epoch: row.get(5)?,
        scopes: scopes_at(row, 6)?,
        test_mode: is_null(row, 7)?,
        pkce_required: !is_null(row, 8)?,
        expires_in_as_time: !is_null(row, 9)?,
        assertions_only: !is_null(row, 10)?,
        dpop_required: !is_null(row, 11)?,
        secrets: Vec::new(),
    })
}

fn secret_of(row: &Row<'_>) -> Result<Option<SecretHash>, DbError> {
    let first = APP_COLUMNS;
    let Some(id) = row.get::<Option<SecretId>>(first)? else { return Ok(None) };
    let hash = Sha256Digest::from_bytes(row.get(first + 1)?);
    Ok(Some(SecretHash { id, hash, expires_at: row.get(first + 2)?, last_used_at: row.get(first + 3)? }))
}

fn account_of(row: &Row<'_>, first: usize) -> Result<Option<Account>, DbError> {
    let Some(epoch) = row.get::<Option<Timestamp>>(first + 2)? else { return Ok(None) };
    Ok(Some(Account {
        is_open: is_null(row, first)? && is_null(row, first + 1)?,
        epoch,
        may_use_app: row.get::<i64>(first + 3)? == 1,
    }))
}

fn code_of(row: &Row<'_>, first: usize) -> Result<Code, DbError> {
    let challenge: Option<String> = row.get(first + 5)?;
    let challenge = challenge
        .map(|text| CodeChallenge::parse(&text).ok_or_else(|| DbError::Broken("not a code challenge".into())))
        .transpose()?;
    Ok(Code {
        app_id: row.get(first)?,
        user_id: row.get(first + 1)?,
        session_id: row.get(first + 2)?,
        redirect_uri: row.get(first + 3)?,
        scopes: scopes_at(row, first + 4)?,
        code_challenge: challenge,
        authenticated_at: row.get(first + 6)?,
        created_at: row.get(first + 7)?,
        expires_at: row.get(first + 8)?,
        spent: !is_null(row, first + 9)?,
        grant_id: row.get(first + 10)?,
        consented: !is_null(row, first + 11)?,
        nonce: row.get(first + 12)?,
        targets: Targets::from_column(row.get(first + 13)?),
        dpop_jkt: key_at(row, first + 14)?,
    })
}

fn grant_of(row: &Row<'_>, first: usize) -> Result<Grant, DbError> {
    let previous = match row.get::<Option<Generation>>(first + 9)? {
        None => None,
        Some(generation) => Some(Previous {
            generation,
            secret_hash: Sha256Digest::from_bytes(row.get(first + 10)?),
            made_at: row.get(first + 11)?,
        }),
    };
    let family = Family {
        generation: row.get(first + 6)?,
        secret_hash: Sha256Digest::from_bytes(row.get(first + 7)?),
        rotated_at: row.get(first + 8)?,
        previous,
        key_number: row.get(first + 12)?,
        successor_used: !is_null(row, first + 13)?,
        access_until: row.get(first + 14)?,
        refresh_expires_at: row.get(first + 15)?,
        ended: !is_null(row, first + 16)?,
    };
    Ok(Grant {
        id: row.get(first)?,
        app_id: row.get(first + 1)?,
        user_id: row.get(first + 2)?,
        scopes: scopes_at(row, first + 3)?,
        authenticated_at: row.get(first + 4)?,
        created_at: row.get(first + 5)?,
        session_id: row.get(first + 17)?,
        targets: Targets::from_column(row.get(first + 18)?),
        dpop_jkt: key_at(row, first + 19)?,
        family,
    })
}

fn key_at(row: &Row<'_>, index: usize) -> Result<Option<Thumbprint>, DbError> {
    let text: Option<String> = row.get(index)?;
    text.map(|text| Thumbprint::parse(&text).ok_or_else(|| DbError::Broken("not a thumbprint".into()))).transpose()
}

fn scopes_at(row: &Row<'_>, index: usize) -> Result<ScopeSet, DbError> {
    let text: String = row.get(index)?;
    ScopeSet::parse(&text).map_err(|_| DbError::Broken(format!("not scopes: {text}")))
}

fn is_null(row: &Row<'_>, index: usize) -> Result<bool, DbError> {
    row.get::<Option<Ignored>>(index).map(|found| found.is_none())
}

/// A cell of which only matters whether it is null.
struct Ignored;

impl FromValue for Ignored {
    fn from_cell(_: Cell<'_>) -> Result<Self, DbError> {
        Ok(Ignored)
    }
}
