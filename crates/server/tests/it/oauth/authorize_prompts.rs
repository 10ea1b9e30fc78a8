//! `prompt` and `max_age` (OpenID Connect Core 3.1.2.1), and when a person is asked at all.

use std::time::Duration;

use super::flow::{allow, authorize_url, code_in, consent_to, error_in};
use crate::support::{Browser, Page, TestApp, World};

const ADA: &str = "ada@example.com";

/// Ada, signed in a minute ago, and an app that she has allowed everything.
async fn allowed(world: &World) -> (Browser<'_>, TestApp) {
    let app = world.approved_app("planner").await;
    world.person(ADA).await;
    let browser = world.browser();
    browser.sign_in(ADA).await;
    consent_to(&browser, &app, &[]).await;
    world.wait(Duration::from_secs(60));
    (browser, app)
}

async fn ask(browser: &Browser<'_>, app: &TestApp, more: &[(&str, &str)]) -> Page {
    browser.get(&authorize_url(app, more)).await
}

#[track_caller]
fn is_refused(page: &Page, app: &TestApp, error: &str) {
    assert_eq!(error_in(page, app).0, error);
}

#[tokio::test]
async fn an_app_that_sends_a_person_in_a_loop_is_stopped_by_a_page() {
    let world = World::with("limits.silent_authorizations = 5").await;
    let (browser, app) = allowed(&world).await;
    let navigate = async |more: &[(&str, &str)]| {
        let headers = [("sec-fetch-mode", "navigate")];
        browser.get_with(&authorize_url(&app, more), &headers).await
    };
    for _ in 0..5 {
        code_in(&navigate(&[]).await, &app);
    }
    let stopped = navigate(&[]).await;
    stopped.is_closed(429, "redirect_loop");
    assert!(stopped.text().contains("planner sent you here 5 times within an hour."), "{}", stopped.text());
    let silent = navigate(&[("prompt", "none")]).await;
    assert_eq!(error_in(&silent, &app), ("interaction_required".to_owned(), "redirect_loop".to_owned()));

    // The person's own click goes on, each once; the next round is stopped again.
    let on = stopped.link("Go on to planner");
    code_in(&browser.get(&on).await, &app);
    navigate(&[]).await.is_closed(429, "redirect_loop");
    let strange = world.browser();
    strange.get(&on).await.is_closed(403, "request_other_browser");

    // Programs, other people and other apps are not concerned; the hour passes.
    for _ in 0..10 {
        code_in(&ask(&browser, &app, &[]).await, &app);
    }
    world.wait(Duration::from_secs(720));
    code_in(&navigate(&[]).await, &app);
    navigate(&[]).await.is_closed(429, "redirect_loop");

    jiomeet_oauth::apps::write_refusals(&world.app).await.unwrap();
    let dev = world.owner_of("planner").await;
    let shown = dev.get(&crate::apps::path(&app, "")).await.text();
    assert!(shown.contains("redirect_loop"), "the developer hears of it: {shown}");
}

#[tokio::test]
async fn who_allowed_everything_asked_for_is_sent_straight_back() {
    let world = World::new().await;
    let (browser, app) = allowed(&world).await;
    for more in [
        &[][..],
        &[("scope", "user:read")],
        &[("prompt", "none")],
        &[("max_age", "60")],
        &[("scope", "meeting:join user:read")],
    ] {
        let page = ask(&browser, &app, more).await;
        let answer = page.sent_to(&app.redirect_uri);
        assert!(answer["code"].starts_with("jmac_") && answer["code"].len() == 48, "{answer:?}");
        assert_eq!(answer["state"], "eyJuIjoxfQ==");
        assert_eq!(answer["iss"], world.app.issuer.as_str());
        assert_eq!((page.header("cache-control"), page.header("referrer-policy")), ("no-store", "no-referrer"));
    }
}

#[tokio::test]
async fn a_silent_code_stands_for_what_was_asked_and_not_for_all_that_was_ever_allowed() {
    let world = World::new().await;
    let (browser, app) = allowed(&world).await;
    let page = ask(&browser, &app, &[("scope", "user:read")]).await;
    let tokens = super::redeem(&world, &app, &code_in(&page, &app)).await.tokens();
    assert_eq!(tokens.scope, "user:read");
}

#[tokio::test]
async fn prompt_none_is_answered_by_an_error_where_a_page_would_be_needed() {
    let world = World::new().await;
    let (browser, app) = allowed(&world).await;
    let none = ("prompt", "none");
    is_refused(&ask(&world.browser(), &app, &[none]).await, &app, "login_required");
    is_refused(&ask(&browser, &app, &[none, ("max_age", "30")]).await, &app, "login_required");
    let other = world.approved_app("notes").await;
    is_refused(&ask(&browser, &other, &[none]).await, &other, "consent_required");
    world.execute("UPDATE apps SET consent_version = consent_version + 1 WHERE id = $1", &[app.id.as_str()]).await;
    is_refused(&ask(&browser, &app, &[none]).await, &app, "consent_required");
}

#[tokio::test]
async fn prompt_login_wants_the_password_again_even_of_who_is_signed_in() {
    let world = World::new().await;
    let (browser, app) = allowed(&world).await;
    let page = ask(&browser, &app, &[("prompt", "login")]).await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("Confirm that it is you"));
    let form = page.form("/sign-in");
    assert_eq!(form.value("email"), ADA);

    let going_on = format!("/oauth2/continue?request={}", form.value("request"));
    assert!(browser.get(&going_on).await.has_form("/sign-in"), "not without the password");
    world.wait(Duration::from_secs(1));
    let before = browser.cookie("jm_session");
    let page = browser.sign_in_on(&page, ADA).await;
    code_in(&page, &app);
    assert_ne!(browser.cookie("jm_session"), before, "a new session, not the one that was there");
}

