//! JWT confusion (RFC 8725): tokens that a library might believe, because it lets the token say how it is to be checked. The
//! key says which algorithm, the `typ` which kind, and nothing is believed before the signature.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use protocol::jwt::{Algorithm, SigningKey, TokenType};
use protocol::secret::{base64url_decode, base64url_encode};
use serde_json::{Value as Json, json};

use crate::oauth::{bearer_call, introspect, redeem};
use crate::support::{TestApp, Tokens, World};

async fn granted(world: &World) -> (TestApp, Tokens) {
    let app = world.approved_app("planner").await;
    let ada = world.person(super::ADA).await;
    let tokens = redeem(world, &app, &world.code(&app, &ada).await).await.tokens();
    (app, tokens)
}

/// Lesson S13, and RFC 8725: nothing but what we signed opens anything, and a refresh token is no access token.
#[tokio::test]
async fn no_altered_token_opens_anything() {
    let world = World::new().await;
    let (_, tokens) = granted(&world).await;
    let token = &tokens.access;
    let parts: Vec<&str> = token.split('.').collect();
    let forged = |header: &str, claims: &str, signature: &str| {
        format!("{}.{}.{signature}", base64url_encode(header.as_bytes()), base64url_encode(claims.as_bytes()))
    };
    let header = String::from_utf8(base64url_decode(parts[0]).unwrap()).unwrap();
    let claims = String::from_utf8(base64url_decode(parts[1]).unwrap()).unwrap();
    let altered = [
        token[..token.len() - 1].to_owned(),
        token[1..].to_owned(),
        format!("{token}A"),
        format!("{token}.x"),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}", parts[0], parts[1]),
        forged(&header.replace("ES256", "none"), &claims, ""),
        forged(&header.replace("ES256", "HS256"), &claims, parts[2]),
        forged(&header, &claims.replace("user:read", "user:root"), parts[2]),
    ];
    for altered in &altered {
        bearer_call(&world, altered).await.unwrap_err().is(401, "token_invalid");
    }
    let id_token = forged(&header.replace("at+jwt", "JWT"), &claims, parts[2]);
    for other_kind in [&id_token, &tokens.refresh] {
        bearer_call(&world, other_kind).await.unwrap_err().is(401, "token_wrong_kind");
    }
    // Still as good as before, remembered or not.
    bearer_call(&world, token).await.unwrap();
}

fn part(json: &Json) -> String {
    base64url_encode(json.to_string().as_bytes())
}

fn header_of(token: &str) -> Json {
    let header = token.split('.').next().unwrap();
    serde_json::from_slice(&base64url_decode(header).unwrap()).unwrap()
}

/// Claims signed with the server's own key, as that kind of token.
async fn signed(world: &World, typ: TokenType, claims: &Json) -> String {
    let place = world.app.signer.place(world.now()).unwrap();
    place.sign(typ, claims.to_string().into_bytes()).await.unwrap()
}

fn with(claims: &Json, name: &str, value: Json) -> Json {
    let mut claims = claims.clone();
    claims[name] = value;
    claims
}

/// Refused by the API, and not active to its own app.
async fn opens_nothing(world: &World, app: &TestApp, token: &str, what: &str) {
    let Err(refused) = bearer_call(world, token).await else { panic!("{what} opened the API") };
    assert_eq!(refused.status, 401, "{what}: {}", refused.text);
    assert!(refused.header("www-authenticate").contains("error=\"invalid_token\""), "{what}");
    assert_eq!(introspect(world, app, token).await.json, json!({ "active": false }), "{what}");
}

#[tokio::test]
async fn no_algorithm_is_taken_from_the_token() {
    let world = World::new().await;
    let (app, tokens) = granted(&world).await;
    let (header, claims) = (header_of(&tokens.access), tokens.claims());
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        for signature in ["", "AA", tokens.access.rsplit('.').next().unwrap()] {
            let token = format!("{}.{}.{signature}", part(&with(&header, "alg", json!(alg))), part(&claims));
            opens_nothing(&world, &app, &token, alg).await;
        }
        let bare = format!("{}.{}.", part(&json!({ "alg": alg })), part(&claims));
        opens_nothing(&world, &app, &bare, alg).await;
    }
    // HS256, with each text that the public key is published as for its secret.
    let jwks: Json = serde_json::from_str(&world.app.signer.jwks()).unwrap();
    let key = &jwks["keys"][0];
    let coordinate = |name: &str| base64url_decode(key[name].as_str().unwrap()).unwrap();
    let point = [&[4][..], &coordinate("x"), &coordinate("y")].concat();
    let secrets = [
        point,
        coordinate("x"),
        key.to_string().into_bytes(),
        jwks.to_string().into_bytes(),
        world.app.signer.jwks().as_bytes().to_vec(),
    ];
    for secret in &secrets {
        let signed = format!("{}.{}", part(&with(&header, "alg", json!("HS256"))), part(&claims));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
        opens_nothing(&world, &app, &format!("{signed}.{}", base64url_encode(tag.as_ref())), "HS256").await;
    }
    bearer_call(&world, &tokens.access).await.unwrap();
}

