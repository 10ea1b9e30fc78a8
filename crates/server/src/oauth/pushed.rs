//! `POST /oauth2/par`: pushed authorization requests (RFC 9126).
//!
//! 1. The app proves who it is and sends the parameters of its authorization request. They are checked as the authorization
//!    endpoint would, and kept as a row under the digest of a random `request_uri`.
//! 2. The person is sent to the authorization endpoint with the client id and the `request_uri`, nothing else of which counts
//!    ([`Reference`]). Within [`LIFETIME`] any browser can open it; from then on it goes on only in the browser that did.
//! 3. The authorization request's id was minted when it was pushed, and is unique among codes: one code comes of it.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use protocol::authorize_request::{PageFault, client_id_of};
use protocol::error::OAuthError;
use protocol::fault;
use protocol::params::Params;
use protocol::secret::{Secret, Sha256Digest, mint};
use serde::Serialize;
use sql::{DbError, Tx, params};
use utoipa::ToSchema;

use super::client_auth::{self, Ask, ClientRefusal};
use super::facts::Settings;
use super::request::ClientRequest;
use super::sealed_request::{AuthorizationId, CarriedRequest, MAX_REQUEST, Pushed, REQUEST_LIFETIME};
use super::token::{Refusal, json_answer};
use super::zones::{Access, Asked, Closed, Zone, enter};
use super::{dpop, views};
use crate::app::{App, SharedApp};
use crate::apps;
use crate::time::Timestamp;
use crate::web::PageError;

/// What every `request_uri` of ours begins with (RFC 9126 2.2).
const URN: &str = "urn:ietf:params:oauth:request_uri:";

/// How long after its making a `request_uri` can be opened.
const LIFETIME: Duration = Duration::from_secs(300);

/// What the app proves itself with is none of the authorization request's parameters.
const NOT_KEPT: &[&str] = &["client_id", "clientId", "client_secret", "client_assertion", "client_assertion_type"];

sql::statements! {
    /// A pushed request.
    INSERT_PUSHED = "INSERT INTO pushed_requests (uri_hash, request_id, client_id, query, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6)";
    /// A pushed request by its name.
    FIND_PUSHED = "SELECT request_id, query, created_at, expires_at, opened_by FROM pushed_requests
        WHERE uri_hash = $1 AND client_id = $2";
    /// A browser opened it.
    OPEN_PUSHED = "UPDATE pushed_requests SET opened_by = $2 WHERE uri_hash = $1";
    /// Pushed requests that no browser goes on with.
    SWEEP_PUSHED = "pushed_requests", sweep, "expires_at < $1 ORDER BY expires_at";
}

/// The answer to a pushed request (RFC 9126 2.2).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PushedAuthorizationResponseBody)]
pub struct PushedResponse {
    /// Names the request at the authorization endpoint, once.
    request_uri: String,
    /// For how many seconds it can be opened.
    expires_in: u64,
}

/// The handler.
pub async fn push_request(State(app): State<SharedApp>, request: Request) -> Response {
    match answer(app, request).await {
        Ok(body) => {
            let mut response = json_answer(body);
            *response.status_mut() = StatusCode::CREATED;
            response
        }
        Err(refusal) => refusal.into_answer(),
    }
}

async fn answer(app: SharedApp, request: Request) -> Result<Vec<u8>, Refusal> {
    let ClientRequest { ask, params } = ClientRequest::read_with_proof(app.clone(), request).await?;
    let (client_id, now) = (ask.client_id(), ask.now);
    let answer = push(ask, &params).await;
    if let Err(Refusal::OAuth(error)) = &answer {
        app.refusals.note_error(client_id.as_str(), error, now);
    }
    answer
}

