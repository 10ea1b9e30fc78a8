//! The bearer check: what an access token opens, now (RFC 6750, RFC 9068 section 4).
//!
//! 1. The `Authorization` header alone carries it, once. Signature and claims are read ([`verify`]); `exp` has no leeway. A
//!    token that is bound to a key comes with a proof of it.
//! 2. The first time that this process sees a token of a grant's generation, the database says whether it stands
//!    ([`check`]): the grant, this generation of it, the app, the account, their epochs, and what the app may ask for
//!    today. One look-up by keys, which may share the API's own unit of work.
//! 3. The first use of a token of generation 1 or more is remembered before its answer leaves ([`claim_use`]): from then
//!    on the refresh token before it is spent for good.
//! 4. From then on memory answers ([`recall`]): the view of revocations hears within a second what ends a token, on every
//!    node. Where it cannot be refreshed, and for apps in test mode, the database is asked for each request.

use std::sync::Arc;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use protocol::basic_auth::{parse_bearer, parse_dpop};
use protocol::error::{BEARER_CHALLENGE, OAuthError};
use protocol::fault;
use protocol::jwt::{AccessTokenClaims, JwtFault, TokenType, check_issued_token};
use protocol::scope::ScopeSet;
use protocol::secret::Sha256Digest;
use sql::{DbError, Tx};

use super::access_token::TokenId;
use super::dpop;
use super::grant::{Generation, check_alive};
use super::presented::Presented;
use super::revocation_view::Word;
use super::views::{self, Standing};
use super::{refresh_token, store};
use crate::app::App;
use crate::ids::{AppId, ClientId, GrantId, UserId};
use crate::time::Timestamp;
use crate::web::{ApiError, docs_errors_url, site_url};

/// Where our API describes itself to clients (RFC 9728).
pub const RESOURCE_METADATA: &str = "/.well-known/oauth-protected-resource";

/// Who calls: the person, the app, and what the app may do for the person.
#[derive(Debug, Clone)]
pub struct Bearer {
    /// The person.
    pub user_id: UserId,
    /// The app.
    pub app_id: AppId,
    /// Its client id.
    pub client_id: ClientId,
    /// The grant.
    pub grant_id: GrantId,
    /// Which of its generations the token is of.
    pub generation: Generation,
    /// What it opens now: the token's scopes that the app may still ask for.
    pub scopes: ScopeSet,
}

/// Why a call is refused.
#[derive(Debug)]
pub enum BearerError {
    /// No token: 401 with a challenge that says nothing more (RFC 6750 section 3.1).
    Missing,
    /// The token is no good, or not good enough. The scope is the one that is needed.
    Refused(OAuthError, Option<String>),
    /// As there, of a token that is bound to a key or came as if it were: the key is not proved, or proved for a token that
    /// is not good enough (RFC 9449 section 7.1).
    Bound(OAuthError, Option<String>),
    /// The database could not say.
    Database(DbError),
}

impl From<DbError> for BearerError {
    fn from(error: DbError) -> BearerError {
        BearerError::Database(error)
    }
}

impl From<OAuthError> for BearerError {
    fn from(error: OAuthError) -> BearerError {
        BearerError::Refused(error, None)
    }
}

impl From<BearerError> for ApiError {
    fn from(error: BearerError) -> ApiError {
        let (error, scope) = match error {
            BearerError::Missing => {
                let refusal = ApiError::new(StatusCode::UNAUTHORIZED, &fault::TOKEN_MISSING);
                return refusal.with_www_authenticate(http::HeaderValue::from_static(BEARER_CHALLENGE));
            }
            BearerError::Database(error) => return ApiError::from(error),
            BearerError::Bound(error, scope) => {
                let status = if scope.is_some() { StatusCode::FORBIDDEN } else { StatusCode::UNAUTHORIZED };
                let challenge = error.dpop_challenge(&docs_errors_url(), scope.as_deref());
                return challenged(status, error, &challenge);
            }
            BearerError::Refused(error, scope) => (error, scope),
        };
        let status = StatusCode::from_u16(error.http_status()).unwrap_or(StatusCode::UNAUTHORIZED);
        let challenge = error.bearer_challenge(&docs_errors_url(), scope.as_deref(), &site_url(RESOURCE_METADATA));
        challenged(status, error, &challenge)
    }
}

