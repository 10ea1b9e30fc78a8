//! What limits guessing: slow for whoever guesses, and nobody can lock another out.

use super::{ADA, BELA, is_signed_in, try_from, try_to_sign_in};
use crate::support::{Browser, PASSWORD, Page, World};
use std::time::Duration;

const WRONG: &str = "not the password";
const BURST: usize = 10;

/// Peers on loopback are a trusted proxy, so that a test can come from anywhere.
const FROM_ANYWHERE: &str = "server.trusted_proxies = [\"127.0.0.1\"]\n";

async fn world(overrides: &str) -> World {
    let world = World::with(overrides).await;
    for email in [ADA, BELA] {
        world.person(email).await;
        world.give_password(email).await;
    }
    world
}

async fn fail(browser: &Browser<'_>, email: &str, times: usize) {
    for attempt in 0..times {
        assert_eq!(try_to_sign_in(browser, email, WRONG).await.status, 403, "attempt {attempt}");
    }
}

async fn from(world: &World, address: &str, password: &str) -> Page {
    try_from(&world.browser(), ADA, password, &[("x-forwarded-for", address)]).await
}

#[tokio::test]
async fn after_a_burst_of_failures_even_the_right_password_must_wait() {
    let world = world("").await;
    let browser = world.browser();
    fail(&browser, ADA, BURST).await;
    let refused = try_to_sign_in(&browser, ADA, PASSWORD).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "30"));
    assert!(refused.text().contains("Try again in 30 seconds."), "{}", refused.text());
    assert_eq!(browser.cookie("jm_session"), None);

    world.wait(Duration::from_secs(29));
    assert_eq!(try_to_sign_in(&browser, ADA, PASSWORD).await.header("retry-after"), "1");
    world.wait(Duration::from_secs(1));
    fail(&browser, ADA, 1).await;
    assert_eq!(try_to_sign_in(&browser, ADA, PASSWORD).await.status, 429);
    world.wait(Duration::from_secs(30));
    assert_eq!(try_to_sign_in(&browser, ADA, PASSWORD).await.status, 303);
}

#[tokio::test]
async fn the_log_has_each_sign_in_and_one_entry_an_hour_about_guesses_that_were_stopped() {
    let world = world("").await;
    let count = async |action: &str| {
        let entries = "SELECT COUNT(*) FROM audit a JOIN users u ON u.id = a.user_id
            WHERE a.action = $1 AND u.email = $2 AND a.address = '127.0.0.1'";
        world.count(entries, &[action, ADA]).await
    };
    assert_eq!(try_to_sign_in(&world.browser(), ADA, PASSWORD).await.status, 303);
    assert_eq!((count("user.signed_in").await, count("user.sign_in_limited").await), (1, 0));
    let guesser = world.browser();
    fail(&guesser, ADA, BURST).await;
    assert_eq!(count("user.sign_in_limited").await, 0, "nothing was stopped yet");
    for _ in 0..5 {
        assert_eq!(try_to_sign_in(&guesser, ADA, WRONG).await.status, 429);
    }
    assert_eq!(count("user.sign_in_limited").await, 1);
    world.wait(Duration::from_secs(3600));
    fail(&guesser, ADA, BURST).await;
    assert_eq!(try_to_sign_in(&guesser, ADA, WRONG).await.status, 429);
    assert_eq!((count("user.signed_in").await, count("user.sign_in_limited").await), (1, 2));

    // What anybody can type fills no log.
    fail(&guesser, "nobody@example.com", BURST).await;
    assert_eq!(try_to_sign_in(&guesser, "nobody@example.com", WRONG).await.status, 429);
    assert_eq!(world.count("SELECT COUNT(*) FROM audit WHERE action = 'user.sign_in_limited'", &[]).await, 2);
}

#[tokio::test]
async fn an_unknown_account_is_limited_in_the_same_way() {
    let world = world("").await;
    let browser = world.browser();
    fail(&browser, "nobody@example.com", BURST).await;
    let refused = try_to_sign_in(&browser, "nobody@example.com", WRONG).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "30"));
}

