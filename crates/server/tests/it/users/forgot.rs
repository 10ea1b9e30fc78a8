//! A forgotten password.

use std::time::Duration;

use super::{
    can_sign_in, fill, is_signed_in, latest_to, link_in, mails_to, send_form, world_with_mail, world_with_mail_and,
};
use crate::oauth::flow::authorize_url;
use crate::support::{Browser, PASSWORD, Page, World};

const ADA: &str = "ada@example.com";
const NEW: &str = "seven green parrots";

async fn forgot(browser: &Browser<'_>, email: &str) -> Page {
    send_form(browser, "/forgot-password", "/forgot-password", &[("email", email)]).await
}

async fn choose(browser: &Browser<'_>, link: &str, password: &str) -> Page {
    let fields = [("new_password", password), ("new_password_again", password)];
    send_form(browser, link, "/reset-password", &fields).await
}

#[tokio::test]
async fn a_link_sets_a_new_password_and_ends_every_session() {
    let (world, server) = world_with_mail().await;
    world.person(ADA).await;
    let elsewhere = world.browser();
    elsewhere.sign_in(ADA).await;
    let browser = world.browser();
    let page = browser.follow(forgot(&browser, ADA).await).await;
    assert!(page.text().contains("If there is an account for ada@example.com"), "{}", page.text());
    let link = link_in(&world, &latest_to(&world, &server, ADA).await);
    assert!(is_signed_in(&elsewhere).await, "asking ends nothing");

    let done = choose(&browser, &link, NEW).await;
    assert_eq!((done.status, done.location().as_deref()), (303, Some("/sign-in?done=reset")), "{}", done.html);
    assert!(browser.follow(done).await.text().contains("Your new password is set"));
    assert!(!is_signed_in(&elsewhere).await);
    assert!(can_sign_in(&world, ADA, NEW).await && !can_sign_in(&world, ADA, PASSWORD).await);
    assert_eq!(latest_to(&world, &server, ADA).await.header("Subject"), "Your JioMeet password was changed");
    browser.get(&link).await.is_closed(410, "link_spent");
    assert_eq!(world.count("SELECT COUNT(*) FROM audit WHERE action = 'password.reset'", &[]).await, 1);
}

#[tokio::test]
async fn an_unknown_address_is_answered_alike_and_gets_nothing() {
    let (world, server) = world_with_mail().await;
    world.person(ADA).await;
    let known = world.browser();
    let known = known.follow(forgot(&known, ADA).await).await;
    let unknown = world.browser();
    let unknown = unknown.follow(forgot(&unknown, "nobody@example.com").await).await;
    assert_eq!(known.text().replace(ADA, "X"), unknown.text().replace("nobody@example.com", "X"));
    // The same work was done: a mail that waits. Who gets one is found out when it is sent.
    assert_eq!(world.count("SELECT COUNT(*) FROM outbox WHERE due_at IS NOT NULL", &[]).await, 2);
    assert_eq!(mails_to(&world, &server, "nobody@example.com").await, 0);
    assert_eq!(mails_to(&world, &server, ADA).await, 1);
    assert_eq!(world.count("SELECT COUNT(*) FROM outbox WHERE due_at IS NOT NULL", &[]).await, 0);
}

#[tokio::test]
async fn a_link_works_for_half_an_hour_and_a_newer_one_replaces_it() {
    let (world, server) = world_with_mail().await;
    world.person(ADA).await;
    let browser = world.browser();
    forgot(&browser, ADA).await;
    let first = link_in(&world, &latest_to(&world, &server, ADA).await);
    forgot(&browser, ADA).await;
    let second = link_in(&world, &latest_to(&world, &server, ADA).await);
    browser.get(&first).await.is_closed(410, "link_spent");

    world.wait(Duration::from_secs(30 * 60 - 1));
    let page = browser.get(&second).await;
    assert_eq!(page.status, 200);
    world.wait(Duration::from_secs(1));
    browser.get(&second).await.is_closed(410, "link_spent");
    let fields = [("new_password", NEW), ("new_password_again", NEW)];
    fill(&browser, &page, "/reset-password", &fields).await.is_closed(410, "link_spent");
    assert!(!can_sign_in(&world, ADA, NEW).await);
}

#[tokio::test]
async fn of_two_answers_to_one_link_one_counts() {
    let (world, server) = world_with_mail().await;
    world.person(ADA).await;
    forgot(&world.browser(), ADA).await;
    let link = link_in(&world, &latest_to(&world, &server, ADA).await);
    let browsers: Vec<_> = (0..6).map(|_| world.browser()).collect();
    let mut passwords = Vec::new();
    let mut answers = Vec::new();
    for number in 0..browsers.len() {
        passwords.push(format!("parrot number {number} sings"));
    }
    for (browser, password) in browsers.iter().zip(&passwords) {
        answers.push(choose(browser, &link, password));
    }
    let [a, b, c, d, e, f] = answers.try_into().ok().unwrap();
    let answers: [Page; 6] = tokio::join!(a, b, c, d, e, f).into();
    assert_eq!(answers.iter().filter(|answer| answer.status == 303).count(), 1);
    assert_eq!(world.count("SELECT COUNT(*) FROM audit WHERE action = 'password.reset'", &[]).await, 1);
}

