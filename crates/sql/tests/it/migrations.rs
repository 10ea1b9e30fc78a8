//! The schema's steps.

use sql::{Applied, Db, DbError, Engine, Migration, Statement, params, testing, testing::Scratch};

use crate::support::small;

const FIRST: Migration =
    Migration::common(1, "first", "CREATE TABLE one (id BIGINT PRIMARY KEY); INSERT INTO one VALUES (1);");
const SECOND: Migration = Migration::twin(
    2,
    "second",
    "CREATE TABLE two (id INTEGER PRIMARY KEY); INSERT INTO one VALUES (2);",
    "CREATE TABLE two (id BIGINT PRIMARY KEY); INSERT INTO one VALUES (2);",
);
const LIST: Statement = Statement::new("LIST", "SELECT id FROM one ORDER BY id");

async fn empty() -> (Db, sql::DatabaseUrl, Scratch) {
    let (url, scratch) = Scratch::new(testing::engine());
    (Db::open(&url, small()).await.unwrap(), url, scratch)
}

async fn ids(db: &Db) -> Result<Vec<i64>, DbError> {
    db.read(|tx| tx.list(&LIST, params![], |row| row.get(0))).await
}

#[tokio::test]
async fn each_runs_once() {
    let (db, _, _scratch) = empty().await;
    assert_eq!(db.migrate(&[FIRST]).await, Ok(vec![Applied { number: 1, name: "first" }]));
    assert_eq!(db.migrate(&[FIRST]).await, Ok(vec![]));
    assert_eq!(db.migrate(&[FIRST, SECOND]).await, Ok(vec![Applied { number: 2, name: "second" }]));
    assert_eq!(db.migrate(&[FIRST, SECOND]).await, Ok(vec![]));
    assert_eq!(ids(&db).await, Ok(vec![1, 2]));
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_start_together_take_turns() {
    let (db, url, _scratch) = empty().await;
    let mut nodes = vec![db];
    for _ in 0..3 {
        nodes.push(Db::open(&url, small()).await.unwrap());
    }
    let starts: Vec<_> =
        nodes.iter().cloned().map(|db| tokio::spawn(async move { db.migrate(&[FIRST, SECOND]).await })).collect();
    let mut applied = Vec::new();
    for start in starts {
        applied.extend(start.await.unwrap().unwrap().into_iter().map(|step| step.number));
    }
    applied.sort_unstable();
    assert_eq!(applied, [1, 2]);
    assert_eq!(ids(&nodes[3]).await, Ok(vec![1, 2]));
}

#[tokio::test]
async fn one_that_fails_leaves_nothing_behind() {
    let broken = Migration::common(
        2,
        "broken",
        "INSERT INTO one VALUES (9); CREATE TABLE three (id BIGINT); INSERT INTO nowhere VALUES (1);",
    );
    let (db, _, _scratch) = empty().await;
    let error = db.migrate(&[FIRST, broken]).await.unwrap_err();
    assert!(matches!(&error, DbError::Broken(text) if text.starts_with("broken: ")), "{error:?}");
    assert_eq!(ids(&db).await, Ok(vec![1]));
    assert_eq!(db.migrate(&[FIRST, SECOND]).await, Ok(vec![Applied { number: 2, name: "second" }]));
    assert_eq!(ids(&db).await, Ok(vec![1, 2]));
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_refused() {
    let (db, _, _scratch) = empty().await;
    db.migrate(&[FIRST, SECOND]).await.unwrap();
    let error = db.migrate(&[FIRST]).await.unwrap_err();
    assert!(matches!(&error, DbError::Migration(text) if text.contains("use the newer program")), "{error:?}");
}

#[tokio::test]
async fn a_database_of_another_line_is_refused() {
    let (db, _, _scratch) = empty().await;
    db.migrate(&[FIRST]).await.unwrap();
    let other = Migration::common(1, "other", "SELECT 1;");
    assert!(matches!(db.migrate(&[other]).await, Err(DbError::Migration(_))));
}

#[tokio::test]
async fn numbers_rise_from_one() {
    let (db, _, _scratch) = empty().await;
    assert!(matches!(db.migrate(&[SECOND]).await, Err(DbError::Migration(_))));
    assert!(matches!(db.migrate(&[FIRST, FIRST]).await, Err(DbError::Migration(_))));
}

#[tokio::test]
async fn the_probe_writes_for_real() {
    let (db, _, _scratch) = empty().await;
    assert!(db.probe().await.is_err(), "there is no table for it before the migrations");
    db.migrate(&[]).await.unwrap();
    let before = db.stats().commits;
    assert_eq!(db.probe().await, Ok(()));
    assert_eq!(db.stats().commits, before + 1);
}

#[tokio::test]
async fn the_order_of_bytes_is_sqlites_own() {
    const WORDS: Migration =
        Migration::common(1, "words", "CREATE TABLE words (word TEXT COLLATE \"C\" NOT NULL PRIMARY KEY)");
    const SCHEMA: Statement = Statement::new("SCHEMA", "SELECT sql FROM sqlite_schema WHERE name = 'words'");
    let (db, _, _scratch) = empty().await;
    assert_eq!(db.migrate(&[WORDS]).await.map(|applied| applied.len()), Ok(1));
    if testing::engine() == Engine::Sqlite {
        let schema = db.read(|tx| tx.one(&SCHEMA, params![], |row| row.get::<String>(0))).await;
        assert_eq!(schema, Ok("CREATE TABLE words (word TEXT COLLATE BINARY NOT NULL PRIMARY KEY)".to_owned()));
    }
}
