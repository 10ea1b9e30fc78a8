//! What an app and a person do at the authorization endpoint.

use crate::support::{Browser, Form, Page, TestApp, World};

pub const ADA: &str = "ada@example.com";
pub const BELA: &str = "bela@example.com";

/// The address that the overview tells an app to send people to, with more parameters.
pub fn authorize_url(app: &TestApp, more: &[(&str, &str)]) -> String {
    let mut url = reqwest::Url::parse("http://host/oauth2/authorize").unwrap();
    url.query_pairs_mut()
        .append_pair("clientId", &app.client_id)
        .append_pair("redirect_uri", &app.redirect_uri)
        .append_pair("response_type", "code")
        .append_pair("state", "eyJuIjoxfQ==")
        .extend_pairs(more);
    url.as_str().strip_prefix("http://host").unwrap().to_owned()
}

/// The address with exactly these parameters.
pub fn raw_url(params: &[(&str, &str)]) -> String {
    let mut url = reqwest::Url::parse("http://host/oauth2/authorize").unwrap();
    url.query_pairs_mut().extend_pairs(params);
    url.as_str().strip_prefix("http://host").unwrap().to_owned()
}

/// The consent form, with 'Allow' pressed.
#[track_caller]
pub fn allow(page: &Page) -> Form {
    let mut form = page.form("/oauth2/consent");
    form.press("decision", "allow");
    form
}

/// The consent form, with 'Deny' pressed.
#[track_caller]
pub fn deny(page: &Page) -> Form {
    let mut form = page.form("/oauth2/consent");
    form.press("decision", "deny");
    form
}

/// Somebody who is signed in allows everything that the app asks for; gives the code.
pub async fn consent_to(browser: &Browser<'_>, app: &TestApp, more: &[(&str, &str)]) -> String {
    let page = browser.get(&authorize_url(app, more)).await;
    let answer = browser.submit(&allow(&page)).await;
    code_in(&answer, app)
}

/// The code that a redirect carries.
#[track_caller]
pub fn code_in(page: &Page, app: &TestApp) -> String {
    let params = page.sent_to(&app.redirect_uri);
    params.get("code").unwrap_or_else(|| panic!("no code in {params:?}")).clone()
}

/// The error that a redirect carries, and the entry of the catalogue.
#[track_caller]
pub fn error_in(page: &Page, app: &TestApp) -> (String, String) {
    let params = page.sent_to(&app.redirect_uri);
    let error = params.get("error").unwrap_or_else(|| panic!("no error in {params:?}"));
    let fault = params["error_uri"].rsplit('#').next().unwrap();
    (error.clone(), fault.to_owned())
}

/// An approved app, and two people.
pub async fn world() -> (World, TestApp) {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    world.person(ADA).await;
    world.person(BELA).await;
    (world, app)
}

/// Ada's browser, signed in.
pub async fn ada(world: &World) -> Browser<'_> {
    let browser = world.browser();
    browser.sign_in(ADA).await;
    browser
}

/// The consent page for that scope.
pub async fn ask(browser: &Browser<'_>, app: &TestApp, scope: &str) -> Page {
    let page = browser.get(&authorize_url(app, &[("scope", scope)])).await;
    assert_eq!(page.status, 200, "{}", page.html);
    page
}

/// How many codes there are.
pub async fn codes(world: &World) -> i64 {
    world.count("SELECT count(*) FROM authorization_codes", &[]).await
}
