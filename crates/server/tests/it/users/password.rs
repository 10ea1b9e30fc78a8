//! Changing the password.

use super::{ADA, is_signed_in, try_to_sign_in};
use crate::oauth::{bearer_call, redeem};
use crate::support::{Browser, PASSWORD, Page, World};
use jiomeet_oauth::ids::UserId;

const NEW: &str = "three umbrellas, one bus";

async fn world() -> (World, UserId) {
    let world = World::new().await;
    let ada = world.person(ADA).await;
    (world, ada)
}

async fn change(browser: &Browser<'_>, current: &str, new: &str, again: &str, end_apps: bool) -> Page {
    let page = browser.get("/account/password").await;
    let mut form = page.form("/account/password");
    form.set("current_password", current);
    form.set("new_password", new);
    form.set("new_password_again", again);
    if end_apps {
        form.tick("yes", true);
    }
    browser.submit(&form).await
}

#[tokio::test]
async fn the_new_password_opens_and_the_old_one_does_not() {
    let (world, _) = world().await;
    let browser = world.browser();
    browser.sign_in(ADA).await;
    let page = change(&browser, PASSWORD, NEW, NEW, false).await;
    assert_eq!(page.location().as_deref(), Some("/account/password?done=changed"));
    assert!(browser.follow(page).await.text().contains("Your password is changed."));
    assert_eq!(try_to_sign_in(&world.browser(), ADA, PASSWORD).await.status, 403);
    assert_eq!(try_to_sign_in(&world.browser(), ADA, NEW).await.status, 303);
}

#[tokio::test]
async fn every_other_session_ends_and_this_one_is_renewed() {
    let (world, _) = world().await;
    let (here, elsewhere) = (world.browser(), world.browser());
    here.sign_in(ADA).await;
    elsewhere.sign_in(ADA).await;
    let before = here.cookie("jm_session").unwrap();
    change(&here, PASSWORD, NEW, NEW, false).await;
    assert!(is_signed_in(&here).await);
    assert!(!is_signed_in(&elsewhere).await);
    assert_ne!(here.cookie("jm_session").unwrap(), before);
    here.set_cookie("jm_session", &before);
    assert!(!is_signed_in(&here).await);
}

#[tokio::test]
async fn without_the_current_password_nothing_changes() {
    let (world, _) = world().await;
    let (here, elsewhere) = (world.browser(), world.browser());
    here.sign_in(ADA).await;
    elsewhere.sign_in(ADA).await;
    let page = change(&here, "not the password", NEW, NEW, true).await;
    assert_eq!(page.status, 403);
    assert!(page.text().contains("That is not your current password."));
    assert!(is_signed_in(&here).await && is_signed_in(&elsewhere).await);
    assert_eq!(try_to_sign_in(&world.browser(), ADA, NEW).await.status, 403);
}

#[tokio::test]
async fn guessing_the_current_password_is_limited_too() {
    let (world, _) = world().await;
    let browser = world.browser();
    browser.sign_in(ADA).await;
    for _ in 0..10 {
        assert_eq!(change(&browser, "not the password", NEW, NEW, false).await.status, 403);
    }
    let refused = change(&browser, PASSWORD, NEW, NEW, false).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "30"));
}

#[tokio::test]
async fn every_fault_is_shown_at_its_field_at_once() {
    let (world, _) = world().await;
    let browser = world.browser();
    browser.sign_in(ADA).await;
    let page = change(&browser, "", "short", "other", false).await;
    assert_eq!(page.status, 400);
    for sentence in ["Type your current password.", "Use at least 10 characters.", "The two are not the same."] {
        assert!(page.text().contains(sentence), "{sentence}");
    }
    for (weak, sentence) in [
        (ADA, "Choose something other than your e-mail address."),
        ("password123", "among the first that others would try"),
        (PASSWORD, "That is the current one."),
        (&"x".repeat(257), "Use at most 256 characters."),
    ] {
        let page = change(&browser, PASSWORD, weak, weak, false).await;
        assert_eq!(page.status, 400);
        assert!(page.text().contains(sentence), "{sentence}");
    }
}

#[tokio::test]
async fn connected_apps_keep_their_access_unless_the_person_ends_it_too() {
    let (world, ada) = world().await;
    let app = world.approved_app("planner").await;
    let browser = world.browser();
    browser.sign_in(ADA).await;
    let tokens = redeem(&world, &app, &world.code(&app, &ada).await).await.tokens();

    change(&browser, PASSWORD, NEW, NEW, false).await;
    assert!(bearer_call(&world, &tokens.access).await.is_ok());

    world.wait(std::time::Duration::from_secs(1));
    let page = change(&browser, NEW, PASSWORD, PASSWORD, true).await;
    assert_eq!(page.location().as_deref(), Some("/account/password?done=changed-apps"));
    assert_eq!(bearer_call(&world, &tokens.access).await.unwrap_err().status, 401);
    let entries = "SELECT COUNT(*) FROM audit WHERE action = 'password.change' AND user_id = $1 AND detail LIKE $2";
    assert_eq!(world.count(entries, &[ada.as_str(), "%true%"]).await, 1);
    assert_eq!(world.count(entries, &[ada.as_str(), "%false%"]).await, 1);
}

#[tokio::test]
async fn signed_out_one_signs_in_first() {
    let (world, _) = world().await;
    let browser = world.browser();
    let page = browser.get("/account/password").await;
    let page = browser.follow(page).await;
    assert!(page.has_form("/sign-in"));
}
