//! Parameters and cells, the same on both engines.

use proptest::prelude::*;
use sql::{Cell, DbError, FromValue, Statement, ToValue, Value, params, testing};

use crate::support::{LIST_USERS, fixture, insert, users};

const NOTE: Statement = Statement::new("NOTE", "INSERT INTO users (id, email, seen, hash) VALUES ($1, $2, $3, $4)");
const FIND: Statement = Statement::new("FIND", "SELECT email, seen, hash FROM users WHERE id = $1");

#[derive(Debug, Clone, PartialEq)]
struct Email(String);

impl ToValue for Email {
    fn to_value(&self) -> Value<'_> {
        self.0.to_value()
    }
}

impl FromValue for Email {
    fn from_cell(cell: Cell<'_>) -> Result<Self, DbError> {
        cell.text().map(|text| Email(text.to_owned()))
    }
}

#[tokio::test]
async fn every_kind_of_value_comes_back() {
    let it = fixture().await;
    let email = Email("é@example.test".into());
    let written = email.clone();
    let big = vec![7_u8; 3_000_000];
    it.db
        .write(move |tx| {
            tx.execute(&NOTE, params!["full", written, i64::MIN, [1_u8, 2, 255]])?;
            tx.execute(&NOTE, params!["empty", "", None::<i64>, None::<Vec<u8>>])?;
            tx.execute(&NOTE, params!["big", "b", Some(i64::MAX), big])
        })
        .await
        .map_err(|error: DbError| error)
        .unwrap();
    let found = it.db.read(move |tx| {
        tx.one(&FIND, params!["full"], |row| {
            assert_eq!((row.get(0), row.get(1), row.get(2)), (Ok(email.clone()), Ok(i64::MIN), Ok([1_u8, 2, 255])));
            assert!(row.get::<[u8; 2]>(2).is_err());
            assert!(row.get::<u32>(1).is_err());
            assert!(row.get::<i64>(3).is_err(), "there is no fourth column");
            Ok(())
        })?;
        tx.one(&FIND, params!["empty"], |row| {
            assert_eq!((row.get(0), row.get(1), row.get(2)), (Ok(String::new()), Ok(None::<i64>), Ok(None::<Vec<u8>>)));
            Ok(())
        })?;
        tx.one(&FIND, params!["big"], |row| {
            assert_eq!((row.get(1), row.get::<Vec<u8>>(2)?.len()), (Ok(Some(i64::MAX)), 3_000_000));
            Ok(())
        })
    });
    found.await.map_err(|error: DbError| error).unwrap();
}

#[tokio::test]
async fn parameters_are_bound_by_their_digits() {
    const BACKWARDS: Statement = Statement::new("BACKWARDS", "INSERT INTO users (email, id, seen) VALUES ($2, $1, $3)");
    const GAP: Statement = Statement::new("GAP", "INSERT INTO users (email, id, seen) VALUES ($2, $1, $4)");
    const TWICE: Statement =
        Statement::new("TWICE", "SELECT id FROM users WHERE (id = $1 OR email = $1) AND seen > $2");
    const TEN: Statement = Statement::new(
        "TEN",
        "SELECT $10 || $9 || $8 || $7 || $6 || $5 || $4 || $3 || $2 || CAST($1 AS TEXT) || id FROM users",
    );
    let it = fixture().await;
    insert(&it.db, "x").await.unwrap();
    let ten = it
        .db
        .read(|tx| tx.one(&TEN, params!["1", "2", "3", "4", "5", "6", "7", "8", "9", "0"], |row| row.get::<String>(0)));
    assert_eq!(ten.await, Ok::<_, DbError>("0987654321x".into()));
    let backwards = it.db.write(|tx| {
        tx.execute(&BACKWARDS, params!["a", "b", 5_i64])?;
        let list = |tx: &mut sql::Tx<'_>, key: &str| tx.list(&TWICE, params![key, 4_i64], |row| row.get::<String>(0));
        Ok::<_, DbError>([list(tx, "a")?, list(tx, "b")?, list(tx, "c")?])
    });
    assert_eq!(backwards.await, Ok([vec!["a".to_owned()], vec!["a".to_owned()], vec![]]));
    let gap = it.db.write(|tx| tx.execute(&GAP, params!["a", "b", 5_i64]));
    assert!(matches!(gap.await, Err(DbError::Broken(_))));
}

#[tokio::test]
async fn a_wrong_number_of_parameters_is_an_error() {
    let it = fixture().await;
    let too_few = it.db.read(|tx| tx.find(&FIND, params![], |_| Ok(())));
    let too_few = too_few.await.unwrap_err();
    assert_eq!(too_few, DbError::Broken("FIND: 0 parameters given, the statement's highest is $1".into()));
    let too_many = it.db.read(|tx| tx.find(&FIND, params!["a", "b"], |_| Ok(()))).await.unwrap_err();
    assert_eq!(too_many, DbError::Broken("FIND: 2 parameters given, the statement's highest is $1".into()));
    let for_none = it.db.read(|tx| tx.list(&LIST_USERS, params!["a"], |_| Ok(()))).await.unwrap_err();
    assert_eq!(for_none, DbError::Broken("LIST_USERS: 1 parameters given, the statement's highest is $0".into()));
}

