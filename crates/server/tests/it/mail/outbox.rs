//! From the outbox to the mail server: once, later, or given up.

use std::time::Duration;

use jiomeet_oauth::audit::{Actor, Record};
use jiomeet_oauth::mail::{self, Letter, Mail};
use jiomeet_oauth::random::Random;
use jiomeet_oauth::users::Email;

use crate::support::World;
use crate::support::smtp::{MailServer, Mood, config};

const WAITING: &str = "SELECT COUNT(*) FROM outbox WHERE due_at IS NOT NULL";
const SENT: &str = "SELECT COUNT(*) FROM outbox WHERE sent_at IS NOT NULL";
const GIVEN_UP: &str =
    "SELECT COUNT(*) FROM outbox WHERE due_at IS NULL AND sent_at IS NULL AND last_error IS NOT NULL";
const TOLD: &str = "SELECT COUNT(*) FROM audit WHERE action = 'mail.given_up'";

impl World {
    async fn write_to(&self, address: &str) {
        let record = Record::new(&Random::default(), self.now(), Actor::System, "test.letter");
        let letter = Letter::AddressChanged { to: "new@example.com".into() };
        let mail = Mail::about(&record, &Email::parse(address).unwrap(), letter);
        self.write(move |tx| {
            mail::enqueue(tx, &mail)?;
            // A unit that runs twice says it once.
            mail::enqueue(tx, &mail)
        })
        .await;
    }

    async fn rows(&self, statement: &'static str) -> i64 {
        self.count(statement, &[]).await
    }
}

#[tokio::test]
async fn a_mail_is_handed_over_once() {
    let server = MailServer::start(Mood::Accepts).await;
    let world = World::with(&server.config()).await;
    world.write_to("ada@example.com").await;
    world.post_mail().await;
    world.post_mail().await;

    let [mail] = server.taken().try_into().unwrap();
    assert_eq!((mail.from.as_str(), mail.to.as_str()), ("no-reply@meet.example.com", "ada@example.com"));
    assert_eq!(mail.header("From"), "JioMeet <no-reply@meet.example.com>");
    assert_eq!(mail.header("Subject"), "The e-mail address of your JioMeet account was changed");
    assert_eq!(mail.header("Date"), "Mon, 05 Jan 2026 10:00:00 +0000");
    assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
    assert!(mail.header("Content-Type").starts_with("text/plain"), "{}", mail.data);
    assert!(mail.body().contains("    new@example.com\n"), "{}", mail.body());
    assert!(mail.body().contains(world.app.issuer.authority()), "{}", mail.body());
    assert_eq!((world.rows(SENT).await, world.rows(WAITING).await), (1, 0));
}

#[tokio::test]
async fn nodes_side_by_side_send_each_mail_once() {
    let server = MailServer::start(Mood::Accepts).await;
    let world = World::with(&server.config()).await;
    for number in 0..20 {
        world.write_to(&format!("person{number}@example.com")).await;
    }
    tokio::join!(world.post_mail(), world.post_mail(), world.post_mail(), world.post_mail());

    let mut to: Vec<String> = server.taken().into_iter().map(|mail| mail.to).collect();
    assert_eq!(to.len(), 20);
    to.sort();
    to.dedup();
    assert_eq!(to.len(), 20, "each once");
    assert_eq!((world.rows(SENT).await, world.rows(WAITING).await), (20, 0));
}

#[tokio::test]
async fn a_server_that_is_away_delays_mail_and_loses_none() {
    let server = MailServer::start(Mood::Accepts).await;
    server.stop();
    let world = World::with(&config(server.port)).await;
    for number in 0..12 {
        world.write_to(&format!("person{number}@example.com")).await;
    }
    world.post_mail().await;
    assert_eq!((world.rows(SENT).await, world.rows(WAITING).await), (0, 12));
    let untried = "SELECT COUNT(*) FROM outbox WHERE attempts = 0";
    assert_eq!(world.rows(untried).await, 4, "the rest is spared the attempt");

    let back = MailServer::start(Mood::TurnsAway).await;
    let mut world = world;
    world.restart_with(&back.config()).await;
    world.wait(Duration::from_secs(60));
    world.post_mail().await;
    assert_eq!(world.rows(SENT).await, 0);
    back.set_mood(Mood::Accepts);
    for _ in 0..4 {
        world.wait(Duration::from_secs(3600));
        world.post_mail().await;
    }
    assert_eq!((world.rows(SENT).await, world.rows(WAITING).await), (12, 0));
    assert_eq!(back.taken().len(), 12);
}