#[tokio::test]
async fn a_link_cannot_be_found_in_the_database() {
    let (world, server) = world_with_mail().await;
    world.person(ADA).await;
    forgot(&world.browser(), ADA).await;
    world.post_mail().await;
    let link = link_in(&world, &latest_to(&world, &server, ADA).await);
    let token = link.split_once("token=").unwrap().1.to_owned();
    assert_eq!(world.count("SELECT COUNT(*) FROM outbox WHERE letter LIKE '%' || $1 || '%'", &[&token]).await, 0);
    assert_eq!(world.count("SELECT COUNT(*) FROM email_tokens WHERE length(token_hash) = 32", &[]).await, 1);
}

#[tokio::test]
async fn a_locked_account_gets_no_link_and_one_that_was_sent_opens_nothing() {
    let (world, server) = world_with_mail().await;
    let ada = world.person(ADA).await;
    let browser = world.browser();
    forgot(&browser, ADA).await;
    let link = link_in(&world, &latest_to(&world, &server, ADA).await);
    let now = world.now();
    world.write(move |tx| jiomeet_oauth::users::lock(tx, &ada, now)).await;
    choose(&browser, &link, NEW).await.is_closed(410, "link_spent");
    forgot(&browser, ADA).await;
    assert_eq!(mails_to(&world, &server, ADA).await, 1);
}

#[tokio::test]
async fn a_weak_or_mistyped_password_is_refused_and_the_link_still_works() {
    let (world, server) = world_with_mail().await;
    world.person(ADA).await;
    let browser = world.browser();
    forgot(&browser, ADA).await;
    let link = link_in(&world, &latest_to(&world, &server, ADA).await);
    assert_eq!(choose(&browser, &link, "short").await.status, 400);
    let fields = [("new_password", NEW), ("new_password_again", "seven green parots")];
    let page = send_form(&browser, &link, "/reset-password", &fields).await;
    assert!(page.text().contains("The two are not the same."), "{}", page.text());
    assert_eq!(choose(&browser, &link, NEW).await.status, 303);
}

#[tokio::test]
async fn connected_apps_end_too_where_one_asks_for_it() {
    let (world, server) = world_with_mail().await;
    let app = world.approved_app("planner").await;
    let ada = world.person(ADA).await;
    let tokens = crate::oauth::redeem(&world, &app, &world.code(&app, &ada).await).await.tokens();
    for end_apps in [false, true] {
        let browser = world.browser();
        forgot(&browser, ADA).await;
        let link = link_in(&world, &latest_to(&world, &server, ADA).await);
        let mut form = browser.get(&link).await.form("/reset-password");
        form.set("new_password", NEW);
        form.set("new_password_again", NEW);
        if end_apps {
            form.tick("yes", true);
        }
        assert_eq!(browser.submit(&form).await.status, 303);
        world.post_mail().await;
        let lives = crate::oauth::bearer_call(&world, &tokens.access).await.is_ok();
        assert_eq!(lives, !end_apps);
    }
}

#[tokio::test]
async fn mails_are_limited_for_each_address_and_neighbourhood_known_or_not() {
    let (world, server) = world_with_mail_and("limits.mail_burst = 2\n").await;
    world.person(ADA).await;
    for email in [ADA, "nobody@example.com"] {
        for _ in 0..2 {
            assert_eq!(forgot(&world.browser(), email).await.status, 303);
        }
        let refused = forgot(&world.browser(), email).await;
        assert_eq!((refused.status, refused.header("retry-after")), (429, "600"), "{email}");
    }
    // Nobody is kept from their own by strangers in the same network: a browser that was here before is counted alone.
    let own = world.browser();
    own.sign_in(ADA).await;
    assert_eq!(forgot(&own, ADA).await.status, 303);
    assert_eq!(mails_to(&world, &server, ADA).await, 3);
}

#[tokio::test]
async fn whoever_never_confirmed_confirms_with_the_new_password() {
    let (world, server) = world_with_mail().await;
    let browser = world.browser();
    let fields = [("email", ADA), ("name", "Ada"), ("password", PASSWORD)];
    send_form(&browser, "/sign-up", "/sign-up", &fields).await;
    world.post_mail().await;
    forgot(&browser, ADA).await;
    let link = link_in(&world, &latest_to(&world, &server, ADA).await);
    assert!(link.starts_with("/reset-password"), "{link}");
    assert_eq!(choose(&browser, &link, NEW).await.status, 303);
    assert!(can_sign_in(&world, ADA, NEW).await);
}

#[tokio::test]
async fn an_apps_request_is_not_lost_on_the_way() {
    let (world, _server) = world_with_mail().await;
    let app = world.approved_app("planner").await;
    world.person(ADA).await;
    let browser = world.browser();
    let sign_in = browser.get(&authorize_url(&app, &[])).await;
    let page = browser.get(&sign_in.link("Forgot password")).await;
    let page = browser.follow(fill(&browser, &page, "/forgot-password", &[("email", ADA)]).await).await;
    let back = browser.get(&page.link("Back to the sign-in page")).await;
    assert!(back.text().contains("to continue to planner"), "{}", back.text());
    page.link("Continue to planner");
}

#[tokio::test]
async fn without_mail_it_says_so() {
    let world = World::new().await;
    world.browser().get("/forgot-password").await.is_closed(503, "mail_off");
}