fn challenged(status: StatusCode, error: OAuthError, challenge: &str) -> ApiError {
    let mut refusal = ApiError::new(status, error.fault);
    refusal.detail = error.detail;
    refusal.private = error.private;
    // The challenge is printable ASCII by construction.
    match http::HeaderValue::from_str(challenge) {
        Ok(challenge) => refusal.with_www_authenticate(challenge),
        Err(_) => refusal,
    }
}

/// A token whose signature and claims are good. Whether it stands only the database knows.
#[derive(Debug, Clone)]
pub struct Verified {
    /// What it says.
    pub claims: AccessTokenClaims,
    /// Grant and generation.
    pub id: TokenId,
}

impl Verified {
    /// Refuses the token, in the scheme that it is presented in. The scope is the one that it lacks.
    fn refuse(&self, error: OAuthError, scope: Option<&str>) -> BearerError {
        let scope = scope.map(str::to_owned);
        match self.claims.cnf {
            None => BearerError::Refused(error, scope),
            Some(_) => BearerError::Bound(error, scope),
        }
    }

    /// Refuses it as one that opens nothing any more.
    fn revoked(&self) -> BearerError {
        self.refuse(OAuthError::invalid_token(&fault::TOKEN_REVOKED), None)
    }

    /// Whether these scopes, the token's that count today, hold what a call needs.
    fn opens(&self, scopes: &ScopeSet, need: Option<&str>) -> Result<(), BearerError> {
        match need {
            Some(need) if !scopes.contains(need) => {
                let error = OAuthError::insufficient_scope(&fault::SCOPE_INSUFFICIENT);
                Err(self.refuse(error.with_detail(format!("It needs {need}.")), Some(need)))
            }
            _ => Ok(()),
        }
    }
}

/// Checks the call's token entirely and remembers its use: what a handler asks before anything else. `need` is the name of
/// the scope that the call needs.
///
/// # Errors
/// Why the call is refused.
pub async fn bearer(app: &App, call: &Presented, need: &str) -> Result<Bearer, BearerError> {
    let now = app.clock.now();
    let verified = verify(app, call, now)?;
    let bearer = match recall(app, &verified, Some(need))? {
        Some(bearer) => bearer,
        None => ask(app, verified, need, now).await?,
    };
    app.oauth.last_used.note_grant(bearer.grant_id, now);
    Ok(bearer)
}

/// Asks the database, and remembers what it said.
async fn ask(app: &App, token: Verified, need: &str, now: Timestamp) -> Result<Bearer, BearerError> {
    let id = token.id;
    let token = Arc::new(token);
    let (asked, need) = (Arc::clone(&token), need.to_owned());
    let admitted = app.db.read(move |tx| check(tx, &asked, Some(&need), now)).await?;
    if admitted.first_use {
        app.db.write(move |tx| claim_use(tx, &token, now)).await?;
    }
    app.oauth.vouched.keep(id);
    Ok(admitted.bearer)
}

/// What memory says of a token: who calls, or nothing when the database must be asked.
///
/// # Errors
/// `invalid_token`, `insufficient_scope`.
pub fn recall(app: &App, token: &Verified, need: Option<&str>) -> Result<Option<Bearer>, BearerError> {
    if !app.db.hears() {
        return Ok(None);
    }
    match app.oauth.view.judge(token) {
        Word::Revoked => Err(token.revoked()),
        Word::Stands(app_id, scopes) if app.oauth.vouched.contains(token.id) => {
            token.opens(&scopes, need)?;
            Ok(Some(caller(token, app_id, scopes)))
        }
        Word::Stands(..) | Word::Unknown => Ok(None),
    }
}