async fn push(ask: Ask, params: &Params) -> Result<Vec<u8>, Refusal> {
    let app = ask.app.clone();
    if params.get("request_uri").map_err(OAuthError::from)?.is_some() {
        return Err(OAuthError::invalid_request(&fault::REQUEST_URI_PUSHED).into());
    }
    let parameters = params.to_form(NOT_KEPT).map_err(OAuthError::from)?;
    let mut query = format!("client_id={}&{parameters}", ask.client_id());
    // RFC 9449 10.1: a proof names the key as dpop_jkt does, and where there are both they name the same.
    if let Some(key) = ask.key() {
        match params.get("dpop_jkt").map_err(OAuthError::from)? {
            None => query.push_str(&format!("&dpop_jkt={key}")),
            Some(named) if named == key.to_string() => {}
            Some(_) => return Err(OAuthError::invalid_dpop_proof(&fault::DPOP_KEY_MISMATCH).into()),
        }
    }
    if query.len() > MAX_REQUEST {
        return Err(OAuthError::invalid_request(&fault::REQUEST_TOO_LONG).into());
    }
    let asked = Asked::read(&query, true).map_err(in_oauth_words)?;
    let uri = mint(&format!("{URN}jmpr_"), &app.random.bytes());
    let id = AuthorizationId::mint(&app.random, ask.now);
    let hash = uri.digest();
    match app.db.write(move |tx| keep(tx, &ask, &asked, &hash, &id, &query)).await? {
        Ok(()) => {}
        Err(ClientRefusal::Failed(error)) => return Err(error.into()),
        Err(ClientRefusal::Limited(wait)) => return Err(Refusal::Limited(wait)),
    }
    let response = PushedResponse { request_uri: uri.expose().to_owned(), expires_in: LIFETIME.as_secs() };
    Ok(serde_json::to_vec(&response).map_err(|error| OAuthError::server_error(error.to_string()))?)
}

/// There is no page here: the app is told directly (RFC 9126 2.3).
fn in_oauth_words(page: PageFault) -> OAuthError {
    let error = OAuthError::invalid_request(page.fault);
    match page.detail {
        Some(detail) => error.with_detail(detail),
        None => error,
    }
}

/// Lets the app in, checks its request as the authorization endpoint would, and keeps it.
fn keep(
    tx: &mut Tx<'_>,
    ask: &Ask,
    asked: &Asked,
    uri: &Sha256Digest,
    id: &AuthorizationId,
    query: &str,
) -> Result<Result<(), ClientRefusal>, DbError> {
    let client_id = ask.client_id();
    let client = views::find_client(tx, &client_id)?;
    if let Err(refusal) = client_auth::admit(tx, ask, client.as_ref())? {
        return Ok(Err(refusal));
    }
    let refused = |error| Ok(Err(ClientRefusal::Failed(error)));
    if let Some(proof) = &ask.proof
        && let Some(refusal) = dpop::claim(tx, proof)?
    {
        return refused(refusal);
    }
    let Some(app) = apps::find_serving(tx, &client_id)? else {
        return refused(OAuthError::unauthorized_client(&fault::CLIENT_INACTIVE));
    };
    // Who will open it is not known yet: whether that person may use the app is asked then.
    let trusted = match enter(&app, asked, Access::Allowed) {
        Zone::Two(trusted) => trusted,
        Zone::One(closed @ Closed::WrongRedirectUri) => return refused(OAuthError::invalid_request(closed.fault())),
        Zone::One(closed) => return refused(OAuthError::unauthorized_client(closed.fault())),
        Zone::Testers(_) => return refused(OAuthError::unauthorized_client(&fault::CLIENT_NOT_APPROVED)),
    };
    let settings =
        Settings { require_pkce: ask.app.config.tokens.require_pkce, catalogue: &ask.app.catalogue, hints: &*ask.app };
    if let Err(error) = trusted.demand(&app, settings) {
        return refused(error);
    }
    let (uri, id, expires_at) = (uri.as_bytes(), id.to_string(), ask.now.plus(LIFETIME));
    tx.execute(&INSERT_PUSHED, params![uri, id, client_id, query, ask.now, expires_at])?;
    Ok(Ok(()))
}

