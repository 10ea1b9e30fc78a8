//! What the server says about itself: authorization server metadata (RFC 8414), which is the discovery document of OpenID
//! Connect too, protected resource metadata of our API (RFC 9728), and the public keys (RFC 7517).

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use protocol::jwt::ClientAlgorithm;
use protocol::metadata::{AuthorizationServerMetadata, ProtectedResourceMetadata};

use super::userinfo::CLAIMS;
use crate::app::{App, SharedApp};

/// Keys are published `keys.publish_ahead` (15 minutes by default) before they sign, so a key set may be kept for less.
const KEYS_CACHE: &str = "public, max-age=300";

/// Nothing here changes while a server runs but the algorithm of its keys, and that long ahead.
const METADATA_CACHE: &str = "public, max-age=3600";

/// How clients say who they are.
const ANY_CLIENT: &[&str] = &["client_secret_basic", "client_secret_post", "private_key_jwt", "none"];

/// How clients prove who they are.
const PROVEN_CLIENT: &[&str] = &["client_secret_basic", "client_secret_post", "private_key_jwt"];

/// `GET /.well-known/oauth-authorization-server` and `GET /.well-known/openid-configuration`: the same, for both kinds of
/// clients. The issuer has no path, so there are no other places to look.
pub async fn show_metadata(State(app): State<SharedApp>) -> Response {
    let body = serde_json::to_string(&metadata(&app)).unwrap_or_default();
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, METADATA_CACHE)], body).into_response()
}

/// `GET /.well-known/oauth-protected-resource`: our API, for clients that begin with it.
pub async fn show_resource(State(app): State<SharedApp>) -> Response {
    let resource = ProtectedResourceMetadata {
        resource: app.issuer.as_str().to_owned(),
        authorization_servers: vec![app.issuer.as_str().to_owned()],
        scopes_supported: app.catalogue.own_scopes().map(|scope| scope.name.to_string()).collect(),
        bearer_methods_supported: vec!["header".to_owned()],
        resource_name: Some("JioMeet".to_owned()),
        resource_documentation: Some(app.issuer.url("/docs/api")),
    };
    let body = serde_json::to_string(&resource).unwrap_or_default();
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, METADATA_CACHE)], body).into_response()
}

/// `GET /.well-known/jwks.json`.
pub async fn show_keys(State(app): State<SharedApp>) -> Response {
    let keys: Arc<str> = app.signer.jwks();
    ([(CONTENT_TYPE, "application/jwk-set+json"), (CACHE_CONTROL, KEYS_CACHE)], keys.to_string()).into_response()
}

fn metadata(app: &App) -> AuthorizationServerMetadata {
    let issuer = &app.issuer;
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    AuthorizationServerMetadata {
        issuer: issuer.as_str().to_owned(),
        authorization_endpoint: issuer.url("/oauth2/authorize"),
        token_endpoint: issuer.url("/api/oauth2/v2/token"),
        jwks_uri: Some(issuer.url("/.well-known/jwks.json")),
        scopes_supported: app.catalogue.scopes.iter().map(|scope| scope.name.to_string()).collect(),
        response_types_supported: words(&["code"]),
        response_modes_supported: words(&["query"]),
        grant_types_supported: words(&["authorization_code", "refresh_token"]),
        token_endpoint_auth_methods_supported: words(ANY_CLIENT),
        token_endpoint_auth_signing_alg_values_supported: client_algorithms(),
        service_documentation: Some(issuer.url("/docs/api")),
        ui_locales_supported: words(&["en"]),
        revocation_endpoint: Some(issuer.url("/api/oauth2/v2/revoke")),
        revocation_endpoint_auth_methods_supported: words(ANY_CLIENT),
        revocation_endpoint_auth_signing_alg_values_supported: client_algorithms(),
        introspection_endpoint: Some(issuer.url("/api/oauth2/v2/introspect")),
        introspection_endpoint_auth_methods_supported: words(PROVEN_CLIENT),
        introspection_endpoint_auth_signing_alg_values_supported: client_algorithms(),
        pushed_authorization_request_endpoint: Some(issuer.url("/oauth2/par")),
        require_pushed_authorization_requests: Some(false),
        dpop_signing_alg_values_supported: client_algorithms(),
        code_challenge_methods_supported: words(&["S256"]),
        authorization_response_iss_parameter_supported: true,
        userinfo_endpoint: Some(issuer.url("/oauth2/userinfo")),
        end_session_endpoint: Some(issuer.url("/oauth2/logout")),
        subject_types_supported: words(&["public"]),
        id_token_signing_alg_values_supported: app
            .signer
            .algorithms()
            .iter()
            .map(|alg| alg.as_str().to_owned())
            .collect(),
        claims_supported: words(
            &[&["iss", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "sid"], CLAIMS].concat(),
        ),
        claim_types_supported: words(&["normal"]),
        claims_parameter_supported: false,
        request_parameter_supported: false,
        request_uri_parameter_supported: false,
        prompt_values_supported: words(&["none", "login", "consent", "select_account"]),
        ..AuthorizationServerMetadata::default()
    }
}

/// How clients may sign.
fn client_algorithms() -> Vec<String> {
    ClientAlgorithm::ALL.iter().map(|algorithm| algorithm.as_str().to_owned()).collect()
}
