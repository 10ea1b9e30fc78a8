//! Lesson S7, RFC 9700 sections 2.1.1 and 4.8: PKCE was taken away in both directions, by leaving the verifier out, and by
//! leaving the challenge out of the request and sending a verifier all the same.

use crate::oauth::flow::{authorize_url, consent_to, error_in};
use crate::oauth::{redeem, token};
use crate::support::{CHALLENGE, VERIFIER, World};

const CODE: (&str, &str) = ("grant_type", "authorization_code");

#[tokio::test]
async fn pkce_cannot_be_taken_away_in_either_direction() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let ada = world.person("ada@example.com").await;
    let with = |code: String, verifier: &'static str| {
        let (world, app) = (&world, &app);
        async move { token(world, app, &[CODE, ("code", &code), ("code_verifier", verifier)]).await }
    };

    let code = world.code_of(&app, &ada).with_pkce().issue().await;
    with(code, VERIFIER).await.tokens();

    let wrong = "wrong-wrong-wrong-wrong-wrong-wrong-wrong-wrong";
    for (verifier, fault) in [(wrong, "verifier_mismatch"), ("short", "verifier_malformed"), ("", "verifier_missing")] {
        let code = world.code_of(&app, &ada).with_pkce().issue().await;
        with(code.clone(), verifier).await.is_refused(400, "invalid_grant", fault);
        with(code, VERIFIER).await.is_refused(400, "invalid_grant", "code_spent");
    }

    let code = world.code(&app, &ada).await;
    with(code.clone(), VERIFIER).await.is_refused(400, "invalid_grant", "verifier_unexpected");
    redeem(&world, &app, &code).await.is_refused(400, "invalid_grant", "code_spent");
}

/// The whole way, by a browser: what the request said is what the code demands.
#[tokio::test]
async fn a_challenge_in_the_request_cannot_be_forgotten_at_the_token_endpoint() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    world.person(super::ADA).await;
    let browser = world.browser();
    browser.sign_in(super::ADA).await;
    let code = consent_to(&browser, &app, &CHALLENGE).await;
    redeem(&world, &app, &code).await.is_refused(400, "invalid_grant", "verifier_missing");
    let full = [CODE, ("code", &*code), ("code_verifier", VERIFIER)];
    token(&world, &app, &full).await.is_refused(400, "invalid_grant", "code_spent");
    assert_eq!(world.count("SELECT COUNT(*) FROM grants", &[]).await, 0, "no token came of it");
}

/// The challenge itself is not the verifier, whatever method an attacker wishes for.
#[tokio::test]
async fn the_method_cannot_be_talked_down() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let ada = world.person(super::ADA).await;
    for method in ["plain", "PLAIN", "s256", "S256 ", "none", "S512"] {
        let more = [("code_challenge", VERIFIER), ("code_challenge_method", method)];
        let page = world.browser().get(&authorize_url(&app, &more)).await;
        assert_eq!(error_in(&page, &app), ("invalid_request".into(), "pkce_method_unsupported".into()), "{method}");
    }
    let challenge = CHALLENGE[0].1;
    let code = world.code_of(&app, &ada).with_pkce().issue().await;
    let plain = [CODE, ("code", &*code), ("code_verifier", challenge), ("code_challenge_method", "plain")];
    token(&world, &app, &plain).await.is_refused(400, "invalid_grant", "verifier_mismatch");
}
