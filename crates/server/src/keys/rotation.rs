//! One key after the other: by schedule, by hand, and until what an old one made has expired.

use std::time::Duration;

use protocol::jwt::{Algorithm, JwtFault, SigningKey};
use sql::{Db, DbError, Tx};
use tracing::info;
use zeroize::Zeroizing;

use super::KeysError;
use super::open::{read, root_context};
use super::phase::{Times, gone_before};
use super::store::{self, ServerKeyRow, SigningKeyRow};
use super::wrapping::{Wrapped, Wrapping};
use crate::config::Keys;
use crate::random::Random;
use crate::time::{Clock, Timestamp};

/// How long what keys make lives at most.
#[derive(Debug, Clone, Copy)]
pub struct Lives {
    /// What signing keys sign: access tokens.
    pub signed: Duration,
    /// What root keys make: refresh tokens, and the cookie of a known browser.
    pub of_roots: Duration,
}

/// Makes what successors are due, and lets go of keys whose work has expired by the settled time. Any node may do it,
/// several at once too.
///
/// # Errors
/// When the operator's key does not fit, or the database or the library refuses.
pub async fn maintain(
    db: &Db,
    config: &Keys,
    lives: Lives,
    (clock, settled): (&Clock, Timestamp),
    random: &Random,
) -> Result<(), KeysError> {
    let now = clock.now();
    let ahead = config.publish_ahead.get();
    let (mut roots, mut signing) = read(db).await?;
    let is_due =
        |newest: Option<Times>, after: Duration| newest.is_some_and(|times| times.needs_successor(after, ahead, now));
    let (signed_before, made_before) = (gone_before(lives.signed, settled), gone_before(lives.of_roots, settled));
    let is_gone = |times: Times, before: Timestamp| times.retired_at.is_some_and(|at| at < before);
    if signing.iter().any(|row| is_gone(row.times, signed_before))
        || roots.iter().any(|row| is_gone(row.times, made_before))
    {
        let write = db.write(move |tx| {
            let gone = (store::bury_signing_keys(tx, signed_before, now)?, store::delete_server_keys(tx, made_before)?);
            Ok::<_, DbError>(gone)
        });
        let (signing, roots) = write.await?;
        info!(signing, roots, "keys are gone: what they made has expired");
    }
    // What was seen is what gets a successor: should another node have made one meanwhile, the claim is lost.
    if is_due(signing.last().map(|row| row.times), config.rotate_signing_key_after.get())
        && let Some((kid, active_at)) = succeed_signing_key(db, config, signing.pop(), clock, random).await?
    {
        info!(kid, active_at = active_at.to_iso(), "a new signing key is published");
    }
    if is_due(roots.last().map(|row| row.times), config.rotate_root_key_after.get())
        && let Some((number, active_at)) = succeed_root_key(db, config, roots.pop(), clock, random).await?
    {
        info!(number, active_at = active_at.to_iso(), "a new root key is known");
    }
    Ok(())
}

/// Makes a new signing key: published now, signing once every cache has it. Gives its id and when it begins to sign;
/// nothing when another process has just made one.
///
/// # Errors
/// As [`maintain`].
pub async fn rotate_signing_key(
    db: &Db,
    config: &Keys,
    clock: &Clock,
    random: &Random,
) -> Result<Option<(String, Timestamp)>, KeysError> {
    let newest = read(db).await?.1.pop();
    succeed_signing_key(db, config, newest, clock, random).await
}

