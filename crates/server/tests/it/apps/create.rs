//! 'Create new OAuth app': every field of the guide, every fault at its field, nothing typed lost.

use protocol::scope::ScopeTable;

use super::{GOOD, app_of, audited, create, good_but, secret_of, send};
use crate::support::World;

#[tokio::test]
async fn the_form_has_every_field_of_the_guide() {
    let world = World::new().await;
    let dev = world.developer("dev@example.com").await;
    let page = dev.get("/oauth/apps/new").await;
    let text = page.text();
    for label in ["App name", "Homepage URL", "Policy URL", "Logo URL", "Use case", "Description (optional)"] {
        assert!(text.contains(label), "{label} in {text}");
    }
    assert!(text.contains("Authorization callback URLs") && text.contains("Create OAuth app"));
    for scope in &ScopeTable::default() {
        assert!(page.html.contains(&scope.description.replace('\'', "&#39;")), "{}", scope.name);
    }
    let form = page.form("/oauth/apps");
    assert_eq!(form.boxes("scope").len(), ScopeTable::default().iter().count());
}

#[tokio::test]
async fn creating_an_app_submits_it_and_shows_its_credentials_once() {
    let world = World::new().await;
    let dev = world.developer("dev@example.com").await;
    let page = create(&dev, "submit", GOOD).await;
    assert_eq!(page.status, 200, "{}", page.html);
    assert!(page.location().is_none(), "the secret is in no URL");
    assert_eq!(page.header("cache-control"), "no-store");
    let (app, secret) = (app_of(&page), secret_of(&page));
    assert!(secret.starts_with("jmcs_") && page.text().contains("in review"), "{}", page.text());

    let shown = dev.get(&format!("/oauth/apps/{app}")).await;
    assert!(shown.text().contains("In review") && shown.text().contains("24 to 48 hours"), "{}", shown.text());
    assert!(!shown.html.contains(&secret), "never again");
    assert!(shown.html.contains(&secret[secret.len() - 4..]), "but for its end");
    assert_eq!((audited(&world, "app.created").await, audited(&world, "app.submitted").await), (1, 1));
    let hashed = "SELECT COUNT(*) FROM app_secrets WHERE last_four = $1";
    assert_eq!(world.count(hashed, &[&secret[secret.len() - 4..]]).await, 1);
}

#[tokio::test]
async fn every_fault_is_shown_at_its_field_and_nothing_typed_is_lost() {
    let world = World::new().await;
    let dev = world.developer("dev@example.com").await;
    let typed = [
        ("name", ""),
        ("homepage_url", "http://lessons.example"),
        ("policy_url", "https://10.0.0.1/policy"),
        ("logo_url", "https://lessons.example/logo.png#x"),
        ("use_case", ""),
        ("support_email", "nobody"),
        ("description", "Typed <b>with</b> care"),
        ("test_plan", "Line one\r\nLine two"),
        ("callback_url", "https://lessons.example/cb?token=1"),
        ("callback_url", "https://*.lessons.example/cb"),
        ("scope", "user:read"),
        ("required", "user:read"),
    ];
    let page = create(&dev, "submit", &typed).await;
    assert_eq!(page.status, 400);
    for field in [
        "name",
        "homepage_url",
        "policy_url",
        "logo_url",
        "use_case",
        "support_email",
        "callback_url-0",
        "callback_url-1",
        "reason-user-read",
    ] {
        let place = format!("data-faults=\"{field}\"><p class=\"field-error\">");
        assert!(page.html.contains(&place), "no fault at {field}: {}", page.html);
        assert!(page.html.contains(&format!("href=\"#{field}\"")), "no way to {field}");
    }
    let form = page.form("/oauth/apps");
    assert_eq!(form.value("homepage_url"), "http://lessons.example");
    assert_eq!(form.value("description"), "Typed <b>with</b> care");
    assert_eq!(form.value("test_plan"), "Line one\nLine two");
    assert!(form.boxes("scope").contains(&("user:read".into(), true)));
    assert!(page.html.contains("value=\"https://*.lessons.example/cb\""));
    assert_eq!(world.count("SELECT COUNT(*) FROM apps", &[]).await, 0);
}

#[tokio::test]
async fn a_draft_may_be_incomplete_and_is_not_submitted() {
    let world = World::new().await;
    let dev = world.developer("dev@example.com").await;
    let page = create(&dev, "save", &[("name", "Half an Idea"), ("homepage_url", "ftp://x")]).await;
    assert_eq!(page.status, 200, "{}", page.html);
    let app = app_of(&page);
    assert!(!secret_of(&page).is_empty(), "it has its credentials from the first minute");
    let shown = dev.get(&format!("/oauth/apps/{app}")).await;
    assert!(shown.text().contains("Draft") && shown.text().contains("missing or wrong"), "{}", shown.text());

    let submitted = send(&dev, &format!("/oauth/apps/{app}/submit"), &[]).await;
    assert_eq!(submitted.location().unwrap(), format!("/oauth/apps/{app}/edit?check=1"));
    let faults = dev.get(&format!("/oauth/apps/{app}/edit?check=1")).await;
    assert!(faults.text().contains("Give") || faults.text().contains("https://"), "{}", faults.text());
    assert_eq!(audited(&world, "app.submitted").await, 0);

    // What is out of bounds is not even kept.
    let long = "x".repeat(81);
    assert_eq!(create(&dev, "save", &[("name", &long)]).await.status, 400);
}

