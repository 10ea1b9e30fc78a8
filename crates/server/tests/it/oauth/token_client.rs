//! Who asks at the token endpoint, and how requests are read (RFC 6749 sections 2.3, 3.2 and 5.2).

use std::time::Duration;

use super::redeem;
use crate::support::{Answer, TestApp, World};

const PATH: &str = "/api/oauth2/v2/token";
const CODE: (&str, &str) = ("grant_type", "authorization_code");

async fn send(request: reqwest::RequestBuilder) -> Answer {
    Answer::of(request.send().await.unwrap()).await
}

fn with_secret(app: &TestApp, secret: &str) -> TestApp {
    TestApp { client_secret: secret.to_owned(), ..app.clone() }
}

#[tokio::test]
async fn basic_post_and_json_are_three_ways_to_say_the_same() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let ada = world.person("ada@example.com").await;
    let (id, secret) = (app.client_id.as_str(), app.client_secret.as_str());
    let post = || world.http.post(world.url(PATH));

    let code = world.code(&app, &ada).await;
    send(post().basic_auth(id, Some(secret)).form(&[CODE, ("code", &code)])).await.tokens();

    let code = world.code(&app, &ada).await;
    let body = [CODE, ("code", &*code), ("client_id", id), ("client_secret", secret)];
    send(post().form(&body)).await.tokens();

    // As in the published API description.
    let code = world.code(&app, &ada).await;
    let body = serde_json::json!({ "grant_type": "authorization_code", "code": code });
    send(post().basic_auth(id, Some(secret)).json(&body)).await.tokens();
}

#[tokio::test]
async fn an_unknown_client_and_a_wrong_secret_cannot_be_told_apart() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let unknown = TestApp { client_id: "0123456789abcdef01234567".into(), ..app.clone() };

    let wrong = redeem(&world, &with_secret(&app, "jmcs_wrong"), "jmac_x").await;
    let nobody = redeem(&world, &unknown, "jmac_x").await;

    wrong.is_refused(401, "invalid_client", "client_credentials_wrong");
    assert!(wrong.header("www-authenticate").starts_with("Basic "), "{wrong:?}");
    assert_eq!(wrong.header("cache-control"), "no-store");
    assert_eq!((wrong.status, &wrong.text), (nobody.status, &nobody.text));
    assert_eq!(wrong.header("www-authenticate"), nobody.header("www-authenticate"));
}

