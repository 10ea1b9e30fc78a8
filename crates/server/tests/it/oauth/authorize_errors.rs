//! The authorization request's refusals (RFC 6749 section 4.1.2.1): on a page while nothing is trusted, else on the
//! redirect.

use jiomeet_oauth::review::Decision;
use protocol::redirect_uri::ClientKind;

use super::flow::{allow, authorize_url, code_in, error_in, raw_url};
use crate::support::{Page, TestApp, World};

async fn ask(world: &World, params: &[(&str, &str)]) -> Page {
    world.browser().get(&raw_url(params)).await
}

#[tokio::test]
async fn while_nothing_is_trusted_the_answer_is_a_page_that_says_what_is_wrong() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let (id, uri) = (("clientId", app.client_id.as_str()), ("redirect_uri", app.redirect_uri.as_str()));
    let code = ("response_type", "code");
    let other = ("client_id", "000000000000000000000000");
    for (params, fault) in [
        (&[][..], "client_id_missing"),
        (&[uri, code], "client_id_missing"),
        (&[("clientId", ""), uri, code], "client_id_missing"),
        (&[other, uri, code], "client_unknown"),
        (&[("client_id", "a b\u{e9}"), uri, code], "client_unknown"),
        (&[id, id, uri, code], "client_id_repeated"),
        (&[id, other, uri, code], "client_ids_differ"),
        (&[id, code], "redirect_uri_missing"),
        (&[id, ("redirect_uri", ""), code], "redirect_uri_missing"),
        (&[id, uri, uri, code], "redirect_uri_repeated"),
        (&[id, ("redirect_uri", "https://planner.example/other"), code], "redirect_uri_unregistered"),
    ] {
        ask(&world, params).await.is_closed(400, fault);
    }
}

#[tokio::test]
async fn the_documented_and_the_rfc_name_of_the_client_id_both_work() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let (uri, code) = (("redirect_uri", app.redirect_uri.as_str()), ("response_type", "code"));
    let (documented, standard) = (("clientId", app.client_id.as_str()), ("client_id", app.client_id.as_str()));
    for params in [&[documented, uri, code][..], &[standard, uri, code], &[standard, documented, uri, code]] {
        let page = ask(&world, params).await;
        assert_eq!(page.status, 200);
        assert!(page.has_form("/sign-in"));
    }
}

#[tokio::test]
async fn what_came_is_shown_to_everyone_and_what_is_registered_to_the_developers_alone() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    world.person("ada@example.com").await;
    let came = "https://planner.example/callbacks";
    let url = raw_url(&[("clientId", &app.client_id), ("redirect_uri", came), ("response_type", "code")]);

    let stranger = world.browser().get(&url).await;
    assert!(stranger.text().contains(came));
    assert!(!stranger.text().contains("Registered for"));
    let someone = world.browser();
    someone.sign_in("ada@example.com").await;
    assert!(!someone.get(&url).await.text().contains("Registered for"));
    let owner = world.browser();
    owner.sign_in("planner-dev@example.com").await;
    let page = owner.get(&url).await;
    page.is_closed(400, "redirect_uri_unregistered");
    assert!(page.text().contains(came));
    assert!(page.text().contains("Registered for planner"));
    assert!(page.html.contains(&app.redirect_uri));
}

#[tokio::test]
async fn every_other_fault_goes_back_to_the_app() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let (id, uri) = (("clientId", app.client_id.as_str()), ("redirect_uri", app.redirect_uri.as_str()));
    let (code, state) = (("response_type", "code"), ("state", "s-1"));
    for (params, error, fault) in [
        (&[][..], "invalid_request", "response_type_missing"),
        (&[("response_type", "token")], "unsupported_response_type", "response_type_unsupported"),
        (&[("response_type", "code token")], "unsupported_response_type", "response_type_unsupported"),
        (&[code, code], "invalid_request", "parameter_repeated"),
        (&[code, ("scope", "user:read"), ("scope", "user:read")], "invalid_request", "parameter_repeated"),
        (&[code, ("scope", "user:read admin")], "invalid_scope", "scope_not_registered"),
        (&[code, ("scope", "\u{e9}")], "invalid_scope", "scope_malformed"),
        (
            &[code, ("code_challenge", "x"), ("code_challenge_method", "plain")],
            "invalid_request",
            "pkce_method_unsupported",
        ),
        (&[code, ("code_challenge", "x")], "invalid_request", "pkce_method_missing"),
        (&[code, ("code_challenge_method", "S256")], "invalid_request", "pkce_challenge_missing"),
        (&[code, ("prompt", "maybe")], "invalid_request", "prompt_unsupported"),
        (&[code, ("prompt", "none consent")], "invalid_request", "prompt_none_not_alone"),
        (&[code, ("max_age", "soon")], "invalid_request", "max_age_malformed"),
        (&[code, ("resource", "https://other.example")], "invalid_target", "target_unknown"),
        (&[code, ("prompt", "none")], "login_required", "login_required"),
    ] {
        let params = [&[id, uri, state], params].concat();
        let page = ask(&world, &params).await;
        assert_eq!(error_in(&page, &app), (error.to_owned(), fault.to_owned()), "{params:?}");
        let answer = page.sent_to(&app.redirect_uri);
        assert_eq!(answer["state"], "s-1");
        assert_eq!(answer["iss"], world.app.issuer.as_str());
        assert!(!answer["error_description"].is_empty());
        assert_eq!(page.header("cache-control"), "no-store");
        assert_eq!(page.header("referrer-policy"), "no-referrer");
    }
}

