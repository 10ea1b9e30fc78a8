//! The consent page and its answer.

use std::time::Duration;

use jiomeet_oauth::review::Decision;
use protocol::redirect_uri::ClientKind;

use super::flow::{ADA, BELA, ada, allow, ask, authorize_url, code_in, codes, consent_to, deny, error_in, world};
use crate::support::World;

#[tokio::test]
async fn the_page_says_who_asks_for_what_and_where_one_will_be_sent() {
    let (world, app) = world().await;
    let page = ada(&world).await.get(&authorize_url(&app, &[])).await;
    let text = page.text();
    for words in [
        "planner wants to use your JioMeet account",
        "by planner-dev Tester",
        "Reviewed on 5 Jan 2026",
        "Allows the client application to read the user's profile information.",
        "Grants the client application permission to create new meetings on behalf of the user.",
        "You will then be sent to planner.example",
        ADA,
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert_eq!(page.link("Homepage"), "https://planner.example/");
    assert_eq!(page.link("Privacy policy"), "https://planner.example/policy");
    assert!(!text.contains("That is not the site of the app's homepage"));
    let scopes: Vec<String> = page.form("/oauth2/consent").boxes("scope").into_iter().map(|(scope, _)| scope).collect();
    assert_eq!(scopes, crate::support::ALL_SCOPES.split(' ').collect::<Vec<_>>());
    let policy = page.header("content-security-policy");
    assert!(policy.contains("form-action 'self' https://planner.example; frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("cache-control"), "no-store");
}

#[tokio::test]
async fn another_site_than_the_homepages_is_warned_of() {
    let (world, app) = world().await;
    world
        .execute(
            "UPDATE app_revisions SET homepage_url = 'https://elsewhere.example/' WHERE app_id = $1",
            &[app.id.as_str()],
        )
        .await;
    let page = ada(&world).await.get(&authorize_url(&app, &[])).await;
    assert!(page.text().contains("That is not the site of the app's homepage, elsewhere.example"));
}

#[tokio::test]
async fn only_what_was_ticked_is_granted_and_remembered() {
    let (world, app) = world().await;
    let browser = ada(&world).await;
    let page = ask(&browser, &app, "user:read meeting:read meeting:delete").await;
    let mut form = allow(&page);
    form.tick("meeting:delete", false);
    let code = code_in(&browser.submit(&form).await, &app);
    assert_eq!(super::redeem(&world, &app, &code).await.tokens().scope, "user:read meeting:read");

    let granted = world.count(
        "SELECT count(*) FROM consents WHERE granted_scopes = $1 AND declined_scopes = $2",
        &["user:read meeting:read", "meeting:delete"],
    );
    assert_eq!(granted.await, 1);
    let page = ask(&browser, &app, "meeting:delete user:read").await;
    assert_eq!(
        page.form("/oauth2/consent").boxes("scope"),
        [("user:read".to_owned(), true), ("meeting:delete".to_owned(), false)]
    );
}

#[tokio::test]
async fn no_is_no_whatever_is_ticked() {
    let (world, app) = world().await;
    let browser = ada(&world).await;
    let page = ask(&browser, &app, "user:read meeting:read").await;
    let answer = browser.submit(&deny(&page)).await;
    assert_eq!(error_in(&answer, &app), ("access_denied".to_owned(), "consent_denied".to_owned()));
    let params = answer.sent_to(&app.redirect_uri);
    assert_eq!((params["state"].as_str(), params["iss"].as_str()), ("eyJuIjoxfQ==", world.app.issuer.as_str()));
    assert_eq!(codes(&world).await, 0);
    assert_eq!(world.count("SELECT count(*) FROM consents", &[]).await, 0);
}

#[tokio::test]
async fn granting_nothing_is_a_denial() {
    let (world, app) = world().await;
    let browser = ada(&world).await;
    let page = ask(&browser, &app, "user:read meeting:read").await;
    let mut form = allow(&page);
    form.tick("user:read", false);
    form.tick("meeting:read", false);
    let answer = browser.submit(&form).await;
    assert_eq!(error_in(&answer, &app), ("access_denied".to_owned(), "consent_nothing_granted".to_owned()));
    assert_eq!(codes(&world).await, 0);
}

#[tokio::test]
async fn saying_no_once_takes_nothing_back_that_was_given() {
    let (world, app) = world().await;
    let browser = ada(&world).await;
    consent_to(&browser, &app, &[("scope", "user:read")]).await;
    let page = browser.get(&authorize_url(&app, &[("prompt", "consent"), ("scope", "user:read")])).await;
    error_in(&browser.submit(&deny(&page)).await, &app);
    code_in(&browser.get(&authorize_url(&app, &[("scope", "user:read")])).await, &app);
}

#[tokio::test]
async fn a_required_scope_can_be_denied_as_a_whole_only() {
    let (world, app) = world().await;
    world
        .execute(
            "UPDATE revision_scopes SET required_reason = 'We show your name.' WHERE scope = 'user:read' AND $1 <> ''",
            &["x"],
        )
        .await;
    let browser = ada(&world).await;
    let page = ask(&browser, &app, "user:read meeting:read").await;
    assert!(page.text().contains("We show your name."));
    let boxes = [("user:read".to_owned(), true), ("meeting:read".to_owned(), true)];
    assert_eq!(page.form("/oauth2/consent").boxes("scope"), boxes);
    let mut form = allow(&page);
    form.tick("meeting:read", false);
    let code = code_in(&browser.submit(&form).await, &app);
    assert_eq!(super::redeem(&world, &app, &code).await.tokens().scope, "user:read");

    let page = ask(&browser, &app, "user:read meeting:read").await;
    let form = allow(&page);
    let edited: Vec<(&str, &str)> = form.sent().filter(|(_, value)| *value != "user:read").collect();
    let answer = browser.post("/oauth2/consent", &edited).await;
    assert_eq!(error_in(&answer, &app).0, "access_denied");
}

#[tokio::test]
async fn a_second_allow_shows_that_it_was_answered_and_the_way_back() {
    let (world, app) = world().await;
    let browser = ada(&world).await;
    let page = ask(&browser, &app, "user:read").await;
    code_in(&browser.submit(&allow(&page)).await, &app);
    for form in [allow(&page), deny(&page)] {
        let again = browser.submit(&form).await;
        assert_eq!((again.status, again.location()), (409, None));
        assert!(again.text().contains("You have already answered this"));
        assert_eq!(again.link("Homepage of planner"), "https://planner.example/");
        // The way back: a double click or a lost answer costs one more.
        code_in(&browser.get(&again.link("Continue to planner")).await, &app);
    }
    assert_eq!(world.count("SELECT count(*) FROM consents", &[]).await, 1);
}

#[tokio::test]
async fn two_clicks_at_once_give_one_code() {
    let (world, app) = world().await;
    let browser = ada(&world).await;
    for round in 0..5 {
        let page = browser.get(&authorize_url(&app, &[("prompt", "consent")])).await;
        let form = allow(&page);
        let before = codes(&world).await;
        let (one, two, three) = tokio::join!(browser.submit(&form), browser.submit(&form), browser.submit(&form));
        let mut statuses = [one.status, two.status, three.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [303, 409, 409], "round {round}");
        assert_eq!(codes(&world).await, before + 1);
    }
}

#[tokio::test]
async fn signed_in_as_another_by_now_one_gets_the_page_anew() {
    let (world, app) = world().await;
    let browser = ada(&world).await;
    let page = ask(&browser, &app, "user:read").await;
    browser.sign_in_elsewhere(BELA).await;
    let anew = browser.submit(&allow(&page)).await;
    assert_eq!(anew.status, 200);
    assert!(anew.text().contains(BELA));
    assert_eq!(codes(&world).await, 0, "Bela gave no answer yet");
    code_in(&browser.submit(&allow(&anew)).await, &app);
    let belas =
        world.count("SELECT count(*) FROM consents c JOIN users u ON u.id = c.user_id WHERE u.email = $1", &[BELA]);
    assert_eq!(belas.await, 1);
}

/// Even one who has allowed all of it before is asked: the click was somebody else's.
#[tokio::test]
async fn a_click_of_one_person_never_counts_for_another() {
    let (world, app) = world().await;
    let bela = world.browser();
    bela.sign_in(BELA).await;
    consent_to(&bela, &app, &[]).await;
    let browser = ada(&world).await;
    let page = ask(&browser, &app, "user:read").await;
    browser.sign_in_elsewhere(BELA).await;
    let anew = browser.submit(&allow(&page)).await;
    assert!(anew.text().contains(BELA));
    allow(&anew);
}

#[tokio::test]
async fn signed_out_by_now_one_signs_in_and_is_asked_again() {
    let (world, app) = world().await;
    let browser = ada(&world).await;
    let page = ask(&browser, &app, "user:read").await;
    browser.forget_cookie("jm_session");
    let sign_in = browser.submit(&allow(&page)).await;
    assert_eq!(sign_in.status, 200);
    let anew = browser.sign_in_on(&sign_in, ADA).await;
    code_in(&browser.submit(&allow(&anew)).await, &app);
}

#[tokio::test]
async fn allow_is_checked_against_the_app_as_it_is_now() {
    let (world, app) = world().await;
    let browser = ada(&world).await;
    let app_id = app.id.as_str();

    let page = ask(&browser, &app, "user:read meeting:read").await;
    world.decide(&app, Decision::Suspend).await;
    browser.submit(&allow(&page)).await.is_closed(403, "client_suspended");
    world.decide(&app, Decision::Reinstate).await;

    world.execute("UPDATE callback_urls SET url = 'https://planner.example/moved' WHERE revision_id IN (SELECT id FROM app_revisions WHERE app_id = $1)", &[app_id]).await;
    browser.submit(&allow(&page)).await.is_closed(400, "redirect_uri_unregistered");
    world.execute("UPDATE callback_urls SET url = 'https://planner.example/callback' WHERE revision_id IN (SELECT id FROM app_revisions WHERE app_id = $1)", &[app_id]).await;

    world.execute("UPDATE apps SET pkce_required_at = 1 WHERE id = $1", &[app_id]).await;
    assert_eq!(error_in(&browser.submit(&allow(&page)).await, &app).1, "pkce_required");
    world.execute("UPDATE apps SET pkce_required_at = NULL WHERE id = $1", &[app_id]).await;

    world.execute("DELETE FROM revision_scopes WHERE scope = 'meeting:read' AND revision_id IN (SELECT id FROM app_revisions WHERE app_id = $1)", &[app_id]).await;
    assert_eq!(
        error_in(&browser.submit(&allow(&page)).await, &app),
        ("invalid_scope".to_owned(), "scope_not_registered".to_owned())
    );

    world.execute("UPDATE apps SET deleted_at = 1 WHERE id = $1", &[app_id]).await;
    browser.submit(&allow(&page)).await.is_closed(400, "client_unknown");
    assert_eq!(codes(&world).await, 0);
}

#[tokio::test]
async fn a_tester_who_was_removed_meanwhile_gets_nothing() {
    let world = World::new().await;
    let app = world.draft_app("planner", ClientKind::Confidential).await;
    world.person(ADA).await;
    world
        .execute(
            "INSERT INTO testers (app_id, user_id, accepted_at) SELECT $1, id, 1 FROM users WHERE email = $2",
            &[app.id.as_str(), ADA],
        )
        .await;
    let browser = ada(&world).await;
    let page = ask(&browser, &app, "user:read").await;
    world.execute("DELETE FROM testers WHERE app_id = $1", &[app.id.as_str()]).await;
    browser.submit(&allow(&page)).await.is_closed(403, "client_not_approved");
    assert_eq!(codes(&world).await, 0);
}

#[tokio::test]
async fn a_locked_account_gives_no_more_answers() {
    let (world, app) = world().await;
    let browser = ada(&world).await;
    let page = ask(&browser, &app, "user:read").await;
    world.execute("UPDATE users SET locked_at = 1 WHERE email = $1", &[ADA]).await;
    assert!(browser.submit(&allow(&page)).await.has_form("/sign-in"));
    assert_eq!(codes(&world).await, 0);
}

#[tokio::test]
async fn the_first_grant_is_in_the_audit_log_and_later_ones_are_not() {
    let (world, app) = world().await;
    let browser = ada(&world).await;
    let values = ["consent.granted", app.id.as_str()];
    let audited =
        || world.count("SELECT count(*) FROM audit WHERE action = $1 AND app_id = $2 AND user_id IS NOT NULL", &values);
    error_in(&browser.submit(&deny(&ask(&browser, &app, "user:read").await)).await, &app);
    assert_eq!(audited().await, 0);
    consent_to(&browser, &app, &[("scope", "user:read")]).await;
    assert_eq!(audited().await, 1);
    consent_to(&browser, &app, &[("prompt", "consent")]).await;
    assert_eq!(audited().await, 1);
}

#[tokio::test]
async fn the_code_carries_what_the_request_and_the_sign_in_said() {
    let (world, app) = world().await;
    let browser = ada(&world).await;
    let signed_in_at = world.now();
    world.wait(Duration::from_secs(90));
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let more =
        [("scope", "user:read"), ("nonce", "n-1"), ("code_challenge", challenge), ("code_challenge_method", "S256")];
    let page = browser.get(&authorize_url(&app, &more)).await;
    world.wait(Duration::from_secs(10));
    let answered_at = world.now();
    let code = code_in(&browser.submit(&allow(&page)).await, &app);
    let values = [challenge, &app.redirect_uri, ADA, app.id.as_str()];
    let kept = world.count(
        "SELECT count(*) FROM authorization_codes c JOIN users u ON u.id = c.user_id JOIN sessions s ON s.id = c.session_id
        WHERE c.nonce = 'n-1' AND c.code_challenge = $1 AND c.scopes = 'user:read' AND c.redirect_uri = $2 AND u.email = $3 AND c.app_id = $4
            AND c.grant_id IS NULL AND c.redeemed_at IS NULL",
        &values,
    );
    assert_eq!(kept.await, 1);
    let time = |column: &'static str| world.count(column, &[]);
    assert_eq!(time("SELECT authenticated_at FROM authorization_codes").await, signed_in_at.as_millis());
    assert_eq!(time("SELECT created_at FROM authorization_codes").await, answered_at.as_millis());
    assert_eq!(time("SELECT expires_at FROM authorization_codes").await, answered_at.as_millis() + 300_000);
    super::redeem(&world, &app, &code).await.is_refused(400, "invalid_grant", "verifier_missing");
}

/// What fails after the app is known to be the right one goes back to it; what fails before is a page.
#[tokio::test]
async fn a_failing_database_is_told_to_the_app_where_there_is_one_to_tell() {
    let (world, app) = world().await;
    let browser = ada(&world).await;
    consent_to(&browser, &app, &[]).await;
    let page = browser.get(&authorize_url(&app, &[("prompt", "consent")])).await;
    world.execute("ALTER TABLE authorization_codes RENAME TO elsewhere", &[]).await;
    let answer = browser.get(&authorize_url(&app, &[])).await;
    assert_eq!(error_in(&answer, &app), ("server_error".to_owned(), "server_error".to_owned()));
    assert_eq!(answer.sent_to(&app.redirect_uri)["state"], "eyJuIjoxfQ==");
    browser.submit(&allow(&page)).await.is_closed(500, "server_error");
    world.execute("ALTER TABLE elsewhere RENAME TO authorization_codes", &[]).await;
    code_in(&browser.submit(&allow(&page)).await, &app);

    world.app.db.close().await;
    let answer = browser.get(&authorize_url(&app, &[])).await;
    answer.is_closed(503, "unavailable");
    assert!(!answer.header("retry-after").is_empty());
}
