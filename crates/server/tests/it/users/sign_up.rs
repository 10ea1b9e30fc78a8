//! Signing up: the form, the mail, the confirmation.

use std::time::Duration;

use super::{
    can_sign_in, fill, is_signed_in, latest_to, link_in, mails_to, send_form, world_with_mail, world_with_mail_and,
};
use crate::oauth::flow::{allow, authorize_url, code_in};
use crate::support::{Browser, Page, World};

const ASHA: &str = "asha@example.com";
const PASSWORD: &str = "seven green parrots";

async fn sign_up(browser: &Browser<'_>, email: &str, password: &str) -> Page {
    let fields = [("email", email), ("name", "Asha"), ("lname", "Rao"), ("password", password)];
    send_form(browser, "/sign-up", "/sign-up", &fields).await
}

async fn accounts(world: &World) -> i64 {
    world.count("SELECT COUNT(*) FROM users", &[]).await
}

#[tokio::test]
async fn an_account_begins_when_its_address_is_confirmed() {
    let (world, server) = world_with_mail().await;
    let browser = world.browser();
    let answer = sign_up(&browser, "Asha@Example.com", PASSWORD).await;
    assert_eq!(answer.status, 303, "{}", answer.html);
    let page = browser.follow(answer).await;
    assert!(page.text().contains("We wrote to asha@example.com"), "{}", page.text());

    let early = send_form(&world.browser(), "/sign-in", "/sign-in", &[("email", ASHA), ("password", PASSWORD)]).await;
    assert_eq!(early.status, 403);
    assert!(early.text().contains("not confirmed yet"), "{}", early.text());

    let mail = latest_to(&world, &server, ASHA).await;
    assert_eq!(mail.header("Subject"), "Confirm your e-mail address for JioMeet");
    // Nothing that whoever signed up has typed: the mailbox may be somebody else's.
    assert!(!mail.data.contains("Asha") && !mail.data.contains("Rao"), "{}", mail.data);
    let link = link_in(&world, &mail);
    let page = browser.get(&link).await;
    assert_eq!((page.header("referrer-policy"), page.header("cache-control")), ("same-origin", "no-store"));
    let done = fill(&browser, &page, "/sign-up/confirm", &[("password", PASSWORD)]).await;
    assert_eq!((done.status, done.location().as_deref()), (303, Some("/account")), "{}", done.html);
    let profile = browser.get("/account").await;
    assert!(profile.text().contains("Asha Rao"), "{}", profile.text());
    assert!(profile.text().contains("Roles user"), "{}", profile.text());
    assert!(can_sign_in(&world, ASHA, PASSWORD).await);
    for action in ["user.signed_up", "user.address_confirmed"] {
        assert_eq!(world.count("SELECT COUNT(*) FROM audit WHERE action = $1", &[action]).await, 1, "{action}");
    }
}

/// Mail scanners follow links.
#[tokio::test]
async fn opening_the_link_changes_nothing() {
    let (world, server) = world_with_mail().await;
    sign_up(&world.browser(), ASHA, PASSWORD).await;
    let link = link_in(&world, &latest_to(&world, &server, ASHA).await);
    for _ in 0..3 {
        assert_eq!(world.browser().get(&link).await.status, 200);
        assert_eq!(world.http.head(world.url(&link)).send().await.unwrap().status().as_u16(), 200);
    }
    assert!(!can_sign_in(&world, ASHA, PASSWORD).await);
    let confirmed = "SELECT COUNT(*) FROM users WHERE email_verified_at IS NOT NULL";
    assert_eq!(world.count(confirmed, &[]).await, 0);
}

