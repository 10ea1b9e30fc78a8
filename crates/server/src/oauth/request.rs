//! What the token, revocation and introspection endpoints read alike: who asks, and the parameters of the body, a form
//! (the guide) or a JSON object (the API description).

use axum::extract::Request;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use protocol::error::OAuthError;
use protocol::fault;
use protocol::params::Params;
use protocol::token_request::ClientCredentials;

use super::assertion;
use super::client_auth::Ask;
use super::dpop::TokenProof;
use crate::app::SharedApp;
use crate::web::{self, BodyFault, MAX_BODY_BYTES};

/// A request by a client, read but not yet believed.
pub struct ClientRequest {
    /// Who asks.
    pub ask: Ask,
    /// What came in the body.
    pub params: Params,
}

impl ClientRequest {
    /// As [`ClientRequest::read`], where tokens are asked for: with the DPoP proof, if there is one.
    ///
    /// # Errors
    /// As there, and `invalid_dpop_proof`.
    pub async fn read_with_proof(app: SharedApp, request: Request) -> Result<ClientRequest, OAuthError> {
        let now = app.clock.now();
        let proof = TokenProof::read(&app, request.headers(), request.method(), request.uri().path(), now);
        let mut read = ClientRequest::read(app, request).await?;
        read.ask.proof = proof?;
        Ok(read)
    }

    /// Reads header and body.
    ///
    /// # Errors
    /// `invalid_request` for what cannot be read, with 413, 415 or 408 where HTTP has a word for it; `invalid_client` for
    /// credentials that are missing or malformed.
    pub async fn read(app: SharedApp, request: Request) -> Result<ClientRequest, OAuthError> {
        let (parts, body) = request.into_parts();
        let read = if web::has_media_type(&parts, "application/x-www-form-urlencoded") {
            Params::from_form
        } else if web::has_media_type(&parts, "application/json") {
            Params::from_json
        } else {
            return Err(OAuthError::invalid_request(&fault::UNSUPPORTED_MEDIA_TYPE).with_status(415));
        };
        let bytes = web::read_body(&parts, body, MAX_BODY_BYTES).await.map_err(body_error)?;
        let params = read(&bytes)?;
        let mut ask = read_ask(app, &parts, &params)?;
        if let ClientCredentials::Assertion(assertion) = &ask.credentials {
            let proof = assertion::prove(&ask.app, assertion, parts.uri.path(), ask.now).await;
            ask.key_proof = Some(proof.map_err(web::oauth_error_from_db)?);
        }
        Ok(ClientRequest { ask, params })
    }
}

fn read_ask(app: SharedApp, parts: &Parts, params: &Params) -> Result<Ask, OAuthError> {
    let credentials = ClientCredentials::read(only_authorization(&parts.headers)?, params)?;
    let address = web::client_address(&app, &parts.extensions, &parts.headers);
    let now = app.clock.now();
    let ask = Ask {
        app,
        credentials,
        key_proof: None,
        proof: None,
        address_block: web::address_block(address),
        address: address.to_string(),
        now,
    };
    ask.check_shape()?;
    Ok(ask)
}

fn only_authorization(headers: &HeaderMap) -> Result<Option<&[u8]>, OAuthError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let first = values.next().map(http::HeaderValue::as_bytes);
    match values.next() {
        None => Ok(first),
        Some(_) => Err(OAuthError::invalid_request(&fault::CLIENT_AUTH_TWICE)),
    }
}

fn body_error(fault: BodyFault) -> OAuthError {
    match fault {
        BodyFault::TooLarge => OAuthError::invalid_request(&fault::BODY_TOO_LARGE).with_status(413),
        BodyFault::TooSlow | BodyFault::Broken => OAuthError::invalid_request(&fault::REQUEST_TIMEOUT).with_status(408),
    }
}
