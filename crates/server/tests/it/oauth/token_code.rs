//! Redeeming an authorization code (RFC 6749 section 4.1.3, RFC 7636 section 4.5).

use std::time::Duration;

use jiomeet_oauth::review::Decision;
use jiomeet_oauth::users;

use super::{redeem, token};
use crate::support::{VERIFIER, World};

const CODE: (&str, &str) = ("grant_type", "authorization_code");

#[tokio::test]
async fn a_code_becomes_a_pair_of_tokens() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let ada = world.person("ada@example.com").await;
    let code = world.code_of(&app, &ada).scopes("user:read meeting:read").issue().await;

    let answer = redeem(&world, &app, &code).await;

    insta::assert_json_snapshot!(answer.json, { ".access_token" => "[jwt]", ".refresh_token" => "[jmrt]" }, @r#"
    {
      "access_token": "[jwt]",
      "expires_at": "2026-01-06T10:00:00.000Z",
      "expires_in": 86400,
      "refresh_token": "[jmrt]",
      "scope": "user:read meeting:read",
      "token_type": "Bearer"
    }
    "#);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("pragma"), "no-cache");
    assert_eq!(answer.header("content-type"), "application/json");
    let tokens = answer.tokens();
    insta::assert_json_snapshot!(tokens.claims(), {
        ".iss" => "[issuer]", ".aud" => "[issuer]", ".sub" => "[user]", ".userId" => "[user]", ".client_id" => "[client]",
        ".clientId" => "[client]", ".jti" => "[random]", ".tokenId" => "[grant]",
    }, @r#"
    {
      "aud": "[issuer]",
      "auth_time": 1767607200,
      "clientId": "[client]",
      "client_id": "[client]",
      "exp": 1767693600,
      "iat": 1767607200,
      "iss": "[issuer]",
      "jti": "[random]",
      "oauthSource": "oauthv2",
      "scope": "user:read meeting:read",
      "source": "oauthv2",
      "sub": "[user]",
      "tokenId": "[grant]",
      "userId": "[user]"
    }
    "#);
    assert_eq!(tokens.claims()["sub"], ada.as_str());
    assert_eq!(tokens.claims()["userId"], ada.as_str());
    assert_eq!(tokens.claims()["iss"], world.app.issuer.as_str());
    assert_eq!(tokens.claims()["aud"], world.app.issuer.as_str());
    assert_eq!(tokens.claims()["client_id"], app.client_id);
    assert!(tokens.refresh.starts_with("jmrt_"));
}

#[tokio::test]
async fn an_app_may_have_the_expiry_as_a_time() {
    let world = World::new().await;
    let app = world.approved_app("old").await;
    let ada = world.person("ada@example.com").await;
    world.execute("UPDATE apps SET expires_in_as_time_at = 1 WHERE id = $1", &[app.id.as_str()]).await;

    let answer = redeem(&world, &app, &world.code(&app, &ada).await).await;

    assert_eq!(answer.json["expires_in"], "2026-01-06T10:00:00.000Z");
    assert_eq!(answer.json["expires_at"], "2026-01-06T10:00:00.000Z");
}

#[tokio::test]
async fn a_code_lives_five_minutes_and_not_a_moment_longer() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let ada = world.person("ada@example.com").await;

    let code = world.code(&app, &ada).await;
    world.wait(Duration::from_millis(299_999));
    redeem(&world, &app, &code).await.tokens();

    let code = world.code(&app, &ada).await;
    world.wait(Duration::from_secs(300));
    redeem(&world, &app, &code).await.is_refused(400, "invalid_grant", "code_expired");
}

#[tokio::test]
async fn the_redirect_uri_may_be_left_out_but_must_be_right_when_sent() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let ada = world.person("ada@example.com").await;

    let code = world.code(&app, &ada).await;
    token(&world, &app, &[CODE, ("code", &code), ("redirect_uri", &app.redirect_uri)]).await.tokens();

    let code = world.code(&app, &ada).await;
    let other = format!("{}/", app.redirect_uri);
    let answer = token(&world, &app, &[CODE, ("code", &code), ("redirect_uri", &other)]).await;
    answer.is_refused(400, "invalid_grant", "redirect_uri_mismatch");
    redeem(&world, &app, &code).await.is_refused(400, "invalid_grant", "code_spent");
}

#[tokio::test]
async fn a_second_use_ends_what_came_of_the_first() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let ada = world.person("ada@example.com").await;
    let code = world.code(&app, &ada).await;
    let tokens = redeem(&world, &app, &code).await.tokens();

    // Even after the code's expiry.
    world.wait(Duration::from_secs(3600));
    redeem(&world, &app, &code).await.is_refused(400, "invalid_grant", "code_spent");

    super::refresh(&world, &app, &tokens.refresh).await.is_refused(400, "invalid_grant", "grant_ended");
    super::bearer_call(&world, &tokens.access).await.unwrap_err().is(401, "token_revoked");
    let ended =
        "SELECT COUNT(*) FROM audit WHERE action = 'grant.ended' AND detail LIKE '%replayed_code%' AND app_id = $1";
    assert_eq!(world.count(ended, &[app.id.as_str()]).await, 1);
}

