//! Opening and closing.

use std::{fs, os::unix::fs::PermissionsExt};

use sql::{DatabaseUrl, Db, DbError, Options, testing};

use crate::support::{fixture, fixture_with, hold, insert, small, start, users};

fn reason(error: DbError) -> String {
    error.to_string()
}

async fn refused(url: &DatabaseUrl) -> String {
    reason(
        Db::open(url, Options { connect_timeout: std::time::Duration::from_secs(1), ..small() }).await.err().unwrap(),
    )
}

#[tokio::test]
async fn a_new_file_is_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new.db");
    let db = Db::open(&DatabaseUrl::Sqlite(path.clone()), small()).await.unwrap();
    db.migrate(&[]).await.unwrap();
    for file in ["new.db", "new.db-wal", "new.db-shm"] {
        assert_eq!(fs::metadata(folder.path().join(file)).unwrap().permissions().mode() & 0o777, 0o600, "{file}");
    }
    db.close().await;
    assert!(!folder.path().join("new.db-wal").exists(), "closing moves the log into the file");
    let again = Db::open(&DatabaseUrl::Sqlite(path), small()).await.unwrap();
    again.probe().await.unwrap();
}

#[tokio::test]
async fn a_place_without_a_database_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| DatabaseUrl::Sqlite(folder.path().join(name));
    let missing = refused(&at("no/such.db")).await;
    assert!(missing.contains("no of") && missing.contains("is not there: make it first"), "{missing}");
    assert!(refused(&DatabaseUrl::Sqlite(folder.path().to_owned())).await.contains("is not a file"));
    fs::write(folder.path().join("text.db"), "this is no database, it is a text that is long enough").unwrap();
    let text = refused(&at("text.db")).await;
    assert!(text.ends_with("text.db is not an SQLite database"), "{text}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_without_the_password() {
    let url: DatabaseUrl = "postgres://me:s3cret@127.0.0.1:1/db".parse().unwrap();
    let error = refused(&url).await;
    assert!(error.contains("PostgreSQL at 127.0.0.1:1 cannot be reached"), "{error}");
    assert!(error.contains("refused") && !error.contains("s3cret"), "{error}");
    assert_eq!(format!("{url} {url:?}"), "postgres://me@127.0.0.1:1/db postgres://me@127.0.0.1:1/db");
}

#[tokio::test]
async fn closing_finishes_what_waits_and_refuses_what_comes() {
    let it = fixture_with(Options { connections: 1, ..small() }).await;
    let (gate, held) = hold(&it.db).await;
    let mut waiting = Vec::new();
    for id in 0..10 {
        let db = it.db.clone();
        waiting.push(start(async move { insert(&db, format!("user-{id}")).await }).await);
    }
    let db = it.db.clone();
    let closing = start(async move { db.close().await }).await;
    gate.open();
    closing.done().await;
    held.done().await.unwrap();
    for unit in waiting {
        unit.done().await.unwrap();
    }
    let late = insert(&it.db, "late").await.unwrap_err();
    assert!(late.is_unavailable() && reason(late).contains("stopping"));
    let again = Db::open(&it.url, small()).await.unwrap();
    assert_eq!(users(&again).await.len(), 10);
}

#[tokio::test]
async fn dropping_the_last_handle_finishes_what_waits() {
    let it = fixture().await;
    let (gate, held) = hold(&it.db).await;
    let db = it.db.clone();
    let waiting = start(async move { insert(&db, "a").await }).await;
    gate.open();
    held.done().await.unwrap();
    waiting.done().await.unwrap();
    drop(it.db);
    let again = Db::open(&it.url, small()).await.unwrap();
    assert_eq!(users(&again).await, ["a"]);
}

#[tokio::test]
async fn a_full_queue_answers_at_once() {
    let it = fixture_with(Options { connections: 1, queue_capacity: 3, ..small() }).await;
    let (gate, held) = hold(&it.db).await;
    let mut waiting = Vec::new();
    for id in 0..3 {
        let db = it.db.clone();
        waiting.push(start(async move { insert(&db, format!("user-{id}")).await }).await);
    }
    assert_eq!(it.db.stats().queued_writes, 3);
    let one_too_many = tokio::time::timeout(std::time::Duration::from_secs(10), insert(&it.db, "one too many"));
    assert_eq!(one_too_many.await, Ok(Err(DbError::Busy)));
    assert!(DbError::Busy.is_unavailable());
    assert!(it.db.probe().await.is_err(), "a node that refuses work is not ready");
    gate.open();
    held.done().await.unwrap();
    for unit in waiting {
        unit.done().await.unwrap();
    }
    assert_eq!(users(&it.db).await.len(), 3);
}

#[tokio::test]
async fn a_probe_does_not_wait_for_ever() {
    let options = Options { connections: 1, probe_timeout: std::time::Duration::from_millis(50), ..small() };
    let it = fixture_with(options).await;
    let (gate, held) = hold(&it.db).await;
    assert!(matches!(it.db.probe().await, Err(DbError::Unavailable { .. })));
    gate.open();
    held.done().await.unwrap();
    assert_eq!(it.db.probe().await, Ok(()));
}

#[tokio::test]
async fn a_unit_whose_caller_has_gone_is_not_run() {
    let it = fixture_with(Options { connections: 1, ..small() }).await;
    let (gate, held) = hold(&it.db).await;
    let gone = tokio::time::timeout(std::time::Duration::from_millis(10), insert(&it.db, "gone"));
    assert!(gone.await.is_err());
    gate.open();
    held.done().await.unwrap();
    insert(&it.db, "here").await.unwrap();
    assert_eq!(users(&it.db).await, ["here"]);
}

#[test]
fn the_engine_of_a_run_is_chosen_by_its_environment() {
    let wanted = std::env::var("TEST_ENGINE").unwrap_or_else(|_| "sqlite".into());
    assert_eq!(format!("{:?}", testing::engine()).to_lowercase(), wanted);
}