#[tokio::test]
async fn find_one_and_list_keep_count() {
    const ALL: Statement = Statement::new("ALL", "SELECT id FROM users");
    const RETURNING: Statement = Statement::new("RETURNING", "UPDATE users SET seen = $1 RETURNING id");
    let it = fixture().await;
    let read = |unit: fn(&mut sql::Tx<'_>) -> Result<Option<String>, DbError>| it.db.read(unit);
    let find = |tx: &mut sql::Tx<'_>| tx.find(&ALL, params![], |row| row.get(0));
    let one = |tx: &mut sql::Tx<'_>| tx.one(&ALL, params![], |row| row.get(0)).map(Some);
    assert_eq!(read(find).await, Ok(None));
    assert_eq!(read(one).await, Err(DbError::Broken("ALL: no row".into())));
    insert(&it.db, "a").await.unwrap();
    assert_eq!(read(find).await, Ok(Some("a".into())));
    assert_eq!(read(one).await, Ok(Some("a".into())));
    insert(&it.db, "b").await.unwrap();
    assert_eq!(read(find).await, Err(DbError::Broken("ALL: more than one row".into())));
    let returned = it.db.write(|tx| tx.list(&RETURNING, params![3_i64], |row| row.get::<String>(0)));
    let mut returned = returned.await.map_err(|error: DbError| error).unwrap();
    returned.sort();
    assert_eq!(returned, ["a", "b"]);
    let not_asked = it.db.write(|tx| tx.execute(&RETURNING, params![4_i64]));
    assert!(matches!(not_asked.await, Err(DbError::Broken(_))));
}

#[tokio::test]
async fn comparisons_and_counts_are_integers() {
    const ASK: Statement = Statement::new(
        "ASK",
        "SELECT EXISTS (SELECT 1 FROM users WHERE id = $1), count(*), count(*) > 5, CAST(sum(seen) AS BIGINT) FROM users",
    );
    let it = fixture().await;
    insert(&it.db, "a").await.unwrap();
    let asked = it.db.read(|tx| {
        tx.one(&ASK, params!["a"], |row| {
            Ok((row.get::<i64>(0)?, row.get::<i64>(1)?, row.get::<i64>(2)?, row.get::<Option<i64>>(3)?))
        })
    });
    assert_eq!(asked.await, Ok::<_, DbError>((1, 1, 0, None)));
}

#[tokio::test]
async fn text_is_ordered_by_its_bytes() {
    const ADD: Statement = Statement::new("ADD", "INSERT INTO words (word) VALUES ($1)");
    const LIST: Statement = Statement::new("LIST", "SELECT word FROM words ORDER BY word");
    const AFTER: Statement = Statement::new("AFTER", "SELECT word FROM words WHERE word > $1 ORDER BY word LIMIT $2");
    let it = fixture().await;
    let list = it.db.write(|tx| {
        for word in ["b", "A", "ä", "a", "B", "Z", "a-b", "ab", "_"] {
            tx.execute(&ADD, params![word])?;
        }
        Ok::<_, DbError>((
            tx.list(&LIST, params![], |row| row.get::<String>(0))?,
            tx.list(&AFTER, params!["Z", 3_i64], |row| row.get::<String>(0))?,
        ))
    });
    let (all, page) = list.await.unwrap();
    assert_eq!(all, ["A", "B", "Z", "_", "a", "a-b", "ab", "b", "ä"]);
    assert_eq!(page, ["_", "a", "a-b"]);
}

#[tokio::test]
async fn plans_tell_a_scan_of_a_table_from_a_search() {
    sql::statements! {
        BY_ID = "SELECT email FROM users WHERE id = $1";
        BY_HASH = "SELECT email FROM users WHERE hash = $1";
        FIRST_WORDS = "SELECT word FROM words WHERE word > $1 ORDER BY word LIMIT $2";
        CHANGE = "UPDATE users SET seen = $1 WHERE seen > $1";
        JOIN = "SELECT email FROM users JOIN grants ON user_id = id WHERE user_id = $1 AND app = $2";
    }
    let it = fixture().await;
    let scanned = |name: &str| {
        let plans = testing::plans(&it.url, STATEMENTS);
        let plan = plans.into_iter().find(|plan| plan.name == name).unwrap();
        (plan.full_scans(), plan)
    };
    for name in ["BY_ID", "FIRST_WORDS", "JOIN"] {
        assert_eq!(scanned(name).0, [""; 0], "{name}: {:?}", scanned(name).1);
    }
    for name in ["BY_HASH", "CHANGE"] {
        assert_eq!(scanned(name).0, ["users"], "{name}: {:?}", scanned(name).1);
    }
}

#[test]
fn a_value_shown_in_a_log_says_nothing_of_itself() {
    let shown = format!("{:?}", [Value::Null, Value::Int(42), Value::Text("s3cret"), Value::Blob(b"hash")]);
    assert_eq!(shown, "[null, an integer, a text of 6 bytes, a blob of 4 bytes]");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn any_text_and_any_bytes_come_back(text in "[^\0]{0,200}", blob in prop::collection::vec(any::<u8>(), 0..200), int: i64) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let it = fixture().await;
            let (email, hash) = (text.clone(), blob.clone());
            let unit = it.db.write(move |tx| {
                tx.execute(&NOTE, params!["id", email, int, hash])?;
                tx.one(&FIND, params!["id"], |row| Ok((row.get::<String>(0)?, row.get::<i64>(1)?, row.get::<Vec<u8>>(2)?)))
            });
            assert_eq!(unit.await.map_err(|error: DbError| error).unwrap(), (text, int, blob));
            assert_eq!(users(&it.db).await, ["id"]);
            it.db.close().await;
        });
    }
}
