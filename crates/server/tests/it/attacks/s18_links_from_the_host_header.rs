//! Lesson S18: links in mails were built from the `Host` header or a forwarded one, so a victim's reset link led to the
//! attacker. Every absolute URL comes from the configured issuer.

use crate::oauth::flow::authorize_url;
use crate::support::World;
use crate::users::{latest_to, link_in, world_with_mail};

use super::ADA;

/// Lesson S18: whatever a request calls us, our own addresses stay those of the issuer.
#[tokio::test]
async fn a_forged_host_changes_no_address() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let url = world.url(&authorize_url(&app, &[("prompt", "none")]));
    let forged =
        world.http.get(&url).header("x-forwarded-host", "evil.example").header("forwarded", "host=evil.example");
    let answer = forged.send().await.unwrap();
    assert!(!answer.headers()["location"].to_str().unwrap().contains("evil.example"));
    let foreign = world.http.get(&url).header("host", "evil.example").send().await.unwrap();
    assert_eq!(foreign.status(), 421);
}

#[tokio::test]
async fn only_the_issuers_host_is_answered() {
    let world = World::new().await;
    for host in ["evil.example", "localhost", "127.0.0.1", "127.0.0.1.evil.example", "[::1]"] {
        let page = world.http.get(world.url("/sign-in")).header("host", host).send().await.unwrap();
        assert_eq!(page.status(), 421, "{host}");
        assert!(page.headers().get("set-cookie").is_none());
        let page = page.text().await.unwrap();
        assert!(page.contains("host_unknown") && !page.contains("evil.example"), "{page}");

        let token = world.http.post(world.url("/api/oauth2/v2/token")).header("host", host).send().await.unwrap();
        assert_eq!(
            (token.status().as_u16(), token.headers()["content-type"].to_str().unwrap()),
            (421, "application/json")
        );
    }
    let health = world.http.get(world.url("/healthz")).header("host", "10.0.0.7:8080").send().await.unwrap();
    assert_eq!(health.status(), 200);
}

#[tokio::test]
async fn the_link_leads_to_the_issuer_whatever_the_request_says() {
    let (world, server) = world_with_mail().await;
    world.person(ADA).await;
    let browser = world.browser();
    let page = browser.get("/forgot-password").await;
    let mut form = page.form("/forgot-password");
    form.set("email", ADA);
    let fields: Vec<(&str, &str)> = form.sent().collect();
    let forged =
        [("x-forwarded-host", "evil.example"), ("x-forwarded-proto", "https"), ("forwarded", "host=evil.example")];
    assert_eq!(browser.post_from("/forgot-password", &fields, &forged).await.status, 303);
    let mail = latest_to(&world, &server, ADA).await;
    assert!(!mail.data.contains("evil.example"), "{}", mail.data);
    link_in(&world, &mail);
    let misdirected = browser.post_from("/forgot-password", &fields, &[("host", "evil.example")]).await;
    assert_eq!(misdirected.status, 421);
}

#[tokio::test]
async fn no_document_names_another_host_than_the_issuers() {
    let world = World::new().await;
    for path in [
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
        "/.well-known/oauth-protected-resource",
        "/.well-known/jwks.json",
        "/openapi.json",
        "/docs/errors",
    ] {
        for (name, value) in [
            ("x-forwarded-host", "evil.example"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-prefix", "/evil.example"),
            ("x-host", "evil.example"),
            ("forwarded", "host=evil.example;proto=https"),
        ] {
            let answer = world.http.get(world.url(path)).header(name, value).send().await.unwrap();
            assert_eq!(answer.status(), 200, "{path}");
            assert!(!answer.text().await.unwrap().contains("evil.example"), "{path} {name}");
        }
    }
}
