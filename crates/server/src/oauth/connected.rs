//! What the account page shows under 'Connected apps': what each app holds of a person, since when, and when it last
//! used it.

use std::collections::BTreeMap;

use protocol::scope::ScopeSet;
use sql::{DbError, Row, Tx, params};

use crate::ids::{AppId, UserId};
use crate::time::Timestamp;

/// More apps than anybody looks through.
const MAX_APPS: i64 = 500;

sql::statements! {
    /// Apps whose consent the person remembers.
    LIST_CONSENTED = "SELECT a.id, r.name, r.homepage_url, a.suspended_at, a.deleted_at, k.granted_scopes,
            k.first_granted_at, u.name, u.lname, r.logo_hash
        FROM consents k JOIN apps a ON a.id = k.app_id
        JOIN app_revisions r ON r.id = COALESCE(a.approved_revision_id, a.working_revision_id)
        JOIN users u ON u.id = a.owner_id
        WHERE k.user_id = $1 ORDER BY k.app_id LIMIT $2";
    /// What the person's living grants add up to, app by app.
    LIST_HELD = "SELECT g.app_id, g.scopes, COUNT(*), MAX(g.last_used_at)
        FROM grants g JOIN apps a ON a.id = g.app_id JOIN users u ON u.id = g.user_id
        WHERE g.user_id = $1 AND g.ended_at IS NULL AND g.refresh_expires_at > $2
            AND g.created_at >= a.epoch AND g.created_at >= u.epoch
        GROUP BY g.app_id, g.scopes";
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
}

/// Why an app can do nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// A reviewer stopped it.
    Suspended,
    /// Its developer deleted it.
    Deleted,
}

/// The apps that hold something of the person, the most recently used first.
///
/// # Errors
/// When the database refuses.
pub fn connected_apps(tx: &mut Tx<'_>, user: &UserId, now: Timestamp) -> Result<Vec<ConnectedApp>, DbError> {
    let mut apps: BTreeMap<String, ConnectedApp> = BTreeMap::new();
    for app in tx.list(&LIST_CONSENTED, params![user, MAX_APPS], consented)? {
        apps.insert(app.id.as_str().to_owned(), app);
    }
    for held in tx.list(&LIST_HELD, params![user, now], held)? {
        let Some(app) = apps.get_mut(&held.app) else { continue };
        app.scopes = app.scopes.union(&held.scopes);
        app.grants += held.grants;
        app.last_used_at = app.last_used_at.max(Some(held.last_used_at));
    }
    let mut apps: Vec<ConnectedApp> = apps.into_values().collect();
    apps.sort_by_key(|app| std::cmp::Reverse((app.last_used_at, app.since)));
    Ok(apps)
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
    })
}

fn held(row: &Row<'_>) -> Result<Held, DbError> {
    Ok(Held { app: row.get(0)?, scopes: scopes(row, 1)?, grants: row.get(2)?, last_used_at: row.get(3)? })
}

fn scopes(row: &Row<'_>, index: usize) -> Result<ScopeSet, DbError> {
    let text: String = row.get(index)?;
    ScopeSet::parse(&text).map_err(|_| DbError::Broken(format!("not scopes: {text}")))
}
