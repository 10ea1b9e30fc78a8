//! How each engine means to run every statement of the program on the large data set, by what it knows of the tables then.
//!
//! The tests look at the same plans on a database without rows, where PostgreSQL has no choice but the index. Here it
//! may choose, and what it chose wrongly shows; so does a sort of many rows. SQLite does not say how many rows it sorts.

use std::fmt::Write as _;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use sql::{Engine, Statement};
use tokio_postgres::SimpleQueryMessage;

use super::databases::connect;
use crate::Fallible;

/// Rows that a plan may walk over or sort without anybody noticing.
const FEW: f64 = 10_000.0;

/// Tables that stay small, whatever the number of people.
const SMALL: &[&str] =
    &["server_keys", "signing_keys", "token_lifetimes", "schema_migrations", "database_probe", "jobs"];

/// The plans that walk over a growing table, or sort many rows.
///
/// # Errors
/// When an engine refuses a statement.
pub async fn look(file: &Path, database_url: Option<&str>) -> Fallible<String> {
    let statements = jiomeet_oauth::migrations::statements();
    let found = match database_url {
        Some(url) => on_postgres(url, &statements).await?,
        None => on_sqlite(file, &statements)?,
    };
    let mut text = format!("{} statements explained; ", statements.len());
    if found.is_empty() {
        text.push_str("none scans a growing table or sorts many rows.\n");
        return Ok(text);
    }
    let _ = writeln!(text, "{} to look at:", found.len());
    for (name, why) in found {
        let _ = writeln!(text, "{name}: {why}");
    }
    Ok(text)
}

/// Without figures about the tables, as the server runs, and with them.
fn on_sqlite(file: &Path, statements: &[Statement]) -> Fallible<Vec<(&'static str, String)>> {
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.create_collation("C", |left: &str, right: &str| left.cmp(right))?;
    let mut found = explain_on_sqlite(&connection, statements, "as it is")?;
    connection.execute_batch("PRAGMA analysis_limit = 1000; ANALYZE")?;
    let after = explain_on_sqlite(&connection, statements, "after ANALYZE");
    // The server makes no such figures: it shall be measured without.
    connection.execute_batch("DROP TABLE IF EXISTS sqlite_stat1; DROP TABLE IF EXISTS sqlite_stat4")?;
    found.extend(after?);
    Ok(found)
}

fn explain_on_sqlite(
    connection: &Connection,
    statements: &[Statement],
    when: &str,
) -> Fallible<Vec<(&'static str, String)>> {
    let mut found = Vec::new();
    for statement in statements {
        let text = statement.text(Engine::Sqlite);
        let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {text}"))?;
        let mut rows = explain.raw_query();
        let (is_bounded, mut gathered) = (text.contains("LIMIT"), Vec::new());
        while let Some(row) = rows.next()? {
            let line: String = row.get("detail")?;
            gathered.extend(line.strip_prefix("CO-ROUTINE ").map(str::to_owned));
            let scanned = line.strip_prefix("SCAN ").and_then(|rest| rest.split(' ').next());
            let is_table = scanned.is_some_and(|table| {
                !SMALL.contains(&table) && table != "CONSTANT" && !gathered.iter().any(|name| name == table)
            });
            let is_part = is_bounded && line.contains("INDEX");
            if is_table && !is_part && !line.contains("SUBQUERY") {
                found.push((statement.name(), format!("{line} ({when})")));
            }
        }
    }
    Ok(found)
}

async fn on_postgres(url: &str, statements: &[Statement]) -> Fallible<Vec<(&'static str, String)>> {
    let client = connect(url).await?;
    // As a prepared statement is planned once it has been used a few times.
    client.batch_execute("SET plan_cache_mode = force_generic_plan").await?;
    let mut found = Vec::new();
    for statement in statements {
        let text = statement.text(Engine::Postgres);
        let parameters =
            client.prepare(text).await.map_err(|error| format!("{}: {error}", statement.name()))?.params().len();
        let nulls = vec!["NULL"; parameters].join(", ");
        let arguments = if nulls.is_empty() { nulls } else { format!("({nulls})") };
        let asked = format!("PREPARE asked AS {text}; EXPLAIN EXECUTE asked{arguments}; DEALLOCATE asked");
        let lines = client.simple_query(&asked).await.map_err(|error| format!("{}: {error}", statement.name()))?;
        for message in lines {
            let SimpleQueryMessage::Row(row) = message else { continue };
            let line = row.get(0).unwrap_or_default().trim_start_matches([' ', '-', '>']);
            let table = line.split(" on ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or_default();
            let scans = line.starts_with("Seq Scan") || line.starts_with("Parallel Seq Scan");
            if (scans && !SMALL.contains(&table)) || (line.starts_with("Sort ") && rows_of(line) > FEW) {
                found.push((statement.name(), line.to_owned()));
            }
        }
    }
    Ok(found)
}

/// How many rows the line expects.
fn rows_of(line: &str) -> f64 {
    let rows = line.split("rows=").nth(1).and_then(|rest| rest.split(' ').next());
    rows.and_then(|rows| rows.parse().ok()).unwrap_or(0.0)
}
