//! The published crates `oauth2` and `openidconnect` run the whole flow against a running server. They are told the
//! issuer, a client id and a secret, and where they are reached; everything else they find out.

mod browser;

use std::env;

use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata, CoreUserInfoClaims};
use openidconnect::{
    AccessTokenHash, AuthorizationCode, ClientId, ClientSecret, CsrfToken, IssuerUrl, Nonce, OAuth2TokenResponse,
    PkceCodeChallenge, RedirectUrl, Scope, TokenResponse,
};
use reqwest::blocking::Client;
use serde_json::Value;

use browser::Browser;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn setting(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

fn main() -> Result<()> {
    // RFC 9700 and both crates' manuals: a client must not follow redirects.
    let http = Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build()?;
    sign_in_with_openidconnect(&http)?;
    use_the_api_with_oauth2(&http)?;
    Ok(())
}

/// Discovery, sign-in, ID token with nonce and `at_hash`, userinfo, refresh.
fn sign_in_with_openidconnect(http: &Client) -> Result<()> {
    let issuer = IssuerUrl::new(setting("ISSUER"))?;
    let provider = CoreProviderMetadata::discover(&issuer, http)?;
    let client = CoreClient::from_provider_metadata(
        provider,
        ClientId::new(setting("CLIENT_ID")),
        Some(ClientSecret::new(setting("CLIENT_SECRET"))),
    )
    .set_redirect_uri(RedirectUrl::new(setting("REDIRECT_URI"))?);
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state, nonce) = client
        .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
        .add_scope(Scope::new("profile".into()))
        .add_scope(Scope::new("email".into()))
        .set_pkce_challenge(challenge)
        .url();
    let answer = Browser::new()?.allow(url.as_str())?;
    assert_eq!(answer["state"], *state.secret());
    assert_eq!(answer["iss"], setting("ISSUER"));

    let tokens = client
        .exchange_code(AuthorizationCode::new(answer["code"].clone()))?
        .set_pkce_verifier(verifier)
        .request(http)?;
    let id_token = tokens.id_token().ok_or("no ID token")?;
    let id_verifier = client.id_token_verifier();
    let claims = id_token.claims(&id_verifier, &nonce)?;
    let hash = AccessTokenHash::from_token(
        tokens.access_token(),
        id_token.signing_alg()?,
        id_token.signing_key(&id_verifier)?,
    )?;
    assert_eq!(claims.access_token_hash(), Some(&hash));
    assert!(claims.auth_time().is_some());

    let info: CoreUserInfoClaims =
        client.user_info(tokens.access_token().to_owned(), Some(claims.subject().clone()))?.request(http)?;
    assert_eq!(info.email().map(|email| email.as_str().to_owned()), Some(setting("EMAIL")));
    assert_eq!(info.email_verified(), Some(true));
    assert!(info.given_name().is_some());

    let refresh_token = tokens.refresh_token().ok_or("no refresh token")?;
    let again = client.exchange_refresh_token(refresh_token)?.request(http)?;
    let refreshed = again.id_token().ok_or("no ID token at the refresh")?;
    // OpenID Connect Core 12.2: without a nonce, the same subject and time of sign-in.
    let after = refreshed.claims(&id_verifier, |nonce: Option<&Nonce>| match nonce {
        None => Ok(()),
        Some(_) => Err("a nonce at the refresh".to_owned()),
    })?;
    assert_eq!((after.subject(), after.auth_time()), (claims.subject(), claims.auth_time()));
    println!("openidconnect: discovery, sign-in, ID token, userinfo, refresh");
    Ok(())
}

/// Plain OAuth 2.0: the metadata of RFC 8414, a code, the API, a refresh.
fn use_the_api_with_oauth2(http: &Client) -> Result<()> {
    use oauth2::basic::BasicClient;
    use oauth2::{AuthUrl, TokenUrl};

    let issuer = setting("ISSUER");
    let metadata: Value = http.get(format!("{issuer}/.well-known/oauth-authorization-server")).send()?.json()?;
    assert_eq!(metadata["issuer"], issuer);
    let endpoint = |name: &str| metadata[name].as_str().unwrap_or_default().to_owned();
    let client = BasicClient::new(oauth2::ClientId::new(setting("CLIENT_ID")))
        .set_client_secret(oauth2::ClientSecret::new(setting("CLIENT_SECRET")))
        .set_auth_uri(AuthUrl::new(endpoint("authorization_endpoint"))?)
        .set_token_uri(TokenUrl::new(endpoint("token_endpoint"))?)
        .set_redirect_uri(oauth2::RedirectUrl::new(setting("REDIRECT_URI"))?);
    let (challenge, verifier) = oauth2::PkceCodeChallenge::new_random_sha256();
    let (url, state) = client
        .authorize_url(oauth2::CsrfToken::new_random)
        .add_scope(oauth2::Scope::new("user:read".into()))
        .add_scope(oauth2::Scope::new("meeting:read".into()))
        .set_pkce_challenge(challenge)
        .url();
    let answer = Browser::new()?.allow(url.as_str())?;
    assert_eq!(answer["state"], *state.secret());

    let code = oauth2::AuthorizationCode::new(answer["code"].clone());
    let tokens = client.exchange_code(code).set_pkce_verifier(verifier).request(http)?;
    let profile = |access: &str| http.get(format!("{issuer}/api/user/profile")).bearer_auth(access).send();
    let person: Value = profile(tokens.access_token().secret())?.error_for_status()?.json()?;
    assert_eq!(person["email"], setting("EMAIL"));
    let refresh_token = tokens.refresh_token().ok_or("no refresh token")?;
    let again = client.exchange_refresh_token(refresh_token).request(http)?;
    assert_eq!(again.scopes().map(Vec::len), Some(2));
    assert!(profile(again.access_token().secret())?.status().is_success());
    println!("oauth2: metadata, code, API, refresh");
    Ok(())
}
