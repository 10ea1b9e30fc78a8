//! Signing in and out: who gets a session, and what tells nothing to those who do not.

use jiomeet_oauth::users;

use super::{ADA, BELA, is_signed_in, try_to_sign_in};
use crate::support::{PASSWORD, World};

async fn world() -> World {
    let world = World::new().await;
    world.person(ADA).await;
    world.give_password(ADA).await;
    world
}

#[tokio::test]
async fn the_front_door_leads_to_the_account_or_to_the_sign_in_page() {
    let world = world().await;
    let browser = world.browser();
    assert_eq!(browser.get("/").await.location().as_deref(), Some("/sign-in"));
    browser.sign_in(ADA).await;
    assert_eq!(browser.get("/").await.location().as_deref(), Some("/account"));
    assert_eq!(browser.get("/sign-in").await.location().as_deref(), Some("/account"));
}

#[tokio::test]
async fn a_session_is_a_cookie_that_scripts_and_other_sites_cannot_use() {
    let world = world().await;
    let answer = try_to_sign_in(&world.browser(), ADA, PASSWORD).await;
    assert_eq!((answer.status, answer.location().as_deref()), (303, Some("/account")));
    let cookies: Vec<&str> =
        answer.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap()).collect();
    let session = cookies.iter().find(|cookie| cookie.starts_with("jm_session=")).unwrap();
    for attribute in ["; HttpOnly", "; SameSite=Lax", "; Path=/", "; Max-Age=1209600"] {
        assert!(session.contains(attribute), "{session}");
    }
    assert!(!session.contains("Domain"), "{session}");
}

#[tokio::test]
async fn the_database_knows_no_cookie() {
    let world = world().await;
    let browser = world.browser();
    browser.sign_in(ADA).await;
    let secret = browser.cookie("jm_session").unwrap();
    let stored = "SELECT COUNT(*) FROM sessions WHERE id = $1 OR user_agent = $1";
    assert_eq!(world.count(stored, &[&secret]).await, 0);
    let hash = protocol::secret::Sha256Digest::of(secret.as_bytes());
    let now = world.now();
    let found = world.write(move |tx| users::find_signed_in(tx, &hash, now)).await;
    assert_eq!(found.unwrap().user.email.as_str(), ADA);
}

