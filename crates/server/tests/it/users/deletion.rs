//! The end of an account.

use jiomeet_oauth::users::{self, Role, Roles};

use super::{can_sign_in, is_signed_in, latest_to, send_form, world_with_mail};
use crate::oauth::{bearer_call, redeem, refresh};
use crate::support::{Browser, PASSWORD, Page};

const ADA: &str = "ada@example.com";

async fn delete(browser: &Browser<'_>, password: &str) -> Page {
    send_form(browser, "/account/delete", "/account/delete", &[("password", password)]).await
}

#[tokio::test]
async fn everything_ends_at_once_and_the_address_is_free_again() {
    let (world, server) = world_with_mail().await;
    let app = world.approved_app("planner").await;
    let ada = world.person(ADA).await;
    let tokens = redeem(&world, &app, &world.code(&app, &ada).await).await.tokens();
    let code = world.code(&app, &ada).await;
    let (browser, elsewhere) = (world.browser(), world.browser());
    browser.sign_in(ADA).await;
    elsewhere.sign_in(ADA).await;

    let done = delete(&browser, PASSWORD).await;
    assert_eq!(done.location().as_deref(), Some("/sign-in?done=deleted"), "{}", done.html);
    assert!(!is_signed_in(&browser).await && !is_signed_in(&elsewhere).await);
    assert!(!can_sign_in(&world, ADA, PASSWORD).await);
    bearer_call(&world, &tokens.access).await.unwrap_err().is(401, "token_revoked");
    assert_eq!(refresh(&world, &app, &tokens.refresh).await.status, 400);
    assert_eq!(redeem(&world, &app, &code).await.status, 400);
    assert_eq!(world.count("SELECT COUNT(*) FROM consents", &[]).await, 0);
    assert_eq!(world.count("SELECT COUNT(*) FROM users WHERE email LIKE '%ada%' OR name LIKE '%ada%'", &[]).await, 0);
    assert_eq!(world.count("SELECT COUNT(*) FROM audit WHERE action = 'user.deleted'", &[]).await, 1);
    let told = latest_to(&world, &server, ADA).await;
    assert_eq!(told.header("Subject"), "Your JioMeet account was deleted");

    world.person(ADA).await;
    assert_ne!(world.count("SELECT COUNT(*) FROM users WHERE email = $1", &[ADA]).await, 0);
    bearer_call(&world, &tokens.access).await.unwrap_err().is(401, "token_revoked");
}

#[tokio::test]
async fn its_meetings_go_in_the_background_and_nobody_elses() {
    let (world, _server) = world_with_mail().await;
    let (ada, bela) = (world.person(ADA).await, world.person("bela@example.com").await);
    // More than two batches.
    let meetings =
        "INSERT INTO meetings (id, jiomeet_id, user_id, topic, starts_at, ends_at, pin, created_at, changed_at)
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1201)
        SELECT $1 || CAST(i AS TEXT), $1 || CAST(i AS TEXT), $1, 'Talk', 0, 1, '', 0, 0 FROM n";
    for user in [&ada, &bela] {
        assert_eq!(world.execute(meetings, &[user.as_str()]).await, 1201);
        let month = "INSERT INTO meeting_months (user_id, month, singles) VALUES ($1, 0, 1201)";
        world.execute(month, &[user.as_str()]).await;
        let participant = "INSERT INTO meeting_participants (meeting_id, email, position, role) VALUES ($1 || '1', 'x@example.com', 0, 'host')";
        world.execute(participant, &[user.as_str()]).await;
    }
    let left = async |user: &str| {
        (
            world.count("SELECT COUNT(*) FROM meetings WHERE user_id = $1", &[user]).await,
            world.count("SELECT COUNT(*) FROM meeting_months WHERE user_id = $1", &[user]).await,
            world.count("SELECT COUNT(*) FROM meeting_participants WHERE meeting_id = $1 || '1'", &[user]).await,
        )
    };
    let browser = world.browser();
    browser.sign_in(ADA).await;
    assert_eq!(delete(&browser, PASSWORD).await.status, 303);
    jiomeet_oauth::upkeep::run_once(&world.app).await;
    assert_eq!(left(ada.as_str()).await, (0, 0, 0));
    assert_eq!(left(bela.as_str()).await, (1201, 1, 1));
    assert_eq!(world.count("SELECT COUNT(*) FROM jobs WHERE kind <> 'sweeping'", &[]).await, 0);
}

#[tokio::test]
async fn the_password_is_asked_for_and_counted() {
    let (world, _server) = world_with_mail().await;
    world.person(ADA).await;
    let browser = world.browser();
    browser.sign_in(ADA).await;
    for _ in 0..10 {
        assert_eq!(delete(&browser, "not my password").await.status, 403);
    }
    let limited = delete(&browser, PASSWORD).await;
    assert_eq!((limited.status, limited.header("retry-after")), (429, "30"));
    assert!(is_signed_in(&browser).await);
}

#[tokio::test]
async fn whoever_owns_apps_is_told_what_to_do_with_them_first() {
    let (world, _server) = world_with_mail().await;
    let app = world.approved_app("planner").await;
    let browser = world.browser();
    let email = "planner-dev@example.com";
    browser.sign_in(email).await;
    let page = browser.get("/account/delete").await;
    assert!(page.text().contains("Hand each of them to somebody else, or delete it"), "{}", page.text());
    assert_eq!(page.link("planner"), format!("/oauth/apps/{}", app.id));
    assert!(!page.has_form("/account/delete"));
    // A form that was open before the app was made.
    let csrf = browser.get("/account").await.form("/account").value("csrf");
    let refused = browser.post("/account/delete", &[("csrf", &csrf), ("password", PASSWORD)]).await;
    assert_eq!(refused.status, 409);
    assert!(is_signed_in(&browser).await);
}

#[tokio::test]
async fn the_only_admin_stays() {
    let (world, _server) = world_with_mail().await;
    let ada = world.person(ADA).await;
    let bela = world.person("bela@example.com").await;
    world.write(move |tx| users::set_roles(tx, &ada, Roles::default().with(Role::Admin))).await;
    let browser = world.browser();
    browser.sign_in(ADA).await;
    let refused = delete(&browser, PASSWORD).await;
    assert_eq!(refused.status, 409);
    assert!(refused.text().contains("You are the only admin."), "{}", refused.text());
    world.write(move |tx| users::set_roles(tx, &bela, Roles::default().with(Role::Admin))).await;
    assert_eq!(delete(&browser, PASSWORD).await.status, 303);
}
