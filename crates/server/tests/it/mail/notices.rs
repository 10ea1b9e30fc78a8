//! Who is told what about an app: in the unit of what happened, so never without it and never instead of it.

use jiomeet_oauth::review::Decision;
use jiomeet_oauth::users::{self, Role, Roles};
use protocol::redirect_uri::ClientKind;

use crate::oauth::flow::{allow, authorize_url, code_in};
use crate::support::World;
use crate::support::smtp::{MailServer, Mood, Taken, config};

const ADA: &str = "ada@example.com";

async fn make_reviewer(world: &World, email: &str) {
    let id = world.person(email).await;
    world.write(move |tx| users::set_roles(tx, &id, Roles::default().with(Role::Reviewer))).await;
}

async fn world() -> (World, MailServer) {
    let server = MailServer::start(Mood::Accepts).await;
    let world = World::with(&server.config()).await;
    (world, server)
}

fn to<'t>(taken: &'t [Taken], address: &str) -> Vec<&'t Taken> {
    taken.iter().filter(|mail| mail.to == address).collect()
}

#[tokio::test]
async fn reviewers_are_told_of_a_submission_and_developers_of_each_decision_with_every_reason() {
    let (world, server) = world().await;
    make_reviewer(&world, "ravi@example.com").await;
    make_reviewer(&world, "rosa@example.com").await;
    let app = world.draft_app("planner", ClientKind::Confidential).await;
    world.post_mail().await;
    let taken = server.taken();
    for reviewer in ["ravi@example.com", "rosa@example.com"] {
        let [mail] = to(&taken, reviewer).try_into().unwrap();
        assert_eq!(mail.header("Subject"), "planner waits for its review");
        assert!(mail.body().contains(&world.url(&format!("/review/apps/{}", app.id))), "{}", mail.body());
    }
    assert_eq!(taken.len(), 2, "nobody else");

    for (decision, subject) in [
        (Decision::Hold, "planner is on hold"),
        (Decision::Approve, "planner is approved"),
        (Decision::Suspend, "planner is suspended"),
        (Decision::Reinstate, "planner is reinstated"),
    ] {
        world.wait(std::time::Duration::from_secs(1));
        world.decide(&app, decision).await;
        world.post_mail().await;
        let taken = server.taken();
        let mails = to(&taken, "planner-dev@example.com");
        let mail = mails.last().unwrap();
        assert_eq!(mail.header("Subject"), subject);
        assert!(mail.body().contains("Seen in a test."), "{}", mail.body());
        assert!(mail.body().contains(&world.url(&format!("/oauth/apps/{}", app.id))), "{}", mail.body());
    }
    assert_eq!(to(&server.taken(), "planner-dev@example.com").len(), 4);
}

#[tokio::test]
async fn nobody_is_asked_to_review_an_app_of_their_own() {
    let (world, server) = world().await;
    let app = world.draft_app("planner", ClientKind::Confidential).await;
    let owner = app.owner.clone();
    world.write(move |tx| users::set_roles(tx, &owner, Roles::default().with(Role::Reviewer))).await;
    world.decide(&app, Decision::Hold).await;
    let random = jiomeet_oauth::random::Random::default();
    let record =
        jiomeet_oauth::audit::Record::new(&random, world.now(), jiomeet_oauth::audit::Actor::Operator, "app.submitted");
    let (id, now) = (app.id.clone(), world.now());
    world.write(move |tx| jiomeet_oauth::apps::submit(tx, &id, now, &record)).await;
    world.post_mail().await;
    let subjects: Vec<String> = server.taken().iter().map(|mail| mail.header("Subject")).collect();
    assert_eq!(subjects, ["planner is on hold"]);
}

#[tokio::test]
async fn a_decision_stands_though_no_mail_server_is_there() {
    let server = MailServer::start(Mood::Accepts).await;
    server.stop();
    let world = World::with(&config(server.port)).await;
    let app = world.approved_app("planner").await;
    world.post_mail().await;
    let approved = "SELECT COUNT(*) FROM app_revisions r JOIN apps a ON a.approved_revision_id = r.id WHERE a.id = $1";
    assert_eq!(world.count(approved, &[app.id.as_str()]).await, 1);
    assert_eq!(world.count("SELECT COUNT(*) FROM outbox WHERE due_at IS NOT NULL", &[]).await, 1);
}

#[tokio::test]
async fn a_person_is_told_of_the_first_grant_to_an_app_and_how_to_take_it_back() {
    let (world, server) = world().await;
    let app = world.approved_app("planner").await;
    world.person(ADA).await;
    let browser = world.browser();
    browser.sign_in(ADA).await;
    let mut form = allow(&browser.get(&authorize_url(&app, &[])).await);
    form.tick("meeting:delete", false);
    code_in(&browser.submit(&form).await, &app);
    world.post_mail().await;
    let taken = server.taken();
    let [mail] = to(&taken, ADA).try_into().unwrap();
    assert_eq!(mail.header("Subject"), "You allowed planner to use your JioMeet account");
    let body = mail.body();
    assert!(body.contains("By: planner-dev Tester"), "{body}");
    assert!(body.contains(&world.url("/account/connected-apps")), "{body}");
    let words = |scope: &str| &*world.app.catalogue.scopes.find(scope).unwrap().description;
    assert!(body.contains(words("user:read")) && !body.contains(words("meeting:delete")), "{body}");

    // The second time is no news.
    let form = allow(&browser.get(&authorize_url(&app, &[("prompt", "consent")])).await);
    code_in(&browser.submit(&form).await, &app);
    world.post_mail().await;
    assert_eq!(to(&server.taken(), ADA).len(), 1);
}

#[tokio::test]
async fn who_denies_is_told_nothing() {
    let (world, server) = world().await;
    let app = world.approved_app("planner").await;
    world.person(ADA).await;
    let browser = world.browser();
    browser.sign_in(ADA).await;
    let form = crate::oauth::flow::deny(&browser.get(&authorize_url(&app, &[])).await);
    browser.submit(&form).await;
    world.post_mail().await;
    assert!(to(&server.taken(), ADA).is_empty());
}

/// Lesson S18: whatever a request claims, links lead to the issuer.
#[tokio::test]
async fn links_are_built_from_the_issuer_alone() {
    let (world, server) = world().await;
    let app = world.approved_app("planner").await;
    world.person(ADA).await;
    let browser = world.browser();
    browser.sign_in(ADA).await;
    let form = allow(&browser.get(&authorize_url(&app, &[])).await);
    let fields: Vec<(&str, &str)> = form.sent().collect();
    let forged = [("x-forwarded-host", "evil.example"), ("forwarded", "host=evil.example;proto=https")];
    browser.post_from(&form.action, &fields, &forged).await;
    world.post_mail().await;
    for mail in server.taken() {
        assert!(!mail.data.contains("evil.example"), "{}", mail.data);
        let body = mail.body();
        let urls = body.lines().filter(|line| line.contains("://"));
        assert!(urls.clone().count() > 0);
        assert!(urls.into_iter().all(|line| line.starts_with(world.app.issuer.as_str())), "{body}");
    }
}
