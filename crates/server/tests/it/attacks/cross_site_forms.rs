//! Forms of another site (RFC 6819 section 4.4.1.8, RFC 9700 section 4.7): a page elsewhere posts in the victim's name, signs a
//! victim in to the attacker's account, or answers a consent page. Every form carries a token of its browser and session.

use crate::oauth::flow::{ada, allow, ask, authorize_url, code_in, codes, deny, world};
use crate::support::PASSWORD;
use crate::users::{is_signed_in, try_from};

use super::{ADA, BELA, ada_can_sign_in};

#[tokio::test]
async fn without_the_pages_token_there_is_no_answer() {
    let (world, app) = world().await;
    let browser = ada(&world).await;
    let page = ask(&browser, &app, "user:read").await;
    let good = allow(&page);
    let mut form = good.clone();
    for wrong in ["", "1.AAAA", "x"] {
        form.set("csrf", wrong);
        browser.submit(&form).await.is_closed(403, "form_expired");
    }
    let fields: Vec<(&str, &str)> = good.sent().collect();
    let foreign = browser.post_from("/oauth2/consent", &fields, &[("origin", "https://evil.example")]).await;
    foreign.is_closed(403, "form_expired");
    assert_eq!(codes(&world).await, 0);
    code_in(&browser.submit(&good).await, &app);
}

#[tokio::test]
async fn a_form_that_was_given_to_another_browser_signs_nobody_in() {
    let world = ada_can_sign_in().await;
    let (attacker, victim) = (world.browser(), world.browser());
    victim.get("/sign-in").await;
    let of_attacker = attacker.get("/sign-in").await.form("/sign-in").value("csrf");
    for csrf in [of_attacker.as_str(), "", "1.AAAA", "nonsense"] {
        let answer = victim.post("/sign-in", &[("csrf", csrf), ("email", ADA), ("password", PASSWORD)]).await;
        assert_eq!(answer.status, 403);
        assert_eq!(victim.cookie("jm_session"), None);
        assert!(answer.text().contains("This page had expired."));
        // The page that says so has a form that works.
        assert!(answer.has_form("/sign-in"));
    }
}

#[tokio::test]
async fn a_form_from_another_origin_signs_nobody_in() {
    let world = ada_can_sign_in().await;
    let browser = world.browser();
    for origin in ["https://evil.example", "null"] {
        let answer = try_from(&browser, ADA, PASSWORD, &[("origin", origin)]).await;
        assert_eq!((answer.status, browser.cookie("jm_session")), (403, None), "{origin}");
    }
    let own = world.app.issuer.as_str().to_owned();
    assert_eq!(try_from(&browser, ADA, PASSWORD, &[("origin", &own)]).await.status, 303);
}

#[tokio::test]
async fn another_site_signs_nobody_out() {
    let world = ada_can_sign_in().await;
    let browser = world.browser();
    browser.sign_in(ADA).await;
    assert_eq!(browser.post("/sign-out", &[("csrf", "1.AAAA")]).await.status, 403);
    assert!(is_signed_in(&browser).await);
}

/// The attacker's own good token, from the attacker's own page, in the victim's browser.
#[tokio::test]
async fn a_token_of_one_session_is_worth_nothing_in_another() {
    let (world, app) = world().await;
    let mallory = world.browser();
    mallory.sign_in(BELA).await;
    let stolen = mallory.get("/account").await.form("/sign-out").value("csrf");
    let victim = ada(&world).await;
    let page = ask(&victim, &app, "user:read").await;
    for form in [allow(&page), deny(&page)] {
        let mut form = form;
        form.set("csrf", &stolen);
        victim.submit(&form).await.is_closed(403, "form_expired");
    }
    for (path, fields) in [
        ("/account", &[("name", "X"), ("lname", "Y")][..]),
        (
            "/account/password",
            &[
                ("current_password", PASSWORD),
                ("new_password", "a b c d e f g"),
                ("new_password_again", "a b c d e f g"),
            ],
        ),
        ("/account/sessions/end-all", &[]),
        ("/sign-out", &[]),
    ] {
        let fields = [&[("csrf", stolen.as_str())], fields].concat();
        victim.post(path, &fields).await.is_closed(403, "form_expired");
    }
    assert_eq!(victim.get("/account").await.status, 200);
    // A token from before the sign-in is of another session too.
    let fresh = world.browser();
    let before = fresh.get("/sign-in").await.form("/sign-in").value("csrf");
    fresh.sign_in(ADA).await;
    fresh.post("/sign-out", &[("csrf", &before)]).await.is_closed(403, "form_expired");
    assert_eq!(codes(&world).await, 0);
    code_in(&victim.submit(&allow(&page)).await, &app);
}

/// Every form on every page that a signed-in person sees has its token, so that none was forgotten.
#[tokio::test]
async fn every_form_that_posts_has_a_token() {
    let (world, app) = world().await;
    let browser = ada(&world).await;
    let consent = authorize_url(&app, &[]);
    for path in [
        "/account",
        "/account/password",
        "/account/sessions",
        "/account/connected-apps",
        "/oauth/apps",
        "/oauth/apps/new",
        "/invitations",
        &consent,
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        let mut forms = 0;
        for form in page.html.split("<form").skip(1).map(|rest| rest.split("</form>").next().unwrap()) {
            let tag = form.split('>').next().unwrap();
            if tag.contains("method=\"post\"") {
                assert!(form.contains("name=\"csrf\""), "{path}: {form}");
                forms += 1;
            }
        }
        assert!(forms > 0, "{path} has the sign-out form at least");
    }
}
