//! What a unit of work promises.

use sql::{DbError, params};

use crate::support::{CLAIM, FIND_SEEN, fixture};

#[tokio::test]
async fn what_is_answered_is_there() {
    let it = fixture().await;
    it.insert("a").await.unwrap();
    it.insert("b").await.unwrap();
    assert_eq!(it.users().await, ["a", "b"]);
    it.db.probe().await.unwrap();
    it.db.close().await;
}

#[tokio::test]
async fn one_of_many_callers_wins_a_conditional_update() {
    let it = fixture().await;
    for round in 0..20 {
        let id = format!("user-{round}");
        it.insert(&id).await.unwrap();
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
        let [winner] = winners[..] else { panic!("{winners:?} won") };
        let seen = it.db.read(move |tx| tx.one(&FIND_SEEN, params![id], |row| row.get::<i64>(0)));
        assert_eq!(seen.await, Ok::<_, DbError>(winner));
    }
}
