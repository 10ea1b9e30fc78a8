//! Work in the background is done by one node, whichever it is; what a node leaves undone when it dies, another one does.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::Html;
use axum::routing::get;
use tokio::net::TcpListener;

use super::need_postgres;
use super::smtp::{MailServer, Mood};
use crate::cluster::{Cluster, eventually};

const WRITE_MAILS: &str = "INSERT INTO outbox (id, recipient, letter, created_at, due_at, give_up_at)
    SELECT 'mail-' || n, 'person' || n || '@example.com', '{\"kind\":\"password_changed\"}', now_ms, now_ms, now_ms + 3600000
    FROM generate_series(1, CAST($1 AS TEXT)::BIGINT) n,
        (SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::BIGINT AS now_ms) t";
const SENT: &str = "SELECT COUNT(*) FROM outbox WHERE sent_at IS NOT NULL";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_mail_is_sent_once_by_one_of_three_nodes_and_after_a_kill_by_another() {
    need_postgres();
    let server = MailServer::start(Mood::Hangs).await;
    let mut cluster = Cluster::start(1, &server.config()).await;
    cluster.execute(WRITE_MAILS, &["1"]).await;
    let claimed = "SELECT COUNT(*) FROM outbox WHERE attempts = 1 AND due_at > created_at";
    eventually("a node hands the mail over", async || {
        cluster.count(claimed, &[]).await == 1 && server.connections() > 0
    })
    .await;
    cluster.kill(0);
    server.set_mood(Mood::Accepts);
    cluster.add_nodes(3).await;
    assert_eq!(server.taken().len(), 0, "the claim of the dead node still stands");
    // Its claim runs out.
    cluster.execute("UPDATE outbox SET due_at = created_at", &[]).await;
    eventually("another node sends it", async || cluster.count(SENT, &[]).await == 1).await;
    assert_eq!(server.taken().len(), 1);
    cluster.execute("DELETE FROM outbox", &[]).await;

    cluster.execute(WRITE_MAILS, &["90"]).await;
    eventually("all mail is sent", async || cluster.count(SENT, &[]).await == 90).await;
    let taken: Vec<String> = server.taken().into_iter().skip(1).map(|mail| mail.to).collect();
    assert_eq!((taken.len(), taken.iter().collect::<BTreeSet<_>>().len()), (90, 90), "each once");
    assert_eq!(cluster.count("SELECT COUNT(*) FROM outbox WHERE attempts <> 1", &[]).await, 0);
    cluster.finish().await;
}

/// A developer's site, which can keep whoever asks waiting.
struct Site {
    port: u16,
    asked: Arc<AtomicUsize>,
    hangs: Arc<AtomicBool>,
}

impl Site {
    async fn start() -> Site {
        let (asked, hangs) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let state = (Arc::clone(&asked), Arc::clone(&hangs));
        let home = async |State((asked, hangs)): State<(Arc<AtomicUsize>, Arc<AtomicBool>)>| {
            asked.fetch_add(1, Ordering::SeqCst);
            while hangs.load(Ordering::SeqCst) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            Html("<!doctype html><title>Planner</title><p>A planner for teams.<a href=/policy>Privacy policy</a>")
        };
        let router = Router::new().route("/", get(home)).with_state(state);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Site { port, asked, hangs }
    }

    fn url(&self) -> String {
        format!("http://localhost:{}", self.port)
    }
}

const SCREENING: &str = "SELECT COUNT(*) FROM jobs WHERE kind = 'screening'";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_submission_is_screened_once_by_one_of_three_nodes_and_after_a_kill_by_another() {
    need_postgres();
    let site = Site::start().await;
    let settings = format!(
        "screening.online = true\nscreening.ask_registries = false\nscreening.allow_hosts = [\"localhost:{}\"]\n",
        site.port
    );
    let mut cluster = Cluster::start(1, &settings).await;
    cluster.person("dev@example.com", "developer");
    site.hangs.store(true, Ordering::SeqCst);
    let first = cluster.draft_at("dev@example.com", "First", &site.url());
    cluster.done(&["app", "submit", &first.app], "");
    eventually("a node looks at the site", async || site.asked.load(Ordering::SeqCst) > 0).await;
    assert_eq!(cluster.count("SELECT attempts FROM jobs WHERE kind = 'screening'", &[]).await, 1);
    cluster.kill(0);
    site.hangs.store(false, Ordering::SeqCst);
    cluster.add_nodes(3).await;
    assert_eq!(cluster.count(SCREENING, &[]).await, 1, "the claim of the dead node still stands");
    cluster.execute("UPDATE jobs SET claimed_until = 1 WHERE kind = 'screening'", &[]).await;
    eventually("another node does it", async || cluster.count(SCREENING, &[]).await == 0).await;
    let found = "SELECT COUNT(DISTINCT revision_id) FROM findings";
    assert_eq!(cluster.count(found, &[]).await, 1);

    let asked_before = site.asked.load(Ordering::SeqCst);
    for number in 0..6 {
        let draft = cluster.draft_at("dev@example.com", &format!("Number {number}"), &site.url());
        cluster.done(&["app", "submit", &draft.app], "");
    }
    eventually("all are screened", async || cluster.count(SCREENING, &[]).await == 0).await;
    assert_eq!(cluster.count(found, &[]).await, 7);
    let twice = "SELECT COUNT(*) FROM (SELECT 1 FROM findings GROUP BY revision_id, field, check_id, subject
        HAVING COUNT(*) > 1) t";
    assert_eq!(cluster.count(twice, &[]).await, 0);
    assert_eq!(site.asked.load(Ordering::SeqCst) - asked_before, 6, "each homepage was fetched once");
    cluster.finish().await;
}
