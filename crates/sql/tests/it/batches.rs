//! Units that share a commit (SQLite), or only a moment (PostgreSQL): the promises are the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use sql::{DbError, Engine, Options, params};

use crate::support::{
    FIND_SEEN, INSERT_LATE, INSERT_USER, Started, fixture_with, gate, hold, insert, small, start, users,
};

fn alone() -> Options {
    // One connection: what waits on PostgreSQL is then run in its order, as on SQLite.
    Options { connections: 1, ..small() }
}

#[tokio::test]
async fn a_unit_that_fails_in_the_middle_costs_the_others_nothing() {
    let it = fixture_with(alone()).await;
    insert(&it.db, "before").await.unwrap();
    let (gate, held) = hold(&it.db).await;
    let before = it.db.stats();
    let mut waiting: Vec<Started<Result<(), DbError>>> = Vec::new();
    for number in 0..9 {
        let db = it.db.clone();
        let unit = async move {
            db.write(move |tx| {
                let id = format!("user-{number}");
                tx.execute(&INSERT_USER, params![id, id])?;
                match number {
                    2 => Err(DbError::Busy),
                    4 => panic!("as it should"),
                    6 => tx.execute(&INSERT_USER, params!["before", "twice"]).map(drop),
                    7 => {
                        let _ = tx.execute(&INSERT_USER, params!["before", "twice"]);
                        Ok(())
                    }
                    _ => Ok(()),
                }
            })
            .await
        };
        waiting.push(start(unit).await);
    }
    gate.open();
    held.done().await.unwrap();
    let mut outcomes = Vec::new();
    for unit in waiting {
        outcomes.push(unit.done().await);
    }
    let twice = DbError::Unique { key: "users.id".into() };
    let expected = [
        Ok(()),
        Ok(()),
        Err(DbError::Busy),
        Ok(()),
        Err(DbError::Panicked),
        Ok(()),
        Err(twice),
        Err(DbError::Poisoned),
        Ok(()),
    ];
    assert_eq!(outcomes, expected);
    assert_eq!(users(&it.db).await, ["before", "user-0", "user-1", "user-3", "user-5", "user-8"]);
    let after = it.db.stats();
    if it.db.engine() == Engine::Sqlite {
        // The unit that held the writer had a commit of its own.
        assert_eq!((after.commits - before.commits, after.batches - before.batches), (2, 1));
    }
    assert_eq!(after.write_units - before.write_units, 10);
}

/// How often three units of one batch run when the second of them is refused: after a look, or after it wrote.
async fn runs_beside_a_refusal(writes_first: bool) -> [u32; 3] {
    let it = fixture_with(alone()).await;
    let (gate, held) = hold(&it.db).await;
    let runs: Arc<[AtomicU32; 3]> = Arc::default();
    let mut waiting: Vec<Started<Result<(), DbError>>> = Vec::new();
    for number in 0..3 {
        let (db, runs) = (it.db.clone(), Arc::clone(&runs));
        let unit = async move {
            db.write(move |tx| {
                runs[number].fetch_add(1, Ordering::Relaxed);
                let id = format!("user-{number}");
                if number != 1 || writes_first {
                    tx.execute(&INSERT_USER, params![id, id])?;
                }
                let _ = tx.find(&FIND_SEEN, params![id], |row| row.get::<Option<i64>>(0))?;
                if number == 1 { Err(DbError::Busy) } else { Ok(()) }
            })
            .await
        };
        waiting.push(start(unit).await);
    }
    gate.open();
    held.done().await.unwrap();
    for (number, unit) in waiting.into_iter().enumerate() {
        assert_eq!(unit.done().await.is_err(), number == 1);
    }
    assert_eq!(users(&it.db).await, ["user-0", "user-2"]);
    [0, 1, 2].map(|number| runs[number].load(Ordering::Relaxed))
}

#[tokio::test]
async fn units_run_again_only_where_one_of_them_has_to_be_undone() {
    assert_eq!(runs_beside_a_refusal(false).await, [1, 1, 1]);
    let again = runs_beside_a_refusal(true).await;
    // The first two run once more, each in a savepoint; the third had not had its turn.
    let engine = fixture_with(alone()).await.db.engine();
    assert_eq!(again, if engine == Engine::Sqlite { [2, 2, 1] } else { [1, 1, 1] });
}

#[tokio::test]
async fn at_most_so_many_units_share_a_commit() {
    let it = fixture_with(Options { batch: 4, ..alone() }).await;
    let (gate, held) = hold(&it.db).await;
    let mut waiting = Vec::new();
    for number in 0..10 {
        let db = it.db.clone();
        waiting.push(start(async move { insert(&db, format!("user-{number}")).await }).await);
    }
    let before = it.db.stats().commits;
    gate.open();
    held.done().await.unwrap();
    for unit in waiting {
        unit.done().await.unwrap();
    }
    let commits = it.db.stats().commits - before;
    assert_eq!(commits, if it.db.engine() == Engine::Sqlite { 1 + 3 } else { 1 + 10 });
}

#[tokio::test]
async fn nobody_is_answered_before_the_commit() {
    let it = fixture_with(alone()).await;
    let (first_gate, held) = hold(&it.db).await;
    let db = it.db.clone();
    let first = start(async move { insert(&db, "first").await }).await;
    let (second_gate, latch) = gate();
    let db = it.db.clone();
    let second = start(async move {
        db.write(move |tx| {
            let seen = tx.find(&FIND_SEEN, params!["first"], |row| row.get::<Option<i64>>(0))?;
            latch.pass();
            Ok::<_, DbError>(seen)
        })
        .await
    })
    .await;
    first_gate.open();
    held.done().await.unwrap();
    second_gate.wait();
    if it.db.engine() == Engine::Sqlite {
        // The first has run (the second sees its row), yet it is not answered and nobody else sees it.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert!(!first.is_done());
        assert_eq!(users(&it.db).await, [""; 0]);
    }
    second_gate.open();
    first.done().await.unwrap();
    assert_eq!(second.done().await, Ok(Some(None)));
    assert_eq!(users(&it.db).await, ["first"]);
}

#[tokio::test]
async fn a_commit_that_fails_is_an_error_for_all_in_it() {
    let it = fixture_with(alone()).await;
    let (gate, held) = hold(&it.db).await;
    let db = it.db.clone();
    let innocent = start(async move { insert(&db, "innocent").await }).await;
    let db = it.db.clone();
    let guilty = start(async move { db.write(|tx| tx.execute(&INSERT_LATE, params!["nobody"]).map(drop)).await }).await;
    gate.open();
    held.done().await.unwrap();
    let innocent = innocent.done().await;
    assert!(matches!(guilty.done().await, Err(DbError::ForeignKey(_))));
    match it.db.engine() {
        Engine::Sqlite => {
            assert!(matches!(innocent, Err(DbError::ForeignKey(_))), "{innocent:?}");
            assert_eq!(users(&it.db).await, [""; 0]);
        }
        Engine::Postgres => {
            assert_eq!(innocent, Ok(()));
            assert_eq!(users(&it.db).await, ["innocent"]);
        }
    }
    insert(&it.db, "next").await.unwrap();
}
