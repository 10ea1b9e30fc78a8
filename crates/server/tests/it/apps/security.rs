//! The security section: secrets, tokens, deletion.

use std::time::Duration;

use super::{app_of, audited, create, good_but, path, secret_of, send};
use crate::oauth::{bearer_call, redeem, refresh};
use crate::support::{Browser, Page, TestApp, World};

async fn regenerate(dev: &Browser<'_>, app: &TestApp, overlap: &str) -> Page {
    let action = path(app, "/secret");
    let current = dev.get(&path(app, "")).await.form(&action).value("current");
    send(dev, &action, &[("current", &current), ("overlap", overlap)]).await
}

/// Whether the app gets tokens with that secret.
async fn works(world: &World, app: &TestApp, secret: &str) -> bool {
    let ada = world.count("SELECT COUNT(*) FROM users", &[]).await;
    let person = world.person(&format!("ada{ada}@example.com")).await;
    let code = world.code(app, &person).await;
    let with = TestApp { client_secret: secret.to_owned(), ..app.clone() };
    let answer = redeem(world, &with, &code).await;
    match answer.status {
        200 => true,
        _ => {
            answer.is_refused(401, "invalid_client", "client_credentials_wrong");
            false
        }
    }
}

#[tokio::test]
async fn a_new_secret_works_at_once_and_the_old_one_for_as_long_as_was_chosen() {
    for (overlap, seconds) in [("none", 0), ("1h", 3600), ("24h", 86_400), ("7d", 604_800)] {
        let world = World::new().await;
        let app = world.approved_app("planner").await;
        let dev = world.owner_of("planner").await;
        let page = regenerate(&dev, &app, overlap).await;
        let new = secret_of(&page);
        assert_eq!((page.status, page.header("cache-control")), (200, "no-store"));
        assert!(works(&world, &app, &new).await, "{overlap}");
        assert_eq!(works(&world, &app, &app.client_secret).await, seconds > 0, "{overlap}");
        world.wait(Duration::from_secs(seconds));
        assert!(!works(&world, &app, &app.client_secret).await, "{overlap}");
        assert!(works(&world, &app, &new).await, "{overlap}");
        assert_eq!(audited(&world, "app.secret_regenerated").await, 1);
    }
}

#[tokio::test]
async fn at_most_two_secrets_live_and_the_old_one_can_be_ended_now() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let dev = world.owner_of("planner").await;
    let second = secret_of(&regenerate(&dev, &app, "7d").await);
    world.wait(Duration::from_secs(1));
    let third = secret_of(&regenerate(&dev, &app, "7d").await);
    assert!(!works(&world, &app, &app.client_secret).await, "the first is over");
    assert!(works(&world, &app, &second).await && works(&world, &app, &third).await);

    let page = dev.get(&path(&app, "")).await;
    for secret in [&second, &third] {
        assert!(page.html.contains(&format!("…{}", &secret[secret.len() - 4..])), "{}", page.html);
    }
    let mut end = page.form(&path(&app, "/secret/end"));
    assert_eq!(dev.submit(&end).await.status, 303);
    assert!(!works(&world, &app, &second).await && works(&world, &app, &third).await);
    assert_eq!(dev.submit(&end).await.status, 409, "it has ended");

    let current = page.form(&path(&app, "/secret")).value("current");
    end.set("secret", &current);
    let refused = dev.submit(&end).await;
    assert_eq!(refused.status, 409);
    assert!(refused.text().contains("current secret"), "{}", refused.text());
    assert!(works(&world, &app, &third).await);
}

#[tokio::test]
async fn a_form_that_is_sent_twice_does_not_throw_away_the_secret_that_was_shown() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let dev = world.owner_of("planner").await;
    let form = dev.get(&path(&app, "")).await.form(&path(&app, "/secret"));
    let shown = secret_of(&dev.submit(&form).await);
    let again = dev.submit(&form).await;
    assert_eq!(again.status, 409);
    assert!(again.text().contains("regenerated already") && !again.html.contains("jmcs_"), "{}", again.text());
    assert!(works(&world, &app, &shown).await);
}

#[tokio::test]
async fn two_at_once_make_one_secret() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let dev = world.owner_of("planner").await;
    let form = dev.get(&path(&app, "")).await.form(&path(&app, "/secret"));
    let (one, two) = tokio::join!(dev.submit(&form), dev.submit(&form));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
}

