//! Pre-flight while one types: the review's own checks, of a form that nobody has saved.

use serde_json::Value as Json;

use super::site::Site;
use crate::support::{Browser, Page, World};

const ADDRESS: &str = "/oauth/apps/preflight";

async fn developer(world: &World) -> Browser<'_> {
    world.person("dev@example.com").await;
    let browser = world.browser();
    browser.sign_in("dev@example.com").await;
    browser
}

/// Asks about these fields of a form.
async fn ask(browser: &Browser<'_>, fields: &[(&str, &str)], look: &[&str]) -> Page {
    let csrf = browser.get("/account").await.form("/account").value("csrf");
    let mut all = vec![("csrf", csrf.as_str())];
    all.extend_from_slice(fields);
    all.extend(look.iter().map(|field| ("look", *field)));
    browser.post(ADDRESS, &all).await
}

/// What was found about that field, if it was looked at.
fn found(page: &Page, field: &str) -> Option<String> {
    assert_eq!((page.status, page.header("content-type")), (200, "application/json"), "{}", page.html);
    let json: Json = serde_json::from_str(&page.html).unwrap();
    let found = json["found"].as_array().unwrap().iter().find(|found| found["field"] == field)?;
    Some(found["html"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn what_is_asked_about_is_visited_and_told_with_its_evidence() {
    let site = Site::start().await;
    let world = site.world().await;
    let browser = developer(&world).await;
    let at = |path: &str| format!("http://localhost:{}{path}", site.port);
    let (home, policy, logo, callback) = (at("/"), at("/policy"), at("/logo.png"), at("/callback"));
    let fields = [
        ("name", "Day Planner"),
        ("homepage_url", &home),
        ("policy_url", &policy),
        ("logo_url", &logo),
        ("callback_url", ""),
        ("callback_url", &callback),
    ];
    let page = ask(&browser, &fields, &["homepage_url"]).await;
    let about_home = found(&page, "homepage_url").unwrap();
    assert!(about_home.contains("→ 200"), "{about_home}");
    assert!(found(&page, "policy_url").unwrap().contains("linked from it"), "the policy is judged beside the homepage");
    assert!(found(&page, "all_urls").is_some());
    assert_eq!(site.asked(), 2, "each page once");
    for field in ["name", "logo_url", "callback_urls[0]"] {
        assert!(found(&page, field).is_none(), "{field} was not asked about");
    }

    let page = ask(&browser, &fields, &["logo_url", "callback_urls[0]", "name"]).await;
    assert!(found(&page, "logo_url").unwrap().contains("256 × 256 pixels"));
    assert!(found(&page, "callback_urls[0]").unwrap().contains("HTTP status 400"), "empty rows are not counted");
    assert!(found(&page, "name").is_some());
    assert_eq!(site.asked(), 2);
    let kept = "SELECT COUNT(*) FROM findings";
    assert_eq!(world.count(kept, &[]).await, 0, "nothing of it is kept");
}

#[tokio::test]
async fn what_breaks_a_rule_is_not_visited() {
    let site = Site::start().await;
    let world = site.world().await;
    let browser = developer(&world).await;
    let home = format!("http://localhost:{}/?token=1", site.port);
    let literal = format!("http://127.0.0.1:{}/", site.port);
    let fields = [("homepage_url", home.as_str()), ("policy_url", &literal), ("logo_url", "")];
    let page = ask(&browser, &fields, &["homepage_url", "policy_url", "logo_url", "made_up"]).await;
    for field in ["homepage_url", "policy_url", "logo_url", "made_up", "all_urls"] {
        assert!(found(&page, field).is_none(), "{field}");
    }
    assert_eq!(site.asked(), 0);
}

#[tokio::test]
async fn a_name_like_an_approved_app_is_told_but_not_to_that_app() {
    let world = World::new().await;
    let app = world.approved_app("calendar").await;
    world.screen().await;
    let browser = developer(&world).await;
    let fields = [("name", "Ca1endar")];
    assert!(found(&ask(&browser, &fields, &["name"]).await, "name").unwrap().contains("can be read as"));
    let own = [("name", "Ca1endar"), ("app", app.id.as_str())];
    assert!(!found(&ask(&browser, &own, &["name"]).await, "name").unwrap().contains("can be read as"));
}

#[tokio::test]
async fn it_is_for_developers_on_our_own_page_and_bounded() {
    let world = World::with("screening.preflight_burst = 1\n").await;
    let browser = developer(&world).await;
    let fields = [("homepage_url", "https://day-planner.example"), ("name", "Day Planner")];
    assert_eq!(browser.post(ADDRESS, &fields).await.status, 403, "only from our own page");
    assert_eq!(world.browser().post(ADDRESS, &fields).await.status, 403, "signed out");
    for _ in 0..6 {
        assert_eq!(ask(&browser, &fields, &["homepage_url"]).await.status, 200);
    }
    let limited = ask(&browser, &fields, &["homepage_url"]).await;
    assert_eq!((limited.status, limited.header("retry-after")), (429, "60"));
    assert_eq!(ask(&browser, &fields, &["name"]).await.status, 200, "what needs no network goes on");

    world.person("user@example.com").await;
    world.execute("UPDATE users SET oauth_granted_at = NULL WHERE email = 'user@example.com'", &[]).await;
    let user = world.browser();
    user.sign_in("user@example.com").await;
    assert_eq!(ask(&user, &fields, &["homepage_url"]).await.status, 404);
}
