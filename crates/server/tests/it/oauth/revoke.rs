//! Revocation by the app (RFC 7009).

use std::time::Duration;

use super::{bearer_call, post, redeem, refresh, revoke};
use crate::support::{TestApp, Tokens, VERIFIER, World};

async fn granted(world: &World) -> (TestApp, Tokens) {
    let app = world.approved_app("planner").await;
    let ada = world.person("ada@example.com").await;
    let tokens = redeem(world, &app, &world.code(&app, &ada).await).await.tokens();
    (app, tokens)
}

#[tokio::test]
async fn any_token_of_the_grant_ends_it() {
    for pick in [0, 1, 2, 3] {
        let world = World::new().await;
        let (app, first) = granted(&world).await;
        let second = refresh(&world, &app, &first.refresh).await.tokens();
        let token = [&first.refresh, &first.access, &second.refresh, &second.access][pick];

        let answer = revoke(&world, &app, token).await;

        assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
        for access in [&first.access, &second.access] {
            bearer_call(&world, access).await.unwrap_err().is(401, "token_revoked");
        }
        refresh(&world, &app, &second.refresh).await.is_refused(400, "invalid_grant", "grant_ended");
        assert_eq!(revoke(&world, &app, token).await.status, 200, "once more is no fault");
        let ended = "SELECT COUNT(*) FROM audit WHERE action = 'grant.ended' AND detail LIKE '%revoked_by_app%'";
        assert_eq!(world.count(ended, &[]).await, 1);
    }
}

#[tokio::test]
async fn an_expired_access_token_still_names_its_grant() {
    let world = World::new().await;
    let (app, tokens) = granted(&world).await;
    world.wait(Duration::from_secs(2 * 86_400));
    assert_eq!(revoke(&world, &app, &tokens.access).await.status, 200);
    refresh(&world, &app, &tokens.refresh).await.is_refused(400, "invalid_grant", "grant_ended");
}

#[tokio::test]
async fn what_means_nothing_is_no_fault() {
    let world = World::new().await;
    let (app, tokens) = granted(&world).await;
    for token in ["x", "jmrt_x", &tokens.access[1..], &tokens.refresh[..50]] {
        assert_eq!(revoke(&world, &app, token).await.status, 200);
    }
    let hinted = [("token", "x"), ("token_type_hint", "no_such_kind")];
    assert_eq!(post(&world, "/api/oauth2/v2/revoke", &app, &hinted).await.status, 200);
    let missing = post(&world, "/api/oauth2/v2/revoke", &app, &[("a", "b")]).await;
    missing.is_refused(400, "invalid_request", "token_parameter_missing");
    bearer_call(&world, &tokens.access).await.unwrap();
}

#[tokio::test]
async fn another_apps_token_is_refused_and_lives() {
    let world = World::new().await;
    let (_, tokens) = granted(&world).await;
    let thief = world.approved_app("thief").await;
    for token in [&tokens.access, &tokens.refresh] {
        assert_eq!(revoke(&world, &thief, token).await.status, 400);
    }
    let wrong = TestApp { client_secret: "jmcs_wrong".into(), ..thief };
    revoke(&world, &wrong, &tokens.access).await.is_refused(401, "invalid_client", "client_credentials_wrong");
    bearer_call(&world, &tokens.access).await.unwrap();
}

#[tokio::test]
async fn a_public_app_revokes_without_a_secret() {
    let world = World::new().await;
    let app = world.public_app("pocket").await;
    let ada = world.person("ada@example.com").await;
    let code = world.code_of(&app, &ada).with_pkce().issue().await;
    let params = [("grant_type", "authorization_code"), ("code", &*code), ("code_verifier", VERIFIER)];
    let tokens = super::token(&world, &app, &params).await.tokens();
    assert_eq!(revoke(&world, &app, &tokens.refresh).await.status, 200);
    bearer_call(&world, &tokens.access).await.unwrap_err().is(401, "token_revoked");
}
