//! Lesson S14: a scope that nobody had consented to was granted because it was taken from the token request, from an edited
//! form, or from another answer.

use crate::oauth::flow::{ada, allow, ask, authorize_url, code_in, codes, consent_to, error_in, world};
use crate::oauth::{bearer_call, redeem, token};
use crate::support::World;

use super::{ADA, BELA};

/// Lesson S14: what a form says beyond what was asked counts for nothing.
#[tokio::test]
async fn a_scope_that_was_not_asked_for_is_not_granted_by_editing_the_form() {
    let (world, app) = world().await;
    let browser = ada(&world).await;
    let page = ask(&browser, &app, "user:read").await;
    let form = allow(&page);
    for extra in ["meeting:delete", "admin", "user:read meeting:delete", "*"] {
        let mut fields: Vec<(&str, &str)> = form.sent().collect();
        fields.push(("scope", extra));
        if extra != "*" {
            fields.retain(|(name, value)| *name != "scope" || *value == extra);
            let answer = browser.post("/oauth2/consent", &fields).await;
            assert_eq!(error_in(&answer, &app).1, "consent_nothing_granted", "{extra}");
        } else {
            let code = code_in(&browser.post("/oauth2/consent", &fields).await, &app);
            assert_eq!(redeem(&world, &app, &code).await.tokens().scope, "user:read");
        }
    }
}

/// Lesson S14: an answer belongs to the request that it was given to.
#[tokio::test]
async fn an_answer_cannot_be_moved_to_another_app_or_request() {
    let (world, app) = world().await;
    let other = world.approved_app("other").await;
    let browser = ada(&world).await;
    let page = ask(&browser, &app, "user:read").await;
    let good = allow(&page);

    // The sign-in seal of another request in the place of the consent form's.
    let signed_out = world.browser();
    let foreign = signed_out.get(&authorize_url(&other, &[])).await.form("/sign-in").value("request");
    let mut form = good.clone();
    form.set("request", &foreign);
    browser.submit(&form).await.is_closed(400, "request_tampered");

    // The consent form of another person, for another app, in this browser.
    let bela = world.browser();
    bela.sign_in(BELA).await;
    let theirs = allow(&ask(&bela, &other, "user:read").await);
    form.set("request", &theirs.value("request"));
    browser.submit(&form).await.is_closed(403, "request_other_browser");
    form.set("csrf", &theirs.value("csrf"));
    browser.submit(&form).await.is_closed(403, "request_other_browser");

    // Fields that name another app or address are no part of the answer.
    let mut fields: Vec<(&str, &str)> = good.sent().collect();
    fields.extend([
        ("client_id", other.client_id.as_str()),
        ("redirect_uri", other.redirect_uri.as_str()),
        ("state", "x"),
    ]);
    let answer = browser.post("/oauth2/consent", &fields).await;
    assert_eq!(answer.sent_to(&app.redirect_uri)["state"], "eyJuIjoxfQ==");
}

#[tokio::test]
async fn an_answer_of_another_browser_is_refused() {
    let (world, app) = world().await;
    let browser = ada(&world).await;
    let page = ask(&browser, &app, "user:read").await;
    let other = world.browser();
    other.sign_in(BELA).await;
    other.submit(&allow(&page)).await.is_closed(403, "request_other_browser");
    // The session alone, stolen, does not help either.
    other.set_cookie("jm_session", &browser.cookie("jm_session").unwrap());
    other.submit(&allow(&page)).await.is_closed(403, "request_other_browser");
    assert_eq!(codes(&world).await, 0);
}

#[tokio::test]
async fn the_scope_may_be_narrowed_for_one_token_and_never_widened() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let ada = world.person("ada@example.com").await;
    let code = world.code_of(&app, &ada).scopes("user:read meeting:read").issue().await;
    let first = redeem(&world, &app, &code).await.tokens();
    let ask = |token: &str, scope: &str| {
        let (world, app, refresh, scope) = (&world, &app, token.to_owned(), scope.to_owned());
        async move {
            let params = [("grant_type", "refresh_token"), ("refresh_token", &*refresh), ("scope", &*scope)];
            crate::oauth::token(world, app, &params).await
        }
    };

    let narrow = ask(&first.refresh, "user:read").await.tokens();
    assert_eq!((narrow.scope.as_str(), narrow.claims()["scope"].as_str()), ("user:read", Some("user:read")));
    let wider = ask(&narrow.refresh, "user:read meeting:create").await;
    wider.is_refused(400, "invalid_scope", "scope_exceeds_grant");
    ask(&narrow.refresh, "\"").await.is_refused(400, "invalid_scope", "scope_malformed");
    // The grant kept what it had.
    let whole = ask(&narrow.refresh, "offline_access").await.tokens();
    assert_eq!(whole.scope, "user:read meeting:read");
}

/// A `scope` at redemption is no question that was put to the person.
#[tokio::test]
async fn the_token_request_of_a_code_adds_no_scope() {
    let (world, app) = world().await;
    let browser = ada(&world).await;
    let code = consent_to(&browser, &app, &[("scope", "user:read")]).await;
    let params = [
        ("grant_type", "authorization_code"),
        ("code", &*code),
        ("scope", "user:read meeting:delete"),
        ("resource", world.app.issuer.as_str()),
    ];
    let answer = token(&world, &app, &params).await;
    if answer.status == 200 {
        let tokens = answer.tokens();
        assert_eq!((tokens.scope.as_str(), tokens.claims()["scope"].as_str()), ("user:read", Some("user:read")));
        bearer_call(&world, &tokens.access).await.unwrap();
    } else {
        assert_eq!(answer.status, 400, "{}", answer.text);
    }
    assert_eq!(world.count("SELECT COUNT(*) FROM grants WHERE scopes LIKE '%delete%'", &[]).await, 0);
}

/// No other grant type gets around the page either.
#[tokio::test]
async fn no_other_grant_type_skips_the_consent() {
    let (world, app) = world().await;
    let ada = world.count("SELECT COUNT(*) FROM users WHERE email = $1", &[ADA]).await;
    assert_eq!(ada, 1);
    for grant_type in [
        "password",
        "client_credentials",
        "implicit",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "AUTHORIZATION_CODE",
        "authorization_code ",
    ] {
        let params = [("grant_type", grant_type), ("username", ADA), ("password", "x"), ("scope", "user:read")];
        token(&world, &app, &params).await.is_refused(400, "unsupported_grant_type", "grant_type_unsupported");
    }
    assert_eq!(world.count("SELECT COUNT(*) FROM grants", &[]).await, 0);
}
