//! Lesson S5: an app's own address (`javascript:`, `data:`, in odd case, with a tab within) became a link on a page of the
//! authorization server, and ran there on a click.

use super::s20_reflected_markup::holds_no_markup;
use super::{ADA, assert_never_redirected_to};
use crate::apps::{create, good_but};
use crate::oauth::flow::{allow, authorize_url};
use crate::support::World;

const SCRIPTS: &[&str] = &[
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "java\nscript:alert(1)",
    " javascript:alert(1)",
    "\u{1}javascript:alert(1)",
    "javascript://lessons.example/%0aalert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "blob:https://lessons.example/x",
    "file:///etc/passwd",
    "view-source:https://lessons.example/",
];

#[tokio::test]
async fn no_script_is_taken_as_an_address_of_an_app() {
    let world = World::new().await;
    let developer = world.developer("mallory-dev@example.com").await;
    for field in ["homepage_url", "policy_url", "logo_url", "callback_url"] {
        for script in SCRIPTS {
            let page = create(&developer, "submit", &good_but(&[(field, script)])).await;
            assert_eq!(page.status, 400, "{field} = {script:?}");
            holds_no_markup(&page, script);
        }
    }
    assert_eq!(world.count("SELECT COUNT(*) FROM apps", &[]).await, 0);
    // A draft may hold what is wrong with it, as text.
    for field in ["homepage_url", "callback_url"] {
        let page = create(&developer, "save", &good_but(&[(field, SCRIPTS[0])])).await;
        let app = crate::apps::app_of(&page);
        for path in ["", "/edit", "/preflight"] {
            let page = developer.get(&format!("/oauth/apps/{app}{path}")).await;
            assert_eq!(page.status, 200);
            holds_no_markup(&page, path);
        }
    }
}

#[tokio::test]
async fn no_script_is_redirected_to() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    assert_never_redirected_to(&world, &app, SCRIPTS).await;
}

#[tokio::test]
async fn what_a_developer_declares_is_text_on_the_consent_page_and_no_link_runs_code() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    world.person(ADA).await;
    let browser = world.browser();
    browser.sign_in(ADA).await;
    for probe in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        " javascript:alert(1)",
    ] {
        for column in ["name", "homepage_url", "policy_url", "logo_url"] {
            let statement: &'static str = match column {
                "name" => "UPDATE app_revisions SET name = $1 WHERE app_id = $2",
                "homepage_url" => "UPDATE app_revisions SET homepage_url = $1 WHERE app_id = $2",
                "policy_url" => "UPDATE app_revisions SET policy_url = $1 WHERE app_id = $2",
                _ => "UPDATE app_revisions SET logo_url = $1 WHERE app_id = $2",
            };
            assert_eq!(world.execute(statement, &[probe, app.id.as_str()]).await, 1);
            let page = browser.get(&authorize_url(&app, &[("prompt", "consent")])).await;
            holds_no_markup(&page, &format!("{column}={probe}"));
            assert!(
                !page.html.to_lowercase().contains("href=\"javascript")
                    && !page.html.contains("href=\"data:")
                    && !page.html.contains("href=\" "),
                "{}",
                page.html
            );
            allow(&page);
        }
    }
}
