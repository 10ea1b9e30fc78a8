//! RP-initiated logout: who is signed out, who is asked first, and where they may be sent.

use super::openid::{SCOPES, scene, sign_in};
use crate::apps::{app_of, create, good_but};
use crate::support::{Browser, Page, TestApp, World};

const BYE: &str = "https://planner.example/bye";

/// As [`scene`], with an address to return to.
async fn scene_with_return(world: &World) -> (Browser<'_>, TestApp) {
    let (browser, app) = scene(world).await;
    register(world, &app, BYE).await;
    (browser, app)
}

async fn register(world: &World, app: &TestApp, url: &str) {
    let statement = "UPDATE app_revisions SET post_logout_urls = $1 WHERE app_id = $2";
    assert_eq!(world.execute(statement, &[url, app.id.as_str()]).await, 1);
}

async fn send(browser: &Browser<'_>, params: &[(&str, &str)]) -> Page {
    let mut url = reqwest::Url::parse("http://host/oauth2/logout").unwrap();
    url.query_pairs_mut().extend_pairs(params);
    browser.get(url.as_str().strip_prefix("http://host").unwrap()).await
}

async fn is_signed_in(browser: &Browser<'_>) -> bool {
    browser.get("/account").await.status == 200
}

async fn id_token(world: &World, browser: &Browser<'_>, app: &TestApp) -> String {
    sign_in(world, browser, app, &[("scope", "openid"), ("prompt", "consent")]).await.text_of("id_token")
}

#[tokio::test]
async fn the_id_token_of_the_session_ends_it_and_brings_the_person_back() {
    let world = World::new().await;
    let (browser, app) = scene_with_return(&world).await;
    let hint = id_token(&world, &browser, &app).await;
    world.wait(std::time::Duration::from_secs(86_400));
    let page = send(&browser, &[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE), ("state", "a b&c")]).await;
    assert_eq!((page.status, page.location().as_deref()), (303, Some("https://planner.example/bye?state=a%20b%26c")));
    assert!(!is_signed_in(&browser).await);
    let again = send(&browser, &[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE)]).await;
    assert_eq!(again.location().as_deref(), Some(BYE), "signed out already");
}

#[tokio::test]
async fn without_proof_the_person_is_asked() {
    let world = World::new().await;
    let (browser, app) = scene_with_return(&world).await;
    let params = [("client_id", app.client_id.as_str()), ("post_logout_redirect_uri", BYE), ("state", "s")];
    let page = send(&browser, &params).await;
    assert!(page.text().contains("planner sent you here to sign out."), "{}", page.text());
    assert!(page.text().contains("You will then be sent to planner.example"));
    let policy = page.header("content-security-policy");
    assert!(policy.contains("form-action 'self' https://planner.example;"), "{policy}");
    assert!(is_signed_in(&browser).await);

    let mut form = page.form("/oauth2/logout/confirm");
    form.press("decision", "stay");
    assert_eq!(browser.submit(&form).await.location().as_deref(), Some("/account"));
    assert!(is_signed_in(&browser).await);
    form.press("decision", "sign_out");
    let fields: Vec<(&str, &str)> = form.sent().filter(|(name, _)| *name != "csrf").collect();
    assert_eq!(browser.post("/oauth2/logout/confirm", &fields).await.status, 403, "a form without its token");
    assert!(is_signed_in(&browser).await);
    let answer = browser.submit(&form).await;
    assert_eq!(answer.location().as_deref(), Some("https://planner.example/bye?state=s"));
    assert!(!is_signed_in(&browser).await);
}

#[tokio::test]
async fn with_nothing_at_all_the_person_is_asked_and_stays_here() {
    let world = World::new().await;
    let (browser, _) = scene(&world).await;
    let page = send(&browser, &[]).await;
    assert!(!page.text().contains("sent you here"));
    let mut form = page.form("/oauth2/logout/confirm");
    form.press("decision", "sign_out");
    assert_eq!(browser.submit(&form).await.location().as_deref(), Some("/sign-in?done=signed-out"));
    assert!(!is_signed_in(&browser).await);
    assert_eq!(send(&browser, &[]).await.location().as_deref(), Some("/sign-in?done=signed-out"));
}

/// An ID token of another session, person or app ends nothing by itself.
#[tokio::test]
async fn only_a_token_of_this_very_session_is_proof() {
    let world = World::new().await;
    let (browser, app) = scene_with_return(&world).await;
    let elsewhere = world.browser();
    elsewhere.sign_in("ada@example.com").await;
    let other_session = id_token(&world, &elsewhere, &app).await;
    world.person("ben@example.com").await;
    let ben = world.browser();
    ben.sign_in("ben@example.com").await;
    let other_person = id_token(&world, &ben, &app).await;
    for hint in [other_session, other_person] {
        let page = send(&browser, &[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE)]).await;
        assert!(page.has_form("/oauth2/logout/confirm"), "{}", page.html);
        assert!(is_signed_in(&browser).await);
    }
    let other_app = world.approved_app_for("notes", SCOPES).await;
    let own = id_token(&world, &browser, &other_app).await;
    let page = send(&browser, &[("id_token_hint", &own), ("client_id", &app.client_id)]).await;
    page.is_closed(400, "id_token_hint_invalid");
    for forged in ["x", &own[1..], &format!("{own}x")] {
        send(&browser, &[("id_token_hint", forged)]).await.is_closed(400, "id_token_hint_invalid");
    }
    let access = sign_in(&world, &browser, &app, &[("scope", "openid"), ("prompt", "consent")]).await.tokens().access;
    send(&browser, &[("id_token_hint", &access)]).await.is_closed(400, "id_token_hint_invalid");
    assert!(is_signed_in(&browser).await);
}