#[tokio::test]
async fn the_credentials_come_as_a_file_to_whoever_holds_them() {
    let world = World::new().await;
    let dev = world.developer("dev@example.com").await;
    let page = create(&dev, "save", &good_but(&[])).await;
    let (app, secret) = (app_of(&page), secret_of(&page));
    let action = format!("/oauth/apps/{app}/credentials");
    let file = dev.submit(&page.form(&action)).await;
    assert_eq!((file.status, file.header("cache-control")), (200, "no-store"));
    assert!(file.header("content-disposition").starts_with("attachment; filename=\"jiomeet-"));
    let json: serde_json::Value = serde_json::from_str(&file.html).unwrap();
    assert_eq!(json["client_secret"], secret);
    assert_eq!(json["token_endpoint"], world.url("/api/oauth2/v2/token"));
    assert_eq!(json["redirect_uris"], serde_json::json!(["https://lessons.example/cb"]));

    assert_eq!(send(&dev, &action, &[("secret", "jmcs_guessed")]).await.status, 409);
}

#[tokio::test]
async fn the_snippets_work_when_pasted() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let dev = world.owner_of("planner").await;
    let page = dev.get(&path(&app, "")).await.text();
    let url = page.split(&world.url("/oauth2/authorize?")).nth(1).unwrap().split(' ').next().unwrap();
    assert!(url.starts_with(&format!("clientId={}&redirect_uri=https%3A%2F%2F", app.client_id)), "{url}");
    let consent = dev.get(&format!("/oauth2/authorize?{url}")).await;
    assert!(consent.text().contains("wants to use your JioMeet account"), "{}", consent.text());
    assert!(page.contains(&format!("const clientId = \"{}\";", app.client_id)), "{page}");
    assert!(page.contains(&format!("curl -X POST {}", world.url("/api/oauth2/v2/token"))), "{page}");

    // On the page that shows a new secret, the header is ready.
    let shown = regenerate(&dev, &app, "none").await.text();
    let header = shown.split("Authorization: Basic ").nth(1).unwrap().split('"').next().unwrap();
    let ada = world.person("ada@example.com").await;
    let code = world.code(&app, &ada).await;
    let request = world.http.post(world.url("/api/oauth2/v2/token")).header("authorization", format!("Basic {header}"));
    let body = [("grant_type", "authorization_code"), ("code", &code)];
    assert_eq!(request.form(&body).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn revoking_all_tokens_ends_them_at_once_and_leaves_the_app() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let ada = world.person("ada@example.com").await;
    let tokens = redeem(&world, &app, &world.code(&app, &ada).await).await.tokens();
    let waiting = world.code(&app, &ada).await;
    let dev = world.owner_of("planner").await;

    let done = send(&dev, &path(&app, "/revoke-tokens"), &[]).await;
    assert_eq!(done.location().unwrap(), path(&app, "?done=tokens-revoked#security"));
    bearer_call(&world, &tokens.access).await.unwrap_err().is(401, "token_revoked");
    assert_eq!(refresh(&world, &app, &tokens.refresh).await.status, 400);
    assert_eq!(redeem(&world, &app, &waiting).await.status, 400);
    assert_eq!(audited(&world, "app.tokens_revoked").await, 1);

    world.wait(Duration::from_secs(1));
    assert_eq!(redeem(&world, &app, &world.code(&app, &ada).await).await.status, 200, "new ones work");
}

#[tokio::test]
async fn the_switches_change_what_the_endpoints_do() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let dev = world.owner_of("planner").await;
    let ada = world.person("ada@example.com").await;
    let on = [("require_pkce", "yes"), ("expires_in_as_time", "yes")];
    assert_eq!(send(&dev, &path(&app, "/settings"), &on).await.status, 303);
    let answer = redeem(&world, &app, &world.code_of(&app, &ada).issue().await).await;
    assert!(answer.json["expires_in"].is_string() || answer.status == 400, "{}", answer.text);
    assert_eq!(send(&dev, &path(&app, "/settings"), &[]).await.status, 303);
    let answer = redeem(&world, &app, &world.code(&app, &ada).await).await;
    assert_eq!(answer.json["expires_in"], 86_400, "{}", answer.text);
    assert_eq!(audited(&world, "app.settings_changed").await, 2);
}

#[tokio::test]
async fn an_app_is_deleted_by_typing_its_name() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let ada = world.person("ada@example.com").await;
    let tokens = redeem(&world, &app, &world.code(&app, &ada).await).await.tokens();
    let dev = world.owner_of("planner").await;

    let wrong = send(&dev, &path(&app, "/delete"), &[("name", "planer")]).await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.text().contains("Nothing was deleted"), "{}", wrong.text());
    bearer_call(&world, &tokens.access).await.unwrap();

    let done = send(&dev, &path(&app, "/delete"), &[("name", " planner ")]).await;
    assert_eq!(done.location().unwrap(), "/oauth/apps?done=deleted");
    bearer_call(&world, &tokens.access).await.unwrap_err().is(401, "token_revoked");
    dev.get(&path(&app, "")).await.is_closed(404, "not_found");
    assert!(!dev.get("/oauth/apps").await.html.contains(app.id.as_str()));
    assert_eq!(audited(&world, "app.deleted").await, 1, "it stays in the audit log");
}
