//! 'Sign in with JioMeet': OpenID Connect Core's code flow, userinfo and discovery.

use std::time::Duration;

use protocol::jwt::{Algorithm, JwkSet, KeySet, TokenType, VerifyingKey, at_hash};
use protocol::secret::base64url_decode;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::flow::{allow, authorize_url, code_in, consent_to, error_in};
use super::{bearer_call, introspect, redeem, refresh, revoke, token};
use crate::support::{Answer, Browser, TestApp, World};

const ADA: &str = "ada@example.com";
pub const SCOPES: &str = "openid profile email user:read meeting:read";

/// An app that signs people in, and Ada, signed in.
pub async fn scene(world: &World) -> (Browser<'_>, TestApp) {
    let app = world.approved_app_for("planner", SCOPES).await;
    world.person(ADA).await;
    let browser = world.browser();
    browser.sign_in(ADA).await;
    (browser, app)
}

/// The claims of an ID token whose signature and type are right by the published keys.
pub async fn verified(world: &World, id_token: &str) -> Json {
    let answer = Answer::of(world.http.get(world.url("/.well-known/jwks.json")).send().await.unwrap()).await;
    let set: JwkSet = serde_json::from_str(&answer.text).unwrap();
    let keys = KeySet::new(set.keys.iter().map(|key| VerifyingKey::from_jwk(key).unwrap()));
    serde_json::from_slice(&keys.verify(id_token, TokenType::IdToken).unwrap().claims).unwrap()
}

/// Signs in with these parameters; the token response.
pub async fn sign_in(world: &World, browser: &Browser<'_>, app: &TestApp, more: &[(&str, &str)]) -> Answer {
    let answer = redeem(world, app, &consent_to(browser, app, more).await).await;
    answer.tokens();
    answer
}

async fn userinfo(world: &World, method: Method, access: &str) -> Answer {
    let request = world.http.request(method, world.url("/oauth2/userinfo")).bearer_auth(access);
    Answer::of(request.send().await.unwrap()).await
}

#[tokio::test]
async fn an_id_token_says_who_signed_in_when_and_for_whom() {
    let world = World::new().await;
    let (browser, app) = scene(&world).await;
    world.wait(Duration::from_secs(90));
    let answer = sign_in(&world, &browser, &app, &[("scope", "openid email"), ("nonce", "n-0S6_WzA2Mj")]).await;
    let claims = verified(&world, &answer.text_of("id_token")).await;
    let access = answer.tokens();
    assert_eq!(claims["sub"], access.claims()["sub"]);
    assert_eq!(claims["at_hash"], at_hash(Algorithm::Es256, &access.access));
    assert_eq!(claims["iss"], world.app.issuer.as_str());
    assert_eq!(claims["aud"], app.client_id);
    assert_eq!(claims["nonce"], "n-0S6_WzA2Mj");
    let seconds = |name: &str| claims[name].as_i64().unwrap();
    assert_eq!(seconds("iat"), world.now().as_seconds());
    assert_eq!(seconds("exp") - seconds("iat"), 3600);
    assert_eq!(seconds("iat") - seconds("auth_time"), 90);
    let mut names: Vec<&str> = claims.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["at_hash", "aud", "auth_time", "exp", "iat", "iss", "nonce", "sid", "sub"],
        "no azp, no address"
    );
}

#[tokio::test]
async fn at_a_refresh_it_says_the_same_without_the_nonce() {
    let world = World::new().await;
    let (browser, app) = scene(&world).await;
    let first = sign_in(&world, &browser, &app, &[("scope", "openid user:read"), ("nonce", "n1")]).await;
    let before = verified(&world, &first.text_of("id_token")).await;
    world.wait(Duration::from_secs(500));
    let second = refresh(&world, &app, &first.tokens().refresh).await;
    let after = verified(&world, &second.text_of("id_token")).await;
    for same in ["iss", "sub", "aud", "auth_time", "sid"] {
        assert_eq!(before[same], after[same], "{same}");
    }
    assert_eq!(after["nonce"], Json::Null);
    assert_eq!(after["iat"].as_i64().unwrap() - before["iat"].as_i64().unwrap(), 500);
    assert_eq!(after["at_hash"], at_hash(Algorithm::Es256, &second.tokens().access));
    let params = [("grant_type", "refresh_token"), ("refresh_token", &second.tokens().refresh), ("scope", "user:read")];
    assert_eq!(token(&world, &app, &params).await.json["id_token"], Json::Null, "openid was left out");
}

#[tokio::test]
async fn signing_in_does_not_depend_on_the_resource() {
    let world = World::with(
        "[[resource_servers]]\nidentifier = \"https://files.example\"\nid = \"files\"\nsecret = \"0123456789abcdef\"\n\
         [[scopes]]\nname = \"files:read\"\ndescription = \"Reads files.\"\naudience = \"https://files.example\"\n",
    )
    .await;
    let app = world.approved_app_for("planner", "openid files:read").await;
    world.person(ADA).await;
    let browser = world.browser();
    browser.sign_in(ADA).await;
    let more = [("scope", "openid files:read"), ("resource", "https://files.example")];
    let answer = sign_in(&world, &browser, &app, &more).await;
    assert_eq!(answer.tokens().scope, "files:read");
    assert_eq!(verified(&world, &answer.text_of("id_token")).await["aud"], app.client_id);
    userinfo(&world, Method::GET, &answer.tokens().access).await.is(401, "token_wrong_kind");
}

