//! Deciding on an app's page.

use std::time::Duration;

use jiomeet_oauth::apps::{AppStatus, Change};
use jiomeet_oauth::audit::{Actor, Record};
use jiomeet_oauth::ids::DecisionId;
use jiomeet_oauth::random::Random;
use jiomeet_oauth::review::{Decider, Decision, Reason, ReasonKind, Verdict};
use jiomeet_oauth::users::{self, Role, Roles};
use protocol::redirect_uri::ClientKind;

use super::people::{decide, path};
use crate::support::{TestApp, World};

async fn reasons(world: &World, app: &TestApp) -> Vec<Reason> {
    let id = app.id.clone();
    let text: String = world
        .write(move |tx| {
            let statement = sql::Statement::new(
                "TEST",
                "SELECT reasons FROM review_decisions WHERE app_id = $1 ORDER BY decided_at DESC LIMIT 1",
            );
            tx.one(&statement, sql::params![id], |row| row.get(0))
        })
        .await;
    Reason::list_from_json(&text)
}

async fn waiting(world: &World) -> TestApp {
    let app = world.draft_app("planner", ClientKind::Confidential).await;
    world.screen().await;
    app
}

#[tokio::test]
async fn an_app_in_order_is_approved_and_its_developer_told() {
    let world = World::new().await;
    let app = waiting(&world).await;
    let reviewer = world.reviewer().await;
    let page = reviewer.get(&path(&app)).await;
    assert!(page.text().contains("https://planner.example/policy"), "{}", page.text());
    let answer = decide(&reviewer, &page, &app, "approve", &[]).await;
    assert_eq!(answer.location().as_deref(), Some("/review?done=approved"), "{}", answer.html);
    assert_eq!(world.status(&app).await, AppStatus::Approved);
    let mails = world.count("SELECT COUNT(*) FROM outbox WHERE recipient = $1", &["planner-dev@example.com"]).await;
    assert_eq!(mails, 1);
    let entries = world
        .count("SELECT COUNT(*) FROM audit WHERE action = 'app.approved' AND app_id = $1", &[app.id.as_str()])
        .await;
    assert_eq!(entries, 1);
}

#[tokio::test]
async fn a_rejection_gives_every_reason_at_once_each_with_its_url() {
    let world = World::new().await;
    let app = waiting(&world).await;
    let reviewer = world.reviewer().await;
    let page = reviewer.get(&path(&app)).await;
    let wrong = [
        ("policy_url", "invalid", "It answers 404."),
        ("homepage_url", "suspicious", ""),
        ("scopes", "other", "A planner deletes nothing."),
    ];
    let answer = decide(&reviewer, &page, &app, "reject", &wrong).await;
    assert_eq!(answer.location().as_deref(), Some("/review?done=rejected"), "{}", answer.html);
    assert_eq!(world.status(&app).await, AppStatus::Rejected);
    let reasons = reasons(&world, &app).await;
    let kinds: Vec<ReasonKind> = reasons.iter().map(|reason| reason.kind).collect();
    assert_eq!(kinds, [ReasonKind::Suspicious, ReasonKind::Invalid, ReasonKind::Other]);
    assert_eq!(reasons[1].urls, ["https://planner.example/policy"]);
    assert!(reasons[1].text.contains("It answers 404."));
    let page = reviewer.get(&path(&app)).await;
    assert!(page.text().contains("It answers 404."), "in the history: {}", page.text());
}

#[tokio::test]
async fn nothing_is_decided_before_the_whole_checklist_is() {
    let world = World::new().await;
    let app = waiting(&world).await;
    let reviewer = world.reviewer().await;
    let page = reviewer.get(&path(&app)).await;
    let answer =
        decide(&reviewer, &page, &app, "reject", &[("policy_url", "invalid", "Broken."), ("scopes", "", "")]).await;
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("Say whether this is in order, or what is wrong with it."), "{}", answer.text());
    assert!(answer.html.contains("value=\"Broken.\""), "nothing typed is lost");
    let answer = decide(&reviewer, &page, &app, "approve", &[("policy_url", "invalid", "")]).await;
    assert_eq!(answer.status, 400, "not with a reason against it");
    let answer = decide(&reviewer, &page, &app, "hold", &[]).await;
    assert_eq!(answer.status, 400, "not without one");
    let answer = decide(&reviewer, &page, &app, "delete", &[]).await;
    assert_eq!(answer.status, 400);
    assert_eq!(world.status(&app).await, AppStatus::InReview);
}

