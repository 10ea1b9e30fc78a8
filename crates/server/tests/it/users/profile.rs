//! The profile.

use super::ADA;
use crate::support::World;

#[tokio::test]
async fn a_name_is_changed_and_shown_everywhere() {
    let world = World::new().await;
    world.person(ADA).await;
    let browser = world.browser();
    browser.sign_in(ADA).await;
    let mut form = browser.get("/account").await.form("/account");
    form.set("name", " Ada <i> ");
    form.set("lname", "");
    let page = browser.submit(&form).await;
    assert_eq!(page.location().as_deref(), Some("/account?done=saved"));
    let page = browser.follow(page).await;
    assert!(page.text().contains("Your name is saved.") && !page.html.contains("<i>"));
    assert_eq!(page.form("/account").value("name"), "Ada <i>");
}

#[tokio::test]
async fn a_name_that_cannot_be_is_refused_and_nothing_typed_is_lost() {
    let world = World::new().await;
    world.person(ADA).await;
    let browser = world.browser();
    browser.sign_in(ADA).await;
    let mut form = browser.get("/account").await.form("/account");
    form.set("name", "  ");
    form.set("lname", &"x".repeat(81));
    let page = browser.submit(&form).await;
    assert_eq!(page.status, 400);
    assert!(page.text().contains("Type your name.") && page.text().contains("Use at most 80 characters."));
    assert_eq!(page.form("/account").value("lname"), "x".repeat(81));
}

#[tokio::test]
async fn another_site_changes_nothing() {
    let world = World::new().await;
    world.person(ADA).await;
    let browser = world.browser();
    browser.sign_in(ADA).await;
    browser.post("/account", &[("csrf", "1.AAAA"), ("name", "Eve")]).await.is_closed(403, "form_expired");
}
