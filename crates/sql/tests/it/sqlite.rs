//! What only an embedded file has to fear. These run on SQLite whatever `TEST_ENGINE` says.

use std::{path::PathBuf, process::Command, time::Duration};

use sql::{DatabaseUrl, Db, DbError, Engine, Options, Statement, params, testing::Scratch};

use crate::support::{INSERT_USER, MIGRATIONS, hold, insert, small, start, users};

async fn open(options: Options) -> (Db, PathBuf, Scratch) {
    let (url, scratch) = Scratch::migrated(Engine::Sqlite, MIGRATIONS);
    let db = Db::open(&url, options).await.unwrap();
    let DatabaseUrl::Sqlite(path) = url else { unreachable!("asked for SQLite") };
    (db, path, scratch)
}

/// Sets a pragma on the writer's connection.
async fn set(db: &Db, pragma: &'static str) {
    let set = Statement::new("PRAGMA", pragma);
    db.write(move |tx| tx.list(&set, params![], |_| Ok(()))).await.map_err(|error: DbError| error).unwrap();
}

#[tokio::test]
async fn a_full_disk_fails_every_unit_of_its_transaction_and_nothing_else() {
    const FILL: Statement = Statement::new("FILL", "INSERT INTO users (id, email, hash) VALUES ($1, $1, $2)");
    let (db, _, _scratch) = open(small()).await;
    insert(&db, "before").await.unwrap();
    set(&db, "PRAGMA max_page_count = 64").await;
    let (gate, held) = hold(&db).await;
    let mut units = Vec::new();
    for number in 0..5 {
        let db = db.clone();
        units.push(
            start(async move {
                db.write(move |tx| {
                    let id = format!("user-{number}");
                    // The third does not fit.
                    let hash = vec![1_u8; if number == 2 { 1_000_000 } else { 1 }];
                    tx.execute(&FILL, params![id, hash]).map(drop)
                })
                .await
            })
            .await,
        );
    }
    gate.open();
    held.done().await.unwrap();
    let mut saved = vec!["before".to_owned()];
    for (number, unit) in units.into_iter().enumerate() {
        match unit.done().await {
            Ok(()) => saved.push(format!("user-{number}")),
            Err(error) => assert_eq!(error, DbError::DiskFull),
        }
    }
    // Told 'saved' is saved, told 'failed' is not: the third failed, and took no one else's word back.
    assert_eq!(users(&db).await, saved);
    assert!(!saved.contains(&"user-2".to_owned()));
    assert!(saved.contains(&"user-4".to_owned()), "the units behind it go on");
    set(&db, "PRAGMA max_page_count = 100000").await;
    insert(&db, "after").await.unwrap();
}

#[tokio::test]
async fn a_full_disk_in_one_statement_of_many_rows() {
    const MANY: Statement = Statement::new(
        "MANY",
        "INSERT INTO users (id, email, hash)
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
         SELECT 'many-' || i, i, $1 FROM n",
    );
    let (db, _, _scratch) = open(small()).await;
    set(&db, "PRAGMA max_page_count = 64").await;
    let (gate, held) = hold(&db).await;
    let run = |id: &'static str, fill: bool| {
        let db = db.clone();
        start(async move {
            db.write(move |tx| {
                tx.execute(&INSERT_USER, params![id, id])?;
                if fill { tx.execute(&MANY, params![[0_u8; 100]]).map(drop) } else { Ok(()) }
            })
            .await
        })
    };
    let units = [run("first", false).await, run("fills", true).await, run("last", false).await];
    gate.open();
    held.done().await.unwrap();
    let mut saved = Vec::new();
    for (id, unit) in ["first", "fills", "last"].into_iter().zip(units) {
        match unit.done().await {
            Ok(()) => saved.push(id),
            Err(error) => assert_eq!(error, DbError::DiskFull),
        }
    }
    assert!(!saved.contains(&"fills"));
    assert_eq!(users(&db).await, saved);
}

const CHILD: &str = "SQL_TEST_SMALL_FILES";

