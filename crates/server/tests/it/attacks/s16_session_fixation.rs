//! Lesson S16: an attacker prepared a sign-in that the victim finished, or planted a session that the victim then filled.

use crate::oauth::flow::{allow, authorize_url};
use crate::support::{PASSWORD, Page, TestApp, World};
use crate::users::is_signed_in;

use super::{ADA, BELA, ada_can_sign_in};

async fn world() -> (World, TestApp) {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    world.person(ADA).await;
    world.person(BELA).await;
    (world, app)
}

fn sealed(page: &Page) -> String {
    format!("/oauth2/continue?request={}", page.form("/sign-in").value("request"))
}

/// Lesson S16: whoever prepares a request must not get what another person answers to it.
#[tokio::test]
async fn what_one_browser_began_another_does_not_finish() {
    let (world, app) = world().await;
    let attacker = world.browser();
    let prepared = sealed(&attacker.get(&authorize_url(&app, &[])).await);

    let victim = world.browser();
    victim.sign_in(ADA).await;
    let page = victim.get(&prepared).await;
    page.is_closed(403, "request_other_browser");
    allow(&victim.get(&page.link("Start again in this browser")).await);
    world.browser().get(&prepared).await.is_closed(403, "request_other_browser");
}

#[tokio::test]
async fn a_session_that_the_attacker_knows_is_not_the_one_after_the_sign_in() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    world.person(ADA).await;
    world.person("mallory@example.com").await;
    let mallory = world.browser();
    mallory.sign_in("mallory@example.com").await;
    let planted = mallory.cookie("jm_session").unwrap();

    let victim = world.browser();
    victim.set_cookie("jm_session", &planted);
    let page = victim.get(&authorize_url(&app, &[("prompt", "login")])).await;
    let page = victim.sign_in_on(&page, ADA).await;
    assert!(page.text().contains(ADA));
    assert_ne!(victim.cookie("jm_session"), Some(planted));
    assert!(mallory.get(&authorize_url(&app, &[])).await.has_form("/sign-in"), "the planted session has ended");
}

#[tokio::test]
async fn a_session_that_somebody_planted_is_not_taken_up() {
    let world = ada_can_sign_in().await;
    let planted = protocol::secret::base64url_encode(&[7; 32]);
    let browser = world.browser();
    browser.set_cookie("jm_session", &planted);
    browser.sign_in(ADA).await;
    assert_ne!(browser.cookie("jm_session").unwrap(), planted);
    let thief = world.browser();
    thief.set_cookie("jm_session", &planted);
    assert!(!is_signed_in(&thief).await);
}

#[tokio::test]
async fn every_sign_in_begins_a_fresh_session_and_ends_the_one_before() {
    let world = ada_can_sign_in().await;
    world.person(BELA).await;
    world.give_password(BELA).await;
    let browser = world.browser();
    let mut form = browser.get("/sign-in").await.form("/sign-in");
    form.set("password", PASSWORD);
    form.set("email", BELA);
    browser.submit(&form).await;
    let of_bela = browser.cookie("jm_session").unwrap();
    form.set("email", ADA);
    assert_eq!(browser.submit(&form).await.status, 303);
    assert_ne!(browser.cookie("jm_session").unwrap(), of_bela);
    browser.set_cookie("jm_session", &of_bela);
    assert!(!is_signed_in(&browser).await);
}

/// Another name before every proof of who one is: sign-in, and the change of the password.
#[tokio::test]
async fn the_session_has_another_name_after_a_sign_in_and_after_a_new_password() {
    let (world, _) = world().await;
    let browser = world.browser();
    let mut names = Vec::new();
    browser.get("/sign-in").await;
    assert_eq!(browser.cookie("jm_session"), None, "none before somebody is signed in");
    browser.sign_in(ADA).await;
    names.extend(browser.cookie("jm_session"));
    let page = browser.get("/sign-in").await;
    if page.has_form("/sign-in") {
        browser.sign_in_on(&page, ADA).await;
        names.extend(browser.cookie("jm_session"));
    }
    let mut form = browser.get("/account/password").await.form("/account/password");
    form.set("current_password", PASSWORD);
    form.set("new_password", "three umbrellas, one bus");
    form.set("new_password_again", "three umbrellas, one bus");
    assert_eq!(browser.submit(&form).await.status, 303);
    names.extend(browser.cookie("jm_session"));
    let mut distinct = names.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), names.len());
    assert!(names.len() >= 2);
    for old in &names[..names.len() - 1] {
        let thief = world.browser();
        thief.set_cookie("jm_session", old);
        assert_eq!(thief.get("/account").await.status, 303, "an earlier name opens nothing");
    }
}
