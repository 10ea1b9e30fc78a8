//! What only a server has to fear. The run with `TEST_ENGINE=postgres` has these tests; on SQLite
//! there is nothing for them to ask.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use sql::{DatabaseUrl, Db, DbError, Engine, Options, Statement, params, testing};

use crate::support::{FIND_SEEN, Fixture, INSERT_USER, MARK, fixture, fixture_with, insert, small, users};

fn on_postgres() -> bool {
    testing::engine() == Engine::Postgres
}

/// Ends every session of the database but the one that asks.
async fn end_sessions(it: &Fixture) {
    const END: Statement = Statement::new(
        "END",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    let other = Db::open(&it.url, Options { connections: 1, ..small() }).await.unwrap();
    other.read(|tx| tx.list(&END, params![], |_| Ok(()))).await.map_err(|error: DbError| error).unwrap();
    other.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_were_lost_while_idle_cost_nobody_anything() {
    if !on_postgres() {
        return;
    }
    let it = fixture().await;
    for round in 0..3 {
        insert(&it.db, format!("before-{round}")).await.unwrap();
        end_sessions(&it).await;
        let units = (0..32).map(|number| {
            let db = it.db.clone();
            tokio::spawn(async move { insert(&db, format!("after-{round}-{number}")).await })
        });
        for unit in units.collect::<Vec<_>>() {
            assert_eq!(unit.await.unwrap(), Ok(()));
        }
    }
    assert!(it.db.stats().reconnects > 0);
    assert_eq!(users(&it.db).await.len(), 3 * 33);
}

#[tokio::test]
async fn a_plan_that_a_migration_has_outdated_is_made_anew() {
    if !on_postgres() {
        return;
    }
    const ALL: Statement = Statement::new("ALL", "SELECT * FROM users");
    const WIDEN: Statement = Statement::new("WIDEN", "ALTER TABLE users ADD COLUMN more TEXT");
    let it = fixture_with(Options { connections: 1, ..small() }).await;
    insert(&it.db, "a").await.unwrap();
    let all = || it.db.read(|tx| tx.one(&ALL, params![], |row| row.get::<String>(0)));
    assert_eq!(all().await, Ok::<_, DbError>("a".into()));
    it.db.write(|tx| tx.execute(&WIDEN, params![])).await.map_err(|error: DbError| error).unwrap();
    assert_eq!(all().await, Ok::<_, DbError>("a".into()));
}

#[tokio::test]
async fn nothing_is_written_outside_a_transaction() {
    if !on_postgres() {
        return;
    }
    const SETTINGS: Statement = Statement::new(
        "SETTINGS",
        "SELECT current_setting('default_transaction_read_only'), current_setting('transaction_isolation'),
                current_setting('synchronous_commit'), current_setting('statement_timeout'),
                current_setting('lock_timeout'), current_setting('application_name')",
    );
    let it = fixture().await;
    let settings = |row: &sql::Row<'_>| (0..6).map(|index| row.get::<String>(index)).collect::<Result<Vec<_>, _>>();
    let written = it.db.write(move |tx| tx.one(&SETTINGS, params![], settings)).await;
    assert_eq!(
        written,
        Ok::<_, DbError>(["on", "read committed", "on", "10s", "5s", "jiomeet-oauth"].map(str::to_owned).to_vec())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_is_waited_for_within_bounds() {
    if !on_postgres() {
        return;
    }
    let it = fixture_with(Options { lock_timeout: Duration::from_millis(100), ..small() }).await;
    insert(&it.db, "a").await.unwrap();
    let (gate, latch) = crate::support::gate();
    let db = it.db.clone();
    let holding = tokio::spawn(async move {
        db.write(move |tx| {
            tx.execute(&MARK, params![1_i64, "a"])?;
            latch.pass();
            Ok::<_, DbError>(())
        })
        .await
    });
    gate.wait();
    let waiting = it.db.write(|tx| tx.execute(&MARK, params![2_i64, "a"])).await;
    assert!(matches!(&waiting, Err(error @ DbError::Contended(_)) if error.is_unavailable()), "{waiting:?}");
    gate.open();
    holding.await.unwrap().unwrap();
}

const PASS: u8 = 0;
const LOSE_COMMIT: u8 = 1;
const LOSE_ANSWER: u8 = 2;
const SILENCE: u8 = 3;
const CUT: u8 = 4;

/// A wire between us and the server that breaks when it is told to.
fn wire(url: &DatabaseUrl) -> (DatabaseUrl, Arc<AtomicU8>) {
    let url = url.with_password();
    let (before, after) = url.rsplit_once('@').unwrap();
    let (server, database) = after.split_once('/').unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let here = listener.local_addr().unwrap();
    let mode = Arc::new(AtomicU8::new(PASS));
    let (server, told) = (server.to_owned(), mode.clone());
    thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.unwrap();
            if told.load(Ordering::SeqCst) == CUT {
                continue;
            }
            let server = TcpStream::connect(&server).unwrap();
            let (up, down) = ((client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client));
            let modes = [told.clone(), told.clone()];
            let [for_up, for_down] = modes;
            thread::spawn(move || copy(up.0, up.1, &for_up, true));
            thread::spawn(move || copy(down.0, down.1, &for_down, false));
        }
    });
    (format!("{before}@{here}/{database}").parse().unwrap(), mode)
}

fn copy(mut from: TcpStream, mut to: TcpStream, mode: &AtomicU8, from_client: bool) {
    let mut bytes = [0; 65536];
    let mut committing = false;
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        let mode = mode.load(Ordering::SeqCst);
        committing &= mode != PASS;
        committing |= mode != PASS && bytes[..count].windows(6).any(|word| word == b"COMMIT");
        let lost = match mode {
            LOSE_COMMIT => from_client && committing,
            LOSE_ANSWER => !from_client && committing,
            CUT => true,
            _ => false,
        };
        if lost {
            break;
        }
        if mode != SILENCE {
            to.write_all(&bytes[..count]).unwrap_or_default();
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_has_an_unknown_outcome() {
    if !on_postgres() {
        return;
    }
    let it = fixture().await;
    let (url, mode) = wire(&it.url);
    let db = Db::open(&url, Options { connections: 1, ..small() }).await.unwrap();
    insert(&db, "before").await.unwrap();
    // The server's answer to a COMMIT reads 'COMMIT' as well: both ways of losing it.
    for (how, id) in [(LOSE_COMMIT, "never-arrived"), (LOSE_ANSWER, "arrived")] {
        mode.store(how, Ordering::SeqCst);
        assert_eq!(insert(&db, id).await, Err(DbError::OutcomeUnknown), "{id}");
        mode.store(PASS, Ordering::SeqCst);
        insert(&db, format!("after-{id}")).await.unwrap();
    }
    assert_eq!(users(&it.db).await, ["after-arrived", "after-never-arrived", "arrived", "before"]);
    assert_eq!(db.stats().reconnects, 2);
}

#[tokio::test]
async fn a_server_that_falls_silent_is_given_up() {
    if !on_postgres() {
        return;
    }
    let it = fixture().await;
    let (url, mode) = wire(&it.url);
    let options = Options { connections: 1, statement_timeout: Duration::from_millis(100), ..small() };
    let options = Options { outage_patience: Duration::from_millis(300), ..options };
    let db = Db::open(&url, Options { connect_timeout: Duration::from_secs(2), ..options }).await.unwrap();
    insert(&db, "a").await.unwrap();
    mode.store(SILENCE, Ordering::SeqCst);
    let begun = Instant::now();
    let unit = insert(&db, "b").await;
    assert!(matches!(unit, Err(DbError::Unavailable { .. })), "{unit:?}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    // While no connection can be had, callers hear so, in time although an attempt to connect takes longer.
    let begun = Instant::now();
    assert!(insert(&db, "c").await.is_err_and(|error| error.is_unavailable()));
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    mode.store(PASS, Ordering::SeqCst);
    while insert(&db, "d").await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it never comes back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(users(&it.db).await, ["a", "d"]);
}

#[tokio::test]
async fn a_short_outage_is_ridden_out_and_a_long_one_told() {
    if !on_postgres() {
        return;
    }
    let it = fixture().await;
    let (url, mode) = wire(&it.url);
    let options = Options { connections: 2, outage_patience: Duration::from_secs(1), ..small() };
    let db = Db::open(&url, options).await.unwrap();
    insert(&db, "before").await.unwrap();
    mode.store(CUT, Ordering::SeqCst);
    let units = (0..20).map(|number| {
        let db = db.clone();
        tokio::spawn(async move { insert(&db, format!("during-{number:02}")).await })
    });
    let units: Vec<_> = units.collect();
    tokio::time::sleep(Duration::from_millis(400)).await;
    mode.store(PASS, Ordering::SeqCst);
    for unit in units {
        assert_eq!(unit.await.unwrap(), Ok(()), "its commit was not sent yet, so it ran again");
    }
    mode.store(CUT, Ordering::SeqCst);
    assert!(insert(&db, "late").await.is_err_and(|error| error.is_unavailable()));
    let begun = Instant::now();
    for _ in 0..10 {
        assert!(insert(&db, "refused").await.is_err_and(|error| error.is_unavailable()));
    }
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "nobody waits for what has been away long: {:?}",
        begun.elapsed()
    );
    mode.store(PASS, Ordering::SeqCst);
    let begun = Instant::now();
    while insert(&db, "after").await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(5), "it never comes back");
    }
    let there = users(&it.db).await;
    assert_eq!(there.len(), 22, "{there:?}");
}

#[tokio::test]
async fn of_several_hosts_the_one_that_takes_writes_is_found() {
    if !on_postgres() {
        return;
    }
    let it = fixture().await;
    let ((first, at_first), (second, at_second)) = (wire(&it.url), wire(&it.url));
    let (first, second) = (first.with_password(), second.with_password());
    let (login, rest) = first.rsplit_once('@').unwrap();
    let (_, place) = second.rsplit_once('@').unwrap();
    let (host, database) = rest.split_once('/').unwrap();
    let both =
        format!("{login}@{host},{}/{database}?target_session_attrs=read-write", place.split_once('/').unwrap().0);
    let options = Options { connections: 1, connect_timeout: Duration::from_millis(700), ..small() };
    at_first.store(SILENCE, Ordering::SeqCst);
    let db = Db::open(&both.parse().unwrap(), options).await.unwrap();
    insert(&db, "by-the-second").await.unwrap();
    at_first.store(PASS, Ordering::SeqCst);
    at_second.store(CUT, Ordering::SeqCst);
    insert(&db, "by-the-first").await.unwrap();
    assert_eq!(users(&it.db).await, ["by-the-first", "by-the-second"]);
}

#[tokio::test]
async fn only_a_write_is_taken_to_another_server() {
    if !on_postgres() {
        return;
    }
    let it = fixture_with(Options { connections: 1, ..small() }).await;
    let write = it.db.read(|tx| tx.execute(&INSERT_USER, params!["a", "a"])).await;
    assert!(matches!(&write, Err(DbError::Broken(_))), "a unit that only reads must not write: {write:?}");
    assert_eq!(it.db.stats().reconnects, 0, "and that is no reason to look for another server");
}

#[tokio::test]
async fn a_wrong_password_is_told_without_showing_it() {
    if !on_postgres() {
        return;
    }
    let it = fixture().await;
    let url = it.url.with_password();
    let (_, place) = url.rsplit_once('@').unwrap();
    let url: DatabaseUrl = format!("postgres://test:wr0ng@{place}").parse().unwrap();
    let error = Db::open(&url, small()).await.err().unwrap().to_string();
    assert!(error.contains("password authentication failed") && !error.contains("wr0ng"), "{error}");
}

#[tokio::test]
async fn connections_are_encrypted_when_the_url_says_so() {
    if !on_postgres() {
        return;
    }
    const ENCRYPTED: Statement =
        Statement::new("ENCRYPTED", "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl");
    let it = fixture().await;
    let authority = std::env::var("TEST_POSTGRES_CA").unwrap();
    let with = |query: &str| format!("{}?{query}", it.url.with_password()).parse::<DatabaseUrl>().unwrap();
    let db = Db::open(&with(&format!("sslmode=verify-full&sslrootcert={authority}")), small()).await.unwrap();
    let version = db.read(|tx| tx.one(&ENCRYPTED, params![], |row| row.get::<String>(0)));
    assert_eq!(version.await, Ok::<_, DbError>("TLSv1.3".into()));
    let unknown = Db::open(&with("sslmode=require"), small()).await.err().unwrap().to_string();
    assert!(unknown.contains("invalid peer certificate"), "{unknown}");
    assert!("postgres://h/d?sslmode=prefer".parse::<DatabaseUrl>().is_err());
}

#[tokio::test]
async fn many_small_reads_leave_no_transaction_open() {
    if !on_postgres() {
        return;
    }
    const OPEN: Statement = Statement::new(
        "OPEN",
        "SELECT count(*) FROM pg_stat_activity
          WHERE datname = current_database() AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'",
    );
    let it = fixture().await;
    insert(&it.db, "a").await.unwrap();
    let reads = (0..100).map(|_| {
        let db = it.db.clone();
        tokio::spawn(async move { db.read(|tx| tx.one(&FIND_SEEN, params!["a"], |_| Ok(()))).await })
    });
    for read in reads.collect::<Vec<_>>() {
        assert_eq!(read.await.unwrap(), Ok::<_, DbError>(()));
    }
    let other = Db::open(&it.url, Options { connections: 1, ..small() }).await.unwrap();
    let open = || other.read(|tx| tx.one(&OPEN, params![], |row| row.get::<i64>(0)));
    let begun = Instant::now();
    while open().await != Ok::<_, DbError>(0) {
        assert!(begun.elapsed() < Duration::from_secs(5), "transactions stay open");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // Interleaved with writes the end of a read goes with the next unit.
    for number in 0..20_i64 {
        it.db.read(|tx| tx.one(&FIND_SEEN, params!["a"], |_| Ok(()))).await.map_err(|error: DbError| error).unwrap();
        let id = format!("b-{number}");
        it.db.write(move |tx| tx.execute(&INSERT_USER, params![id, id])).await.map_err(|e: DbError| e).unwrap();
    }
    assert_eq!(users(&it.db).await.len(), 21);
}
