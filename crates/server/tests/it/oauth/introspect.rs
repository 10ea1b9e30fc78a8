//! Introspection (RFC 7662).

use std::time::Duration;

use serde_json::json;

use super::{introspect, redeem, refresh, revoke};
use crate::support::{TestApp, Tokens, World};

async fn granted(world: &World) -> (TestApp, Tokens) {
    let app = world.approved_app("planner").await;
    let ada = world.person("ada@example.com").await;
    let code = world.code_of(&app, &ada).scopes("user:read meeting:read").issue().await;
    let tokens = redeem(world, &app, &code).await.tokens();
    (app, tokens)
}

#[tokio::test]
async fn an_app_learns_what_its_own_tokens_are_worth() {
    let world = World::new().await;
    let (app, tokens) = granted(&world).await;

    let access = introspect(&world, &app, &tokens.access).await;
    let mut expected = tokens.claims();
    expected["active"] = json!(true);
    expected["token_type"] = json!("Bearer");
    assert_eq!((access.status, &access.json), (200, &expected));
    assert_eq!(access.header("cache-control"), "no-store");

    let refresh_token = introspect(&world, &app, &tokens.refresh).await;
    insta::assert_json_snapshot!(refresh_token.json, {
        ".iss" => "[issuer]", ".sub" => "[user]", ".client_id" => "[client]",
    }, @r#"
    {
      "active": true,
      "client_id": "[client]",
      "exp": 1772791200,
      "iss": "[issuer]",
      "scope": "user:read meeting:read",
      "sub": "[user]"
    }
    "#);
}

#[tokio::test]
async fn what_is_not_active_says_nothing_more() {
    let world = World::new().await;
    let (app, tokens) = granted(&world).await;
    let other = world.approved_app("other").await;
    let inactive = json!({ "active": false });
    for token in [&tokens.access, &tokens.refresh] {
        assert_eq!(introspect(&world, &other, token).await.json, inactive, "another app's");
    }
    assert_eq!(introspect(&world, &app, "x").await.json, inactive);
    assert_eq!(introspect(&world, &app, &tokens.access[1..]).await.json, inactive);
    world.wait(Duration::from_secs(86_400));
    assert_eq!(introspect(&world, &app, &tokens.access).await.json, inactive, "expired");
    assert_eq!(introspect(&world, &app, &tokens.refresh).await.json["active"], true);
    revoke(&world, &app, &tokens.refresh).await;
    assert_eq!(introspect(&world, &app, &tokens.refresh).await.json, inactive, "revoked");
}

#[tokio::test]
async fn asking_counts_as_using() {
    for pick in [0, 1] {
        let world = World::new().await;
        let (app, first) = granted(&world).await;
        let second = refresh(&world, &app, &first.refresh).await.tokens();
        let token = [&second.access, &second.refresh][pick];
        assert_eq!(introspect(&world, &app, token).await.json["active"], true);
        world.wait(Duration::from_secs(60));
        refresh(&world, &app, &first.refresh).await.is_refused(400, "invalid_grant", "refresh_token_replayed");
        assert_eq!(introspect(&world, &app, token).await.json["active"], false);
    }
}

#[tokio::test]
async fn asking_about_a_refresh_token_that_was_replaced_uses_nothing() {
    let world = World::new().await;
    let (app, first) = granted(&world).await;
    refresh(&world, &app, &first.refresh).await.tokens();
    assert_eq!(introspect(&world, &app, &first.refresh).await.json["active"], true, "it would still be answered");
    world.wait(Duration::from_secs(60));
    refresh(&world, &app, &first.refresh).await.tokens();
}

#[tokio::test]
async fn a_client_must_prove_who_it_is() {
    let world = World::new().await;
    let (app, tokens) = granted(&world).await;
    let wrong = TestApp { client_secret: "jmcs_wrong".into(), ..app };
    introspect(&world, &wrong, &tokens.access).await.is_refused(401, "invalid_client", "client_credentials_wrong");
    let public = world.public_app("pocket").await;
    introspect(&world, &public, &tokens.access).await.is_refused(401, "invalid_client", "client_secret_missing");
}
