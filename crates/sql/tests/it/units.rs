//! What a unit of work promises, on both engines.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use sql::{DbError, Statement, params};

use crate::support::{CLAIM, FIND_SEEN, INSERT_GRANT, INSERT_LATE, INSERT_USER, MARK, fixture, insert, users};

#[derive(Debug, PartialEq)]
enum Refusal {
    NotYours,
    Database(DbError),
}

impl From<DbError> for Refusal {
    fn from(error: DbError) -> Self {
        Refusal::Database(error)
    }
}

#[tokio::test]
async fn what_is_answered_is_there() {
    let it = fixture().await;
    insert(&it.db, "a").await.unwrap();
    insert(&it.db, "b").await.unwrap();
    assert_eq!(users(&it.db).await, ["a", "b"]);
}

#[tokio::test]
async fn err_takes_back_what_the_unit_wrote() {
    let it = fixture().await;
    let unit = it.db.write(|tx| {
        tx.execute(&INSERT_USER, params!["a", "a@example.test"])?;
        Err::<(), _>(Refusal::NotYours)
    });
    assert_eq!(unit.await, Err(Refusal::NotYours));
    assert_eq!(users(&it.db).await, [""; 0]);
}

#[tokio::test]
async fn a_panic_is_an_error_for_its_caller_alone() {
    let it = fixture().await;
    let unit = it.db.write(|tx| -> Result<(), DbError> {
        tx.execute(&INSERT_USER, params!["a", "a@example.test"])?;
        panic!("as it should")
    });
    assert_eq!(unit.await, Err(DbError::Panicked));
    let in_a_row = it.db.write(|tx| {
        tx.execute(&INSERT_USER, params!["b", "b@example.test"])?;
        tx.one(&FIND_SEEN, params!["b"], |row| Ok(row.get::<Option<i64>>(0)?.unwrap()))
    });
    assert_eq!(in_a_row.await, Err(DbError::Panicked));
    let in_a_read = it.db.read(|_| -> Result<(), DbError> { panic!("as it should") });
    assert_eq!(in_a_read.await, Err(DbError::Panicked));
    insert(&it.db, "c").await.unwrap();
    assert_eq!(users(&it.db).await, ["c"]);
}

#[tokio::test]
async fn a_failed_statement_poisons_its_unit() {
    let it = fixture().await;
    insert(&it.db, "a").await.unwrap();
    let went_on = it.db.write(|tx| {
        tx.execute(&INSERT_USER, params!["b", "b@example.test"])?;
        assert!(tx.execute(&INSERT_USER, params!["a", "other@example.test"]).is_err());
        assert_eq!(tx.execute(&INSERT_USER, params!["c", "c@example.test"]), Err(DbError::Poisoned));
        assert_eq!(tx.one(&FIND_SEEN, params!["a"], |_| Ok(())), Err(DbError::Poisoned));
        Ok::<_, DbError>("all is well")
    });
    assert_eq!(went_on.await, Err(DbError::Poisoned));
    assert_eq!(users(&it.db).await, ["a"]);
}

#[tokio::test]
async fn a_row_that_cannot_be_read_poisons_too() {
    let it = fixture().await;
    let unit = it.db.write(|tx| {
        tx.execute(&INSERT_USER, params!["a", "a@example.test"])?;
        let unreadable = tx.one(&FIND_SEEN, params!["a"], |row| row.get::<String>(0));
        assert_eq!(unreadable, Err(DbError::Broken("FIND_SEEN: column 0: expected text, found null".into())));
        Ok::<_, DbError>(())
    });
    assert_eq!(unit.await, Err(DbError::Poisoned));
    assert_eq!(users(&it.db).await, [""; 0]);
}

#[tokio::test]
async fn a_unique_conflict_has_the_same_name_on_both_engines() {
    let it = fixture().await;
    insert(&it.db, "a").await.unwrap();
    insert(&it.db, "b").await.unwrap();
    let grant = |user: &'static str, app: &'static str, note: &'static str| {
        it.db.write(move |tx| tx.execute(&INSERT_GRANT, params![user, app, note]))
    };
    grant("a", "app", "Note").await.unwrap();
    let same_id = it.db.write(|tx| tx.execute(&INSERT_USER, params!["a", "new@example.test"])).await.unwrap_err();
    assert!(same_id.is_unique("users.id"), "{same_id:?}");
    let same_email = it.db.write(|tx| tx.execute(&INSERT_USER, params!["c", "a@example.test"])).await.unwrap_err();
    assert!(same_email.is_unique("users.email"), "{same_email:?}");
    let same_pair = grant("a", "app", "other").await.unwrap_err();
    assert!(same_pair.is_unique("grants.user_id, grants.app"), "{same_pair:?}");
    let same_note = grant("b", "app", "nOTE").await.unwrap_err();
    assert!(same_note.is_unique("grants_lower_note"), "{same_note:?}");
    assert!(!same_note.is_unavailable());
}

