//! OAuth is a beta: who has no access asks for it, an admin answers.

use std::time::Duration;

use super::{audited, create, send};
use crate::support::{Browser, Page, World};

async fn newcomer<'w>(world: &'w World, email: &str) -> Browser<'w> {
    let browser = world.developer(email).await;
    world.execute("UPDATE users SET oauth_granted_at = NULL WHERE email = $1", &[email]).await;
    browser
}

async fn admin(world: &World) -> Browser<'_> {
    let admin = world.person("admin@example.com").await;
    let role = "INSERT INTO user_roles (user_id, role) VALUES ($1, 'admin')";
    world.execute(role, &[admin.as_str()]).await;
    let browser = world.browser();
    browser.sign_in("admin@example.com").await;
    browser
}

async fn ask(browser: &Browser<'_>) -> Page {
    send(browser, "/oauth/access", &[("reason", "A timetable for schools.")]).await
}

async fn decide(browser: &Browser<'_>, decision: &str, note: &str) -> Page {
    let page = browser.get("/admin/oauth-requests").await;
    let user = page.form("/admin/oauth-requests").value("user");
    send(browser, "/admin/oauth-requests", &[("user", &user), ("decision", decision), ("note", note)]).await
}

#[tokio::test]
async fn without_access_there_is_a_request_and_no_form() {
    let world = World::new().await;
    let nila = newcomer(&world, "nila@example.com").await;
    let page = nila.get("/oauth/apps").await;
    assert!(page.text().contains("OAuth is in beta"), "{}", page.html);
    assert!(page.has_form("/oauth/access") && !page.text().contains("Create new OAuth app"));
    assert_eq!(nila.get("/oauth/apps/new").await.location().unwrap(), "/oauth/apps");
    let created = create(&nila, "save", super::GOOD).await;
    assert_eq!(created.location().unwrap(), "/oauth/apps");
    assert_eq!(world.count("SELECT COUNT(*) FROM apps", &[]).await, 0);
}

#[tokio::test]
async fn an_admin_grants_a_request_and_the_form_opens() {
    let world = World::new().await;
    let nila = newcomer(&world, "nila@example.com").await;
    let admin = admin(&world).await;

    let fault = send(&nila, "/oauth/access", &[("reason", " … ")]).await;
    assert_eq!(fault.status, 400);
    assert!(fault.text().contains("Say in a sentence or two"), "{}", fault.html);
    assert_eq!(ask(&nila).await.status, 303);
    ask(&nila).await;
    assert!(nila.get("/oauth/apps").await.text().contains("Your request waits for an answer"));
    assert_eq!(audited(&world, "oauth_access.requested").await, 1, "one request waits at a time");

    let waiting = admin.get("/admin/oauth-requests").await.text();
    assert!(waiting.contains("A timetable for schools.") && waiting.contains("nila@example.com"), "{waiting}");
    assert_eq!(decide(&admin, "grant", "").await.location().unwrap(), "/admin/oauth-requests?done=granted");

    assert!(nila.get("/oauth/apps").await.text().contains("Create new OAuth app"));
    assert_eq!(create(&nila, "save", super::GOOD).await.status, 200);
    assert_eq!(audited(&world, "oauth_access.granted").await, 1);
    let developers = "SELECT COUNT(*) FROM user_roles WHERE role = 'developer'";
    assert_eq!(world.count(developers, &[]).await, 1);
    assert_eq!(world.count("SELECT COUNT(*) FROM outbox WHERE recipient = 'nila@example.com'", &[]).await, 1);
}

#[tokio::test]
async fn a_refusal_says_why_and_stands_for_a_day() {
    let world = World::new().await;
    let nila = newcomer(&world, "nila@example.com").await;
    let admin = admin(&world).await;
    ask(&nila).await;
    decide(&admin, "decline", "Tell us <b>which</b> school.").await;

    assert_eq!(world.count("SELECT COUNT(*) FROM outbox WHERE recipient = 'nila@example.com'", &[]).await, 1);
    let page = nila.get("/oauth/apps").await;
    assert!(page.text().contains("Your request was declined"), "{}", page.html);
    assert!(page.html.contains("&#60;b&#62;which"), "{}", page.html);
    assert!(!page.has_form("/oauth/access"));
    ask(&nila).await;
    assert_eq!(audited(&world, "oauth_access.requested").await, 1, "not before a day has passed");

    world.wait(Duration::from_secs(24 * 3600));
    assert!(nila.get("/oauth/apps").await.has_form("/oauth/access"));
    ask(&nila).await;
    assert_eq!(audited(&world, "oauth_access.requested").await, 2);
}

#[tokio::test]
async fn a_request_is_answered_once() {
    let world = World::new().await;
    let nila = newcomer(&world, "nila@example.com").await;
    let admin = admin(&world).await;
    ask(&nila).await;
    let user = admin.get("/admin/oauth-requests").await.form("/admin/oauth-requests").value("user");
    let answer = async |decision: &str| {
        send(&admin, "/admin/oauth-requests", &[("user", &user), ("decision", decision)]).await.status
    };
    assert_eq!(answer("decline").await, 303);
    assert_eq!(answer("grant").await, 409);
    assert!(!nila.get("/oauth/apps").await.text().contains("Create new OAuth app"));
}

#[tokio::test]
async fn only_admins_see_the_requests() {
    let world = World::new().await;
    let dev = world.developer("dev@example.com").await;
    let nila = newcomer(&world, "nila@example.com").await;
    ask(&nila).await;
    let id = "SELECT COUNT(*) FROM users WHERE oauth_granted_at IS NOT NULL AND email = 'nila@example.com'";
    for browser in [&dev, &nila] {
        browser.get("/admin/oauth-requests").await.is_closed(404, "not_found");
        let user = world.person(&format!("x{}@example.com", browser.cookie("jm_session").unwrap().len())).await;
        let fields = [("user", user.as_str()), ("decision", "grant")];
        send(browser, "/admin/oauth-requests", &fields).await.is_closed(404, "not_found");
        world.execute("DELETE FROM users WHERE id = $1", &[user.as_str()]).await;
    }
    assert_eq!(world.count(id, &[]).await, 0);
    assert!(!dev.get("/account").await.html.contains("/admin/oauth-requests"));
    assert_eq!(world.browser().get("/admin/oauth-requests").await.status, 303, "signed out: to the sign-in page");
}

#[tokio::test]
async fn the_configuration_opens_it_to_everyone() {
    let world = World::with("accounts.oauth_for_everyone = true").await;
    let nila = newcomer(&world, "nila@example.com").await;
    assert!(nila.get("/oauth/apps").await.text().contains("Create new OAuth app"));
    assert_eq!(create(&nila, "save", super::GOOD).await.status, 200);
}
