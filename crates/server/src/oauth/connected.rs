//! What the account page shows under 'Connected apps': what each app holds of a person, since when, and when it last
//! used it.

use std::collections::BTreeMap;

use protocol::scope::ScopeSet;
use sql::{DbError, Row, Tx, params};

use crate::ids::{AppId, UserId};
use crate::time::Timestamp;

/// Apps on a page.
const PAGE: usize = 25;

sql::statements! {
    /// A page of the apps whose consent the person remembers, the latest answer first.
    LIST_CONSENTED = "SELECT a.id, r.name, r.homepage_url, a.suspended_at, a.deleted_at, k.granted_scopes,
            k.first_granted_at, u.name, u.lname, r.logo_hash, k.answered_at
        FROM consents k JOIN apps a ON a.id = k.app_id
        JOIN app_revisions r ON r.id = COALESCE(a.approved_revision_id, a.working_revision_id)
        JOIN users u ON u.id = a.owner_id
        WHERE k.user_id = $1 AND (k.answered_at, k.app_id) < ($2, $3)
        ORDER BY k.answered_at DESC, k.app_id DESC LIMIT $4";
    /// What the person's living grants add up to, app by app, for the apps of a page: those answered between two of them.
    LIST_HELD = "SELECT g.app_id, g.scopes, COUNT(*), MAX(g.last_used_at)
        FROM consents k JOIN apps a ON a.id = k.app_id JOIN users u ON u.id = k.user_id
        JOIN grants g ON g.user_id = k.user_id AND g.app_id = k.app_id
        WHERE k.user_id = $1 AND (k.answered_at, k.app_id) <= ($3, $4) AND (k.answered_at, k.app_id) >= ($5, $6)
            AND g.ended_at IS NULL AND g.refresh_expires_at > $2 AND g.created_at >= a.epoch AND g.created_at >= u.epoch
        GROUP BY g.app_id, g.scopes";
    /// Some of the apps whose consent the person remembers, in the order of their ids, each with its first consent and,
    /// where a grant lives, the last use.
    LIST_REMOVABLE = "SELECT k.app_id, k.first_granted_at,
            (SELECT MAX(g.last_used_at) FROM grants g JOIN apps a ON a.id = g.app_id JOIN users u ON u.id = g.user_id
                WHERE g.user_id = k.user_id AND g.app_id = k.app_id AND g.ended_at IS NULL AND g.refresh_expires_at > $2
                    AND g.created_at >= a.epoch AND g.created_at >= u.epoch)
        FROM consents k WHERE k.user_id = $1 AND k.app_id > $3 ORDER BY k.app_id LIMIT $4";
}

/// An app that holds something of a person.
#[derive(Debug, Clone)]
pub struct ConnectedApp {
    /// The app.
    pub id: AppId,
    /// Its name.
    pub name: String,
    /// Its developer's name.
    pub developer: String,
    /// SHA-256 of the verified logo, when there is one.
    pub logo: Option<[u8; 32]>,
    /// Its homepage.
    pub homepage_url: String,
    /// Why it can do nothing at the moment.
    pub stopped: Option<Stopped>,
    /// What it may do: what was ticked last, and what earlier grants still hold.
    pub scopes: ScopeSet,
    /// When the person first let it in.
    pub since: Timestamp,
    /// When it last used a token; none when it holds none.
    pub last_used_at: Option<Timestamp>,
    /// How many grants live.
    pub grants: i64,
    /// When the person last answered about it: where it stands in the list.
    pub answered_at: Timestamp,
}

/// Where a page begins: after this app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AfterApp {
    answered_at: Timestamp,
    app: String,
}

impl AfterApp {
    /// The beginning of the list.
    pub fn start() -> AfterApp {
        AfterApp { answered_at: Timestamp::from_millis(i64::MAX), app: String::new() }
    }

    /// As a page's address carries it.
    pub fn to_text(&self) -> String {
        format!("{}.{}", self.answered_at.as_millis(), self.app)
    }

    /// Reads it; what makes no sense is the beginning.
    pub fn read(text: Option<&str>) -> AfterApp {
        let place = text.and_then(|text| text.split_once('.')).and_then(|(at, app)| {
            Some(AfterApp { answered_at: Timestamp::from_millis(at.parse().ok()?), app: app.to_owned() })
        });
        place.unwrap_or_else(AfterApp::start)
    }
}

