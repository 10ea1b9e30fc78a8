//! Another e-mail address.

use super::{can_sign_in, fill, is_signed_in, latest_to, link_in, mails_to, send_form, world_with_mail};
use crate::support::{Browser, PASSWORD, Page};

const ADA: &str = "ada@example.com";
const NEW: &str = "ada@new.example";

async fn ask(browser: &Browser<'_>, email: &str, password: &str) -> Page {
    let fields = [("email", email), ("password", password)];
    send_form(browser, "/account/address", "/account/address", &fields).await
}

#[tokio::test]
async fn it_counts_once_it_is_confirmed_and_the_old_one_is_told() {
    let (world, server) = world_with_mail().await;
    world.person(ADA).await;
    let browser = world.browser();
    browser.sign_in(ADA).await;
    let asked = ask(&browser, NEW, PASSWORD).await;
    assert_eq!(asked.location().as_deref(), Some("/account/address?done=asked"), "{}", asked.html);
    assert!(can_sign_in(&world, ADA, PASSWORD).await && !can_sign_in(&world, NEW, PASSWORD).await);

    let link = link_in(&world, &latest_to(&world, &server, NEW).await);
    let elsewhere = world.browser();
    let page = elsewhere.get(&link).await;
    assert!(can_sign_in(&world, ADA, PASSWORD).await, "opening the link changes nothing");
    let done = elsewhere.submit(&page.form("/account/address/confirm")).await;
    assert_eq!(done.location().as_deref(), Some("/sign-in?done=address"), "{}", done.html);
    assert!(can_sign_in(&world, NEW, PASSWORD).await && !can_sign_in(&world, ADA, PASSWORD).await);
    assert!(is_signed_in(&browser).await);
    assert!(browser.get("/account").await.text().contains(NEW));
    let told = latest_to(&world, &server, ADA).await;
    assert_eq!(told.header("Subject"), "The e-mail address of your JioMeet account was changed");
    assert!(told.body().contains(NEW), "{}", told.body());
    elsewhere.get(&link).await.is_closed(410, "link_spent");
}

#[tokio::test]
async fn the_password_is_asked_for() {
    let (world, server) = world_with_mail().await;
    world.person(ADA).await;
    let browser = world.browser();
    browser.sign_in(ADA).await;
    let refused = ask(&browser, NEW, "not my password").await;
    assert_eq!(refused.status, 403);
    assert!(refused.text().contains("That is not your password."), "{}", refused.text());
    assert_eq!(refused.form("/account/address").value("email"), NEW);
    assert_eq!(mails_to(&world, &server, NEW).await, 0);
    for _ in 0..9 {
        ask(&browser, NEW, "not my password").await;
    }
    assert_eq!(ask(&browser, NEW, PASSWORD).await.status, 429);
}

#[tokio::test]
async fn whether_an_address_is_somebodys_is_told_to_its_mailbox_alone() {
    let (world, server) = world_with_mail().await;
    world.person(ADA).await;
    world.person("bela@example.com").await;
    let browser = world.browser();
    browser.sign_in(ADA).await;
    let taken = ask(&browser, "bela@example.com", PASSWORD).await;
    let free = ask(&browser, NEW, PASSWORD).await;
    assert_eq!((taken.status, taken.location()), (free.status, free.location()));
    let mail = latest_to(&world, &server, "bela@example.com").await;
    assert_eq!(mail.header("Subject"), "You already have a JioMeet account");
}

#[tokio::test]
async fn an_address_that_somebody_got_first_stays_theirs() {
    let (world, server) = world_with_mail().await;
    world.person(ADA).await;
    let browser = world.browser();
    browser.sign_in(ADA).await;
    ask(&browser, NEW, PASSWORD).await;
    let link = link_in(&world, &latest_to(&world, &server, NEW).await);
    world.person(NEW).await;
    let page = browser.get(&link).await;
    browser.submit(&page.form("/account/address/confirm")).await.is_closed(410, "link_spent");
    assert!(browser.get("/account").await.text().contains(ADA));
}

/// A link that was sent to the old address must not open the account any more.
#[tokio::test]
async fn links_to_the_old_address_are_withdrawn() {
    let (world, server) = world_with_mail().await;
    world.person(ADA).await;
    let browser = world.browser();
    browser.sign_in(ADA).await;
    send_form(&browser, "/forgot-password", "/forgot-password", &[("email", ADA)]).await;
    let reset = link_in(&world, &latest_to(&world, &server, ADA).await);
    ask(&browser, NEW, PASSWORD).await;
    let link = link_in(&world, &latest_to(&world, &server, NEW).await);
    let page = browser.get(&link).await;
    let done = fill(&browser, &page, "/account/address/confirm", &[]).await;
    assert_eq!(done.location().as_deref(), Some("/account?done=address"));
    browser.get(&reset).await.is_closed(410, "link_spent");
}

#[tokio::test]
async fn a_wrong_address_and_the_own_one_are_refused_at_the_field() {
    let (world, _server) = world_with_mail().await;
    world.person(ADA).await;
    let browser = world.browser();
    browser.sign_in(ADA).await;
    assert!(ask(&browser, "nowhere", PASSWORD).await.text().contains("Type an e-mail address"));
    assert!(ask(&browser, "ADA@example.com", PASSWORD).await.text().contains("your address already"));
}
