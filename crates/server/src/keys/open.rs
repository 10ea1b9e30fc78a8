//! Loads the keys at start, makes the first ones, and reads them again while the server runs.

use std::sync::Arc;

use protocol::jwt::{Algorithm, JwtFault, KeySet, Pkcs8, SigningKey};
use sql::{Db, DbError};

use super::phase::Times;
use super::root_key::RootKey;
use super::rotation::{self, NewRoot, NewSigningKey};
use super::server_keys::ServerKeys;
use super::signer::{Published, Signer};
use super::store::{self, ServerKeyRow, SigningKeyRow, in_use};
use super::wrapping::Wrapping;
use crate::config::Keys;
use crate::random::Random;
use crate::time::{Clock, Timestamp};

/// Why the keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The operator's key is missing, unreadable or another one.
    #[error("keys.operator_key_file: {0}")]
    OperatorKey(String),
    /// A key in the database does not open.
    #[error("the key {0} in the database is damaged, or was encrypted for another place")]
    Broken(String),
    /// The cryptographic library refused a key.
    #[error("a signing key cannot be used: {0}")]
    Signing(#[from] JwtFault),
    /// The database.
    #[error("the keys cannot be read: {0}")]
    Database(#[from] DbError),
}

/// Loads every key, making the first ones in a fresh database.
///
/// # Errors
/// When the operator's key does not fit, or the database or the library refuses.
pub async fn open(db: &Db, config: &Keys, clock: &Clock, random: &Random) -> Result<(ServerKeys, Signer), KeysError> {
    let now = clock.now();
    let wrapping = Wrapping::from_file(config.operator_key_file.as_deref())?;
    let (mut roots, mut signing) = read(db).await?;
    if roots.is_empty() {
        make_first(db, &wrapping, config, random, now).await?;
        (roots, signing) = read(db).await?;
    }
    // Before more keys are made: a node with the wrong operator's key must not go on with keys of its own.
    let server_keys = server_keys(&wrapping, roots, now)?;
    let algorithm = config.signing_algorithm.algorithm();
    if !signing.iter().any(|row| row.times.retired_at.is_none() && row.algorithm == algorithm.as_str()) {
        rotation::succeed_signing_key(db, config, signing.pop(), clock, random).await?;
        signing = read(db).await?.1;
    }
    Ok((server_keys, Signer::new(published(&wrapping, signing, now)?, db.backlog())))
}

/// Reads the keys again: another process may have rotated them.
///
/// # Errors
/// As [`open`]; what was loaded before stays in use.
pub async fn reload(
    db: &Db,
    config: &Keys,
    now: Timestamp,
    keys: &ServerKeys,
    signer: &Signer,
) -> Result<(), KeysError> {
    let wrapping = Wrapping::from_file(config.operator_key_file.as_deref())?;
    let (roots, signing) = read(db).await?;
    keys.replace(server_keys(&wrapping, roots, now)?);
    signer.replace(published(&wrapping, signing, now)?);
    Ok(())
}

/// Every key, oldest first.
pub(super) async fn read(db: &Db) -> Result<(Vec<ServerKeyRow>, Vec<SigningKeyRow>), DbError> {
    db.read(|tx| Ok((store::list_server_keys(tx)?, store::list_signing_keys(tx)?))).await
}

/// The very first keys are used at once: nobody has cached a key set yet. Several nodes may start at once on an empty
/// database: whose root key is number 1 wins, and its signing key is the first.
async fn make_first(
    db: &Db,
    wrapping: &Wrapping,
    config: &Keys,
    random: &Random,
    now: Timestamp,
) -> Result<(), KeysError> {
    let times = Times { created_at: now, active_at: now, retired_at: None };
    let root = NewRoot::make(wrapping, random, 1)?;
    let signing = NewSigningKey::make(wrapping, random, config.signing_algorithm.algorithm()).await?;
    let write = db.write(move |tx| {
        // A database that was handed on with its signing keys keeps them.
        if root.insert(tx, times)? && store::list_signing_keys(tx)?.is_empty() {
            signing.insert(tx, times)?;
        }
        Ok::<_, DbError>(())
    });
    Ok(write.await?)
}

pub(super) fn root_context(number: i64) -> String {
    format!("root key {number}")
}

fn server_keys(wrapping: &Wrapping, rows: Vec<ServerKeyRow>, now: Timestamp) -> Result<ServerKeys, KeysError> {
    let number = in_use(&rows, |row| row.times, now).map(|row| row.number);
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        let context = root_context(row.number);
        let secret = wrapping.unwrap(&context, row.secret)?;
        all.push(Arc::new(RootKey::derive(row.number, &secret).ok_or(KeysError::Broken(context))?));
    }
    let current = all.iter().find(|key| Some(key.number) == number).map(Arc::clone);
    let current = current.ok_or_else(|| KeysError::Broken(root_context(1)))?;
    Ok(ServerKeys::new(current, all))
}

fn published(wrapping: &Wrapping, rows: Vec<SigningKeyRow>, now: Timestamp) -> Result<Published, KeysError> {
    let signing = in_use(&rows, |row| row.times, now).map(|row| row.kid.clone());
    let mut keys = Vec::with_capacity(rows.len());
    for SigningKeyRow { kid, algorithm, private_key, times } in rows {
        let algorithm = Algorithm::parse(&algorithm).ok_or_else(|| KeysError::Broken(kid.clone()))?;
        let pkcs8 = Pkcs8::new(wrapping.unwrap(&kid, private_key)?.to_vec());
        keys.push((times, Arc::new(SigningKey::from_pkcs8(algorithm, &pkcs8)?)));
    }
    let key_set = KeySet::new(keys.iter().map(|(_, key)| key.verifying_key().clone()));
    let jwks = serde_json::to_string(&key_set.jwks()).map_err(|_| KeysError::Broken("set".into()))?.into();
    let signing = keys.iter().find(|(_, key)| Some(key.kid()) == signing.as_deref());
    let signing = signing.map(|(_, key)| Arc::clone(key)).ok_or_else(|| KeysError::Broken("that signs".into()))?;
    Ok(Published { signing, keys, key_set, jwks })
}
