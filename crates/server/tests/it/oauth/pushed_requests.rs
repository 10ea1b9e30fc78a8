//! Pushed authorization requests (RFC 9126).

use std::time::Duration;

use serde_json::json;

use super::flow::{allow, authorize_url, code_in, error_in, raw_url};
use super::{post, redeem};
use crate::apps::{path, send};
use crate::support::{Answer, CHALLENGE, TestApp, World};

const PAR: &str = "/oauth2/par";

/// What the app would have put into the authorization URL.
fn request(app: &TestApp) -> Vec<(&str, &str)> {
    vec![("response_type", "code"), ("redirect_uri", &app.redirect_uri), ("state", "pushed"), ("scope", "user:read")]
}

async fn push(world: &World, app: &TestApp, params: &[(&str, &str)]) -> Answer {
    post(world, PAR, app, params).await
}

/// Pushes a request and gives the address to send the person to.
async fn pushed_url(world: &World, app: &TestApp, more: &[(&str, &str)]) -> String {
    let mut params = request(app);
    params.extend(more);
    let answer = push(world, app, &params).await;
    assert_eq!((answer.status, answer.header("cache-control")), (201, "no-store"), "{}", answer.text);
    assert_eq!(answer.json["expires_in"], 300);
    raw_url(&[("client_id", &app.client_id), ("request_uri", &answer.text_of("request_uri"))])
}

#[tokio::test]
async fn the_person_is_asked_what_was_pushed_and_nothing_else_counts() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    world.person("ada@example.com").await;
    let url = pushed_url(&world, &app, &[]).await;
    let browser = world.browser();
    let forged = format!("{url}&state=forged&scope=meeting:delete&redirect_uri=https%3A%2F%2Fevil.example&prompt=none");
    let sign_in = browser.get(&forged).await;
    let consent = browser.sign_in_on(&sign_in, "ada@example.com").await;
    assert_eq!(consent.form("/oauth2/consent").boxes("scope"), [("user:read".to_owned(), true)]);
    let answer = browser.submit(&allow(&consent)).await;
    assert_eq!(answer.sent_to(&app.redirect_uri)["state"], "pushed");
    let tokens = redeem(&world, &app, &code_in(&answer, &app)).await.tokens();
    assert_eq!(tokens.scope, "user:read");

    // The consent stands, so the next one goes straight through.
    let silent = browser.get(&pushed_url(&world, &app, &[]).await).await;
    redeem(&world, &app, &code_in(&silent, &app)).await.tokens();
}

#[tokio::test]
async fn one_code_comes_of_a_pushed_request_and_no_reload_breaks_it() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    world.person("ada@example.com").await;
    world.person("ben@example.com").await;
    let url = pushed_url(&world, &app, &[]).await;
    let (mine, other) = (world.browser(), world.browser());

    // Any browser opens it while it is fresh; the one that opened it last goes on after that.
    assert!(other.get(&url).await.has_form("/sign-in"));
    assert!(mine.get(&url).await.has_form("/sign-in"));
    world.wait(Duration::from_secs(300));
    other.get(&url).await.is_closed(400, "request_uri_unknown");
    let reloaded = mine.get(&url).await;
    let consent = mine.sign_in_on(&reloaded, "ada@example.com").await;
    let again = mine.get(&url).await;
    assert!(again.has_form("/oauth2/consent"), "Back to the address, signed in by now: {}", again.html);
    code_in(&mine.submit(&allow(&consent)).await, &app);

    // Answered: whoever comes with it now gets no second code.
    let spent = mine.submit(&allow(&again)).await;
    assert_eq!((spent.status, spent.location()), (409, None), "{}", spent.html);
    let silent = mine.get(&url).await;
    assert_eq!((silent.status, silent.location()), (409, None), "{}", silent.html);
    assert!(silent.text().contains("begin there once more"), "{}", silent.text());
    assert_eq!(world.count("SELECT COUNT(*) FROM authorization_codes", &[]).await, 1);
    world.wait(Duration::from_secs(3600));
    mine.get(&url).await.is_closed(400, "request_uri_unknown");

    let kept = async || {
        let now = world.now();
        for sweeper in jiomeet_oauth::oauth::SWEEPERS {
            world.write(move |tx| sweeper(tx, now, 100)).await;
        }
        world.count("SELECT COUNT(*) FROM pushed_requests", &[]).await
    };
    assert_eq!(kept().await, 1);
    world.wait(Duration::from_secs(1));
    assert_eq!(kept().await, 0);
}