#[tokio::test]
async fn a_link_works_once_for_two_days_and_the_newest_alone() {
    let (world, server) = world_with_mail().await;
    let browser = world.browser();
    let page = browser.follow(sign_up(&browser, ASHA, PASSWORD).await).await;
    let first = link_in(&world, &latest_to(&world, &server, ASHA).await);
    let again = browser.submit(&page.form("/check-mail")).await;
    assert!(browser.follow(again).await.text().contains("We sent it once more."));
    let second = link_in(&world, &latest_to(&world, &server, ASHA).await);
    assert_ne!(first, second);
    browser.get(&first).await.is_closed(410, "link_spent");

    let page = browser.get(&second).await;
    world.wait(Duration::from_secs(2 * 86_400));
    browser.get(&second).await.is_closed(410, "link_spent");
    fill(&browser, &page, "/sign-up/confirm", &[("password", PASSWORD)]).await.is_closed(410, "link_spent");

    let page = browser.get("/sign-in").await;
    let page = fill(&browser, &page, "/sign-in", &[("email", ASHA), ("password", PASSWORD)]).await;
    browser.submit(&page.form("/check-mail")).await;
    let third = link_in(&world, &latest_to(&world, &server, ASHA).await);
    let page = browser.get(&third).await;
    assert_eq!(fill(&browser, &page, "/sign-up/confirm", &[("password", PASSWORD)]).await.status, 303);
    browser.get(&third).await.is_closed(410, "link_spent");
    let replay = fill(&world.browser(), &page, "/sign-up/confirm", &[("password", PASSWORD)]).await;
    replay.is_closed(403, "form_expired");
    for damaged in [format!("{third}A"), third[..third.len() - 1].to_owned(), "/sign-up/confirm".to_owned()] {
        browser.get(&damaged).await.is_closed(410, "link_spent");
    }
}

/// Whoever signs up with somebody else's address gets no account that its owner confirms by mistake.
#[tokio::test]
async fn the_owner_of_a_mailbox_confirms_nothing_that_a_stranger_prepared() {
    let (world, server) = world_with_mail().await;
    let stranger = world.browser();
    sign_up(&stranger, ASHA, "the stranger's choice").await;
    let link = link_in(&world, &latest_to(&world, &server, ASHA).await);
    let owner = world.browser();
    let page = owner.get(&link).await;
    let refused = fill(&owner, &page, "/sign-up/confirm", &[("password", PASSWORD)]).await;
    assert_eq!(refused.status, 403);
    assert!(refused.text().contains("Forgot password"), "{}", refused.text());
    assert!(!can_sign_in(&world, ASHA, "the stranger's choice").await);

    // Her own sign-up takes its place, and the stranger's password is gone.
    sign_up(&owner, ASHA, PASSWORD).await;
    let link = link_in(&world, &latest_to(&world, &server, ASHA).await);
    let page = owner.get(&link).await;
    assert_eq!(fill(&owner, &page, "/sign-up/confirm", &[("password", PASSWORD)]).await.status, 303);
    assert!(!can_sign_in(&world, ASHA, "the stranger's choice").await);
    assert_eq!(accounts(&world).await, 1);
}

#[tokio::test]
async fn a_taken_address_is_answered_alike_and_its_owner_is_told() {
    let (world, server) = world_with_mail().await;
    world.person(ASHA).await;
    let browser = world.browser();
    let taken = browser.follow(sign_up(&browser, ASHA, PASSWORD).await).await;
    let free = browser.follow(sign_up(&browser, "ben@example.com", PASSWORD).await).await;
    assert_eq!(taken.status, free.status);
    assert_eq!(taken.text().replace(ASHA, "X"), free.text().replace("ben@example.com", "X"));
    let mail = latest_to(&world, &server, ASHA).await;
    assert_eq!(mail.header("Subject"), "You already have a JioMeet account");
    assert!(mail.body().contains(&world.url("/forgot-password")), "{}", mail.body());
    assert!(!can_sign_in(&world, ASHA, PASSWORD).await);
    assert_eq!(accounts(&world).await, 2);
}

#[tokio::test]
async fn every_fault_stands_at_its_field_and_nothing_typed_is_lost_but_the_password() {
    let (world, _server) = world_with_mail().await;
    let browser = world.browser();
    let fields = [("email", "asha"), ("name", "  "), ("lname", "Rao"), ("password", "short")];
    let page = send_form(&browser, "/sign-up", "/sign-up", &fields).await;
    assert_eq!(page.status, 400);
    for fault in ["Type an e-mail address", "Type your name."] {
        assert!(page.text().contains(fault), "{}", page.text());
    }
    let form = page.form("/sign-up");
    assert_eq!((form.value("email"), form.value("lname")), ("asha".into(), "Rao".into()));
    assert_eq!(form.value("password"), "");
    let weak = [("email", ASHA), ("name", "Asha"), ("password", "asha@example.com")];
    let page = send_form(&browser, "/sign-up", "/sign-up", &weak).await;
    assert!(page.text().contains("other than your e-mail address"), "{}", page.text());
    assert_eq!(accounts(&world).await, 0);
}

