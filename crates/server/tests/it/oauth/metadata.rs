//! What the server says about itself (RFC 8414), its keys (RFC 7517), and scripts of other origins.

use protocol::jwt::{JwkSet, KeySet, TokenType, VerifyingKey};

use super::redeem;
use crate::support::{Answer, World};

async fn get(world: &World, path: &str) -> Answer {
    Answer::of(world.http.get(world.url(path)).send().await.unwrap()).await
}

#[tokio::test]
async fn the_metadata_says_what_is_true() {
    let world = World::new().await;
    let answer = get(&world, "/.well-known/oauth-authorization-server").await;
    assert_eq!(answer.header("content-type"), "application/json");
    let text = answer.text.replace(world.app.issuer.as_str(), "https://issuer");
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    insta::assert_json_snapshot!(json, @r#"
    {
      "authorization_endpoint": "https://issuer/oauth2/authorize",
      "authorization_response_iss_parameter_supported": true,
      "claim_types_supported": [
        "normal"
      ],
      "claims_parameter_supported": false,
      "claims_supported": [
        "iss",
        "aud",
        "exp",
        "iat",
        "auth_time",
        "nonce",
        "at_hash",
        "sid",
        "sub",
        "name",
        "given_name",
        "family_name",
        "email",
        "email_verified"
      ],
      "code_challenge_methods_supported": [
        "S256"
      ],
      "dpop_signing_alg_values_supported": [
        "RS256",
        "PS256",
        "ES256",
        "EdDSA"
      ],
      "end_session_endpoint": "https://issuer/oauth2/logout",
      "grant_types_supported": [
        "authorization_code",
        "refresh_token"
      ],
      "id_token_signing_alg_values_supported": [
        "ES256"
      ],
      "introspection_endpoint": "https://issuer/api/oauth2/v2/introspect",
      "introspection_endpoint_auth_methods_supported": [
        "client_secret_basic",
        "client_secret_post",
        "private_key_jwt"
      ],
      "introspection_endpoint_auth_signing_alg_values_supported": [
        "RS256",
        "PS256",
        "ES256",
        "EdDSA"
      ],
      "issuer": "https://issuer",
      "jwks_uri": "https://issuer/.well-known/jwks.json",
      "prompt_values_supported": [
        "none",
        "login",
        "consent",
        "select_account"
      ],
      "pushed_authorization_request_endpoint": "https://issuer/oauth2/par",
      "request_parameter_supported": false,
      "request_uri_parameter_supported": false,
      "require_pushed_authorization_requests": false,
      "response_modes_supported": [
        "query"
      ],
      "response_types_supported": [
        "code"
      ],
      "revocation_endpoint": "https://issuer/api/oauth2/v2/revoke",
      "revocation_endpoint_auth_methods_supported": [
        "client_secret_basic",
        "client_secret_post",
        "private_key_jwt",
        "none"
      ],
      "revocation_endpoint_auth_signing_alg_values_supported": [
        "RS256",
        "PS256",
        "ES256",
        "EdDSA"
      ],
      "scopes_supported": [
        "user:read",
        "meeting:create",
        "meeting:delete",
        "meeting:read",
        "meeting:update",
        "meeting:join",
        "openid",
        "profile",
        "email"
      ],
      "service_documentation": "https://issuer/docs/api",
      "subject_types_supported": [
        "public"
      ],
      "token_endpoint": "https://issuer/api/oauth2/v2/token",
      "token_endpoint_auth_methods_supported": [
        "client_secret_basic",
        "client_secret_post",
        "private_key_jwt",
        "none"
      ],
      "token_endpoint_auth_signing_alg_values_supported": [
        "RS256",
        "PS256",
        "ES256",
        "EdDSA"
      ],
      "ui_locales_supported": [
        "en"
      ],
      "userinfo_endpoint": "https://issuer/oauth2/userinfo"
    }
    "#);
}

#[tokio::test]
async fn the_published_keys_verify_what_was_signed() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let ada = world.person("ada@example.com").await;
    let tokens = redeem(&world, &app, &world.code(&app, &ada).await).await.tokens();

    let answer = get(&world, "/.well-known/jwks.json").await;
    assert!(answer.header("cache-control").contains("max-age=300"));
    let set: JwkSet = serde_json::from_str(&answer.text).unwrap();
    let keys = KeySet::new(set.keys.iter().map(|key| VerifyingKey::from_jwk(key).unwrap()));
    keys.verify(&tokens.access, TokenType::AccessToken).unwrap();
    assert!(!answer.text.contains("\"d\""), "no private half");
}

#[tokio::test]
async fn scripts_of_any_origin_may_ask_where_no_cookie_counts() {
    let world = World::new().await;
    for path in ["/.well-known/oauth-authorization-server", "/.well-known/jwks.json"] {
        assert_eq!(get(&world, path).await.header("access-control-allow-origin"), "*");
    }
    for (path, allowed) in
        [("/api/oauth2/v2/token", "*"), ("/api/oauth2/v2/revoke", "*"), ("/api/oauth2/v2/introspect", "")]
    {
        let preflight = world
            .http
            .request(reqwest::Method::OPTIONS, world.url(path))
            .header("origin", "https://pocket.example")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type");
        let answer = Answer::of(preflight.send().await.unwrap()).await;
        assert_eq!(answer.header("access-control-allow-origin"), allowed, "{path}");
        assert_eq!(answer.header("access-control-allow-credentials"), "");
        let refused = world.http.post(world.url(path)).form(&[("a", "b")]);
        let answer = Answer::of(refused.send().await.unwrap()).await;
        assert_eq!(answer.header("access-control-allow-origin"), allowed, "{path}: refusals are readable too");
    }
}
