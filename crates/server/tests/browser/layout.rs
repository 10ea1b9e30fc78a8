//! Pages on a phone and on a desk: nothing sticks out, and pictures for people to look at.

use crate::browser::Browser;
use crate::demo::Demo;

#[tokio::test]
async fn pages_fit_a_phone() {
    let demo = Demo::start();
    // Chromium's smallest window is 500 wide on some systems; 390 is asked for and the page's own width is measured.
    let browser = Browser::open(390, 844).await;
    let fits = async |name: &str| {
        browser.picture(&format!("phone-{name}")).await;
        assert!(browser.overflow().await <= 0, "{name} is wider than the window: {}", browser.widest().await);
    };

    browser.goto(&format!("{}/login", demo.client_url())).await.unwrap();
    browser.the("input[name=password]").await;
    fits("sign-in").await;
    browser.sign_in(demo.person("user")).await;
    browser.reads("wants to use").await;
    fits("consent").await;
    browser.goto(&format!("{}/oauth2/authorize?client_id=nobody", demo.issuer())).await.unwrap();
    browser.the("h1").await;
    fits("unknown-app").await;
    for page in ["/account", "/account/password", "/account/sessions", "/docs/errors", "/docs/api"] {
        browser.goto(&format!("{}{page}", demo.issuer())).await.unwrap();
        browser.the("h1").await;
        fits(&name_of(page)).await;
    }
}

/// What the side bar of an admin leads to, and what stands before the door.
#[tokio::test]
async fn every_section_fits_a_desk_and_a_phone() {
    let demo = Demo::start();
    let browser = Browser::open(1280, 800).await;
    for page in ["/sign-in", "/sign-up", "/forgot-password"] {
        browser.goto(&format!("{}{page}", demo.issuer())).await.unwrap();
        browser.the("h1").await;
        browser.pictures(&name_of(page)).await;
    }
    browser.goto(&format!("{}/sign-in", demo.issuer())).await.unwrap();
    browser.sign_in(demo.person("admin")).await;
    browser.reads("Administration").await;
    for page in [
        "/account",
        "/account/address",
        "/account/delete",
        "/account/connected-apps",
        "/invitations",
        "/oauth/apps",
        "/oauth/apps/new",
        "/admin/users",
        "/admin/oauth-requests",
        "/demo/outbox",
    ] {
        browser.goto(&format!("{}{page}", demo.issuer())).await.unwrap();
        browser.the("h1").await;
        browser.pictures(&name_of(page)).await;
    }
    browser.goto(&format!("{}/admin/users", demo.issuer())).await.unwrap();
    browser.press("dev@example.com").await;
    browser.reads("What you can do").await;
    browser.pictures("admin-user").await;
}

fn name_of(page: &str) -> String {
    page.trim_start_matches('/').replace('/', "-")
}

#[tokio::test]
async fn nothing_of_ours_breaks_its_own_content_security_policy() {
    let demo = Demo::start();
    let browser = Browser::open(1280, 900).await;
    browser.goto(&format!("{}/login", demo.client_url())).await.unwrap();
    browser.sign_in(demo.person("user")).await;
    browser.reads("wants to use").await;
    // A refused style sheet leaves the page without its font: the design is there only if the policy let it load.
    let script = "return [...document.styleSheets].reduce((rules, sheet) => rules + sheet.cssRules.length, 0);";
    assert!(browser.execute(script, vec![]).await.unwrap().as_i64().unwrap() > 20);
    let images = "return [...document.images].every((image) => image.complete && image.naturalWidth > 0);";
    assert_eq!(browser.execute(images, vec![]).await.unwrap().as_bool(), Some(true));
}