#[tokio::test]
async fn userinfo_gives_what_its_scopes_open() {
    let world = World::new().await;
    let (browser, app) = scene(&world).await;
    for (scope, expected) in [
        ("openid", json!({})),
        ("openid profile", json!({"name": "ada Tester", "given_name": "ada", "family_name": "Tester"})),
        ("openid email", json!({"email": ADA, "email_verified": true})),
        (
            "openid profile email user:read",
            json!({"name": "ada Tester", "given_name": "ada", "family_name": "Tester", "email": ADA,
                "email_verified": true}),
        ),
    ] {
        let answer = sign_in(&world, &browser, &app, &[("scope", scope), ("prompt", "consent")]).await;
        let mut expected = expected;
        expected["sub"] = answer.tokens().claims()["sub"].clone();
        for method in [Method::GET, Method::POST] {
            let told = userinfo(&world, method, &answer.tokens().access).await;
            assert_eq!((told.status, &told.json), (200, &expected), "{scope}");
            assert_eq!(told.header("cache-control"), "no-store");
            assert_eq!(told.header("access-control-allow-origin"), "*");
        }
    }
}

#[tokio::test]
async fn userinfo_needs_a_token_with_openid_in_the_header() {
    let world = World::new().await;
    let (browser, app) = scene(&world).await;
    let plain = redeem(&world, &app, &consent_to(&browser, &app, &[("scope", "user:read profile")]).await).await;
    assert_eq!(plain.json["id_token"], Json::Null);
    let refused = userinfo(&world, Method::GET, &plain.tokens().access).await;
    refused.is(403, "scope_insufficient");
    let challenge = refused.header("www-authenticate");
    let metadata = format!("resource_metadata=\"{}\"", world.url("/.well-known/oauth-protected-resource"));
    assert!(
        challenge.contains("error=\"insufficient_scope\"") && challenge.contains("scope=\"openid\""),
        "{challenge}"
    );
    assert!(challenge.ends_with(&metadata), "{challenge}");

    let bare = Answer::of(world.http.get(world.url("/oauth2/userinfo")).send().await.unwrap()).await;
    bare.is(401, "token_missing");
    assert_eq!(bare.header("www-authenticate"), "Bearer");
    let answer = sign_in(&world, &browser, &app, &[("scope", "openid"), ("prompt", "consent")]).await;
    let access = answer.tokens().access;
    let in_query = world.http.get(world.url(&format!("/oauth2/userinfo?access_token={access}")));
    Answer::of(in_query.send().await.unwrap()).await.is(400, "token_repeated");
    revoke(&world, &app, &access).await;
    userinfo(&world, Method::GET, &access).await.is(401, "token_revoked");
}

/// An ID token opens nothing, and an access token proves no sign-in.
#[tokio::test]
async fn one_kind_of_token_never_passes_for_the_other() {
    let world = World::new().await;
    let (browser, app) = scene(&world).await;
    let answer = sign_in(&world, &browser, &app, &[("scope", "openid user:read")]).await;
    let (id_token, access) = (answer.text_of("id_token"), answer.tokens().access);
    bearer_call(&world, &id_token).await.unwrap_err().is(401, "token_wrong_kind");
    userinfo(&world, Method::GET, &id_token).await.is(401, "token_wrong_kind");
    assert_eq!(introspect(&world, &app, &id_token).await.json, json!({"active": false}));
    let page = browser.get(&authorize_url(&app, &[("scope", "openid"), ("id_token_hint", &access)])).await;
    assert_eq!(error_in(&page, &app), ("invalid_request".into(), "id_token_hint_invalid".into()));
    let header = base64url_decode(id_token.split('.').next().unwrap()).unwrap();
    assert_eq!(serde_json::from_slice::<Json>(&header).unwrap()["typ"], "JWT");
}