#[tokio::test]
async fn max_age_wants_the_password_again_when_the_sign_in_is_older() {
    let world = World::new().await;
    let (browser, app) = allowed(&world).await;
    code_in(&ask(&browser, &app, &[("max_age", "60")]).await, &app);
    world.wait(Duration::from_millis(1));
    let page = ask(&browser, &app, &[("max_age", "60")]).await;
    assert!(page.has_form("/sign-in"));
    world.wait(Duration::from_secs(300));
    let page = browser.sign_in_on(&page, ADA).await;
    code_in(&page, &app);
    let page = ask(&browser, &app, &[("max_age", "0")]).await;
    assert!(page.has_form("/sign-in"), "max_age=0 is as good as prompt=login");
    world.wait(Duration::from_secs(1));
    code_in(&browser.sign_in_on(&page, ADA).await, &app);
}

#[tokio::test]
async fn prompt_consent_asks_again_and_keeps_the_ticks() {
    let world = World::new().await;
    let (browser, app) = allowed(&world).await;
    let page = ask(&browser, &app, &[("prompt", "consent"), ("scope", "user:read meeting:read")]).await;
    let mut form = allow(&page);
    form.tick("meeting:read", false);
    code_in(&browser.submit(&form).await, &app);
    let page = ask(&browser, &app, &[("scope", "user:read meeting:read")]).await;
    let boxes = page.form("/oauth2/consent").boxes("scope");
    assert_eq!(boxes, [("user:read".to_owned(), true), ("meeting:read".to_owned(), false)]);
    assert!(page.text().contains("You left this out last time."));
    code_in(&ask(&browser, &app, &[("scope", "user:read")]).await, &app);
}

#[tokio::test]
async fn prompt_login_consent_asks_for_both_in_this_order() {
    let world = World::new().await;
    let (browser, app) = allowed(&world).await;
    let page = ask(&browser, &app, &[("prompt", "login consent")]).await;
    assert!(page.has_form("/sign-in"));
    world.wait(Duration::from_secs(1));
    let page = browser.sign_in_on(&page, ADA).await;
    code_in(&browser.submit(&allow(&page)).await, &app);
}

#[tokio::test]
async fn prompt_select_account_lets_the_person_go_on_or_be_someone_else() {
    let world = World::new().await;
    let (browser, app) = allowed(&world).await;
    world.person("bela@example.com").await;
    let page = ask(&browser, &app, &[("prompt", "select_account")]).await;
    assert!(page.text().contains("Choose an account"));
    assert!(page.text().contains(ADA));
    code_in(&browser.get(&page.link("Continue")).await, &app);

    let form = page.form("/sign-in");
    let going_on = format!("/oauth2/continue?request={}", form.value("request"));
    assert!(browser.get(&going_on).await.has_form("/sign-in"), "nothing was chosen");
    let page = browser.sign_in_on(&page, "bela@example.com").await;
    assert!(page.text().contains("bela@example.com"));
    allow(&page);
}

#[tokio::test]
async fn a_login_hint_is_filled_in_and_nothing_more() {
    let world = World::new().await;
    let (browser, app) = allowed(&world).await;
    let page = ask(&world.browser(), &app, &[("login_hint", "bela@example.com")]).await;
    assert_eq!(page.form("/sign-in").value("email"), "bela@example.com");
    code_in(&ask(&browser, &app, &[("login_hint", "bela@example.com")]).await, &app);
}

#[tokio::test]
async fn an_app_that_changed_asks_again() {
    let world = World::new().await;
    let (browser, app) = allowed(&world).await;
    world.execute("UPDATE apps SET consent_version = consent_version + 1 WHERE id = $1", &[app.id.as_str()]).await;
    let page = ask(&browser, &app, &[("scope", "user:read")]).await;
    code_in(&browser.submit(&allow(&page)).await, &app);
    code_in(&ask(&browser, &app, &[("scope", "user:read")]).await, &app);
    let page = ask(&browser, &app, &[("scope", "meeting:read")]).await;
    allow(&page);
}

#[tokio::test]
async fn an_app_that_asks_step_by_step_is_not_asked_for_the_same_again() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    world.person(ADA).await;
    let browser = world.browser();
    browser.sign_in(ADA).await;
    consent_to(&browser, &app, &[("scope", "user:read")]).await;
    consent_to(&browser, &app, &[("scope", "meeting:create")]).await;
    code_in(&ask(&browser, &app, &[("scope", "user:read")]).await, &app);
    code_in(&ask(&browser, &app, &[("scope", "meeting:create user:read")]).await, &app);
}

#[tokio::test]
async fn who_signed_out_or_was_locked_is_not_answered_for() {
    let world = World::new().await;
    let (browser, app) = allowed(&world).await;
    world.execute("UPDATE users SET locked_at = 1 WHERE email = $1", &[ADA]).await;
    assert!(ask(&browser, &app, &[]).await.has_form("/sign-in"));
    world.execute("UPDATE users SET locked_at = NULL WHERE email = $1", &[ADA]).await;
    code_in(&ask(&browser, &app, &[]).await, &app);
    world.wait(Duration::from_secs(15 * 86_400));
    assert!(ask(&browser, &app, &[]).await.has_form("/sign-in"), "sessions end");
}