#[tokio::test]
async fn being_refused_is_not_counted() {
    let world = world("").await;
    let browser = world.browser();
    fail(&browser, ADA, BURST).await;
    for _ in 0..5 {
        assert_eq!(try_to_sign_in(&browser, ADA, WRONG).await.header("retry-after"), "30");
    }
}

#[tokio::test]
async fn what_succeeds_is_not_counted() {
    let world = world("limits.sign_in_burst = 2\nlimits.account_burst = 2\n").await;
    for _ in 0..5 {
        assert_eq!(try_to_sign_in(&world.browser(), ADA, PASSWORD).await.status, 303);
    }
    fail(&world.browser(), ADA, 2).await;
}

#[tokio::test]
async fn guesses_that_are_sent_at_once_are_all_counted() {
    let world = world("").await;
    let browser = world.browser();
    browser.get("/sign-in").await;
    let mut guesses = Vec::new();
    for _ in 0..40 {
        guesses.push(try_to_sign_in(&browser, ADA, WRONG));
    }
    let answers = join_all(guesses).await;
    let of = |status| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((of(403), of(429)), (BURST, 30));
}

/// Drives all futures at once in this task.
async fn join_all<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut outputs: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, output) in futures.iter_mut().zip(&mut outputs) {
            if output.is_none()
                && let std::task::Poll::Ready(ready) = future.as_mut().poll(context)
            {
                *output = Some(ready);
            }
        }
        if outputs.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    outputs.into_iter().flatten().collect()
}

#[tokio::test]
async fn another_account_from_the_same_address_goes_on() {
    let world = world("").await;
    fail(&world.browser(), ADA, BURST).await;
    assert_eq!(try_to_sign_in(&world.browser(), BELA, PASSWORD).await.status, 303);
}

#[tokio::test]
async fn the_same_account_from_another_neighbourhood_goes_on() {
    let world = world(FROM_ANYWHERE).await;
    for number in 0..BURST {
        assert_eq!(from(&world, &format!("203.0.113.{number}"), WRONG).await.status, 403);
    }
    assert_eq!(from(&world, "203.0.113.99", PASSWORD).await.status, 429, "the same /24");
    assert_eq!(from(&world, "203.0.114.1", PASSWORD).await.status, 303);

    for number in 0..BURST {
        assert_eq!(from(&world, &format!("2001:db8:1:2{number:02x}::1"), WRONG).await.status, 403);
    }
    assert_eq!(from(&world, "2001:db8:1:2ff::2", PASSWORD).await.status, 429, "the same /56");
    assert_eq!(from(&world, "2001:db8:1:300::1", PASSWORD).await.status, 303);
}

#[tokio::test]
async fn a_forwarded_address_from_a_stranger_counts_for_nothing() {
    let world = world("").await;
    for number in 0..BURST {
        assert_eq!(from(&world, &format!("198.51.{number}.1"), WRONG).await.status, 403);
    }
    assert_eq!(from(&world, "192.0.2.1", PASSWORD).await.status, 429);
}

#[tokio::test]
async fn guesses_from_everywhere_are_bounded_and_a_browser_that_was_here_before_passes() {
    let world = world(&format!("{FROM_ANYWHERE}limits.account_burst = 20\n")).await;
    let known = world.browser();
    known.sign_in(ADA).await;
    for number in 0..20 {
        assert_eq!(from(&world, &format!("198.51.{number}.1"), WRONG).await.status, 403);
    }
    let refused = from(&world, "192.0.2.1", PASSWORD).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "60"));

    known.forget_cookie("jm_session");
    let here = [("x-forwarded-for", "192.0.2.1")];
    assert_eq!(try_from(&known, ADA, PASSWORD, &here).await.status, 303);
}

#[tokio::test]
async fn a_neighbour_cannot_lock_out_a_browser_that_was_here_before() {
    let world = world("").await;
    let known = world.browser();
    known.sign_in(ADA).await;
    known.forget_cookie("jm_session");
    fail(&world.browser(), ADA, BURST).await;
    assert_eq!(try_to_sign_in(&world.browser(), ADA, PASSWORD).await.status, 429);
    assert_eq!(try_to_sign_in(&known, ADA, PASSWORD).await.status, 303);
}

