//! Lesson S12: a person who was locked, an app that was suspended, a password that was changed counted when a flow began and
//! not when it ended, so codes were still redeemed and tokens still refreshed.

use jiomeet_oauth::ids::UserId;
use jiomeet_oauth::review::Decision;

use crate::oauth::{bearer_call, redeem, refresh};
use crate::support::{PASSWORD, TestApp, Tokens, World};

/// What ends everything before it, in the product's own ways.
#[derive(Debug, Clone, Copy)]
enum End {
    Lock,
    Suspend,
    ChangePassword,
    RemoveApp,
    DeleteAccount,
}

async fn come(end: End, world: &World, app: &TestApp, user: &UserId, email: &str) {
    let (user, id, now) = (user.clone(), app.id.clone(), world.now());
    match end {
        End::Lock => world.write(move |tx| jiomeet_oauth::users::lock(tx, &user, now).map(drop)).await,
        End::Suspend => world.decide(app, Decision::Suspend).await,
        End::RemoveApp => {
            let random = world.app.random.clone();
            world.write(move |tx| jiomeet_oauth::oauth::remove_access(tx, &random, &user, &id, "", now)).await;
        }
        End::ChangePassword => {
            let browser = world.browser();
            browser.sign_in(email).await;
            let mut form = browser.get("/account/password").await.form("/account/password");
            form.set("current_password", PASSWORD);
            form.set("new_password", "three umbrellas, one bus");
            form.set("new_password_again", "three umbrellas, one bus");
            form.tick("yes", true);
            assert_eq!(browser.submit(&form).await.status, 303);
        }
        End::DeleteAccount => {
            let sql = "UPDATE users SET deleted_at = 1, epoch = 9000000000000 WHERE id = $1";
            world.execute(sql, &[user.as_str()]).await;
        }
    }
}

#[tokio::test]
async fn what_ends_a_person_or_an_app_ends_codes_and_tokens_at_every_step() {
    let world = World::new().await;
    for (number, end) in
        [End::Lock, End::Suspend, End::ChangePassword, End::RemoveApp, End::DeleteAccount].into_iter().enumerate()
    {
        let app = world.approved_app(&format!("planner{number}")).await;
        let email = format!("ada{number}@example.com");
        let ada = world.person(&email).await;
        // Between authorization and token, between two refreshes, and between two calls.
        let waiting = world.code(&app, &ada).await;
        let granted = redeem(&world, &app, &world.code(&app, &ada).await).await.tokens();
        let refreshed = refresh(&world, &app, &granted.refresh).await.tokens();
        bearer_call(&world, &refreshed.access).await.unwrap();

        come(end, &world, &app, &ada, &email).await;

        for answer in [redeem(&world, &app, &waiting).await, refresh(&world, &app, &refreshed.refresh).await] {
            assert_eq!((answer.status, answer.text_of("error").as_str()), (400, "invalid_grant"), "{end:?}");
        }
        for access in [&granted.access, &refreshed.access] {
            bearer_call(&world, access).await.unwrap_err().is(401, "token_revoked");
        }
        // Within the grace, the answer that was lost is lost.
        assert_eq!(refresh(&world, &app, &granted.refresh).await.status, 400, "{end:?}");
    }
}

async fn granted(world: &World) -> (TestApp, Tokens) {
    let app = world.approved_app("planner").await;
    let ada = world.person(super::ADA).await;
    let tokens = redeem(world, &app, &world.code(&app, &ada).await).await.tokens();
    (app, tokens)
}

#[tokio::test]
async fn nothing_comes_of_a_code_whose_ground_is_gone() {
    let world = World::new().await;
    let ada = world.person("ada@example.com").await;
    let cases: &[(&str, &str, &str)] = &[
        ("locked", "UPDATE users SET locked_at = 1 WHERE id = $1", "code_revoked"),
        ("deleted", "UPDATE users SET deleted_at = 1 WHERE id = $1", "code_revoked"),
        ("ended", "UPDATE users SET epoch = 9000000000000 WHERE id = $1", "code_revoked"),
        ("withdrawn", "DELETE FROM consents WHERE user_id = $1", "code_revoked"),
    ];
    for (name, sql, fault) in cases {
        let app = world.approved_app(name).await;
        let eve = world.person(&format!("{name}@example.com")).await;
        let code = world.code(&app, &eve).await;
        world.execute(sql, &[eve.as_str()]).await;
        redeem(&world, &app, &code).await.is_refused(400, "invalid_grant", fault);
    }
    let cases: &[(&str, &str, &str)] = &[
        ("gone", "UPDATE apps SET deleted_at = 1 WHERE id = $1", "client_inactive"),
        ("all-ended", "UPDATE apps SET epoch = 9000000000000 WHERE id = $1", "code_revoked"),
        ("narrowed", "UPDATE apps SET serving_scopes = '' WHERE id = $1", "code_revoked"),
    ];
    for (name, sql, fault) in cases {
        let app = world.approved_app(name).await;
        let code = world.code(&app, &ada).await;
        world.execute(sql, &[app.id.as_str()]).await;
        redeem(&world, &app, &code).await.is_refused(400, "invalid_grant", fault);
    }
}

#[tokio::test]
async fn who_is_locked_suspended_or_ended_refreshes_no_more() {
    let world = World::new().await;
    let cases = [
        ("lock", "UPDATE users SET locked_at = 1 WHERE id = $1", "grant_ended"),
        ("password", "UPDATE users SET epoch = 9000000000000 WHERE id = $1", "grant_ended"),
        ("delete", "UPDATE users SET deleted_at = 1 WHERE id = $1", "grant_ended"),
    ];
    for (name, sql, fault) in cases {
        let app = world.approved_app(name).await;
        let user = world.person(&format!("{name}@example.com")).await;
        let tokens = redeem(&world, &app, &world.code(&app, &user).await).await.tokens();
        world.execute(sql, &[user.as_str()]).await;
        refresh(&world, &app, &tokens.refresh).await.is_refused(400, "invalid_grant", fault);
        bearer_call(&world, &tokens.access).await.unwrap_err().is(401, "token_revoked");
    }
    let (app, tokens) = granted(&world).await;
    world.decide(&app, Decision::Suspend).await;
    refresh(&world, &app, &tokens.refresh).await.is_refused(400, "invalid_grant", "client_inactive");
    world.decide(&app, Decision::Reinstate).await;
    refresh(&world, &app, &tokens.refresh).await.is_refused(400, "invalid_grant", "grant_ended");
}
