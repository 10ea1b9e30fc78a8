//! Lesson S22: a parameter that a client sent when it refreshed ended up inside a request that the server made. What the token
//! endpoint does not know it does not read, keep or give back.

use crate::oauth::{post, redeem, refresh, token};
use crate::support::World;

const PATH: &str = "/api/oauth2/v2/token";
const CODE: (&str, &str) = ("grant_type", "authorization_code");

#[tokio::test]
async fn unknown_parameters_are_ignored_and_no_query_is_read() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let ada = world.person("ada@example.com").await;
    let code = world.code(&app, &ada).await;
    let more = [CODE, ("code", &*code), ("resource_owner", "root"), ("scope", "user:read"), ("user_id", "u-0")];
    let tokens = token(&world, &app, &more).await.tokens();
    assert_eq!(tokens.claims()["sub"], ada.as_str());

    let path = format!("{PATH}?grant_type=authorization_code&code={}", world.code(&app, &ada).await);
    post(&world, &path, &app, &[("a", "b")]).await.is_refused(400, "invalid_request", "grant_type_missing");
}

#[tokio::test]
async fn what_is_not_known_changes_nothing_and_is_kept_nowhere() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let ada = world.person(super::ADA).await;
    let code = world.code_of(&app, &ada).scopes("user:read").issue().await;
    let first = redeem(&world, &app, &code).await.tokens();
    let plain = refresh(&world, &app, &first.refresh).await;
    let mark = "zz-mark-of-the-attacker-zz";
    let more = [
        ("grant_type", "refresh_token"),
        ("refresh_token", &*first.refresh),
        ("client_session_state", mark),
        ("client_session_host", "http://127.0.0.1:9/"),
        ("redirect_uri", "https://evil.example/"),
        ("user_id", mark),
        ("sub", mark),
        ("audience", mark),
        ("requested_token_type", mark),
        ("iss", mark),
        ("exp", "9999999999"),
    ];
    let answer = token(&world, &app, &more).await;
    let tokens = answer.tokens();
    assert_eq!(tokens.refresh, plain.tokens().refresh, "the very answer that it gets without them");
    assert_eq!(tokens.claims()["sub"], ada.as_str());
    assert_eq!(tokens.claims()["aud"], plain.tokens().claims()["aud"]);
    assert_eq!(tokens.claims()["exp"], plain.tokens().claims()["exp"]);
    assert!(!answer.text.contains("zz-mark") && !tokens.claims().to_string().contains("zz-mark"));
    for sql in [
        "SELECT COUNT(*) FROM audit WHERE detail LIKE '%zz-mark%'",
        "SELECT COUNT(*) FROM grants WHERE scopes LIKE '%zz-mark%'",
    ] {
        assert_eq!(world.count(sql, &[]).await, 0, "{sql}");
    }
}
