//! Lesson S8: a code that was not bound to its client could be redeemed by another one, with that one's own good secret.

use crate::oauth::flow::consent_to;
use crate::oauth::{bearer_call, redeem, refresh, token};
use crate::support::World;

#[tokio::test]
async fn another_app_with_its_own_good_secret_gets_nothing_and_does_no_harm() {
    let world = World::new().await;
    let (planner, thief) = (world.approved_app("planner").await, world.approved_app("thief").await);
    let ada = world.person("ada@example.com").await;
    let code = world.code(&planner, &ada).await;

    redeem(&world, &thief, &code).await.is_refused(400, "invalid_grant", "code_unknown");
    let tokens = redeem(&world, &planner, &code).await.tokens();

    redeem(&world, &thief, &code).await.is_refused(400, "invalid_grant", "code_unknown");
    refresh(&world, &planner, &tokens.refresh).await.tokens();
}

/// Code injection (RFC 9700 section 4.5): a stolen code in the thief's own session with the same app fails by PKCE alone, and
/// in another app by its client; whose it is cannot be locked out by guessing.
#[tokio::test]
async fn guessing_with_another_apps_code_locks_nobody_out() {
    let world = World::new().await;
    let (planner, thief) = (world.approved_app("planner").await, world.approved_app("thief").await);
    world.person(super::ADA).await;
    let browser = world.browser();
    browser.sign_in(super::ADA).await;
    let code = consent_to(&browser, &planner, &[]).await;
    for _ in 0..30 {
        let params = [
            ("grant_type", "authorization_code"),
            ("code", &*code),
            ("redirect_uri", &planner.redirect_uri),
            ("client_id", &thief.client_id),
        ];
        token(&world, &thief, &params).await.is_refused(400, "invalid_grant", "code_unknown");
    }
    let claimed = [("grant_type", "authorization_code"), ("code", &*code), ("client_id", &planner.client_id)];
    token(&world, &thief, &claimed).await.is_refused(400, "invalid_request", "client_auth_ids_differ");
    let tokens = redeem(&world, &planner, &code).await.tokens();
    assert_eq!(bearer_call(&world, &tokens.access).await.unwrap()["client"], planner.client_id);
    assert_eq!(world.count("SELECT COUNT(*) FROM grants", &[]).await, 1);
}
