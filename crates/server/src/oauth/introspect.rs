//! `POST /api/oauth2/v2/introspect` (RFC 7662): what a token is worth now. An app hears it of its own tokens, a declared
//! resource server of access tokens that are for it.
//!
//! Who asks must prove who it is, so public clients cannot ask (section 2.1). Of other tokens, of expired, revoked and
//! foreign ones they hear `{"active": false}` and nothing more. An active answer counts as a use of the token: whoever asks
//! holds it, so the answer that brought it was not lost.

use axum::extract::{Request, State};
use axum::response::Response;
use protocol::error::OAuthError;
use protocol::fault;
use protocol::jwt::{AccessTokenClaims, Confirmation};
use protocol::scope::ScopeSet;
use protocol::token_request::PresentedToken;
use serde::Serialize;
use sql::{DbError, Tx};
use utoipa::ToSchema;

use super::bearer::{self, Admitted, Bearer, BearerError, Verified};
use super::client_auth::{self, Ask, ClientRefusal};
use super::grant::{Generation, check_alive};
use super::issue::token_type;
use super::refresh_rule::{Decision, Lifetimes, decide};
use super::refresh_token::RefreshToken;
use super::request::ClientRequest;
use super::token::{Refusal, json_answer};
use super::{store, views};
use crate::app::SharedApp;
use crate::catalogue::ResourceServer;

/// The handler.
pub async fn introspect_token(State(app): State<SharedApp>, request: Request) -> Response {
    match answer(app, request).await {
        Ok(body) => json_answer(body),
        Err(refusal) => refusal.into_answer(),
    }
}

/// The answer about a token (RFC 7662 section 2.2).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IntrospectionResponse)]
#[serde(untagged)]
pub enum Introspection {
    /// It is worth nothing.
    Inactive(Inactive),
    /// An access token.
    Access(Box<ActiveAccess>),
    /// A refresh token.
    Refresh(ActiveRefresh),
}

/// A token that opens nothing, or nothing that concerns this app.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InactiveToken)]
pub struct Inactive {
    /// False.
    active: bool,
}

const INACTIVE: Introspection = Introspection::Inactive(Inactive { active: false });

/// An access token that opens the API.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ActiveAccessToken)]
pub struct ActiveAccess {
    /// True.
    active: bool,
    /// `Bearer`, or `DPoP` for one that is bound to a key.
    token_type: &'static str,
    #[serde(flatten)]
    claims: AccessTokenClaims,
}

/// A refresh token that buys the next pair.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ActiveRefreshToken)]
pub struct ActiveRefresh {
    /// True.
    active: bool,
    /// The issuer.
    iss: String,
    /// The user's id.
    sub: String,
    /// The app.
    client_id: String,
    /// What the next access token opens.
    scope: String,
    /// When the refresh token expires, in seconds since the Unix epoch.
    exp: i64,
    /// The key that it is bound to.
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<Confirmation>,
}

/// A token that may be one of ours, opened as far as that goes without the database.
#[derive(Clone)]
enum Opened {
    /// An access token, and who it stands for where memory knows.
    Access(Box<Verified>, Option<Bearer>),
    Refresh(RefreshToken),
    Nothing,
}

enum Outcome {
    Answer(Introspection),
    Client(ClientRefusal),
}

async fn answer(app: SharedApp, request: Request) -> Result<Vec<u8>, Refusal> {
    let ClientRequest { ask, params } = ClientRequest::read(app.clone(), request).await?;
    let presented = PresentedToken::read(&params)?;
    let token = presented.token.expose();
    let opened = match RefreshToken::parse(token, &app.keys) {
        Some(refresh) => Opened::Refresh(refresh),
        None => match bearer::verify_issued(&app, token, ask.now) {
            Ok(verified) => match bearer::recall(&app, &verified, None) {
                Ok(known) => Opened::Access(Box::new(verified), known),
                Err(_) => Opened::Nothing,
            },
            Err(_) => Opened::Nothing,
        },
    };
    match app.db.write(move |tx| introspect(tx, &ask, &opened)).await? {
        Outcome::Answer(answer) => {
            Ok(serde_json::to_vec(&answer).map_err(|error| OAuthError::server_error(error.to_string()))?)
        }
        Outcome::Client(ClientRefusal::Failed(error)) => Err(error.into()),
        Outcome::Client(ClientRefusal::Limited(wait)) => Err(Refusal::Limited(wait)),
    }
}

