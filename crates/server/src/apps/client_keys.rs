//! The keys with which an app signs assertions (`private_key_jwt`): registered as one set, which the next one replaces. A
//! key that stays keeps when it was added and when it was last used.

use std::time::Duration;

use protocol::jwt::ClientKey;
use sql::{DbError, Tx, params};

use crate::ids::{AppId, AppKeyId, ClientId};
use crate::random::Random;
use crate::time::Timestamp;

/// Times of last use more precise than this are not worth a write.
const PRECISION: Duration = Duration::from_secs(60);

sql::statements! {
    /// An app's keys.
    LIST_KEYS = "SELECT id, jwk, added_at, last_used_at FROM app_keys WHERE app_id = $1 ORDER BY added_at, kid";
    /// The keys of the app that a client id names.
    LIST_KEYS_OF_CLIENT = "SELECT k.id, k.jwk, k.added_at, k.last_used_at FROM apps a JOIN app_keys k ON k.app_id = a.id
        WHERE a.client_id = $1 ORDER BY k.added_at, k.kid";
    /// Another key.
    INSERT_KEY = "INSERT INTO app_keys (id, app_id, kid, jwk, added_at) VALUES ($1, $2, $3, $4, $5)";
    /// A key that is no longer the app's.
    DELETE_KEY = "DELETE FROM app_keys WHERE id = $1";
    /// All keys of an app are over.
    DELETE_KEYS = "DELETE FROM app_keys WHERE app_id = $1";
    /// Whether a key is the app's still, and when it was last used.
    FIND_KEY_USE = "SELECT COALESCE(last_used_at, 0) FROM app_keys WHERE id = $1 AND app_id = $2";
    /// A key was used.
    TOUCH_KEY = "UPDATE app_keys SET last_used_at = $2 WHERE id = $1";
}

/// A key of an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppKey {
    /// Which one.
    pub id: AppKeyId,
    /// The key.
    pub key: ClientKey,
    /// When it was added.
    pub added_at: Timestamp,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
}

/// The keys that an app is to have, each with an id in case it is new.
#[derive(Debug, Clone)]
pub struct NewKeys(Vec<(AppKeyId, ClientKey)>);

impl NewKeys {
    /// Mints what the unit of work needs.
    pub fn mint(random: &Random, keys: Vec<ClientKey>) -> NewKeys {
        NewKeys(keys.into_iter().map(|key| (AppKeyId::mint(random), key)).collect())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What a new set of keys changed: by `kid`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct KeyChange {
    /// Keys that are new, or other keys under a known `kid`.
    pub added: Vec<String>,
    /// Keys that are gone.
    pub removed: Vec<String>,
}

/// An app's keys, oldest first.
pub fn list_keys(tx: &mut Tx<'_>, app: &AppId) -> Result<Vec<AppKey>, DbError> {
    tx.list(&LIST_KEYS, params![app], key_of)
}

/// The keys of the app that a client id names, oldest first.
pub fn list_keys_of_client(tx: &mut Tx<'_>, client_id: &ClientId) -> Result<Vec<AppKey>, DbError> {
    tx.list(&LIST_KEYS_OF_CLIENT, params![client_id], key_of)
}

fn key_of(row: &sql::Row<'_>) -> Result<AppKey, DbError> {
    let jwk: String = row.get(1)?;
    let key = ClientKey::from_json(&jwk).ok_or_else(|| DbError::Broken("not a client key".into()))?;
    Ok(AppKey { id: row.get(0)?, key, added_at: row.get(2)?, last_used_at: row.get(3)? })
}

/// Puts a set of keys in the place of the one that `before` says.
pub fn replace_keys(
    tx: &mut Tx<'_>,
    app: &AppId,
    before: &[AppKey],
    keys: &NewKeys,
    now: Timestamp,
) -> Result<KeyChange, DbError> {
    let mut change = KeyChange::default();
    for known in before {
        if !keys.0.iter().any(|(_, key)| *key == known.key) {
            tx.execute(&DELETE_KEY, params![known.id])?;
            change.removed.push(known.key.kid.clone());
        }
    }
    for (id, key) in &keys.0 {
        if !before.iter().any(|known| known.key == *key) {
            tx.execute(&INSERT_KEY, params![id, app, key.kid, key.to_json(), now])?;
            change.added.push(key.kid.clone());
        }
    }
    Ok(change)
}

/// Removes every key of an app.
pub fn delete_keys(tx: &mut Tx<'_>, app: &AppId) -> Result<(), DbError> {
    tx.execute(&DELETE_KEYS, params![app]).map(drop)
}

/// Notes that a key was used, in the unit of work that it opened; false when it is not that app's any more.
pub fn note_key_use(tx: &mut Tx<'_>, app: &AppId, key: &AppKeyId, now: Timestamp) -> Result<bool, DbError> {
    let last: Option<Timestamp> = tx.find(&FIND_KEY_USE, params![key, app], |row| row.get(0))?;
    let Some(last) = last else { return Ok(false) };
    if now >= last.plus(PRECISION) {
        tx.execute(&TOUCH_KEY, params![key, now])?;
    }
    Ok(true)
}
