//! `private_key_jwt` (RFC 7523 section 3): an app that says who it is with an assertion that it signed.
//!
//! 1. [`prove`], before the unit of work: the app's keys are read, signature and claims checked. No writer waits for it.
//! 2. [`admit`], in the unit that the assertion opens: the key is the app's still, and the assertion was not used before.
//!    That claim is durable and shared by all nodes; it commits with what the assertion opened.

use protocol::client_assertion::{ClientAssertion, Proven};
use protocol::fault::{self, Fault};
use sql::{DbError, Tx};

use super::client_auth::Authenticated;
use super::store;
use crate::app::SharedApp;
use crate::apps::{self, TokenApp};
use crate::ids::{AppKeyId, ClientId};
use crate::time::Timestamp;

/// An assertion that one of the app's keys signed.
#[derive(Debug, Clone)]
pub struct KeyProof {
    key: AppKeyId,
    proven: Proven,
    /// Names this very request: its unit of work may run twice, and claims the assertion once.
    claimant: [u8; 16],
}

/// Checks an assertion as far as that goes before the unit of work. `endpoint` is the path that was asked.
///
/// # Errors
/// When the database refuses. What is wrong with the assertion is an outcome.
pub async fn prove(
    app: &SharedApp,
    assertion: &ClientAssertion,
    endpoint: &str,
    now: Timestamp,
) -> Result<Result<KeyProof, &'static Fault>, DbError> {
    let client_id = ClientId::from_text(assertion.client_id());
    let keys = app.db.read(move |tx| apps::list_keys_of_client(tx, &client_id)).await?;
    let key = match assertion.choose(&keys, |key| &key.key) {
        Ok(key) => key,
        Err(fault) => return Ok(Err(fault)),
    };
    let (token_endpoint, endpoint) = (app.issuer.url("/api/oauth2/v2/token"), app.issuer.url(endpoint));
    let audiences = [app.issuer.as_str(), &token_endpoint, &endpoint];
    let proven = assertion.verify(&key.key, &audiences, now.as_millis());
    Ok(proven.map(|proven| KeyProof { key: key.id.clone(), proven, claimant: app.random.bytes() }))
}

/// Lets the app in by its proof, in the caller's unit of work.
///
/// # Errors
/// When the database refuses.
pub fn admit(
    tx: &mut Tx<'_>,
    app: &TokenApp,
    proof: &KeyProof,
    now: Timestamp,
) -> Result<Result<Authenticated, &'static Fault>, DbError> {
    if app.kind.is_public() || !apps::note_key_use(tx, &app.id, &proof.key, now)? {
        return Ok(Err(&fault::ASSERTION_WRONG));
    }
    let until = Timestamp::from_millis(proof.proven.until.saturating_mul(1000));
    if !store::claim_one_time_id(tx, &proof.proven.id, &proof.claimant, until)? {
        return Ok(Err(&fault::ASSERTION_REPLAYED));
    }
    Ok(Ok(Authenticated { secret: None, by_key: true }))
}