#[tokio::test]
async fn plain_pkce_is_refused_with_the_name_of_what_works() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    for more in [&[("code_challenge", "x"), ("code_challenge_method", "plain")][..], &[("code_challenge", "x")]] {
        let page = world.browser().get(&authorize_url(&app, more)).await;
        assert!(page.sent_to(&app.redirect_uri)["error_description"].contains("S256"));
    }
}

#[tokio::test]
async fn a_state_given_twice_is_refused_and_none_of_the_two_comes_back() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let page = world.browser().get(&authorize_url(&app, &[("state", "another")])).await;
    assert_eq!(error_in(&page, &app), ("invalid_request".to_owned(), "parameter_repeated".to_owned()));
    assert!(!page.sent_to(&app.redirect_uri).contains_key("state"));
}

#[tokio::test]
async fn unknown_parameters_are_ignored_even_twice() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let more = [("utm_source", "x"), ("utm_source", "y"), ("display", "popup"), ("scope", "offline_access")];
    let page = world.browser().get(&authorize_url(&app, &more)).await;
    assert_eq!(page.status, 200);
    assert!(page.has_form("/sign-in"));
}

#[tokio::test]
async fn beyond_eight_kibibytes_a_request_is_invalid() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let long = "x".repeat(8 * 1024);
    let page = world.browser().get(&authorize_url(&app, &[("nonce", &long)])).await;
    assert_eq!(error_in(&page, &app), ("invalid_request".to_owned(), "request_too_long".to_owned()));
    assert_eq!(page.sent_to(&app.redirect_uri)["state"], "eyJuIjoxfQ==");
    world
        .browser()
        .get(&format!("/oauth2/authorize?client_id={}", "x&".repeat(200)))
        .await
        .is_closed(400, "parameters_too_many");
}

#[tokio::test]
async fn a_request_may_come_as_a_form() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let (id, uri) = (("client_id", app.client_id.as_str()), ("redirect_uri", app.redirect_uri.as_str()));
    let browser = world.browser();
    browser.post("/oauth2/authorize", &[]).await.is_closed(400, "client_id_missing");
    browser
        .post("/oauth2/authorize", &[id, ("redirect_uri", "https://evil.example")])
        .await
        .is_closed(400, "redirect_uri_unregistered");
    let page = browser.post("/oauth2/authorize", &[id, uri, ("state", "a b\u{e9}&=")]).await;
    assert_eq!(error_in(&page, &app).1, "response_type_missing");
    assert_eq!(page.sent_to(&app.redirect_uri)["state"], "a b\u{e9}&=");
    let page = browser.post("/oauth2/authorize", &[id, uri, ("response_type", "code")]).await;
    assert_eq!(page.status, 200);
    assert!(page.has_form("/sign-in"));
    let request =
        world.http.post(world.url("/oauth2/authorize")).header("content-type", "text/plain").body("client_id=1");
    assert_eq!(request.send().await.unwrap().status(), 415);
}

#[tokio::test]
async fn a_form_of_another_site_comes_without_cookies_and_is_asked_again_as_a_link() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let fields = [
        ("client_id", app.client_id.as_str()),
        ("redirect_uri", app.redirect_uri.as_str()),
        ("response_type", "code"),
        ("prompt", "none"),
    ];
    let page = world.browser().post_from("/oauth2/authorize", &fields, &[("origin", "https://planner.example")]).await;
    assert_eq!(page.status, 303);
    assert_eq!(page.location().unwrap(), raw_url(&fields).replace("+", "%20"));
}

#[tokio::test]
async fn other_methods_are_not_for_these_addresses() {
    let world = World::new().await;
    for (method, path) in [("PUT", "/oauth2/authorize"), ("POST", "/oauth2/continue"), ("GET", "/oauth2/consent")] {
        let answer = world.http.request(method.parse().unwrap(), world.url(path)).send().await.unwrap();
        assert_eq!(answer.status(), 405, "{method} {path}");
        assert!(answer.headers().contains_key("allow"));
    }
}

async fn closed_to(world: &World, app: &TestApp, email: &str) -> Page {
    let browser = world.browser();
    browser.sign_in(email).await;
    browser.get(&authorize_url(app, &[])).await
}

