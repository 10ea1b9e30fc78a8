//! Tokens that are bound to a key of the client (DPoP, RFC 9449).
//!
//! A proof comes with each request. At the token endpoint its key is bound: the access token carries it (`cnf`), a public
//! client's grant keeps it. At the API the proof must be of that key and for that token.
//!
//! A proof is seen once. At the token endpoint, where a unit of work is written anyway, that is durable and shared by all
//! nodes ([`admit`]); at the API each node remembers for itself ([`SeenProofs`]). Apps that send no proof pay nothing.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use protocol::dpop::{CLOCK_SKEW, MAX_AGE, Proof};
use protocol::error::OAuthError;
use protocol::fault;
use protocol::jwt::Thumbprint;
use sql::{DbError, Tx};

use super::client_auth::Ask;
use super::store;
use crate::app::App;
use crate::apps::TokenApp;
use crate::time::Timestamp;

/// The header that carries a proof.
pub const HEADER: HeaderName = HeaderName::from_static("dpop");

/// A proof at the token endpoint: good, and not known to be seen before.
#[derive(Debug, Clone)]
pub struct TokenProof {
    proof: Proof,
    /// Names this very request: its unit of work may run twice, and claims the proof once.
    claimant: [u8; 16],
}

impl TokenProof {
    /// Reads the proof of a request to that path, if it brings one.
    ///
    /// # Errors
    /// `invalid_dpop_proof`.
    pub fn read(
        app: &App,
        headers: &HeaderMap,
        method: &Method,
        path: &str,
        now: Timestamp,
    ) -> Result<Option<TokenProof>, OAuthError> {
        let mut values = headers.get_all(HEADER).iter();
        let Some(value) = values.next() else { return Ok(None) };
        let proof = read_proof(app, value, values.next().is_some(), method, path, now)?;
        Ok(Some(TokenProof { proof, claimant: app.random.bytes() }))
    }

    /// The key.
    pub const fn key(&self) -> Thumbprint {
        self.proof.key
    }
}

/// Reads one proof and checks all that does not need memory.
///
/// # Errors
/// `invalid_dpop_proof`.
pub fn read_proof(
    app: &App,
    value: &HeaderValue,
    is_repeated: bool,
    method: &Method,
    path: &str,
    now: Timestamp,
) -> Result<Proof, OAuthError> {
    if is_repeated {
        return Err(OAuthError::invalid_dpop_proof(&fault::DPOP_PROOF_REPEATED));
    }
    let text = value.to_str().unwrap_or_default();
    let checked = Proof::read(text).and_then(|proof| {
        proof.check(method.as_str(), &app.issuer.url(path), now.as_millis())?;
        Ok(proof)
    });
    checked.map_err(OAuthError::invalid_dpop_proof)
}

/// Uses the proof of a request by that app, in the unit of work that it opens; gives the refusal, if there is one.
///
/// # Errors
/// When the database refuses.
pub fn admit(tx: &mut Tx<'_>, ask: &Ask, app: &TokenApp) -> Result<Option<OAuthError>, DbError> {
    match &ask.proof {
        None if app.dpop_required => Ok(Some(OAuthError::invalid_request(&fault::DPOP_REQUIRED))),
        None => Ok(None),
        Some(proof) => claim(tx, proof),
    }
}

/// Uses a proof; gives the refusal if it was used before.
///
/// # Errors
/// When the database refuses.
pub fn claim(tx: &mut Tx<'_>, proof: &TokenProof) -> Result<Option<OAuthError>, DbError> {
    let until = Timestamp::from_millis(proof.proof.until().saturating_mul(1000));
    let claimed = store::claim_one_time_id(tx, &proof.proof.id, &proof.claimant, until)?;
    Ok((!claimed).then_some(OAuthError::invalid_dpop_proof(&fault::DPOP_PROOF_REPLAYED)))
}

/// For as long as a proof may be taken, counted from when it was first seen.
const WINDOW: Duration = Duration::from_secs((MAX_AGE + CLOCK_SKEW).unsigned_abs());

/// How many proofs each half of the memory holds.
const HALF: usize = 500_000;

/// Proofs that this node has seen at the API, each for as long as it could be taken again.
///
/// Two halves: when the younger is as old as a proof can live, or full, it becomes the older, and what stood in that is
/// forgotten. So the memory is bounded; under more than a million proofs within three minutes it remembers the latest.
#[derive(Debug, Default)]
pub struct SeenProofs(Mutex<Halves>);

#[derive(Debug, Default)]
struct Halves {
    young: HashSet<[u8; 16]>,
    old: HashSet<[u8; 16]>,
    began: Option<Timestamp>,
}

impl SeenProofs {
    /// Remembers a proof; false when it was seen before.
    pub fn claim(&self, proof: &Proof, now: Timestamp) -> bool {
        let mut id = [0; 16];
        id.copy_from_slice(&proof.id.as_bytes()[..16]);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).claim(id, now, HALF)
    }
}

impl Halves {
    fn claim(&mut self, id: [u8; 16], now: Timestamp, half: usize) -> bool {
        let began = *self.began.get_or_insert(now);
        if now >= began.plus(WINDOW) || self.young.len() >= half {
            self.old = std::mem::take(&mut self.young);
            self.began = Some(now);
        }
        !self.old.contains(&id) && self.young.insert(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> [u8; 16] {
        u128::from(number).to_be_bytes()
    }

    #[test]
    fn a_proof_is_seen_once_for_as_long_as_it_could_be_taken() {
        let mut halves = Halves::default();
        let start = Timestamp::from_millis(1_000_000);
        assert!(halves.claim(id(1), start, 10));
        let last = start.plus(WINDOW).minus(Duration::from_millis(1));
        assert!(!halves.claim(id(1), last, 10));
        assert!(halves.claim(id(2), last, 10));
        // The halves change places: what was seen last is remembered for another window.
        let next = start.plus(WINDOW);
        assert!(halves.claim(id(3), next, 10));
        assert!(!halves.claim(id(2), next.plus(WINDOW).minus(Duration::from_millis(1)), 10));
        assert!(!halves.claim(id(3), next.plus(WINDOW), 10));
    }

    #[test]
    fn the_memory_is_bounded() {
        let mut halves = Halves::default();
        let now = Timestamp::from_millis(1_000_000);
        for number in 0..100 {
            assert!(halves.claim(id(number), now, 10));
            assert!(!halves.claim(id(number), now, 10), "the latest are remembered");
            assert!(halves.young.len() + halves.old.len() <= 20);
        }
    }
}