/// A page of the apps that hold something of a person.
#[derive(Debug, Clone)]
pub struct ConnectedApps {
    /// They, the one that was allowed last first.
    pub apps: Vec<ConnectedApp>,
    /// Where the next page begins, if there is one.
    pub next: Option<AfterApp>,
}

/// Why an app can do nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// A reviewer stopped it.
    Suspended,
    /// Its developer deleted it.
    Deleted,
}

/// A page of the apps that hold something of the person: what it costs, it costs whatever else the person has allowed.
///
/// # Errors
/// When the database refuses.
pub fn connected_apps(
    tx: &mut Tx<'_>,
    user: &UserId,
    after: &AfterApp,
    now: Timestamp,
) -> Result<ConnectedApps, DbError> {
    let most = i64::try_from(PAGE + 1).unwrap_or(i64::MAX);
    let mut apps = tx.list(&LIST_CONSENTED, params![user, after.answered_at, after.app, most], consented)?;
    let more = apps.len() > PAGE;
    apps.truncate(PAGE);
    let (Some(first), Some(last)) = (apps.first().map(place), apps.last().map(place)) else {
        return Ok(ConnectedApps { apps, next: None });
    };
    let range = params![user, now, first.answered_at, first.app, last.answered_at, last.app];
    let mut of_app: BTreeMap<String, Vec<Held>> = BTreeMap::new();
    for held in tx.list(&LIST_HELD, range, held)? {
        of_app.entry(held.app.clone()).or_default().push(held);
    }
    for app in &mut apps {
        for held in of_app.remove(app.id.as_str()).unwrap_or_default() {
            app.scopes = app.scopes.union(&held.scopes);
            app.grants += held.grants;
            app.last_used_at = app.last_used_at.max(Some(held.last_used_at));
        }
    }
    Ok(ConnectedApps { apps, next: more.then_some(last) })
}

fn place(app: &ConnectedApp) -> AfterApp {
    AfterApp { answered_at: app.answered_at, app: app.id.to_string() }
}

/// An app whose access can be removed.
#[derive(Debug, Clone)]
pub struct Removable {
    /// The app.
    pub app: AppId,
    /// When it last used a token or, where it holds none, when the person first let it in.
    pub last_of_it: Timestamp,
}

/// At most so many of the apps that hold something of the person, in the order of their ids, after that one.
///
/// # Errors
/// When the database refuses.
pub fn list_removable(
    tx: &mut Tx<'_>,
    user: &UserId,
    after: &str,
    most: usize,
    now: Timestamp,
) -> Result<Vec<Removable>, DbError> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    tx.list(&LIST_REMOVABLE, params![user, now, after, most], |row| {
        let (since, last_used): (Timestamp, Option<Timestamp>) = (row.get(1)?, row.get(2)?);
        Ok(Removable { app: row.get(0)?, last_of_it: last_used.unwrap_or(since) })
    })
}

struct Held {
    app: String,
    scopes: ScopeSet,
    grants: i64,
    last_used_at: Timestamp,
}

fn consented(row: &Row<'_>) -> Result<ConnectedApp, DbError> {
    let suspended: Option<Timestamp> = row.get(3)?;
    let deleted: Option<Timestamp> = row.get(4)?;
    Ok(ConnectedApp {
        id: row.get(0)?,
        name: row.get(1)?,
        developer: format!("{} {}", row.get::<String>(7)?, row.get::<String>(8)?).trim().to_owned(),
        logo: row.get(9)?,
        homepage_url: row.get(2)?,
        stopped: deleted.map(|_| Stopped::Deleted).or(suspended.map(|_| Stopped::Suspended)),
        scopes: scopes(row, 5)?,
        since: row.get(6)?,
        last_used_at: None,
        grants: 0,
        answered_at: row.get(10)?,
    })
}

fn held(row: &Row<'_>) -> Result<Held, DbError> {
    Ok(Held { app: row.get(0)?, scopes: scopes(row, 1)?, grants: row.get(2)?, last_used_at: row.get(3)? })
}

fn scopes(row: &Row<'_>, index: usize) -> Result<ScopeSet, DbError> {
    let text: String = row.get(index)?;
    ScopeSet::parse(&text).map_err(|_| DbError::Broken(format!("not scopes: {text}")))
}