#[tokio::test]
async fn a_hint_names_whom_the_app_expects() {
    let world = World::new().await;
    let (browser, app) = scene(&world).await;
    let hint = sign_in(&world, &browser, &app, &[("scope", "openid")]).await.text_of("id_token");
    let none = [("scope", "openid"), ("prompt", "none"), ("id_token_hint", hint.as_str())];
    assert!(browser.get(&authorize_url(&app, &none)).await.sent_to(&app.redirect_uri).contains_key("code"));
    world.wait(Duration::from_secs(7200));
    assert!(
        browser.get(&authorize_url(&app, &none)).await.sent_to(&app.redirect_uri).contains_key("code"),
        "an expired one is good as a hint"
    );
    let signed_out = world.browser().get(&authorize_url(&app, &none)).await;
    assert_eq!(error_in(&signed_out, &app).0, "login_required");

    world.person("ben@example.com").await;
    let ben = world.browser();
    ben.sign_in("ben@example.com").await;
    consent_to(&ben, &app, &[("scope", "openid")]).await;
    let refused = ("login_required".to_owned(), "other_person_signed_in".to_owned());
    assert_eq!(error_in(&ben.get(&authorize_url(&app, &none)).await, &app), refused);
    // With a page the person may be Ada after all.
    let page = ben.get(&authorize_url(&app, &[("scope", "openid"), ("id_token_hint", &hint)])).await;
    assert!(page.has_form("/sign-in"), "{}", page.html);
    assert!(ben.sign_in_on(&page, ADA).await.sent_to(&app.redirect_uri).contains_key("code"));
    let page =
        browser.get(&authorize_url(&app, &[("scope", "openid"), ("id_token_hint", &hint), ("prompt", "login")])).await;
    assert_eq!(error_in(&browser.sign_in_on(&page, "ben@example.com").await, &app), refused);

    let other = world.approved_app_for("notes", SCOPES).await;
    let foreign = browser.get(&authorize_url(&other, &[("id_token_hint", &hint)])).await;
    assert_eq!(error_in(&foreign, &other), ("invalid_request".into(), "id_token_hint_invalid".into()), "another app's");
}

#[tokio::test]
async fn max_age_and_prompt_login_make_auth_time_young() {
    let world = World::new().await;
    let (browser, app) = scene(&world).await;
    consent_to(&browser, &app, &[("scope", "openid")]).await;
    world.wait(Duration::from_secs(600));
    for more in [("max_age", "60"), ("prompt", "login")] {
        world.wait(Duration::from_secs(300));
        let page = browser.get(&authorize_url(&app, &[("scope", "openid"), more])).await;
        assert!(page.has_form("/sign-in"), "{more:?}");
        let code = code_in(&browser.sign_in_on(&page, ADA).await, &app);
        let claims = verified(&world, &redeem(&world, &app, &code).await.text_of("id_token")).await;
        assert_eq!(claims["auth_time"].as_i64(), Some(world.now().as_seconds()), "{more:?}");
    }
}

#[tokio::test]
async fn what_is_not_offered_goes_back_as_an_error_of_its_own() {
    let world = World::new().await;
    let (browser, app) = scene(&world).await;
    for (name, value, error) in [
        ("request", "eyJhbGciOiJub25lIn0.e30.", "request_not_supported"),
        ("request_uri", "https://planner.example/request.jwt", "request_uri_not_supported"),
        ("registration", "{}", "registration_not_supported"),
        ("response_mode", "fragment", "invalid_request"),
        ("prompt", "none login", "invalid_request"),
    ] {
        let page = browser.get(&authorize_url(&app, &[("scope", "openid"), (name, value)])).await;
        assert_eq!(error_in(&page, &app).0, error, "{name}");
        assert_eq!(page.sent_to(&app.redirect_uri)["state"], "eyJuIjoxfQ==");
    }
    let wishes = [
        ("display", "popup"),
        ("ui_locales", "hi en"),
        ("claims_locales", "hi"),
        ("acr_values", "0"),
        ("response_mode", "query"),
    ];
    let page = browser.get(&authorize_url(&app, &[&[("scope", "openid")][..], &wishes[..]].concat())).await;
    code_in(&browser.submit(&allow(&page)).await, &app);
}

#[tokio::test]
async fn discovery_says_the_same_as_the_metadata_and_keeps_its_word() {
    let world = World::new().await;
    let get = |path: &str| {
        let request = world.http.get(world.url(path));
        async move { Answer::of(request.send().await.unwrap()).await }
    };
    let discovery = get("/.well-known/openid-configuration").await;
    assert_eq!(discovery.json, get("/.well-known/oauth-authorization-server").await.json);
    let at = |name: &str| discovery.json[name].clone();
    assert_eq!(at("issuer"), world.app.issuer.as_str());
    assert_eq!(at("id_token_signing_alg_values_supported"), json!(["ES256"]));
    assert_eq!(at("subject_types_supported"), json!(["public"]));
    assert_eq!(at("request_uri_parameter_supported"), false);
    for endpoint in ["userinfo_endpoint", "end_session_endpoint", "jwks_uri", "authorization_endpoint"] {
        let url = at(endpoint).as_str().unwrap().to_owned();
        let answer = world.http.get(url).send().await.unwrap();
        assert_ne!(answer.status().as_u16(), 404, "{endpoint}");
    }
    let resource = get("/.well-known/oauth-protected-resource").await.json;
    assert_eq!(resource["resource"], world.app.issuer.as_str());
    assert_eq!(resource["authorization_servers"], json!([world.app.issuer.as_str()]));
    assert_eq!(resource["bearer_methods_supported"], json!(["header"]));
    assert!(resource["scopes_supported"].as_array().unwrap().contains(&json!("meeting:join")));
}
