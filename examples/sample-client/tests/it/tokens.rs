//! Access tokens that end, and refreshing.

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::json;
use tokio::sync::Barrier;

use crate::House;

#[tokio::test]
async fn an_ended_access_token_is_renewed_and_the_call_made_again() {
    let house = House::new().await;
    let mut browser = house.signed_in().await;
    house.fake.end_access_tokens();
    browser.get("/").await.expect(200, "Hello, Asha Rao").expect(200, "<dd>once</dd>");
    assert_eq!(house.fake.set().refreshes, 1);
    house.fake.end_access_tokens();
    browser.get("/").await.expect(200, "Hello, Asha Rao").expect(200, "<dd>2 times</dd>");
}

#[tokio::test]
async fn a_form_sent_with_an_ended_access_token_is_done_once() {
    let house = House::new().await;
    let mut browser = house.signed_in().await;
    house.fake.end_access_tokens();
    let fields = [("topic", "Stand-up"), ("startTime", "2030-01-03T10:00"), ("endTime", "2030-01-03T10:15")];
    browser.post("/meetings", &fields).await.expect(200, "'Stand-up' is scheduled.");
    assert_eq!(house.fake.set().writes.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_tabs_that_refresh_at_once_share_one_refresh() {
    let house = House::new().await;
    let browser = house.signed_in().await;
    for round in 1..=10 {
        house.fake.end_access_tokens();
        // Both pages have been refused before either of them may go on.
        house.fake.set().meet = Some(Arc::new(Barrier::new(2)));
        let (mut one, mut other) = (browser.clone(), browser.clone());
        let (one, other) = tokio::join!(
            tokio::spawn(async move { one.get("/").await }),
            tokio::spawn(async move { other.get("/").await }),
        );
        one.unwrap().expect(200, "Hello, Asha Rao");
        other.unwrap().expect(200, "Hello, Asha Rao");
        let inner = house.fake.set();
        assert_eq!((inner.refreshes, inner.replays), (round, 0));
    }
}

#[tokio::test]
async fn a_token_about_to_end_is_renewed_before_it_is_refused() {
    let house = House::new().await;
    house.fake.set().expires_in = Some(100);
    let mut browser = house.signed_in().await;
    house.seconds_pass(89);
    browser.get("/").await.expect(200, "(11 seconds left)");
    assert_eq!(house.fake.set().refreshes, 0);
    house.seconds_pass(1);
    browser.get("/").await.expect(200, "(1 minute left)");
    assert_eq!(house.fake.set().refreshes, 1);
}

#[tokio::test]
async fn a_token_that_still_works_is_used_when_renewing_fails_for_now() {
    let house = House::new().await;
    house.fake.set().expires_in = Some(100);
    let mut browser = house.signed_in().await;
    house.seconds_pass(95);
    let fault = (StatusCode::SERVICE_UNAVAILABLE, json!({}));
    // One for each of the three calls that the page makes.
    house.fake.set().token_faults = vec![fault.clone(), fault.clone(), fault.clone()];
    browser.get("/").await.expect(200, "(5 seconds left)");
    house.seconds_pass(5);
    house.fake.set().token_faults = vec![fault];
    browser.get("/").await.expect(503, "JioMeet is busy");
    browser.get("/").await.expect(200, "Hello, Asha Rao");
}

#[tokio::test]
async fn without_expires_in_the_api_decides_when_a_token_has_ended() {
    let house = House::new().await;
    house.fake.set().expires_in = None;
    let mut browser = house.signed_in().await;
    house.seconds_pass(3600);
    browser.get("/").await.expect(200, "JioMeet did not say");
    house.fake.end_access_tokens();
    browser.get("/").await.expect(200, "Hello, Asha Rao");
}

#[tokio::test]
async fn a_refresh_whose_answer_got_lost_is_asked_again() {
    let house = House::new().await;
    let mut browser = house.signed_in().await;
    house.fake.end_access_tokens();
    house.fake.set().lost_answers = 1;
    browser.get("/").await.expect(200, "Hello, Asha Rao");
    assert_eq!(house.fake.set().refreshes, 2);
}

#[tokio::test]
async fn who_removed_the_app_is_asked_to_sign_in_again() {
    let house = House::new().await;
    let mut browser = house.signed_in().await;
    house.fake.remove_app();
    let page = browser.get("/").await;
    page.expect(401, "Calendar Companion no longer has access").expect(401, "/login");
    browser.get("/").await.expect(200, "Sign in with JioMeet").lacks("Asha");
    browser.get("/login").await.expect(200, "Hello, Asha Rao");
}

#[tokio::test]
async fn a_new_token_that_is_refused_too_ends_the_session_and_not_in_a_loop() {
    let house = House::new().await;
    let mut browser = house.signed_in().await;
    let refused = (StatusCode::UNAUTHORIZED, "Bearer error=\"invalid_token\"", json!({}));
    house.fake.set().api_faults = vec![refused.clone(), refused];
    browser.get("/").await.expect(401, "Calendar Companion no longer has access");
    assert_eq!(house.fake.set().refreshes, 1);
    browser.get("/").await.expect(200, "Sign in with JioMeet").lacks("Asha");
}

#[tokio::test]
async fn the_button_renews_the_token() {
    let house = House::new().await;
    let mut browser = house.signed_in().await;
    let page = browser.post("/refresh", &[]).await;
    page.expect(200, "The access token is renewed.").expect(200, "<dd>once</dd>");
    browser.get("/").await.lacks("The access token is renewed.");
}

#[tokio::test]
async fn a_server_in_trouble_does_not_sign_anyone_out() {
    let house = House::new().await;
    let mut browser = house.signed_in().await;
    house.fake.end_access_tokens();
    house.fake.set().token_faults = vec![(StatusCode::INTERNAL_SERVER_ERROR, json!({}))];
    browser.get("/").await.expect(502, "JioMeet has a problem");
    browser.get("/").await.expect(200, "Hello, Asha Rao");
}
