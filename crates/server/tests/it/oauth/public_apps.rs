//! Apps without a secret (RFC 6749 section 2.1): in a browser, and native ones (RFC 8252), from authorization to API call.

use reqwest::Method;

use super::flow::{allow, authorize_url, code_in, consent_to, error_in};
use super::{bearer_call, introspect, post, refresh, revoke, token};
use crate::support::{Answer, CHALLENGE, TestApp, VERIFIER, World};

/// The app, answering at another address.
fn at(app: &TestApp, redirect_uri: &str) -> TestApp {
    TestApp { redirect_uri: redirect_uri.to_owned(), ..app.clone() }
}

async fn redeem_with_verifier(world: &World, app: &TestApp, code: &str) -> Answer {
    let params = [("grant_type", "authorization_code"), ("code", code), ("code_verifier", VERIFIER)];
    token(world, app, &params).await
}

#[tokio::test]
async fn the_whole_way_without_a_secret() {
    let world = World::new().await;
    world.person("ada@example.com").await;
    let browser = world.browser();
    browser.sign_in("ada@example.com").await;
    for app in [world.public_app("pocket").await, world.native_app("tray").await] {
        let bare = browser.get(&authorize_url(&app, &[])).await;
        let expected = ("invalid_request".to_owned(), "pkce_required".to_owned());
        assert_eq!(error_in(&bare, &app), expected, "without PKCE nothing proves that a code is the app's");

        let code = consent_to(&browser, &app, &CHALLENGE).await;
        let without = token(&world, &app, &[("grant_type", "authorization_code"), ("code", &code)]).await;
        without.is_refused(400, "invalid_grant", "verifier_missing");
        let code = consent_or_code(&browser, &app).await;
        let first = redeem_with_verifier(&world, &app, &code).await.tokens();
        bearer_call(&world, &first.access).await.unwrap();
        let second = refresh(&world, &app, &first.refresh).await.tokens();
        bearer_call(&world, &second.access).await.unwrap();

        introspect(&world, &app, &second.access).await.is_refused(401, "invalid_client", "client_secret_missing");
        let dressed = TestApp { client_secret: "jmcs_any".to_owned(), ..app.clone() };
        for path in ["/api/oauth2/v2/token", "/api/oauth2/v2/revoke"] {
            let body =
                [("grant_type", "refresh_token"), ("refresh_token", &*second.refresh), ("token", &second.refresh)];
            post(&world, path, &dressed, &body).await.is_refused(401, "invalid_client", "client_secret_unexpected");
        }
        bearer_call(&world, &second.access).await.unwrap();
        assert_eq!(revoke(&world, &app, &second.refresh).await.status, 200);
        bearer_call(&world, &second.access).await.unwrap_err().is(401, "token_revoked");
    }
}

/// The next code: with or without a page, as the kind of app has it.
async fn consent_or_code(browser: &crate::support::Browser<'_>, app: &TestApp) -> String {
    let page = browser.get(&authorize_url(app, &CHALLENGE)).await;
    if page.status == 303 { code_in(&page, app) } else { code_in(&browser.submit(&allow(&page)).await, app) }
}

#[tokio::test]
async fn the_port_of_a_loopback_address_may_vary_for_native_apps_alone() {
    let world = World::new().await;
    world.person("ada@example.com").await;
    let browser = world.browser();
    browser.sign_in("ada@example.com").await;
    let native = world.native_app("tray").await;
    for uri in [
        "http://127.0.0.1:51004/callback",
        "http://[::1]:1/callback",
        "http://127.0.0.1/callback",
        "example.tray:/callback",
    ] {
        let app = at(&native, uri);
        let code = consent_to(&browser, &app, &CHALLENGE).await;
        let elsewhere = [
            ("grant_type", "authorization_code"),
            ("code", &*code),
            ("code_verifier", VERIFIER),
            ("redirect_uri", "http://127.0.0.1:51005/callback"),
        ];
        token(&world, &app, &elsewhere).await.is_refused(400, "invalid_grant", "redirect_uri_mismatch");
        let code = consent_to(&browser, &app, &CHALLENGE).await;
        redeem_with_verifier(&world, &app, &code).await.tokens();
    }
    for uri in [
        "http://127.0.0.1:51004/other",
        "http://127.0.0.1:51004/callback?x=1",
        "http://127.0.0.1:051/callback",
        "http://127.0.0.1:65536/callback",
        "http://127.0.0.1:51004@evil.example/callback",
        "http://127.0.0.2:51004/callback",
        "https://127.0.0.1:51004/callback",
        "http://localhost/callback",
        "http://localhost:51004/callback",
        "example.tray:/callback/",
        "example.other:/callback",
    ] {
        let page = browser.get(&authorize_url(&at(&native, uri), &CHALLENGE)).await;
        assert_eq!((page.status, page.location()), (400, None), "{uri}");
        assert!(page.html.contains("redirect_uri_unregistered"), "{uri}: {}", page.text());
    }

    // `localhost` is a name, not an address: whoever registered it gets that port and no other.
    for kind in [protocol::redirect_uri::ClientKind::Confidential, protocol::redirect_uri::ClientKind::PublicBrowser] {
        let name = kind.short_name();
        let app = world.draft_app_at(name, kind, &["http://localhost:3000/cb".to_owned()]).await;
        world.decide(&app, jiomeet_oauth::review::Decision::Approve).await;
        consent_to(&browser, &app, &CHALLENGE).await;
        for uri in
            ["http://localhost:3001/cb", "http://localhost/cb", "http://127.0.0.1:3000/cb", "http://[::1]:3000/cb"]
        {
            let page = browser.get(&authorize_url(&at(&app, uri), &CHALLENGE)).await;
            assert_eq!((page.status, page.location()), (400, None), "{name} {uri}");
        }
    }
}

