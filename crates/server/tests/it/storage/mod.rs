//! Every statement of the program, on the real schema of the engine under test.

use jiomeet_oauth::migrations::{MIGRATIONS, statements};
use sql::testing::{Scratch, engine, plans};
use sql::{Db, DbError, Options, Statement, params};

/// Tables that stay small whatever the server does.
const SMALL: &[&str] = &["server_keys", "signing_keys"];

#[test]
fn no_statement_reads_through_a_growing_table() {
    let (database, _scratch) = Scratch::migrated(engine(), MIGRATIONS);
    let mut faults = Vec::new();
    for plan in plans(&database, &statements()) {
        let scanned: Vec<String> =
            plan.full_scans().into_iter().filter(|table| !SMALL.contains(&table.as_str())).collect();
        if !scanned.is_empty() {
            faults.push(format!("{} reads all of {}:\n  {}", plan.name, scanned.join(", "), plan.lines.join("\n  ")));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Foreign keys that compare otherwise than what they refer to. SQLite compares everything byte for byte.
const LIST_UNEQUAL: Statement = Statement::twin(
    "LIST_UNEQUAL",
    "SELECT '' WHERE FALSE",
    "SELECT k.conname FROM pg_constraint AS k
     JOIN pg_attribute AS c ON c.attrelid = k.conrelid AND c.attnum = k.conkey[1]
     JOIN pg_attribute AS p ON p.attrelid = k.confrelid AND p.attnum = k.confkey[1]
     WHERE k.contype = 'f' AND c.attcollation <> p.attcollation",
);

#[tokio::test]
async fn a_foreign_key_compares_as_what_it_refers_to() {
    let (database, _scratch) = Scratch::migrated(engine(), MIGRATIONS);
    let db = Db::open(&database, Options::default()).await.unwrap();
    let unequal = db.read(|tx| tx.list(&LIST_UNEQUAL, params![], |row| row.get::<String>(0))).await;
    assert_eq!(unequal.map_err(|error: DbError| error), Ok(Vec::new()), "no index would help to find their rows");
}

#[test]
fn what_hangs_on_a_grant_or_a_meeting_is_found_by_its_id() {
    let (database, _scratch) = Scratch::migrated(engine(), MIGRATIONS);
    let plans = plans(&database, &statements());
    for (name, column) in
        [("FIND_STANDING", "grant_id"), ("LIST_CANCELLED", "meeting_id"), ("LIST_PARTICIPANTS", "meeting_id")]
    {
        let plan = plans.iter().find(|plan| plan.name == name).unwrap();
        let by_id = |line: &String| {
            line.contains("Index Cond") && line.contains(&format!("{column} = "))
                || line.contains("SEARCH") && line.contains(&format!("{column}=?"))
        };
        assert!(plan.lines.iter().any(by_id), "{name}:\n  {}", plan.lines.join("\n  "));
    }
}