#[tokio::test]
async fn an_app_that_is_not_approved_works_for_its_own_people_and_nobody_else() {
    let world = World::new().await;
    let app = world.draft_app("planner", ClientKind::Confidential).await;
    for email in ["ada@example.com", "tess@example.com", "colin@example.com"] {
        world.person(email).await;
    }
    for (statement, email) in [
        (
            "INSERT INTO testers (app_id, user_id, accepted_at) SELECT $1, id, 1 FROM users WHERE email = $2",
            "tess@example.com",
        ),
        (
            "INSERT INTO collaborators (app_id, user_id, added_at) SELECT $1, id, 1 FROM users WHERE email = $2",
            "colin@example.com",
        ),
    ] {
        assert_eq!(world.execute(statement, &[app.id.as_str(), email]).await, 1);
    }
    for email in ["planner-dev@example.com", "tess@example.com", "colin@example.com"] {
        let page = closed_to(&world, &app, email).await;
        assert_eq!(page.status, 200, "{email}");
        assert!(page.text().contains("Not reviewed yet"), "{email}");
        allow(&page);
    }
    let page = closed_to(&world, &app, "ada@example.com").await;
    page.is_closed(403, "client_not_approved");
    assert!(page.text().contains("ada@example.com"));

    world.decide(&app, Decision::Approve).await;
    let page = closed_to(&world, &app, "ada@example.com").await;
    assert_eq!(page.status, 200);
    assert!(!page.text().contains("Not reviewed yet"));
}

/// Nobody may use an app that was never reviewed as a redirect to wherever its maker likes.
#[tokio::test]
async fn a_stranger_is_never_redirected_by_an_app_that_is_not_approved() {
    let world = World::new().await;
    let app = world.draft_app("planner", ClientKind::Confidential).await;
    for more in [&[][..], &[("prompt", "none")], &[("scope", "nonsense")], &[("response_type", "token")]] {
        let page = world.browser().get(&authorize_url(&app, more)).await;
        assert_eq!((page.status, page.location()), (403, None), "{more:?}");
        assert!(page.text().contains("This app has not been approved yet"), "{more:?}");
        assert!(!page.text().contains("planner"), "nobody vouched for its name");
    }
    let url = authorize_url(&app, &[]).replace("callback", "elsewhere");
    assert_eq!(world.browser().get(&url).await.status, 403);
}

#[tokio::test]
async fn a_tester_who_is_signed_out_signs_in_on_the_page_that_refuses_everybody_else() {
    let world = World::new().await;
    let app = world.draft_app("planner", ClientKind::Confidential).await;
    world.person("ada@example.com").await;

    let browser = world.browser();
    let page = browser.get(&authorize_url(&app, &[])).await;
    assert_eq!(page.status, 403);
    let page = browser.sign_in_on(&page, "planner-dev@example.com").await;
    assert_eq!(page.status, 200);
    assert_eq!(code_in(&browser.submit(&allow(&page)).await, &app).len(), 48);

    let browser = world.browser();
    let page = browser.get(&authorize_url(&app, &[])).await;
    let page = browser.sign_in_on(&page, "ada@example.com").await;
    page.is_closed(403, "client_not_approved");
    let page = browser.get(&page.link("Sign in with another account")).await;
    let page = browser.sign_in_on(&page, "planner-dev@example.com").await;
    code_in(&page, &app);
}

#[tokio::test]
async fn a_suspended_app_is_closed_to_everyone() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    world.decide(&app, Decision::Suspend).await;
    world.browser().get(&authorize_url(&app, &[])).await.is_closed(403, "client_suspended");
    closed_to(&world, &app, "planner-dev@example.com").await.is_closed(403, "client_suspended");

    world.decide(&app, Decision::Reinstate).await;
    assert!(world.browser().get(&authorize_url(&app, &[])).await.has_form("/sign-in"));
}

#[tokio::test]
async fn a_public_app_must_use_pkce_and_a_confidential_one_when_told_to() {
    let world = World::new().await;
    let public = world.public_app("mobile").await;
    let page = world.browser().get(&authorize_url(&public, &[])).await;
    assert_eq!(error_in(&page, &public), ("invalid_request".to_owned(), "pkce_required".to_owned()));

    let app = world.approved_app("planner").await;
    assert!(world.browser().get(&authorize_url(&app, &[])).await.has_form("/sign-in"));
    world.execute("UPDATE apps SET pkce_required_at = 1 WHERE id = $1", &[app.id.as_str()]).await;
    let page = world.browser().get(&authorize_url(&app, &[])).await;
    assert_eq!(error_in(&page, &app), ("invalid_request".to_owned(), "pkce_required".to_owned()));

    let strict = World::with("tokens.require_pkce = true").await;
    let app = strict.approved_app("planner").await;
    let page = strict.browser().get(&authorize_url(&app, &[])).await;
    assert_eq!(error_in(&page, &app), ("invalid_request".to_owned(), "pkce_required".to_owned()));
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let more = [("code_challenge", challenge), ("code_challenge_method", "S256")];
    assert!(strict.browser().get(&authorize_url(&app, &more)).await.has_form("/sign-in"));
}