fn introspect(tx: &mut Tx<'_>, ask: &Ask, opened: &Opened) -> Result<Outcome, DbError> {
    if let Some(server) = ask.app.catalogue.server(ask.credentials.client_id()) {
        return introspect_for_server(tx, ask, server, opened);
    }
    let app = views::find_client(tx, &ask.client_id())?;
    let client = match client_auth::admit(tx, ask, app.as_ref())? {
        Ok(client) => client,
        Err(refusal) => return Ok(Outcome::Client(refusal)),
    };
    let Some(app) = app.filter(|_| client.is_proven()) else {
        let error = OAuthError::invalid_client(&fault::CLIENT_SECRET_MISSING);
        return Ok(Outcome::Client(ClientRefusal::Failed(error)));
    };
    let answer = match opened {
        Opened::Access(token, known) => introspect_access(tx, ask, token, known.as_ref(), |bearer| {
            (bearer.app_id == app.id).then(|| bearer.scopes.clone())
        }),
        Opened::Refresh(token) => introspect_refresh(tx, ask, token).map_err(BearerError::from),
        Opened::Nothing => Ok(INACTIVE),
    };
    settle(answer)
}

/// What a resource server hears: of access tokens that are for it, the scopes that are its own (RFC 7662 section 2.2).
fn introspect_for_server(
    tx: &mut Tx<'_>,
    ask: &Ask,
    server: &ResourceServer,
    opened: &Opened,
) -> Result<Outcome, DbError> {
    if let Err(refusal) = client_auth::admit_server(tx, ask, server)? {
        return Ok(Outcome::Client(refusal));
    }
    let Opened::Access(token, known) = opened else { return Ok(Outcome::Answer(INACTIVE)) };
    if !token.claims.aud.contains(&server.identifier) {
        return Ok(Outcome::Answer(INACTIVE));
    }
    let own = |scopes: &ScopeSet| ask.app.catalogue.scopes_of(scopes, &server.identifier);
    settle(introspect_access(tx, ask, token, known.as_ref(), |bearer| {
        Some(own(&bearer.scopes)).filter(|scopes| !scopes.is_empty())
    }))
}

fn settle(answer: Result<Introspection, BearerError>) -> Result<Outcome, DbError> {
    match answer {
        Ok(answer) => Ok(Outcome::Answer(answer)),
        Err(BearerError::Database(error)) => Err(error),
        Err(BearerError::Missing | BearerError::Refused(..) | BearerError::Bound(..)) => Ok(Outcome::Answer(INACTIVE)),
    }
}

/// `concerns` says which scopes of the token concern who asks; none when the token does not.
fn introspect_access(
    tx: &mut Tx<'_>,
    ask: &Ask,
    token: &Verified,
    known: Option<&Bearer>,
    concerns: impl FnOnce(&Bearer) -> Option<ScopeSet>,
) -> Result<Introspection, BearerError> {
    let admitted = match known {
        Some(bearer) => Admitted { bearer: bearer.clone(), first_use: false },
        None => bearer::check(tx, token, None, ask.now)?,
    };
    let Some(scope) = concerns(&admitted.bearer) else { return Ok(INACTIVE) };
    if admitted.first_use {
        bearer::claim_use(tx, token, ask.now)?;
    }
    let claims = AccessTokenClaims { scope, ..token.claims.clone() };
    Ok(Introspection::Access(Box::new(ActiveAccess {
        active: true,
        token_type: token_type(claims.cnf.as_ref()),
        claims,
    })))
}

fn introspect_refresh(tx: &mut Tx<'_>, ask: &Ask, token: &RefreshToken) -> Result<Introspection, DbError> {
    let found = views::find_client_and_grant(tx, &ask.client_id(), token.grant)?;
    let Some((app, Some((grant, Some(account))))) = found else { return Ok(INACTIVE) };
    let tokens = &ask.app.config.tokens;
    let lifetimes = Lifetimes {
        grace: tokens.refresh_reuse_grace.get(),
        refresh: tokens.refresh_token_ttl.get(),
        use_is_seen: ask.app.catalogue.sees_every_use(&grant.scopes, &grant.targets),
    };
    let decision = decide(&grant.family, token.generation, &token.secret_hash(), || false, lifetimes, ask.now);
    let alive = grant.app_id == app.id && check_alive(&app, &account, grant.created_at).is_ok();
    let expires_at = match decision {
        Decision::Rotate => grant.family.refresh_expires_at,
        Decision::Repeat | Decision::Recover => match &grant.family.previous {
            Some(previous) => previous.made_at.plus(lifetimes.refresh),
            None => return Ok(INACTIVE),
        },
        Decision::Replay | Decision::Delayed | Decision::Expired | Decision::Ended | Decision::SetBack => {
            return Ok(INACTIVE);
        }
    };
    if !alive {
        return Ok(INACTIVE);
    }
    if decision == Decision::Rotate && token.generation > Generation::FIRST && !grant.family.successor_used {
        store::claim_use(tx, grant.id, token.generation, ask.now)?;
    }
    Ok(Introspection::Refresh(ActiveRefresh {
        active: true,
        iss: ask.app.issuer.as_str().to_owned(),
        sub: grant.user_id.as_str().to_owned(),
        client_id: app.client_id.as_str().to_owned(),
        scope: grant.scopes.intersection(&app.scopes).to_string(),
        exp: expires_at.as_seconds(),
        cnf: grant.dpop_jkt.map(|jkt| Confirmation { jkt: jkt.to_string() }),
    }))
}
