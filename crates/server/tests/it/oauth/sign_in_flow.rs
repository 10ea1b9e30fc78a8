//! The request on its way through sign-in: any tab, Back, a reload or an hour's pause goes on or starts itself again; what
//! another browser began does not.

use std::time::Duration;

use super::flow::{allow, authorize_url, code_in, consent_to};
use crate::support::{Page, TestApp, World};

const ADA: &str = "ada@example.com";
const BELA: &str = "bela@example.com";

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

#[tokio::test]
async fn signed_out_one_signs_in_first_and_comes_back_to_this_very_request() {
    let (world, app) = world().await;
    let browser = world.browser();
    let odd = "eyJ+/ a=&%\"'<>\u{e9}\u{1f600}#?;\t~";
    let url = authorize_url(&app, &[("scope", "user:read")]).replace("eyJuIjoxfQ%3D%3D", &urlencoded(odd));
    let page = browser.get(&url).await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("to continue to planner"));
    let page = browser.sign_in_on(&page, ADA).await;
    assert_eq!(page.form("/oauth2/consent").boxes("scope"), [("user:read".to_owned(), true)]);
    let answer = browser.submit(&allow(&page)).await;
    let params = answer.sent_to(&app.redirect_uri);
    assert_eq!(params["state"], odd);
    assert_eq!(params["iss"], world.app.issuer.as_str());
    assert_eq!(super::redeem(&world, &app, &params["code"]).await.tokens().scope, "user:read");
}

fn urlencoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test]
async fn signed_out_with_standing_consent_one_sign_in_leads_straight_back_to_the_app() {
    let (world, app) = world().await;
    let browser = world.browser();
    browser.sign_in(ADA).await;
    consent_to(&browser, &app, &[]).await;

    let other = world.browser();
    let page = other.get(&authorize_url(&app, &[])).await;
    let policy = page.header("content-security-policy").to_owned();
    assert!(
        policy.contains("form-action 'self' https://planner.example;"),
        "Chromium stops the redirect else: {policy}"
    );
    code_in(&other.sign_in_on(&page, ADA).await, &app);
}

#[tokio::test]
async fn a_wrong_password_keeps_the_request() {
    let (world, app) = world().await;
    world.give_password(ADA).await;
    let browser = world.browser();
    let page = browser.get(&authorize_url(&app, &[])).await;
    let mut form = page.form("/sign-in");
    form.set("email", ADA);
    form.set("password", "not the password");
    let again = browser.submit(&form).await;
    assert!(again.status >= 400);
    assert!(again.header("content-security-policy").contains("https://planner.example"));
    allow(&browser.sign_in_on(&again, ADA).await);
}

#[tokio::test]
async fn going_on_without_a_session_is_the_sign_in_page_again() {
    let (world, app) = world().await;
    let browser = world.browser();
    let page = browser.get(&authorize_url(&app, &[])).await;
    let again = browser.get(&sealed(&page)).await;
    assert_eq!(again.status, 200);
    allow(&browser.sign_in_on(&again, ADA).await);
}

#[tokio::test]
async fn two_tabs_end_well_in_any_order() {
    let (world, app) = world().await;
    let browser = world.browser();
    let one = browser.get(&authorize_url(&app, &[("scope", "user:read")])).await;
    let two = browser.get(&authorize_url(&app, &[("scope", "meeting:read")])).await;
    let consent_two = browser.sign_in_on(&two, ADA).await;
    let consent_one = browser.get(&sealed(&one)).await;
    for (page, scope) in [(consent_one, "user:read"), (consent_two, "meeting:read")] {
        let code = code_in(&browser.submit(&allow(&page)).await, &app);
        assert_eq!(super::redeem(&world, &app, &code).await.tokens().scope, scope);
    }
}

#[tokio::test]
async fn signing_in_twice_from_two_tabs_keeps_both_requests() {
    let (world, app) = world().await;
    let browser = world.browser();
    let one = browser.get(&authorize_url(&app, &[])).await;
    let two = browser.get(&authorize_url(&app, &[])).await;
    allow(&browser.sign_in_on(&one, ADA).await);
    allow(&browser.sign_in_on(&two, ADA).await);
}

#[tokio::test]
async fn back_and_reload_go_on() {
    let (world, app) = world().await;
    let browser = world.browser();
    let sign_in = browser.get(&authorize_url(&app, &[])).await;
    let consent = browser.sign_in_on(&sign_in, ADA).await;
    allow(&browser.get(&sealed(&sign_in)).await);
    code_in(&browser.submit(&allow(&consent)).await, &app);

    // Back to where the answer came from: the request is answered, so it starts itself again and is answered anew.
    let again = browser.get(&sealed(&sign_in)).await;
    assert_eq!(again.location().unwrap(), authorize_url(&app, &[]));
    code_in(&browser.follow(again).await, &app);
}

#[tokio::test]
async fn after_an_hours_pause_the_request_starts_itself_again() {
    let (world, app) = world().await;
    let browser = world.browser();
    let sign_in = browser.get(&authorize_url(&app, &[])).await;
    world.wait(Duration::from_secs(3600));
    assert!(browser.get(&sealed(&sign_in)).await.has_form("/sign-in"), "an hour, and it still goes on");
    world.wait(Duration::from_millis(1));
    let again = browser.get(&sealed(&sign_in)).await;
    assert_eq!((again.status, again.location()), (303, Some(authorize_url(&app, &[]))));

    let consent = browser.sign_in_on(&sign_in, ADA).await;
    world.wait(Duration::from_secs(3601));
    let again = browser.submit(&allow(&consent)).await;
    assert_eq!(again.location(), Some(authorize_url(&app, &[])), "the page lay open too long: it is asked anew");
    let consent = browser.follow(again).await;
    code_in(&browser.submit(&allow(&consent)).await, &app);
}

#[tokio::test]
async fn the_browser_outlives_sign_in_and_sign_out() {
    let (world, app) = world().await;
    let browser = world.browser();
    let page = browser.get(&authorize_url(&app, &[])).await;
    let name = browser.cookie("jm_browser").unwrap();
    browser.sign_in_on(&page, ADA).await;
    assert_eq!(browser.cookie("jm_browser"), Some(name));
    let cookies = page.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap()).collect::<Vec<_>>();
    assert!(cookies.iter().all(|cookie| cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax")), "{cookies:?}");
}

#[tokio::test]
async fn signing_in_as_somebody_else_asks_that_person() {
    let (world, app) = world().await;
    let browser = world.browser();
    browser.sign_in(ADA).await;
    let page = browser.get(&authorize_url(&app, &[])).await;
    assert!(page.text().contains(ADA));
    let page = browser.get(&page.link("Not you? Switch account")).await;
    let page = browser.sign_in_on(&page, BELA).await;
    assert!(page.text().contains(BELA));
    let code = code_in(&browser.submit(&allow(&page)).await, &app);
    let tokens = super::redeem(&world, &app, &code).await.tokens();
    let claims = tokens.claims();
    let values = [BELA, claims["sub"].as_str().unwrap()];
    assert_eq!(world.count("SELECT count(*) FROM users WHERE email = $1 AND id = $2", &values).await, 1);
}
