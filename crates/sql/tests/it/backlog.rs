//! Units that wait for others to share their commit. Only SQLite shares commits: these run there whatever `TEST_ENGINE`
//! says.

use std::time::Duration;

use sql::{Db, DbError, Engine, Options, Waiting, params, testing::Scratch};

use crate::support::{INSERT_USER, MIGRATIONS, Started, insert, small, start, users};

const FOR_EVER: Duration = Duration::from_secs(3600);

/// Long enough that a unit which waits for nothing would be done.
const A_WHILE: Duration = Duration::from_millis(100);

async fn open(gathering: Duration) -> (Db, Scratch) {
    let (url, scratch) = Scratch::migrated(Engine::Sqlite, MIGRATIONS);
    (Db::open(&url, Options { gathering, ..small() }).await.unwrap(), scratch)
}

/// More than there are cores.
fn long_backlog(db: &Db) -> Vec<Waiting> {
    (0..1024).map(|_| db.backlog().enter()).collect()
}

async fn patient(db: &Db, id: &'static str) -> Started<Result<(), DbError>> {
    let db = db.clone();
    start(async move {
        db.write_patiently(move |tx| tx.execute(&INSERT_USER, params![id, format!("{id}@example.test")]).map(drop))
            .await
    })
    .await
}

#[tokio::test]
async fn patient_units_share_a_commit_once_the_backlog_is_short() {
    let (db, _scratch) = open(FOR_EVER).await;
    let backlog = long_backlog(&db);
    let before = db.stats().commits;
    let units = [patient(&db, "a").await, patient(&db, "b").await, patient(&db, "c").await];
    tokio::time::sleep(A_WHILE).await;
    assert!(units.iter().all(|unit| !unit.is_done()));
    drop(backlog);
    for unit in units {
        unit.done().await.unwrap();
    }
    assert_eq!(db.stats().commits, before + 1);
    assert_eq!(users(&db).await, ["a", "b", "c"]);
}

#[tokio::test]
async fn without_a_backlog_nobody_waits() {
    let (db, _scratch) = open(FOR_EVER).await;
    patient(&db, "a").await.done().await.unwrap();
    let one = db.backlog().enter();
    drop(one);
    patient(&db, "b").await.done().await.unwrap();
    assert_eq!(users(&db).await, ["a", "b"]);
}

#[tokio::test]
async fn a_unit_that_cannot_wait_takes_the_patient_ones_along() {
    let (db, _scratch) = open(FOR_EVER).await;
    let _backlog = long_backlog(&db);
    insert(&db, "first").await.unwrap();
    let unit = patient(&db, "patient").await;
    tokio::time::sleep(A_WHILE).await;
    assert!(!unit.is_done());
    let before = db.stats().commits;
    insert(&db, "second").await.unwrap();
    unit.done().await.unwrap();
    assert_eq!(db.stats().commits, before + 1);
}

#[tokio::test]
async fn patience_ends() {
    let (db, _scratch) = open(A_WHILE).await;
    let _backlog = long_backlog(&db);
    let begun = std::time::Instant::now();
    patient(&db, "a").await.done().await.unwrap();
    assert!(begun.elapsed() >= A_WHILE);
}

#[tokio::test]
async fn a_database_that_closes_waits_for_no_one() {
    let (db, _scratch) = open(FOR_EVER).await;
    let _backlog = long_backlog(&db);
    let unit = patient(&db, "a").await;
    tokio::time::sleep(A_WHILE).await;
    assert!(!unit.is_done());
    db.close().await;
    unit.done().await.unwrap();
}