/// What the authorization endpoint got in place of a request: all other parameters are ignored (RFC 9126 4).
#[derive(Debug, Clone)]
pub struct Reference {
    client_id: Result<String, PageFault>,
    uri: Secret,
}

impl Reference {
    /// Finds the name of a pushed request in a query; nothing where there is none of ours.
    pub fn in_query(query: &str) -> Option<Reference> {
        if !query.contains("request_uri=") {
            return None;
        }
        let params = Params::from_form(query.as_bytes()).ok()?;
        let uri = params.get("request_uri").ok().flatten()?;
        if !uri.starts_with(URN) {
            return None;
        }
        let client_id = match client_id_of(&params) {
            Ok(Some(id)) => Ok(id.to_owned()),
            Ok(None) => Err(PageFault::from(&fault::CLIENT_ID_MISSING)),
            Err(fault) => Err(fault),
        };
        Some(Reference { client_id, uri: Secret::new(uri) })
    }
}

/// A pushed request that a browser opened.
pub struct Opened {
    id: AuthorizationId,
    query: String,
    pushed: Pushed,
}

impl Opened {
    /// As it is carried on in that browser.
    pub fn carried(self, browser: [u8; 32]) -> CarriedRequest {
        let Opened { id, query, pushed } = self;
        CarriedRequest { id, browser, chosen: None, pushed: Some(pushed), insisted: false, query }
    }
}

/// Opens a pushed request: for any browser while it is fresh, later for the one that opened it last. `opener` is the digest
/// of the browser's cookie, if the browser came with what it has.
///
/// # Errors
/// The page that says that there is no such request, or that the database failed.
pub async fn open(
    app: &App,
    reference: Reference,
    opener: Option<[u8; 32]>,
    now: Timestamp,
) -> Result<Opened, PageError> {
    let client_id = reference.client_id.map_err(super::flow_pages::unreadable)?;
    let hash = reference.uri.digest();
    let query = query_of(&client_id, &reference.uri);
    let found = app.db.write(move |tx| find_and_open(tx, &hash, &client_id, opener, now)).await?;
    let (id, parameters) = found.ok_or_else(|| PageError::new(StatusCode::BAD_REQUEST, &fault::REQUEST_URI_UNKNOWN))?;
    let pushed = Pushed { reference: query, opened_at: now };
    Ok(Opened { id: AuthorizationId::from_text(id), query: parameters, pushed })
}

fn query_of(client_id: &str, uri: &Secret) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("client_id", client_id).append_pair("request_uri", uri.expose());
    query.finish()
}

fn find_and_open(
    tx: &mut Tx<'_>,
    uri: &Sha256Digest,
    client_id: &str,
    opener: Option<[u8; 32]>,
    now: Timestamp,
) -> Result<Option<(String, String)>, DbError> {
    let found = tx.find(&FIND_PUSHED, params![uri.as_bytes(), client_id], |row| {
        let times: (Timestamp, Timestamp) = (row.get(2)?, row.get(3)?);
        Ok((row.get::<String>(0)?, row.get::<String>(1)?, times, row.get::<Option<[u8; 32]>>(4)?))
    })?;
    let Some((id, query, (created_at, expires_at), opened_by)) = found else { return Ok(None) };
    let is_fresh = now < expires_at;
    let goes_on = opened_by.is_some() && opened_by == opener && now < created_at.plus(REQUEST_LIFETIME);
    if !is_fresh && !goes_on {
        return Ok(None);
    }
    if let Some(opener) = opener.filter(|opener| opened_by.as_ref() != Some(opener)) {
        tx.execute(&OPEN_PUSHED, params![uri.as_bytes(), opener])?;
    }
    Ok(Some((id, query)))
}

/// Deletes pushed requests that nobody goes on with.
pub fn sweep_pushed(tx: &mut Tx<'_>, now: Timestamp, limit: i64) -> Result<u64, DbError> {
    tx.execute(&SWEEP_PUSHED, params![now.minus(REQUEST_LIFETIME), limit])
}