#[tokio::test]
async fn nobody_is_sent_to_an_address_that_is_not_registered() {
    let world = World::new().await;
    let (browser, app) = scene_with_return(&world).await;
    let hint = id_token(&world, &browser, &app).await;
    for uri in [
        "https://planner.example/bye/",
        "https://planner.example/Bye",
        "https://planner.example/bye?x",
        "https://planner.example/callback",
        "https://evil.example/",
        "//evil.example",
        "javascript:alert(1)",
        "https://planner.example/bye\nhttps://evil.example",
    ] {
        for (name, value) in [("id_token_hint", hint.as_str()), ("client_id", app.client_id.as_str())] {
            let page = send(&browser, &[(name, value), ("post_logout_redirect_uri", uri)]).await;
            page.is_closed(400, "logout_uri_unregistered");
            assert!(is_signed_in(&browser).await, "{uri}");
        }
    }
    let alone = send(&browser, &[("post_logout_redirect_uri", BYE)]).await;
    alone.is_closed(400, "logout_uri_unregistered");
    let twice = send(&browser, &[("post_logout_redirect_uri", BYE), ("post_logout_redirect_uri", BYE)]).await;
    twice.is_closed(400, "parameter_repeated");
}

/// From the console's form by way of the review to the redirect.
#[tokio::test]
async fn a_developer_registers_where_people_return() {
    let world = World::new().await;
    let dev = world.developer("dev@example.com").await;
    let typed = good_but(&[
        ("post_logout_urls", " https://lessons.example/bye \r\n\r\nhttp://lessons.example/x"),
        ("scope", "openid"),
    ]);
    let refused = create(&dev, "submit", &typed).await;
    assert_eq!(refused.status, 400);
    assert_eq!(
        refused.form("/oauth/apps").value("post_logout_urls"),
        "https://lessons.example/bye \n\nhttp://lessons.example/x"
    );
    let page =
        create(&dev, "submit", &good_but(&[("post_logout_urls", "https://lessons.example/bye"), ("scope", "openid")]))
            .await;
    assert_eq!(page.status, 200, "{}", page.html);
    let id = app_of(&page);
    let shown = dev.get(&format!("/oauth/apps/{id}")).await.text();
    assert!(shown.contains("URLs after signing out https://lessons.example/bye"), "{shown}");

    let details = world.write(move |tx| jiomeet_oauth::apps::find_details(tx, id.as_str())).await.unwrap();
    let client_id = details.client_id.to_string();
    let page =
        send(&dev, &[("client_id", &client_id), ("post_logout_redirect_uri", "https://lessons.example/bye")]).await;
    let mut form = page.form("/oauth2/logout/confirm");
    form.press("decision", "sign_out");
    assert_eq!(dev.submit(&form).await.location().as_deref(), Some("https://lessons.example/bye"));
}

/// Anybody can register an app: one that is not approved sends only its own people anywhere.
#[tokio::test]
async fn an_app_in_test_mode_sends_no_stranger_away() {
    let world = World::new().await;
    let (browser, _) = scene(&world).await;
    let draft = world.draft_app("draft", protocol::redirect_uri::ClientKind::Confidential).await;
    register(&world, &draft, BYE).await;
    let params = [("client_id", draft.client_id.as_str()), ("post_logout_redirect_uri", BYE)];
    send(&browser, &params).await.is_closed(400, "logout_uri_unregistered");
    send(&world.browser(), &params).await.is_closed(400, "logout_uri_unregistered");
    let owner = world.browser();
    owner.sign_in("draft-dev@example.com").await;
    assert!(send(&owner, &params).await.has_form("/oauth2/logout/confirm"));
}

#[tokio::test]
async fn a_form_of_another_site_goes_on_as_a_query() {
    let world = World::new().await;
    let (browser, app) = scene_with_return(&world).await;
    let hint = id_token(&world, &browser, &app).await;
    let page = browser.post("/oauth2/logout", &[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE)]).await;
    let location = page.location().unwrap();
    assert!(location.starts_with("/oauth2/logout?id_token_hint=ey"), "{location}");
    assert!(is_signed_in(&browser).await);
    assert_eq!(browser.get(&location).await.location().as_deref(), Some(BYE));
}
