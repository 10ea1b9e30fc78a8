//! Signing, with a place and a bound of its own.
//!
//! A caller takes a [`Place`] before its unit of work, so that a unit never commits what cannot be signed, and signs after
//! the commit. RSA takes long enough to go to the blocking threads; a curve's signature costs less than the way there.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use protocol::jwt::{Algorithm, JwtFault, KeySet, SigningKey, TokenType, VerifiedToken};
use sql::Backlog;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::phase::Times;
use super::store::in_use;
use crate::time::Timestamp;

/// How many callers may hold a place: as many as may wait for one durable commit, and some.
const PLACES: usize = 1024;

/// The signing keys in use, and what others verify with.
pub struct Signer {
    keys: RwLock<Arc<Published>>,
    places: Arc<Semaphore>,
    /// RSA signatures made at once: no more than there are cores.
    slow: Arc<Semaphore>,
    /// Who waits for that, after a commit.
    backlog: Backlog,
}

/// What is published now.
pub(super) struct Published {
    /// The one that signed when the keys were read.
    pub signing: Arc<SigningKey>,
    /// Every key, in the order in which they take over.
    pub keys: Vec<(Times, Arc<SigningKey>)>,
    /// Everything that verifies.
    pub key_set: KeySet,
    /// The same as the JWK set of RFC 7517 section 5, ready to send.
    pub jwks: Arc<str>,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.published().signing.kid())
    }
}

/// Every place in the signer is taken: come back later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signer is busy")]
pub struct Busy;

/// A signature could not be made.
#[derive(Debug, thiserror::Error)]
#[error("signing failed: {0}")]
pub struct SignFailed(String);

/// A place in the signer, and the key that will sign.
#[derive(Debug)]
pub struct Place {
    key: Arc<SigningKey>,
    slow: Arc<Semaphore>,
    backlog: Backlog,
    _permit: OwnedSemaphorePermit,
}

impl Signer {
    pub(super) fn new(published: Published, backlog: Backlog) -> Signer {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Signer {
            keys: RwLock::new(Arc::new(published)),
            places: Arc::new(Semaphore::new(PLACES)),
            slow: Arc::new(Semaphore::new(cores)),
            backlog,
        }
    }

    pub(super) fn replace(&self, published: Published) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(published);
    }

    fn published(&self) -> Arc<Published> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes the key that signs now, and a place.
    ///
    /// # Errors
    /// [`Busy`] when every place is taken: more callers than a server can serve.
    pub fn place(&self, now: Timestamp) -> Result<Place, Busy> {
        let permit = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Busy)?;
        let published = self.published();
        let key = in_use(&published.keys, |(times, _)| *times, now).map_or(&published.signing, |(_, key)| key);
        Ok(Place { key: Arc::clone(key), slow: Arc::clone(&self.slow), backlog: self.backlog.clone(), _permit: permit })
    }

    /// Verifies the signature of a token of that type and gives its claims, unread; the algorithm is the key's, never the token's word.
    ///
    /// # Errors
    /// What is wrong with it, for the log.
    pub fn verify(&self, token: &str, typ: TokenType) -> Result<VerifiedToken, JwtFault> {
        self.published().key_set.verify(token, typ)
    }

    /// The JWK set (RFC 7517 section 5).
    pub fn jwks(&self) -> Arc<str> {
        Arc::clone(&self.published().jwks)
    }

    /// The algorithms that sign now and, once it is known, next.
    pub fn algorithms(&self) -> Vec<Algorithm> {
        let published = self.published();
        let from = published.keys.iter().position(|(_, key)| key.kid() == published.signing.kid()).unwrap_or_default();
        let mut algorithms: Vec<Algorithm> = published.keys[from..].iter().map(|(_, key)| key.algorithm()).collect();
        algorithms.dedup();
        algorithms
    }
}

impl Place {
    /// The algorithm of the key that signs here.
    pub fn algorithm(&self) -> Algorithm {
        self.key.algorithm()
    }

    /// Signs claims, the JSON text of an object, as a token of that type.
    ///
    /// # Errors
    /// When the library refuses, or the runtime stops.
    pub async fn sign(&self, typ: TokenType, claims: Vec<u8>) -> Result<String, SignFailed> {
        if self.key.algorithm() != Algorithm::Rs256 {
            return self.key.sign(typ, &claims).map_err(|error| SignFailed(error.to_string()));
        }
        let waiting = self.backlog.enter();
        let _turn = Arc::clone(&self.slow).acquire_owned().await.map_err(|error| SignFailed(error.to_string()))?;
        drop(waiting);
        let key = Arc::clone(&self.key);
        let signed = tokio::task::spawn_blocking(move || key.sign(typ, &claims)).await;
        signed.map_err(|error| SignFailed(error.to_string()))?.map_err(|error| SignFailed(error.to_string()))
    }
}
