//! Pre-flight: the developer sees the reviewer's list before submitting.

use jiomeet_oauth::screening::State;

use super::site::{Draft, Site, declared};
use crate::support::World;

fn path(draft: &Draft) -> String {
    format!("/oauth/apps/{}/preflight", draft.app)
}

#[tokio::test]
async fn the_owner_runs_the_checks_and_sees_the_evidence() {
    let site = Site::start().await;
    let world = site.world().await;
    let draft = world.draft(site.declared()).await;
    let browser = world.browser();
    browser.sign_in("dev@example.com").await;
    let page = browser.get(&path(&draft)).await;
    assert!(page.text().contains("These checks have not run yet."), "{}", page.text());

    let answer = browser.submit(&page.form(&path(&draft))).await;
    assert_eq!(answer.status, 303, "{}", answer.html);
    let page = browser.follow(answer).await;
    assert!(page.text().contains("The checks have run."), "{}", page.text());
    assert!(page.text().contains("Homepage URL"), "{}", page.text());
    assert!(page.text().contains(&format!("http://localhost:{}/ → 200", site.port)), "{}", page.text());
    assert!(site.asked() >= 2);
    assert_eq!(world.findings(&draft.revision).await.state, State::Current);
}

#[tokio::test]
async fn to_everybody_else_the_page_does_not_exist() {
    let world = World::new().await;
    let draft = world.draft(declared("https://day-planner.example")).await;
    let nobody = world.browser();
    assert_eq!(nobody.get(&path(&draft)).await.status, 303, "sign in first");
    world.person("other@example.com").await;
    let other = world.browser();
    other.sign_in("other@example.com").await;
    other.get(&path(&draft)).await.is_closed(404, "not_found");
    let page = other.get("/account").await;
    let csrf = page.form("/account").value("csrf");
    other.post(&path(&draft), &[("csrf", &csrf)]).await.is_closed(404, "not_found");
    assert_eq!(world.findings(&draft.revision).await.state, State::NeverLooked);
}

#[tokio::test]
async fn a_form_of_another_site_runs_nothing() {
    let world = World::new().await;
    let draft = world.draft(declared("https://day-planner.example")).await;
    let browser = world.browser();
    browser.sign_in("dev@example.com").await;
    browser.post(&path(&draft), &[("csrf", "1.forged")]).await.is_closed(403, "form_expired");
    assert_eq!(world.findings(&draft.revision).await.state, State::NeverLooked);
}

#[tokio::test]
async fn one_account_can_not_have_the_server_fetch_without_end() {
    let world = World::with("screening.preflight_burst = 2\n").await;
    let draft = world.draft(declared("https://day-planner.example")).await;
    let browser = world.browser();
    browser.sign_in("dev@example.com").await;
    let form = browser.get(&path(&draft)).await.form(&path(&draft));
    for _ in 0..2 {
        assert_eq!(browser.submit(&form).await.status, 303);
    }
    let refused = browser.submit(&form).await;
    assert_eq!(refused.status, 429);
    assert!(refused.text().contains("Wait 60 seconds"), "{}", refused.text());
    world.wait(std::time::Duration::from_secs(60));
    assert_eq!(browser.submit(&form).await.status, 303);
}

#[tokio::test]
async fn what_serves_everybody_is_not_looked_at_again() {
    let site = Site::start().await;
    let world = site.world().await;
    let app = world.approved_app("planner").await;
    let browser = world.browser();
    browser.sign_in("planner-dev@example.com").await;
    let path = format!("/oauth/apps/{}/preflight", app.id);
    let page = browser.get(&path).await;
    assert!(!page.has_form(&path));
    let csrf = browser.get("/account").await.form("/account").value("csrf");
    assert_eq!(browser.post(&path, &[("csrf", &csrf)]).await.status, 409);
}

#[tokio::test]
async fn findings_from_before_an_edit_are_called_out_of_date() {
    let world = World::new().await;
    let draft = world.draft(declared("https://day-planner.example")).await;
    world.submit(&draft.app).await;
    world.screen().await;
    let edit = "UPDATE app_revisions SET changed_at = changed_at + 1000 WHERE id = $1";
    let changed = world.execute(edit, &[draft.revision.as_str()]).await;
    assert_eq!(changed, 1);
    assert_eq!(world.findings(&draft.revision).await.state, State::OutOfDate);
}
