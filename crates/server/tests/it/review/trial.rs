//! A reviewer tries an app that is not approved.

use std::time::Duration;

use protocol::redirect_uri::ClientKind;

use super::people::path;
use crate::oauth::client::{bearer_call, redeem, refresh};
use crate::support::{TestApp, World};

fn authorize(app: &TestApp) -> String {
    let query = [("response_type", "code"), ("clientId", &app.client_id), ("redirect_uri", &app.redirect_uri)];
    let query: Vec<String> =
        query.iter().map(|(name, value)| format!("{name}={}", value.replace(':', "%3A").replace('/', "%2F"))).collect();
    format!("/oauth2/authorize?{}", query.join("&"))
}

#[tokio::test]
async fn one_click_leads_to_the_consent_page_of_an_app_in_review() {
    let world = World::new().await;
    for (name, kind) in [("planner", ClientKind::Confidential), ("browser", ClientKind::PublicBrowser)] {
        world.draft_app(name, kind).await;
    }
    let reviewer = world.reviewer().await;
    let queue = reviewer.get("/review").await;
    for name in ["planner", "browser"] {
        let address = queue.link(name);
        let page = reviewer.get(&address).await;
        let answer = reviewer.submit(&page.form(&format!("{address}/try"))).await;
        let consent = reviewer.follow(answer).await;
        assert_eq!(consent.status, 200, "{}", consent.html);
        assert!(consent.has_form("/oauth2/consent"), "{}", consent.text());
        assert!(consent.text().contains(name));
        let entries = world.count("SELECT COUNT(*) FROM audit WHERE action = 'review.trial'", &[]).await;
        assert_eq!(entries, if name == "planner" { 1 } else { 2 });
    }
}

#[tokio::test]
async fn without_that_click_and_after_half_an_hour_the_app_is_closed() {
    let world = World::new().await;
    let app = world.draft_app("planner", ClientKind::Confidential).await;
    let reviewer = world.reviewer().await;
    reviewer.get(&authorize(&app)).await.is_closed(403, "client_not_approved");
    let page = reviewer.get(&path(&app)).await;
    reviewer.submit(&page.form(&format!("{}/try", path(&app)))).await;
    assert_eq!(reviewer.get(&authorize(&app)).await.status, 200);
    assert!(reviewer.get(&path(&app)).await.text().contains("You may use the app until"));

    world.wait(Duration::from_secs(30 * 60));
    jiomeet_oauth::upkeep::run_once(&world.app).await;
    reviewer.get(&authorize(&app)).await.is_closed(403, "client_not_approved");
}

#[tokio::test]
async fn a_decision_ends_the_trial() {
    let world = World::new().await;
    let app = world.draft_app("planner", ClientKind::Confidential).await;
    let reviewer = world.reviewer().await;
    let page = reviewer.get(&path(&app)).await;
    reviewer.submit(&page.form(&format!("{}/try", path(&app)))).await;
    world.decide(&app, jiomeet_oauth::review::Decision::Reject).await;
    reviewer.get(&authorize(&app)).await.is_closed(403, "client_not_approved");
}

#[tokio::test]
async fn what_a_reviewer_let_the_app_have_is_worth_nothing_after_the_trial() {
    let world = World::new().await;
    let app = world.draft_app("planner", ClientKind::Confidential).await;
    let reviewer = world.reviewer().await;
    let user = world.write(|tx| {
        let email = jiomeet_oauth::users::Email::parse("ravi@example.com").unwrap();
        jiomeet_oauth::users::find_by_email(tx, &email)
    });
    let user = user.await.unwrap().id;
    let page = reviewer.get(&path(&app)).await;
    reviewer.submit(&page.form(&format!("{}/try", path(&app)))).await;

    let code = world.code(&app, &user).await;
    let tokens = redeem(&world, &app, &code).await.tokens();
    assert!(bearer_call(&world, &tokens.access).await.is_ok());
    world.wait(Duration::from_secs(30 * 60));
    jiomeet_oauth::upkeep::run_once(&world.app).await;
    refresh(&world, &app, &tokens.refresh).await.is_refused(400, "invalid_grant", "client_not_approved");
    assert!(bearer_call(&world, &tokens.access).await.is_err());
}
