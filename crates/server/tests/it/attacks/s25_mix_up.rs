//! Lesson S25, RFC 9207 and RFC 9700 section 4.4: a client of several servers sends a code to the wrong one, because the answer
//! did not say whose it was. Every answer names its issuer, and an answer of another server is worth nothing here.

use crate::oauth::flow::{allow, authorize_url, code_in, deny};
use crate::oauth::redeem;
use crate::support::World;

use super::ADA;

/// Lesson S25, RFC 9207: every answer names its issuer, in the very bytes of the metadata.
#[tokio::test]
async fn every_answer_names_the_issuer_of_the_metadata() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let metadata = world.http.get(world.url("/.well-known/oauth-authorization-server")).send().await.unwrap();
    let metadata: serde_json::Value = serde_json::from_str(&metadata.text().await.unwrap()).unwrap();
    assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
    for more in [&[("prompt", "none")][..], &[("scope", "nonsense")], &[("prompt", "x")], &[("response_type", "token")]]
    {
        let page = world.browser().get(&authorize_url(&app, more)).await;
        assert_eq!(page.sent_to(&app.redirect_uri)["iss"], metadata["issuer"], "{more:?}");
    }
}

#[tokio::test]
async fn yes_and_no_name_the_issuer_too() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    world.person(ADA).await;
    let browser = world.browser();
    browser.sign_in(ADA).await;
    let no = browser.submit(&deny(&browser.get(&authorize_url(&app, &[])).await)).await;
    let yes = browser.submit(&allow(&browser.get(&authorize_url(&app, &[])).await)).await;
    let silent = browser.get(&authorize_url(&app, &[])).await;
    for answer in [&no, &yes, &silent] {
        assert_eq!(answer.sent_to(&app.redirect_uri)["iss"], world.app.issuer.as_str());
    }
}

/// A client that was mixed up brings a code to the wrong server: that one learns nothing it could use, and says so.
#[tokio::test]
async fn a_code_of_another_server_is_unknown_and_stays_good_at_its_own() {
    let (honest, other) = (World::new().await, World::new().await);
    let app = honest.approved_app("planner").await;
    let there = other.approved_app("planner").await;
    honest.person(ADA).await;
    let browser = honest.browser();
    browser.sign_in(ADA).await;
    let answer = browser.submit(&allow(&browser.get(&authorize_url(&app, &[])).await)).await;
    assert_ne!(answer.sent_to(&app.redirect_uri)["iss"], other.app.issuer.as_str());
    let code = code_in(&answer, &app);
    redeem(&other, &there, &code).await.is_refused(400, "invalid_grant", "code_unknown");
    redeem(&honest, &app, &code).await.tokens();
}