#[tokio::test]
async fn a_pushed_request_is_its_apps_own_and_runs_out_unopened() {
    let world = World::new().await;
    let (app, other) = (world.approved_app("planner").await, world.approved_app("other").await);
    let browser = world.browser();
    let url = pushed_url(&world, &app, &[]).await;
    let foreign = url.replace(&app.client_id, &other.client_id);
    browser.get(&foreign).await.is_closed(400, "request_uri_unknown");
    let nobodys = url.replace(&format!("client_id={}", app.client_id), "x=1");
    browser.get(&nobodys).await.is_closed(400, "client_id_missing");
    browser.get(&format!("{url}A")).await.is_closed(400, "request_uri_unknown");
    world.wait(Duration::from_secs(300));
    browser.get(&url).await.is_closed(400, "request_uri_unknown");
}

#[tokio::test]
async fn faults_are_told_to_the_app_that_pushes() {
    let world = World::new().await;
    let (app, public) = (world.approved_app("planner").await, world.public_app("pocket").await);
    let with = |name: &'static str, value: &'static str| {
        let mut params: Vec<(&str, &str)> = request(&app).into_iter().filter(|(known, _)| *known != name).collect();
        params.extend((!value.is_empty()).then_some((name, value)));
        params
    };
    for (name, value, error, fault) in [
        ("redirect_uri", "https://evil.example/cb", "invalid_request", "redirect_uri_unregistered"),
        ("redirect_uri", "", "invalid_request", "redirect_uri_missing"),
        ("response_type", "token", "unsupported_response_type", "response_type_unsupported"),
        ("scope", "files:read", "invalid_scope", "scope_not_registered"),
        ("code_challenge", "x", "invalid_request", "pkce_method_missing"),
        ("request_uri", "urn:ietf:params:oauth:request_uri:x", "invalid_request", "request_uri_pushed"),
    ] {
        push(&world, &app, &with(name, value)).await.is_refused(400, error, fault);
    }
    let long = "x".repeat(9000);
    let params = [("response_type", "code"), ("redirect_uri", &*app.redirect_uri), ("state", &long)];
    push(&world, &app, &params).await.is_refused(400, "invalid_request", "request_too_long");

    let thief = TestApp { client_secret: "jmcs_wrong".to_owned(), ..app.clone() };
    push(&world, &thief, &request(&app)).await.is_refused(401, "invalid_client", "client_credentials_wrong");
    push(&world, &public, &request(&public)).await.is_refused(400, "invalid_request", "pkce_required");
    pushed_url(&world, &public, &CHALLENGE).await;
    world.decide(&app, jiomeet_oauth::review::Decision::Suspend).await;
    push(&world, &app, &request(&app)).await.is_refused(400, "unauthorized_client", "client_suspended");
    assert_eq!(world.count("SELECT COUNT(*) FROM pushed_requests", &[]).await, 1, "what is refused is not kept");

    let secrets = "SELECT COUNT(*) FROM pushed_requests WHERE query LIKE '%secret%' OR query LIKE '%jmcs%'";
    assert_eq!(world.count(secrets, &[]).await, 0);
    let metadata =
        Answer::of(world.http.get(world.url("/.well-known/oauth-authorization-server")).send().await.unwrap());
    let metadata = metadata.await.json;
    assert_eq!(metadata["pushed_authorization_request_endpoint"], json!(world.url(PAR)));
    assert_eq!(metadata["require_pushed_authorization_requests"], false);
}

#[tokio::test]
async fn an_app_can_refuse_what_was_not_pushed() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let dev = world.owner_of("planner").await;
    assert_eq!(send(&dev, &path(&app, "/settings"), &[("require_push", "yes")]).await.status, 303);
    let open = dev.get(&authorize_url(&app, &[])).await;
    assert_eq!(error_in(&open, &app), ("invalid_request".to_owned(), "push_required".to_owned()));
    let url = pushed_url(&world, &app, &[]).await;
    code_in(&dev.submit(&allow(&dev.get(&url).await)).await, &app);
    let shown = dev.get(&path(&app, "")).await;
    assert_eq!(shown.form(&path(&app, "/settings")).boxes("require_push"), [("yes".to_owned(), true)]);
}
