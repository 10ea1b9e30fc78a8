//! What a running server remembers of tokens: figures, times of last use that wait to be written, tokens whose signature
//! was verified, generations that the database has vouched for, and the [`RevocationView`]. All of it may be lost at any
//! moment: the database is asked then.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use protocol::secret::Sha256Digest;
use sql::DbError;

use super::access_token::TokenId;
use super::client_auth::Authenticated;
use super::dpop::SeenProofs;
use super::loops::SilentAnswers;
use super::revocation_view::RevocationView;
use super::store;
use crate::app::App;
use crate::ids::{GrantId, SecretId};
use crate::time::Timestamp;

/// What a running server remembers of tokens.
#[derive(Debug)]
pub struct Memory {
    /// Figures for the operator.
    pub counters: Counters,
    /// Times of last use that wait to be written.
    pub last_used: LastUsed,
    /// Tokens whose signature was verified.
    pub verified: VerifiedTokens,
    /// Generations whose tokens the database has vouched for.
    pub vouched: VouchedFor,
    /// What stands against living tokens.
    pub view: Arc<RevocationView>,
    /// How often apps were answered without a page.
    pub silent_answers: SilentAnswers,
    /// DPoP proofs that came with calls.
    pub proofs: SeenProofs,
}

impl Memory {
    /// Nothing is remembered yet; that view has to follow the database.
    pub fn new(view: Arc<RevocationView>) -> Memory {
        Memory {
            counters: Counters::default(),
            last_used: LastUsed::default(),
            verified: VerifiedTokens::default(),
            vouched: VouchedFor::default(),
            view,
            silent_answers: SilentAnswers::default(),
            proofs: SeenProofs::default(),
        }
    }
}

/// A figure that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How many since the start.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Figures for the operator.
#[derive(Debug, Default)]
pub struct Counters {
    /// Refreshes answered with the same successor again: lost answers, and tabs that refresh at once.
    pub refresh_repeats: Counter,
    /// Refreshes that gave another successor because the first was never used.
    pub refresh_recoveries: Counter,
    /// Replays that ended their grant.
    pub refresh_replays: Counter,
    /// Tokens newer than the database: it was restored from an older backup.
    pub database_set_back: Counter,
}

/// Times more precise than this are not worth a write.
const PRECISION: Duration = Duration::from_secs(60);

/// At most this many wait; beyond, a time of last use is lost, which nobody misses for long.
const MAX_WAITING: usize = 100_000;

/// How many are written in one unit of work.
const BATCH: usize = 200;

/// Times of last use that wait to be written.
#[derive(Debug, Default)]
pub struct LastUsed(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    grants: HashMap<GrantId, Timestamp>,
    secrets: HashMap<SecretId, Timestamp>,
}

impl LastUsed {
    /// A client authenticated.
    pub fn note_client(&self, client: &Authenticated, now: Timestamp) {
        let Some(secret) = &client.secret else { return };
        if secret.last_used_at.is_some_and(|at| now < at.plus(PRECISION)) {
            return;
        }
        let mut waiting = self.lock();
        if let Some(at) = waiting.secrets.get_mut(&secret.id) {
            *at = now.max(*at);
        } else if waiting.secrets.len() < MAX_WAITING {
            waiting.secrets.insert(secret.id.clone(), now);
        }
    }