#[tokio::test]
async fn nobody_decides_on_an_app_they_own_or_work_on() {
    let world = World::new().await;
    let app = waiting(&world).await;
    let owner = app.owner.clone();
    world.write(move |tx| users::set_roles(tx, &owner, Roles::default().with(Role::Reviewer))).await;
    let collaborator = world.with_role("ravi@example.com", Role::Admin).await;
    let added = world
        .execute(
            "INSERT INTO collaborators (app_id, user_id, added_at) VALUES ($1, $2, 0)",
            &[app.id.as_str(), collaborator.as_str()],
        )
        .await;
    assert_eq!(added, 1);
    for email in ["planner-dev@example.com", "ravi@example.com"] {
        let browser = world.browser();
        browser.sign_in(email).await;
        let page = browser.get(&path(&app)).await;
        assert!(page.text().contains("another reviewer has to decide"), "{}", page.text());
        let action = format!("{}/decide", path(&app));
        assert!(!page.has_form(&action));
        assert!(!page.has_form(&format!("{}/suspend", path(&app))));
    }
    // The unit refuses too, whatever a form may have said.
    for user in [app.owner.clone(), collaborator] {
        for decision in [Decision::Approve, Decision::Hold, Decision::Reject, Decision::Suspend] {
            let change = verdict_of(&world, &app, Decider::Reviewer(user.clone()), decision).await;
            assert!(matches!(change, Change::Refused(why) if why.contains("another reviewer")), "{decision:?}");
        }
    }
    assert_eq!(world.status(&app).await, AppStatus::InReview);
}

async fn verdict_of(world: &World, app: &TestApp, by: Decider, decision: Decision) -> Change {
    let random = Random::default();
    let verdict = Verdict {
        id: DecisionId::mint(&random),
        decision,
        reasons: vec![Reason::written("Seen in a test.")],
        by,
        seen: None,
        at: world.now(),
        record: Record::new(&random, world.now(), Actor::System, decision.action()).app(&app.id),
    };
    let id = app.id.clone();
    world.write(move |tx| jiomeet_oauth::review::decide(tx, &id, &verdict)).await
}

#[tokio::test]
async fn whoever_is_no_reviewer_any_more_decides_nothing() {
    let world = World::new().await;
    let app = waiting(&world).await;
    let user = world.with_role("ravi@example.com", Role::Reviewer).await;
    let unit = user.clone();
    world.write(move |tx| users::set_roles(tx, &unit, Roles::default().with(Role::User))).await;
    let change = verdict_of(&world, &app, Decider::Reviewer(user), Decision::Approve).await;
    assert!(matches!(change, Change::Refused(why) if why.contains("not a reviewer")));
    let person = world.person("somebody@example.com").await;
    let change = verdict_of(&world, &app, Decider::Reviewer(person), Decision::Approve).await;
    assert!(matches!(change, Change::Refused(_)));
}

#[tokio::test]
async fn a_page_that_is_out_of_date_decides_nothing() {
    let world = World::new().await;
    let app = waiting(&world).await;
    let reviewer = world.reviewer().await;
    let page = reviewer.get(&path(&app)).await;
    world.wait(Duration::from_secs(60));
    world.decide(&app, Decision::Hold).await;
    world.submit(&app.id).await;
    world.screen().await;
    let answer = decide(&reviewer, &page, &app, "approve", &[]).await;
    assert_eq!(answer.status, 409);
    assert!(answer.text().contains("has changed since you opened this page"), "{}", answer.text());
    assert_eq!(world.status(&app).await, AppStatus::InReview);
}

/// On hold an app could still be approved; not by somebody whose page was made before it was held.
#[tokio::test]
async fn whoever_comes_second_looks_again() {
    let world = World::new().await;
    let app = waiting(&world).await;
    let (first, second) = (world.reviewer().await, world.browser());
    world.with_role("rosa@example.com", Role::Reviewer).await;
    second.sign_in("rosa@example.com").await;
    let (one, other) = (first.get(&path(&app)).await, second.get(&path(&app)).await);
    let answer = decide(&first, &one, &app, "hold", &[("name", "other", "Ask for another.")]).await;
    assert_eq!(answer.location().as_deref(), Some("/review?done=held"), "{}", answer.html);
    let answer = decide(&second, &other, &app, "approve", &[]).await;
    assert_eq!(answer.status, 409);
    assert!(answer.text().contains("Another reviewer has decided since you opened this page"), "{}", answer.text());
    assert_eq!(world.status(&app).await, AppStatus::OnHold);
    let page = second.get(&path(&app)).await;
    assert_eq!(decide(&second, &page, &app, "approve", &[]).await.status, 303);
}