/// Reads the token from the header and verifies signature and claims.
///
/// # Errors
/// [`BearerError::Missing`], `invalid_request` for a token that comes twice, `invalid_token`.
pub fn verify(app: &App, call: &Presented, now: Timestamp) -> Result<Verified, BearerError> {
    let Some((header, is_repeated)) = &call.authorization else { return Err(BearerError::Missing) };
    if *is_repeated {
        return Err(OAuthError::invalid_request(&fault::TOKEN_REPEATED).into());
    }
    if let Some(token) = parse_bearer(header.as_bytes()).map_err(OAuthError::invalid_request)? {
        let verified = verify_token(app, token, now)?;
        return match verified.claims.cnf {
            None => Ok(verified),
            // A stolen token would else open as much as one that was never bound (RFC 9449 7.1).
            Some(_) => Err(BearerError::Bound(OAuthError::invalid_token(&fault::DPOP_TOKEN_AS_BEARER), None)),
        };
    }
    match parse_dpop(header.as_bytes()).map_err(OAuthError::invalid_request)? {
        Some(token) => verify_bound(app, call, token, now).map_err(|error| BearerError::Bound(error, None)),
        None => Err(BearerError::Missing),
    }
}

/// Verifies a token that is bound to a key, and the proof that comes with it (RFC 9449 4.3).
fn verify_bound(app: &App, call: &Presented, token: &str, now: Timestamp) -> Result<Verified, OAuthError> {
    let verified = verify_token(app, token, now)?;
    let Some(bound_to) = &verified.claims.cnf else {
        return Err(OAuthError::invalid_token(&fault::DPOP_TOKEN_UNBOUND));
    };
    let Some((proof, is_repeated)) = &call.proof else {
        return Err(OAuthError::invalid_dpop_proof(&fault::DPOP_PROOF_MISSING));
    };
    let proof = dpop::read_proof(app, proof, *is_repeated, &call.method, call.path(), now)?;
    if proof.key.to_string() != bound_to.jkt {
        return Err(OAuthError::invalid_token(&fault::DPOP_KEY_MISMATCH));
    }
    if !proof.covers(token) {
        return Err(OAuthError::invalid_dpop_proof(&fault::DPOP_PROOF_TOKEN));
    }
    if !app.oauth.proofs.claim(&proof, now) {
        return Err(OAuthError::invalid_dpop_proof(&fault::DPOP_PROOF_REPLAYED));
    }
    Ok(verified)
}

/// A layer for the API: a token in the query is refused rather than overlooked. It would stand in logs and histories
/// (RFC 6750 section 5.3), so the client that sends it there should hear of it, whatever its header says.
pub async fn refuse_token_in_query(request: Request, next: Next) -> Response {
    let mut names =
        request.uri().query().into_iter().flat_map(|query| query.split('&')).map(|pair| pair.split('=').next());
    if names.any(|name| name == Some("access_token")) {
        return ApiError::from(BearerError::from(OAuthError::invalid_request(&fault::TOKEN_REPEATED))).into_response();
    }
    next.run(request).await
}

/// Verifies signature and claims of an access token for our API.
///
/// # Errors
/// `invalid_token`.
pub fn verify_token(app: &App, token: &str, now: Timestamp) -> Result<Verified, OAuthError> {
    let verified = verify_issued(app, token, now)?;
    if verified.claims.aud.contains(app.issuer.as_str()) {
        Ok(verified)
    } else {
        Err(invalid_jwt(JwtFault::WrongAudience))
    }
}

/// Verifies signature and claims of an access token of ours, whomever it is for.
///
/// # Errors
/// `invalid_token`.
pub fn verify_issued(app: &App, token: &str, now: Timestamp) -> Result<Verified, OAuthError> {
    let claims = signed_claims(app, token)?;
    let claims = check_issued_token(&claims, app.issuer.as_str(), now.as_millis()).map_err(invalid_jwt)?;
    let id = TokenId::parse(&claims.token_id).ok_or(OAuthError::invalid_token(&fault::TOKEN_INVALID))?;
    Ok(Verified { claims, id })
}

