//! Logos come from our own origin, drawn anew, and an approved app's never changes behind the reviewer's back.

use super::site::{LOGO, Site};

#[tokio::test]
async fn a_verified_logo_is_served_by_its_hash_and_shown_on_the_consent_page() {
    let site = Site::start().await;
    let world = site.world().await;
    let draft = world.draft(site.declared()).await;
    world.submit(&draft.app).await;
    world.screen().await;

    let browser = world.browser();
    browser.sign_in("dev@example.com").await;
    let app = draft.app.clone();
    let details = world.write(move |tx| jiomeet_oauth::apps::find_details(tx, app.as_str())).await.unwrap();
    let client_id = details.client_id;
    let authorize = format!(
        "/oauth2/authorize?response_type=code&clientId={client_id}&redirect_uri=http%3A%2F%2Flocalhost%3A{}%2Fcallback",
        site.port
    );
    let page = browser.get(&authorize).await;
    assert_eq!(page.status, 200, "{}", page.html);
    let start = page.html.find("/logos/").unwrap_or_else(|| panic!("no logo on {}", page.html));
    let address: String = page.html[start..].chars().take_while(|c| *c != '"').collect();

    let logo = world.http.get(world.url(&address)).send().await.unwrap();
    assert_eq!(logo.status(), 200);
    let header = |name: &str| logo.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "image/png");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert!(header("cache-control").contains("immutable"));
    assert!(header("content-security-policy").starts_with("default-src 'none'"));
    let png = logo.bytes().await.unwrap();
    assert!(png.starts_with(b"\x89PNG"));
    assert_ne!(png, LOGO, "it is drawn anew, not passed on");
}

#[tokio::test]
async fn what_is_no_logo_is_not_there() {
    let site = Site::start().await;
    let world = site.world().await;
    for path in ["/logos/x.png", &format!("/logos/{}.png", "0".repeat(64)), &format!("/logos/{}", "0".repeat(64))] {
        assert_eq!(world.http.get(world.url(path)).send().await.unwrap().status(), 404, "{path}");
    }
}

#[tokio::test]
async fn a_logo_goes_with_the_last_revision_that_shows_it() {
    let site = Site::start().await;
    let world = site.world().await;
    let stored = async || world.count("SELECT COUNT(*) FROM logos", &[]).await;
    let draft = world.draft(site.declared()).await;
    let browser = world.browser();
    browser.sign_in("dev@example.com").await;
    let checks = format!("/oauth/apps/{}/preflight", draft.app);
    let look = async || {
        let form = browser.get(&checks).await.form(&checks);
        assert_eq!(browser.submit(&form).await.status, 303);
    };
    look().await;
    assert_eq!(stored().await, 1);
    look().await;
    assert_eq!(stored().await, 1, "the same picture is one logo");

    // Another revision shows it too.
    let copy = "INSERT INTO app_revisions (id, app_id, number, status, name, homepage_url, policy_url, logo_url, use_case,
            description, created_at, changed_at, logo_hash)
        SELECT 'rev-copy', app_id, 99, 'superseded', name, homepage_url, policy_url, logo_url, use_case, description, created_at,
            changed_at, logo_hash FROM app_revisions WHERE id = $1";
    assert_eq!(world.execute(copy, &[draft.revision.as_str()]).await, 1);
    let edit = format!("/oauth/apps/{}/edit", draft.app);
    let rename = async |logo: &str| {
        let mut form = browser.get(&edit).await.form(&edit);
        form.set("logo_url", logo);
        form.press("action", "save");
        let saved = browser.submit(&form).await;
        assert_eq!(saved.status, 303, "{}", saved.text());
    };
    rename("https://elsewhere.example/logo.png").await;
    assert_eq!(stored().await, 1, "the other revision shows it");
    world.execute("DELETE FROM app_revisions WHERE id = $1", &["rev-copy"]).await;
    rename(&site.declared().logo_url).await;
    look().await;
    rename("https://elsewhere.example/logo.png").await;
    assert_eq!(stored().await, 0);
}
