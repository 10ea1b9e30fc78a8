//! SQL of the view of revocations: what it loads, a page at a time, and what it reads again when that is announced.

use sql::{DbError, Row, Tx, params};

use super::grant::Generation;
use crate::ids::{AppId, ClientId, GrantId, UserId};
use crate::time::Timestamp;

/// How many rows are read at once.
const PAGE: i64 = 5_000;

sql::statements! {
    /// Revocations that living tokens may fall under, by grant and generation.
    PAGE_OF_REVOCATIONS = "SELECT grant_id, generation, until_at FROM revocations
        WHERE (grant_id, generation) > ($1, $2) AND until_at >= $3 ORDER BY grant_id, generation LIMIT $4";
    /// Those of one grant.
    LIST_REVOCATIONS = "SELECT grant_id, generation, until_at FROM revocations WHERE grant_id = $1 LIMIT 10000";
    /// Accounts whose epoch living tokens may be older than.
    PAGE_OF_ENDED_USERS = "SELECT id, epoch, locked_at, deleted_at FROM users
        WHERE epoch > 0 AND (epoch, id) > ($1, $2) ORDER BY epoch, id LIMIT $3";
    /// How one account stands.
    FIND_USER_END = "SELECT id, epoch, locked_at, deleted_at FROM users WHERE id = $1";
    /// Apps that everybody may use.
    PAGE_OF_OPEN_APPS = "SELECT id, client_id, epoch, suspended_at, serving_scopes, approved_revision_id, deleted_at FROM apps
        WHERE id > $1 AND approved_revision_id IS NOT NULL AND deleted_at IS NULL ORDER BY id LIMIT $2";
    /// How one app stands.
    FIND_APP_STATE = "SELECT id, client_id, epoch, suspended_at, serving_scopes, approved_revision_id, deleted_at FROM apps
        WHERE id = $1";
}

/// Access tokens that died before their time.
pub struct Revoked {
    /// Of that grant.
    pub grant: GrantId,
    /// One generation of it; none is all of it.
    pub generation: Option<Generation>,
    /// When the last of them expires.
    pub until: Timestamp,
}

/// How an account stands whose tokens were ended.
pub struct UserEnd {
    /// The account.
    pub id: UserId,
    /// What it gave before is dead.
    pub epoch: Timestamp,
    /// Locked or deleted.
    pub is_closed: bool,
}

/// How an app stands.
pub struct AppState {
    /// The app.
    pub id: AppId,
    /// Its client id.
    pub client_id: ClientId,
    /// What it got before is dead.
    pub epoch: Timestamp,
    /// Neither suspended nor deleted.
    pub serves: bool,
    /// Approved: whether a person may use it does not depend on the person.
    pub is_open: bool,
    /// What it may ask for, as the database has it.
    pub scopes: String,
}

/// Every revocation whose tokens may live at `since`.
pub fn each_revocation(tx: &mut Tx<'_>, since: Timestamp, mut take: impl FnMut(Revoked)) -> Result<(), DbError> {
    let (mut grant, mut generation) = (String::new(), 0_i64);
    loop {
        let page = tx.list(&PAGE_OF_REVOCATIONS, params![grant, generation, since, PAGE], |row| {
            Ok((row.get::<String>(0)?, row.get::<i64>(1)?, revoked_of(row)?))
        })?;
        let is_last = is_last(page.len());
        for (id, number, revoked) in page {
            (grant, generation) = (id, number);
            take(revoked);
        }
        if is_last {
            return Ok(());
        }
    }
}

/// The revocations of one grant.
pub fn list_revocations(tx: &mut Tx<'_>, grant: &str) -> Result<Vec<Revoked>, DbError> {
    tx.list(&LIST_REVOCATIONS, params![grant], revoked_of)
}

/// Every account whose epoch is later than `since`.
pub fn each_ended_user(tx: &mut Tx<'_>, since: Timestamp, mut take: impl FnMut(UserEnd)) -> Result<(), DbError> {
    let (mut epoch, mut id) = (since, String::new());
    loop {
        let page = tx.list(&PAGE_OF_ENDED_USERS, params![epoch, id, PAGE], user_of)?;
        let is_last = is_last(page.len());
        for user in page {
            (epoch, id) = (user.epoch, user.id.as_str().to_owned());
            take(user);
        }
        if is_last {
            return Ok(());
        }
    }
}

/// How an account stands; nothing when it is gone.
pub fn find_user(tx: &mut Tx<'_>, id: &str) -> Result<Option<UserEnd>, DbError> {
    tx.find(&FIND_USER_END, params![id], user_of)
}

/// Every app that everybody may use.
pub fn each_open_app(tx: &mut Tx<'_>, mut take: impl FnMut(AppState) -> Result<(), DbError>) -> Result<(), DbError> {
    let mut id = String::new();
    loop {
        let page = tx.list(&PAGE_OF_OPEN_APPS, params![id, PAGE], app_of)?;
        let is_last = is_last(page.len());
        for app in page {
            id = app.id.as_str().to_owned();
            take(app)?;
        }
        if is_last {
            return Ok(());
        }
    }
}

/// How an app stands.
pub fn find_app(tx: &mut Tx<'_>, id: &str) -> Result<Option<AppState>, DbError> {
    tx.find(&FIND_APP_STATE, params![id], app_of)
}

fn is_last(rows: usize) -> bool {
    rows < usize::try_from(PAGE).unwrap_or(usize::MAX)
}

fn revoked_of(row: &Row<'_>) -> Result<Revoked, DbError> {
    let generation = match row.get::<i64>(1)? {
        ..0 => None,
        _ => Some(row.get(1)?),
    };
    Ok(Revoked { grant: row.get(0)?, generation, until: row.get(2)? })
}

fn user_of(row: &Row<'_>) -> Result<UserEnd, DbError> {
    let (locked_at, deleted_at): (Option<Timestamp>, Option<Timestamp>) = (row.get(2)?, row.get(3)?);
    Ok(UserEnd { id: row.get(0)?, epoch: row.get(1)?, is_closed: locked_at.is_some() || deleted_at.is_some() })
}

fn app_of(row: &Row<'_>) -> Result<AppState, DbError> {
    let (suspended_at, deleted_at): (Option<Timestamp>, Option<Timestamp>) = (row.get(3)?, row.get(6)?);
    let approved: Option<String> = row.get(5)?;
    Ok(AppState {
        id: row.get(0)?,
        client_id: row.get(1)?,
        epoch: row.get(2)?,
        serves: suspended_at.is_none() && deleted_at.is_none(),
        is_open: approved.is_some() && deleted_at.is_none(),
        scopes: row.get(4)?,
    })
}