#[tokio::test]
async fn a_server_that_hangs_is_left_after_its_time() {
    let server = MailServer::start(Mood::Hangs).await;
    let world = World::with(&format!("{}mail.timeout = \"200ms\"\n", server.config())).await;
    world.write_to("ada@example.com").await;
    let limit = tokio::time::timeout(Duration::from_secs(10), world.post_mail()).await;
    assert!(limit.is_ok(), "the worker waits for the configured time and no longer");
    assert_eq!((world.rows(SENT).await, world.rows(WAITING).await), (0, 1));
    server.set_mood(Mood::Accepts);
    world.wait(Duration::from_secs(29));
    world.post_mail().await;
    assert_eq!(server.taken().len(), 0, "not before its time");
    world.wait(Duration::from_secs(1));
    world.post_mail().await;
    assert_eq!(server.taken().len(), 1);
}

#[tokio::test]
async fn a_mailbox_that_is_not_there_is_given_up_and_the_audit_log_tells() {
    let server = MailServer::start(Mood::Refuses).await;
    let world = World::with(&server.config()).await;
    world.write_to("gone@example.com").await;
    for _ in 0..5 {
        world.post_mail().await;
        world.wait(Duration::from_secs(3600));
    }
    assert_eq!((server.connections(), world.rows(GIVEN_UP).await, world.rows(TOLD).await), (3, 1, 1));
    let words = "SELECT COUNT(*) FROM outbox WHERE last_error LIKE '%no such mailbox%'";
    assert_eq!(world.rows(words).await, 1);
}

#[tokio::test]
async fn a_mailbox_that_defers_is_asked_for_three_days() {
    let server = MailServer::start(Mood::Defers).await;
    let world = World::with(&server.config()).await;
    world.write_to("busy@example.com").await;
    for _ in 0..71 {
        world.post_mail().await;
        world.wait(Duration::from_secs(3600));
    }
    assert_eq!((world.rows(WAITING).await, world.rows(TOLD).await), (1, 0));
    for _ in 0..4 {
        world.post_mail().await;
        world.wait(Duration::from_secs(3600));
    }
    assert_eq!((world.rows(GIVEN_UP).await, world.rows(TOLD).await), (1, 1));
}

#[tokio::test]
async fn a_node_that_died_with_a_mail_in_its_hands_leaves_it_to_the_next() {
    let server = MailServer::start(Mood::Accepts).await;
    let world = World::with(&server.config()).await;
    world.write_to("ada@example.com").await;
    // As the claim of another node, which is never heard of again.
    let lease = world.now().plus(Duration::from_secs(150)).as_millis();
    world
        .write(move |tx| {
            let claim = sql::Statement::new("CLAIM", "UPDATE outbox SET due_at = $1, attempts = 1");
            tx.execute(&claim, sql::params![lease])
        })
        .await;
    world.post_mail().await;
    assert_eq!(server.taken().len(), 0, "it is the other's");
    world.wait(Duration::from_secs(150));
    world.post_mail().await;
    assert_eq!(server.taken().len(), 1);
}

#[tokio::test]
async fn mail_of_a_clock_that_was_days_ahead_goes_once_that_is_right() {
    let server = MailServer::start(Mood::Accepts).await;
    let world = World::with(&server.config()).await;
    let right = world.now();
    world.clock.set(right.plus(Duration::from_secs(2 * 86_400)));
    world.write_to("ada@example.com").await;
    world.clock.set(right);
    world.post_mail().await;
    assert_eq!(server.taken().len(), 0, "it seems to be for the day after tomorrow");
    jiomeet_oauth::upkeep::run_once(&world.app).await;
    world.post_mail().await;
    assert_eq!(server.taken().len(), 1);
    assert_eq!(world.rows(SENT).await, 1);
}

#[tokio::test]
async fn without_a_mail_server_nothing_piles_up_and_nobody_is_offered_a_link() {
    let world = World::new().await;
    world.write_to("ada@example.com").await;
    world.post_mail().await;
    assert_eq!((world.rows(WAITING).await, world.rows(GIVEN_UP).await, world.rows(TOLD).await), (0, 1, 0));
    world.browser().get("/demo/outbox").await.is_closed(404, "not_found");
}

#[tokio::test]
async fn what_is_done_with_goes_after_two_weeks() {
    let server = MailServer::start(Mood::Accepts).await;
    let world = World::with(&server.config()).await;
    world.write_to("ada@example.com").await;
    world.post_mail().await;
    world.wait(Duration::from_secs(14 * 86_400 - 30));
    jiomeet_oauth::upkeep::run_once(&world.app).await;
    assert_eq!(world.rows(SENT).await, 1);
    // The next round of sweeping.
    world.wait(Duration::from_secs(30));
    jiomeet_oauth::upkeep::run_once(&world.app).await;
    assert_eq!(world.rows(SENT).await, 0);
}
