//! Lesson S24: somebody with a little power got more by a way around (a role of one's own, an app of one's own under another
//! name), and narrowing what an app may do left old tokens as wide as before.

use jiomeet_oauth::apps::AppStatus;
use jiomeet_oauth::audit::{Actor, Record};
use jiomeet_oauth::ids::{DecisionId, UserId};
use jiomeet_oauth::random::Random;
use jiomeet_oauth::review::{Decider, Decision, Reason, Verdict};
use jiomeet_oauth::users::{self, Role, Roles};
use protocol::redirect_uri::ClientKind;

use crate::apps::edit;
use crate::oauth::{bearer_call, redeem, refresh};
use crate::support::{TestApp, World};

async fn with_roles(world: &World, email: &str, roles: &[Role]) -> UserId {
    let id = world.person(email).await;
    let (unit_id, roles): (UserId, Roles) = (id.clone(), roles.iter().copied().collect());
    world.write(move |tx| users::set_roles(tx, &unit_id, roles)).await;
    id
}

async fn roles_of(world: &World, id: &UserId) -> String {
    let id = id.clone();
    world.write(move |tx| users::find(tx, &id)).await.unwrap().roles.to_string()
}

fn page_of(id: &UserId) -> String {
    format!("/admin/users/{id}")
}

const ADA: &str = super::ADA;

/// Lesson S24: nobody raises themselves, by whatever path.
#[tokio::test]
async fn nobody_but_an_admin_sees_or_does_anything() {
    let world = World::new().await;
    let ada = with_roles(&world, ADA, &[Role::User]).await;
    world.browser().get("/admin/users").await;
    for (email, roles) in [
        ("user@example.com", &[Role::User][..]),
        ("dev@example.com", &[Role::Developer]),
        ("rev@example.com", &[Role::Reviewer, Role::Developer, Role::User]),
    ] {
        let own = with_roles(&world, email, roles).await;
        let browser = world.browser();
        browser.sign_in(email).await;
        let csrf = browser.get("/account").await.form("/account").value("csrf");
        browser.get("/admin/users").await.is_closed(403, "page_for_admins");
        assert!(!browser.get("/account").await.html.contains("/admin/users"), "no link either");
        for target in [&own, &ada] {
            browser.get(&page_of(target)).await.is_closed(403, "page_for_admins");
            for action in ["roles", "lock", "unlock", "grant-oauth", "end-sessions", "end-access"] {
                let fields = [("csrf", csrf.as_str()), ("role", "admin")];
                let answer = browser.post(&format!("{}/{action}", page_of(target)), &fields).await;
                answer.is_closed(403, "page_for_admins");
            }
        }
        // Nor by the form of their own profile.
        let fields = [("csrf", csrf.as_str()), ("name", "X"), ("lname", ""), ("role", "admin"), ("roles", "admin")];
        browser.post("/account", &fields).await;
        let expected: Roles = roles.iter().copied().collect();
        assert_eq!(roles_of(&world, &own).await, expected.to_string());
    }
    let signed_out = world.browser().get("/admin/users").await;
    assert!(signed_out.location().unwrap().starts_with("/sign-in?return="));
    assert_eq!(
        world.count("SELECT COUNT(*) FROM audit WHERE action LIKE 'user.%' AND action <> 'user.signed_in'", &[]).await,
        0
    );
}

async fn verdict(world: &World, app: &TestApp, by: &UserId, decision: Decision) {
    let random = Random::default();
    let verdict = Verdict {
        id: DecisionId::mint(&random),
        decision,
        reasons: vec![Reason::written("Seen in a test.")],
        by: Decider::Reviewer(by.clone()),
        seen: None,
        at: world.now(),
        record: Record::new(&random, world.now(), Actor::System, decision.action()).app(&app.id),
    };
    let id = app.id.clone();
    world.write(move |tx| jiomeet_oauth::review::decide(tx, &id, &verdict)).await;
}

/// A reviewer whose second account owns the app: what counts is who works on it, whichever hat they wear. An invitation that
/// was accepted binds, one that was taken back later does not unbind what was decided meanwhile.
#[tokio::test]
async fn no_reviewer_approves_an_app_through_a_second_account() {
    let world = World::new().await;
    let app = world.draft_app("planner", ClientKind::Confidential).await;
    world.screen().await;
    let ravi = with_roles(&world, "ravi@example.com", &[Role::Reviewer]).await;
    let add = "INSERT INTO collaborators (app_id, user_id, added_at) VALUES ($1, $2, 0)";
    world.execute(add, &[app.id.as_str(), ravi.as_str()]).await;
    verdict(&world, &app, &ravi, Decision::Approve).await;
    assert_eq!(world.status(&app).await, AppStatus::InReview);
    let owner = app.owner.clone();
    world.write(move |tx| users::set_roles(tx, &owner, Roles::default().with(Role::Reviewer).with(Role::Admin))).await;
    verdict(&world, &app, &app.owner, Decision::Approve).await;
    assert_eq!(world.status(&app).await, AppStatus::InReview);
}

/// What an app may no longer ask for its tokens no longer open, those that were given before among them.
#[tokio::test]
async fn narrowing_an_app_narrows_its_live_tokens_at_once() {
    let world = World::new().await;
    let app = world.draft_app("planner", ClientKind::Confidential).await;
    let dev = world.owner_of("planner").await;
    let code = world.code(&app, &app.owner).await;
    let tokens = redeem(&world, &app, &code).await.tokens();
    bearer_call(&world, &tokens.access).await.unwrap();
    crate::apps::send(&dev, &crate::apps::path(&app, "/withdraw"), &[]).await;
    let fields = crate::apps::good_but(&[("callback_url", &*app.redirect_uri), ("scope", "meeting:read")]);
    assert_eq!(edit(&dev, &app.id, "save", &fields).await.status, 303);
    bearer_call(&world, &tokens.access).await.unwrap_err().is(403, "scope_insufficient");
    let refreshed = refresh(&world, &app, &tokens.refresh).await.tokens();
    assert_eq!(refreshed.scope, "meeting:read");
    bearer_call(&world, &refreshed.access).await.unwrap_err().is(403, "scope_insufficient");
}