/// The claims of a token that we signed, whatever they say.
///
/// # Errors
/// `invalid_token`.
pub fn signed_claims(app: &App, token: &str) -> Result<Arc<[u8]>, OAuthError> {
    if token.starts_with(refresh_token::PREFIX) {
        return Err(OAuthError::invalid_token(&fault::TOKEN_WRONG_KIND));
    }
    let hash = Sha256Digest::of(token.as_bytes());
    if let Some(claims) = app.oauth.verified.find(&hash) {
        return Ok(claims);
    }
    let verified = app.signer.verify(token, TokenType::AccessToken).map_err(invalid_jwt)?;
    let claims: Arc<[u8]> = Arc::from(verified.claims);
    app.oauth.verified.keep(&hash, Arc::clone(&claims));
    Ok(claims)
}

fn invalid_jwt(fault: JwtFault) -> OAuthError {
    OAuthError::invalid_token(fault.fault()).with_private(fault.to_string())
}

/// A token that stands.
#[derive(Debug, Clone)]
pub struct Admitted {
    /// Who calls.
    pub bearer: Bearer,
    /// Nobody has used a token of this generation before: [`claim_use`] must be committed before the answer leaves.
    pub first_use: bool,
}

/// Asks the database whether the token stands and opens `need`.
///
/// # Errors
/// `invalid_token`, `insufficient_scope`, or the database's own.
pub fn check(tx: &mut Tx<'_>, token: &Verified, need: Option<&str>, now: Timestamp) -> Result<Admitted, BearerError> {
    let found = views::find_standing(tx, token.id.grant, token.id.generation)?;
    let standing = found.filter(|standing| stands(standing, token, now));
    let Some(Standing { app, generation, successor_used, .. }) = standing else {
        return Err(token.revoked());
    };
    let scopes = token.claims.scope.intersection(&app.scopes);
    token.opens(&scopes, need)?;
    let first_use = token.id.generation > Generation::FIRST && token.id.generation == generation && !successor_used;
    Ok(Admitted { bearer: caller(token, app.id, scopes), first_use })
}

fn caller(token: &Verified, app_id: AppId, scopes: ScopeSet) -> Bearer {
    Bearer {
        user_id: UserId::from_text(&token.claims.sub),
        app_id,
        client_id: ClientId::from_text(&token.claims.client_id),
        grant_id: token.id.grant,
        generation: token.id.generation,
        scopes,
    }
}

/// Whether what the token stands on still holds.
fn stands(standing: &Standing, token: &Verified, now: Timestamp) -> bool {
    let Standing { account, generation, ended, withdrawn, created_at, user_id, app, .. } = standing;
    if token.id.generation > *generation {
        tracing::error!(
            grant = %token.id.grant, presented = %token.id.generation, stored = %generation,
            "an access token is newer than its grant: was the database restored from an older backup?"
        );
        return false;
    }
    let same = user_id.as_str() == token.claims.sub && app.client_id.as_str() == token.claims.client_id;
    let expired = now >= Timestamp::from_millis(token.claims.exp.saturating_mul(1000));
    same && !ended && !withdrawn && !expired && check_alive(app, account, *created_at).is_ok()
}

/// Remembers that a token of its grant's current generation was used.
///
/// # Errors
/// `invalid_token` when the generation was withdrawn or the grant ended meanwhile, or the database's own.
pub fn claim_use(tx: &mut Tx<'_>, token: &Verified, now: Timestamp) -> Result<(), BearerError> {
    if store::claim_use(tx, token.id.grant, token.id.generation, now)? {
        return Ok(());
    }
    // Marked by another call, turned on, withdrawn or ended: the row says which.
    check(tx, token, None, now).map(drop)
}