#[tokio::test]
async fn without_a_script_rows_are_added_and_enter_only_checks() {
    let world = World::new().await;
    let dev = world.developer("dev@example.com").await;
    let fields =
        good_but(&[("callback_url", "https://lessons.example/1"), ("callback_url", "https://lessons.example/2")]);
    let page = create(&dev, "add_callback_url", &fields).await;
    assert_eq!(page.html.matches("name=\"callback_url\"").count(), 3, "{}", page.html);
    // The first button of a form is what Enter presses.
    let form = &page.html[page.html.find("action=\"/oauth/apps\"").unwrap()..];
    let first = form.split("type=\"submit\"").nth(1).unwrap();
    assert!(first.starts_with(" name=\"action\" value=\"check\""), "{first:.80}");
    let checked = create(&dev, "check", &[("name", "Only a name")]).await;
    assert_eq!(checked.status, 200);
    assert!(checked.text().contains("to mend"), "{}", checked.text());
    assert_eq!(world.count("SELECT COUNT(*) FROM apps", &[]).await, 0);
}

#[tokio::test]
async fn a_form_that_is_sent_twice_makes_one_app() {
    let world = World::new().await;
    let dev = world.developer("dev@example.com").await;
    let mut form = dev.get("/oauth/apps/new").await.form("/oauth/apps");
    for (name, value) in GOOD.iter().filter(|(name, _)| !["scope", "kind"].contains(name)) {
        form.set(name, value);
    }
    form.tick("user:read", true);
    form.press("action", "save");
    let first = dev.submit(&form).await;
    let secret = secret_of(&first);
    let again = dev.submit(&form).await;
    assert_eq!(again.status, 200);
    assert!(again.text().contains("created already") && !again.html.contains(&secret), "{}", again.text());
    assert_eq!(world.count("SELECT COUNT(*) FROM apps", &[]).await, 1);

    // Somebody else's id opens nothing and makes nothing.
    let thief = world.developer("thief@example.com").await;
    let stolen = create(&thief, "save", &good_but(&[("app", app_of(&first).as_str())])).await;
    stolen.is_closed(404, "not_found");
    assert_eq!(world.count("SELECT COUNT(*) FROM apps", &[]).await, 1);
}

#[tokio::test]
async fn a_public_app_gets_no_secret_and_a_native_one_may_listen_on_loopback() {
    let world = World::new().await;
    let dev = world.developer("dev@example.com").await;
    let native =
        [("kind", "public_native"), ("callback_url", "http://127.0.0.1/cb"), ("callback_url", "com.example.app:/cb")];
    let page = create(&dev, "submit", &good_but(&native)).await;
    assert_eq!(page.status, 200, "{}", page.html);
    assert!(!page.html.contains("jmcs_") && page.text().contains("code_challenge_method=S256"), "{}", page.text());
    assert_eq!(world.count("SELECT COUNT(*) FROM app_secrets", &[]).await, 0);
    for kind in ["confidential", "public_browser", "made_up"] {
        let fields = good_but(&[("kind", kind), ("callback_url", "http://127.0.0.1/cb")]);
        assert_eq!(create(&dev, "submit", &fields).await.status, 400, "{kind}");
    }
}

#[tokio::test]
async fn no_two_apps_serve_under_one_name() {
    let world = World::new().await;
    world.approved_app("planner").await;
    let dev = world.developer("dev@example.com").await;
    let page = create(&dev, "submit", &good_but(&[("name", "PLANNER")])).await;
    assert_eq!(page.status, 400);
    assert!(page.text().contains("Another app is called PLANNER"), "{}", page.text());
    assert_eq!(create(&dev, "save", &good_but(&[("name", "PLANNER")])).await.status, 200, "a draft may");
}

#[tokio::test]
async fn the_rules_can_be_asked_while_one_types() {
    let world = World::new().await;
    let dev = world.developer("dev@example.com").await;
    let fields = good_but(&[
        ("callback_url", "https://lessons.example/ok"),
        ("callback_url", "http://lessons.example/cb"),
        ("name", ""),
    ]);
    let answer = send(&dev, "/oauth/apps/check", &fields).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    let json: serde_json::Value = serde_json::from_str(&answer.html).unwrap();
    let faults = json["faults"].as_array().unwrap();
    let of = |field: &str| faults.iter().filter(|fault| fault["field"] == field).count();
    assert_eq!((of("callback_urls[1]"), of("callback_urls[0]"), of("name"), faults.len()), (1, 0, 1, 2), "{faults:?}");

    assert_eq!(dev.post("/oauth/apps/check", &fields).await.status, 403, "only from our own page");
    let huge = "x".repeat(70_000);
    assert_eq!(send(&dev, "/oauth/apps/check", &[("name", &huge)]).await.status, 413);
}
