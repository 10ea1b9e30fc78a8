//! Moving a database whole, and the snapshot of an embedded one.

use std::os::unix::fs::PermissionsExt as _;

use sql::{DatabaseUrl, Db, DbError, Engine, Migration, Statement, copy, params, snapshot, testing, testing::Scratch};

use crate::support::small;

/// The table that others refer to does not come first in the alphabet.
const PEOPLE: Migration = Migration::common(
    1,
    "people",
    "CREATE TABLE people (id TEXT PRIMARY KEY, photo BYTEA, born BIGINT);
     CREATE UNIQUE INDEX people_born ON people (born) WHERE born IS NOT NULL;
     CREATE TABLE badges (person TEXT NOT NULL REFERENCES people (id), kind TEXT COLLATE \"C\" NOT NULL, at BIGINT NOT NULL,
         PRIMARY KEY (person, kind));
     CREATE TABLE settings (name TEXT PRIMARY KEY, value BIGINT NOT NULL);
     INSERT INTO settings (name, value) VALUES ('made by the migration', 1);",
);

sql::statements! {
    INSERT_PERSON = "INSERT INTO people (id, photo, born) VALUES ($1, $2, $3)";
    INSERT_BADGE = "INSERT INTO badges (person, kind, at) VALUES ($1, $2, $3)";
    COUNT_BADGES = "SELECT COUNT(*) FROM badges";
    COUNT_PEOPLE = "SELECT COUNT(*) FROM people";
    FIND_PHOTO = "SELECT photo FROM people WHERE id = $1";
    CHANGE_SETTING = "UPDATE settings SET value = 2";
    SETTING = "SELECT value FROM settings";
}

async fn open(engine: Engine) -> (Db, DatabaseUrl, Scratch) {
    let (url, scratch) = Scratch::new(engine);
    (Db::open(&url, small()).await.unwrap(), url, scratch)
}

async fn count(db: &Db, statement: Statement) -> i64 {
    db.read(move |tx| tx.one(&statement, params![], |row| row.get(0))).await.map_err(|error: DbError| error).unwrap()
}

/// A database with 2,500 people, whose ids come in another order in each engine's own collation.
async fn filled(engine: Engine) -> (Db, DatabaseUrl, Scratch) {
    let (db, url, scratch) = open(engine).await;
    db.migrate(&[PEOPLE]).await.unwrap();
    let fill = |tx: &mut sql::Tx<'_>| {
        for number in 0..2_500_i64 {
            let id = format!("{}-{number}", ["a", "B", "é", "-", "ß 'x'"][usize::try_from(number % 5).unwrap()]);
            let photo = (number % 3 == 0).then(|| number.to_be_bytes().to_vec());
            let born = (number % 2 == 0).then_some(i64::MIN + number);
            tx.execute(&INSERT_PERSON, params![id, photo, born])?;
            tx.execute(&INSERT_BADGE, params![id, "Z", number])?;
            tx.execute(&INSERT_BADGE, params![id, "a", number])?;
        }
        tx.execute(&CHANGE_SETTING, params![]).map(drop)
    };
    db.write(fill).await.map_err(|error: DbError| error).unwrap();
    (db, url, scratch)
}

#[tokio::test]
async fn a_database_moves_to_the_other_engine_and_back_and_is_the_same() {
    let (embedded, _, _first) = filled(Engine::Sqlite).await;
    let (server, _, _second) = open(testing::engine()).await;
    let (back, _, _third) = open(Engine::Sqlite).await;
    let there = copy(&embedded, &server, &[PEOPLE], &[]).await.unwrap();
    let counts: Vec<_> = there.iter().map(|table| (table.name.as_str(), table.rows)).collect();
    assert_eq!(counts, [("badges", 5_000), ("people", 2_500), ("settings", 1)]);
    let again = copy(&server, &back, &[PEOPLE], &[]).await.unwrap();
    assert_eq!(there, again);
    let photo = back.read(|tx| tx.one(&FIND_PHOTO, params!["a-30"], |row| row.get::<Option<Vec<u8>>>(0))).await;
    assert_eq!(photo, Ok(Some(30_i64.to_be_bytes().to_vec())));
    let none = server.read(|tx| tx.one(&FIND_PHOTO, params!["B-1"], |row| row.get::<Option<Vec<u8>>>(0))).await;
    assert_eq!(none, Ok(None));
    assert_eq!(count(&back, SETTING).await, 2);
}

