//! `POST /api/oauth2/v2/token`: codes and refresh tokens in, tokens out (RFC 6749 sections 3.2, 4.1.3 and 6).
//!
//! 1. Read the request ([`super::request`]); what is malformed ends here.
//! 2. Take a place in the signer, so that nothing is committed that could not be signed.
//! 3. One durable unit of work: client, code or grant, claim ([`super::redeem`], [`super::refresh`]).
//! 4. After the commit one signature, and the answer ([`super::issue`]).

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA};
use protocol::error::{OAuthError, OAuthErrorCode};
use protocol::fault;
use protocol::params::Params;
use protocol::scope::ScopeSet;
use protocol::secret::Secret;
use protocol::token_request::TokenRequest;
use sql::{DbError, Tx};

use super::client_auth::Ask;
use super::codes::Proof;
use super::ends;
use super::issue::{Issued, Outcome};
use super::redeem::{self, Redemption};
use super::refresh::{self, Refresh};
use super::refresh_token::RefreshToken;
use super::request::ClientRequest;
use crate::app::{App, SharedApp};
use crate::catalogue::Targets;
use crate::web;

/// Why a client does not get what it asked for.
#[derive(Debug)]
pub enum Refusal {
    /// In OAuth's words.
    OAuth(OAuthError),
    /// Too many failed authentications of this client from this block of addresses.
    Limited(Duration),
}

impl From<OAuthError> for Refusal {
    fn from(error: OAuthError) -> Refusal {
        Refusal::OAuth(error)
    }
}

impl From<DbError> for Refusal {
    fn from(error: DbError) -> Refusal {
        Refusal::OAuth(web::oauth_error_from_db(error))
    }
}

impl Refusal {
    /// The answer.
    pub fn into_answer(self) -> Response {
        match self {
            Refusal::OAuth(error) => web::oauth_json(error),
            Refusal::Limited(wait) => {
                let error = OAuthError::new(OAuthErrorCode::TemporarilyUnavailable, &fault::RATE_LIMITED);
                web::oauth_json_after(error.with_status(429), wait)
            }
        }
    }
}

/// The handler.
pub async fn issue_token(State(app): State<SharedApp>, request: Request) -> Response {
    match answer(app, request).await {
        Ok(body) => json_answer(body),
        Err(refusal) => refusal.into_answer(),
    }
}

/// 200 with JSON that nobody may keep (RFC 6749 section 5.1).
pub fn json_answer(body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    // With those that every answer has: the map need not grow.
    headers.reserve(8);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

async fn answer(app: SharedApp, request: Request) -> Result<Vec<u8>, Refusal> {
    let ClientRequest { ask, params } = ClientRequest::read_with_proof(app.clone(), request).await?;
    let (client_id, now) = (ask.client_id(), ask.now);
    let answer = grant_tokens(ask, &params).await;
    if let Err(Refusal::OAuth(error)) = &answer {
        app.refusals.note_error(client_id.as_str(), error, now);
    }
    answer
}

async fn grant_tokens(ask: Ask, params: &Params) -> Result<Vec<u8>, Refusal> {
    match TokenRequest::read(params)? {
        TokenRequest::AuthorizationCode { code, redirect_uri, code_verifier, resource } => {
            let targets = ask.app.catalogue.targets(&resource)?;
            let proof = Proof { redirect_uri, verifier: code_verifier, key: ask.key() };
            redeem_code(ask, &code, proof, targets).await
        }
        TokenRequest::RefreshToken { refresh_token, scope, resource } => {
            let targets = ask.app.catalogue.targets(&resource)?;
            refresh_grant(ask, &refresh_token, scope, targets).await
        }
    }
}

async fn redeem_code(ask: Ask, code: &Secret, proof: Proof, targets: Targets) -> Result<Vec<u8>, Refusal> {
    let app = ask.app.clone();
    let now = ask.now;
    let place = app.signer.place(now).map_err(busy)?;
    let asked = Arc::new(Redemption {
        ask,
        code: code.digest(),
        proof,
        targets,
        grant_seed: app.random.timed_uuid(now),
        refresh_secret: app.random.bytes(),
    });
    let issued = run(&app, move |tx| redeem::redeem(tx, &asked)).await?;
    match issued.sign(&app, place, now).await {
        Ok(body) => Ok(body),
        Err(error) => {
            let failed = ends::end_unsigned(&app, &issued.access, now).await;
            Err(error.with_private(failed).into())
        }
    }
}

async fn refresh_grant(
    ask: Ask,
    token: &Secret,
    scope: Option<ScopeSet>,
    targets: Targets,
) -> Result<Vec<u8>, Refusal> {
    let app = ask.app.clone();
    let now = ask.now;
    let token = RefreshToken::parse(token.expose(), &app.keys)
        .ok_or(OAuthError::invalid_grant(&fault::REFRESH_TOKEN_UNKNOWN))?;
    let place = app.signer.place(now).map_err(busy)?;
    let asked = Arc::new(Refresh { ask, token, scope, targets });
    let issued = run(&app, move |tx| refresh::refresh(tx, &asked)).await?;
    // Should signing fail, the client asks again with the same token and gets the same successor.
    Ok(issued.sign(&app, place, now).await?)
}

/// Runs the unit. Where nobody knows whether it was saved it runs once more: each unit knows what it did before, the
/// redemption by its grant's id, the refresh by the table.
async fn run<F>(app: &App, unit: F) -> Result<Box<Issued>, Refusal>
where
    F: Fn(&mut Tx<'_>) -> Result<Outcome, DbError> + Clone + Send + 'static,
{
    let outcome = match app.db.write_patiently(unit.clone()).await {
        Err(DbError::OutcomeUnknown) => app.db.write_patiently(unit).await,
        known => known,
    };
    match outcome? {
        Outcome::Issued(issued) => {
            app.oauth.last_used.note_client(&issued.client, app.clock.now());
            Ok(issued)
        }
        Outcome::Refused(error) => Err(error.into()),
        Outcome::Limited(wait) => Err(Refusal::Limited(wait)),
    }
}

fn busy(error: crate::keys::Busy) -> OAuthError {
    OAuthError::temporarily_unavailable(error.to_string())
}