/// Makes the successor of that signing key, the newest one that was seen, or the first key where there was none.
pub(super) async fn succeed_signing_key(
    db: &Db,
    config: &Keys,
    newest: Option<SigningKeyRow>,
    clock: &Clock,
    random: &Random,
) -> Result<Option<(String, Timestamp)>, KeysError> {
    let wrapping = Wrapping::from_file(config.operator_key_file.as_deref())?;
    let key = NewSigningKey::make(&wrapping, random, config.signing_algorithm.algorithm()).await?;
    let kid = key.kid.clone();
    let now = clock.now();
    let active_at = follows(newest.as_ref().map(|newest| newest.times), config, now);
    let times = Times { created_at: now, active_at, retired_at: None };
    let write = db.write(move |tx| {
        let won = match &newest {
            Some(newest) => store::claim_succession(tx, &newest.kid, active_at)?,
            None => {
                // A database that was restored without its signing keys: one of several nodes makes the first.
                store::hold_server_keys(tx)?;
                store::list_signing_keys(tx)?.is_empty()
            }
        };
        if won {
            key.insert(tx, times)?;
        }
        Ok::<_, DbError>(won)
    });
    Ok(write.await?.then_some((kid, active_at)))
}

/// Makes a new root key: known to every node before any uses it. Gives its number and when it comes into use; nothing when
/// another process has just made one.
///
/// # Errors
/// As [`maintain`].
pub async fn rotate_root_key(
    db: &Db,
    config: &Keys,
    clock: &Clock,
    random: &Random,
) -> Result<Option<(i64, Timestamp)>, KeysError> {
    let newest = read(db).await?.0.pop();
    succeed_root_key(db, config, newest, clock, random).await
}

async fn succeed_root_key(
    db: &Db,
    config: &Keys,
    newest: Option<ServerKeyRow>,
    clock: &Clock,
    random: &Random,
) -> Result<Option<(i64, Timestamp)>, KeysError> {
    let wrapping = Wrapping::from_file(config.operator_key_file.as_deref())?;
    let number = newest.as_ref().map_or(1, |newest| newest.number.saturating_add(1));
    let root = NewRoot::make(&wrapping, random, number)?;
    let now = clock.now();
    let active_at = follows(newest.map(|newest| newest.times), config, now);
    let times = Times { created_at: now, active_at, retired_at: None };
    let write = db.write(move |tx| {
        let won = root.insert(tx, times)?;
        if won {
            store::retire_server_keys(tx, active_at, number)?;
        }
        Ok::<_, DbError>(won)
    });
    Ok(write.await?.then_some((number, active_at)))
}

/// When a key made now takes over: once everybody knows it, and never before the newest one, should that wait itself. The
/// first one does so at once: nobody has heard of another.
fn follows(newest: Option<Times>, config: &Keys, now: Timestamp) -> Timestamp {
    newest.map_or(now, |newest| now.plus(config.publish_ahead.get()).max(newest.active_at))
}

/// A signing key that no row holds yet.
pub(super) struct NewSigningKey {
    pub kid: String,
    algorithm: Algorithm,
    private_key: Wrapped,
}

impl NewSigningKey {
    pub async fn make(wrapping: &Wrapping, random: &Random, algorithm: Algorithm) -> Result<Self, KeysError> {
        let key = tokio::task::spawn_blocking(move || SigningKey::generate(algorithm))
            .await
            .map_err(|_| KeysError::Signing(JwtFault::KeyRejected))??;
        let kid = key.kid().to_owned();
        let private_key = wrapping.wrap(random, &kid, key.to_pkcs8()?.expose())?;
        Ok(NewSigningKey { kid, algorithm, private_key })
    }

    pub fn insert(&self, tx: &mut Tx<'_>, times: Times) -> Result<(), DbError> {
        store::insert_signing_key(tx, &self.kid, self.algorithm.as_str(), &self.private_key, times)
    }
}

/// A root key that no row holds yet.
pub(super) struct NewRoot {
    number: i64,
    secret: Wrapped,
}

impl NewRoot {
    pub fn make(wrapping: &Wrapping, random: &Random, number: i64) -> Result<Self, KeysError> {
        let secret = Zeroizing::new(random.bytes::<32>());
        Ok(NewRoot { number, secret: wrapping.wrap(random, &root_context(number), secret.as_slice())? })
    }

    /// False when another node made that number first.
    pub fn insert(&self, tx: &mut Tx<'_>, times: Times) -> Result<bool, DbError> {
        store::insert_server_key(tx, self.number, &self.secret, times)
    }
}