#[tokio::test]
async fn a_copy_keeps_the_rules_of_the_schema() {
    let (from, _, _first) = filled(Engine::Sqlite).await;
    let (to, _, _second) = open(testing::engine()).await;
    copy(&from, &to, &[PEOPLE], &[]).await.unwrap();
    let twin = to.write(|tx| tx.execute(&INSERT_PERSON, params!["twin", None::<i64>, i64::MIN]).map(drop)).await;
    assert!(matches!(twin, Err(DbError::Unique { .. })), "{twin:?}");
    let badge = to.write(|tx| tx.execute(&INSERT_BADGE, params!["nobody", "a", 1_i64]).map(drop)).await;
    assert!(matches!(badge, Err(DbError::ForeignKey(_))), "{badge:?}");
}

#[tokio::test]
async fn a_target_that_is_in_use_is_left_alone() {
    let (from, _, _first) = filled(Engine::Sqlite).await;
    let (to, _, _second) = filled(testing::engine()).await;
    assert!(matches!(copy(&from, &to, &[PEOPLE], &[]).await, Err(DbError::Migration(_))));
    assert_eq!(count(&to, COUNT_PEOPLE).await, 2_500);
}

#[tokio::test]
async fn a_source_with_another_schema_is_refused() {
    const MORE: Migration = Migration::common(2, "more", "ALTER TABLE people ADD COLUMN name TEXT");
    let (from, _, _first) = filled(testing::engine()).await;
    let (to, _, _second) = open(Engine::Sqlite).await;
    let refused = copy(&from, &to, &[PEOPLE, MORE], &[]).await;
    assert!(matches!(refused, Err(DbError::Migration(why)) if why.contains("db migrate")));
}

#[tokio::test]
async fn tables_that_are_left_out_stay_empty() {
    let (from, _, _first) = filled(Engine::Sqlite).await;
    let (to, _, _second) = open(testing::engine()).await;
    let copied = copy(&from, &to, &[PEOPLE], &["badges", "settings"]).await.unwrap();
    assert_eq!(copied.iter().map(|table| table.name.as_str()).collect::<Vec<_>>(), ["people"]);
    assert_eq!((count(&to, COUNT_BADGES).await, count(&to, COUNT_PEOPLE).await), (0, 2_500));
}

#[tokio::test]
async fn a_snapshot_shows_one_moment_of_a_database_that_is_written_to() {
    let (db, url, scratch) = filled(Engine::Sqlite).await;
    let DatabaseUrl::Sqlite(path) = url else { panic!("asked for SQLite") };
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("backup.db");
    let writing = tokio::spawn({
        let db = db.clone();
        async move {
            for number in 0..300_i64 {
                // Two rows that belong together.
                let pair = move |tx: &mut sql::Tx<'_>| {
                    let id = format!("new-{number}");
                    tx.execute(&INSERT_PERSON, params![id, None::<Vec<u8>>, number])?;
                    tx.execute(&INSERT_BADGE, params![id, "a", number]).map(drop)
                };
                db.write(pair).await.map_err(|error: DbError| error).unwrap();
            }
        }
    });
    let (from, target) = (path.clone(), to.clone());
    tokio::task::spawn_blocking(move || snapshot(&from, &target)).await.unwrap().unwrap();
    writing.await.unwrap();
    let copied = Db::open(&DatabaseUrl::Sqlite(to.clone()), small()).await.unwrap();
    let (people, badges) = (count(&copied, COUNT_PEOPLE).await, count(&copied, COUNT_BADGES).await);
    assert!((2_500..=2_800).contains(&people), "{people}");
    assert_eq!(badges - 5_000, people - 2_500);
    assert_eq!(std::fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
    copied.close().await;
    assert!(matches!(snapshot(&path, &to), Err(DbError::Unavailable { .. })), "never over another file");
    drop(scratch);
}

#[tokio::test]
async fn what_is_no_database_gives_no_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from.db"), folder.path().join("to.db"));
    std::fs::write(&from, b"not a database, but long enough to look like a file of some kind").unwrap();
    assert!(snapshot(&from, &to).is_err());
    assert!(snapshot(&folder.path().join("missing.db"), &to).is_err());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
}
