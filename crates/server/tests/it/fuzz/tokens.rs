//! Tokens and seals: nothing but what we made, to the last character.

use jiomeet_oauth::ids::GrantId;
use jiomeet_oauth::oauth::access_token::TokenId;
use jiomeet_oauth::oauth::refresh_token::RefreshToken;
use jiomeet_oauth::random::Random;
use proptest::prelude::*;
use protocol::jwt::{Algorithm, Jwk, KeySet, SigningKey, TokenType, check_access_token};
use protocol::secret::{base64url_decode, base64url_encode};

use super::{almost, bytes, fuzz};
use crate::support::World;

#[test]
fn a_signed_token_is_what_was_signed_or_nothing() {
    let keys: Vec<SigningKey> = Algorithm::ALL.iter().map(|alg| SigningKey::generate(*alg).unwrap()).collect();
    let set = KeySet::new(keys.iter().map(|key| key.verifying_key().clone()));
    let claims = br#"{"iss":"https://a.example","sub":"u","aud":"https://a.example","exp":4102444800,"iat":1}"#;
    let signed: Vec<String> = keys.iter().map(|key| key.sign(TokenType::AccessToken, claims).unwrap()).collect();
    let seeds: Vec<&str> = signed.iter().map(String::as_str).chain(["eyJhbGciOiJub25lIn0.e30.", "a.b.c"]).collect();
    fuzz("JWT", almost(&seeds), |token| {
        let verified = set.verify(&token, TokenType::AccessToken);
        prop_assert_eq!(verified.is_ok(), signed.contains(&token), "{}", token);
        prop_assert!(set.verify(&token, TokenType::IdToken).is_err());
        Ok(())
    });
}

#[test]
fn claims_and_keys_of_any_shape_are_judged() {
    let seeds = [
        r#"{"iss":"https://a.example","sub":"u","aud":["https://a.example"],"exp":2,"iat":1,"jti":"j","client_id":"c","scope":"user:read","userId":"u","tokenId":"ot-07070707-0707-0707-0707-070707070707.1","source":"s","clientId":"c","oauthSource":"s"}"#,
        r#"{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA","kid":"k","alg":"ES256","use":"sig"}"#,
        r#"{"kty":"RSA","n":"AQAB","e":"AQAB","kid":"k"}"#,
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"k"}"#,
    ];
    fuzz("claims and JWKs", (bytes(&seeds), any::<i64>()), |(json, now)| {
        if let Ok(claims) = check_access_token(&json, "https://a.example", "https://a.example", now) {
            prop_assert!(claims.exp.saturating_mul(1000) > now);
            prop_assert!(claims.aud.contains("https://a.example"));
        }
        if let Ok(key) = serde_json::from_slice::<Jwk>(&json) {
            let _ = protocol::jwt::VerifyingKey::from_jwk(&key);
        }
        if let Ok(text) = std::str::from_utf8(&json) {
            if let Some(id) = TokenId::parse(text) {
                prop_assert_eq!(id.to_string(), text);
            }
            if let Some(bytes) = base64url_decode(text) {
                prop_assert_eq!(base64url_encode(&bytes), text, "one spelling for the same bytes");
            }
        }
        Ok(())
    });
}

#[test]
fn a_refresh_token_or_a_seal_is_what_we_made_or_nothing() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let world = runtime.block_on(World::new());
    let (keys, random) = (&world.app.keys, Random::default());
    let first = RefreshToken::first(GrantId::mint(&random, world.now()), &keys.current(), [7; 32]);
    let refresh = first.text(&keys.current()).expose().to_owned();
    let sealed = keys.seal(&random, "fuzz", b"client_id=c1&state=x");
    fuzz("refresh tokens and seals", almost(&[&refresh, &sealed]), |text| {
        let read = RefreshToken::parse(&text, keys);
        prop_assert_eq!(read.is_some(), text == refresh, "{}", text);
        if let Some(read) = read {
            let again = read.text(&keys.current());
            prop_assert_eq!(again.expose(), &text);
        }
        prop_assert_eq!(keys.open("fuzz", &text).is_some(), text == sealed, "{}", text);
        prop_assert!(keys.open("another purpose", &text).is_none());
        Ok(())
    });
    runtime.block_on(async { drop(world) });
}