#[tokio::test]
async fn the_same_object_speaks_oauth_and_the_documented_envelope() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let answer = redeem(&world, &app, "jmac_x").await;
    insta::assert_json_snapshot!(answer.json, { ".error_uri" => "[docs]" }, @r#"
    {
      "customCode": 400,
      "error": "invalid_grant",
      "error_description": "The authorization code is not one of this app's. Send the code from the redirect unchanged, with the credentials of the app that asked for it.",
      "error_uri": "[docs]",
      "errors": "The authorization code is not one of this app's. Send the code from the redirect unchanged, with the credentials of the app that asked for it.",
      "message": "code_unknown"
    }
    "#);
    assert!(answer.text_of("error_uri").ends_with("#code_unknown"));
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_by_name() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let basic = || world.http.post(world.url(PATH)).basic_auth(&app.client_id, Some(&app.client_secret));
    let form = |body: &str| basic().header("content-type", "application/x-www-form-urlencoded").body(body.to_owned());
    let json = |body: &str| basic().header("content-type", "application/json").body(body.to_owned());

    send(form("code=x")).await.is_refused(400, "invalid_request", "grant_type_missing");
    send(form("grant_type=authorization_code")).await.is_refused(400, "invalid_request", "code_missing");
    send(form("grant_type=refresh_token")).await.is_refused(400, "invalid_request", "refresh_token_missing");
    send(form("grant_type=password")).await.is_refused(400, "unsupported_grant_type", "grant_type_unsupported");
    let twice = form("grant_type=authorization_code&code=a&code=b");
    send(twice).await.is_refused(400, "invalid_request", "parameter_repeated");
    let twice = json(r#"{"grant_type":"authorization_code","code":"a","code":"b"}"#);
    send(twice).await.is_refused(400, "invalid_request", "parameter_repeated");
    send(json("[1]")).await.is_refused(400, "invalid_request", "json_not_object");
    send(json("{")).await.is_refused(400, "invalid_request", "json_malformed");
    send(json(r#"{"grant_type":null}"#)).await.is_refused(400, "invalid_request", "parameter_type");
    send(basic().body("grant_type=x")).await.is_refused(415, "invalid_request", "unsupported_media_type");
    send(form(&"x".repeat(70_000))).await.is_refused(413, "invalid_request", "body_too_large");
}

#[tokio::test]
async fn two_ways_at_once_are_one_too_many() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let basic = || world.http.post(world.url(PATH)).basic_auth(&app.client_id, Some(&app.client_secret));

    let both = basic().form(&[CODE, ("code", "x"), ("client_secret", &app.client_secret)]);
    send(both).await.is_refused(400, "invalid_request", "client_auth_twice");
    let headers = basic().basic_auth("other", Some("other")).form(&[CODE, ("code", "x")]);
    send(headers).await.is_refused(400, "invalid_request", "client_auth_twice");
    let other_id = basic().form(&[CODE, ("code", "x"), ("client_id", "other")]);
    send(other_id).await.is_refused(400, "invalid_request", "client_auth_ids_differ");
    let nobody = world.http.post(world.url(PATH)).form(&[CODE, ("code", "x")]);
    send(nobody).await.is_refused(401, "invalid_client", "client_auth_missing");
    let bearer = world.http.post(world.url(PATH)).bearer_auth("x").form(&[CODE, ("code", "x")]);
    send(bearer).await.is_refused(401, "invalid_client", "client_auth_scheme");
}

#[tokio::test]
async fn a_confidential_app_cannot_leave_its_secret_out_nor_a_public_one_send_any() {
    let world = World::new().await;
    let ada = world.person("ada@example.com").await;
    let app = world.approved_app("planner").await;
    let code = world.code(&app, &ada).await;
    let bare = redeem(&world, &with_secret(&app, ""), &code).await;
    bare.is_refused(401, "invalid_client", "client_secret_missing");

    let public = world.public_app("pocket").await;
    let dressed = redeem(&world, &with_secret(&public, "jmcs_any"), "jmac_x").await;
    dressed.is_refused(401, "invalid_client", "client_secret_unexpected");
}

#[tokio::test]
async fn failures_are_limited_and_the_right_secret_always_passes() {
    let world = World::with("limits.client_burst = 3\nlimits.client_interval = \"10s\"").await;
    let (app, other) = (world.approved_app("planner").await, world.approved_app("other").await);
    let ada = world.person("ada@example.com").await;
    let wrong = with_secret(&app, "jmcs_wrong");

    for _ in 0..3 {
        redeem(&world, &wrong, "jmac_x").await.is_refused(401, "invalid_client", "client_credentials_wrong");
    }
    let limited = redeem(&world, &wrong, "jmac_x").await;
    assert_eq!((limited.status, limited.json["message"].as_str()), (429, Some("rate_limited")), "{}", limited.text);
    assert!(limited.header("retry-after").parse::<u64>().unwrap() <= 10);

    // Nobody is locked out: neither the app itself nor another one behind the same address.
    redeem(&world, &app, &world.code(&app, &ada).await).await.tokens();
    let elsewhere = redeem(&world, &with_secret(&other, "jmcs_wrong"), "jmac_x").await;
    elsewhere.is_refused(401, "invalid_client", "client_credentials_wrong");

    world.wait(Duration::from_secs(10));
    redeem(&world, &wrong, "jmac_x").await.is_refused(401, "invalid_client", "client_credentials_wrong");
}

#[tokio::test]
async fn a_secret_that_ended_opens_nothing_and_its_last_use_is_remembered() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let ada = world.person("ada@example.com").await;
    redeem(&world, &app, &world.code(&app, &ada).await).await.tokens();

    let last_used = "SELECT COALESCE(MAX(last_used_at), 0) FROM app_secrets WHERE app_id = $1";
    assert_eq!(world.count(last_used, &[app.id.as_str()]).await, 0, "off the hot path");
    assert_eq!(jiomeet_oauth::oauth::write_last_used(&world.app).await.unwrap(), 1);
    assert_eq!(world.count(last_used, &[app.id.as_str()]).await, world.now().as_millis());

    let code = world.code(&app, &ada).await;
    world.execute("UPDATE app_secrets SET expires_at = 1767607200000 WHERE app_id = $1", &[app.id.as_str()]).await;
    redeem(&world, &app, &code).await.is_refused(401, "invalid_client", "client_credentials_wrong");
}
