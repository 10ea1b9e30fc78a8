//! What happens when a million rows expire at once while people go on: how fast they are swept away, and what the others
//! notice of it.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use jiomeet_oauth::time::Clock;
use sql::{DatabaseUrl, Db, DbError, Options, Statement, Tx, params};

use super::desk::{Desk, Person};
use super::{DataSet, Place};
use crate::Fallible;
use crate::calls::Tokens;
use crate::deployment::Target;
use crate::load::{self, Phase};

/// Rows of one unit of work.
const BATCH: i64 = 10_000;

/// Connections that call meanwhile.
const CONNECTIONS: usize = 4;

/// Calls of each operation in one round of load.
const CALLS: usize = 200;

/// How long the server may wait before it sweeps.
const PATIENCE: Duration = Duration::from_secs(120);

const DAY: i64 = 86_400_000;

/// Each of these gives every person of a page one row that has expired long ago. `$1` is the time, `$2` whoever comes
/// before the page, `$3` its length.
const EXPIRED: &[Statement] = &[
    Statement::twin(
        "EXPIRED_ONE_TIME_IDS",
        "INSERT INTO one_time_ids (id_hash, expires_at) SELECT unhex('01' || replace(substr(id, 3), '-', '')), $1
            FROM users WHERE id > $2 ORDER BY id LIMIT $3",
        "INSERT INTO one_time_ids (id_hash, expires_at) SELECT decode('01' || replace(substr(id, 3), '-', ''), 'hex'), $1
            FROM users WHERE id > $2 ORDER BY id LIMIT $3",
    ),
    Statement::twin(
        "EXPIRED_SESSIONS",
        "INSERT INTO sessions (id_hash, id, user_id, authenticated_at, created_at, last_seen_at, expires_at, address, user_agent)
            SELECT unhex('01' || replace(substr(id, 3), '-', '')), 'old' || id, id, $1, $1, $1, $1, '203.0.113.1', 'made up'
            FROM users WHERE id > $2 ORDER BY id LIMIT $3",
        "INSERT INTO sessions (id_hash, id, user_id, authenticated_at, created_at, last_seen_at, expires_at, address, user_agent)
            SELECT decode('01' || replace(substr(id, 3), '-', ''), 'hex'), 'old' || id, id, $1, $1, $1, $1, '203.0.113.1', 'made up'
            FROM users WHERE id > $2 ORDER BY id LIMIT $3",
    ),
    Statement::new(
        "EXPIRED_REVOCATIONS",
        "INSERT INTO revocations (grant_id, generation, revoked_at, until_at) SELECT substr(id, 3), -1, $1, $1
            FROM users WHERE id > $2 ORDER BY id LIMIT $3",
    ),
    Statement::twin(
        "EXPIRED_CODES",
        "INSERT INTO authorization_codes (code_hash, request_id, app_id, user_id, session_id, redirect_uri, scopes,
            authenticated_at, created_at, expires_at)
            SELECT unhex('01' || replace(substr(id, 3), '-', '')), 'old' || id, 'gone', id, 'gone', 'gone', 'user:read', $1, $1, $1
            FROM users WHERE id > $2 ORDER BY id LIMIT $3",
        "INSERT INTO authorization_codes (code_hash, request_id, app_id, user_id, session_id, redirect_uri, scopes,
            authenticated_at, created_at, expires_at)
            SELECT decode('01' || replace(substr(id, 3), '-', ''), 'hex'), 'old' || id, 'gone', id, 'gone', 'gone', 'user:read', $1, $1, $1
            FROM users WHERE id > $2 ORDER BY id LIMIT $3",
    ),
    Statement::twin(
        "EXPIRED_GRANTS",
        "INSERT INTO grants (id, code_hash, app_id, user_id, session_id, scopes, authenticated_at, created_at, generation,
            secret_hash, rotated_at, key_number, access_until, refresh_expires_at, last_used_at)
            SELECT substr(id, 3), unhex('02' || replace(substr(id, 3), '-', '')), 'gone', id, 'gone', 'user:read', $1, $1, 0,
                unhex('02'), $1, 1, $1, $1, $1
            FROM users WHERE id > $2 ORDER BY id LIMIT $3",
        "INSERT INTO grants (id, code_hash, app_id, user_id, session_id, scopes, authenticated_at, created_at, generation,
            secret_hash, rotated_at, key_number, access_until, refresh_expires_at, last_used_at)
            SELECT substr(id, 3), decode('02' || replace(substr(id, 3), '-', ''), 'hex'), 'gone', id, 'gone', 'user:read', $1, $1, 0,
                decode('02', 'hex'), $1, 1, $1, $1, $1
            FROM users WHERE id > $2 ORDER BY id LIMIT $3",
    ),
];

/// How many of the codes are left, which are swept first.
const COUNT_CODES: Statement = Statement::new(
    "COUNT_CODES",
    "SELECT COUNT(*) FROM authorization_codes WHERE grant_id IS NULL AND expires_at = $1",
);

/// Whether any of them is left.
const LEFT: &[Statement] = &[
    Statement::new("LEFT_IDS", "SELECT 1 FROM one_time_ids WHERE expires_at = $1 LIMIT 1"),
    Statement::new("LEFT_SESSIONS", "SELECT 1 FROM sessions WHERE expires_at = $1 LIMIT 1"),
    Statement::new("LEFT_REVOCATIONS", "SELECT 1 FROM revocations WHERE until_at = $1 LIMIT 1"),
    Statement::new(
        "LEFT_CODES",
        "SELECT 1 FROM authorization_codes WHERE expires_at = $1 AND grant_id IS NULL LIMIT 1",
    ),
    Statement::new("LEFT_GRANTS", "SELECT 1 FROM grants WHERE refresh_expires_at = $1 LIMIT 1"),
];

