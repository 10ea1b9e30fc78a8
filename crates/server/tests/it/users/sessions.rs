//! Sessions: how long they live, where they are seen, how they end.

use super::{ADA, BELA, is_signed_in};
use crate::support::{Browser, World};
use std::time::Duration;

async fn world() -> World {
    let world = World::new().await;
    world.person(ADA).await;
    world.person(BELA).await;
    world
}

async fn signed_in<'w>(world: &'w World, email: &str) -> Browser<'w> {
    let browser = world.browser();
    browser.sign_in(email).await;
    browser
}

/// The ids of the sessions that the page lists, latest first, and which of them is this browser's.
async fn listed(browser: &Browser<'_>) -> Vec<String> {
    let html = browser.get("/account/sessions").await.html;
    let rows = html.split("name=\"session\" value=\"").skip(1);
    rows.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

async fn end(browser: &Browser<'_>, session: &str) -> crate::support::Page {
    let mut form = browser.get("/account/sessions").await.form("/account/sessions/end");
    form.set("session", session);
    browser.submit(&form).await
}

#[tokio::test]
async fn a_session_ends_by_itself_after_two_weeks() {
    let world = world().await;
    let browser = signed_in(&world, ADA).await;
    world.wait(Duration::from_secs(14 * 86_400 - 1));
    assert!(is_signed_in(&browser).await);
    world.wait(Duration::from_secs(1));
    assert!(!is_signed_in(&browser).await);
    assert_eq!(browser.cookie("jm_session"), None, "the browser is told to forget it");
}

#[tokio::test]
async fn a_person_sees_their_own_sessions_alone() {
    let world = world().await;
    let first = signed_in(&world, ADA).await;
    signed_in(&world, BELA).await;
    world.wait(Duration::from_secs(1));
    signed_in(&world, ADA).await;
    assert_eq!(listed(&first).await.len(), 2);
    assert_eq!(first.get("/account/sessions").await.html.matches("This browser").count(), 1);
}

#[tokio::test]
async fn one_session_ends_and_the_others_go_on() {
    let world = world().await;
    let (here, elsewhere) = (signed_in(&world, ADA).await, world.browser());
    world.wait(Duration::from_secs(1));
    elsewhere.sign_in(ADA).await;
    let latest = listed(&here).await[0].clone();
    let page = end(&here, &latest).await;
    assert!(here.follow(page).await.text().contains("That session is signed out."));
    assert!(is_signed_in(&here).await);
    assert!(!is_signed_in(&elsewhere).await);
}

#[tokio::test]
async fn nobody_ends_somebody_elses_session() {
    let world = world().await;
    let (ada, bela) = (signed_in(&world, ADA).await, signed_in(&world, BELA).await);
    let of_bela = listed(&bela).await[0].clone();
    end(&ada, &of_bela).await;
    assert!(is_signed_in(&bela).await);
}

#[tokio::test]
async fn to_end_this_session_is_to_sign_out() {
    let world = world().await;
    let browser = signed_in(&world, ADA).await;
    let this = listed(&browser).await[0].clone();
    let page = end(&browser, &this).await;
    assert_eq!(page.location().as_deref(), Some("/sign-in?done=signed-out"));
    assert_eq!(browser.cookie("jm_session"), None);
}

#[tokio::test]
async fn signing_out_everywhere_ends_them_all() {
    let world = world().await;
    let (here, elsewhere, bela) =
        (signed_in(&world, ADA).await, signed_in(&world, ADA).await, signed_in(&world, BELA).await);
    let form = here.get("/account/sessions").await.form("/account/sessions/end-all");
    assert_eq!(here.submit(&form).await.location().as_deref(), Some("/sign-in?done=signed-out"));
    assert!(!is_signed_in(&here).await && !is_signed_in(&elsewhere).await);
    assert!(is_signed_in(&bela).await);
}

#[tokio::test]
async fn another_site_ends_no_session() {
    let world = world().await;
    let browser = signed_in(&world, ADA).await;
    for path in ["/account/sessions/end", "/account/sessions/end-all"] {
        browser.post(path, &[("csrf", "1.AAAA"), ("session", "x")]).await.is_closed(403, "form_expired");
    }
    // Nor does the form of an earlier session.
    let form = browser.get("/account/sessions").await.form("/account/sessions/end-all");
    browser.sign_in_elsewhere(ADA).await;
    browser.submit(&form).await.is_closed(403, "form_expired");
    assert!(is_signed_in(&browser).await);
}

#[tokio::test]
async fn locking_an_account_ends_its_sessions_at_once() {
    let world = world().await;
    let browser = signed_in(&world, ADA).await;
    world.execute("UPDATE users SET locked_at = 1 WHERE email = $1", &[ADA]).await;
    assert!(!is_signed_in(&browser).await);
}

#[tokio::test]
async fn the_last_use_is_noted_to_the_minute() {
    let world = world().await;
    let browser = signed_in(&world, ADA).await;
    let seen = "SELECT MAX(last_seen_at) - MAX(created_at) FROM sessions";
    world.wait(Duration::from_secs(59));
    assert!(is_signed_in(&browser).await);
    world.wait(Duration::from_secs(1));
    assert!(is_signed_in(&browser).await);
    // It is written in the background: the first of the two uses was too early to be.
    for _ in 0..500 {
        let noted = world.count(seen, &[]).await;
        if noted != 0 {
            assert_eq!(noted, 60_000);
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the use was not noted");
}

#[tokio::test]
async fn what_a_browser_calls_itself_is_bounded_and_shown_as_text() {
    let world = world().await;
    world.give_password(ADA).await;
    let browser = world.browser();
    let name = format!("<b>Firefox/</b> on Windows {}", "x".repeat(5000));
    let answer = super::try_from(&browser, ADA, crate::support::PASSWORD, &[("user-agent", &name)]).await;
    assert_eq!(answer.status, 303);
    assert_eq!(world.count("SELECT MAX(LENGTH(user_agent)) FROM sessions", &[]).await, 300);
    let page = browser.get("/account/sessions").await;
    assert!(page.text().contains("Firefox on Windows") && !page.html.contains("<b>"));
}

/// The old password was compared, and is another by the time the session would begin: it does not begin, on no node.
#[tokio::test(flavor = "multi_thread")]
async fn no_session_begins_with_a_password_that_is_changed_at_that_moment() {
    let world = World::with("database.connections = 8").await;
    world.person("asha@example.com").await;
    let browser = world.browser();
    let page = browser.get("/sign-in").await;
    world.give_password("asha@example.com").await;
    let db = world.app.db.clone();
    let (begun, waits) = std::sync::mpsc::channel();
    let changing = tokio::spawn(async move {
        let change = sql::Statement::new("TEST", "UPDATE users SET password_hash = 'another'");
        let sessions = sql::Statement::new("TEST", "DELETE FROM sessions");
        let unit = db.write(move |tx| {
            tx.execute(&change, &[])?;
            let ended = tx.execute(&sessions, &[]);
            let _ = begun.send(());
            // As long as it takes to compare the old one, and to begin.
            std::thread::sleep(Duration::from_millis(1_500));
            ended
        });
        unit.await
    });
    tokio::task::spawn_blocking(move || waits.recv()).await.unwrap().unwrap();
    let mut form = page.form("/sign-in");
    form.set("email", "asha@example.com");
    form.set("password", crate::support::PASSWORD);
    browser.submit(&form).await;
    changing.await.unwrap().unwrap();
    assert_eq!(world.count("SELECT COUNT(*) FROM sessions", &[]).await, 0);
    assert_eq!(browser.get("/account").await.status, 303, "nobody is signed in");
}
