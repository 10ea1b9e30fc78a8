//! Editing, submitting, withdrawing: what serves is what was approved, whatever a form holds.

use std::time::Duration;

use jiomeet_oauth::apps::find_serving;
use jiomeet_oauth::ids::ClientId;
use jiomeet_oauth::review::Decision;
use protocol::redirect_uri::ClientKind;

use super::{app_of, audited, create, edit, good_but, path, send};
use crate::oauth::{bearer_call, redeem};
use crate::support::{TestApp, World};

/// Name and callback URLs as the authorization endpoint sees them.
async fn serving(world: &World, app: &TestApp) -> (String, Vec<String>) {
    let client_id = ClientId::from_text(&app.client_id);
    let serving = world.write(move |tx| find_serving(tx, &client_id)).await.unwrap();
    (serving.name, serving.callback_urls)
}

fn fields<'a>(app: &'a TestApp, changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut all = vec![("callback_url", app.redirect_uri.as_str())];
    all.extend_from_slice(changes);
    good_but(&all)
}

#[tokio::test]
async fn an_approved_app_goes_on_while_its_changes_are_reviewed() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let dev = world.owner_of("planner").await;
    let before = serving(&world, &app).await;

    let saved = edit(&dev, &app.id, "submit", &fields(&app, &[("name", "Planner Two")])).await;
    assert_eq!(saved.location().unwrap(), path(&app, "?done=submitted"));
    assert_eq!(serving(&world, &app).await, before, "the approved revision serves");
    let page = dev.get(&path(&app, "")).await.text();
    assert!(page.contains("Approved") && page.contains("Changes in review"), "{page}");
    assert!(page.contains("The changes are to: App name"), "{page}");

    world.decide(&app, Decision::Approve).await;
    assert_eq!(serving(&world, &app).await.0, "Planner Two");
    let revisions = "SELECT COUNT(*) FROM app_revisions WHERE app_id = $1";
    assert_eq!(world.count(revisions, &[app.id.as_str()]).await, 2);
}

#[tokio::test]
async fn what_is_in_review_is_not_edited_but_withdrawn_first() {
    let world = World::new().await;
    let app = world.draft_app("planner", ClientKind::Confidential).await;
    let dev = world.owner_of("planner").await;
    assert_eq!(dev.get(&path(&app, "/edit")).await.location().unwrap(), path(&app, ""));
    let seen = world.count("SELECT changed_at FROM app_revisions", &[]).await;
    let revision = world.count("SELECT COUNT(*) FROM app_revisions WHERE status = 'in_review'", &[]).await;
    assert_eq!(revision, 1);
    let stale = format!("rev-x@{seen}");
    let sneaked = send(&dev, &path(&app, "/edit"), &[("action", "save"), ("seen", &stale)]).await;
    assert_eq!(sneaked.status, 409, "{}", sneaked.html);

    assert_eq!(send(&dev, &path(&app, "/withdraw"), &[]).await.location().unwrap(), path(&app, "?done=withdrawn"));
    assert!(dev.get(&path(&app, "")).await.text().contains("Draft"));
    assert_eq!(send(&dev, &path(&app, "/withdraw"), &[]).await.status, 409, "once");
    world.wait(Duration::from_secs(60));
    assert_eq!(edit(&dev, &app.id, "submit", &fields(&app, &[])).await.status, 303);
    let page = dev.get(&path(&app, "")).await.text();
    assert_eq!(page.matches("Revision 1 withdrawn from review").count(), 1, "{page}");
    assert_eq!(page.matches("Revision 1 submitted for review").count(), 2, "both rounds are told: {page}");
    assert_eq!((audited(&world, "app.withdrawn").await, audited(&world, "app.submitted").await), (1, 2));
}

#[tokio::test]
async fn a_held_app_says_why_and_can_be_mended_and_submitted_again() {
    let world = World::new().await;
    let app = world.draft_app("planner", ClientKind::Confidential).await;
    let dev = world.owner_of("planner").await;
    world.decide(&app, Decision::Hold).await;
    let page = dev.get(&path(&app, "")).await.text();
    assert!(page.contains("On hold") && page.contains("Your turn") && page.contains("Seen in a test."), "{page}");

    assert_eq!(edit(&dev, &app.id, "submit", &fields(&app, &[("description", "Mended.")])).await.status, 303);
    let page = dev.get(&path(&app, "")).await.text();
    assert!(
        page.contains("In review") && page.contains("The reviewers&#39; turn") | page.contains("The reviewers' turn")
    );
    assert!(page.contains("Revision 1 put on hold"), "the history keeps it: {page}");
}

#[tokio::test]
async fn changes_can_be_discarded() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let dev = world.owner_of("planner").await;
    assert_eq!(send(&dev, &path(&app, "/discard"), &[]).await.status, 409, "there are none");
    edit(&dev, &app.id, "save", &fields(&app, &[("name", "Planner Two")])).await;
    assert_eq!(send(&dev, &path(&app, "/discard"), &[]).await.location().unwrap(), path(&app, "?done=discarded"));
    let page = dev.get(&path(&app, "")).await.text();
    assert!(page.contains("Nothing to do") && !page.contains("Changes not submitted"), "{page}");
    assert_eq!(serving(&world, &app).await.0, "planner");
    // The next edit is a revision of its own.
    edit(&dev, &app.id, "save", &fields(&app, &[("name", "Planner Three")])).await;
    assert_eq!(world.count("SELECT MAX(number) FROM app_revisions", &[]).await, 3);
}