#[tokio::test]
async fn a_person_says_each_time_that_they_began_what_any_program_on_the_device_could_have() {
    let world = World::new().await;
    world.person("ada@example.com").await;
    let browser = world.browser();
    browser.sign_in("ada@example.com").await;
    let native = world.native_app("tray").await;
    for uri in ["http://127.0.0.1:51004/callback", "example.tray:/callback"] {
        let app = at(&native, uri);
        consent_to(&browser, &app, &CHALLENGE).await;
        let again = browser.get(&authorize_url(&app, &CHALLENGE)).await;
        assert!(again.has_form("/oauth2/consent"), "RFC 8252 8.6: {}", again.html);
        let silently = [CHALLENGE[0], CHALLENGE[1], ("prompt", "none")];
        let refused = browser.get(&authorize_url(&app, &silently)).await;
        assert_eq!(error_in(&refused, &app).0, "consent_required");
    }
    let again = browser.get(&authorize_url(&at(&native, "http://127.0.0.1:51004/callback"), &CHALLENGE)).await;
    assert!(again.text().contains("a program on this device (127.0.0.1:51004)"), "{}", again.text());
    assert!(!again.text().contains("not the site of the app's homepage"), "{}", again.text());

    // Its own site opens no other app: there the answer of before stands.
    let claimed = at(&native, "https://tray.example/callback");
    code_in(&browser.get(&authorize_url(&claimed, &CHALLENGE)).await, &claimed);
}

#[tokio::test]
async fn scripts_of_any_origin_call_the_api_and_read_its_refusals() {
    let world = World::new().await;
    let app = world.public_app("pocket").await;
    let ada = world.person("ada@example.com").await;
    let code = world.code_of(&app, &ada).with_pkce().issue().await;
    let tokens = redeem_with_verifier(&world, &app, &code).await.tokens();
    for (path, method) in [
        ("/api/user/profile", Method::GET),
        ("/api/my_profile", Method::GET),
        ("/api/meeting", Method::POST),
        (&format!("/api/meeting/{ada}"), Method::GET),
        ("/api/meeting/meetingDetails/x", Method::PUT),
        ("/api/meeting/cancel/x", Method::POST),
    ] {
        let preflight = world
            .http
            .request(Method::OPTIONS, world.url(path))
            .header("origin", "https://pocket.example")
            .header("access-control-request-method", method.as_str())
            .header("access-control-request-headers", "authorization,content-type");
        let answer = Answer::of(preflight.send().await.unwrap()).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, "*"), "{path}");
        assert!(answer.header("access-control-allow-methods").contains(method.as_str()), "{path}");
        assert!(answer.header("access-control-allow-headers").contains("Authorization"), "{path}");
        assert_eq!(answer.header("access-control-allow-credentials"), "", "{path}");

        let call = world.http.request(method.clone(), world.url(path)).header("origin", "https://pocket.example");
        let refused = Answer::of(call.send().await.unwrap()).await;
        assert_eq!((refused.status, refused.header("access-control-allow-origin")), (401, "*"), "{path}");
        assert!(refused.header("access-control-expose-headers").contains("WWW-Authenticate"), "{path}");
    }
    let profile = world.http.get(world.url("/api/user/profile")).bearer_auth(&tokens.access);
    let answer = Answer::of(profile.send().await.unwrap()).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, "*"));
    let page = Answer::of(world.http.get(world.url("/sign-in")).send().await.unwrap()).await;
    assert_eq!(page.header("access-control-allow-origin"), "", "pages are for people");
}
