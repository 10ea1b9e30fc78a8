//! From a decided unit of work to the answer: the one signature, and the token response (RFC 6749 section 5.1).

use std::sync::Arc;
use std::time::Duration;

use protocol::error::{OAuthError, OAuthErrorCode};
use protocol::fault;
use protocol::jwt::TokenType;
use serde::Serialize;
use utoipa::ToSchema;

use super::access_token::{NewAccessToken, Validity};
use super::client_auth::{Authenticated, ClientRefusal};
use super::id_token::NewIdToken;
use super::refresh_token::RefreshToken;
use crate::app::App;
use crate::keys::{Place, RootKey};
use crate::time::Timestamp;

/// What a unit of work at the token endpoint came to.
#[derive(Debug)]
pub enum Outcome {
    /// It is durable: sign and answer.
    Issued(Box<Issued>),
    /// Refused.
    Refused(OAuthError),
    /// Too many failed authentications: come back later.
    Limited(Duration),
}

impl Outcome {
    /// Tokens to sign.
    pub fn issued(issued: Issued) -> Outcome {
        Outcome::Issued(Box::new(issued))
    }
}

impl From<ClientRefusal> for Outcome {
    fn from(refusal: ClientRefusal) -> Outcome {
        match refusal {
            ClientRefusal::Failed(error) => Outcome::Refused(error),
            ClientRefusal::Limited(wait) => Outcome::Limited(wait),
        }
    }
}

/// A pair of tokens that the database knows of and the client not yet.
#[derive(Debug)]
pub struct Issued {
    /// The access token, unsigned.
    pub access: NewAccessToken,
    /// The ID token, unsigned, where the person signed in with it.
    pub id_token: Option<NewIdToken>,
    /// The refresh token.
    pub refresh: RefreshToken,
    /// The server key that made it.
    pub key: Arc<RootKey>,
    /// `expires_in` as a time: the app asked for it.
    pub expires_in_as_time: bool,
    /// How the client authenticated.
    pub client: Authenticated,
}

/// A pair of tokens.
#[derive(Serialize, ToSchema)]
#[schema(as = AccessTokenResponseBody)]
pub struct TokenResponse<'a> {
    /// A signed JWT (RFC 9068), which opens the API.
    access_token: &'a str,
    /// `Bearer`, or `DPoP` when the request came with a proof: the token is bound to its key.
    token_type: &'static str,
    expires_in: ExpiresIn<'a>,
    /// When the access token expires, in UTC.
    #[schema(format = DateTime)]
    expires_at: &'a str,
    /// Buys the next pair; it replaces the one that was sent.
    refresh_token: &'a str,
    /// What the access token opens: scopes with spaces between them.
    scope: &'a str,
    /// Who signed in (OpenID Connect Core 3.1.3.3): a signed JWT, where `openid` was granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<&'a str>,
}

/// For how many seconds the access token is good (RFC 6749 section 5.1). For an app that asked for it in its settings, the
/// time of expiry instead.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum ExpiresIn<'a> {
    /// Seconds.
    Seconds(i64),
    /// The time, in UTC.
    Time(&'a str),
}

/// How a token is sent: with a proof of the key that it is bound to, or alone.
pub const fn token_type<T>(bound_to: Option<&T>) -> &'static str {
    match bound_to {
        None => "Bearer",
        Some(_) => "DPoP",
    }
}

impl Issued {
    /// Signs the access token, and the ID token where there is one, and writes the token response.
    ///
    /// # Errors
    /// `server_error` when no signature could be made.
    pub async fn sign(&self, app: &App, place: Place, now: Timestamp) -> Result<Vec<u8>, OAuthError> {
        let validity = Validity::new(now, app.config.tokens.access_token_ttl.get(), self.access.access_until);
        let claims = self.access.claims(app.issuer.as_str(), validity, app.random.bytes());
        let access_token = sign(&place, TokenType::AccessToken, claims).await?;
        let id_token = match &self.id_token {
            Some(new) => {
                let lifetime = app.config.tokens.id_token_ttl.get();
                let claims = new.claims(app.issuer.as_str(), now, lifetime, place.algorithm(), &access_token);
                Some(sign(&place, TokenType::IdToken, claims).await?)
            }
            None => None,
        };
        let expires_at = validity.end().to_iso();
        let refresh_token = self.refresh.text(&self.key);
        let response = TokenResponse {
            access_token: &access_token,
            token_type: token_type(self.access.bound_to.as_ref()),
            expires_in: match self.expires_in_as_time {
                true => ExpiresIn::Time(&expires_at),
                false => ExpiresIn::Seconds(validity.seconds()),
            },
            expires_at: &expires_at,
            refresh_token: refresh_token.expose(),
            scope: &self.access.scopes.text(),
            id_token: id_token.as_deref(),
        };
        let mut body = Vec::with_capacity(access_token.len() + 512);
        serde_json::to_writer(&mut body, &response).map_err(|error| OAuthError::server_error(error.to_string()))?;
        Ok(body)
    }
}

async fn sign(place: &Place, kind: TokenType, claims: Vec<u8>) -> Result<String, OAuthError> {
    place.sign(kind, claims).await.map_err(|error| {
        OAuthError::new(OAuthErrorCode::ServerError, &fault::SIGNING_FAILED).with_private(error.to_string())
    })
}
