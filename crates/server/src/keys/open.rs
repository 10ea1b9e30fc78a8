//! Loads the keys at start, makes what is missing, and reads them again while the server runs.

use std::sync::Arc;
use std::time::Duration;

use protocol::jwt::{Algorithm, JwtFault, KeySet, Pkcs8, SigningKey};
use sql::{Db, DbError};
use zeroize::Zeroizing;

use super::root_key::RootKey;
use super::server_keys::ServerKeys;
use super::signer::{Published, Signer};
use super::store::{self, ServerKeyRow, SigningKeyRow};
use super::wrapping::{Wrapped, Wrapping};
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
pub async fn open(
    db: &Db,
    config: &Keys,
    access_token_ttl: Duration,
    clock: &Clock,
    random: &Random,
) -> Result<(ServerKeys, Signer), KeysError> {
    let now = clock.now();
    let wrapping = Wrapping::from_file(config.operator_key_file.as_deref())?;
    let (roots, signing) = read(db).await?;
    // Without this a node with the wrong operator's key would go on to make keys of its own.
    let roots = match roots.is_empty() {
        false => roots,
        true => make_first_root(db, &wrapping, random, now).await?,
    };
    let server_keys = server_keys(&wrapping, roots, now)?;
    let algorithm = config.signing_algorithm.algorithm();
    let signing = match usable(&signing, algorithm) {
        true => signing,
        // The very first key signs at once: nobody has cached a key set yet.
        false => {
            let ahead = if signing.is_empty() { Duration::ZERO } else { config.publish_ahead.get() };
            make_signing_key(db, &wrapping, random, algorithm, now, now.plus(ahead)).await?;
            read(db).await?.1
        }
    };
    Ok((server_keys, Signer::new(published(&wrapping, signing, access_token_ttl, now)?)))
}

/// Reads the keys again: another process may have rotated them.
///
/// # Errors
/// As [`open`]; what was loaded before stays in use.
pub async fn reload(
    db: &Db,
    config: &Keys,
    access_token_ttl: Duration,
    now: Timestamp,
    keys: &ServerKeys,
    signer: &Signer,
) -> Result<(), KeysError> {
    let wrapping = Wrapping::from_file(config.operator_key_file.as_deref())?;
    let (roots, signing) = read(db).await?;
    keys.replace(server_keys(&wrapping, roots, now)?);
    signer.replace(published(&wrapping, signing, access_token_ttl, now)?);
    Ok(())
}

/// Makes a new signing key: published now, signing once every cache has it. Gives its id and when it begins to sign.
///
/// # Errors
/// As [`open`].
pub async fn rotate_signing_key(
    db: &Db,
    config: &Keys,
    clock: &Clock,
    random: &Random,
) -> Result<(String, Timestamp), KeysError> {
    let now = clock.now();
    let active_at = now.plus(config.publish_ahead.get());
    let wrapping = Wrapping::from_file(config.operator_key_file.as_deref())?;
    let kid = make_signing_key(db, &wrapping, random, config.signing_algorithm.algorithm(), now, active_at).await?;
    Ok((kid, active_at))
}

async fn read(db: &Db) -> Result<(Vec<ServerKeyRow>, Vec<SigningKeyRow>), DbError> {
    db.read(|tx| Ok((store::list_server_keys(tx)?, store::list_signing_keys(tx)?))).await
}

/// A key that is not yet retired and of the wanted algorithm exists.
fn usable(rows: &[SigningKeyRow], algorithm: Algorithm) -> bool {
    rows.iter().any(|row| row.retired_at.is_none() && row.algorithm == algorithm.as_str())
}

async fn make_first_root(
    db: &Db,
    wrapping: &Wrapping,
    random: &Random,
    now: Timestamp,
) -> Result<Vec<ServerKeyRow>, KeysError> {
    let secret = Zeroizing::new(random.bytes::<32>());
    let wrapped = wrapping.wrap(random, &root_context(1), secret.as_slice())?;
    // Several nodes may start at once on an empty database: one insert wins, all read the same row.
    Ok(db
        .write(move |tx| {
            store::insert_server_key(tx, 1, &wrapped, now, now)?;
            store::list_server_keys(tx)
        })
        .await?)
}

async fn make_signing_key(
    db: &Db,
    wrapping: &Wrapping,
    random: &Random,
    algorithm: Algorithm,
    now: Timestamp,
    active_at: Timestamp,
) -> Result<String, KeysError> {
    let key = tokio::task::spawn_blocking(move || SigningKey::generate(algorithm))
        .await
        .map_err(|_| KeysError::Signing(JwtFault::KeyRejected))??;
    let kid = key.kid().to_owned();
    let wrapped = wrapping.wrap(random, &kid, key.to_pkcs8()?.expose())?;
    let id = kid.clone();
    db.write(move |tx| {
        store::insert_signing_key(tx, &id, algorithm.as_str(), &wrapped, now, active_at)?;
        store::retire_signing_keys(tx, active_at, &id).map(drop)
    })
    .await
    .map_err(|error: DbError| KeysError::from(error))?;
    Ok(kid)
}

fn root_context(number: i64) -> String {
    format!("root key {number}")
}

fn server_keys(wrapping: &Wrapping, rows: Vec<ServerKeyRow>, now: Timestamp) -> Result<ServerKeys, KeysError> {
    let mut all = Vec::with_capacity(rows.len());
    let mut current: Option<Arc<RootKey>> = None;
    for row in rows {
        let context = root_context(row.number);
        let secret = wrapping.unwrap(&context, row.secret)?;
        let key = Arc::new(RootKey::derive(row.number, &secret).ok_or(KeysError::Broken(context))?);
        if row.active_at <= now || current.is_none() {
            current = Some(Arc::clone(&key));
        }
        all.push(key);
    }
    let current = current.ok_or_else(|| KeysError::Broken(root_context(1)))?;
    Ok(ServerKeys::new(current, all))
}

fn published(
    wrapping: &Wrapping,
    rows: Vec<SigningKeyRow>,
    access_token_ttl: Duration,
    now: Timestamp,
) -> Result<Published, KeysError> {
    let mut signing: Option<Arc<SigningKey>> = None;
    let mut next: Option<(Timestamp, Arc<SigningKey>)> = None;
    let mut verifying = Vec::with_capacity(rows.len());
    for row in rows {
        // A retired key verifies until the last token it can have signed is over.
        if row.retired_at.is_some_and(|at| at.plus(access_token_ttl) < now) {
            continue;
        }
        let algorithm = Algorithm::parse(&row.algorithm).ok_or_else(|| KeysError::Broken(row.kid.clone()))?;
        let private_key: Wrapped = row.private_key;
        let pkcs8 = Pkcs8::new(wrapping.unwrap(&row.kid, private_key)?.to_vec());
        let key = Arc::new(SigningKey::from_pkcs8(algorithm, &pkcs8)?);
        verifying.push(key.verifying_key().clone());
        if row.active_at > now {
            next = Some((row.active_at, key));
        } else if row.retired_at.is_none_or(|at| at > now) || signing.is_none() {
            signing = Some(key);
        }
    }
    let key_set = KeySet::new(verifying);
    let jwks = serde_json::to_string(&key_set.jwks()).map_err(|_| KeysError::Broken("set".into()))?.into();
    let signing = signing.or_else(|| next.as_ref().map(|(_, key)| Arc::clone(key)));
    let signing = signing.ok_or_else(|| KeysError::Broken("that signs".into()))?;
    Ok(Published { signing, next, key_set, jwks })
}
