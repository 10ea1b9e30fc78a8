//! The OAuth side: discovery (RFC 8414), the authorization request with PKCE (RFC 7636), the code
//! exchange and refreshing (RFC 6749), revocation (RFC 7009) and the issuer check (RFC 9207).

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use oauth2::basic::{BasicClient, BasicErrorResponse, BasicTokenResponse};
use oauth2::http::{HeaderValue, Request, StatusCode, header};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet, HttpRequest,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, TokenResponse, TokenUrl,
};
use serde::Deserialize;
use tokio::sync::OnceCell;
use url::Url;

use crate::Clock;
use crate::config::Config;
use crate::http::{Http, HttpError};
use crate::problem::Problem;
use crate::session::Tokens;
use crate::state::State;

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// The authorization server, as this app knows it.
pub struct Provider {
    config: Arc<Config>,
    http: Http,
    clock: Clock,
    /// Looked up at first use, so that the app may start before the server; kept once found.
    endpoints: OnceCell<Endpoints>,
}

struct Endpoints {
    issuer: String,
    client: Client,
    revocation: Option<String>,
    /// Whether the server promises `iss` on every answer, so that its absence is a fault.
    sends_iss: bool,
}

/// The part of the metadata document that this app uses (RFC 8414 section 2).
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    revocation_endpoint: Option<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl Provider {
    /// The server that `config` names.
    pub fn new(config: Arc<Config>, http: Http, clock: Clock) -> Self {
        Self { config, http, clock, endpoints: OnceCell::new() }
    }

    /// The present time.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    async fn endpoints(&self) -> Result<&Endpoints, Problem> {
        self.endpoints.get_or_try_init(|| self.discover()).await
    }

    async fn discover(&self) -> Result<Endpoints, Problem> {
        let address = metadata_url(&self.config.issuer);
        let garbled = |detail: String| {
            tracing::warn!(%address, detail, "discovery failed");
            Problem::Garbled { detail: format!("{address}: {detail}") }
        };
        let mut request = HttpRequest::new(Vec::new());
        *request.uri_mut() = address.as_str().parse().map_err(|_| garbled("no address".into()))?;
        let answer = self.http.send(request).await?;
        if answer.status() != StatusCode::OK {
            return Err(garbled(format!("HTTP status {}", answer.status().as_u16())));
        }
        let metadata: Metadata = serde_json::from_slice(answer.body()).map_err(|error| garbled(error.to_string()))?;
        // RFC 8414 section 3.3: else any server could speak for this one. Only a final slash, which
        // URL parsers add to a bare host, is forgiven.
        if without_slash(&metadata.issuer) != without_slash(self.config.issuer.as_str()) {
            return Err(garbled(format!("the server calls itself {}", metadata.issuer)));
        }
        let bad = |name: &'static str| move |error| garbled(format!("{name}: {error}"));
        let config = &self.config;
        let client = BasicClient::new(ClientId::new(config.client_id.clone()))
            .set_client_secret(ClientSecret::new(config.client_secret.clone()))
            .set_auth_type(AuthType::BasicAuth)
            .set_redirect_uri(RedirectUrl::from_url(config.redirect_uri.clone()))
            .set_auth_uri(AuthUrl::new(metadata.authorization_endpoint).map_err(bad("authorization_endpoint"))?)
            .set_token_uri(TokenUrl::new(metadata.token_endpoint).map_err(bad("token_endpoint"))?);
        tracing::info!(issuer = metadata.issuer, "found JioMeet's endpoints");
        Ok(Endpoints {
            issuer: metadata.issuer,
            client,
            revocation: metadata.revocation_endpoint,
            sends_iss: metadata.authorization_response_iss_parameter_supported,
        })
    }

    /// Where to send the browser, and the verifier to keep for the exchange.
    pub async fn authorization_url(&self, state: &State, ask_again: bool) -> Result<(Url, PkceCodeVerifier), Problem> {
        let endpoints = self.endpoints().await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut request = endpoints
            .client
            .authorize_url(|| CsrfToken::new(state.encode()))
            .set_pkce_challenge(challenge)
            .add_scopes(self.config.scopes.iter().cloned().map(Scope::new));
        if ask_again {
            // Without it the server would answer by itself what the person answered before.
            request = request.add_extra_param("prompt", "consent");
        }
        Ok((request.url().0, verifier))
    }

    /// Checks who sent the authorization response (RFC 9207 section 2.4).
    pub async fn check_issuer(&self, iss: Option<&str>) -> Result<(), Problem> {
        let endpoints = self.endpoints().await?;
        match iss {
            Some(iss) if iss == endpoints.issuer => Ok(()),
            None if !endpoints.sends_iss => Ok(()),
            _ => {
                Err(Problem::OtherIssuer { expected: endpoints.issuer.clone(), came: iss.unwrap_or("none").to_owned() })
            }
        }
    }

    /// Exchanges the code for tokens (RFC 6749 section 4.1.3).
    pub async fn exchange(&self, code: String, verifier: &PkceCodeVerifier) -> Result<Tokens, Problem> {
        let endpoints = self.endpoints().await?;
        let asked_at = self.now();
        let answer = endpoints
            .client
            .exchange_code(AuthorizationCode::new(code))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier.secret().clone()))
            .request_async(&self.http)
            .await
            .map_err(token_problem)?;
        Ok(tokens_from(&answer, asked_at, None, &self.config))
    }

    /// Buys the next pair with the refresh token (RFC 6749 section 6).
    pub async fn refresh(&self, old: &Tokens) -> Result<Tokens, Problem> {
        let endpoints = self.endpoints().await?;
        let Some(refresh) = &old.refresh else {
            return Err(Problem::AccessEnded);
        };
        let asked_at = self.now();
        let ask = || async { endpoints.client.exchange_refresh_token(refresh).request_async(&self.http).await };
        let answer = match ask().await {
            // The request may have arrived and only its answer been lost. The server gives the
            // same answer to the same question for a while, so asking once more is safe.
            Err(RequestTokenError::Request(HttpError::Unreachable(_))) => ask().await,
            other => other,
        };
        let next = tokens_from(&answer.map_err(token_problem)?, asked_at, Some(old), &self.config);
        tracing::info!(renewals = next.renewals, "renewed an access token");
        Ok(next)
    }

    /// Gives the tokens back (RFC 7009). Signing out goes on without it, so a failure is only logged.
    pub async fn revoke(&self, tokens: &Tokens) {
        // The OAuth library would refuse plain http even on this machine, so the request is ours.
        let Ok(Endpoints { revocation: Some(address), .. }) = self.endpoints().await else {
            return;
        };
        let (token, hint) = match &tokens.refresh {
            Some(refresh) => (refresh.secret(), "refresh_token"),
            None => (tokens.access.secret(), "access_token"),
        };
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("token", token)
            .append_pair("token_type_hint", hint)
            .finish();
        let request = Request::builder()
            .method("POST")
            .uri(address)
            .header(header::AUTHORIZATION, self.basic_credentials())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body.into_bytes());
        let Ok(request) = request else {
            tracing::warn!(address, "the revocation endpoint is no address");
            return;
        };
        match self.http.send(request).await {
            Ok(answer) if answer.status() == StatusCode::OK => {}
            Ok(answer) => tracing::warn!(status = %answer.status(), "revocation was refused"),
            Err(error) => tracing::warn!(%error, "revocation failed"),
        }
    }

    /// Id and secret as RFC 6749 section 2.3.1 writes them: each form-encoded, then Basic.
    fn basic_credentials(&self) -> HeaderValue {
        let encode = |text: &str| -> String { form_urlencoded::byte_serialize(text.as_bytes()).collect() };
        let pair = format!("{}:{}", encode(&self.config.client_id), encode(&self.config.client_secret));
        let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair)))
            .unwrap_or(HeaderValue::from_static("Basic"));
        value.set_sensitive(true);
        value
    }
}