#[tokio::test]
async fn an_address_is_the_same_in_any_spelling() {
    let world = world().await;
    for spelling in ["ADA@example.com", " ada@EXAMPLE.com "] {
        assert_eq!(try_to_sign_in(&world.browser(), spelling, PASSWORD).await.status, 303, "{spelling}");
    }
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_account_are_answered_alike() {
    let world = world().await;
    let mut answers = Vec::new();
    for (email, password) in [(ADA, "not the password"), ("nobody@example.com", PASSWORD), ("no address", PASSWORD)] {
        let browser = world.browser();
        let answer = try_to_sign_in(&browser, email, password).await;
        assert_eq!(browser.cookie("jm_session"), None);
        assert_eq!(answer.form("/sign-in").value("email"), email, "nothing typed is lost");
        assert!(!answer.html.contains(password), "but the password is not shown again");
        answers.push((answer.status, answer.text()));
    }
    assert_eq!(answers[0].0, 403);
    assert!(answers[0].1.contains("The e-mail address or the password is wrong."));
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[tokio::test]
async fn only_the_whole_password_is_the_password() {
    let world = world().await;
    let capitals = PASSWORD.to_uppercase();
    for wrong in [&PASSWORD[1..], &PASSWORD[..PASSWORD.len() - 1], capitals.as_str(), &format!("{PASSWORD} "), "none"] {
        assert_eq!(try_to_sign_in(&world.browser(), ADA, wrong).await.status, 403, "{wrong}");
    }
}

#[tokio::test]
async fn an_account_without_a_usable_hash_is_closed_to_every_password() {
    let world = world().await;
    world.person(BELA).await;
    for password in ["none", "", "x", PASSWORD] {
        let answer = try_to_sign_in(&world.browser(), BELA, password).await;
        assert!(matches!(answer.status, 400 | 403), "{password}: {}", answer.status);
    }
}

#[tokio::test]
async fn a_locked_account_is_told_so_after_its_password_alone() {
    let world = world().await;
    assert_eq!(world.execute("UPDATE users SET locked_at = 1 WHERE email = $1", &[ADA]).await, 1);
    let browser = world.browser();
    let right = try_to_sign_in(&browser, ADA, PASSWORD).await;
    assert_eq!(right.status, 403);
    assert!(right.text().contains("This account is locked."));
    assert_eq!(browser.cookie("jm_session"), None);
    let wrong = try_to_sign_in(&browser, ADA, "not the password").await;
    assert!(!wrong.text().contains("locked"), "{}", wrong.text());
}

#[tokio::test]
async fn a_deleted_account_is_as_unknown_as_one_that_never_was() {
    let world = world().await;
    assert_eq!(world.execute("UPDATE users SET deleted_at = 1 WHERE email = $1", &[ADA]).await, 1);
    let answer = try_to_sign_in(&world.browser(), ADA, PASSWORD).await;
    assert!(answer.text().contains("The e-mail address or the password is wrong."));
}

#[tokio::test]
async fn what_is_missing_is_asked_for() {
    let world = world().await;
    for (email, password) in [("", ""), (ADA, ""), ("", PASSWORD)] {
        let answer = try_to_sign_in(&world.browser(), email, password).await;
        assert_eq!(answer.status, 400);
        assert!(answer.text().contains("Type your e-mail address and your password."));
    }
}

#[tokio::test]
async fn after_the_sign_in_one_is_where_one_wanted_to_be() {
    let world = world().await;
    let browser = world.browser();
    let page = browser.get("/account/sessions").await;
    let sign_in = browser.follow(page).await;
    let there = browser.sign_in_on(&sign_in, ADA).await;
    assert!(there.text().contains("Where you are signed in."), "{}", there.text());
}

#[tokio::test]
async fn nobody_puts_a_name_on_the_sign_in_page() {
    let world = world().await;
    let page = world.browser().get("/sign-in?request=AAAA&asker=Your+bank").await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("with your JioMeet account"), "{}", page.text());
    assert!(!page.html.contains("name=\"request\""));
}

#[tokio::test]
async fn signing_out_ends_the_session_itself() {
    let world = world().await;
    let browser = world.browser();
    browser.sign_in(ADA).await;
    let secret = browser.cookie("jm_session").unwrap();
    let form = browser.get("/account").await.form("/sign-out");
    let page = browser.submit(&form).await;
    assert_eq!(page.location().as_deref(), Some("/sign-in?done=signed-out"));
    assert_eq!(browser.cookie("jm_session"), None);
    browser.set_cookie("jm_session", &secret);
    assert!(!is_signed_in(&browser).await);
}

#[tokio::test]
async fn a_hash_with_older_parameters_is_renewed_by_the_next_sign_in() {
    let world = world().await;
    // 'monsoon bus stop' with 64 KiB and one pass.
    let older = older_hash();
    assert_eq!(world.execute("UPDATE users SET password_hash = $1 WHERE email = $2", &[&older, ADA]).await, 1);
    assert_eq!(try_to_sign_in(&world.browser(), ADA, PASSWORD).await.status, 303);
    let renewed =
        "SELECT COUNT(*) FROM users WHERE password_hash LIKE '$argon2id$v=19$m=7168,t=5,p=1$%' AND email = $1";
    for _ in 0..500 {
        if world.count(renewed, &[ADA]).await == 1 {
            assert_eq!(try_to_sign_in(&world.browser(), ADA, PASSWORD).await.status, 303);
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the hash was not renewed");
}

fn older_hash() -> String {
    use argon2::{Argon2, Params, PasswordHasher as _};
    let hasher = Argon2::from(Params::new(64, 1, 1, None).unwrap());
    hasher.hash_password_with_salt(PASSWORD.as_bytes(), b"sixteen bytes ok").unwrap().to_string()
}