#[tokio::test]
async fn an_app_is_not_approved_before_the_screening_has_looked() {
    let world = World::new().await;
    let app = world.draft_app("planner", ClientKind::Confidential).await;
    let reviewer = world.reviewer().await;
    let page = reviewer.get(&path(&app)).await;
    assert!(page.text().contains("The checks are running"), "{}", page.text());
    let answer = decide(&reviewer, &page, &app, "approve", &[]).await;
    assert_eq!(answer.status, 409);
    assert!(answer.text().contains("The screening is still running"), "{}", answer.text());
    world.screen().await;
    let answer = decide(&reviewer, &page, &app, "approve", &[]).await;
    assert_eq!(answer.status, 303, "{}", answer.html);
}

#[tokio::test]
async fn two_reviewers_at_once_make_one_decision() {
    let world = World::new().await;
    for round in 0..5 {
        let app = world.draft_app(&format!("planner{round}"), ClientKind::Confidential).await;
        world.screen().await;
        let mut users = Vec::new();
        for reviewer in 0..2 {
            users.push(world.with_role(&format!("r{round}-{reviewer}@example.com"), Role::Reviewer).await);
        }
        let decisions = [Decision::Approve, Decision::Reject];
        let (one, other) = tokio::join!(
            verdict_of(&world, &app, Decider::Reviewer(users[0].clone()), decisions[0]),
            verdict_of(&world, &app, Decider::Reviewer(users[1].clone()), decisions[1]),
        );
        let done = [&one, &other].into_iter().filter(|change| **change == Change::Done).count();
        assert_eq!(done, 1, "{one:?} {other:?}");
        let rows = world.count("SELECT COUNT(*) FROM review_decisions WHERE app_id = $1", &[app.id.as_str()]).await;
        assert_eq!(rows, 1);
    }
}

#[tokio::test]
async fn a_form_of_another_site_decides_nothing() {
    let world = World::new().await;
    let app = waiting(&world).await;
    let reviewer = world.reviewer().await;
    let answer = reviewer.post(&format!("{}/suspend", path(&app)), &[("csrf", "1.forged"), ("reason", "x")]).await;
    answer.is_closed(403, "form_expired");
    assert_eq!(world.status(&app).await, AppStatus::InReview);
}

#[tokio::test]
async fn an_approved_app_is_suspended_with_a_reason_and_reinstated() {
    let world = World::new().await;
    let app = world.approved_app("planner").await;
    let reviewer = world.reviewer().await;
    let suspend = format!("{}/suspend", path(&app));
    let csrf = reviewer.get(&path(&app)).await.form(&suspend).value("csrf");
    let answer = reviewer.post(&suspend, &[("csrf", &csrf), ("reason", " ")]).await;
    assert_eq!(answer.status, 400, "not without a reason");
    world.wait(Duration::from_secs(1));
    let fields = [
        ("csrf", csrf.as_str()),
        ("kind", "malicious"),
        ("url", "https://planner.example/"),
        ("reason", "It serves malware since this morning."),
    ];
    let answer = reviewer.post(&suspend, &fields).await;
    assert_eq!(answer.status, 303, "{}", answer.html);
    let details = world.details(&app).await;
    assert_eq!(details.status, AppStatus::Suspended);
    assert!(details.suspended_reason.unwrap().contains("malware"));
    assert!(details.epoch >= world.now(), "what it holds is dead");
    assert_eq!(reasons(&world, &app).await[0].kind, ReasonKind::Malicious);

    let page = reviewer.follow(answer).await;
    let reinstate = page.form(&format!("{}/reinstate", path(&app)));
    assert_eq!(reviewer.submit(&reinstate).await.status, 303);
    assert_eq!(world.status(&app).await, AppStatus::Approved);
    let again = reviewer.submit(&reinstate).await;
    assert_eq!(again.status, 409, "{}", again.text());
}

#[tokio::test]
async fn a_reviewer_has_it_looked_at_again() {
    let world = World::new().await;
    let app = waiting(&world).await;
    let reviewer = world.reviewer().await;
    let page = reviewer.get(&path(&app)).await;
    let answer = reviewer.submit(&page.form(&format!("{}/screen", path(&app)))).await;
    assert_eq!(answer.status, 303, "{}", answer.html);
    let page = reviewer.get(&path(&app)).await;
    assert!(page.text().contains("The checks are running"), "{}", page.text());
    assert_eq!(world.screen().await, 1);
}