/// A file that may not grow: the kernel refuses the write in the middle of a COMMIT. Run again as a
/// child under that limit, since a limit is of a whole process.
#[tokio::test]
async fn a_commit_that_the_disk_fails_has_an_unknown_outcome() {
    if std::env::var(CHILD).is_ok() {
        return fill_small_files().await;
    }
    let status = Command::new("bash")
        // Blocks of 1024 bytes; the signal that comes with the refusal would end the process.
        .args(["-c", "trap '' XFSZ; ulimit -f 400; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "sqlite::a_commit_that_the_disk_fails_has_an_unknown_outcome"])
        .env(CHILD, "1")
        .status()
        .unwrap();
    assert!(status.success());
}

async fn fill_small_files() {
    let options = Options { checkpoint_pages: 1_000_000, log_pages: 1_000_000, ..small() };
    let (db, path, _scratch) = open(options).await;
    let mut answered = Vec::new();
    let error = loop {
        let id = format!("user-{:04}", answered.len());
        match insert(&db, id.clone()).await {
            Ok(()) => answered.push(id),
            Err(error) => break error,
        }
        assert!(answered.len() < 1000, "the limit on the files' size does not work");
    };
    assert_eq!(error, DbError::OutcomeUnknown);
    assert!(!error.is_unavailable(), "nobody may simply try again");
    // The next unit finds a new connection. Its log has no room either.
    let next = insert(&db, "next").await;
    assert!(next.is_err());
    assert!(db.stats().reconnects >= 1);
    let there = users(&db).await;
    for id in &answered {
        assert!(there.contains(id), "{id} was answered and is lost");
    }
    // Moved into the file, the log has room again.
    let other = rusqlite::Connection::open(&path).unwrap();
    other.query_row("PRAGMA wal_checkpoint(RESTART)", (), |_| Ok(())).unwrap();
    insert(&db, "after").await.unwrap();
    assert_eq!(users(&db).await.len(), there.len() + 1);
}

#[tokio::test]
async fn another_process_that_writes_is_waited_for_within_bounds() {
    let (db, path, _scratch) = open(Options { busy_timeout: Duration::from_millis(100), ..small() }).await;
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE; INSERT INTO users (id, email) VALUES ('other', 'o')").unwrap();
    let error = insert(&db, "a").await.unwrap_err();
    assert!(matches!(error, DbError::Contended(_)) && error.is_unavailable(), "{error:?}");
    assert_eq!(users(&db).await, [""; 0], "readers do not wait");
    other.execute_batch("COMMIT").unwrap();
    insert(&db, "a").await.unwrap();
    assert_eq!(users(&db).await, ["a", "other"]);
}

fn log_size(path: &std::path::Path) -> u64 {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    std::fs::metadata(PathBuf::from(name)).map_or(0, |found| found.len() / 4096)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_does_not_grow_for_ever() {
    let options = Options { checkpoint_pages: 20, log_pages: 100, ..small() };
    let (db, path, _scratch) = open(options).await;
    let mut largest = 0;
    for round in 0..100 {
        let writers = (0..8).map(|writer| {
            let db = db.clone();
            tokio::spawn(async move { insert(&db, format!("{round:04}-{writer}")).await.unwrap() })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
        largest = largest.max(db.stats().log_pages);
    }
    assert!(largest >= 100, "this test writes too little: {largest} pages");
    // Four times the bound is the hard one; a batch may pass it.
    assert!(largest < 450, "{largest} pages");
    assert!(log_size(&path) < 450, "{} pages", log_size(&path));
    db.close().await;
    assert_eq!(log_size(&path), 0);
}

#[tokio::test]
async fn a_log_that_is_long_enough_begins_anew_before_the_hard_bound() {
    let (db, _, _scratch) = open(Options { checkpoint_pages: 20, log_pages: 100, ..small() }).await;
    let (mut largest, mut number) = (0, 0);
    loop {
        number += 1;
        insert(&db, format!("user-{number}")).await.unwrap();
        let pages = db.stats().log_pages;
        // Where the writer has to wait for its turn, the thread that copies catches up by itself before.
        if pages < largest && largest >= 100 {
            break;
        }
        largest = pages;
        assert!(number < 5_000, "it never grew long enough");
        assert!(largest < 300, "it only grows: {largest} pages");
        if largest > 100 {
            // The thread that copies has all the time it needs.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_holds_the_log_makes_it_grow_and_a_short_wait_follows() {
    let options = Options { checkpoint_pages: 20, log_pages: 50, busy_timeout: Duration::from_millis(1), ..small() };
    let (db, path, _scratch) = open(options).await;
    insert(&db, "first").await.unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN").unwrap();
    let count = |connection: &rusqlite::Connection| {
        connection.query_row("SELECT count(*) FROM users", (), |row| row.get::<_, i64>(0)).unwrap()
    };
    assert_eq!(count(&other), 1);
    for number in 0..150 {
        insert(&db, format!("user-{number}")).await.unwrap();
    }
    assert!(db.stats().log_pages > 200, "the writer goes on: {} pages", db.stats().log_pages);
    assert_eq!(count(&other), 1, "the reader's moment stands");
    other.execute_batch("COMMIT").unwrap();
    for number in 150..300 {
        insert(&db, format!("user-{number}")).await.unwrap();
    }
    assert!(db.stats().log_pages < 400, "{} pages", db.stats().log_pages);
    assert_eq!(count(&other), 301);
}

#[tokio::test]
async fn every_connection_is_set_up() {
    let (db, _, _scratch) = open(small()).await;
    let ask = |text: &'static str| Statement::new("PRAGMA", text);
    for (pragma, writer, reader) in [
        ("SELECT synchronous FROM pragma_synchronous", 2, None),
        ("SELECT foreign_keys FROM pragma_foreign_keys", 1, Some(1)),
        ("SELECT query_only FROM pragma_query_only", 0, Some(1)),
        ("SELECT journal_mode = 'wal' FROM pragma_journal_mode", 1, Some(1)),
        ("PRAGMA wal_autocheckpoint", 0, None),
    ] {
        let statement = ask(pragma);
        let at_writer = db.write(move |tx| tx.one(&statement, params![], |row| row.get::<i64>(0)));
        assert_eq!(at_writer.await, Ok::<_, DbError>(writer), "{pragma}");
        if let Some(expected) = reader {
            let at_reader = db.read(move |tx| tx.one(&statement, params![], |row| row.get::<i64>(0)));
            assert_eq!(at_reader.await, Ok::<_, DbError>(expected), "{pragma}");
        }
    }
    let double_quotes = ask("SELECT id FROM users WHERE id = \"no such column\"");
    assert!(
        db.read(move |tx| tx.list(&double_quotes, params![], |_| Ok(())))
            .await
            .is_err_and(|error: DbError| { matches!(error, DbError::Broken(_)) })
    );
}