#[tokio::test]
async fn no_key_is_taken_from_the_token() {
    let world = World::new().await;
    let (app, tokens) = granted(&world).await;
    let own = SigningKey::generate(Algorithm::Es256).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, own.to_pkcs8().unwrap().expose()).unwrap();
    let good = header_of(&tokens.access)["kid"].as_str().unwrap().to_owned();
    let sign = |header: &Json| {
        let text = format!("{}.{}", part(header), part(&tokens.claims()));
        let signature = pair.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
        format!("{text}.{}", base64url_encode(signature.as_ref()))
    };
    let jwk = serde_json::to_value(own.verifying_key().jwk()).unwrap();
    for header in [
        json!({ "alg": "ES256", "typ": "at+jwt", "kid": own.verifying_key().kid() }),
        json!({ "alg": "ES256", "typ": "at+jwt", "kid": good }),
        json!({ "alg": "ES256", "typ": "at+jwt" }),
        json!({ "alg": "ES256", "typ": "at+jwt", "kid": own.verifying_key().kid(), "jwk": jwk }),
        json!({ "alg": "ES256", "typ": "at+jwt", "kid": good, "jwk": jwk }),
        json!({ "alg": "ES256", "typ": "at+jwt", "jku": "https://evil.example/jwks.json", "kid": "evil" }),
        json!({ "alg": "ES256", "typ": "at+jwt", "x5u": "https://evil.example/", "x5c": ["AAAA"], "kid": good }),
        json!({ "alg": "ES256", "typ": "at+jwt", "kid": "../../../dev/null" }),
        json!({ "alg": "ES256", "typ": "at+jwt", "kid": "' OR 1=1 --" }),
        json!({ "alg": "ES256", "typ": "at+jwt", "kid": "" }),
        json!({ "alg": "ES256", "typ": "at+jwt", "kid": good, "crit": ["exp"] }),
        json!({ "alg": "ES256", "typ": "at+jwt", "kid": good, "crit": null }),
    ] {
        opens_nothing(&world, &app, &sign(&header), &header.to_string()).await;
    }
}

/// Signed by ourselves, and for something else: every other kind of token, an ID token with all the right claims among them.
#[tokio::test]
async fn a_token_of_another_kind_is_no_access_token() {
    let world = World::new().await;
    let (app, tokens) = granted(&world).await;
    for typ in TokenType::ALL.iter().copied().filter(|typ| *typ != TokenType::AccessToken) {
        let token = signed(&world, typ, &tokens.claims()).await;
        opens_nothing(&world, &app, &token, typ.as_str()).await;
        bearer_call(&world, &token).await.unwrap_err().is(401, "token_wrong_kind");
    }
    let token = signed(&world, TokenType::AccessToken, &tokens.claims()).await;
    bearer_call(&world, &token).await.expect("the same claims, as what they are");
}

#[tokio::test]
async fn claims_that_are_not_ours_or_not_now_open_nothing() {
    let world = World::new().await;
    let (app, tokens) = granted(&world).await;
    let claims = tokens.claims();
    let now = world.now().as_seconds();
    let issuer = world.app.issuer.as_str();
    for (what, claims) in [
        ("expired", with(&claims, "exp", json!(now))),
        ("expired long ago", with(&claims, "exp", json!(0))),
        ("expired before time", with(&claims, "exp", json!(-1))),
        ("no expiry", with(&claims, "exp", Json::Null)),
        ("expiry as text", with(&claims, "exp", json!(format!("{}", now + 60)))),
        ("another issuer", with(&claims, "iss", json!("https://evil.example"))),
        ("an issuer that is almost ours", with(&claims, "iss", json!(format!("{issuer}/")))),
        ("no issuer", with(&claims, "iss", Json::Null)),
        ("another grant", with(&claims, "tokenId", json!("ot-07070707-0707-0707-0707-070707070707.0"))),
        (
            "a generation to come",
            with(&claims, "tokenId", json!(claims["tokenId"].as_str().unwrap().replace(".0", ".7"))),
        ),
        ("no token id", with(&claims, "tokenId", json!(""))),
        ("another app", with(&claims, "client_id", json!("0123456789abcdef01234567"))),
        ("another person", with(&claims, "sub", json!("usr-nobody"))),
    ] {
        let token = signed(&world, TokenType::AccessToken, &claims).await;
        opens_nothing(&world, &app, &token, what).await;
    }
}

/// What is for another resource server, or for the app itself as an ID token is, is not for our API.
#[tokio::test]
async fn a_token_for_another_audience_opens_nothing_here() {
    let world = World::new().await;
    let (app, tokens) = granted(&world).await;
    for audience in [
        json!("https://api.example"),
        json!(["https://api.example", app.client_id]),
        json!(app.client_id),
        json!([]),
        json!(""),
        json!(format!("{}/", world.app.issuer)),
    ] {
        let token = signed(&world, TokenType::AccessToken, &with(&tokens.claims(), "aud", audience.clone())).await;
        let refused = bearer_call(&world, &token).await.expect_err("the audience is another");
        refused.is(401, "token_wrong_kind");
    }
}

#[tokio::test]
async fn a_token_of_another_server_with_the_same_claims_opens_nothing() {
    let (world, other) = (World::new().await, World::new().await);
    let (app, tokens) = granted(&world).await;
    let token = signed(&other, TokenType::AccessToken, &tokens.claims()).await;
    opens_nothing(&world, &app, &token, "signed elsewhere").await;
}