#[tokio::test]
async fn a_second_use_that_would_have_failed_anyway_ends_nothing() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let ada = world.person("ada@example.com").await;
    let code = world.code_of(&app, &ada).with_pkce().issue().await;
    let all = [CODE, ("code", &*code), ("code_verifier", VERIFIER)];
    let tokens = token(&world, &app, &all).await.tokens();

    // Somebody who saw the redirect and has the app's secret, but not the verifier.
    redeem(&world, &app, &code).await.is_refused(400, "invalid_grant", "code_spent");
    let elsewhere = [all[0], all[1], all[2], ("redirect_uri", "https://evil.example/")];
    token(&world, &app, &elsewhere).await.is_refused(400, "invalid_grant", "code_spent");

    super::refresh(&world, &app, &tokens.refresh).await.tokens();
}

#[tokio::test]
async fn a_suspended_app_gets_nothing_and_what_died_stays_dead_when_it_is_reinstated() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let ada = world.person("ada@example.com").await;
    let code = world.code(&app, &ada).await;

    world.decide(&app, Decision::Suspend).await;
    redeem(&world, &app, &code).await.is_refused(400, "invalid_grant", "client_inactive");

    world.decide(&app, Decision::Reinstate).await;
    redeem(&world, &app, &code).await.is_refused(400, "invalid_grant", "code_revoked");
    world.wait(Duration::from_millis(2));
    redeem(&world, &app, &world.code(&app, &ada).await).await.tokens();
}

/// The clock of the node that gave the code is ahead of the one that suspends.
#[tokio::test]
async fn a_code_that_waits_dies_with_its_app_or_account_whatever_the_clocks_say() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let (ada, bob) = (world.person("ada@example.com").await, world.person("bob@example.com").await);
    let right = world.now();
    world.clock.set(right.plus(Duration::from_secs(240)));
    let codes = [world.code(&app, &ada).await, world.code(&app, &bob).await];
    world.clock.set(right);

    world.write(move |tx| users::raise_epoch(tx, &ada, right)).await;
    redeem(&world, &app, &codes[0]).await.is_refused(400, "invalid_grant", "code_revoked");

    world.decide(&app, Decision::Suspend).await;
    world.decide(&app, Decision::Reinstate).await;
    redeem(&world, &app, &codes[1]).await.is_refused(400, "invalid_grant", "code_revoked");
    world.wait(Duration::from_secs(241));
    redeem(&world, &app, &world.code(&app, &bob).await).await.tokens();
}

#[tokio::test]
async fn before_approval_insiders_alone_get_tokens() {
    let world = World::new().await;
    let app = world.draft_app("planner", protocol::redirect_uri::ClientKind::Confidential).await;
    let (ada, bob) = (world.person("ada@example.com").await, world.person("bob@example.com").await);
    let tester = "INSERT INTO testers (app_id, user_id, accepted_at) VALUES ($1, $2, 1)";
    world.execute(tester, &[app.id.as_str(), bob.as_str()]).await;

    redeem(&world, &app, &world.code(&app, &app.owner).await).await.tokens();
    redeem(&world, &app, &world.code(&app, &bob).await).await.tokens();
    let stranger = redeem(&world, &app, &world.code(&app, &ada).await).await;
    stranger.is_refused(400, "invalid_grant", "client_not_approved");
}

#[tokio::test]
async fn a_public_app_needs_no_secret_and_always_pkce() {
    let world = World::new().await;
    let app = world.public_app("pocket").await;
    let ada = world.person("ada@example.com").await;

    let code = world.code_of(&app, &ada).with_pkce().issue().await;
    token(&world, &app, &[CODE, ("code", &code), ("code_verifier", VERIFIER)]).await.tokens();

    let code = world.code(&app, &ada).await;
    redeem(&world, &app, &code).await.is_refused(400, "invalid_grant", "pkce_required");
}

#[tokio::test]
async fn the_oldest_grants_make_way_where_their_number_is_limited() {
    let world = World::with("tokens.max_live_grants = 2").await;
    let app = world.approved_app("planner").await;
    let ada = world.person("ada@example.com").await;
    let mut grants = Vec::new();
    for _ in 0..3 {
        world.wait(Duration::from_secs(1));
        grants.push(redeem(&world, &app, &world.code(&app, &ada).await).await.tokens());
    }
    super::bearer_call(&world, &grants[0].access).await.unwrap_err().is(401, "token_revoked");
    super::bearer_call(&world, &grants[1].access).await.unwrap();
    super::bearer_call(&world, &grants[2].access).await.unwrap();
}
