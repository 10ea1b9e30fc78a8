//! Lesson S26: consent phishing, a real consent page for a false app. What is done about it: names that read like others are
//! found by the screening (`crates/screening/tests/it/text.rs`), an app that changes its name or logo is reviewed and asked for
//! anew, suspension ends all it holds at once, and the person can take the access back in one step.

use jiomeet_oauth::review::Decision;

use crate::apps::{app_of, create, edit, good_but};
use crate::oauth::flow::{authorize_url, code_in, consent_to};
use crate::oauth::{bearer_call, redeem, refresh};
use crate::support::World;

use super::{ADA, BELA};

#[tokio::test]
async fn an_approved_app_does_not_become_another_without_a_review_and_a_new_consent() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    world.person(ADA).await;
    let browser = world.browser();
    browser.sign_in(ADA).await;
    consent_to(&browser, &app, &[]).await;
    let dev = world.owner_of("planner").await;
    let false_name = [("name", "JioMeet Support"), ("callback_url", app.redirect_uri.as_str())];
    let scopes: Vec<(&str, &str)> = crate::support::ALL_SCOPES.split(' ').map(|scope| ("scope", scope)).collect();
    let fields = good_but(&[&false_name[..], &scopes].concat());
    edit(&dev, &app.id, "submit", &fields).await;
    // Until somebody has looked at it, it is what it was.
    code_in(&browser.get(&authorize_url(&app, &[])).await, &app);
    let page = browser.get(&authorize_url(&app, &[("prompt", "consent")])).await;
    assert!(!page.text().contains("JioMeet Support"), "{}", page.text());
}

/// Whoever reviews an app sees it said that its name is ours.
#[tokio::test]
async fn a_name_that_is_ours_is_pointed_out_to_the_reviewer() {
    let world = World::new().await;
    let developer = world.developer("mallory-dev@example.com").await;
    let reviewer = world.reviewer().await;
    for name in ["JioMeet Support", "Jio Meet Helper", "J1oMeet Planner", "J\u{456}oMeet", "Customer Support"] {
        let page = create(&developer, "submit", &good_but(&[("name", name)])).await;
        assert_eq!(page.status, 200, "{name}: {}", page.text());
        let app = app_of(&page);
        world.screen().await;
        let text = reviewer.get(&format!("/review/apps/{app}")).await.text();
        let said = ["can be read as 'JioMeet'", "contains 'JioMeet'", "'support'", "another script"];
        assert!(said.iter().any(|words| text.contains(words)), "{name}: {text}");
    }
}

#[tokio::test]
async fn suspension_ends_all_that_an_app_holds_with_the_next_call() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let mut held = Vec::new();
    for email in [ADA, BELA] {
        let person = world.person(email).await;
        held.push(redeem(&world, &app, &world.code(&app, &person).await).await.tokens());
    }
    for tokens in &held {
        bearer_call(&world, &tokens.access).await.unwrap();
    }
    world.decide(&app, Decision::Suspend).await;
    for tokens in &held {
        bearer_call(&world, &tokens.access).await.unwrap_err().is(401, "token_revoked");
        refresh(&world, &app, &tokens.refresh).await.is_refused(400, "invalid_grant", "client_inactive");
    }
    world.browser().get(&authorize_url(&app, &[])).await.is_closed(403, "client_suspended");
}

/// (`mail/notices.rs`: the person is told of the first grant by mail, and of the way to take it back.)
#[tokio::test]
async fn one_step_takes_the_access_back() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    world.person(ADA).await;
    let browser = world.browser();
    browser.sign_in(ADA).await;
    let code = consent_to(&browser, &app, &[]).await;
    let tokens = redeem(&world, &app, &code).await.tokens();
    bearer_call(&world, &tokens.access).await.unwrap();
    let page = browser.get("/account/connected-apps").await;
    assert!(page.text().contains("planner"), "{}", page.text());
    assert_eq!(browser.submit(&page.form("/account/connected-apps/remove")).await.status, 303);
    bearer_call(&world, &tokens.access).await.unwrap_err().is(401, "token_revoked");
    refresh(&world, &app, &tokens.refresh).await.is_refused(400, "invalid_grant", "grant_ended");
}
