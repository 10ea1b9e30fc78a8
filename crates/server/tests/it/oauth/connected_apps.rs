//! 'Connected apps': what the person has allowed, page by page, and how it is taken back.

use std::time::Duration;

use jiomeet_oauth::ids::UserId;
use protocol::redirect_uri::ClientKind;

use super::redeem;
use crate::support::{Browser, Page, World};

const PATH: &str = "/account/connected-apps";
const REMOVE: &str = "/account/connected-apps/remove";
const ADA: &str = "ada@example.com";
const DAY: Duration = Duration::from_secs(86_400);

const ALLOW: &str = "INSERT INTO consents (user_id, app_id, granted_scopes, declined_scopes, consent_version,
        first_granted_at, answered_at)
    SELECT $1, id, 'user:read', '', 1, created_at, created_at FROM apps WHERE id = $2";
const LEFT: &str = "SELECT COUNT(*) FROM consents";

/// Ada, who has allowed so many apps, one a minute: `app01` first.
async fn with_apps(world: &World, count: usize) -> UserId {
    let ada = world.person(ADA).await;
    for number in 1..=count {
        let app = world.draft_app(&format!("app{number:02}"), ClientKind::Confidential).await;
        world.execute(ALLOW, &[ada.as_str(), app.id.as_str()]).await;
        world.wait(Duration::from_secs(60));
    }
    ada
}

async fn signed_in(world: &World) -> Browser<'_> {
    let browser = world.browser();
    browser.sign_in(ADA).await;
    browser
}

fn names(page: &Page) -> Vec<String> {
    let headings = page.html.split("<h2>").skip(1).map(|rest| rest.split('<').next().unwrap_or_default().trim());
    headings.filter(|heading| !["Your account", "For developers"].contains(heading)).map(str::to_owned).collect()
}

fn named(numbers: impl Iterator<Item = usize>) -> Vec<String> {
    numbers.map(|number| format!("app{number:02}")).collect()
}

#[tokio::test]
async fn a_page_has_25_apps_the_one_that_was_allowed_last_first() {
    let world = World::new().await;
    with_apps(&world, 27).await;
    let browser = signed_in(&world).await;
    let first = browser.get(PATH).await;
    assert_eq!(names(&first), named((3..=27).rev()));
    assert!(!first.text().contains("First page"));
    let second = browser.get(&first.link("Next page")).await;
    assert_eq!(names(&second), named((1..=2).rev()));
    assert!(!second.text().contains("Next page"));
    assert_eq!(second.link("First page"), PATH);
    for wrong in ["", "x", "5", "x.app", "99999999999999999999.app"] {
        assert_eq!(names(&browser.get(&format!("{PATH}?after={wrong}")).await), names(&first), "{wrong:?}");
    }
}

#[tokio::test]
async fn one_app_is_removed_and_the_others_stay() {
    let world = World::new().await;
    with_apps(&world, 3).await;
    let browser = signed_in(&world).await;
    let page = browser.get(PATH).await;
    // The first form is that of the first app.
    assert_eq!(browser.submit(&page.form(REMOVE)).await.status, 303);
    assert_eq!(names(&browser.get(PATH).await), ["app02", "app01"]);
    let mut unknown = page.form(REMOVE);
    unknown.set("app", "app-unknown");
    assert_eq!(browser.submit(&unknown).await.status, 303);
    assert_eq!(world.count(LEFT, &[]).await, 2);
    let removals = "SELECT COUNT(*) FROM audit WHERE action = 'access.removed'";
    assert_eq!(world.count(removals, &[]).await, 1, "what holds nothing is not removed");
}

#[tokio::test]
async fn all_are_removed_those_on_other_pages_too() {
    let world = World::new().await;
    with_apps(&world, 53).await;
    let browser = signed_in(&world).await;
    remove(&browser, "every").await;
    assert_eq!(world.count(LEFT, &[]).await, 0);
    assert!(browser.get(PATH).await.text().contains("No app has access"));
}

#[tokio::test]
async fn those_that_were_not_used_for_60_days_go_together() {
    let world = World::new().await;
    let ada = with_apps(&world, 2).await;
    let planner = world.approved_app("planner").await;
    world.execute(ALLOW, &[ada.as_str(), planner.id.as_str()]).await;
    world.wait(61 * DAY);
    redeem(&world, &planner, &world.code(&planner, &ada).await).await.tokens();
    world.wait(Duration::from_secs(60));
    let late = world.draft_app("late", ClientKind::Confidential).await;
    world.execute(ALLOW, &[ada.as_str(), late.id.as_str()]).await;
    let browser = signed_in(&world).await;
    assert!(browser.get(PATH).await.text().contains("Remove 2 unused for 60 days"));
    remove(&browser, "unused").await;
    let page = browser.get(PATH).await;
    assert_eq!(names(&page), ["late", "planner"], "one was just allowed, one is in use");
    assert!(!page.text().contains("unused for 60 days"));
}

async fn remove(browser: &Browser<'_>, which: &str) {
    let csrf = browser.get(PATH).await.form(REMOVE).value("csrf");
    assert_eq!(browser.post(REMOVE, &[("csrf", &csrf), ("all", which)]).await.status, 303);
}