    /// An access token of the grant was used.
    pub fn note_grant(&self, grant: GrantId, now: Timestamp) {
        let mut waiting = self.lock();
        if let Some(at) = waiting.grants.get_mut(&grant) {
            *at = now.max(*at);
        } else if waiting.grants.len() < MAX_WAITING {
            waiting.grants.insert(grant, now);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Waiting {
        std::mem::take(&mut self.lock())
    }
}

/// Writes the times of last use that wait, in small units of work; gives their number.
///
/// # Errors
/// When the database refuses; what was not written then is lost.
pub async fn write_last_used(app: &App) -> Result<usize, DbError> {
    let Waiting { grants, secrets } = app.oauth.last_used.take();
    let written = grants.len() + secrets.len();
    let grants: Vec<(GrantId, Timestamp)> = grants.into_iter().collect();
    for batch in grants.chunks(BATCH) {
        let batch = batch.to_vec();
        app.db.write(move |tx| batch.iter().try_for_each(|(id, at)| store::touch_grant(tx, *id, *at))).await?;
    }
    let secrets: Vec<(SecretId, Timestamp)> = secrets.into_iter().collect();
    for batch in secrets.chunks(BATCH) {
        let batch = batch.to_vec();
        app.db.write(move |tx| batch.iter().try_for_each(|(id, at)| crate::apps::touch_secret(tx, id, *at))).await?;
    }
    Ok(written)
}

/// How many tokens each half of the cache holds: as many as a table of 8,192 places takes, at some 400 bytes each. What is
/// forgotten costs one more look at a signature.
const HALF: usize = 7_168;

/// Tokens whose signature was verified, found by their SHA-256: the claims, as they were signed.
///
/// Two halves: when the younger is full it becomes the older, and what stood in that is forgotten. What is in use
/// moves to the younger. So the cache is bounded and needs no list of ages.
#[derive(Debug, Default)]
pub struct VerifiedTokens(Mutex<Halves>);

#[derive(Debug, Default)]
struct Halves {
    young: HashMap<[u8; 32], Arc<[u8]>>,
    old: HashMap<[u8; 32], Arc<[u8]>>,
}

impl VerifiedTokens {
    /// The claims of the token with that hash, if its signature was verified before.
    pub fn find(&self, token: &Sha256Digest) -> Option<Arc<[u8]>> {
        let mut halves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(claims) = halves.young.get(token.as_bytes()) {
            return Some(Arc::clone(claims));
        }
        let claims = halves.old.remove(token.as_bytes())?;
        halves.keep(*token.as_bytes(), Arc::clone(&claims));
        Some(claims)
    }

    /// Remembers a token.
    pub fn keep(&self, token: &Sha256Digest, claims: Arc<[u8]>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).keep(*token.as_bytes(), claims);
    }
}

impl Halves {
    fn keep(&mut self, token: [u8; 32], claims: Arc<[u8]>) {
        if self.young.len() >= HALF {
            // The tables change places: one that grows anew each time leaves holes in the heap.
            std::mem::swap(&mut self.old, &mut self.young);
            self.young.clear();
        }
        self.young.insert(token, claims);
    }
}

/// How many generations each half of the memory holds: as many as a table of 32,768 places takes, which has 800 KiB. What
/// is forgotten costs one more look into the database.
const VOUCHED_HALF: usize = 28_672;

/// Generations of grants whose tokens the database has vouched for: it knows the grant, and that generation is in use (its
/// first use is durable) or was replaced in order. Neither can be taken back but by a revocation, which the
/// [`RevocationView`] hears of; so the view alone answers from then on.
///
/// Two halves, as in [`VerifiedTokens`].
#[derive(Debug, Default)]
pub struct VouchedFor(Mutex<VouchedHalves>);

#[derive(Debug, Default)]
struct VouchedHalves {
    young: HashSet<TokenId>,
    old: HashSet<TokenId>,
}

impl VouchedFor {
    /// Whether the database has vouched for tokens of that generation.
    pub fn contains(&self, token: TokenId) -> bool {
        let mut halves = self.lock();
        if halves.young.contains(&token) {
            return true;
        }
        let found = halves.old.remove(&token);
        if found {
            halves.keep(token);
        }
        found
    }

    /// The database vouches for tokens of that generation: what it said, or what was written, has been committed.
    pub fn keep(&self, token: TokenId) {
        self.lock().keep(token);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VouchedHalves> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl VouchedHalves {
    fn keep(&mut self, token: TokenId) {
        if self.young.len() >= VOUCHED_HALF {
            std::mem::swap(&mut self.old, &mut self.young);
            self.young.clear();
        }
        self.young.insert(token);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::grant::Generation;

    fn token(number: usize) -> Sha256Digest {
        Sha256Digest::of(&number.to_be_bytes())
    }

    #[test]
    fn the_cache_of_verified_tokens_is_bounded_and_keeps_what_is_in_use() {
        let cache = VerifiedTokens::default();
        for number in 0..3 * HALF {
            cache.keep(&token(number), Arc::from(&b"claims"[..]));
            assert!(cache.find(&token(0)).is_some(), "in use, after {number}");
        }
        let halves = cache.0.lock().unwrap();
        assert!(halves.young.len() + halves.old.len() <= 2 * HALF);
        drop(halves);
        assert!(cache.find(&token(1)).is_none());
    }

    #[test]
    fn the_memory_of_generations_is_bounded_and_keeps_what_is_in_use() {
        let vouched = VouchedFor::default();
        let token =
            |number: u128| TokenId { grant: GrantId::from_bytes(number.to_be_bytes()), generation: Generation::FIRST };
        for number in 0..3 * VOUCHED_HALF as u128 {
            vouched.keep(token(number));
            assert!(vouched.contains(token(0)), "in use, after {number}");
        }
        assert!(!vouched.contains(token(1)));
        let halves = vouched.lock();
        assert!(halves.young.len() + halves.old.len() <= 2 * VOUCHED_HALF + 1);
    }

    #[test]
    fn only_times_that_are_news_are_kept() {
        use super::super::client_auth::UsedSecret;
        let used = LastUsed::default();
        let at = Timestamp::from_millis;
        let client = |last: Option<i64>| Authenticated {
            secret: Some(UsedSecret { id: SecretId::from_text("s"), last_used_at: last.map(at) }),
            by_key: false,
        };
        used.note_client(&client(Some(0)), at(59_999));
        assert!(used.take().secrets.is_empty());
        used.note_client(&client(Some(0)), at(60_000));
        used.note_client(&client(None), at(70_000));
        used.note_client(&client(None), at(65_000));
        assert_eq!(used.take().secrets[&SecretId::from_text("s")], at(70_000));
        used.note_client(&Authenticated::NAMED, at(0));
        assert!(used.take().secrets.is_empty());
    }
}