#[tokio::test]
async fn somebody_elses_save_is_not_overwritten_unseen() {
    let world = World::new().await;
    let dev = world.developer("dev@example.com").await;
    let app = app_of(&create(&dev, "save", &good_but(&[])).await);
    let action = format!("/oauth/apps/{app}/edit");
    let mut mine = dev.get(&action).await.form(&action);
    world.wait(std::time::Duration::from_secs(1));
    edit(&dev, &app, "save", &good_but(&[("name", "Theirs")])).await;

    mine.set("name", "Mine");
    mine.press("action", "save");
    let refused = dev.submit(&mine).await;
    assert_eq!(refused.status, 409);
    assert!(refused.text().contains("Somebody saved this app"), "{}", refused.text());
    assert_eq!(refused.form(&action).value("name"), "Mine", "nothing typed is lost");
    let mut again = refused.form(&action);
    again.press("action", "save");
    assert_eq!(dev.submit(&again).await.status, 303, "now that it was said");
    assert!(dev.get(&format!("/oauth/apps/{app}")).await.text().contains("Mine"));
}

#[tokio::test]
async fn what_is_saved_works_at_once_in_test_mode_but_for_what_breaks_the_rules() {
    let world = World::new().await;
    let dev = world.developer("dev@example.com").await;
    let page = create(&dev, "save", &good_but(&[("callback_url", "javascript:alert(1)")])).await;
    let app = app_of(&page);
    let client_id = page.text().split("Client ID ").nth(2).unwrap().split(' ').next().unwrap().to_owned();
    let ask = async |redirect_uri: &str| {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("clientId", client_id.as_str()), ("redirect_uri", redirect_uri), ("response_type", "code")])
            .finish();
        dev.get(&format!("/oauth2/authorize?{query}")).await
    };
    ask("javascript:alert(1)").await.is_closed(400, "redirect_uri_unregistered");
    assert!(!dev.get(&format!("/oauth/apps/{app}")).await.html.contains("href=\"javascript"));

    edit(&dev, &app, "save", &good_but(&[("callback_url", "https://lessons.example/new")])).await;
    let consent = ask("https://lessons.example/new").await;
    assert!(consent.text().contains("Not reviewed yet"), "{}", consent.text());
}

#[tokio::test]
async fn a_narrowed_draft_narrows_its_tokens() {
    let world = World::new().await;
    let app = world.draft_app("planner", ClientKind::Confidential).await;
    let tokens = redeem(&world, &app, &world.code(&app, &app.owner).await).await.tokens();
    bearer_call(&world, &tokens.access).await.unwrap();
    let dev = world.owner_of("planner").await;
    send(&dev, &path(&app, "/withdraw"), &[]).await;
    edit(&dev, &app.id, "save", &fields(&app, &[("scope", "meeting:join")])).await;
    bearer_call(&world, &tokens.access).await.unwrap_err().is(403, "scope_insufficient");
}

#[tokio::test]
async fn callback_urls_of_an_app_in_test_mode_change_without_a_review() {
    let world = World::new().await;
    let app = world.draft_app("planner", ClientKind::Confidential).await;
    let dev = world.owner_of("planner").await;
    let form_path = path(&app, "/callback-urls");
    let change = async |urls: &[&str]| {
        let seen = dev.get(&form_path).await.form(&form_path).value("seen");
        let mut fields = vec![("action", "save"), ("seen", seen.as_str())];
        fields.extend(urls.iter().map(|url| ("callback_url", *url)));
        send(&dev, &form_path, &fields).await
    };
    let bad = change(&["https://lessons.example/ok", "http://lessons.example/bad"]).await;
    assert_eq!(bad.status, 400);
    assert!(bad.html.contains("data-faults=\"callback_url-1\"><p class=\"field-error\">"), "{}", bad.html);
    assert_eq!(change(&[]).await.status, 400, "there is at least one");

    world.wait(std::time::Duration::from_secs(5));
    assert_eq!(change(&["https://preview-7.lessons.example/cb"]).await.status, 303);
    assert_eq!(serving(&world, &app).await.1, ["https://preview-7.lessons.example/cb"]);
    assert!(dev.get(&path(&app, "")).await.text().contains("In review"), "the review goes on");
    assert_eq!(audited(&world, "app.callback_urls_changed").await, 1);

    world.decide(&app, Decision::Approve).await;
    assert_eq!(dev.get(&form_path).await.location().unwrap(), path(&app, ""), "approved: no more");
    let seen = world.count("SELECT changed_at FROM app_revisions", &[]).await;
    let working = format!("rev@{seen}");
    let fields = [("action", "save"), ("seen", working.as_str()), ("callback_url", "https://evil.example/cb")];
    assert_eq!(send(&dev, &form_path, &fields).await.status, 409);
    let made_now = [("action", "save"), ("callback_url", "https://evil.example/cb")];
    assert_eq!(send(&dev, &form_path, &made_now).await.status, 409);
    assert_eq!(serving(&world, &app).await.1, ["https://preview-7.lessons.example/cb"]);
}
