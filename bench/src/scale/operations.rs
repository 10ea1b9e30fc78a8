//! What an operator does on the large data set: start, with few and with very many revocations to be remembered, look
//! somebody up, read the audit log, back up.

use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::time::Instant;

use jiomeet_oauth::time::Clock;
use sql::{DatabaseUrl, Db, Options, Statement, Tx, params};

use super::databases::watch;
use super::{DataSet, Place, file_size};
use crate::Fallible;

/// Rows of one unit of work.
const BATCH: i64 = 10_000;

const DAY: i64 = 86_400_000;

/// A revocation for every person of a page, as if each had taken everything back from an app.
const REVOKE: Statement = Statement::new(
    "REVOKE",
    "INSERT INTO revocations (grant_id, generation, revoked_at, until_at) SELECT substr(id, 3), -1, $1, $1
        FROM users WHERE id > $2 ORDER BY id LIMIT $3",
);
const LAST_OF_PAGE: Statement =
    Statement::new("LAST_OF_PAGE", "SELECT id FROM users WHERE id > $1 ORDER BY id LIMIT 1 OFFSET $2");
const FORGET: Statement = Statement::new(
    "FORGET",
    "DELETE FROM revocations WHERE (grant_id, generation) IN
        (SELECT grant_id, generation FROM revocations WHERE until_at = $1 LIMIT $2)",
);

/// Does all of it once.
pub async fn measure(place: &Place, database_url: Option<&str>, revocations: u64, backup: bool) -> Fallible<String> {
    let mut text = String::from("| what | time | memory |\n| --- | --- | --- |\n");
    let file = DataSet::Large.file(place);
    let url = database_url.map_or_else(|| format!("sqlite:{}", file.display()), str::to_owned);
    let mut verb = |what: &str, arguments: &[&str]| {
        let mut program = Command::new(&place.server);
        program.args(arguments).args(["--database-url", &url]).stdout(Stdio::null());
        let begun = Instant::now();
        let (_, peak_kib) = watch(program.spawn()?)?;
        let _ = writeln!(text, "| {what} | {:.2?} | {:.0} MiB |", begun.elapsed(), peak_kib as f64 / 1024.0);
        Fallible::Ok(())
    };
    verb("`db migrate`", &["db", "migrate"])?;
    verb("`db check`", &["db", "check"])?;
    verb("`user show`", &["user", "show", "person0500000@crowd.example"])?;
    verb("`audit list`", &["audit", "list"])?;
    if backup {
        let to = place.folder.join("backup.db");
        verb("`db backup`", &["db", "backup", "--to", &to.display().to_string()])?;
        let _ = writeln!(text, "| (the backup has {:.2} GB) | | |", file_size(&to)? as f64 / 1e9);
        std::fs::remove_file(&to)?;
    }
    start(place, database_url, "a start", &mut text)?;
    let until = Clock::system().now().as_millis() + DAY;
    let db = Db::open(&url.parse::<DatabaseUrl>()?, Options::default()).await?;
    let written = revoke(&db, until, i64::try_from(revocations)?).await?;
    start(place, database_url, &format!("a start with {written} revocations of living tokens more"), &mut text)?;
    loop {
        let unit = move |tx: &mut Tx<'_>| tx.execute(&FORGET, params![until, BATCH]);
        if db.write(unit).await? == 0 {
            break;
        }
    }
    db.close().await;
    Ok(text)
}

fn start(place: &Place, database_url: Option<&str>, what: &str, text: &mut String) -> Fallible<()> {
    let begun = Instant::now();
    let mut deployment = DataSet::Large.start(place, database_url)?;
    let took = begun.elapsed();
    let memory = deployment.target.usage()?.memory_mib();
    let _ = writeln!(text, "| {what} | {took:.2?} | {memory:.0} MiB |");
    deployment.stop()
}

async fn revoke(db: &Db, until: i64, count: i64) -> Fallible<i64> {
    let mut after = String::from("u-");
    let mut written = 0;
    while written < count {
        let (page, from) = (BATCH.min(count - written), after.clone());
        let unit = move |tx: &mut Tx<'_>| {
            let rows = tx.execute(&REVOKE, params![until, from, page])?;
            Ok::<_, sql::DbError>((rows, tx.find(&LAST_OF_PAGE, params![from, page - 1], |row| row.get::<String>(0))?))
        };
        let (rows, last) = db.write(unit).await?;
        written += i64::try_from(rows)?;
        let Some(last) = last else { break };
        after = last;
    }
    Ok(written)
}
