//! Nodes that start at the same moment, on an empty database and on one of every schema that there ever was: each step is
//! taken once, and all come up.

use std::collections::BTreeMap;

use jiomeet_oauth::migrations::MIGRATIONS;
use sql::testing::{Scratch, engine};
use sql::{Db, Options, Statement};

use super::need_postgres;
use crate::cluster::{Cluster, verb_on};
use crate::flow::{Browser, Client};

const STEPS: &str = "SELECT COUNT(*) FROM schema_migrations";

fn all() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_nodes_start_at_once_on_an_empty_database() {
    need_postgres();
    let (database, scratch) = Scratch::new(engine());
    let mut cluster = Cluster::on(database, scratch, "").await;
    cluster.add_nodes(4).await;
    let steps = cluster.log_lines("migration applied");
    assert_eq!(i64::try_from(steps.len()).unwrap(), all(), "each step by one node: {steps:#?}");
    assert_eq!(cluster.count(STEPS, &[]).await, all());
    assert_eq!(cluster.count("SELECT COUNT(*) FROM signing_keys", &[]).await, 1, "one makes the first keys");
    assert_eq!(cluster.count("SELECT COUNT(*) FROM server_keys", &[]).await, 1);
    let app = cluster.approved_app();
    let client = Client::new(&cluster, &app);
    let code = Browser::new(&cluster).code(&app, "ada@example.com", "user:read").await;
    let access = client.redeem(&code).await.text("access_token");
    for node in &cluster.nodes {
        assert_eq!(client.profile_at(node.address, &access).await.status, 200);
    }
    cluster.finish().await;
}

/// Rows that the schema can hold from that step on, in the words of that time.
const ROWS: &[(u32, &str, &str)] = &[
    (
        1,
        "users",
        "INSERT INTO users (id, email, name, lname, password_hash, created_at, email_verified_at, password_changed_at, epoch)
         VALUES ('u-1', 'ada@example.com', 'Ada', '', 'none', 1, 1, 1, 7)",
    ),
    (
        1,
        "sessions",
        "INSERT INTO sessions (id_hash, id, user_id, authenticated_at, created_at, last_seen_at, expires_at, address, user_agent)
         VALUES ('\\x01', 'ses-1', 'u-1', 1, 1, 1, 9999999999999, '192.0.2.1', '')",
    ),
    (
        2,
        "apps",
        "INSERT INTO apps (id, client_id, owner_id, kind, created_at, working_revision_id, approved_revision_id, serving_scopes)
         VALUES ('app-1', 'c1', 'u-1', 'confidential', 1, 'rev-1', 'rev-1', 'user:read')",
    ),
    (
        2,
        "app_revisions",
        "INSERT INTO app_revisions (id, app_id, number, status, name, homepage_url, policy_url, logo_url, use_case, description,
             created_at, changed_at)
         VALUES ('rev-1', 'app-1', 1, 'approved', 'Old', 'https://a.example/', 'https://a.example/p', '', 'Other', '', 1, 1)",
    ),
    (
        3,
        "outbox",
        "INSERT INTO outbox (id, recipient, letter, created_at, due_at, give_up_at)
         VALUES ('mail-1', 'ada@example.com', '{\"kind\":\"password_changed\"}', 1, 1, 2)",
    ),
    (
        3,
        "review_decisions",
        "INSERT INTO review_decisions (id, app_id, revision_id, decision, reasons, decided_by, decided_at)
         VALUES ('d-1', 'app-1', 'rev-1', 'approved', '[]', 'operator', 1)",
    ),
    (
        4,
        "grants",
        "INSERT INTO grants (id, code_hash, app_id, user_id, session_id, scopes, authenticated_at, created_at, generation,
             secret_hash, rotated_at, key_number, access_until, refresh_expires_at, last_used_at)
         VALUES ('00000000000000000000000000000001', '\\x02', 'app-1', 'u-1', 'ses-1', 'user:read', 1, 1, 0, '\\x03', 1, 1,
             9999999999999, 9999999999999, 1)",
    ),
    (
        5,
        "meetings",
        "INSERT INTO meetings (id, jiomeet_id, user_id, topic, starts_at, ends_at, pin, created_at, changed_at, time_zone)
         VALUES ('m-1', '1234567890', 'u-1', 'T', 1, 2, '123456', 1, 1, 'UTC')",
    ),
];

/// Every step, brought up to date by four processes at once, with what stood in the tables before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_of_every_older_schema_is_brought_up_to_date_once() {
    need_postgres();
    for known in 1..MIGRATIONS.len() {
        let (database, scratch) = Scratch::new(engine());
        let db = Db::open(&database, Options { connections: 1, ..Options::default() }).await.unwrap();
        db.migrate(&MIGRATIONS[..known]).await.unwrap();
        let mut rows = 0;
        for (since, _, text) in ROWS.iter().filter(|(since, ..)| *since as usize <= known) {
            let inserted = db.write(|tx| tx.execute(&Statement::new("TEST", text), &[])).await;
            rows += inserted.unwrap_or_else(|error| panic!("{since}, at schema {known}: {error}"));
        }
        let url = database.with_password();
        let running: Vec<_> = (0..4)
            .map(|_| {
                let url = url.clone();
                tokio::task::spawn_blocking(move || verb_on(&url, &["db", "migrate", "--json"]))
            })
            .collect();
        let mut steps: BTreeMap<u64, usize> = BTreeMap::new();
        for output in running {
            let output = output.await.unwrap();
            assert!(output.status.success(), "from {known}: {}", String::from_utf8_lossy(&output.stderr));
            let applied: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            for step in applied.as_array().unwrap() {
                *steps.entry(step["number"].as_u64().unwrap()).or_default() += 1;
            }
        }
        let expected: BTreeMap<u64, usize> =
            (known as u64 + 1..=MIGRATIONS.len() as u64).map(|step| (step, 1)).collect();
        assert_eq!(steps, expected, "from {known}: each step once");
        let mut there = 0;
        for (_, table, _) in ROWS.iter().filter(|(since, ..)| *since as usize <= known) {
            let text: &'static str = Box::leak(format!("SELECT COUNT(*) FROM {table}").into_boxed_str());
            let count: i64 =
                db.read(move |tx| tx.one(&Statement::new("TEST", text), &[], |row| row.get(0))).await.unwrap();
            there += count.unsigned_abs();
        }
        assert_eq!(there, rows, "from {known}: every row is still there");
        db.close().await;
        drop(scratch);
    }
}

/// The oldest schema that has everything, with rows in it, and four nodes at the same moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_nodes_start_at_once_on_an_old_database() {
    need_postgres();
    let (database, scratch) = Scratch::new(engine());
    let db = Db::open(&database, Options { connections: 1, ..Options::default() }).await.unwrap();
    db.migrate(&MIGRATIONS[..5]).await.unwrap();
    for (.., text) in ROWS {
        db.write(|tx| tx.execute(&Statement::new("TEST", text), &[])).await.unwrap();
    }
    db.close().await;
    let mut cluster = Cluster::on(database, scratch, "").await;
    cluster.add_nodes(4).await;
    let steps = cluster.log_lines("migration applied");
    assert_eq!(i64::try_from(steps.len()).unwrap(), all() - 5, "{steps:#?}");
    let shown = cluster.done(&["app", "show", "app-1"], "");
    assert_eq!(shown["status"], "approved", "{shown}");
    cluster.person("mira@example.com", "user");
    Browser::new(&cluster).sign_in("mira@example.com").await;
    cluster.finish().await;
}