#[tokio::test]
async fn a_browser_that_was_here_before_is_limited_by_itself() {
    let world = world("").await;
    let known = world.browser();
    known.sign_in(ADA).await;
    known.forget_cookie("jm_session");
    fail(&known, ADA, BURST).await;
    assert_eq!(try_to_sign_in(&known, ADA, PASSWORD).await.status, 429);
    assert_eq!(try_to_sign_in(&world.browser(), ADA, PASSWORD).await.status, 303, "others are none the worse for it");
}

#[tokio::test]
async fn being_known_counts_for_one_account_in_one_browser() {
    let world = world("").await;
    let known = world.browser();
    known.sign_in(BELA).await;
    known.forget_cookie("jm_session");
    fail(&world.browser(), ADA, BURST).await;
    assert_eq!(try_to_sign_in(&known, ADA, PASSWORD).await.status, 429, "another account");

    fail(&world.browser(), BELA, BURST).await;
    let thief = world.browser();
    thief.get("/sign-in").await;
    thief.set_cookie("jm_known", &known.cookie("jm_known").unwrap());
    assert_eq!(try_to_sign_in(&thief, BELA, PASSWORD).await.status, 429, "another browser");
    assert_eq!(try_to_sign_in(&known, BELA, PASSWORD).await.status, 303);
}

#[tokio::test]
async fn one_browser_is_known_for_several_accounts() {
    let world = world("").await;
    let browser = world.browser();
    for email in [ADA, BELA] {
        browser.sign_in(email).await;
        browser.forget_cookie("jm_session");
    }
    for email in [ADA, BELA] {
        fail(&world.browser(), email, BURST).await;
        assert_eq!(try_to_sign_in(&browser, email, PASSWORD).await.status, 303, "{email}");
        browser.forget_cookie("jm_session");
    }
}

#[tokio::test]
async fn a_restart_forgets_no_failure() {
    let mut world = world("").await;
    fail(&world.browser(), ADA, BURST).await;
    world.restart().await;
    assert_eq!(try_to_sign_in(&world.browser(), ADA, PASSWORD).await.status, 429);
}

#[tokio::test]
async fn more_sign_ins_than_can_wait_are_asked_to_come_back() {
    let world = world("accounts.password_queue = 1\n").await;
    let browsers: Vec<Browser<'_>> = (0..16).map(|_| world.browser()).collect();
    let guesses = browsers.iter().map(|browser| try_to_sign_in(browser, ADA, PASSWORD)).collect();
    let answers = join_all(guesses).await;
    let busy: Vec<&Page> = answers.iter().filter(|answer| answer.status == 503).collect();
    assert!(!busy.is_empty());
    for page in &busy {
        assert_eq!(page.header("retry-after"), "2");
        assert!(page.has_form("/sign-in"));
    }
    // The first ten were admitted at once: each either signed in, or was given its attempt back.
    assert!(answers.iter().all(|answer| matches!(answer.status, 303 | 429 | 503)));
    assert!(answers.iter().any(|answer| answer.status == 303));
    fail(&world.browser(), ADA, BURST).await;
}

#[tokio::test]
async fn counters_and_sessions_that_are_over_are_swept_away() {
    let world = world("").await;
    fail(&world.browser(), ADA, 3).await;
    let browser = world.browser();
    browser.sign_in(ADA).await;
    jiomeet_oauth::upkeep::run_once(&world.app).await;
    assert!(is_signed_in(&browser).await);
    assert!(world.count("SELECT COUNT(*) FROM failure_counters", &[]).await > 0);
    world.wait(Duration::from_secs(15 * 86_400));
    jiomeet_oauth::upkeep::run_once(&world.app).await;
    for table in ["SELECT COUNT(*) FROM failure_counters", "SELECT COUNT(*) FROM sessions"] {
        assert_eq!(world.count(table, &[]).await, 0, "{table}");
    }
}