const LAST_OF_PAGE: Statement =
    Statement::new("LAST_OF_PAGE", "SELECT id FROM users WHERE id > $1 ORDER BY id LIMIT 1 OFFSET $2");

/// Lets `count` rows expire, a fifth of each kind, and watches.
pub async fn watch(place: &Place, database_url: Option<&str>, count: u64) -> Fallible<String> {
    let embedded = format!("sqlite:{}", DataSet::Large.file(place).display());
    let url: DatabaseUrl = database_url.unwrap_or(&embedded).parse()?;
    let expired_at = Clock::system().now().as_millis() - 3 * DAY;
    let begun = Instant::now();
    let db = Db::open(&url, Options::default()).await?;
    let each = i64::try_from(count)? / 5;
    expire(&db, expired_at, each).await?;
    db.close().await;
    eprintln!("{count} rows that have expired written in {:.0?}", begun.elapsed());

    let deployment = DataSet::Large.start(place, database_url)?;
    let desk = Desk { deployment: &deployment };
    // Not one of those whose pages are measured: what they hold shall stay little.
    let person = desk.person("ravi@example.com").await?;
    let db = Db::open(&url, Options::default()).await?;
    // The server looks around half a minute after its start. The round in which it begins belongs to neither.
    let (mut before, mut during, started) = (Load::default(), Load::default(), Instant::now());
    loop {
        let round = go_around(&deployment.target, &person).await?;
        let codes = db.read(move |tx| tx.one(&COUNT_CODES, params![expired_at], |row| row.get::<i64>(0))).await;
        if codes.map_err(|error: DbError| error)? < each {
            break;
        }
        before.add(round);
        if started.elapsed() > PATIENCE {
            return Err("the server does not sweep".into());
        }
    }
    let sweeping = Instant::now();
    while is_left(&db, expired_at).await? {
        during.add(go_around(&deployment.target, &person).await?);
    }
    let took = sweeping.elapsed();
    db.close().await;
    let mut text = format!(
        "{count} rows expired at once and were gone {took:.0?} after the sweep began: {:.0} a second, while {CONNECTIONS} connections \
         called; the server held {:.0} MiB.\n\n| | calls a second | median | 99 of 100, mean and worst round | slowest |\n\
         | --- | --- | --- | --- | --- |\n",
        count as f64 / took.as_secs_f64(),
        deployment.target.usage()?.memory_mib(),
    );
    for (index, name) in ["authorize", "exchange", "call with a new token", "refresh"].into_iter().enumerate() {
        for (when, load) in [("nothing to sweep", &before), ("meanwhile", &during)] {
            let _ = writeln!(text, "| {name}, {when} | {}", load.row(index));
        }
    }
    Ok(text)
}

async fn expire(db: &Db, expired_at: i64, each: i64) -> Fallible<()> {
    let mut after = String::from("u-");
    let mut written = 0;
    while written < each {
        let (page, from) = (BATCH.min(each - written), after.clone());
        let unit = move |tx: &mut Tx<'_>| {
            for statement in EXPIRED {
                tx.execute(statement, params![expired_at, from, page])?;
            }
            tx.find(&LAST_OF_PAGE, params![from, page - 1], |row| row.get::<String>(0))
        };
        let last = db.write(unit).await?;
        after = last.ok_or("there are not enough people to have so many rows expire")?;
        written += page;
    }
    Ok(())
}

async fn is_left(db: &Db, expired_at: i64) -> Result<bool, DbError> {
    db.read(move |tx| {
        for statement in LEFT {
            if tx.find(statement, params![expired_at], |_| Ok(()))?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    })
    .await
}

/// Each operation, with what the one before it gave.
async fn go_around(target: &Target, person: &Person) -> Fallible<Vec<Phase>> {
    let caller = &person.caller;
    let (authorize, codes) = load::run(target, CONNECTIONS, caller.authorize(), vec![(); CALLS]).await?;
    let (exchange, tokens) = load::run(target, CONNECTIONS, caller.exchange(), codes).await?;
    let access = |tokens: &[Tokens]| tokens.iter().map(|tokens| tokens.access_token.clone()).collect::<Vec<_>>();
    let (call, _) = load::run(target, CONNECTIONS, caller.bearer("call"), access(&tokens)).await?;
    let refresh_tokens = tokens.into_iter().map(|tokens| tokens.refresh_token).collect();
    let (refresh, _) = load::run(target, CONNECTIONS, caller.refresh(), refresh_tokens).await?;
    Ok(vec![authorize, exchange, call, refresh])
}

/// Rounds of load.
#[derive(Default)]
struct Load(Vec<Vec<Phase>>);

impl Load {
    fn add(&mut self, round: Vec<Phase>) {
        self.0.push(round);
    }

    fn row(&self, operation: usize) -> String {
        let of = |figure: fn(&Phase) -> f64| self.0.iter().filter_map(move |round| round.get(operation).map(figure));
        let mean = |figure| of(figure).sum::<f64>() / self.0.len().max(1) as f64;
        let most = |figure| of(figure).fold(0.0, f64::max);
        format!(
            "{:.0} | {:.2} ms | {:.2}, {:.2} ms | {:.1} ms |",
            mean(|phase| phase.rate),
            mean(|phase| phase.p50_ms),
            mean(|phase| phase.p99_ms),
            most(|phase| phase.p99_ms),
            most(|phase| phase.max_ms),
        )
    }
}
