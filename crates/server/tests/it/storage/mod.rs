//! Every statement of the program, on the real schema of the engine under test.

use jiomeet_oauth::migrations::{MIGRATIONS, statements};
use sql::testing::{Scratch, engine, plans};

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