/// RFC 8414 section 3: the well-known part comes between the host and the issuer's own path.
fn metadata_url(issuer: &Url) -> Url {
    let mut address = issuer.clone();
    let path = without_slash(issuer.path());
    address.set_path(&format!("/.well-known/oauth-authorization-server{path}"));
    address
}

fn without_slash(text: &str) -> &str {
    text.strip_suffix('/').unwrap_or(text)
}

fn tokens_from(answer: &BasicTokenResponse, asked_at: Timestamp, old: Option<&Tokens>, config: &Config) -> Tokens {
    let scopes = match answer.scopes() {
        Some(scopes) => scopes.iter().map(|scope| scope.to_string()).collect(),
        // RFC 6749 section 5.1: no scope in the answer means that it is the one asked for.
        None => old.map_or_else(|| config.wanted_scopes(), |old| old.scopes.clone()),
    };
    let lifetime = answer.expires_in().and_then(|time| SignedDuration::try_from(time).ok());
    Tokens {
        access: answer.access_token().clone(),
        refresh: answer.refresh_token().or(old.and_then(|old| old.refresh.as_ref())).cloned(),
        since: asked_at,
        until: lifetime.and_then(|lifetime| asked_at.checked_add(lifetime).ok()),
        scopes,
        renewals: old.map_or(0, |old| old.renewals + 1),
    }
}

fn token_problem(error: RequestTokenError<HttpError, BasicErrorResponse>) -> Problem {
    match error {
        RequestTokenError::ServerResponse(refusal) => {
            tracing::warn!(%refusal, "the token endpoint refused");
            Problem::TokenRefused {
                code: refusal.error().to_string(),
                description: refusal.error_description().cloned().unwrap_or_default(),
            }
        }
        RequestTokenError::Request(error) => error.into(),
        // The body is left out on purpose: it may hold tokens.
        RequestTokenError::Parse(error, _) => {
            Problem::Garbled { detail: format!("the token answer: {}", error.path()) }
        }
        RequestTokenError::Other(detail) => Problem::Garbled { detail },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_well_known_path_comes_before_the_issuers_own() {
        for (issuer, address) in [
            ("https://j.example", "https://j.example/.well-known/oauth-authorization-server"),
            ("https://j.example/t1", "https://j.example/.well-known/oauth-authorization-server/t1"),
        ] {
            assert_eq!(metadata_url(&Url::parse(issuer).unwrap()).as_str(), address);
        }
    }
}