#[tokio::test]
async fn a_foreign_key_is_kept() {
    let it = fixture().await;
    let unit = it.db.write(|tx| tx.execute(&INSERT_GRANT, params!["nobody", "app", "note"]));
    assert!(matches!(unit.await, Err(DbError::ForeignKey(_))));
    let at_commit = it.db.write(|tx| tx.execute(&INSERT_LATE, params!["nobody"]));
    assert!(matches!(at_commit.await, Err(DbError::ForeignKey(_))));
    insert(&it.db, "a").await.unwrap();
}

#[tokio::test]
async fn one_of_many_callers_wins_a_conditional_update() {
    let it = fixture().await;
    for round in 0..20 {
        let id = format!("user-{round}");
        insert(&it.db, id.clone()).await.unwrap();
        let mut callers = Vec::new();
        for caller in 1..=32_i64 {
            let (db, id) = (it.db.clone(), id.clone());
            callers.push(tokio::spawn(async move {
                let claim = db.write(move |tx| Ok::<_, DbError>(tx.execute(&CLAIM, params![caller, id])? == 1));
                (caller, claim.await.unwrap())
            }));
        }
        let mut winners = Vec::new();
        for task in callers {
            let (caller, won) = task.await.unwrap();
            winners.extend(won.then_some(caller));
        }
        assert_eq!(winners.len(), 1, "{winners:?}");
        let seen = it.db.read(move |tx| tx.one(&FIND_SEEN, params![id], |row| row.get::<i64>(0)));
        assert_eq!(seen.await, Ok::<_, DbError>(winners[0]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn units_that_lock_each_other_out_both_succeed() {
    let it = fixture().await;
    for id in ["a", "b"] {
        insert(&it.db, id).await.unwrap();
    }
    let runs = Arc::new(AtomicU32::new(0));
    for _ in 0..5 {
        let both = [["a", "b"], ["b", "a"]].map(|[first, second]| {
            let (db, runs) = (it.db.clone(), runs.clone());
            tokio::spawn(async move {
                db.write(move |tx| {
                    runs.fetch_add(1, Ordering::Relaxed);
                    tx.execute(&MARK, params![1_i64, first])?;
                    // Time for the other to take its own first row, where two can run at once.
                    std::thread::sleep(std::time::Duration::from_millis(100));
                    tx.execute(&MARK, params![2_i64, second])
                })
                .await
            })
        });
        for unit in both {
            assert_eq!(unit.await.unwrap(), Ok(1));
        }
    }
    let deadlocks = runs.load(Ordering::Relaxed) - 10;
    assert_eq!(deadlocks > 0, it.db.engine() == sql::Engine::Postgres, "{deadlocks} units ran again");
}

#[tokio::test]
async fn a_unit_that_reads_cannot_write() {
    let it = fixture().await;
    let unit = it.db.read(|tx| tx.execute(&INSERT_USER, params!["a", "a@example.test"]));
    assert!(matches!(unit.await, Err(DbError::Broken(_))));
    assert_eq!(users(&it.db).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_that_reads_sees_one_moment() {
    let it = fixture().await;
    insert(&it.db, "a").await.unwrap();
    let (gate, latch) = crate::support::gate();
    let db = it.db.clone();
    let reading = tokio::spawn(async move {
        db.read(move |tx| {
            let before = tx.one(&FIND_SEEN, params!["a"], |row| row.get::<Option<i64>>(0))?;
            latch.pass();
            Ok::<_, DbError>((before, tx.one(&FIND_SEEN, params!["a"], |row| row.get::<Option<i64>>(0))?))
        })
        .await
    });
    gate.wait();
    it.db.write(|tx| tx.execute(&MARK, params![7_i64, "a"])).await.map_err(|error: DbError| error).unwrap();
    gate.open();
    assert_eq!(reading.await.unwrap(), Ok((None, None)));
}

#[tokio::test]
async fn a_statement_that_never_ends_is_ended() {
    const ENDLESS: Statement = Statement::new(
        "ENDLESS",
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
    );
    let options = sql::Options { statement_timeout: std::time::Duration::from_millis(200), ..crate::support::small() };
    let it = crate::support::fixture_with(options).await;
    let reading = it.db.read(|tx| tx.one(&ENDLESS, params![], |row| row.get::<i64>(0)));
    assert!(matches!(reading.await, Err(DbError::TimedOut(_))));
    let writing = it.db.write(|tx| tx.one(&ENDLESS, params![], |row| row.get::<i64>(0)));
    assert!(matches!(writing.await, Err(DbError::TimedOut(_))));
    insert(&it.db, "a").await.unwrap();
    assert_eq!(users(&it.db).await, ["a"]);
}

#[tokio::test]
async fn units_without_a_statement_are_fine() {
    let it = fixture().await;
    for _ in 0..3 {
        assert_eq!(it.db.write(|_| Ok::<_, DbError>(1)).await, Ok(1));
        assert_eq!(it.db.read(|_| Ok::<_, DbError>(2)).await, Ok(2));
        assert_eq!(it.db.read(|_| Err::<(), _>(Refusal::NotYours)).await, Err(Refusal::NotYours));
        assert_eq!(it.db.write(|_| Err::<(), _>(Refusal::NotYours)).await, Err(Refusal::NotYours));
        users(&it.db).await;
    }
    insert(&it.db, "a").await.unwrap();
}