#[tokio::test]
async fn sign_ups_and_mails_are_limited_where_they_come_from() {
    let (world, server) = world_with_mail_and("limits.sign_up_burst = 3\nlimits.mail_burst = 2\n").await;
    let browser = world.browser();
    for _ in 0..2 {
        assert_eq!(sign_up(&browser, ASHA, PASSWORD).await.status, 303);
    }
    let refused = sign_up(&browser, ASHA, PASSWORD).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "600"));
    assert_eq!(mails_to(&world, &server, ASHA).await, 2);
    // Another address, the same neighbourhood: the third sign-up is the last.
    assert_eq!(sign_up(&browser, "ben@example.com", PASSWORD).await.status, 303);
    let refused = sign_up(&browser, "carl@example.com", PASSWORD).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "300"));
    world.wait(Duration::from_secs(300));
    assert_eq!(sign_up(&browser, "carl@example.com", PASSWORD).await.status, 303);
}

#[tokio::test]
async fn it_can_be_switched_off_and_needs_mail() {
    let (world, _server) = world_with_mail_and("accounts.sign_up = false\n").await;
    world.browser().get("/sign-up").await.is_closed(403, "sign_up_closed");
    assert!(!world.browser().get("/sign-in").await.html.contains("/sign-up"));
    let world = World::new().await;
    world.browser().get("/sign-up").await.is_closed(403, "sign_up_closed");
    assert!(!world.browser().get("/sign-in").await.html.contains("/forgot-password"));
}

/// Lesson S17.
#[tokio::test]
async fn forms_of_nobody_open_nothing() {
    let (world, server) = world_with_mail().await;
    let fields = [("email", ASHA), ("name", "Asha"), ("password", PASSWORD)];
    let bare = world.browser().post("/sign-up", &fields).await;
    assert_eq!(bare.status, 403);
    let foreign = world.browser().post_from("/sign-up", &fields, &[("origin", "https://evil.example")]).await;
    assert_eq!(foreign.status, 403);
    for path in ["/sign-up", "/sign-up/confirm", "/check-mail", "/forgot-password", "/reset-password"] {
        let answer = world.http.post(world.url(path)).send().await.unwrap();
        assert!(answer.status().is_client_error(), "{path}: {}", answer.status());
    }
    assert_eq!(accounts(&world).await, 0);
    assert_eq!(mails_to(&world, &server, ASHA).await, 0);
}

#[tokio::test]
async fn a_sign_up_that_nobody_confirms_goes_after_a_week() {
    let (world, _server) = world_with_mail().await;
    sign_up(&world.browser(), ASHA, PASSWORD).await;
    world.person("ben@example.com").await;
    world.wait(Duration::from_secs(7 * 86_400 - 30));
    jiomeet_oauth::upkeep::run_once(&world.app).await;
    assert_eq!(accounts(&world).await, 2);
    // The next round of sweeping.
    world.wait(Duration::from_secs(30));
    jiomeet_oauth::upkeep::run_once(&world.app).await;
    assert_eq!(accounts(&world).await, 1);
}

#[tokio::test]
async fn an_apps_request_waits_while_the_person_signs_up() {
    let (world, server) = world_with_mail().await;
    let app = world.approved_app("planner").await;
    let browser = world.browser();
    let sign_in = browser.get(&authorize_url(&app, &[])).await;
    let page = browser.get(&sign_in.link("Make an account")).await;
    assert!(page.text().contains("to continue to planner"), "{}", page.text());
    let fields = [("email", ASHA), ("name", "Asha"), ("password", PASSWORD)];
    let page = browser.follow(fill(&browser, &page, "/sign-up", &fields).await).await;
    let waiting = page.link("Continue to planner");
    let confirm = browser.get(&link_in(&world, &latest_to(&world, &server, ASHA).await)).await;
    fill(&browser, &confirm, "/sign-up/confirm", &[("password", PASSWORD)]).await;
    let consent = browser.get(&waiting).await;
    code_in(&browser.submit(&allow(&consent)).await, &app);
    assert!(is_signed_in(&browser).await);
}
